/* attempt.h: attempts to sign in are slowed down, each by several counts.
 *
 *   network   of the client's address: 30 are free
 *   pair      of name and network: 5 are free
 *   name      wherever they come from: 50 an hour are free
 *
 * Each further one has to wait, twice as long as the one before, up to 5
 * minutes (name: one). A stranger in another network can so not keep somebody
 * from signing in, and guesses from many networks are slow all the same: it
 * takes several networks that go on guessing to fill the count of a name.
 *
 * An attempt is counted before its password is looked at, so that many at once
 * gain nothing. It is taken back where no password was looked at, and where it
 * was the right one, which also makes the pair's count forgotten. What is taken
 * back is one's own: the failures of others, and the wait that they began, stay
 * as they are. */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <stdbool.h>

#include "store/redis.h"

extern struct redis_script attempt_script, attempt_back_script;

struct attempt_limit;
extern const struct attempt_limit attempt_by_network, attempt_by_pair,
    attempt_by_name;

/* An attempt in one of the counts. */
struct attempt {
	const struct attempt_limit *limit;
	char who[160];
	char till[24], born[24]; /* as it was counted */
};

/* The network of an address: of IPv6 its /64, which is one customer's. */
void attempt_network(const char *address, char out[64]);

/* Both may be the empty string where the count is not of them. */
void attempt_set(struct attempt *a, const struct attempt_limit *limit,
    const char *name, const char *network);

/* Asks whether there may be one more, and counts it. Returns false if Redis is
 * down; otherwise call->done is called with what attempt_wait_ms() reads. */
bool attempt_count(
    struct redis *redis, struct redis_call *call, const struct attempt *a);

/* How long to wait; 0: go on, it is counted. -1: no answer. */
long attempt_wait_ms(struct attempt *a, const struct redis_reply_items *items);

/* Takes back one that was counted; right: it had the right password. Returns
 * false if Redis is down. */
bool attempt_back(struct redis *redis, struct redis_call *call,
    const struct attempt *a, bool right);

#endif
