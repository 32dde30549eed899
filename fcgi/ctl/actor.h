/* actor.h: who runs this command, for the audit. */
#ifndef CTL_ACTOR_H
#define CTL_ACTOR_H

/* The operating system's user, such as "alice"; "alice (as root)" if sudo says
 * so. Until the next call. */
const char *ctl_actor(void);

#endif
