/* redis.h: the one Redis connection that all requests of a worker share.
 *
 * Only scripts are sent. Each carries a number of its own that the script
 * repeats as the first item of its reply: a reply that does not name the
 * oldest call under way, an error, an unasked byte or a silence of
 * redis_timeout_ms ends the connection, and with it every call under way.
 * Nothing is ever skipped over. It then connects anew in the background, and
 * meanwhile calls are refused at once.
 *
 * Why not hiredis' own async context: version 0.14 has no timeouts, and
 * aborts the process (an assert) on a reply that nobody asked for. */
#ifndef REDIS_H
#define REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct ev_loop;
struct redis;
struct redis_entry;

/* A script; text must put the last of its ARGV, as it is, first in its reply,
 * an array of strings. One object a script, shared by all calls. */
struct redis_script {
	const char *text;
	int keys;     /* how many of the arguments are keys; they come first */
	char sha[41]; /* filled in by redis_open() */
};

/* Arguments of a script at most, and items of a reply at most. */
#define REDIS_ARGS  12
#define REDIS_ITEMS 4

struct redis_reply_items {
	size_t n;
	/* NUL-terminated, until the return; "" for what has a NUL within */
	const char *text[REDIS_ITEMS];
};

/* A call under way; the caller's, who keeps it alive until done was called or
 * redis_forget(). items is NULL if no reply came: the script may or may not
 * have run. */
struct redis_call {
	void (*done)(
	    struct redis_call *call, const struct redis_reply_items *items);
	struct redis_entry *entry;
};

/* Starts connecting. scripts: all that will ever be called; they stay the
 * caller's and must outlive the connection. */
struct redis *redis_open(struct ev_loop *loop, const struct config *cfg,
    struct redis_script *const scripts[], size_t nscripts);

/* Drops the connection; calls under way are done without a reply. */
void redis_free(struct redis **redis);

/* Can calls be made now? */
bool redis_up(const struct redis *redis);

/* Why not, for people; "" before the first try ended. */
const char *redis_problem(const struct redis *redis);

/* Sends a script. Returns false, and never calls done, if Redis is down.
 * Otherwise done is called once, never before this returns. */
bool redis_call(struct redis *redis, struct redis_call *call,
    const struct redis_script *script, const char *const args[], size_t nargs);

/* The caller goes away or no longer waits: done will not be called. */
void redis_forget(struct redis_call *call);

#endif
