/* check_outcome.c: what a result is answered with, and what an answer may
 * claim. The table of problems is the contract's, sections 6 and 5. */
#include <string.h>

#include "suites.h"
#include "web/problem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	enum problem problem;
	const char *code;
	int status;
	bool retry; /* has Retry-After */
} contract[] = {
    {PROBLEM_MALFORMED, "malformed", 400, false},
    {PROBLEM_UNAUTHENTICATED, "unauthenticated", 401, false},
    {PROBLEM_SIGN_IN_FAILED, "sign-in-failed", 401, false},
    {PROBLEM_INSUFFICIENT_FUNDS, "insufficient-funds", 402, false},
    {PROBLEM_DECLINED, "declined", 402, false},
    {PROBLEM_CROSS_SITE, "cross-site", 403, false},
    {PROBLEM_ACCOUNT_FROZEN, "account-frozen", 403, false},
    {PROBLEM_NOT_FOUND, "not-found", 404, false},
    {PROBLEM_ORDER_UNKNOWN, "order-unknown", 404, false},
    {PROBLEM_ACCOUNT_UNKNOWN, "account-unknown", 404, false},
    {PROBLEM_METHOD_NOT_ALLOWED, "method-not-allowed", 405, false},
    {PROBLEM_TOKEN_INVALID, "token-invalid", 409, false},
    {PROBLEM_IN_PROGRESS, "in-progress", 409, true},
    {PROBLEM_BUSY, "busy", 409, true},
    {PROBLEM_ORDER_VOID, "order-void", 409, false},
    {PROBLEM_TOO_LARGE, "too-large", 413, false},
    {PROBLEM_UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", 415, false},
    {PROBLEM_ORDER_MISMATCH, "order-mismatch", 422, false},
    {PROBLEM_BELOW_MINIMUM, "below-minimum", 422, false},
    {PROBLEM_ABOVE_MAXIMUM, "above-maximum", 422, false},
    {PROBLEM_DAILY_COUNT_LIMIT, "daily-count-limit", 422, false},
    {PROBLEM_DAILY_SUM_LIMIT, "daily-sum-limit", 422, false},
    {PROBLEM_TOO_MANY_SIGN_INS, "too-many-sign-ins", 429, true},
    {PROBLEM_SIGN_IN_UNAVAILABLE, "sign-in-unavailable", 503, true},
    {PROBLEM_UNAVAILABLE, "unavailable", 503, true},
    {PROBLEM_OUTCOME_UNKNOWN, "outcome-unknown", 503, true},
};

START_TEST(contract_rows)
{
	size_t i, len;

	/* a new problem needs its row here */
	ck_assert_uint_eq(COUNT(contract), PROBLEMS);
	for (i = 0; i < COUNT(contract); i++) {
		const struct problem_row *r = problem_row(contract[i].problem);

		ck_assert_str_eq(r->code, contract[i].code);
		ck_assert_int_eq(r->status, contract[i].status);
		ck_assert_msg((r->retry_after > 0) == contract[i].retry,
		    "%s: Retry-After is %d", r->code, r->retry_after);
		ck_assert_uint_gt(strlen(r->title), 0);
		len = strlen(r->detail);
		ck_assert_uint_gt(len, 0);
		ck_assert_int_eq(r->detail[len - 1], '.');
	}
}
END_TEST

START_TEST(codes_differ)
{
	size_t i, j;

	for (i = 0; i < PROBLEMS; i++)
		for (j = i + 1; j < PROBLEMS; j++)
			ck_assert_str_ne(problem_row((enum problem)i)->code,
			    problem_row((enum problem)j)->code);
}
END_TEST

/* "Not withdrawn" may only be said of an order that is declined or void, or
 * that a look in the ledger did not find. */
START_TEST(nothing_claimed_without_a_look)
{
	static const enum problem unlooked[] = {PROBLEM_MALFORMED,
	    PROBLEM_UNAUTHENTICATED, PROBLEM_CROSS_SITE, PROBLEM_IN_PROGRESS,
	    PROBLEM_BUSY, PROBLEM_TOO_LARGE, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	    PROBLEM_UNAVAILABLE, PROBLEM_OUTCOME_UNKNOWN};
	size_t i;

	for (i = 0; i < COUNT(unlooked); i++) {
		const char *detail = problem_row(unlooked[i])->detail;

		ck_assert_msg(strcasestr(detail, "withdrawn") == NULL &&
			strcasestr(detail, "failed") == NULL,
		    "%s claims: %s", problem_row(unlooked[i])->code, detail);
	}
}
END_TEST

START_TEST(outcomes)
{
	static const struct {
		enum outcome outcome;
		enum problem problem;
	} cases[] = {
	    {OUTCOME_VOID, PROBLEM_ORDER_VOID},
	    {OUTCOME_MISMATCH, PROBLEM_ORDER_MISMATCH},
	    {OUTCOME_TOKEN_INVALID, PROBLEM_TOKEN_INVALID},
	    {OUTCOME_IN_PROGRESS, PROBLEM_IN_PROGRESS},
	    {OUTCOME_BUSY, PROBLEM_BUSY},
	    {OUTCOME_NO_ACCOUNT, PROBLEM_ACCOUNT_UNKNOWN},
	    {OUTCOME_UNAVAILABLE, PROBLEM_UNAVAILABLE},
	    {OUTCOME_UNKNOWN, PROBLEM_OUTCOME_UNKNOWN},
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct result r = {.outcome = cases[i].outcome};

		ck_assert_int_eq(problem_of_result(&r), cases[i].problem);
	}
}
END_TEST

START_TEST(declines)
{
	static const struct {
		const char *reason;
		enum problem problem;
	} cases[] = {
	    {"insufficient-funds", PROBLEM_INSUFFICIENT_FUNDS},
	    {"account-frozen", PROBLEM_ACCOUNT_FROZEN},
	    {"below-minimum", PROBLEM_BELOW_MINIMUM},
	    {"above-maximum", PROBLEM_ABOVE_MAXIMUM},
	    {"daily-count-limit", PROBLEM_DAILY_COUNT_LIMIT},
	    {"daily-sum-limit", PROBLEM_DAILY_SUM_LIMIT},
	    /* a reason of a later ledger is a decline all the same */
	    {"some-new-rule", PROBLEM_DECLINED},
	    {"insufficient", PROBLEM_DECLINED},
	    /* nor may it pass for a problem that is not a decline */
	    {"busy", PROBLEM_DECLINED},
	    {"order-unknown", PROBLEM_DECLINED},
	    {"unavailable", PROBLEM_DECLINED},
	    {"", PROBLEM_DECLINED},
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		struct result r = {
		    .outcome = OUTCOME_DECLINED, .has_record = true};

		r.record.status = RECORD_DECLINED;
		strcpy(r.record.reason, cases[i].reason);
		ck_assert_int_eq(problem_of_result(&r), cases[i].problem);
	}
}
END_TEST

/* True only where this order can never debit, and the ledger says so. */
START_TEST(safe_new_order)
{
	static const enum outcome all[] = {OUTCOME_SUCCEEDED, OUTCOME_DECLINED,
	    OUTCOME_VOID, OUTCOME_MISMATCH, OUTCOME_TOKEN_INVALID,
	    OUTCOME_IN_PROGRESS, OUTCOME_BUSY, OUTCOME_NO_ACCOUNT,
	    OUTCOME_UNAVAILABLE, OUTCOME_UNKNOWN};
	size_t i;

	for (i = 0; i < COUNT(all); i++) {
		struct result r = {.outcome = all[i]};

		/* without a record it is not known, whatever else is there */
		ck_assert(!problem_safe_new_order(&r));
		r.record.status = RECORD_DECLINED;
		ck_assert(!problem_safe_new_order(&r));
		r.has_record = true;
		r.record.status = RECORD_SUCCEEDED;
		ck_assert(!problem_safe_new_order(&r));
		r.record.status = RECORD_DECLINED;
		ck_assert(problem_safe_new_order(&r));
		r.record.status = RECORD_VOID;
		ck_assert(problem_safe_new_order(&r));
	}
}
END_TEST

START_TEST(states)
{
	ck_assert_str_eq(order_state_text(ORDER_NONE), "none");
	ck_assert_str_eq(order_state_text(ORDER_RUNNING), "running");
	ck_assert_str_eq(order_state_text(ORDER_SUCCEEDED), "succeeded");
	ck_assert_str_eq(order_state_text(ORDER_DECLINED), "declined");
	ck_assert_str_eq(order_state_text(ORDER_VOID), "void");
	ck_assert_str_eq(order_state_text(ORDER_UNKNOWN), "unknown");
}
END_TEST

Suite *
outcome_suite(void)
{
	Suite *s = suite_create("outcome");
	TCase *t = tcase_create("outcome");

	tcase_add_test(t, contract_rows);
	tcase_add_test(t, codes_differ);
	tcase_add_test(t, nothing_claimed_without_a_look);
	tcase_add_test(t, outcomes);
	tcase_add_test(t, declines);
	tcase_add_test(t, safe_new_order);
	tcase_add_test(t, states);
	suite_add_tcase(s, t);
	return s;
}
