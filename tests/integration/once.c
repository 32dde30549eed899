/* Exactly once: however often and however many at once. */
#include <check.h>
#include <string.h>

#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

enum {
	CLICKS = 200,
	ROUNDS = 100,
	NEIGHBOURS = 4,
	RACERS = 50,
};

/* Each answer is the first result, or may be asked for again and is it
 * then. */
static void
expect_one_result(
    const struct http_response *answers, size_t n, const struct order *order)
{
	struct http_response result = order_settle(order);

	expect_success(&result, order);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(answer_is_final(&answers[i])
			? answer_same(&answers[i], &result)
			: answer_is_retryable(&answers[i]),
		    "%d (%s) %s\nis neither retryable nor\n%d %s",
		    answers[i].status, answers[i].error, answers[i].body,
		    result.status, result.body);
	ck_assert_int_eq(ledger_debits(order->id), 1);
}

static void
run_storm(int rounds)
{
	const char *user = ledger_open("100.00");
	const char *neighbour = ledger_open("100000.00");
	struct http_request *requests =
	    keep((CLICKS + NEIGHBOURS) * sizeof(*requests));

	for (int round = 0; round < rounds; round++) {
		struct order order = order_new(user, "100.00");
		const char *token = order_token(&order);
		struct order others[NEIGHBOURS];
		struct http_response *answers;

		for (size_t i = 0; i < CLICKS; i++)
			requests[i] = order_request(&order, token);
		for (size_t i = 0; i < NEIGHBOURS; i++) {
			others[i] = order_new(neighbour, "0.01");
			requests[CLICKS + i] =
			    order_request(&others[i], order_token(&others[i]));
		}
		answers = http_send_all(requests, CLICKS + NEIGHBOURS);
		expect_one_result(answers, CLICKS, &order);
		ck_assert_str_eq(ledger_balance(user), "0.00");
		for (size_t i = 0; i < NEIGHBOURS; i++) {
			struct http_response own =
			    order_settle_from(&others[i], &answers[CLICKS + i]);

			expect_success(&own, &others[i]);
		}
		ledger_credit(user, "100.00");
	}
	ck_assert_int_eq(ledger_succeeded(user), rounds);
	ck_assert_int_eq(ledger_succeeded(neighbour), rounds * NEIGHBOURS);
}

/* Sends all at once, then each until it is final, together. */
static void
settle_all(const struct order *orders, struct http_response *finals, size_t n)
{
	struct http_request *requests = keep(n * sizeof(*requests));
	struct http_response *answers;

	for (size_t i = 0; i < n; i++)
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	answers = http_send_all(requests, n);
	for (size_t i = 0; i < n; i++)
		finals[i] = order_settle_from(&orders[i], &answers[i]);
}

static void
run_race(void)
{
	const char *user = ledger_open("100.00");
	struct order orders[RACERS];
	struct http_response finals[RACERS];
	int won = 0;

	for (size_t i = 0; i < RACERS; i++)
		orders[i] = order_new(user, "100.00");
	settle_all(orders, finals, RACERS);
	for (size_t i = 0; i < RACERS; i++) {
		struct http_response again = order_settle(&orders[i]);

		ck_assert_msg(answer_same(&finals[i], &again),
		    "a final answer has changed: %s\n%s", finals[i].body,
		    again.body);
		if (finals[i].status == 201)
			won++;
		else
			expect_problem(
			    &finals[i], 402, "insufficient-funds", "declined");
	}
	ck_assert_int_eq(won, 1);
	ck_assert_str_eq(ledger_balance(user), "0.00");
}

/* Enough for some of them, with different amounts. */
static void
run_mixed_race(void)
{
	enum { ORDERS = 30 };
	const char *user = ledger_open("10.00");
	struct order orders[ORDERS];
	struct http_response finals[ORDERS];
	long spent = 0;

	for (size_t i = 0; i < ORDERS; i++)
		orders[i] = order_new(user, keep_format("0.%02zu", 50 + i));
	settle_all(orders, finals, ORDERS);
	for (size_t i = 0; i < ORDERS; i++)
		if (finals[i].status == 201)
			spent += 50 + (long)i;
	ck_assert_str_eq(ledger_balance(user),
	    two_decimals(keep_format(
		"%ld.%02ld", (1000 - spent) / 100, (1000 - spent) % 100)));
	/* whoever was declined found too little left */
	ck_assert_int_lt(1000 - spent, 80);
}

START_TEST(two_hundred_clicks)
{
	run_storm(ROUNDS);
}
END_TEST

START_TEST(fifty_orders_for_one_balance)
{
	run_race();
}
END_TEST

START_TEST(different_amounts_at_once)
{
	run_mixed_race();
}
END_TEST

static const char *const guard_sets[] = {
    "none", "token", "lock", "cache", "token,cache"};

START_TEST(clicks_with_fewer_guards)
{
	stack_restart(
	    "withdrawd", keep_format("WITHDRAW_GUARDS=%s", guard_sets[_i]));
	run_storm(5);
}
END_TEST

START_TEST(races_with_fewer_guards)
{
	stack_restart(
	    "withdrawd", keep_format("WITHDRAW_GUARDS=%s", guard_sets[_i]));
	run_race();
	run_mixed_race();
}
END_TEST

/* 3 users, 3 orders each, a token for each: every user tries every order with
 * every token, all at once. */
