/* fold.h: does a whole ledger fit together? Read once, in any order.
 *
 * Each row of the journal is an edge: it adds what it leaves behind (version,
 * balance, hash) and takes away what it says of the entry before it. In an
 * intact journal all but its beginning and its head cancel out, and those two
 * are what the account's row takes away and adds. Likewise a debit or a return
 * adds a number that its record takes away. The numbers have 64 bits, mixed
 * anew in each run: a sum that is not zero in the end does not fit.
 *
 * Users share BUCKETS sums, so that memory does not grow with them; who has a
 * sum that is not zero is a suspect, not more. */
#ifndef FOLD_H
#define FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reconcile/chain.h"

/* A user's bucket: the low bits of user_id. */
#define FOLD_BUCKETS (1 << 20)

struct fold;

struct fold *fold_open(void);
void fold_close(struct fold **fold);

/* What an entry is to its order. */
enum fold_kind { FOLD_OTHER, FOLD_WITHDRAW, FOLD_RETURN };

struct fold_state { /* of an account, at a version */
	int64_t version, balance;
	struct chain_bytes hash;
};

/* The account as it is: from nothing to there. */
void fold_account(
    struct fold *fold, int64_t user, const struct fold_state *now);

/* An entry: from one state to the next. order: 16 bytes, or none. */
void fold_entry(struct fold *fold, int64_t user, const struct fold_state *from,
    const struct fold_state *to, enum fold_kind kind, struct chain_bytes order);

/* A withdrawal that succeeded, and its return. */
void fold_debit(struct fold *fold, int64_t user, struct chain_bytes order,
    int64_t amount, int64_t version, int64_t balance_after);
void fold_return(
    struct fold *fold, int64_t user, struct chain_bytes order, int64_t amount);

/* This user is wrong whatever the sums say. */
void fold_suspect(struct fold *fold, int64_t user);

/* The next bucket that does not fit, from *bucket on; false: none is left. */
bool fold_next(const struct fold *fold, size_t *bucket);

#endif
