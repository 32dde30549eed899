/* Twins of a running order, other orders of a busy user, and the others, who
 * must not notice either. */
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

/* A row is held for longer than the default ladder would have it; there is room
 * for that, and for twins that wait, where Redis is given little. */
#define PATIENT                                                                \
	"WITHDRAW_LEDGER_TIMEOUT_MS=8000 WITHDRAW_LOCK_TTL_MS=10000 "          \
	"WITHDRAW_REDIS_TIMEOUT_MS=500 WITHDRAW_TOKEN_TTL_MS=60000 "

static void
be_patient(void)
{
	stack_restart("withdrawd", PATIENT);
}

/* The first request of an order, stopped in its ledger step. */
static struct http_batch *
begin_held(const struct order *order)
{
	struct http_request request = order_request(order, order_token(order));
	struct http_batch *batch;

	ledger_hold(order->user);
	batch = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 1);
	return batch;
}

/* Others, who are ready to withdraw: while a row is held there is little time.
 */
struct others {
	size_t n;
	struct order *orders;
	struct http_request *requests;
};

static struct others
ready_others(size_t n)
{
	struct others others = {n, keep(n * sizeof(*others.orders)),
	    keep(n * sizeof(*others.requests))};

	for (size_t i = 0; i < n; i++) {
		struct order *order = &others.orders[i];

		*order = order_new(ledger_open("100.00"), "0.01");
		others.requests[i] = order_request(order, order_token(order));
	}
	return others;
}

static void
expect_served(const struct others *others)
{
	const struct http_response *answers =
	    http_send_all(others->requests, others->n);

	for (size_t i = 0; i < others->n; i++)
		expect_success(&answers[i], &others->orders[i]);
}

START_TEST(twin_is_told_to_wait)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_response answer;
	struct http_response twin;
	struct http_response with_token;
	struct http_batch *first;

	/* both have waited before the row's holder is given up */
	stack_restart("withdrawd", PATIENT "WITHDRAW_TWIN_WAIT_MS=200");
	first = begin_held(&order);
	twin = order_send_with(&order, NULL);
	with_token = order_send(&order);
	expect_problem(&twin, 409, "in-progress", "running");
	expect_problem(&with_token, 409, "in-progress", "running");
	ck_assert_uint_eq(http_done(first), 0);
	ledger_release();
	answer = *http_finish(first);
	expect_success(&answer, &order);
	twin = order_settle(&order);
	ck_assert(answer_same(&twin, &answer));
}
END_TEST

START_TEST(twin_gets_the_answer)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_request twins[10];
	struct http_response *answers;
	struct http_response answer;
	struct http_batch *first;
	struct http_batch *batch;
	struct others other;

	/* long enough for the release to come within it */
	stack_restart("withdrawd", PATIENT "WITHDRAW_TWIN_WAIT_MS=4500");
	other = ready_others(1);
	first = begin_held(&order);
	for (int i = 0; i < COUNT(twins); i++)
		twins[i] = order_request(&order, NULL);
	batch = http_begin(twins, COUNT(twins));
	expect_served(&other);
	ck_assert_uint_eq(http_done(batch), 0);
	ledger_release();
	answer = *http_finish(first);
	expect_success(&answer, &order);
	answers = http_finish(batch);
	for (int i = 0; i < COUNT(twins); i++) {
		ck_assert_msg(answer_same(&answers[i], &answer), "%d %s",
		    answers[i].status, answers[i].body);
		ck_assert_ptr_nonnull(
		    http_header(&answers[i], "Idempotent-Replayed"));
	}
}
END_TEST

START_TEST(other_order_finds_the_user_busy)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct order other = order_new(order.user, "10.00");
	const char *token = order_token(&other);
	struct http_batch *first = begin_held(&order);
	struct http_response answer = order_send_with(&other, token);

	expect_problem(&answer, 409, "busy", "unknown");
	ck_assert_uint_eq(http_done(first), 0);
	ck_assert_int_eq(ledger_blocked(), 1);
	ledger_release();
	answer = *http_finish(first);
	expect_success(&answer, &order);
	answer = order_settle(&other);
	expect_problem(&answer, 402, "insufficient-funds", "declined");
}
END_TEST

/* A lease ran out and somebody else has the lock now: it stays theirs. */
START_TEST(lock_of_another_owner_is_left_alone)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_batch *first = begin_held(&order);
	struct http_response answer;

	ck_assert_uint_eq(cache_count(order.user, "lock"), 1);
	cache_poison(order.user, keep_format("%s %s", order_id(), order_id()));
	ledger_release();
	answer = *http_finish(first);
	expect_success(&answer, &order);
	ck_assert_uint_eq(cache_count(order.user, "lock"), 1);
	cache_flush();
}
END_TEST

START_TEST(lock_is_given_back)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_response answer = order_send(&order);

	expect_success(&answer, &order);
	ck_assert_uint_eq(cache_count(order.user, "lock"), 0);
}
END_TEST

