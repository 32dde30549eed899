/* Final answers stay; mismatches and foreign orders are told apart. */
#include <check.h>
#include <string.h>

#include "cache.h"
#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* Again from the cache, and from the ledger when the cache is lost. */
static void
expect_unchanged(const struct order *order, const struct http_response *first)
{
	struct http_response again = order_settle(order);

	ck_assert_msg(answer_same(first, &again), "%s\nhas become\n%s",
	    first->body, again.body);
	cache_flush();
	again = order_send_with(order, NULL);
	ck_assert_msg(answer_same(first, &again), "%s\nhas become\n%s",
	    first->body, again.body);
}

START_TEST(declined_stays_declined)
{
	struct order order = order_new(ledger_open("1.00"), "100.00");
	struct http_response first = order_send(&order);

	expect_problem(&first, 402, "insufficient-funds", "declined");
	ck_assert_ptr_null(http_header(&first, "Idempotent-Replayed"));
	ledger_credit(order.user, "1000.00");
	expect_unchanged(&order, &first);
	ck_assert_str_eq(ledger_balance(order.user), "1001.00");
}
END_TEST

START_TEST(new_order_after_a_decline)
{
	const char *user = ledger_open("1.00");
	struct order order = order_new(user, "100.00");
	struct http_response first = order_send(&order);
	struct order next = order_new(user, "1.00");
	struct http_response answer;

	expect_problem(&first, 402, "insufficient-funds", "declined");
	ck_assert_str_eq(json_get(first.body, "safe_new_order"), "true");
	answer = order_send(&next);
	expect_success(&answer, &next);
}
END_TEST

START_TEST(limits_are_final)
{
	const char *user = ledger_open("1000.00");
	struct order small = order_new(user, "4.99");
	struct order large = order_new(user, "50.01");
	struct order lowest = order_new(user, "5.00");
	struct order highest = order_new(user, "50.00");
	struct http_response first;

	stack_restart("withdrawd", "WITHDRAW_MIN=5.00 WITHDRAW_MAX=50.00");
	first = order_send(&small);
	expect_problem(&first, 422, "below-minimum", "declined");
	expect_unchanged(&small, &first);
	first = order_send(&large);
	expect_problem(&first, 422, "above-maximum", "declined");
	expect_unchanged(&large, &first);
	first = order_send(&lowest);
	expect_success(&first, &lowest);
	first = order_send(&highest);
	expect_success(&first, &highest);
	/* and with the limits gone */
	stack_restart("withdrawd", "WITHDRAW_WORKERS=2");
	first = order_settle(&small);
	expect_problem(&first, 422, "below-minimum", "declined");
}
END_TEST

START_TEST(frozen_account_is_final)
{
	struct order order = order_new(ledger_open("10.00"), "1.00");
	struct http_response first;

	ledger_freeze(order.user);
	first = order_send(&order);
	expect_problem(&first, 403, "account-frozen", "declined");
	ledger_unfreeze(order.user);
	expect_unchanged(&order, &first);
	ck_assert_str_eq(ledger_balance(order.user), "10.00");
}
END_TEST

START_TEST(void_stays_void)
{
	struct order order = order_new(ledger_open("10.00"), "1.00");
	struct http_response first;

	order_void(&order);
	first = order_send(&order);
	expect_problem(&first, 409, "order-void", "void");
	expect_unchanged(&order, &first);
}
END_TEST

static void
expect_mismatch(const struct order *order, const char *token)
{
	struct http_response answer = order_send_with(order, token);

	expect_problem(&answer, 422, "order-mismatch", NULL);
	ck_assert_str_eq(json_get(answer.body, "original"),
	    keep_format("/api/withdrawals/%s", order->id));
}

START_TEST(other_amount_is_a_mismatch)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct order other = order;
	struct http_response first = order_send(&order);

	expect_success(&first, &order);
	other.amount = "10.01";
	expect_mismatch(&other, NULL);
	expect_mismatch(&other, order_token(&other));
	cache_flush();
	expect_mismatch(&other, NULL);
	expect_mismatch(&other, order_token(&other));
	expect_unchanged(&order, &first);
	ck_assert_str_eq(ledger_balance(order.user), "90.00");
}
END_TEST

START_TEST(other_amount_of_a_decline)
{
	struct order order = order_new(ledger_open("1.00"), "10.00");
	struct order other = order;
	struct http_response first = order_send(&order);

	expect_problem(&first, 402, "insufficient-funds", "declined");
	other.amount = "1.00";
	expect_mismatch(&other, NULL);
	cache_flush();
	expect_mismatch(&other, order_token(&other));
	ck_assert_str_eq(ledger_balance(order.user), "1.00");
}
END_TEST

START_TEST(other_amount_while_running)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct order other = order;
	struct http_request request;
	struct http_request rival;
	struct http_batch *first;
	struct http_batch *second;
	struct http_response answer;

	stack_restart("withdrawd", LONG_LADDER);
	request = order_request(&order, order_token(&order));
	other.amount = "20.00";
	rival = order_request(&other, order_token(&other));
	ledger_hold(order.user);
	first = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 1);
	second = http_begin(&rival, 1);
	WAIT_UNTIL(http_done(second) == 1 || ledger_blocked() == 2);
	ledger_release();
	answer = *http_finish(first);
	expect_success(&answer, &order);
	answer = *http_finish(second);
	ck_assert_msg(answer.status == 422 || answer_is_retryable(&answer),
	    "%d %s", answer.status, answer.body);
	expect_mismatch(&other, NULL);
	ck_assert_str_eq(ledger_balance(order.user), "90.00");
}
END_TEST

