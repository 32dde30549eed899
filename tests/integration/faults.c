/*
 * Something dies, stalls or forgets, at each point of a withdrawal: the same
 * order, sent again as the page does it, gets the one true answer, and the
 * money has left once.
 */
#include <check.h>
#include <signal.h>
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

/* A ladder with short steps, so that a lease that outlives its worker is
 * soon over; one worker, so that it is known who has the request. */
static const char short_ladder[] =
    "WITHDRAW_WORKERS=1 WITHDRAW_LEDGER_TIMEOUT_MS=4000 "
    "WITHDRAW_LOCK_TTL_MS=5000";
static const char long_ladder[] = "WITHDRAW_WORKERS=1 " LONG_LADDER;

static struct order order;
static struct http_batch *batch;

static void
begin(void)
{
	struct http_request request;

	order = order_new(ledger_open("100.00"), "100.00");
	request = order_request(&order, order_token(&order));
	batch = http_begin(&request, 1);
}

/* The request of a new order, stopped in its ledger step. */
static void
begin_held(const char *ladder)
{
	struct http_request request;

	stack_restart("withdrawd", ladder);
	order = order_new(ledger_open("100.00"), "100.00");
	request = order_request(&order, order_token(&order));
	ledger_hold(order.user);
	batch = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 1);
}

/* What was answered is true, and what the page does next ends well. */
static void
expect_one_debit(void)
{
	struct http_response answer = *http_finish(batch);
	struct http_response final = order_settle_from(&order, &answer);
	struct http_response again;

	expect_success(&final, &order);
	ck_assert_int_eq(ledger_debits(order.id), 1);
	ck_assert_str_eq(ledger_balance(order.user), "0.00");
	again = order_settle(&order);
	ck_assert(answer_same(&final, &again));
}

/* The worker is stopped before the ledger has answered, until it has. */
static void
pass_ledger_frozen(void)
{
	stack_freeze_workers();
	ledger_release();
	WAIT_UNTIL(strcmp(ledger_status(order.id), "succeeded") == 0);
}

START_TEST(worker_dies_before_commit)
{
	begin_held(short_ladder);
	stack_kill_workers();
	ledger_terminate_blocked();
	ledger_release();
	expect_one_debit();
}
END_TEST

START_TEST(worker_dies_and_its_statement_lives_on)
{
	begin_held(short_ladder);
	stack_kill_workers();
	ledger_release();
	expect_one_debit();
}
END_TEST

START_TEST(worker_dies_after_commit)
{
	begin_held(short_ladder);
	pass_ledger_frozen();
	stack_kill_workers();
	expect_one_debit();
}
END_TEST

/* A worker has the requests of many under way; all of them are asked again. */
START_TEST(worker_crashes_with_many_under_way)
{
	enum { MANY = 4 };
	struct order orders[MANY];
	struct http_request requests[MANY];
	const struct http_response *answers;
	struct workers workers;
	char users[200] = "";
	int i;

	stack_restart("withdrawd", short_ladder);
	for (i = 0; i < MANY; i++) {
		orders[i] = order_new(ledger_open("100.00"), "100.00");
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
		strcat(users, i > 0 ? "," : "");
		strcat(users, orders[i].user);
	}
	ledger_hold(users);
	batch = http_begin(requests, MANY);
	WAIT_UNTIL(ledger_blocked() == MANY);
	workers = stack_workers();
	ck_assert_uint_eq(workers.n, 1);
	ck_assert_int_eq(kill(workers.pids[0], SIGABRT), 0);
	WAIT_UNTIL(!process_alive(workers.pids[0]));
	ledger_release();
	answers = http_finish(batch);
	for (i = 0; i < MANY; i++) {
		struct http_response final =
		    order_settle_from(&orders[i], &answers[i]);

		expect_success(&final, &orders[i]);
		ck_assert_int_eq(ledger_debits(orders[i].id), 1);
		ck_assert_str_eq(ledger_balance(orders[i].user), "0.00");
	}
}
END_TEST

START_TEST(worker_and_redis_die_after_commit)
{
	begin_held(short_ladder);
	pass_ledger_frozen();
	stack_kill("redis");
	stack_kill_workers();
	stack_start("redis");
	expect_one_debit();
}
END_TEST

