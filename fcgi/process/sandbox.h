/* sandbox.h: what a worker may ask of the system.
 *
 * Workers take apart what strangers send, so they can do no more than serve:
 * talk to what they are connected to, connect, read files (libpq's, the
 * resolver's, certificates), make threads and memory. No call is left that
 * starts a program, changes a file, its name or its rights, or looks into
 * another process. It holds with any user, root too, and there is no way back.
 *
 * It does not say which sockets may be connected to, nor which files may be
 * read: the user's rights do, and systemd's unit. */
#ifndef SANDBOX_H
#define SANDBOX_H

/* For this process and its children: no program that it starts (it starts
 * none) gets more rights than it has. Ends the process on failure. */
void sandbox_no_new_privileges(void);

/* Before the first thread; ends the process on failure. A call that is not
 * allowed fails with ENOSYS, opening a file for writing with EPERM; starting a
 * program ends the process by SIGSYS. */
void sandbox_enter(void);

#endif
