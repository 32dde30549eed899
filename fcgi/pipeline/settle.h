/* settle.h: step 4, after the commit: record the answer in Redis and give the
 * lock back, in one round trip. Politeness only: nothing depends on it. */
#ifndef SETTLE_H
#define SETTLE_H

#include "store/redis.h"

struct withdrawal;

extern struct redis_script settle_script;

/* Sends what there is to settle: the record, if w->result has one, and the
 * lock, if it is ours. Then next(w): when Redis has acknowledged, or after
 * SETTLE_WAIT_MS, or at once if there is nothing to do or Redis is down. */
void settle(struct withdrawal *w, void (*next)(struct withdrawal *w));

#endif