START_TEST(redis_dies_meanwhile)
{
	begin_held(long_ladder);
	stack_kill("redis");
	ledger_release();
	expect_one_debit();
	stack_start("redis");
	cache_flush();
	ck_assert_int_eq(order_settle(&order).status, 201);
}
END_TEST

START_TEST(redis_dies_and_returns_meanwhile)
{
	begin_held(long_ladder);
	stack_kill("redis");
	stack_start("redis");
	ledger_release();
	expect_one_debit();
}
END_TEST

START_TEST(backend_is_terminated_meanwhile)
{
	begin_held(long_ladder);
	ledger_terminate_blocked();
	/* the statement is sent again, and waits for the same row */
	WAIT_UNTIL(ledger_blocked() == 1 || http_done(batch) == 1);
	ledger_release();
	expect_one_debit();
}
END_TEST

START_TEST(all_backends_are_terminated_between_requests)
{
	stack_restart("withdrawd", long_ladder);
	begin();
	expect_one_debit();
	ledger_terminate_all();
	begin();
	expect_one_debit();
}
END_TEST

START_TEST(postgres_dies_meanwhile)
{
	begin_held(short_ladder);
	ledger_disconnect();
	stack_kill("postgres");
	stack_start("postgres");
	expect_one_debit();
}
END_TEST

START_TEST(withdrawd_dies_whole)
{
	begin_held(short_ladder);
	stack_kill("withdrawd");
	ledger_release();
	stack_stop("withdrawd");
	stack_start("withdrawd");
	expect_one_debit();
}
END_TEST

/*
 * Redis forgets everything, at each point.
 */

START_TEST(redis_forgets_the_token)
{
	struct http_response answer;

	order = order_new(ledger_open("100.00"), "100.00");
	{
		struct http_request request =
		    order_request(&order, order_token(&order));

		cache_flush();
		answer = http_send(&request);
	}
	expect_problem(&answer, 409, "token-invalid", NULL);
	ck_assert_str_eq(ledger_status(order.id), "none");
	begin();
	expect_one_debit();
}
END_TEST

START_TEST(redis_forgets_the_lock)
{
	struct order other;
	struct http_request request;
	struct http_batch *second;
	struct http_response answer;

	begin_held(long_ladder);
	cache_flush();
	/* a lease that has run out: another order comes in as well */
	other = order_new(order.user, "100.00");
	request = order_request(&other, order_token(&other));
	second = http_begin(&request, 1);
	WAIT_UNTIL(cache_count(order.user, "lock") == 1);
	ledger_release();
	answer = *http_finish(batch);
	answer = order_settle_from(&order, &answer);
	ck_assert(answer.status == 201 || answer.status == 402);
	answer = *http_finish(second);
	answer = order_settle_from(&other, &answer);
	ck_assert(answer.status == 201 || answer.status == 402);
	ck_assert_int_eq(ledger_succeeded(order.user), 1);
	ck_assert_str_eq(ledger_balance(order.user), "0.00");
}
END_TEST

START_TEST(redis_forgets_and_the_twin_comes_in)
{
	struct http_request request;
	struct http_batch *second;
	struct http_response answer;

	begin_held(long_ladder);
	cache_flush();
	request = order_request(&order, order_token(&order));
	second = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 2 || http_done(second) == 1);
	ledger_release();
	answer = *http_finish(second);
	answer = order_settle_from(&order, &answer);
	expect_success(&answer, &order);
	expect_one_debit();
}
END_TEST

START_TEST(redis_forgets_before_settle)
{
	begin_held(long_ladder);
	pass_ledger_frozen();
	cache_flush();
	stack_thaw("withdrawd");
	expect_one_debit();
}
END_TEST

START_TEST(redis_forgets_afterwards)
{
	struct http_response bare;

	begin();
	expect_one_debit();
	cache_flush();
	bare = order_send_with(&order, NULL);
	expect_success(&bare, &order);
}
END_TEST

/* The lease runs out while its worker is stopped in the middle; then another
 * worker takes the same user's next order, and the first goes on. */
