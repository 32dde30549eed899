/* check_pg.c: what Postgres replies: what is known of the commit after it, and
 * nothing more. */
#include <stdio.h>
#include <string.h>

#include "fake_pg.h"
#include "pipeline/ledger.h"
#include "store/pg.h"
#include "stores.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { CALLS = 3, CELL = 64 };

static struct asked {
	struct pg_call call; /* first, so that on_done() finds the rest */
	int done;
	enum pg_verdict verdict;
	size_t nrows;
	char cell[CELL]; /* of the first row, the second column */
	bool null;
} asked[CALLS];

static void
on_done(struct pg_call *call, enum pg_verdict verdict, const struct pg_rows *r)
{
	struct asked *a = (struct asked *)call;
	const char *text;

	a->done++;
	a->verdict = verdict;
	a->nrows = r != NULL ? pg_rows_count(r) : 0;
	if (a->nrows == 0)
		return;
	text = pg_rows_text(r, 0, 1);
	a->null = text == NULL;
	snprintf(a->cell, sizeof(a->cell), "%s", text != NULL ? text : "");
}

static void
ask(int i, const struct pg_statement *statement, int nparams)
{
	struct asked *a = &asked[i];
	int j;

	*a = (struct asked){.call = {.statement = statement,
				.nparams = nparams,
				.lane = i + 1,
				.timeout = 3600,
				.request = "r",
				.done = on_done}};
	for (j = 0; j < nparams; j++)
		a->call.param[j] = "1";
	pg_submit(stores.pg, &a->call);
}

/* Lets time pass until the statement is there again. */
static void
turn_until_asked(void)
{
	while (*fake_pg_statement() == '\0') {
		ev_run(stores.loop, EVRUN_ONCE);
		stores_turn();
	}
}

static void
turn_until_up(void)
{
	while (!pg_up(stores.pg)) {
		ev_run(stores.loop, EVRUN_ONCE);
		stores_turn();
	}
}

static void
setup(void)
{
	stores_setup();
	stores_config.guards = 0; /* no Redis */
}

/* Connected, and asked for an order. */
static void
setup_asked(void)
{
	setup();
	stores_open();
	ck_assert(pg_up(stores.pg));
	ask(0, &statement_find, 2);
	stores_turn();
	ck_assert_str_eq(fake_pg_statement(), "find");
}

/* Connected, and asked for withdrawals that share a transaction. */
static void
setup_batch(void)
{
	int i;

	setup();
	stores_config.pg_batch = CALLS;
	stores_open();
	for (i = 0; i < CALLS; i++)
		ask(i, &statement_withdraw, 6);
	stores_turn();
	ck_assert_str_eq(fake_pg_statement(), "withdraw_all");
	ck_assert_str_eq(fake_pg_param(0), "{1,1,1}");
	ck_assert_str_eq(fake_pg_param(3), "1");
}

static void
assert_verdict(int i, enum pg_verdict verdict)
{
	ck_assert_int_eq(asked[i].done, 1);
	ck_assert_int_eq(asked[i].verdict, verdict);
}

/* It is sent again, on a new connection, and what is answered then holds. */
static void
assert_again(void)
{
	ck_assert_int_eq(asked[0].done, 0);
	turn_until_asked();
	fake_pg_answer(2, 1, (const char *[]){"t", "there"});
	stores_turn();
	assert_verdict(0, PG_ROWS);
	ck_assert_str_eq(asked[0].cell, "there");
}

/* --- the reply to a statement --------------------------------------------- */

START_TEST(rows)
{
	fake_pg_answer(2, 2, (const char *[]){"t", "first", "t", "second"});
	stores_turn();
	assert_verdict(0, PG_ROWS);
	ck_assert_uint_eq(asked[0].nrows, 2);
	ck_assert_str_eq(asked[0].cell, "first");
	ck_assert_str_eq(asked[0].call.epoch, "7.1");
	ask(0, &statement_find, 2);
	stores_turn();
	fake_pg_answer(2, 1, (const char *[]){"t", NULL});
	stores_turn();
	assert_verdict(0, PG_ROWS);
	ck_assert(asked[0].null);
}
END_TEST

/* The rows are there, and nothing is said before the server is ready. */
START_TEST(rows_are_no_commit)
{
	fake_pg_rows(2, 1, (const char *[]){"t", "first"});
	stores_turn();
	ck_assert_int_eq(asked[0].done, 0);
	fake_pg_complete();
	stores_turn();
	ck_assert_int_eq(asked[0].done, 0);
	fake_pg_ready('I');
	stores_turn();
	assert_verdict(0, PG_ROWS);
}
END_TEST