/* What a stranger is told of an order, in every way of asking. */
struct glimpse {
	struct http_response record;
	struct http_response bare;
	struct http_response withdrawal;
	struct http_response closed;
	struct http_response after;
};

static struct glimpse
look_at(const char *user, const char *id)
{
	struct order claimed = {.id = id, .user = user, .amount = "10.00"};
	struct glimpse glimpse;

	glimpse.record = order_get(&claimed);
	glimpse.bare = order_send_with(&claimed, NULL);
	glimpse.closed = order_void(&claimed);
	glimpse.after = order_get(&claimed);
	glimpse.withdrawal = order_send(&claimed);
	return glimpse;
}

/* The answer without what must differ: the order's id and the instant. */
static const char *
without(const struct http_response *answer, const char *id)
{
	const char *text = keep_format("%d %s", answer->status, answer->body);
	char *found = strstr(text, id);
	char *instant = strstr(text, "\"created_at\"");

	if (found != NULL)
		memset(found, '*', strlen(id));
	if (instant != NULL)
		*instant = '\0';
	return text;
}

START_TEST(foreign_order_looks_like_none)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	const char *stranger = ledger_open("100.00");
	const char *nothing = order_id();
	struct http_response first = order_send(&order);
	struct glimpse foreign;
	struct glimpse none;

	expect_success(&first, &order);
	foreign = look_at(stranger, order.id);
	none = look_at(stranger, nothing);
	expect_problem(&foreign.record, 404, "order-unknown", NULL);
	ck_assert_str_eq(
	    without(&foreign.record, order.id), without(&none.record, nothing));
	ck_assert_str_eq(
	    without(&foreign.bare, order.id), without(&none.bare, nothing));
	ck_assert_str_eq(
	    without(&foreign.closed, order.id), without(&none.closed, nothing));
	ck_assert_str_eq(
	    without(&foreign.after, order.id), without(&none.after, nothing));
	ck_assert_str_eq(without(&foreign.withdrawal, order.id),
	    without(&none.withdrawal, nothing));
	expect_unchanged(&order, &first);
	ck_assert_str_eq(ledger_balance(order.user), "90.00");
	ck_assert_str_eq(ledger_balance(stranger), "100.00");
}
END_TEST

START_TEST(foreign_order_pays_nothing)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct order stolen = order;
	struct http_response first = order_send(&order);
	struct http_response answer;

	stolen.user = ledger_open("100.00");
	answer = order_settle(&stolen);
	expect_problem(&answer, 409, "order-void", "void");
	expect_unchanged(&stolen, &answer);
	expect_unchanged(&order, &first);
	ck_assert_str_eq(ledger_balance(stolen.user), "100.00");
}
END_TEST

/* The owner comes second: the id was taken by somebody who had guessed it. */
START_TEST(void_of_a_foreign_order_binds_nobody_else)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct order stolen = order;
	struct http_request request;
	struct http_batch *batch;
	struct http_response answer;

	stack_restart("withdrawd", LONG_LADDER);
	request = order_request(&order, order_token(&order));
	stolen.user = ledger_open("100.00");
	ledger_hold(order.user);
	batch = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 1);
	{
		struct http_request closing = order_void_request(&stolen);
		struct http_batch *second = http_begin(&closing, 1);

		WAIT_UNTIL(ledger_blocked() == 2 || http_done(second) == 1);
		ledger_release();
		answer = *http_finish(second);
	}
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "status"), "void");
	answer = *http_finish(batch);
	expect_success(&answer, &order);
}
END_TEST

START_TEST(lists_are_of_ones_own)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct http_request list = {.path = "/api/withdrawals"};
	struct http_response answer;

	order_send(&order);
	list.user = ledger_open("100.00");
	answer = http_send(&list);
	expect_status(&answer, 200);
	ck_assert_uint_eq(json_length(answer.body, "withdrawals"), 0);
}
END_TEST

Suite *
final_suite(void)
{
	Suite *suite = suite_create("final");
	TCase *tcase = fixture_case(suite, "declined");

	tcase_add_test(tcase, declined_stays_declined);
	tcase_add_test(tcase, new_order_after_a_decline);
	tcase_add_test(tcase, limits_are_final);
	tcase_add_test(tcase, frozen_account_is_final);
	tcase_add_test(tcase, void_stays_void);

	tcase = fixture_case(suite, "mismatch");
	tcase_add_test(tcase, other_amount_is_a_mismatch);
	tcase_add_test(tcase, other_amount_of_a_decline);
	tcase_add_test(tcase, other_amount_while_running);

	tcase = fixture_case(suite, "foreign");
	tcase_add_test(tcase, foreign_order_looks_like_none);
	tcase_add_test(tcase, foreign_order_pays_nothing);
	tcase_add_test(tcase, void_of_a_foreign_order_binds_nobody_else);
	tcase_add_test(tcase, lists_are_of_ones_own);
	return suite;
}
