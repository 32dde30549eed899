/* peer.h: the other end of a store's connection: a unix socket in a folder of
 * its own, served by the test in the same process. What is sent is there at
 * once, so that nothing has to be waited for. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>

struct peer {
	char folder[64], path[128];
	int listener, fd; /* -1: nobody is connected */
};

/* Listens at NAME in a new folder. */
void peer_open(struct peer *p, const char *name);
void peer_close(struct peer *p);

/* Takes a connection that waits, instead of the one before. Returns false if
 * there is none. */
bool peer_accept(struct peer *p);
void peer_hang_up(struct peer *p);
/* No one listens any more. */
void peer_deaf(struct peer *p);

/* Returns how many bytes were there; 0: none, or the end. */
size_t peer_read(struct peer *p, char *out, size_t room);
void peer_say(struct peer *p, const void *data, size_t len);

#endif
