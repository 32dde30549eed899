/* unix.h: unix sockets by path. */
#ifndef TORTURE_UNIX_H
#define TORTURE_UNIX_H

/* A connection; -1 where nobody listens. */
int unix_connect(const char *path);

/* A listening socket that everybody may connect to. One that is there already
 * is replaced. Ends the program if it cannot be had. */
int unix_listen(const char *path);

#endif
