/* Withdrawals that share a transaction: each has the outcome that it would have
 * had by itself, and none feels what another meets. */
#include <check.h>
#include <string.h>

#include "cache.h"
#include "fixture.h"
#include "http.h"
#include "ledger.h"
#include "order.h"
#include "session.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* by has begun. */
static void
hold(struct session *by, const char *user)
{
	session_run(by,
	    keep_format(
		"SELECT 1 FROM account WHERE user_id = %s FOR UPDATE", user));
}

/* --- the function ------------------------------------------------------- */

/* A batch as text: what became of each item, in their order. */
static const char *
batch_of(const char *function, const char *users, const char *orders,
    const char *amounts)
{
	return keep_format(
	    "SELECT string_agg(concat_ws(' ', item, CASE WHEN replayed THEN "
	    "'replayed' END, (ARRAY['succeeded', 'declined', 'void'])[status], "
	    "reason, amount, balance_after, 'v' || version), ', ' ORDER BY "
	    "item) FROM %s('{%s}', '{%s}', '{%s}', 'CNY', NULL, NULL)",
	    function, users, orders, amounts);
}

static const char *
records_of(const char *orders)
{
	return ledger_sql(
	    keep_format("SELECT count(*) FROM withdraw_record WHERE "
			"order_id = ANY ('{%s}')",
		orders),
	    NULL);
}

START_TEST(each_item_has_its_own_outcome)
{
	struct session *session = session_open("withdraw_service");
	const char *rich = ledger_open("100.00"), *poor = ledger_open("1.00"),
		   *frozen = ledger_open("5.00"), *known = ledger_open("9.00");
	const char *twice = order_id(), *theirs = order_id();

	ledger_freeze(frozen);
	session_run(
	    session, batch_of("withdraw_execute_all", known, twice, "2.00"));
	session_run(
	    session, batch_of("withdraw_execute_all", rich, theirs, "10.00"));
	/* a success, a decline, an account in review, a repeated order, nobody,
	 * and an order that is somebody else's */
	ck_assert_str_eq(session_run(session,
			     batch_of("withdraw_execute_all",
				 keep_format("%s,%s,%s,%s,%s", rich, poor,
				     frozen, known, ledger_stranger()),
				 keep_format("%s,%s,%s,%s,%s", order_id(),
				     order_id(), order_id(), twice, order_id()),
				 "40.00,2,1.5,2.00,1")),
	    "1 succeeded 40.00 50.00 v3, "
	    "2 declined insufficient-funds 2.00 1.00 v1, "
	    "3 declined account-frozen 1.50 5.00 v1, "
	    "4 replayed succeeded 2.00 7.00 v2");
	ck_assert_str_eq(
	    session_run(session,
		batch_of("withdraw_execute_all",
		    keep_format("%s,%s", poor, rich),
		    keep_format("%s,%s", theirs, order_id()), "0.50,1.00")),
	    "1 void, 2 succeeded 1.00 49.00 v4");
	ck_assert_str_eq(ledger_balance(poor), "1.00");
}
END_TEST

START_TEST(an_item_that_was_moved_is_decided_anew)
{
	struct session *mover = session_open("postgres");
	struct session *session = session_open("postgres");
	const char *a = ledger_open("10.00"), *b = ledger_open("10.00"),
		   *c = ledger_open("10.00");

	session_run(mover, "BEGIN");
	session_run(mover,
	    keep_format("SELECT withdraw_execute(%s, gen_random_uuid(), 8, "
			"'CNY', NULL, NULL)",
		b));
	/* withdraw_batch: it waits as long as it must */
	session_send(session,
	    batch_of("withdraw_batch", keep_format("%s,%s,%s", a, b, c),
		keep_format("%s,%s,%s", order_id(), order_id(), order_id()),
		"3,3,3"));
	WAIT_UNTIL(session_waits_for(session, mover));
	session_run(mover, "COMMIT");
	ck_assert_str_eq(session_result(session),
	    "1 succeeded 3.00 7.00 v2, "
	    "2 declined insufficient-funds 3.00 2.00 v2, "
	    "3 succeeded 3.00 7.00 v2");
}
END_TEST

START_TEST(a_batch_that_would_wait_does_nothing)
{
	struct session *holder = session_open("postgres");
	struct session *session = session_open("withdraw_service");
	const char *a = ledger_open("10.00"), *b = ledger_open("10.00");
	const char *orders = keep_format("%s,%s", order_id(), order_id());

	session_run(holder, "BEGIN");
	session_run(holder,
	    keep_format(
		"SELECT 1 FROM account WHERE user_id = %s FOR UPDATE", b));
	/* lock_not_available */
	ck_assert_str_eq(session_state(session,
			     batch_of("withdraw_execute_all",
				 keep_format("%s,%s", a, b), orders, "1,1")),
	    "55P03");
	ck_assert_str_eq(records_of(orders), "0");
	ck_assert_str_eq(ledger_balance(a), "10.00");
}
END_TEST

