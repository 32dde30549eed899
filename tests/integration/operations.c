/* The operator's command after the debit: corrections, payouts, limits, and
 * the stories that it tells. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "command.h"
#include "ctl.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

static const char *
state_of(const char *user)
{
	return ledger_sql("SELECT concat_ws(': ', state, state_reason) "
			  "FROM account WHERE user_id = $1::bigint",
	    user, NULL);
}

static const char *
payout_of(const char *order)
{
	return ledger_sql(
	    "SELECT concat_ws(' ', coalesce(payout_state, 'due'), "
	    "payout_reference) FROM withdraw_record "
	    "WHERE order_id = $1::uuid",
	    order, NULL);
}

/* --- who, and why ------------------------------------------------------- */

/* The audit's last word on a user: command, detail, reason. */
static const char *
audited(const char *user)
{
	return ledger_sql("SELECT concat_ws('; ', command, detail, reason) "
			  "FROM operator_audit WHERE user_id = $1::bigint "
			  "AND actor <> '' ORDER BY id DESC LIMIT 1",
	    user, NULL);
}

START_TEST(each_change_is_audited)
{
	const char *user = new_user();
	const char *out;

	expect_done(
	    run(CTL("account", "open", user, "9", "--reason", "new here")));
	ck_assert_str_eq(audited(user), "account open; 9.00; new here");
	expect_done(run(CTL("account", "credit", user, "1", "--reason=gift")));
	ck_assert_str_eq(audited(user), "account credit; 1.00; gift");
	expect_done(
	    run(CTL("account", "adjust", user, "-2.5", "--reason", "typo")));
	ck_assert_str_eq(audited(user), "account adjust; -2.50; typo");
	expect_done(run(CTL("account", "freeze", user, "--reason", "odd")));
	ck_assert_str_eq(audited(user), "account freeze; frozen; odd");
	expect_done(run(CTL("account", "unfreeze", user, "--reason", "ok")));
	ck_assert_str_eq(audited(user), "account unfreeze; active; ok");
	expect_done(
	    run(CTL("limits", "set", user, "--max", "5", "--reason", "small")));
	expect_said(audited(user), "max 5.00");
	expect_said(audited(user), "small");
	expect_done(run(CTL("limits", "clear", user)));
	expect_said(audited(user), "limits clear");
	out = expect_done(run(CTL("audit", "--user", user, "--json")));
	ck_assert_uint_eq(json_length(out, "changes"), 7);
	ck_assert_str_ne(json_item(out, "changes", 6, "actor"), "");
	expect_item(out, "changes", 6, "role", "withdraw_operator");
	expect_item(out, "changes", 6, "command", "account open");
}
END_TEST

START_TEST(actor_is_the_user_before_sudo)
{
	const char *user = ledger_open("1.00");
	struct command command = CTL("account", "credit", user, "1.00");

	command.env[1] = "SUDO_USER=mallory";
	expect_done(command_run(&command));
	ck_assert_str_eq(
	    ledger_sql("SELECT actor FROM operator_audit WHERE user_id = "
		       "$1::bigint ORDER BY id DESC LIMIT 1",
		user, NULL),
	    getuid() == 0 ? "mallory (as root)"
			  : ledger_sql("SELECT actor FROM operator_audit "
				       "WHERE actor <> 'mallory' LIMIT 1",
				NULL));
}
END_TEST

/* --- questions ---------------------------------------------------------- */

static const struct {
	const char *answer;
	bool yes;
} answers[] = {{"y\n", true}, {"Yes\n", true}, {"yes", true}, {"n\n", false},
    {"\n", false}, {"", false}, {"yesterday\n", false}};

START_TEST(asks_before_money_moves)
{
	const char *user = ledger_open("100.00");
	struct command command = CTL_ASKS("account", "credit", user, "5.00");
	struct command_end end;

	command.in = answers[_i].answer;
	end = command_run(&command);
	expect_said(end.err, "credited with 5.00?");
	ck_assert_int_eq(end.code, answers[_i].yes ? 0 : 2);
	if (answers[_i].yes) {
		ck_assert_str_eq(ledger_balance(user), "105.00");
	} else {
		expect_said(end.err, "nothing was done");
		expect_untouched(user, "100.00");
	}
}
END_TEST

START_TEST(asks_for_each_that_moves_money)
{
	const char *user = ledger_open("100.00");
	const char *other = new_user();
	const char *order = decide(user, "40.00");
	const char *file = keep_format("%s/results.csv", stack_folder());
	struct command commands[] = {CTL_ASKS("account", "open", other, "5.00"),
	    CTL_ASKS("account", "adjust", user, "5.00", "--reason", "x"),
	    CTL_ASKS("payouts", "mark", order, "returned", "--reference", "x"),
	    CTL_ASKS("payouts", "import", file)};
	FILE *out = fopen(file, "w");

	fprintf(out, "%s,returned,x\n", order);
	ck_assert_int_eq(fclose(out), 0);
	for (int i = 0; i < COUNT(commands); i++) {
		struct command_end end = command_run(&commands[i]);

		ck_assert_int_eq(end.code, 2);
		expect_said(end.err, "[y/N]");
		expect_said(end.err, "nothing was done");
	}
	ck_assert_str_eq(journal(other), "");
	ck_assert_str_eq(
	    journal(user), "open 100.00 100.00, withdraw -40.00 60.00");
}
END_TEST

