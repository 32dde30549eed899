/*
 * A proxy between withdrawd and Postgres or Redis that goes wrong when told
 * to. It listens on a unix socket, or on a port of 127.0.0.1, and runs in a
 * thread of the test.
 */
#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>
#include <stddef.h>

struct proxy;

struct proxy *proxy_start(const char *listen_path, const char *target_path);
/* On a free port, which it tells. */
struct proxy *proxy_start_tcp(const char *target_path, unsigned *port_r);
/* Ends all that the test has started. */
void proxy_stop_all(void);

/* From now on: everything passes; nothing passes, in neither direction, and
 * what comes is kept for later; all connections are closed, new ones too. */
void proxy_pass(struct proxy *proxy);
void proxy_stall(struct proxy *proxy);
void proxy_close(struct proxy *proxy);

/* Once: when a client sends these bytes, they go on to the server, but its
 * reply is swallowed; when `until` has come by in it, the connection is
 * closed (until NULL: it stays open and silent). */
void proxy_swallow(struct proxy *proxy, const void *trigger, size_t len,
    const void *until, size_t until_len);
/* How often that has happened. */
size_t proxy_swallowed(struct proxy *proxy);

/* Once: when a client sends these bytes, only the first `bytes` of what it
 * sends then (PROXY_REQUEST), or of the server's reply to it (PROXY_REPLY),
 * pass; then the connection is closed, or stays open and silent. A reply of
 * which nothing passes is closed when it comes. */
enum proxy_way { PROXY_REQUEST, PROXY_REPLY };
void proxy_cut(struct proxy *proxy, const void *trigger, size_t len,
    enum proxy_way way, size_t bytes, bool silent);
/* How often that has happened since, and how many bytes have passed. */
size_t proxy_cuts(struct proxy *proxy);
size_t proxy_passed(struct proxy *proxy);

/* Once: these bytes come before the server's next reply, as if the server
 * had sent them; proxy_injected says how often that has happened. */
void proxy_inject(struct proxy *proxy, const void *data, size_t len);
/* At once, on every connection, with nobody having asked. */
void proxy_inject_now(struct proxy *proxy, const void *data, size_t len);
size_t proxy_injected(struct proxy *proxy);

/* How many connections are open. */
size_t proxy_connections(struct proxy *proxy);

#endif
