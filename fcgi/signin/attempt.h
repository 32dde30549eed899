/* attempt.h: attempts to sign in are slowed down, by name and by address.
 *
 * The first few are free; each further one has to wait, twice as long as the
 * one before. An attempt is counted before its password is looked at, so that
 * many at once gain nothing; one that was right is taken back. */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <stdbool.h>

#include "store/redis.h"

extern struct redis_script attempt_script, forgive_script;

struct attempt_limit {
	const char *what; /* "name" or "address" */
	const char *free, *first_ms, *most_ms;
};
extern const struct attempt_limit attempt_by_name, attempt_by_address;

/* Asks whether there may be one more, and counts it. Returns false if Redis is
 * down; otherwise call->done is called with what attempt_wait_ms() reads. */
bool attempt_count(struct redis *redis, struct redis_call *call,
    const struct attempt_limit *limit, const char *who);

/* How long to wait; 0: go on. -1: no answer. */
long attempt_wait_ms(const struct redis_reply_items *items);

/* It was right: the name's count is forgotten, the address' goes one back.
 * Nobody waits for it. */
bool attempt_forgive(struct redis *redis, struct redis_call *call,
    const struct attempt_limit *limit, const char *who);

/* The address as it is counted: of IPv6, the network. out has 64 bytes. */
void attempt_address(const char *text, char out[64]);

#endif