/* A commit that fails after its rows, as a deferred constraint's does. */
START_TEST(error_after_rows)
{
	fake_pg_rows(2, 1, (const char *[]){"t", "first"});
	fake_pg_complete();
	fake_pg_refuse("23503");
	stores_turn();
	assert_verdict(0, PG_FAILED);
}
END_TEST

START_TEST(first_error_stands)
{
	fake_pg_error("ERROR", "23514", "refused");
	fake_pg_complete();
	fake_pg_ready('I');
	stores_turn();
	assert_verdict(0, PG_FAILED);
}
END_TEST

static const char *const final_states[] = {"23514", "57014", "42883", NULL};

START_TEST(refused)
{
	fake_pg_refuse(final_states[_i]);
	stores_turn();
	assert_verdict(0, PG_FAILED);
	turn_until_up(); /* on another connection */
}
END_TEST

static const char *const passing_states[] = {
    "40001", "40P01", "25006", "26000"};

START_TEST(refused_for_now)
{
	fake_pg_refuse(passing_states[_i]);
	stores_turn();
	assert_again();
}
END_TEST

/* The backend ended, perhaps after its commit. */
START_TEST(fatal)
{
	fake_pg_error("FATAL", "57P01", "terminating");
	fake_pg_ready('I');
	stores_turn();
	assert_again();
}
END_TEST

START_TEST(not_the_protocol)
{
	peer_say(&fake_pg, "garbage\r\n", 9);
	stores_turn();
	assert_again();
}
END_TEST

START_TEST(error_and_then_not_the_protocol)
{
	fake_pg_error("ERROR", "23514", "refused");
	if (_i == 1) /* libpq has given the error out by then */
		stores_turn();
	peer_say(&fake_pg, "garbage\r\n", 9);
	stores_turn();
	assert_again();
}
END_TEST

START_TEST(no_result)
{
	fake_pg_ready('I');
	stores_turn();
	assert_again();
}
END_TEST

START_TEST(no_rows)
{
	fake_pg_complete();
	fake_pg_ready('I');
	stores_turn();
	assert_again();
}
END_TEST

START_TEST(in_a_transaction)
{
	fake_pg_rows(2, 1, (const char *[]){"t", "first"});
	fake_pg_complete();
	fake_pg_ready('T');
	stores_turn();
	assert_again();
}
END_TEST

static const char *const warnings[] = {"canceling the wait", NULL};

START_TEST(warning_about_the_commit)
{
	fake_pg_rows(2, 1, (const char *[]){"t", "first"});
	fake_pg_complete();
	fake_pg_notice("WARNING", warnings[_i]);
	fake_pg_ready('I');
	stores_turn();
	assert_again();
}
END_TEST

static const char *const severities[] = {"NOTICE", "LOG", NULL};

START_TEST(notice)
{
	fake_pg_rows(2, 1, (const char *[]){"t", "first"});
	fake_pg_complete();
	fake_pg_notice(severities[_i], "by the way");
	fake_pg_ready('I');
	stores_turn();
	assert_verdict(0, PG_ROWS);
}
END_TEST

/* --- the rows of a batch -------------------------------------------------- */

START_TEST(rows_by_item)
{
	fake_pg_answer(
	    3, 2, (const char *[]){"3", "t", "third", "1", "f", "first"});
	stores_turn();
	assert_verdict(0, PG_ROWS);
	assert_verdict(1, PG_ROWS);
	assert_verdict(2, PG_ROWS);
	ck_assert_str_eq(asked[0].cell, "first");
	ck_assert_uint_eq(asked[1].nrows, 0);
	ck_assert_str_eq(asked[2].cell, "third");
}
END_TEST

static const char *const items[][2] = {
    {"0", "1"}, {"-1", "1"}, {"4", "1"}, {"1", "1"}, {"x", "1"}};

/* Each is sent again, by itself. */
START_TEST(not_the_rows_of_the_batch)
{
	int i;

	fake_pg_answer(3, 2,
	    (const char *[]){items[_i][0], "t", "a", items[_i][1], "t", "b"});
	stores_turn();
	for (i = 0; i < CALLS; i++) {
		ck_assert_int_eq(asked[i].done, 0);
		turn_until_asked();
		ck_assert_str_eq(fake_pg_statement(), "withdraw");
		fake_pg_answer(2, 1, (const char *[]){"t", "own"});
		stores_turn();
		assert_verdict(i, PG_ROWS);
		ck_assert_str_eq(asked[i].cell, "own");
	}
}
END_TEST

START_TEST(batch_refused)
{
	int i;

	fake_pg_refuse("23514");
	stores_turn();
	for (i = 0; i < CALLS; i++) {
		ck_assert_int_eq(asked[i].done, 0);
		turn_until_asked();
		ck_assert_str_eq(fake_pg_statement(), "withdraw");
		fake_pg_refuse("23514");
		stores_turn();
		assert_verdict(i, PG_FAILED);
	}
}
END_TEST