/* --- accounts ----------------------------------------------------------- */

START_TEST(adjusts_up_and_down)
{
	const char *user = ledger_open("100.00");

	expect_said(expect_done(run(CTL("account", "adjust", user, "-100.00",
			"--reason", "counted twice"))),
	    "0.00");
	expect_done(
	    run(CTL("account", "adjust", user, "+7", "--reason", "found")));
	ck_assert_str_eq(journal(user),
	    "open 100.00 100.00, adjust -100.00 0.00, adjust 7.00 7.00");
	expect_refused(
	    run(CTL("account", "adjust", user, "-7.01", "--reason", "x")), 2,
	    "cannot go below zero");
	expect_refused(
	    run(CTL("account", "adjust", user, "-1.00")), 2, "--reason");
	expect_refused(
	    run(CTL("account", "adjust", user, "-1.00", "--reason", "")), 2,
	    "--reason");
	expect_refused(
	    run(CTL("account", "adjust", user, "0", "--reason", "x")), 2,
	    "\"0\"");
	expect_refused(
	    run(CTL("account", "adjust", user, "+five", "--reason", "x")), 2,
	    "\"+five\"");
	ck_assert_str_eq(ledger_balance(user), "7.00");
	expect_said(expect_done(run(CTL("account", "show", user))), "found");
}
END_TEST

START_TEST(freezes_and_unfreezes)
{
	const char *user = ledger_open("100.00");
	struct order order = order_new(user, "1.00");
	struct http_response answer;
	const char *out;

	out = expect_done(
	    run(CTL("account", "freeze", user, "--reason", "odd", "--json")));
	expect_member(out, "changed", "true");
	ck_assert_str_eq(state_of(user), "frozen: odd");
	answer = order_settle(&order);
	expect_problem(&answer, 403, "account-frozen", "declined");
	/* the first reason stands */
	out = expect_done(
	    run(CTL("account", "freeze", user, "--reason", "other", "--json")));
	expect_member(out, "changed", "false");
	expect_member(out, "state_reason", "odd");
	expect_refused(run(CTL("account", "unfreeze", user)), 2, "--reason");
	expect_done(run(CTL("account", "unfreeze", user, "--reason", "ok")));
	ck_assert_str_eq(state_of(user), "active");
	expect_refused(
	    run(CTL("account", "freeze", new_user(), "--reason", "x")), 1,
	    "no such account");
}
END_TEST

/* The page of one account that begins with that user. */
static const char *
listed_from(const char *user, const char *option)
{
	return expect_done(run(CTL("accounts", "list", "--after",
	    keep_format("%lld", strtoll(user, NULL, 10) - 1), "--limit=1",
	    "--json", option)));
}

START_TEST(lists_accounts)
{
	const char *first = ledger_open("1.00");
	const char *second = ledger_open("2.00");
	const char *out = listed_from(first, NULL);

	ck_assert_uint_eq(json_length(out, "accounts"), 1);
	expect_item(out, "accounts", 0, "user_id", first);
	out = listed_from(second, NULL);
	expect_item(out, "accounts", 0, "user_id", second);
	expect_item(out, "accounts", 0, "balance", "2.00");
	ledger_freeze(second);
	out = listed_from(second, "--state=frozen");
	expect_item(out, "accounts", 0, "user_id", second);
	expect_refused(
	    run(CTL("account", "list", "--state", "open")), 2, "active frozen");
	expect_refused(
	    run(CTL("findings", "--state", "active")), 2, "open resolved");
}
END_TEST

/* --- withdrawals -------------------------------------------------------- */

static void
expect_listed(
    const char *option, const char *value, const char *user, const char *order)
{
	const char *out = expect_done(run(CTL(
	    "withdrawals", "list", "--user", user, option, value, "--json")));

	ck_assert_msg(json_length(out, "withdrawals") == 1 &&
		strcmp(json_item(out, "withdrawals", 0, "order_id"), order) ==
		    0,
	    "%s %s: %s", option, value, out);
}

START_TEST(filters_withdrawals)
{
	const char *user = ledger_open("100.00");
	const char *paid = decide(user, "10.00");
	const char *declined = decide(user, "1000.00");
	const char *due = decide(user, "20.00");

	ledger_sql("SELECT verdict FROM payout_mark($1::uuid, 'paid', 'r', "
		   "'me', NULL)",
	    paid, NULL);
	ledger_sql("UPDATE withdraw_record SET created_at = '2026-01-02' "
		   "WHERE order_id = $1::uuid",
	    paid, NULL);
	expect_listed("--status", "declined", user, declined);
	expect_listed("--payout", "paid", user, paid);
	expect_listed("--payout", "due", user, due);
	expect_listed("--until", "2026-01-02T00:00:01Z", user, paid);
	expect_refused(run(CTL("withdrawals", "list", "--since", "2026-13-01")),
	    2, "2026-13-01");
	expect_refused(run(CTL("withdrawals", "list", "--status", "lost")), 2,
	    "succeeded declined void");
	ck_assert_uint_eq(
	    json_length(expect_done(run(CTL("withdrawal", "list", "--user",
			    user, "--since=2026-01-02T00:00:00.5Z", "--json"))),
		"withdrawals"),
	    2);
}
END_TEST