START_TEST(lease_runs_out_while_the_worker_sleeps)
{
	struct order other;
	struct http_response answer;

	begin_held(short_ladder);
	stack_freeze_workers();
	WAIT_UNTIL(cache_count(order.user, "lock") == 0);
	ledger_release();
	stack_thaw("withdrawd");
	other = order_new(order.user, "100.00");
	answer = order_settle(&other);
	ck_assert(answer.status == 201 || answer.status == 402);
	answer = *http_finish(batch);
	answer = order_settle_from(&order, &answer);
	ck_assert(answer.status == 201 || answer.status == 402);
	ck_assert_int_eq(ledger_succeeded(order.user), 1);
}
END_TEST

START_TEST(lease_far_too_short)
{
	enum { ORDERS = 20 };
	const char *user = ledger_open("10.00");
	struct order orders[ORDERS];
	struct http_request requests[ORDERS];
	struct http_response *answers;
	int won = 0;

	stack_restart("withdrawd",
	    "WITHDRAW_LEDGER_TIMEOUT_MS=200 WITHDRAW_LOCK_TTL_MS=201");
	for (size_t i = 0; i < ORDERS; i++) {
		orders[i] = order_new(user, "1.00");
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	}
	ledger_hold(user);
	{
		struct http_batch *race = http_begin(requests, ORDERS);

		/* the first runs out of time, and its lease with it */
		WAIT_UNTIL(http_done(race) == ORDERS);
		ledger_release();
		answers = http_finish(race);
	}
	for (size_t i = 0; i < ORDERS; i++) {
		struct http_response answer =
		    order_settle_from(&orders[i], &answers[i]);

		if (answer.status == 201)
			won++;
	}
	ck_assert_int_eq(won, 10);
	ck_assert_str_eq(ledger_balance(user), "0.00");
}
END_TEST

/*
 * Redis stalls or is down while Postgres is fine.
 */

START_TEST(redis_stalls_before_admit)
{
	struct http_request request;

	order = order_new(ledger_open("100.00"), "100.00");
	request = order_request(&order, order_token(&order));
	stack_freeze("redis");
	batch = http_begin(&request, 1);
	WAIT_UNTIL(http_done(batch) == 1);
	stack_thaw("redis");
	expect_one_debit();
}
END_TEST

START_TEST(redis_stalls_before_settle)
{
	struct http_response answer;

	/* only nginx would lose patience before withdrawd gave Redis up */
	begin_held("WITHDRAW_WORKERS=1 " LONG_LADDER
		   " WITHDRAW_REDIS_TIMEOUT_MS=60000 "
		   "WITHDRAW_READ_TIMEOUT_MS=200000 "
		   "WITHDRAW_PAGE_TIMEOUT_MS=300000");
	stack_freeze("redis");
	ledger_release();
	answer = *http_finish(batch);
	/* Redis never delays the truth */
	expect_success(&answer, &order);
	stack_thaw("redis");
	answer = order_settle(&order);
	expect_success(&answer, &order);
}
END_TEST

START_TEST(redis_stalls_and_orders_go_on)
{
	enum { ORDERS = 10 };
	const char *user = ledger_open("100.00");

	stack_freeze("redis");
	for (int i = 0; i < ORDERS; i++) {
		struct order next = order_new(user, "1.00");
		struct http_response answer = order_settle(&next);

		expect_success(&answer, &next);
	}
	stack_thaw("redis");
	ck_assert_str_eq(ledger_balance(user), "90.00");
}
END_TEST

START_TEST(redis_down_ledger_alone)
{
	struct order next = order_new(ledger_open("100.00"), "60.00");
	struct order more = order_new(next.user, "60.00");
	struct http_response answer;
	struct http_response again;

	stack_stop("redis");
	stack_restart("withdrawd", "WITHDRAW_REDIS_DOWN=ledger-only");
	answer = order_settle(&next);
	expect_success(&answer, &next);
	again = order_settle(&next);
	ck_assert(answer_same(&answer, &again));
	answer = order_settle(&more);
	expect_problem(&answer, 402, "insufficient-funds", "declined");
	stack_start("redis");
	again = order_settle(&more);
	ck_assert(answer_same(&answer, &again));
}
END_TEST