/* --- the set-up ----------------------------------------------------------- */

START_TEST(fit)
{
	fake_pg_settings[2] = _i == 0 ? "on" : "remote_apply";
	stores_open();
	ck_assert(pg_up(stores.pg));
	ck_assert(!pg_unfit(stores.pg));
	ck_assert_str_eq(pg_epoch(stores.pg), "7.1");
}
END_TEST

static void
look_early(void)
{
	ev_run(stores.loop, EVRUN_NOWAIT);
}

/* All of it in halves, each of which is looked at as it comes. */
START_TEST(torn_messages)
{
	fake_pg_torn = look_early;
	stores_open();
	ck_assert(pg_up(stores.pg));
	ask(0, &statement_find, 2);
	stores_turn();
	fake_pg_answer(2, 1, (const char *[]){"t", "whole"});
	stores_turn();
	assert_verdict(0, PG_ROWS);
	ck_assert_str_eq(asked[0].cell, "whole");
}
END_TEST

static const struct {
	int setting;
	const char *value, *problem;
} unsafe[] = {{0, "off", "fsync = off"}, {1, "off", "full_page_writes = off"},
    {0, "remote_apply", "fsync = remote_apply"},
    {2, "off", "synchronous_commit = off"},
    {2, "local", "synchronous_commit = local"}};

START_TEST(would_lose_commits)
{
	fake_pg_settings[unsafe[_i].setting] = unsafe[_i].value;
	stores_open();
	ck_assert(!pg_up(stores.pg));
	ck_assert(pg_unfit(stores.pg));
	ck_assert_ptr_nonnull(
	    strstr(pg_problem(stores.pg), unsafe[_i].problem));
	fake_pg_settings[unsafe[_i].setting] = "on";
	turn_until_up();
	ck_assert(!pg_unfit(stores.pg));
	ck_assert_str_eq(pg_problem(stores.pg), "");
}
END_TEST

static const struct {
	const char *state;
	bool unfit;
} refusals[] = {
    {"42883", true}, {"42501", true}, {"53300", false}, {"", false}};

START_TEST(set_up_refused)
{
	fake_pg_refusal = refusals[_i].state;
	stores_open();
	ck_assert(!pg_up(stores.pg));
	ck_assert_int_eq(pg_unfit(stores.pg), refusals[_i].unfit);
	/* libpq's first line, and what to do about it */
	ck_assert_str_eq(pg_problem(stores.pg),
	    refusals[_i].unfit
		? "ERROR:  not so (apply sql/*.sql in order, and connect as a "
		  "role that may use it: withdraw_service)"
		: "ERROR:  not so");
	fake_pg_refusal = NULL;
	turn_until_up();
}
END_TEST

Suite *
pg_suite(void)
{
	Suite *s = suite_create("pg");
	TCase *t = tcase_create("replies");

	tcase_add_checked_fixture(t, setup_asked, stores_teardown);
	tcase_add_test(t, rows);
	tcase_add_test(t, rows_are_no_commit);
	tcase_add_test(t, error_after_rows);
	tcase_add_test(t, first_error_stands);
	tcase_add_loop_test(t, refused, 0, (int)COUNT(final_states));
	tcase_add_loop_test(t, refused_for_now, 0, (int)COUNT(passing_states));
	tcase_add_test(t, fatal);
	tcase_add_test(t, not_the_protocol);
	tcase_add_loop_test(t, error_and_then_not_the_protocol, 0, 2);
	tcase_add_test(t, no_result);
	tcase_add_test(t, no_rows);
	tcase_add_test(t, in_a_transaction);
	tcase_add_loop_test(
	    t, warning_about_the_commit, 0, (int)COUNT(warnings));
	tcase_add_loop_test(t, notice, 0, (int)COUNT(severities));
	suite_add_tcase(s, t);
	t = tcase_create("batch");
	tcase_add_checked_fixture(t, setup_batch, stores_teardown);
	tcase_add_test(t, rows_by_item);
	tcase_add_loop_test(t, not_the_rows_of_the_batch, 0, (int)COUNT(items));
	tcase_add_test(t, batch_refused);
	suite_add_tcase(s, t);
	t = tcase_create("set-up");
	tcase_add_checked_fixture(t, setup, stores_teardown);
	tcase_add_loop_test(t, fit, 0, 2);
	tcase_add_test(t, torn_messages);
	tcase_add_loop_test(t, would_lose_commits, 0, (int)COUNT(unsafe));
	tcase_add_loop_test(t, set_up_refused, 0, (int)COUNT(refusals));
	suite_add_tcase(s, t);
	return s;
}
