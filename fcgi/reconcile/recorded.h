/* recorded.h: a batch of answers that are, or should be, recorded in Redis:
 * compared with what the ledger says, and set right. And one lock. */
#ifndef RECORDED_H
#define RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/redis.h"
#include "pipeline/keys.h"
#include "pipeline/record.h"
#include "reconcile/answers.h"

#define RECORDED_BATCH 500

/* An answer that is or should be in Redis. */
struct answer {
	char key[KEY_TEXT];
	int64_t user;
	char order[UUID_TEXT];
	char right[RECORD_TEXT]; /* what the ledger says; "": nothing */
	int64_t left_s;          /* how long that is still worth keeping */
	bool expected;           /* not there: it is missing, and filled in */
};

struct recorded {
	struct answers *a;
	struct ctl_redis *redis;
	const char *epoch; /* the present one */
	struct answer batch[RECORDED_BATCH];
	redisReply *found[RECORDED_BATCH]; /* as recorded_read() found them */
	size_t n;
	bool failed; /* the ledger did not do its part; stderr was told */
};

/* Reads the values of the batch. The ledger is asked after this: an answer is
 * recorded after its commit, so that the ledger has what Redis had. */
void recorded_read(struct recorded *r);

/* Compares them with what is right, sets right what differs, fills in what is
 * missing, and empties the batch. */
void recorded_settle(struct recorded *r);

/* Empties the batch without doing anything. */
void recorded_drop(struct recorded *r);

/* Looks at a user's lock, and removes it if it outlives its lease. */
void recorded_lock(struct recorded *r, const char *key, int64_t user);

#endif
