/* withdraw.h: one withdrawal on its way through the pipeline.
 *
 *   admit (token, lock, recorded answer)  ->  ledger  ->  settle  ->  answer
 *
 * The caller owns the struct, zeroes it, sets the upper part and keeps it
 * until done was called, which happens once, perhaps before withdraw_start()
 * returns. The caller cannot cancel: what has begun is carried to
 * its end, so that its outcome is known to the ledger. */
#ifndef WITHDRAW_H
#define WITHDRAW_H

#include <ev.h>
#include <stdint.h>

#include "pipeline/result.h"
#include "pipeline/twin.h"
#include "store/pg.h"
#include "store/redis.h"

#define OWNER_TEXT (UUID_TEXT + 21) /* of a lock: a UUID and a number */

struct service;

struct withdrawal {
	/* the request, checked */
	const struct service *service;
	const char *request; /* id, for the log */
	int64_t user;
	char order[UUID_TEXT];
	int64_t amount;        /* minor units, above zero */
	char token[UUID_TEXT]; /* "": none, or not of a token's form */
	void (*done)(struct withdrawal *w);

	/* the answer */
	struct result result;
	int64_t admit_us, ledger_us, settle_us; /* what each step took */

	/* the steps' own */
	char epoch[48];         /* of the record, where the ledger gave it */
	char owner[OWNER_TEXT]; /* "": the lock is not ours */
	void (*next)(struct withdrawal *w);
	int64_t step_began;
	bool distrust_cache; /* what it has for this order is garbled */
	int admission;       /* enum admission, of admit.c */
	enum pg_verdict verdict;
	struct redis_call redis_call;
	struct pg_call pg_call;
	struct twin_seat seat;
	struct twin_flight *flight;
	ev_timer settle_bound;
	char user_text[24], amount_text[24];
};

void withdraw_start(struct withdrawal *w);

#endif