START_TEST(redis_down_refused)
{
	struct order next = order_new(ledger_open("100.00"), "60.00");
	struct http_request token = {
	    .method = "POST",
	    .path = "/api/token",
	    .user = next.user,
	    .key = next.id,
	};
	struct http_response answer;

	stack_restart("withdrawd", "WITHDRAW_REDIS_DOWN=refuse");
	stack_stop("redis");
	answer = http_send(&token);
	expect_problem(&answer, 503, "unavailable", "unknown");
	answer = order_send_with(&next, order_id());
	expect_problem(&answer, 503, "unavailable", "unknown");
	ck_assert_str_eq(ledger_status(next.id), "none");
	stack_start("redis");
	answer = order_settle(&next);
	expect_success(&answer, &next);
}
END_TEST

START_TEST(redis_is_full)
{
	struct order next = order_new(ledger_open("100.00"), "60.00");
	struct http_response answer;

	cache_limit("1");
	answer = order_settle(&next);
	expect_success(&answer, &next);
	cache_limit("0");
	answer = order_settle(&next);
	expect_success(&answer, &next);
	ck_assert_int_eq(ledger_debits(next.id), 1);
}
END_TEST

/*
 * Postgres is down, or says no at the very end.
 */

START_TEST(postgres_down)
{
	const char *token;
	struct http_response answer;

	order = order_new(ledger_open("100.00"), "100.00");
	token = order_token(&order);
	ledger_disconnect();
	stack_stop("postgres");
	answer = order_send_with(&order, token);
	ck_assert_msg(strcmp(answer_code(&answer), "unavailable") == 0 ||
		strcmp(answer_code(&answer), "outcome-unknown") == 0,
	    "%d %s", answer.status, answer.body);
	expect_problem(&answer, 503, answer_code(&answer), "unknown");
	{
		struct http_request health = {.path = "/api/health"};

		answer = http_send(&health);
		ck_assert_int_eq(answer.status, 503);
		answer = order_get(&order);
		expect_problem(&answer, 503, "unavailable", "unknown");
		answer = order_void(&order);
		ck_assert_int_eq(answer.status, 503);
	}
	stack_start("postgres");
	answer = order_settle(&order);
	ck_assert(answer_is_final(&answer));
	ck_assert_str_eq(ledger_status(order.id),
	    answer.status == 201 ? "succeeded" : "void");
}
END_TEST

/* The statement has gone well, and the commit fails after all: as it does
 * when a disk is full, or a constraint was deferred. */
static void
break_commits(const char *sqlstate)
{
	ledger_sql(keep_format("CREATE FUNCTION test_refuse() RETURNS trigger "
			       "LANGUAGE plpgsql AS $$BEGIN "
			       "IF NEW.delta = -66.66 THEN RAISE EXCEPTION "
			       "'refused at commit' USING ERRCODE = '%s'; "
			       "END IF; RETURN NULL; END$$",
		       sqlstate),
	    NULL);
	ledger_sql("CREATE CONSTRAINT TRIGGER test_refuse AFTER INSERT "
		   "ON ledger_entry DEFERRABLE INITIALLY DEFERRED "
		   "FOR EACH ROW EXECUTE FUNCTION test_refuse()",
	    NULL);
}

static void
mend_commits(void)
{
	ledger_sql("DROP TRIGGER IF EXISTS test_refuse ON ledger_entry", NULL);
	ledger_sql("DROP FUNCTION IF EXISTS test_refuse()", NULL);
}

static const char *const commit_errors[] = {
    "P0001", "53100", "40001", "23514", "57014", "XX000", "08006"};

START_TEST(commit_fails)
{
	struct http_response answer;

	order = order_new(ledger_open("100.00"), "66.66");
	break_commits(commit_errors[_i]);
	answer = order_send(&order);
	ck_assert_str_eq(ledger_status(order.id), "none");
	mend_commits();
	ck_assert_msg(
	    answer_is_retryable(&answer), "%d %s", answer.status, answer.body);
	answer = order_settle(&order);
	expect_success(&answer, &order);
	ck_assert_str_eq(ledger_balance(order.user), "33.34");
}
END_TEST

