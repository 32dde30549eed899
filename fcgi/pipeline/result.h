/* result.h: every outcome that a withdrawal can have. */
#ifndef RESULT_H
#define RESULT_H

#include <stdbool.h>

#include "pipeline/record.h"

enum outcome {
	/* Final: a committed record says so. */
	OUTCOME_SUCCEEDED,
	OUTCOME_DECLINED,
	OUTCOME_VOID,
	/* The order is decided, for another amount than this request's. */
	OUTCOME_MISMATCH,
	/* Retryable: the same order may be sent again. */
	OUTCOME_TOKEN_INVALID, /* and the ledger has no record of it so far */
	OUTCOME_IN_PROGRESS,   /* a twin is under way */
	OUTCOME_BUSY,          /* another order of the user is under way */
	OUTCOME_NO_ACCOUNT,    /* nothing to withdraw from, nothing recorded */
	OUTCOME_UNAVAILABLE,   /* this request surely did not run */
	OUTCOME_UNKNOWN,       /* this request may have run */
};

/* What an answer says about the order (order_state in the contract). */
enum order_state {
	ORDER_NONE, /* a look in the ledger found no record */
	ORDER_RUNNING,
	ORDER_SUCCEEDED,
	ORDER_DECLINED,
	ORDER_VOID,
	ORDER_UNKNOWN, /* nobody looked, or could */
};

/* Which guard gave the answer, for the log. */
enum answered_by { BY_NOBODY, BY_TOKEN, BY_LOCK, BY_LEDGER, BY_CACHE, BY_TWIN };

struct result {
	enum outcome outcome;
	enum order_state state;
	enum answered_by by;
	bool replayed; /* the record was there before this request */
	bool has_record;
	struct record record;
};

#endif
