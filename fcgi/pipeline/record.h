/* record.h: the record of an order as the ledger has it: the only thing that
 * a final answer is made of, whether it comes from Postgres or the cache. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ident.h"

enum record_status {
	RECORD_SUCCEEDED = 1, /* the numbers of withdraw_record.status */
	RECORD_DECLINED = 2,
	RECORD_VOID = 3,
};

struct record {
	char order[UUID_TEXT];
	int64_t user;
	enum record_status status;
	bool has_amount; /* not where an order was voided unsent */
	int64_t amount;  /* minor units, as balance_after */
	char currency[4];
	char reason[24]; /* why declined; else "" */
	int64_t balance_after;
	int64_t version;    /* of the account, as the decision left it */
	int64_t created_us; /* microseconds since 1970, UTC */
	bool has_resets;    /* a daily limit declined it, which */
	int64_t resets_us;  /* starts anew then */
};

/* Room for a record as text, and its NUL. */
#define RECORD_TEXT 256

/* The columns of withdraw_find(), in its order. */
enum { RECORD_FIELDS = 9 };

/* Reads them as text, NULL for SQL's NULL. Returns false if they are not a
 * record: a ledger of another version. */
bool record_from_fields(
    const char *const f[RECORD_FIELDS], int64_t user, struct record *r);

/* The cached form. It names user and order itself, so that a value that turns
 * up under the wrong key is not taken for an answer. */
void record_encode(const struct record *r, char out[RECORD_TEXT]);

/* Returns false if text is not the cached record of (user, order). */
bool record_decode(
    const char *text, int64_t user, const char *order, struct record *r);

#endif