/* The row is held for longer than the ledger step may take. */
START_TEST(account_held_too_long)
{
	struct http_response answer;

	begin_held(short_ladder);
	answer = *http_finish(batch);
	ck_assert_msg(
	    answer_is_retryable(&answer), "%d %s", answer.status, answer.body);
	expect_problem(&answer, 503, answer_code(&answer), "unknown");
	ledger_release();
	answer = order_settle(&order);
	expect_success(&answer, &order);
	ck_assert_int_eq(ledger_debits(order.id), 1);
}
END_TEST

/* A commit whose wait for the standby was cut short can be seen here, and can
 * still be lost: nobody is told of it before a standby has it. */
START_TEST(standby_never_answers)
{
	struct http_request list;
	struct http_response answer;

	order = order_new(ledger_open("100.00"), "100.00");
	list = (struct http_request){
	    .path = "/api/withdrawals", .user = order.user};
	stack_restart("withdrawd",
	    "WITHDRAW_LEDGER_TIMEOUT_MS=500 WITHDRAW_LOCK_TTL_MS=600 "
	    "WITHDRAW_TWIN_WAIT_MS=100");
	ledger_configure("synchronous_standby_names", "nobody");
	answer = order_send(&order);
	expect_problem(&answer, 503, "outcome-unknown", "unknown");
	ledger_terminate_all();
	WAIT_UNTIL(ledger_debits(order.id) == 1);
	answer = order_send(&order);
	ck_assert_msg(
	    answer_is_retryable(&answer), "%d %s", answer.status, answer.body);
	answer = order_get(&order);
	expect_problem(&answer, 503, "unavailable", "unknown");
	answer = http_send(&list);
	expect_problem(&answer, 503, "unavailable", "unknown");
	answer = order_void(&order);
	ck_assert_msg(
	    answer_is_retryable(&answer), "%d %s", answer.status, answer.body);
	ledger_give_up_standby();
	answer = order_settle(&order);
	expect_success(&answer, &order);
	ck_assert_int_eq(ledger_debits(order.id), 1);
}
END_TEST

Suite *
faults_suite(void)
{
	Suite *suite = suite_create("faults");
	TCase *tcase = fixture_case(suite, "deaths");

	tcase_add_test(tcase, worker_dies_before_commit);
	tcase_add_test(tcase, worker_dies_and_its_statement_lives_on);
	tcase_add_test(tcase, worker_dies_after_commit);
	tcase_add_test(tcase, worker_crashes_with_many_under_way);
	tcase_add_test(tcase, worker_and_redis_die_after_commit);
	tcase_add_test(tcase, redis_dies_meanwhile);
	tcase_add_test(tcase, redis_dies_and_returns_meanwhile);
	tcase_add_test(tcase, backend_is_terminated_meanwhile);
	tcase_add_test(tcase, all_backends_are_terminated_between_requests);
	tcase_add_test(tcase, postgres_dies_meanwhile);
	tcase_add_test(tcase, withdrawd_dies_whole);

	tcase = fixture_case(suite, "forgetting");
	tcase_add_test(tcase, redis_forgets_the_token);
	tcase_add_test(tcase, redis_forgets_the_lock);
	tcase_add_test(tcase, redis_forgets_and_the_twin_comes_in);
	tcase_add_test(tcase, redis_forgets_before_settle);
	tcase_add_test(tcase, redis_forgets_afterwards);
	tcase_add_test(tcase, lease_runs_out_while_the_worker_sleeps);
	tcase_add_test(tcase, lease_far_too_short);

	tcase = fixture_case(suite, "redis");
	tcase_add_test(tcase, redis_stalls_before_admit);
	tcase_add_test(tcase, redis_stalls_before_settle);
	tcase_add_test(tcase, redis_stalls_and_orders_go_on);
	tcase_add_test(tcase, redis_down_ledger_alone);
	tcase_add_test(tcase, redis_down_refused);
	tcase_add_test(tcase, redis_is_full);

	tcase = fixture_case(suite, "postgres");
	tcase_add_checked_fixture(tcase, mend_commits, mend_commits);
	tcase_add_test(tcase, postgres_down);
	tcase_add_loop_test(tcase, commit_fails, 0, COUNT(commit_errors));
	tcase_add_test(tcase, account_held_too_long);

	tcase = fixture_case(suite, "standby");
	tcase_add_unchecked_fixture(tcase, NULL, ledger_give_up_standby);
	tcase_add_test(tcase, standby_never_answers);
	return suite;
}
