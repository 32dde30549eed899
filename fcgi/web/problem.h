/* problem.h: the refusals of the service (RFC 9457): one row each. */
#ifndef PROBLEM_H
#define PROBLEM_H

#include "pipeline/result.h"

enum problem {
	PROBLEM_MALFORMED,
	PROBLEM_UNAUTHENTICATED,
	PROBLEM_SIGN_IN_FAILED,
	PROBLEM_INSUFFICIENT_FUNDS,
	PROBLEM_DECLINED,
	PROBLEM_CROSS_SITE,
	PROBLEM_ACCOUNT_FROZEN,
	PROBLEM_NOT_FOUND,
	PROBLEM_ORDER_UNKNOWN,
	PROBLEM_ACCOUNT_UNKNOWN,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_TOKEN_INVALID,
	PROBLEM_IN_PROGRESS,
	PROBLEM_BUSY,
	PROBLEM_ORDER_VOID,
	PROBLEM_TOO_LARGE,
	PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	PROBLEM_ORDER_MISMATCH,
	PROBLEM_BELOW_MINIMUM,
	PROBLEM_ABOVE_MAXIMUM,
	PROBLEM_DAILY_COUNT_LIMIT,
	PROBLEM_DAILY_SUM_LIMIT,
	PROBLEM_TOO_MANY_SIGN_INS,
	PROBLEM_SIGN_IN_UNAVAILABLE,
	PROBLEM_UNAVAILABLE,
	PROBLEM_OUTCOME_UNKNOWN,
	PROBLEMS
};

struct problem_row {
	int status;
	const char *code; /* the type is /problems/CODE */
	const char *title;
	const char *detail; /* unless a request has a better one */
	int retry_after;    /* seconds; 0: no such header */
};

const struct problem_row *problem_row(enum problem p);

/* The problem that a result other than OUTCOME_SUCCEEDED is answered with. */
enum problem problem_of_result(const struct result *r);

/* May the user make a new order without paying twice? Only where this order
 * can never debit. */
bool problem_safe_new_order(const struct result *r);

/* order_state as the contract spells it. */
const char *order_state_text(enum order_state s);

#endif
