/* After the debit: payouts move once. */
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

Suite *
payouts_suite(void)
{
	Suite *suite = suite_create("payouts");
	TCase *tcase = fixture_case(suite, "payouts");

	tcase_add_unchecked_fixture(tcase, NULL, session_close_all);
	tcase_add_loop_test(tcase, payout_moves_once, 0, COUNT(races));
	tcase_add_test(tcase, payout_that_is_rolled_back_is_none);
	tcase_add_test(tcase, declined_order_has_no_payout);
	return suite;
}
