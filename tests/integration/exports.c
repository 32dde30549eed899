/* What leaves for the payment system: each order is exported once, in one
 * batch that stays what it is, and whoever listens is told of each move. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "scratch.h"
#include "session.h"
#include "stack.h"
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

/* --- batches, in a database where nothing else is due --------------------- */

/* Users 1 to 3 have withdrawn four times each, in turn: the first order is the
 * oldest. The money of user 4, two orders, is held back; there is a declined
 * order, and a void one. */
enum { DUE = 12 };

static const char story[] =
    "SELECT account_open(u, 100) FROM generate_series(1, 4) u;"
    "SELECT withdraw_execute(1 + n % 3, lpad(n::text, 32, '0')::uuid, 1 + n, "
    "'CNY', NULL, NULL) FROM generate_series(0, 11) n;"
    "SELECT withdraw_execute(4, gen_random_uuid(), 7, 'CNY', NULL, NULL) "
    "FROM generate_series(1, 2);"
    "SELECT withdraw_execute(1, gen_random_uuid(), 1000, 'CNY', NULL, NULL);"
    "SELECT withdraw_void(1, gen_random_uuid(), 'CNY');"
    "SELECT account_set_state(4, 'frozen', 'me', 'why')";

static void
set_up(void)
{
	scratch_make();
	scratch_sql(story);
}

static const char *
story_order(int n)
{
	return keep_format("00000000-0000-0000-0000-%012d", n);
}

static struct session *
open_operator(void)
{
	return session_open_in(SCRATCH, operator_role);
}

/* "batch left held", where nothing was due "left held". */
static const char *
export_up_to(const char *limit)
{
	return keep_format("SELECT concat_ws(' ', batch, left_due, held) "
			   "FROM payout_export(%s, 'me', NULL)",
	    limit);
}

/* What a payment run is made of, from the ledger. */
static const char *
batch_orders(int batch)
{
	return scratch_sql(
	    keep_format("SELECT user_id, order_id, amount FROM withdraw_record "
			"WHERE payout_batch = %d ORDER BY created_at, order_id",
		batch));
}

/* "batch orders total" of each, in their order. */
static const char *
batches(void)
{
	return scratch_sql("SELECT concat_ws(' ', batch, orders, total) "
			   "FROM payout_batch ORDER BY batch");
}

/* Each batch says what is in it, and nothing but a success is. */
static void
expect_sound_batches(void)
{
	ck_assert_str_eq(
	    scratch_sql("SELECT batch, orders, total FROM payout_batch EXCEPT "
			"SELECT payout_batch, count(*), sum(amount) "
			"FROM withdraw_record GROUP BY 1"),
	    "");
	ck_assert_str_eq(
	    scratch_sql("SELECT order_id FROM withdraw_record r "
			"WHERE payout_batch IS NOT NULL AND (status <> 1 OR "
			"NOT EXISTS (SELECT FROM payout_batch b "
			"WHERE b.batch = r.payout_batch))"),
	    "");
}

static const struct {
	const char *limit, *end, *second, *batches;
} meetings[] = {
    /* 1 + ... + 5 in the first, what is left in the second */
    {"5", "COMMIT", "2 2 2", "1 5 15.00\n2 7 63.00\n"},
    {"NULL", "COMMIT", "2 2", "1 12 78.00\n"},
    /* an export that is undone has taken nothing, not even the number */
    {"5", "ROLLBACK", "1 2 2", "1 12 78.00\n"},
};

START_TEST(second_export_waits_for_the_first)
{
	struct session *first = open_operator();
	struct session *second = open_operator();

	session_run(first, "BEGIN");
	session_run(first, export_up_to(meetings[_i].limit));
	session_send(second, export_up_to("NULL"));
	WAIT_UNTIL(session_waits_for(second, first));
	session_run(first, meetings[_i].end);
	ck_assert_str_eq(session_result(second), meetings[_i].second);
	ck_assert_str_eq(batches(), meetings[_i].batches);
	expect_sound_batches();
}
END_TEST