START_TEST(shows_a_return)
{
	const char *user = ledger_open("100.00");
	const char *order = decide(user, "40.00");
	const char *out;

	expect_done(run(
	    CTL("payouts", "mark", order, "returned", "--reference", "R7")));
	out = expect_done(run(CTL("withdrawals", "show", order, "--json")));
	expect_member(out, "payout", "returned");
	expect_member(out, "payout_reference", "R7");
	ck_assert_uint_eq(json_length(out, "entries"), 2);
	expect_item(out, "entries", 0, "kind", "withdraw");
	expect_item(out, "entries", 1, "kind", "return");
	ledger_sql("UPDATE ledger_entry SET kind = 'adjust' WHERE order_id = "
		   "$1::uuid AND kind = 'return'",
	    order, NULL);
	expect_complaint(
	    run(CTL("withdrawals", "show", order)), 1, "do not agree");
	ledger_sql("UPDATE ledger_entry SET kind = 'return' WHERE order_id = "
		   "$1::uuid AND kind = 'adjust'",
	    order, NULL);
}
END_TEST

/* --- payouts ------------------------------------------------------------ */

/* All that other tests left is taken, so that only our own orders are due. */
static void
clear_due(void)
{
	ledger_sql("UPDATE account SET state = 'active', state_reason = NULL "
		   "WHERE state = 'frozen'",
	    NULL);
	ledger_sql("SELECT batch FROM payout_export(NULL, 'me', NULL)", NULL);
}

