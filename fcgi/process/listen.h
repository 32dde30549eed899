/* listen.h: the listening socket: made at a path, or inherited. */
#ifndef LISTEN_H
#define LISTEN_H

#include "base/config.h"

/* Opens cfg->socket (mode 0660), replacing one that a dead server left; or, if
 * there is none, takes file descriptor 0, where spawn-fcgi, multiwatch and
 * systemd put it. Fatal, with a message that says what to do, if neither can
 * be had. The socket does not block. */
int listen_open(const struct config *cfg);

/* Closes the socket, and removes what listen_open() made: whoever waits in its
 * queue is told at once. */
void listen_close(const struct config *cfg, int fd);

#endif