/* Two that export as fast as they can, one order at a time. */
START_TEST(exports_at_full_speed)
{
	enum { ORDERS = 300 };
	struct session *both[] = {open_operator(), open_operator()};
	bool left = true;

	scratch_sql(keep_format("SELECT account_credit(u, 1000) "
				"FROM generate_series(1, 3) u;"
				"SELECT withdraw_execute(1 + n %% 3, "
				"gen_random_uuid(), 1, 'CNY', NULL, NULL) "
				"FROM generate_series(1, %d) n",
	    ORDERS));
	for (int round = 0; left; round++) {
		ck_assert_int_le(round, DUE + ORDERS);
		left = false;
		for (int i = 0; i < COUNT(both); i++)
			session_send(both[i], export_up_to("1"));
		for (int i = 0; i < COUNT(both); i++)
			if (strcmp(session_result(both[i]), "2 2") != 0)
				left = true;
	}
	ck_assert_str_eq(
	    scratch_sql("SELECT count(*), min(batch), max(batch), "
			"min(orders), max(orders) FROM payout_batch"),
	    keep_format("%d|1|%d|1|1\n", DUE + ORDERS, DUE + ORDERS));
	expect_sound_batches();
}
END_TEST

START_TEST(frozen_is_held_back_until_it_is_not)
{
	struct session *session = open_operator();

	ck_assert_str_eq(session_run(session, export_up_to("4")), "1 10 2");
	ck_assert_str_eq(session_run(session, export_up_to("NULL")), "2 2 2");
	ck_assert_str_eq(session_run(session, export_up_to("NULL")), "2 2");
	session_run(
	    session, "SELECT account_set_state(4, 'active', 'me', 'x')");
	ck_assert_str_eq(session_run(session, export_up_to("NULL")), "3 0 0");
	ck_assert_str_eq(batches(), "1 4 10.00\n2 8 68.00\n3 2 14.00\n");
	expect_sound_batches();
}
END_TEST

/* A batch can be sent again: it is the same, whatever came of its payouts. */
START_TEST(batch_stays_what_it_is)
{
	struct session *session = open_operator();
	const char *before, *list;

	ck_assert_str_eq(
	    session_run(session, mark(story_order(0), "paid")), "moved");
	session_run(session, export_up_to("6"));
	before = batch_orders(1);
	list = batches();
	ck_assert_str_eq(list, "1 6 27.00\n");
	ck_assert_str_eq(
	    session_run(session, mark(story_order(1), "paid")), "moved");
	ck_assert_str_eq(
	    session_run(session, mark(story_order(2), "returned")), "moved");
	session_run(
	    session, "SELECT account_set_state(1, 'frozen', 'me', 'x')");
	ck_assert_str_eq(batch_orders(1), before);
	ck_assert_str_eq(batches(), list);
	session_run(session, export_up_to("NULL"));
	ck_assert_str_eq(batch_orders(1), before);
	/* what was paid before any batch is in none, then as now */
	ck_assert_str_eq(
	    scratch_sql("SELECT payout_batch IS NULL FROM withdraw_record "
			"WHERE payout_reference = 'R1' ORDER BY order_id"),
	    "t\nf\nf\n");
	expect_sound_batches();
}
END_TEST

/* A payout that is being marked is not exported beside that. */
START_TEST(export_waits_for_a_mark)
{
	struct session *marker = open_operator();
	struct session *exporter = open_operator();

	session_run(marker, "BEGIN");
	session_run(
	    marker, mark(story_order(3), _i == 0 ? "paid" : "returned"));
	session_send(exporter, export_up_to("NULL"));
	WAIT_UNTIL(session_waits_for(exporter, marker));
	session_run(marker, "COMMIT");
	ck_assert_str_eq(session_result(exporter), "1 2 2");
	ck_assert_str_eq(batches(), "1 11 74.00\n");
	expect_sound_batches();
}
END_TEST

/* --- who listens ---------------------------------------------------------- */

static struct session *
open_listener(void)
{
	struct session *listener = session_open(operator_role);

	session_run(listener, "LISTEN withdraw_payout");
	return listener;
}

static void
expect_told(
    struct session *listener, const struct order *order, const char *payout)
{
	const char *said = session_notification(listener);

	ck_assert_str_eq(
	    json_shape(said), "order_id:string payout:string user_id:number");
	ck_assert_str_eq(json_get(said, "order_id"), order->id);
	ck_assert_str_eq(json_get(said, "user_id"), order->user);
	ck_assert_str_eq(json_get(said, "payout"), payout);
}

/* Notifications come in the order of the commits: nothing was told before
 * this one. */
static void
expect_told_no_more(struct session *listener)
{
	ledger_sql("SELECT pg_notify('withdraw_payout', 'the end')", NULL);
	ck_assert_str_eq(session_notification(listener), "the end");
}

static struct order
succeed(const char *user, const char *amount)
{
	struct order order = order_new(user, amount);
	struct http_response answer = order_settle(&order);

	expect_success(&answer, &order);
	return order;
}