START_TEST(reading_goes_on_while_busy)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct order done = order_new(order.user, "0.00");
	struct http_request reads[] = {
	    {.path = "/api/account", .user = order.user},
	    {.path = "/api/withdrawals", .user = order.user},
	};
	struct http_response answer;
	struct http_batch *first;

	done.amount = "1.00";
	order.amount = "2.00";
	answer = order_send(&done);
	expect_success(&answer, &done);
	first = begin_held(&order);
	for (int i = 0; i < COUNT(reads); i++) {
		answer = http_send(&reads[i]);
		expect_status(&answer, 200);
	}
	answer = order_send_with(&done, NULL);
	expect_status(&answer, 201);
	answer = order_get(&order);
	ck_assert_int_ne(answer.status, 200);
	expect_problem(&answer, answer.status, answer_code(&answer), NULL);
	ck_assert_str_eq(json_get(answer.body, "safe_new_order"), "false");
	ledger_release();
	answer = *http_finish(first);
	expect_success(&answer, &order);
}
END_TEST

START_TEST(waiting_twins_hold_up_nobody)
{
	enum { TWINS = 300 };
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_request *twins = keep(TWINS * sizeof(*twins));
	struct http_response *answers;
	struct http_response answer;
	struct http_batch *first;
	struct http_batch *batch;
	struct others others;

	stack_restart("withdrawd", PATIENT "WITHDRAW_TWIN_WAIT_MS=4500");
	others = ready_others(20);
	first = begin_held(&order);
	for (size_t i = 0; i < TWINS; i++)
		twins[i] = order_request(&order, NULL);
	batch = http_begin(twins, TWINS);
	expect_served(&others);
	ck_assert_uint_eq(http_done(first), 0);
	ledger_release();
	answer = *http_finish(first);
	expect_success(&answer, &order);
	answers = http_finish(batch);
	for (size_t i = 0; i < TWINS; i++)
		ck_assert_msg(answer_same(&answers[i], &answer) ||
			answer_is_retryable(&answers[i]),
		    "%d %s", answers[i].status, answers[i].body);
	ck_assert_int_eq(ledger_debits(order.id), 1);
}
END_TEST

/* Without Redis there is no lock: all orders of a stuck account arrive at the
 * ledger, and must not take every connection to it. */
static void
crowd_one_account(void)
{
	enum { ORDERS = 60 };
	const char *user = ledger_open("1000.00");
	struct order *orders = keep(ORDERS * sizeof(*orders));
	struct http_request *requests = keep(ORDERS * sizeof(*requests));
	struct http_response *answers;
	struct http_batch *batch;
	struct others others = ready_others(20);

	for (size_t i = 0; i < ORDERS; i++) {
		orders[i] = order_new(user, "1.00");
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	}
	ledger_hold(user);
	batch = http_begin(requests, ORDERS);
	WAIT_UNTIL(ledger_blocked() > 0);
	expect_served(&others);
	/* the others were served while the account was stuck, not after */
	ck_assert_int_gt(ledger_blocked(), 0);
	ledger_release();
	answers = http_finish(batch);
	for (size_t i = 0; i < ORDERS; i++) {
		struct http_response own =
		    order_settle_from(&orders[i], &answers[i]);

		expect_success(&own, &orders[i]);
	}
	ck_assert_str_eq(ledger_balance(user), "940.00");
}

START_TEST(stuck_account_holds_up_nobody)
{
	crowd_one_account();
}
END_TEST

START_TEST(stuck_account_without_lock_holds_up_nobody)
{
	stack_restart("withdrawd", PATIENT "WITHDRAW_GUARDS=none");
	crowd_one_account();
}
END_TEST

START_TEST(stuck_account_without_redis_holds_up_nobody)
{
	stack_stop("redis");
	crowd_one_account();
}
END_TEST

Suite *
twins_suite(void)
{
	Suite *suite = suite_create("twins");
	TCase *tcase = fixture_case(suite, "waiting");

	tcase_add_checked_fixture(tcase, be_patient, NULL);
	tcase_add_test(tcase, twin_is_told_to_wait);
	tcase_add_test(tcase, twin_gets_the_answer);
	tcase_add_test(tcase, other_order_finds_the_user_busy);
	tcase_add_test(tcase, lock_of_another_owner_is_left_alone);
	tcase_add_test(tcase, lock_is_given_back);
	tcase_add_test(tcase, reading_goes_on_while_busy);
	tcase_add_test(tcase, waiting_twins_hold_up_nobody);

	tcase = fixture_case(suite, "stuck");
	tcase_add_checked_fixture(tcase, be_patient, NULL);
	tcase_add_test(tcase, stuck_account_holds_up_nobody);
	tcase_add_test(tcase, stuck_account_without_lock_holds_up_nobody);
	tcase_add_test(tcase, stuck_account_without_redis_holds_up_nobody);
	return suite;
}