START_TEST(cross_product_of_tokens)
{
	enum { USERS = 3, ORDERS = 3, PAIRS = USERS * ORDERS };
	const char *users[USERS];
	struct order orders[PAIRS];
	const char *tokens[PAIRS];
	struct http_request *requests =
	    keep(USERS * PAIRS * PAIRS * sizeof(*requests));
	size_t n = 0;

	for (size_t i = 0; i < USERS; i++)
		users[i] = ledger_open("100.00");
	for (size_t i = 0; i < PAIRS; i++) {
		orders[i] = order_new(users[i / ORDERS], "1.00");
		tokens[i] = order_token(&orders[i]);
	}
	for (size_t u = 0; u < USERS; u++)
		for (size_t o = 0; o < PAIRS; o++)
			for (size_t t = 0; t < PAIRS; t++) {
				struct order claimed = orders[o];

				if (u == o / ORDERS && o == t)
					continue;
				claimed.user = users[u];
				requests[n++] =
				    order_request(&claimed, tokens[t]);
			}
	for (size_t i = 0; i < n; i++)
		ck_assert_int_ne(http_send(&requests[i]).status, 201);
	for (size_t i = 0; i < PAIRS; i++) {
		ck_assert_int_eq(ledger_debits(orders[i].id), 0);
		tokens[i] = order_token(&orders[i]);
	}
	/* and all at once, the matching ones among them */
	for (size_t i = 0; i < PAIRS; i++)
		requests[n++] = order_request(&orders[i], tokens[i]);
	http_send_all(requests, n);
	for (size_t i = 0; i < PAIRS; i++) {
		struct http_response answer = order_settle(&orders[i]);

		expect_success(&answer, &orders[i]);
	}
	for (size_t i = 0; i < USERS; i++)
		ck_assert_str_eq(ledger_balance(users[i]), "97.00");
}
END_TEST

START_TEST(one_token_for_twenty_orders)
{
	enum { ORDERS = 20 };
	const char *user = ledger_open("100.00");
	struct order orders[ORDERS];
	struct http_request requests[ORDERS];
	struct http_response *answers;
	const char *token;

	for (size_t i = 0; i < ORDERS; i++)
		orders[i] = order_new(user, "1.00");
	token = order_token(&orders[0]);
	for (size_t i = 0; i < ORDERS; i++)
		requests[i] = order_request(&orders[i], token);
	answers = http_send_all(requests, ORDERS);
	for (size_t i = 1; i < ORDERS; i++) {
		ck_assert_msg(answer_is_retryable(&answers[i]), "%d %s",
		    answers[i].status, answers[i].body);
		ck_assert_int_eq(ledger_debits(orders[i].id), 0);
	}
	answers[0] = order_settle_from(&orders[0], &answers[0]);
	expect_success(&answers[0], &orders[0]);
}
END_TEST

/* A withdrawal and a void of the same order at once: one of them stands, and
 * both are told the same. */
START_TEST(withdrawal_against_void)
{
	enum { TURNS = 50 };
	const char *user = ledger_open("100.00");

	for (int turn = 0; turn < TURNS; turn++) {
		struct order order = order_new(user, "1.00");
		struct http_request pair[] = {
		    order_request(&order, order_token(&order)),
		    order_void_request(&order),
		};
		struct http_response *answers = http_send_all(pair, 2);
		struct http_response final = order_settle(&order);
		const char *standing = ledger_status(order.id);

		expect_status(&answers[1], 200);
		ck_assert_str_eq(json_get(answers[1].body, "status"), standing);
		if (strcmp(standing, "succeeded") == 0)
			expect_success(&final, &order);
		else
			expect_problem(&final, 409, "order-void", "void");
		if (answer_is_final(&answers[0]))
			ck_assert(answer_same(&answers[0], &final));
	}
}
END_TEST

START_TEST(credit_against_withdrawals)
{
	enum { ORDERS = 20 };
	const char *user = ledger_open("0.00");
	struct order orders[ORDERS];
	struct http_request requests[ORDERS];
	struct http_batch *batch;
	struct http_response *answers;

	for (size_t i = 0; i < ORDERS; i++) {
		orders[i] = order_new(user, "1.00");
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	}
	batch = http_begin(requests, ORDERS);
	for (size_t i = 0; i < ORDERS; i++)
		ledger_credit(user, "1.00");
	answers = http_finish(batch);
	for (size_t i = 0; i < ORDERS; i++)
		order_settle_from(&orders[i], &answers[i]);
	ck_assert_int_eq(ledger_number("SELECT balance + (SELECT count(*) FROM "
				       "withdraw_record WHERE user_id = "
				       "$1::bigint AND status = 1) "
				       "FROM account WHERE user_id = "
				       "$1::bigint",
			     user, NULL),
	    ORDERS);
}
END_TEST

Suite *
once_suite(void)
{
	Suite *suite = suite_create("once");
	TCase *tcase = fixture_case(suite, "storm");

	tcase_add_test(tcase, two_hundred_clicks);
	tcase_add_loop_test(
	    tcase, clicks_with_fewer_guards, 0, COUNT(guard_sets));

	tcase = fixture_case(suite, "race");
	tcase_add_test(tcase, fifty_orders_for_one_balance);
	tcase_add_test(tcase, different_amounts_at_once);
	tcase_add_loop_test(
	    tcase, races_with_fewer_guards, 0, COUNT(guard_sets));
	tcase_add_test(tcase, cross_product_of_tokens);
	tcase_add_test(tcase, one_token_for_twenty_orders);
	tcase_add_test(tcase, withdrawal_against_void);
	tcase_add_test(tcase, credit_against_withdrawals);
	return suite;
}
