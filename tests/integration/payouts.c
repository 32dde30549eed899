/* After the debit: payouts move once, daily limits hold in a storm. */
#include <check.h>
#include <string.h>

#include "cache.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "session.h"
#include "suites.h"
#include "support.h"

static const char operator_role[] = "withdraw_operator";

static const char *
mark(const char *order, const char *state)
{
	return keep_format("SELECT verdict FROM payout_mark('%s', '%s', 'R1', "
			   "'me', NULL)",
	    order, state);
}

static long
returns(const char *order)
{
	return ledger_number("SELECT count(*) FROM ledger_entry WHERE "
			     "order_id = $1::uuid AND kind = 'return'",
	    order, NULL);
}

/* The second of two at once waits for the first, and is told what stands. */
static const struct {
	const char *first, *second, *verdict, *balance;
	long returns;
} races[] = {
    {"returned", "returned", "already", "100.00", 1},
    {"returned", "paid", "other-state", "100.00", 1},
    {"paid", "returned", "other-state", "40.00", 0},
    {"paid", "paid", "already", "40.00", 0},
};

START_TEST(payout_moves_once)
{
	struct order order = order_new(ledger_open("100.00"), "60.00");
	struct http_response done = order_settle(&order);
	struct session *first = session_open(operator_role);
	struct session *second = session_open(operator_role);
	struct http_response answer;

	expect_success(&done, &order);
	session_run(first, "BEGIN");
	ck_assert_str_eq(
	    session_run(first, mark(order.id, races[_i].first)), "moved");
	session_send(second, mark(order.id, races[_i].second));
	WAIT_UNTIL(session_waits_for(second, first));
	session_run(first, "COMMIT");
	ck_assert_str_eq(session_result(second), races[_i].verdict);
	ck_assert_str_eq(ledger_balance(order.user), races[_i].balance);
	ck_assert_int_eq(returns(order.id), races[_i].returns);
	answer = order_get(&order);
	ck_assert_str_eq(json_get(answer.body, "payout"), races[_i].first);
	ck_assert_str_eq(json_get(answer.body, "payout_reference"), "R1");
	/* the final answer stays what it was */
	cache_flush();
	answer = order_send_with(&order, NULL);
	ck_assert(answer_same(&done, &answer));
}
END_TEST

START_TEST(payout_that_is_rolled_back_is_none)
{
	struct order order = order_new(ledger_open("100.00"), "60.00");
	struct http_response done = order_settle(&order);
	struct session *session = session_open(operator_role);

	expect_success(&done, &order);
	session_run(session, "BEGIN");
	session_run(session, mark(order.id, "returned"));
	session_run(session, "ROLLBACK");
	ck_assert_str_eq(ledger_balance(order.user), "40.00");
	ck_assert_int_eq(returns(order.id), 0);
	ck_assert_str_eq(
	    session_run(session, mark(order.id, "returned")), "moved");
	ck_assert_str_eq(ledger_balance(order.user), "100.00");
}
END_TEST

START_TEST(declined_order_has_no_payout)
{
	struct order order = order_new(ledger_open("1.00"), "60.00");
	struct session *session = session_open(operator_role);

	order_settle(&order);
	ck_assert_str_eq(
	    session_run(session, mark(order.id, "paid")), "not-succeeded");
	ck_assert_str_eq(
	    session_run(session, mark(order_id(), "paid")), "unknown");
}
END_TEST

static const struct {
	const char *count, *sum, *amount, *code;
	long succeed;
} days[] = {
    {"3", NULL, "1.00", "daily-count-limit", 3},
    {NULL, "100.00", "10.00", "daily-sum-limit", 10},
};

START_TEST(storm_against_a_daily_limit)
{
	enum { ORDERS = 200 };
	const char *user = ledger_open("5000.00");
	struct order orders[ORDERS];
	struct http_request requests[ORDERS];
	struct http_response *answers;
	long succeeded = 0;

	ledger_sql("SELECT limit_set($1::bigint, NULL, NULL, "
		   "nullif($2, '')::numeric, nullif($3, '')::numeric, NULL, "
		   "'me', NULL)",
	    user, days[_i].count ? days[_i].count : "",
	    days[_i].sum ? days[_i].sum : "", NULL);
	for (int i = 0; i < ORDERS; i++) {
		orders[i] = order_new(user, days[_i].amount);
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	}
	answers = http_send_all(requests, ORDERS);
	for (int i = 0; i < ORDERS; i++) {
		struct http_response last =
		    order_settle_from(&orders[i], &answers[i]);
		struct http_response again;

		if (last.status == 201) {
			succeeded++;
		} else {
			expect_problem(&last, 422, days[_i].code, "declined");
			ck_assert_str_ne(json_get(last.body, "resets_at"), "");
		}
		/* a replay is no withdrawal, and never refused anew */
		again = order_send_with(&orders[i], NULL);
		ck_assert(answer_same(&last, &again));
	}
	ck_assert_int_eq(succeeded, days[_i].succeed);
	ck_assert_int_eq(ledger_succeeded(user), days[_i].succeed);
}
END_TEST

Suite *
payouts_suite(void)
{
	Suite *suite = suite_create("payouts");
	TCase *tcase = fixture_case(suite, "payouts");

	tcase_add_unchecked_fixture(tcase, NULL, session_close_all);
	tcase_add_loop_test(tcase, payout_moves_once, 0, COUNT(races));
	tcase_add_test(tcase, payout_that_is_rolled_back_is_none);
	tcase_add_test(tcase, declined_order_has_no_payout);
	tcase = fixture_case(suite, "days");
	tcase_add_loop_test(tcase, storm_against_a_daily_limit, 0, COUNT(days));
	return suite;
}
