/* notify.h: tells systemd about the state of the service, sd_notify(3)'s
 * protocol over $NOTIFY_SOCKET. Without that variable it does nothing. */
#ifndef NOTIFY_H
#define NOTIFY_H

void notify(const char *state); /* such as "READY=1" */

#endif
