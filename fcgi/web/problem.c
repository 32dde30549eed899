/* problem.c: see problem.h. */
#include "problem.h"

#include <string.h>

static const struct problem_row rows[PROBLEMS] = {
    [PROBLEM_MALFORMED] = {400, "malformed", "Malformed request",
	"The request is not of the form that this call takes.", 0},
    [PROBLEM_UNAUTHENTICATED] = {401, "unauthenticated", "Not signed in",
	"The web server named no user for this request.", 0},
    [PROBLEM_SIGN_IN_FAILED] = {401, "sign-in-failed", "Not signed in",
	"The name and the password do not belong together.", 0},
    [PROBLEM_INSUFFICIENT_FUNDS] = {402, "insufficient-funds",
	"Not enough money",
	"The balance was below the amount. Nothing was "
	"withdrawn, and this order never will be.",
	0},
    [PROBLEM_DECLINED] = {402, "declined", "Declined",
	"The ledger declined it. Nothing was withdrawn, and this order "
	"never will be.",
	0},
    [PROBLEM_CROSS_SITE] = {403, "cross-site", "Cross-site request",
	"The browser says that another site made this request.", 0},
    [PROBLEM_ACCOUNT_FROZEN] = {403, "account-frozen", "Account frozen",
	"The account was frozen. Nothing was withdrawn, and this order "
	"never will be.",
	0},
    [PROBLEM_NOT_FOUND] = {404, "not-found", "No such resource",
	"There is nothing at this path.", 0},
    [PROBLEM_ORDER_UNKNOWN] = {404, "order-unknown", "Order not known",
	"The ledger has no record of this order so far.", 0},
    [PROBLEM_ACCOUNT_UNKNOWN] = {404, "account-unknown", "No account",
	"You have no account here. Nothing was withdrawn.", 0},
    [PROBLEM_METHOD_NOT_ALLOWED] = {405, "method-not-allowed",
	"Method not allowed", "See the Allow header.", 0},
    [PROBLEM_TOKEN_INVALID] = {409, "token-invalid", "Token not valid",
	"The token is missing, spent or expired. Nothing was withdrawn so "
	"far: fetch a new token for the same order, and send it again.",
	0},
    [PROBLEM_IN_PROGRESS] = {409, "in-progress", "Still in progress",
	"This order is under way. Send it again in a moment.", 1},
    [PROBLEM_BUSY] = {409, "busy", "Another withdrawal is under way",
	"Another order of yours is under way. Send this one again in a "
	"moment.",
	1},
    [PROBLEM_ORDER_VOID] = {409, "order-void", "Order void",
	"This order was closed before it was carried out. Nothing was "
	"withdrawn, and this order never will be.",
	0},
    [PROBLEM_TOO_LARGE] = {413, "too-large", "Body too large",
	"The body must not be longer than 4096 bytes.", 0},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {415, "unsupported-media-type",
	"Not JSON", "The body must be sent as application/json.", 0},
    [PROBLEM_ORDER_MISMATCH] = {422, "order-mismatch",
	"Same order, another amount",
	"This order was decided for another "
	"amount: see \"original\". Nothing was done now.",
	0},
    [PROBLEM_BELOW_MINIMUM] = {422, "below-minimum", "Amount too small",
	"The amount is below the smallest withdrawal. Nothing was "
	"withdrawn, and this order never will be.",
	0},
    [PROBLEM_ABOVE_MAXIMUM] = {422, "above-maximum", "Amount too large",
	"The amount is above the largest withdrawal. Nothing was "
	"withdrawn, and this order never will be.",
	0},
    [PROBLEM_DAILY_COUNT_LIMIT] = {422, "daily-count-limit",
	"No more withdrawals today",
	"The withdrawals of the day were used up. Nothing was withdrawn, and "
	"this order never will be. A new order can succeed from the time in "
	"\"resets_at\" on.",
	0},
    [PROBLEM_DAILY_SUM_LIMIT] = {422, "daily-sum-limit",
	"More than the day allows",
	"The amount was above what was left for the day. Nothing was "
	"withdrawn, and this order never will be. A new order for less may "
	"succeed; from the time in \"resets_at\" on the day's sum is whole "
	"again.",
	0},
    [PROBLEM_TOO_MANY_SIGN_INS] = {429, "too-many-sign-ins",
	"Too many attempts",
	"There were too many attempts to sign in. This one was not looked "
	"at: wait as long as Retry-After says.",
	1},
    [PROBLEM_SIGN_IN_UNAVAILABLE] = {503, "sign-in-unavailable",
	"Signing in is not possible now",
	"Nothing was changed. Try again in a moment.", 1},
    [PROBLEM_UNAVAILABLE] = {503, "unavailable", "Not available now",
	"This request was not carried out. Send it again, with the same "
	"order, in a moment.",
	1},
    [PROBLEM_OUTCOME_UNKNOWN] = {503, "outcome-unknown",
	"Outcome not known yet",
	"This request may have been carried out. "
	"Send it again, with the same order, to learn its outcome.",
	1},
};

const struct problem_row *
problem_row(enum problem p)
{
	return &rows[p];
}

/* withdraw_record.reason has the problem's own code. */
static enum problem
problem_of_reason(const char *reason)
{
	static const enum problem declines[] = {PROBLEM_INSUFFICIENT_FUNDS,
	    PROBLEM_ACCOUNT_FROZEN, PROBLEM_BELOW_MINIMUM,
	    PROBLEM_ABOVE_MAXIMUM, PROBLEM_DAILY_COUNT_LIMIT,
	    PROBLEM_DAILY_SUM_LIMIT};
	size_t i;

	for (i = 0; i < sizeof(declines) / sizeof(declines[0]); i++)
		if (strcmp(rows[declines[i]].code, reason) == 0)
			return declines[i];
	return PROBLEM_DECLINED; /* a reason of a newer ledger's */
}

enum problem
problem_of_result(const struct result *r)
{
	switch (r->outcome) {
	case OUTCOME_DECLINED:
		return problem_of_reason(r->record.reason);
	case OUTCOME_VOID:
		return PROBLEM_ORDER_VOID;
	case OUTCOME_MISMATCH:
		return PROBLEM_ORDER_MISMATCH;
	case OUTCOME_TOKEN_INVALID:
		return PROBLEM_TOKEN_INVALID;
	case OUTCOME_IN_PROGRESS:
		return PROBLEM_IN_PROGRESS;
	case OUTCOME_BUSY:
		return PROBLEM_BUSY;
	case OUTCOME_NO_ACCOUNT:
		return PROBLEM_ACCOUNT_UNKNOWN;
	case OUTCOME_UNAVAILABLE:
		return PROBLEM_UNAVAILABLE;
	case OUTCOME_UNKNOWN:
	case OUTCOME_SUCCEEDED: /* not a problem: the caller's mistake */
		break;
	}
	return PROBLEM_OUTCOME_UNKNOWN;
}

bool
problem_safe_new_order(const struct result *r)
{
	return r->has_record && r->record.status != RECORD_SUCCEEDED;
}

const char *
order_state_text(enum order_state s)
{
	switch (s) {
	case ORDER_NONE:
		return "none";
	case ORDER_RUNNING:
		return "running";
	case ORDER_SUCCEEDED:
		return "succeeded";
	case ORDER_DECLINED:
		return "declined";
	case ORDER_VOID:
		return "void";
	case ORDER_UNKNOWN:
		break;
	}
	return "unknown";
}