/* A file of that content. */
static const char *
file_of(const char *content)
{
	static int n;
	const char *path = keep_format("%s/file%d", stack_folder(), n++);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(content, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

START_TEST(exports_each_order_once_and_a_batch_again)
{
	const char *user = ledger_open("100.00");
	const char *frozen = ledger_open("100.00");
	const char *first, *second, *held, *csv, *json, *batch;
	struct command_end end;

	clear_due();
	first = decide(user, "10.00");
	decide(user, "1000.00");
	second = decide(user, "20.00");
	held = decide(frozen, "5.00");
	ledger_freeze(frozen);
	end = run(CTL("payouts", "export"));
	ck_assert_int_eq(end.code, 0);
	expect_said(end.err, "1 orders are due and in no batch, 1 of them");
	csv = end.out;
	batch = ledger_sql("SELECT payout_batch FROM withdraw_record WHERE "
			   "order_id = $1::uuid",
	    first, NULL);
	ck_assert_str_eq(csv,
	    keep_format("batch,order_id,user_id,amount,currency,created_at\r\n"
			"%s,%s,%s,10.00,CNY,%s\r\n%s,%s,%s,20.00,CNY,%s\r\n",
		batch, first, user,
		ledger_sql("SELECT to_char(created_at AT TIME ZONE 'UTC', "
			   "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM "
			   "withdraw_record WHERE order_id = $1::uuid",
		    first, NULL),
		batch, second, user,
		ledger_sql("SELECT to_char(created_at AT TIME ZONE 'UTC', "
			   "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM "
			   "withdraw_record WHERE order_id = $1::uuid",
		    second, NULL)));
	json = expect_done(
	    run(CTL("payouts", "export", "--batch", batch, "--json")));
	expect_member(json, "orders", "2");
	expect_member(json, "total", "30.00");
	expect_item(json, "payouts", 1, "order_id", second);

	/* once, and again the same, whatever became of it meanwhile */
	expect_done(
	    run(CTL("payouts", "mark", first, "paid", "--reference", "P")));
	expect_done(run(
	    CTL("payouts", "mark", second, "returned", "--reference", "P")));
	end = run(CTL("payouts", "export"));
	ck_assert_int_eq(end.code, 0);
	expect_said(end.err, "no new batch");
	ck_assert_str_eq(
	    end.out, "batch,order_id,user_id,amount,currency,created_at\r\n");
	ck_assert_str_eq(
	    expect_done(run(CTL("payouts", "export", "--batch", batch))), csv);
	ck_assert_str_eq(expect_done(run(CTL(
			     "payouts", "export", "--batch", batch, "--json"))),
	    json);
	expect_done(run(CTL("account", "unfreeze", frozen, "--reason", "ok")));
	expect_said(expect_done(run(CTL("payouts", "export"))), held);
	expect_refused(run(CTL("payouts", "export", "--batch", "999999999")), 1,
	    "no batch");
	json =
	    expect_done(run(CTL("payouts", "batches", "--limit=2", "--json")));
	expect_item(json, "batches", 1, "batch", batch);
	expect_item(json, "batches", 1, "paid", "1");
	expect_item(json, "batches", 1, "returned", "1");
	expect_item(json, "batches", 1, "due", "0");
	expect_item(json, "batches", 0, "due", "1");
}
END_TEST

START_TEST(batch_that_could_not_be_written_is_named)
{
	const char *user = ledger_open("100.00");
	const char *order, *batch;
	struct command command = CTL("payouts", "export");
	struct command_end end;

	clear_due();
	order = decide(user, "10.00");
	command.out_path = "/dev/full";
	end = command_run(&command);
	batch = ledger_sql("SELECT max(batch) FROM payout_batch", NULL);
	expect_complaint(
	    end, 2, keep_format("payouts export --batch %s", batch));
	expect_said(
	    expect_done(run(CTL("payouts", "export", "--batch", batch))),
	    order);
}
END_TEST

START_TEST(exports_the_oldest)
{
	const char *user = ledger_open("100.00");
	const char *oldest;
	struct command_end end;

	clear_due();
	oldest = decide(user, "1.00");
	decide(user, "2.00");
	end = run(CTL("payouts", "export", "--limit", "1", "--json"));
	ck_assert_int_eq(end.code, 0);
	expect_member(end.out, "orders", "1");
	expect_item(end.out, "payouts", 0, "order_id", oldest);
	expect_said(end.err, "1 orders are due");
}
END_TEST

START_TEST(marks_once)
{
	const char *user = ledger_open("100.00");
	const char *order = decide(user, "40.00");
	const char *declined = decide(user, "1000.00");
	const char *out = expect_done(run(CTL("payouts", "mark", order,
	    "returned", "--reference", "R1", "--json")));

	expect_member(out, "verdict", "moved");
	expect_member(out, "balance", "100.00");
	out = expect_done(run(CTL("payouts", "mark", order, "returned",
	    "--reference", "R1", "--json")));
	expect_member(out, "verdict", "already");
	expect_complaint(
	    run(CTL("payouts", "mark", order, "returned", "--reference", "R2")),
	    1, "another reference");
	expect_complaint(
	    run(CTL("payouts", "mark", order, "paid", "--reference", "R1")), 1,
	    "otherwise before");
	expect_complaint(
	    run(CTL("payouts", "mark", declined, "paid", "--reference", "R1")),
	    1, "did not succeed");
	expect_complaint(run(CTL("payouts", "mark", order_id(), "paid",
			     "--reference", "R1")),
	    1, "no such order");
	expect_refused(
	    run(CTL("payouts", "mark", order, "paid")), 2, "--reference");
	expect_refused(
	    run(CTL("payouts", "mark", order, "lost", "--reference", "R")), 2,
	    "\"lost\"");
	ck_assert_str_eq(ledger_balance(user), "100.00");
	ck_assert_str_eq(payout_of(order), "returned R1");
}
END_TEST

/* A result of each kind: two that apply, and others that cannot. */
struct results {
	const char *user, *paid, *returned, *declined;
};

static struct results
make_results(void)
{
	struct results r = {.user = ledger_open("100.00")};

	r.paid = decide(r.user, "10.00");
	r.returned = decide(r.user, "20.00");
	r.declined = decide(r.user, "1000.00");
	return r;
}

static void
expect_applied(const struct results *r)
{
	ck_assert_str_eq(payout_of(r->paid), "paid P, \"1\"");
	ck_assert_str_eq(payout_of(r->returned), "returned R1");
	ck_assert_str_eq(ledger_balance(r->user), "90.00");
}

START_TEST(imports_csv)
{
	struct results r = make_results();
	const char *file =
	    file_of(keep_format("\xef\xbb\xbfname,reference,order_id,state\r\n"
				"x,\"P, \"\"1\"\"\",%s,paid\r\n"
				"x,R1,%s,paid\r\n" /* line 3: cannot apply */
				"x,R1,%s,returned\r\n"
				"x,R1,not-an-order,paid\r\n"
				"x,R1,%s,lost\r\n"
				"x,,%s,paid\r\n"
				"x,R1,%s,paid\r\n",
		r.paid, r.declined, r.returned, r.paid, r.paid, order_id()));
	struct command_end end = run(CTL("payouts", "import", file));

	ck_assert_int_eq(end.code, 1);
	expect_applied(&r);
	expect_said(end.out, "line 3: order ");
	expect_said(end.out, "it did not succeed");
	expect_said(end.out, "line 5: order not-an-order");
	expect_said(end.out, "line 6: ");
	expect_said(end.out, "state must be paid or returned");
	expect_said(end.out, "line 7: ");
	expect_said(end.out, "the reference is missing");
	expect_said(end.out, "line 8: ");
	expect_said(end.out, "there is no such order");
	expect_said(
	    end.out, "2 moved, 0 moved before, 5 could not apply, 0 not");
	/* again: nothing moves twice */
	end = run(CTL("payouts", "import", file, "--json"));
	ck_assert_int_eq(end.code, 1);
	expect_member(end.out, "already", "2");
	expect_member(end.out, "not_applied", "5");
	expect_item(end.out, "lines", 0, "verdict", "already");
	expect_item(end.out, "lines", 1, "verdict", "not-succeeded");
	expect_applied(&r);
}
END_TEST

START_TEST(imports_without_a_heading)
{
	struct results r = make_results();

	expect_said(expect_done(run(CTL("payouts", "import",
			file_of(keep_format("%s,paid,\"P, \"\"1\"\"\"\n"
					    "%s,returned,R1",
			    r.paid, r.returned))))),
	    "2 moved");
	expect_applied(&r);
}
END_TEST

START_TEST(imports_json)
{
	struct results r = make_results();
	const char *array = keep_format(
	    "[{\"order_id\": \"%s\", \"state\": \"paid\", "
	    "\"reference\": \"P, \\\"1\\\"\", \"x\": {\"state\": \"lost\"}}, "
	    "{\"state\": \"returned\", \"order_id\": \"%s\", "
	    "\"amount\": 20, \"reference\": \"R1\"}]",
	    r.paid, r.returned);
	struct command command = CTL("payouts", "import", "-");

	command.in = _i == 0 ? array
			     : keep_format("{\"batch\": 1, \"other\": [{}], "
					   "\"payouts\": %s}",
				   array);
	expect_said(expect_done(command_run(&command)), "2 moved");
	expect_applied(&r);
}
END_TEST

/* What is no result, or two at once, is a line that cannot apply. */
START_TEST(odd_json_is_not_believed)
{
	struct results r = make_results();
	struct command command = CTL("payouts", "import", "-", "--json");
	struct command_end end;

	command.in =
	    keep_format("[{\"order_id\": \"%s\", \"state\": \"paid\", "
			"\"reference\": 7}, [\"evil\"], \"evil\", null, "
			"{\"order_id\": \"%s\", \"state\": \"paid\", "
			"\"state\": \"returned\", \"reference\": \"R\"}]",
		r.paid, r.returned);
	end = command_run(&command);
	ck_assert_int_eq(end.code, 1);
	expect_member(end.out, "moved", "1");
	expect_member(end.out, "not_applied", "4");
	ck_assert_str_eq(payout_of(r.paid), "paid 7");
	ck_assert_str_eq(payout_of(r.returned), "due");
}
END_TEST

static const struct {
	const char *content, *said;
} bad_files[] = {
    {"%s,paid,\"P", "not CSV"},
    {"%s,paid,P\"1\"\n", "not CSV"},
    {"[{\"order_id\": \"%s\", \"state\": \"paid\", \"reference\": \"P\"",
	"not JSON"},
    {"{\"orders\": [{\"order_id\": \"%s\", \"state\": \"paid\", "
     "\"reference\": \"P\"}]}",
	"without results"},
};

/* A file that was cut off is not half imported. */
START_TEST(imports_a_whole_file_or_nothing)
{
	const char *user = ledger_open("100.00");
	const char *first = decide(user, "10.00");
	struct command command = CTL("payouts", "import", "-");

	command.in = keep_format(bad_files[_i].content, first);
	expect_refused(command_run(&command), 2, bad_files[_i].said);
	ck_assert_str_eq(payout_of(first), "due");
	expect_refused(run(CTL("payouts", "import", "/nonexistent/file")), 2,
	    "could not open /nonexistent/file");
}
END_TEST

START_TEST(imports_twice_at_once)
{
	enum { ORDERS = 40 };
	const char *user = ledger_open("1000.00");
	const char *lines = "";
	struct command commands[2];
	struct command_end ends[2];
	long moved = 0;

	for (int i = 0; i < ORDERS; i++)
		lines = keep_format("%s%s,%s,R%d\n", lines,
		    decide(user, "10.00"), i % 2 ? "paid" : "returned", i);
	for (int i = 0; i < 2; i++) {
		commands[i] = CTL("payouts", "import", "-", "--json");
		commands[i].in = lines;
		command_start(&commands[i]);
	}
	for (int i = 0; i < 2; i++) {
		ends[i] = command_wait(&commands[i]);
		expect_done(ends[i]);
		moved += strtol(json_get(ends[i].out, "moved"), NULL, 10);
	}
	ck_assert_int_eq(moved, ORDERS);
	ck_assert_str_eq(ledger_balance(user), "800.00");
	ck_assert_int_eq(ledger_number("SELECT count(*) FROM ledger_entry "
				       "WHERE user_id = $1::bigint "
				       "AND kind = 'return'",
			     user, NULL),
	    ORDERS / 2);
}
END_TEST

/* The connection ends in the middle: the line is sent again. */
START_TEST(import_survives_a_lost_connection)
{
	const char *user = ledger_open("100.00");
	const char *first = decide(user, "10.00");
	const char *second = decide(user, "20.00");
	struct command command = CTL("payouts", "import", "-");

	ledger_hold(user);
	command.in =
	    keep_format("%s,returned,R1\n%s,returned,R2\n", first, second);
	command_start(&command);
	WAIT_UNTIL(ledger_number("SELECT count(*) FROM pg_stat_activity WHERE "
				 "usename = 'withdraw_operator' AND "
				 "wait_event_type = 'Lock'",
		       NULL) == 1);
	ledger_sql("SELECT count(pg_terminate_backend(pid)) FROM "
		   "pg_stat_activity WHERE usename = 'withdraw_operator'",
	    NULL);
	ledger_release();
	expect_said(expect_done(command_wait(&command)), "2 moved");
	ck_assert_str_eq(ledger_balance(user), "100.00");
}
END_TEST

/* --- limits ------------------------------------------------------------- */

START_TEST(sets_limits_one_by_one)
{
	const char *user = ledger_open("100.00");
	struct order order = order_new(user, "50.00");
	struct http_response answer;
	const char *out;

	expect_done(run(
	    CTL("limits", "set", user, "--max", "40", "--daily-count", "2")));
	out = expect_done(
	    run(CTL("limits", "set", user, "--daily-sum=60.5", "--json")));
	expect_member(out, "whose", user);
	expect_member(out, "max", "40.00");
	expect_member(out, "daily_count", "2");
	expect_member(out, "daily_sum", "60.50");
	expect_member(out, "min", "null");
	answer = order_settle(&order);
	expect_problem(&answer, 422, "above-maximum", "declined");
	out = expect_done(run(CTL("limits", "set", user, "--max=none",
	    "--daily-count=default", "--json")));
	expect_member(out, "max", "Infinity");
	expect_member(out, "daily_count", "null");
	order = order_new(user, "50.00");
	answer = order_settle(&order);
	expect_success(&answer, &order);
	out = expect_done(run(CTL("limits", "show", user, "--json")));
	expect_member(out, "count_today", "1");
	expect_member(out, "sum_today", "50.00");
	expect_member(out, "daily_sum", "60.50");
	order = order_new(user, "11.00");
	answer = order_settle(&order);
	expect_problem(&answer, 422, "daily-sum-limit", "declined");
	ck_assert_str_eq(
	    json_get(answer.body, "resets_at"), json_get(out, "resets_at"));
	expect_said(expect_done(run(CTL("limit", "show"))), user);
	expect_member(expect_done(run(CTL("limits", "clear", user, "--json"))),
	    "cleared", "true");
	expect_member(expect_done(run(CTL("limits", "clear", user, "--json"))),
	    "cleared", "false");
}
END_TEST

static const struct {
	const char *option, *said;
} bad_limits[] = {
    {"--max=-1", "\"-1\""},
    {"--max=0.001", "\"0.001\""},
    {"--daily-count=1.5", "\"1.5\""},
    {"--daily-count=-1", "\"-1\""},
    {"--time-zone=UTC", "for all"},
    {"--time-zone=UTC+8", "for all"},
    {"--reason=x", "which limit?"},
};

START_TEST(refuses_a_bad_limit)
{
	const char *user = ledger_open("100.00");

	expect_refused(run(CTL("limits", "set", user, bad_limits[_i].option)),
	    2, bad_limits[_i].said);
	ck_assert_int_eq(ledger_number("SELECT count(*) FROM withdraw_limit "
				       "WHERE user_id = $1::bigint",
			     user, NULL),
	    0);
	expect_refused(run(CTL("limits", "set", user, "--min=5", "--max=4")), 2,
	    "the minimum of 5.00 is above the maximum of 4.00");
}
END_TEST

START_TEST(refuses_limits_that_cannot_work)
{
	expect_refused(run(CTL("limits", "set", "all", "--time-zone=UTC+8")), 2,
	    "there is no time zone UTC+8");
	expect_refused(run(CTL("limits", "set", new_user(), "--max=5")), 2,
	    "there is no account");
}
END_TEST

/* --- verify ------------------------------------------------------------- */

START_TEST(verifies_a_chain)
{
	const char *user = ledger_open("100.00");
	const char *head, *out;

	decide(user, "40.00");
	out = expect_done(run(CTL("verify", user, "--json")));
	expect_member(out, "holds", "true");
	expect_member(out, "entries", "2");
	head = json_get(out, "head");
	ck_assert_str_eq(head,
	    ledger_sql("SELECT version || ':' || encode(head_hash, 'hex') "
		       "FROM account WHERE user_id = $1::bigint",
		user, NULL));
	ledger_credit(user, "1.00");
	expect_said(
	    expect_done(run(CTL("verify", user, "--head", head))), "holds");
	/* a whole journal that was written anew holds, but for what was kept */
	expect_complaint(
	    run(CTL("verify", ledger_open("100.00"), "--head", head)), 1,
	    "the head that was kept");
	ledger_sql("UPDATE ledger_entry SET note = 'x' WHERE user_id = "
		   "$1::bigint AND version = 2",
	    user, NULL);
	expect_complaint(
	    run(CTL("verify", user)), 1, "entry 2 does not have the hash");
	ledger_sql("UPDATE ledger_entry SET note = NULL WHERE user_id = "
		   "$1::bigint AND version = 2",
	    user, NULL);
	expect_done(run(CTL("verify", user)));
	expect_refused(run(CTL("verify", new_user())), 1, "no account");
	expect_refused(
	    run(CTL("verify", user, "--head", "7:ab")), 2, "\"7:ab\"");
}
END_TEST

START_TEST(texts_are_utf8_in_any_environment)
{
	const char *user = ledger_open("100.00");
	struct command commands[] = {CTL("account", "adjust", user, "1",
					 "--reason", "r\xc3\xa9sum\xc3\xa9"),
	    CTL("verify", user), CTL("account", "show", user, "--json")};

	for (int i = 0; i < COUNT(commands); i++) {
		commands[i].env[1] = "PGCLIENTENCODING=LATIN1";
		expect_done(command_run(&commands[i]));
	}
	ck_assert_str_eq(ledger_sql("SELECT note FROM ledger_entry WHERE "
				    "user_id = $1::bigint AND version = 2",
			     user, NULL),
	    "r\xc3\xa9sum\xc3\xa9");
}
END_TEST

/* Nobody writes a line of somebody else's, or to the terminal. */
START_TEST(a_line_of_the_audit_is_a_line)
{
	const char *user = ledger_open("100.00");
	const char *out;

	expect_refused(run(CTL("account", "credit", user, "1", "--reason",
			   "ok\n2026-01-01 mallory")),
	    2, "one line");
	expect_untouched(user, "100.00");
	ledger_sql("UPDATE account SET state_reason = E'a\\nb\\x1b[31m' "
		   "WHERE user_id = $1::bigint",
	    user, NULL);
	out = expect_done(run(CTL("account", "show", user)));
	expect_said(out, "a?b?[31m");
	ledger_sql("UPDATE account SET state_reason = NULL "
		   "WHERE user_id = $1::bigint",
	    user, NULL);
}
END_TEST

/* --- explain ------------------------------------------------------------ */

/* Where an event of that kind stands in the story, or -1. */
static int
event(const char *story, const char *what)
{
	for (size_t i = 0; i < json_length(story, "events"); i++)
		if (strcmp(json_item(story, "events", i, "what"), what) == 0)
			return (int)i;
	return -1;
}

START_TEST(explains_an_order)
{
	const char *user = ledger_open("100.00");
	struct order order = order_new(user, "40.00");
	struct http_response answer = order_settle(&order);
	const char *story;
	int at = -1;
	static const char *const whats[] = {
	    "succeeded", "entry", "answer", "exported", "returned"};

	expect_success(&answer, &order);
	clear_due();
	expect_done(run(CTL("payouts", "mark", order.id, "returned",
	    "--reference", "R9", "--reason", "bounced")));
	story = expect_done(run(CTL("explain", order.id, "--json")));
	for (int i = 0; i < COUNT(whats); i++) {
		ck_assert_msg(
		    event(story, whats[i]) > at, "%s: %s", whats[i], story);
		at = event(story, whats[i]);
	}
	expect_said(story, "withdraw -40.00, balance 100.00 -> 60.00");
	expect_said(story, "return 40.00, balance 60.00 -> 100.00");
	expect_said(story, "bounced");
	expect_said(story, "R9");
	expect_said(
	    expect_done(run(CTL("explain", order.id))), "100.00 -> 60.00");
}
END_TEST

/* Token and lock of an order that the ledger does not know yet. */
START_TEST(explains_what_only_redis_knows)
{
	struct order order = order_new(ledger_open("100.00"), "40.00");
	struct http_batch *batch;
	struct http_request request;
	const char *token;
	const char *story;

	/* programs are started while they last */
	stack_restart("withdrawd", "WITHDRAW_TOKEN_TTL_MS=60000 " LONG_LADDER);
	token = order_token(&order);
	story = expect_done(run(CTL("explain", order.id, "--json")));
	ck_assert_uint_eq(json_length(story, "events"), 1);
	expect_item(story, "events", 0, "what", "token");
	ck_assert_ptr_null(strstr(story, token));
	ledger_hold(order.user);
	request = order_request(&order, token);
	batch = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 1);
	story = expect_done(run(CTL("explain", order.id, "--json")));
	expect_item(story, "events", 0, "what", "lock");
	ledger_release();
	http_finish(batch);
	expect_refused(run(CTL("explain", order_id())), 1, "nothing is known");
}
END_TEST

START_TEST(explains_without_redis)
{
	const char *order = decide(ledger_open("100.00"), "40.00");
	struct command command = CTL("explain", order, "--json");
	struct command_end end;

	command.env[1] = "REDIS_URL=unix:///nonexistent/redis.sock";
	end = command_run(&command);
	ck_assert_int_eq(end.code, 0);
	expect_said(end.err, "Redis was not asked");
	ck_assert_int_ge(event(end.out, "succeeded"), 0);
}
END_TEST

/* --- the rest ----------------------------------------------------------- */

START_TEST(runs_reconcile)
{
	struct command command = CTL_ASKS("reconcile", "--dry-run", "--json");
	const char *out = command_run(&command).out;

	expect_member(out, "mode", "full");
	expect_member(out, "dry_run", "true");
	expect_said(expect_done(run(CTL_ASKS("reconcile", "--help"))),
	    "Usage: withdraw-reconcile");
	expect_refused(run(CTL("reconcile")), 2, "comes first on the line");
}
END_TEST

/* Its words go to a journal: no more of a line is repeated than a name. */
START_TEST(reconcile_refuses_a_bad_line)
{
	static const struct {
		const char *argument, *said;
	} bad[] = {
	    {"--redis-url=redis://:x@h", "\"--redis-url\" is not known"},
	    {"--redis-urlredis://:x@h", "\"--redis-urlredis\" is not known"},
	    {"-xredis://:x@h", "\"-xredis\" is not known"},
	    {"--json=redis://:x@h", "\"--json\" takes no value"},
	    {"--every", "\"--every\" needs a value"},
	    {"redis://:x@h", "argument 2 is no option"},
	};
	int i;

	for (i = 0; i < COUNT(bad); i++) {
		struct command command = {
		    .argv = {program("withdraw-reconcile"), "--dry-run",
			bad[i].argument},
		    .env = {"PGHOST=/nowhere"}};
		struct command_end end = command_run(&command);

		ck_assert_int_eq(end.code, 2);
		ck_assert_str_eq(end.out, "");
		expect_said(end.err, bad[i].said);
		ck_assert_msg(strstr(end.err, ":x@h") == NULL &&
			strchr(end.err, '\n') == strrchr(end.err, '\n'),
		    "it says: %s", end.err);
	}
}
END_TEST

START_TEST(lists_findings)
{
	const char *user = ledger_open("100.00");
	const char *out;

	ledger_sql("SELECT reconcile_report(0, 'payout-overdue', $1::bigint, "
		   "NULL, 'late', NULL, NULL, 'reported', 'me')",
	    user, NULL);
	out = expect_done(
	    run(CTL("findings", "--user", user, "--state", "open", "--json")));
	ck_assert_uint_eq(json_length(out, "findings"), 1);
	expect_item(out, "findings", 0, "kind", "payout-overdue");
	ledger_sql("UPDATE reconcile_finding SET resolved_at = now() "
		   "WHERE user_id = $1::bigint",
	    user, NULL);
	expect_said(expect_done(run(
			CTL("findings", "--user", user, "--state", "open"))),
	    "no findings");
}
END_TEST

/* What bash would offer after these words. */
static const char *
completed(const char *words, int n)
{
	struct command bash = {
	    .argv = {"bash", "-c",
		keep_format(
		    "source <(%s completion bash) && COMP_WORDS=(%s) && "
		    "COMP_CWORD=%d && _withdrawctl && "
		    "echo \" ${COMPREPLY[*]} \"",
		    program("withdrawctl"), words, n)}};

	return expect_done(command_run(&bash));
}

START_TEST(completes)
{
	expect_said(completed("withdrawctl acc", 1), " account ");
	expect_said(completed("withdrawctl account fr", 2), " freeze ");
	expect_said(completed("withdrawctl withdrawals ''", 2), " list ");
	expect_said(
	    completed("withdrawctl account adjust 1 2 --rea", 5), " --reason ");
	expect_said(
	    completed("withdrawctl withdrawals list --user 7 --status d", 6),
	    " declined ");
	expect_said(completed("withdrawctl completion b", 2), " bash ");
	ck_assert_str_eq(completed("withdrawctl explain --state", 2), "  \n");
	expect_said(completed("withdrawctl payout ''", 2), " export ");
	expect_said(
	    completed("withdrawctl payouts mark 1 ''", 4), " returned ");
	expect_said(completed("withdrawctl limits set ''", 3), " all ");
	expect_said(completed("withdrawctl reconcile --dr", 2), " --dry-run ");
}
END_TEST

Suite *
operations_suite(void)
{
	Suite *suite = suite_create("operations");
	TCase *tcase = fixture_case(suite, "accounts");

	tcase_add_test(tcase, each_change_is_audited);
	tcase_add_test(tcase, actor_is_the_user_before_sudo);
	tcase_add_loop_test(tcase, asks_before_money_moves, 0, COUNT(answers));
	tcase_add_test(tcase, asks_for_each_that_moves_money);
	tcase_add_test(tcase, adjusts_up_and_down);
	tcase_add_test(tcase, freezes_and_unfreezes);
	tcase_add_test(tcase, lists_accounts);
	tcase_add_test(tcase, filters_withdrawals);
	tcase_add_test(tcase, shows_a_return);
	tcase = fixture_case(suite, "payouts");
	tcase_add_test(tcase, exports_each_order_once_and_a_batch_again);
	tcase_add_test(tcase, batch_that_could_not_be_written_is_named);
	tcase_add_test(tcase, exports_the_oldest);
	tcase_add_test(tcase, marks_once);
	tcase_add_test(tcase, imports_csv);
	tcase_add_test(tcase, imports_without_a_heading);
	tcase_add_loop_test(tcase, imports_json, 0, 2);
	tcase_add_test(tcase, odd_json_is_not_believed);
	tcase_add_loop_test(
	    tcase, imports_a_whole_file_or_nothing, 0, COUNT(bad_files));
	tcase_add_test(tcase, imports_twice_at_once);
	tcase_add_test(tcase, import_survives_a_lost_connection);
	tcase = fixture_case(suite, "stories");
	tcase_add_test(tcase, sets_limits_one_by_one);
	tcase_add_loop_test(tcase, refuses_a_bad_limit, 0, COUNT(bad_limits));
	tcase_add_test(tcase, refuses_limits_that_cannot_work);
	tcase_add_test(tcase, verifies_a_chain);
	tcase_add_test(tcase, texts_are_utf8_in_any_environment);
	tcase_add_test(tcase, a_line_of_the_audit_is_a_line);
	tcase_add_test(tcase, explains_an_order);
	tcase_add_test(tcase, explains_what_only_redis_knows);
	tcase_add_test(tcase, explains_without_redis);
	tcase_add_test(tcase, runs_reconcile);
	tcase_add_test(tcase, reconcile_refuses_a_bad_line);
	tcase_add_test(tcase, lists_findings);
	tcase_add_test(tcase, completes);
	return suite;
}