START_TEST(each_move_is_told_once)
{
	const char *user = ledger_open("100.00");
	struct order paid = succeed(user, "10.00");
	struct order returned = succeed(user, "20.00");
	struct order declined = order_new(user, "1000.00");
	struct session *listener = open_listener();
	struct session *session = session_open(operator_role);

	order_settle(&declined);
	ck_assert_str_eq(session_run(session, mark(paid.id, "paid")), "moved");
	expect_told(listener, &paid, "paid");
	ck_assert_str_eq(
	    session_run(session, mark(returned.id, "returned")), "moved");
	expect_told(listener, &returned, "returned");
	/* nothing else moves */
	ck_assert_str_eq(
	    session_run(session, mark(paid.id, "paid")), "already");
	ck_assert_str_eq(
	    session_run(session, mark(returned.id, "returned")), "already");
	ck_assert_str_eq(
	    session_run(session, mark(paid.id, "returned")), "other-state");
	ck_assert_str_eq(
	    session_run(session, mark(declined.id, "paid")), "not-succeeded");
	ck_assert_str_eq(
	    session_run(session, mark(order_id(), "paid")), "unknown");
	expect_told_no_more(listener);
}
END_TEST

START_TEST(what_is_rolled_back_is_not_told)
{
	struct order order = succeed(ledger_open("100.00"), "10.00");
	struct session *listener = open_listener();
	struct session *session = session_open(operator_role);

	session_run(session, "BEGIN");
	ck_assert_str_eq(
	    session_run(session, mark(order.id, "returned")), "moved");
	/* nor is anything told before the commit */
	expect_told_no_more(listener);
	session_run(session, "ROLLBACK");
	expect_told_no_more(listener);
	ck_assert_str_eq(session_run(session, mark(order.id, "paid")), "moved");
	expect_told(listener, &order, "paid");
	expect_told_no_more(listener);
}
END_TEST

/* --- who listens for what is due ------------------------------------------ */

static void
tell_due(const char *value)
{
	ledger_sql(keep_format("ALTER DATABASE %s SET withdraw.notify_due = %s",
		       setting("PGDATABASE"), value),
	    NULL);
	stack_restart("withdrawd", "");
}

/* After that comes the fixture, which starts the service anew, without it. */
static void
tell_default(void)
{
	session_close_all();
	ledger_sql(keep_format("ALTER DATABASE %s RESET withdraw.notify_due",
		       setting("PGDATABASE")),
	    NULL);
}

static void
tell_default_at_last(void)
{
	tell_default();
	ledger_disconnect();
}

/* A success, a replay of it, and an order that was declined. */
static struct order
withdraw_all_ways(void)
{
	const char *user = ledger_open("100.00");
	struct order order = succeed(user, "10.00");
	struct order declined = order_new(user, "1000.00");
	struct http_response answer;

	answer = order_settle(&declined);
	expect_problem(&answer, 402, "insufficient-funds", "declined");
	answer = order_settle(&order);
	expect_success(&answer, &order);
	return order;
}

START_TEST(due_is_told_where_it_is_asked_for)
{
	struct session *listener = open_listener();
	struct order order;

	withdraw_all_ways();
	expect_told_no_more(listener);
	tell_due("on");
	order = withdraw_all_ways();
	expect_told(listener, &order, "due");
	expect_told_no_more(listener);
	tell_due("off");
	withdraw_all_ways();
	expect_told_no_more(listener);
}
END_TEST

Suite *
exports_suite(void)
{
	Suite *suite = suite_create("exports");
	TCase *tcase = fixture_case(suite, "batches");

	tcase_add_checked_fixture(tcase, set_up, scratch_drop);
	tcase_add_checked_fixture(tcase, NULL, session_close_all);
	tcase_add_loop_test(
	    tcase, second_export_waits_for_the_first, 0, COUNT(meetings));
	tcase_add_test(tcase, exports_at_full_speed);
	tcase_add_test(tcase, frozen_is_held_back_until_it_is_not);
	tcase_add_test(tcase, batch_stays_what_it_is);
	tcase_add_loop_test(tcase, export_waits_for_a_mark, 0, 2);

	tcase = fixture_case(suite, "told");
	tcase_add_checked_fixture(tcase, NULL, session_close_all);
	tcase_add_test(tcase, each_move_is_told_once);
	tcase_add_test(tcase, what_is_rolled_back_is_not_told);

	tcase = fixture_case(suite, "due");
	tcase_add_unchecked_fixture(tcase, NULL, tell_default_at_last);
	tcase_add_checked_fixture(tcase, NULL, tell_default);
	tcase_add_test(tcase, due_is_told_where_it_is_asked_for);
	return suite;
}