START_TEST(a_batch_is_refused_whole)
{
	struct session *session = session_open("withdraw_service");
	const char *a = ledger_open("10.00"), *b = ledger_open("10.00");
	const char *orders = keep_format("%s,%s", order_id(), order_id());
	const char *const bad[][2] = {
	    {keep_format("%s,%s", a, a), "1,1"},
	    {keep_format("%s,%s", a, b), "1,0"},
	    {keep_format("%s,%s", a, b), "1,0.001"},
	    {keep_format("%s,%s", a, b), "1,NaN"},
	};

	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_str_eq(session_state(session,
				     batch_of("withdraw_execute_all", bad[i][0],
					 orders, bad[i][1])),
		    "22023");
	ck_assert_str_eq(records_of(orders), "0");
}
END_TEST

/* --- the service -------------------------------------------------------- */

/* One worker with two connections, which are both kept busy by withdrawals from
 * accounts that somebody holds: what comes then waits, and goes together when
 * they are released. */
static struct session *holder;
static struct http_batch *held;

static void
begin_crowded(void)
{
	struct http_request requests[2];
	struct order orders[2];

	stack_restart("withdrawd",
	    "WITHDRAW_LEDGER_TIMEOUT_MS=8000 WITHDRAW_LOCK_TTL_MS=10000 "
	    "WITHDRAW_WORKERS=1 WITHDRAW_PG_POOL=2");
	holder = session_open("postgres");
	session_run(holder, "BEGIN");
	for (size_t i = 0; i < 2; i++) {
		orders[i] = order_new(ledger_open("10.00"), "1.00");
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
		hold(holder, orders[i].user);
	}
	held = http_begin(requests, 2);
	/* by themselves: as a batch they would have given up after 50 ms */
	WAIT_UNTIL(ledger_number("SELECT count(*) FROM pg_stat_activity "
				 "WHERE usename = 'withdraw_service' AND "
				 "wait_event_type = 'Lock' AND query ~ "
				 "'withdraw_execute\\('",
		       NULL) == 2);
}

static void
end_crowded(void)
{
	struct http_response *answers;

	session_run(holder, "COMMIT");
	answers = http_finish(held);
	for (size_t i = 0; i < 2; i++)
		expect_status(&answers[i], 201);
}

/* Sends them and waits until each has its lock: then it is on its way to the
 * ledger. */
static struct http_batch *
send_queued(const struct order *orders, size_t n)
{
	struct http_request requests[16];
	struct http_batch *batch;

	ck_assert_int_le((int)n, COUNT(requests));
	for (size_t i = 0; i < n; i++)
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	batch = http_begin(requests, n);
	for (size_t i = 0; i < n; i++)
		WAIT_UNTIL(cache_count(orders[i].user, "lock") == 1);
	return batch;
}

static const char *
transaction_of(const struct order *order)
{
	return ledger_sql("SELECT txid FROM withdraw_record "
			  "WHERE order_id = $1::uuid",
	    order->id, NULL);
}

START_TEST(those_who_wait_share_a_transaction)
{
	struct order orders[4];
	struct http_response *answers;
	struct http_batch *batch;
	const char *frozen = ledger_open("10.00");

	ledger_freeze(frozen);
	begin_crowded();
	orders[0] = order_new(ledger_open("10.00"), "4.00");
	orders[1] = order_new(ledger_open("1.00"), "4.00");
	orders[2] = order_new(frozen, "4.00");
	orders[3] = order_new(ledger_open("5.00"), "5.00");
	batch = send_queued(orders, COUNT(orders));
	end_crowded();
	answers = http_finish(batch);
	expect_success(&answers[0], &orders[0]);
	expect_problem(&answers[1], 402, "insufficient-funds", "declined");
	expect_status(&answers[2], 403);
	ck_assert_str_eq(ledger_status(orders[2].id), "declined");
	expect_success(&answers[3], &orders[3]);
	for (int i = 1; i < COUNT(orders); i++)
		ck_assert_str_eq(
		    transaction_of(&orders[i]), transaction_of(&orders[0]));
}
END_TEST

START_TEST(one_who_is_stuck_holds_up_no_other)
{
	struct session *other = session_open("postgres");
	struct order orders[3];
	struct http_response *answers;
	struct http_batch *batch;

	begin_crowded();
	for (int i = 0; i < COUNT(orders); i++)
		orders[i] = order_new(ledger_open("10.00"), "4.00");
	session_run(other, "BEGIN");
	hold(other, orders[0].user);
	batch = send_queued(orders, COUNT(orders));
	end_crowded();
	/* the others were answered while the first was stuck */
	WAIT_UNTIL(http_done(batch) == 2);
	ck_assert_str_eq(ledger_status(orders[0].id), "none");
	ck_assert_str_eq(ledger_status(orders[1].id), "succeeded");
	ck_assert_str_eq(ledger_status(orders[2].id), "succeeded");
	session_run(other, "COMMIT");
	answers = http_finish(batch);
	for (int i = 0; i < COUNT(orders); i++)
		expect_success(&answers[i], &orders[i]);
}
END_TEST

Suite *
batch_suite(void)
{
	Suite *suite = suite_create("batch");
	TCase *tcase = fixture_case(suite, "function");

	tcase_add_test(tcase, each_item_has_its_own_outcome);
	tcase_add_test(tcase, an_item_that_was_moved_is_decided_anew);
	tcase_add_test(tcase, a_batch_that_would_wait_does_nothing);
	tcase_add_test(tcase, a_batch_is_refused_whole);

	tcase = fixture_case(suite, "service");
	tcase_add_test(tcase, those_who_wait_share_a_transaction);
	tcase_add_test(tcase, one_who_is_stuck_holds_up_no_other);
	return suite;
}
