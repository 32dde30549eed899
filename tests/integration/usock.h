/* Unix sockets by path. */
#ifndef USOCK_H
#define USOCK_H

/* A connection; -1 with errno where nobody listens. */
int usock_connect(const char *path);
/* A listening socket that everybody may connect to; -1 with errno. */
int usock_listen(const char *path);

#endif
