/* admit.h: step 1, token and lock, and the recorded answer: one script, one
 * round trip, atomic. Redis only saves work here: whatever it says or forgets,
 * the ledger decides. */
#ifndef ADMIT_H
#define ADMIT_H

#include "store/redis.h"

struct withdrawal;

enum admission {
	ADMIT_GO,       /* token spent, lock taken: go on to the ledger */
	ADMIT_RECORDED, /* w->result.record is the recorded answer */
	ADMIT_TWIN,     /* the same order is under way */
	ADMIT_BUSY,     /* another order of the user is under way */
	ADMIT_NO_TOKEN, /* no valid token for (user, order) */
	ADMIT_GARBLED,  /* the recorded answer is not one: ask the ledger */
	ADMIT_NO_REDIS, /* nobody could say */
};

extern struct redis_script admit_script;

/* Asks; then next(w), with w->admission set. Not before this returns, except
 * when Redis is down or needed by no guard. */
void admit(struct withdrawal *w, void (*next)(struct withdrawal *w));

#endif
