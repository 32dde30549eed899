/* The operator's command: what it does, and what it says of what it did. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ctl.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "proxy.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* --- accounts ----------------------------------------------------------- */

START_TEST(opens_an_account)
{
	const char *user = new_user();
	const char *out =
	    expect_done(run(CTL("account", "open", user, "100.5")));

	expect_said(out, user);
	expect_said(out, "100.50");
	expect_untouched(user, "100.50");
}
END_TEST

START_TEST(opens_an_empty_account)
{
	const char *user = new_user();

	expect_done(run(CTL("account", "open", user, "0")));
	expect_untouched(user, "0.00");
}
END_TEST

START_TEST(leaves_an_open_account_alone)
{
	const char *user = ledger_open("100.00");

	expect_refused(
	    run(CTL("account", "open", user, "5.00")), 1, "exists already");
	expect_untouched(user, "100.00");
}
END_TEST

START_TEST(credits_each_time)
{
	const char *user = ledger_open("100.00");

	expect_said(
	    expect_done(run(CTL("account", "credit", user, "0.01"))), "100.01");
	expect_said(
	    expect_done(run(CTL("account", "credit", user, "5"))), "105.01");
	ck_assert_str_eq(journal(user),
	    "open 100.00 100.00, credit 0.01 100.01, credit 5.00 105.01");
	ck_assert_str_eq(ledger_balance(user), "105.01");
}
END_TEST

START_TEST(credits_nobody)
{
	const char *user = new_user();

	expect_refused(
	    run(CTL("account", "credit", user, "5.00")), 1, "no such account");
	expect_refused(
	    run(CTL("account", "show", user)), 1, "there is no account");
	ck_assert_str_eq(journal(user), "");
}
END_TEST

START_TEST(shows_an_account)
{
	const char *user = ledger_open("100.00");
	const char *order = decide(user, "40.00");
	const char *out = expect_done(run(CTL("account", "show", user)));

	expect_said(out, "60.00");
	expect_said(out, "-40.00");
	expect_said(out, "open");
	expect_said(out, order);
	out = expect_done(run(CTL("account", "show", user, "--limit", "1")));
	expect_said(out, "-40.00");
	ck_assert_ptr_null(strstr(out, "open"));
}
END_TEST

START_TEST(refuses_a_credit_beyond_the_bound)
{
	const char *user = new_user();

	ledger_sql(
	    "SELECT account_open($1::bigint, 9999999999999999.99)", user, NULL);
	expect_refused(
	    run(CTL("account", "credit", user, "0.01")), 2, "was not credited");
	expect_untouched(user, "9999999999999999.99");
}
END_TEST

static const char *const bad_amounts[] = {"NaN", "nan", "Infinity", "-5",
    "-0.01", "+5", "0.001", "100.005", "1e3", "05", ".5", "5.", "1,00", "0x10",
    " 5", "5 ", "", "10000000000000", "abc", "5\n",
    "\xd9\xa5" /* a five, but not in ASCII */};

START_TEST(refuses_a_bad_amount)
{
	const char *amount = bad_amounts[_i];
	const char *quoted = keep_format("\"%s\"", amount);
	const char *user = ledger_open("100.00");
	const char *other = new_user();

	expect_refused(run(CTL("account", "credit", user, amount)), 2, quoted);
	expect_untouched(user, "100.00");
	expect_refused(run(CTL("account", "open", other, amount)), 2, quoted);
	ck_assert_str_eq(journal(other), "");
}
END_TEST

START_TEST(refuses_to_credit_nothing)
{
	const char *user = ledger_open("100.00");

	expect_refused(
	    run(CTL("account", "credit", user, "0.00")), 2, "at least 0.01");
	expect_untouched(user, "100.00");
}
END_TEST

static const char *const bad_users[] = {
    "0", "-1", "01", "abc", "1.0", "9223372036854775808", "", " 1", "1 "};

START_TEST(refuses_a_bad_user)
{
	const char *user = bad_users[_i];
	const char *quoted = keep_format("\"%s\"", user);

	expect_refused(run(CTL("account", "open", user, "5.00")), 2, quoted);
	expect_refused(run(CTL("account", "credit", user, "5.00")), 2, quoted);
	expect_refused(run(CTL("account", "show", user)), 2, quoted);
	expect_refused(run(CTL("withdrawals", "--user", user)), 2, quoted);
}
END_TEST

/* --- orders ------------------------------------------------------------- */

START_TEST(lists_the_orders_of_one_user)
{
	const char *user = ledger_open("100.00");
	const char *older = decide(user, "40.00");
	const char *newer = decide(user, "70.00");
	const char *others = decide(ledger_open("100.00"), "1.00");
	const char *out = expect_done(run(CTL("withdrawals", "--user", user)));

	expect_said(out, older);
	expect_said(out, "insufficient-funds");
	ck_assert_ptr_null(strstr(out, others));
	/* newest first */
	ck_assert_ptr_nonnull(strstr(strstr(out, newer), older));

	out = expect_done(run(
	    CTL("withdrawals", "--limit=1", keep_format("--user=%s", user))));
	expect_said(out, newer);
	ck_assert_ptr_null(strstr(out, older));
}
END_TEST

START_TEST(lists_the_orders_of_all)
{
	const char *first = decide(ledger_open("100.00"), "1.00");
	const char *second = decide(ledger_open("100.00"), "1.00");
	const char *out = expect_done(run(CTL("withdrawals")));

	expect_said(out, first);
	expect_said(out, second);
}
END_TEST

START_TEST(lists_no_orders)
{
	const char *out =
	    expect_done(run(CTL("withdrawals", "--user", new_user())));

	expect_said(out, "no withdrawals");
}
END_TEST

START_TEST(shows_an_order)
{
	const char *user = ledger_open("100.00");
	const char *order = decide(user, "40.00");
	const char *out = expect_done(run(CTL("show", order)));

	expect_said(out, order);
	expect_said(out, "succeeded");
	expect_said(out, "-40.00");
	order = decide(user, "70.00");
	out = expect_done(run(CTL("show", order)));
	expect_said(out, "declined");
	expect_said(out, "no entries");
}
END_TEST

START_TEST(shows_no_order)
{
	expect_refused(run(CTL("show", order_id())), 1, "no record of order");
}
END_TEST

/* --- JSON --------------------------------------------------------------- */

static const char account_shape[] =
    "balance:string user_id:number version:number";

START_TEST(json_of_a_change)
{
	const char *user = new_user();
	const char *out =
	    expect_done(run(CTL("--json", "account", "open", user, "100.00")));

	ck_assert_str_eq(json_shape(out), account_shape);
	expect_member(out, "user_id", user);
	expect_member(out, "balance", "100.00");
	expect_member(out, "version", "1");

	out = expect_done(run(CTL("account", "credit", user, "0.5", "--json")));
	ck_assert_str_eq(json_shape(out), account_shape);
	expect_member(out, "balance", "100.50");
	expect_member(out, "version", "2");
}
END_TEST

START_TEST(json_of_an_account)
{
	const char *user = ledger_open("100.00");
	const char *order = decide(user, "40.00");
	const char *out =
	    expect_done(run(CTL("account", "show", user, "--json")));

	ck_assert_str_eq(json_shape(out),
	    "balance:string entries:array state:string state_reason:null "
	    "user_id:number version:number");
	expect_member(out, "user_id", user);
	expect_member(out, "balance", "60.00");
	expect_member(out, "version", "2");
	expect_member(out, "state", "active");
	ck_assert_uint_eq(json_length(out, "entries"), 2);
	ck_assert_str_eq(json_item_shape(out, "entries", 0),
	    "balance_after:string created_at:string delta:string kind:string "
	    "note:null order_id:string version:number");
	expect_item(out, "entries", 0, "version", "2");
	expect_item(out, "entries", 0, "kind", "withdraw");
	expect_item(out, "entries", 0, "delta", "-40.00");
	expect_item(out, "entries", 0, "balance_after", "60.00");
	expect_item(out, "entries", 0, "order_id", order);
	expect_item(out, "entries", 1, "kind", "open");
	expect_item(out, "entries", 1, "order_id", "null");
}
END_TEST

static const char record_shape[] =
    "amount:string balance_after:string batch:null created_at:string "
    "currency:string order_id:string payout:%s payout_at:null "
    "payout_reference:null reason:%s resets_at:null status:string "
    "user_id:number version:number";

START_TEST(json_of_the_orders)
{
	const char *user = ledger_open("100.00");
	const char *older = decide(user, "40.00");
	const char *newer = decide(user, "70.00");
	const char *out =
	    expect_done(run(CTL("withdrawals", "--user", user, "--json")));

	ck_assert_str_eq(json_shape(out), "withdrawals:array");
	ck_assert_uint_eq(json_length(out, "withdrawals"), 2);
	ck_assert_str_eq(json_item_shape(out, "withdrawals", 0),
	    keep_format(record_shape, "null", "string"));
	expect_item(out, "withdrawals", 0, "order_id", newer);
	expect_item(out, "withdrawals", 0, "status", "declined");
	expect_item(out, "withdrawals", 0, "reason", "insufficient-funds");
	expect_item(out, "withdrawals", 0, "amount", "70.00");
	expect_item(out, "withdrawals", 0, "balance_after", "60.00");
	ck_assert_str_eq(json_item_shape(out, "withdrawals", 1),
	    keep_format(record_shape, "string", "null"));
	expect_item(out, "withdrawals", 1, "order_id", older);
	expect_item(out, "withdrawals", 1, "user_id", user);
	expect_item(out, "withdrawals", 1, "status", "succeeded");
	expect_item(out, "withdrawals", 1, "currency", "CNY");
	expect_item(out, "withdrawals", 1, "version", "2");

	out = expect_done(
	    run(CTL("withdrawals", "--user", new_user(), "--json")));
	ck_assert_uint_eq(json_length(out, "withdrawals"), 0);
}
END_TEST

START_TEST(json_of_an_order)
{
	const char *user = ledger_open("100.00");
	const char *order = decide(user, "40.00");
	struct command command = CTL("show", order, "--json");
	const char *out;

	/* times are UTC, whatever the operator's time zone */
	command.env[1] = "PGTZ=Asia/Shanghai";
	out = expect_done(command_run(&command));
	expect_member(out, "order_id", order);
	expect_member(out, "user_id", user);
	expect_member(out, "status", "succeeded");
	expect_member(out, "reason", "null");
	expect_member(out, "amount", "40.00");
	expect_member(out, "balance_after", "60.00");
	expect_member(out, "version", "2");
	expect_member(out, "created_at",
	    ledger_sql("SELECT to_char(created_at AT TIME ZONE 'UTC', "
		       "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
		       "FROM withdraw_record WHERE order_id = $1::uuid",
		order, NULL));
	ck_assert_uint_eq(json_length(out, "entries"), 1);
	expect_item(out, "entries", 0, "user_id", user);
	expect_item(out, "entries", 0, "version", "2");
	expect_item(out, "entries", 0, "kind", "withdraw");
	expect_item(out, "entries", 0, "delta", "-40.00");
	expect_item(out, "entries", 0, "balance_after", "60.00");
}
END_TEST

START_TEST(json_of_a_void_order)
{
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	const char *out;

	ledger_sql("SELECT status FROM withdraw_void($1::bigint, $2::uuid, "
		   "'CNY')",
	    user, order, NULL);
	out = expect_done(run(CTL("show", order, "--json")));
	expect_member(out, "status", "void");
	expect_member(out, "amount", "null");
	expect_member(out, "balance_after", "null");
	ck_assert_uint_eq(json_length(out, "entries"), 0);
}
END_TEST

/* --- the command line --------------------------------------------------- */

static const struct {
	const char *args[8];
	const char *said;
} bad_lines[] = {
    {{NULL}, "which command?"},
    {{"account"}, "which command?"},
    {{"withdraw"}, "no command \"withdraw\""},
    {{"account", "close", "1"}, "no command \"account close\""},
    {{"account", "open"}, "usage: withdrawctl account open USER AMOUNT"},
    {{"account", "open", "1"}, "usage: withdrawctl account open USER AMOUNT"},
    {{"account", "credit", "1"},
	"usage: withdrawctl account credit USER AMOUNT"},
    {{"account", "credit", "1", "2", "3"}, "\"3\" is one argument too many"},
    {{"account", "show"}, "usage: withdrawctl account show USER"},
    {{"account", "show", "1", "2"}, "usage: withdrawctl account show USER"},
    {{"show"}, "usage: withdrawctl show ORDER"},
    {{"withdrawals", "1"}, "usage: withdrawctl withdrawals"},
    {{"--yaml", "withdrawals"}, "no option \"--yaml\""},
    {{"account", "open", "1", "5.00", "--force"}, "no option \"--force\""},
    {{"account", "open", "1", "5.00", "--user", "2"}, "no option --user"},
    {{"account", "credit", "1", "5.00", "--limit=1"}, "no option --limit"},
    {{"withdrawals", "--user"}, "--user needs a value"},
    {{"withdrawals", "--limit"}, "--limit needs a value"},
    {{"withdrawals", "--limit", "0"}, "\"0\""},
    {{"withdrawals", "--limit=1001"}, "\"1001\""},
    {{"account", "show", "1", "--limit=-1"}, "\"-1\""},
    {{"show", "not-an-order"}, "\"not-an-order\""},
    {{"show", ""}, "the order id is \"\""},
};

START_TEST(refuses_a_bad_line)
{
	struct command command = CTL(NULL);

	for (int i = 0; bad_lines[_i].args[i] != NULL; i++)
		command.argv[i + 1] = bad_lines[_i].args[i];
	/* found out before anything is connected to */
	command.env[1] = "PGHOST=/nonexistent";
	expect_refused(command_run(&command), 2, bad_lines[_i].said);
}
END_TEST

static const struct {
	const char *args[4];
	const char *usage;
} help_lines[] = {
    {{"--help"}, "Usage: withdrawctl COMMAND"},
    {{"-h"}, "Usage: withdrawctl COMMAND"},
    {{"account", "--help"}, "Usage: withdrawctl account COMMAND"},
    {{"account", "open", "--help"},
	"Usage: withdrawctl account open USER AMOUNT"},
    {{"account", "credit", "--help"},
	"Usage: withdrawctl account credit USER AMOUNT"},
    {{"account", "show", "-h"}, "Usage: withdrawctl account show USER"},
    {{"withdrawals", "--help"}, "Usage: withdrawctl withdrawals"},
    {{"show", "--help"}, "Usage: withdrawctl show ORDER"},
    {{"--version"}, "withdrawctl "},
};

START_TEST(helps)
{
	struct command command = CTL(NULL);
	const char *out;

	for (int i = 0; help_lines[_i].args[i] != NULL; i++)
		command.argv[i + 1] = help_lines[_i].args[i];
	command.env[1] = "PGHOST=/nonexistent";
	out = expect_done(command_run(&command));
	ck_assert_msg(strncmp(out, help_lines[_i].usage,
			  strlen(help_lines[_i].usage)) == 0,
	    "%s", out);

	command.out_path = "/dev/full";
	expect_complaint(command_run(&command), 2, "could not write");
}
END_TEST

/* --- what goes wrong ---------------------------------------------------- */

START_TEST(full_disk_under_a_credit)
{
	const char *user = ledger_open("100.00");
	struct command command = CTL("account", "credit", user, "5.00");

	command.out_path = "/dev/full";
	expect_complaint(command_run(&command), 2,
	    keep_format("account %s was credited with 5.00, but could not "
			"write",
		user));
	ck_assert_str_eq(
	    journal(user), "open 100.00 100.00, credit 5.00 105.00");
}
END_TEST

START_TEST(full_disk_under_a_look)
{
	const char *user = ledger_open("100.00");
	struct command commands[] = {CTL("account", "show", user),
	    CTL("account", "show", user, "--json"), CTL("withdrawals"),
	    CTL("show", decide(user, "1.00"))};

	for (int i = 0; i < COUNT(commands); i++) {
		commands[i].out_path = "/dev/full";
		expect_complaint(
		    command_run(&commands[i]), 2, "could not write");
	}
}
END_TEST

START_TEST(nowhere_to_say_how_it_ended)
{
	const char *user = ledger_open("100.00");
	struct command command = CTL("account", "credit", user, "5.00");

	command.out_closed = true;
	expect_complaint(command_run(&command), 2, "nothing was done");
	expect_untouched(user, "100.00");
}
END_TEST

START_TEST(wrong_role)
{
	const char *user = ledger_open("100.00");
	struct command command = CTL("account", "credit", user, "5.00");

	command.env[0] = "PGUSER=withdraw_service";
	expect_refused(command_run(&command), 2, "withdraw_operator");
	expect_untouched(user, "100.00");
}
END_TEST

START_TEST(no_server)
{
	struct command command = CTL("account", "credit", "1001", "5.00");
	struct command_end end;

	command.env[1] = "PGHOST=/nonexistent";
	end = command_run(&command);
	expect_refused(end, 2, "could not connect to the ledger");
	expect_said(end.err, "/nonexistent");
}
END_TEST

START_TEST(no_ledger)
{
	struct command command = CTL("account", "show", "1001");

	command.env[1] = "PGDATABASE=template1";
	expect_refused(command_run(&command), 2, "sql/");
}
END_TEST

/* Every operator's backend: this test's alone. */
static long
operators_waiting(const char *column, const char *value)
{
	return ledger_number(
	    keep_format("SELECT count(*) FROM pg_stat_activity "
			"WHERE usename = 'withdraw_operator' AND %s = $1",
		column),
	    value, NULL);
}

static void
signal_operators(const char *function)
{
	ck_assert_int_eq(
	    ledger_number(keep_format("SELECT count(%s(pid)) "
				      "FROM pg_stat_activity WHERE usename = "
				      "'withdraw_operator'",
			      function),
		NULL),
	    1);
}

/* A credit that waits for the account, which somebody else has locked. */
static struct command
start_waiting_credit(const char *user)
{
	struct command command = CTL("account", "credit", user, "5.00");

	ledger_hold(user);
	command_start(&command);
	WAIT_UNTIL(operators_waiting("wait_event_type", "Lock") == 1);
	return command;
}

static void
expect_unknown(struct command_end end, const char *user)
{
	expect_refused(end, 2, "the outcome is unknown");
	expect_said(
	    end.err, keep_format("\"withdrawctl account show %s\"", user));
	expect_said(end.err, "before you repeat it");
}

START_TEST(backend_dies_under_a_credit)
{
	const char *user = ledger_open("100.00");
	struct command command = start_waiting_credit(user);

	signal_operators("pg_terminate_backend");
	expect_unknown(command_wait(&command), user);
	ledger_release();
	expect_untouched(user, "100.00");
}
END_TEST

START_TEST(credit_is_cancelled)
{
	const char *user = ledger_open("100.00");
	struct command command = start_waiting_credit(user);

	signal_operators("pg_cancel_backend");
	expect_refused(command_wait(&command), 2,
	    keep_format("account %s was not credited", user));
	ledger_release();
	expect_untouched(user, "100.00");
}
END_TEST

START_TEST(credit_waits_and_goes_on)
{
	const char *user = ledger_open("100.00");
	struct command command = start_waiting_credit(user);

	ledger_release();
	expect_done(command_wait(&command));
	ck_assert_str_eq(
	    journal(user), "open 100.00 100.00, credit 5.00 105.00");
}
END_TEST

/* The server has committed; only its word of it is lost. */
START_TEST(reply_to_a_credit_is_lost)
{
	/* ReadyForQuery outside of a transaction: what was sent is committed */
	static const char ready[] = "Z\0\0\0\5I";
	static const char trigger[] = "account_credit";
	const char *user = ledger_open("100.00");
	const char *folder = stack_folder();
	struct command command = CTL("account", "credit", user, "5.00");
	struct proxy *proxy =
	    proxy_start(keep_format("%s/.s.PGSQL.5432", folder),
		keep_format(
		    "%s/.s.PGSQL.%s", setting("PGHOST"), setting("PGPORT")));

	command.env[1] = keep_format("PGHOST=%s", folder);
	command.env[2] = "PGPORT=5432";
	proxy_swallow(
	    proxy, trigger, strlen(trigger), ready, sizeof(ready) - 1);
	expect_unknown(command_run(&command), user);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	/* the look that it advises tells */
	expect_said(expect_done(run(CTL("account", "show", user))), "credit");
	ck_assert_str_eq(
	    journal(user), "open 100.00 100.00, credit 5.00 105.00");
}
END_TEST

/* --- a standby that is never there -------------------------------------- */

/* The wait for the standby ends with a warning and a commit that nobody but
 * this server has: not an answer to rely on. Nor does a session that asks for
 * less get it. */
START_TEST(commit_without_its_standby)
{
	const char *user = ledger_open("100.00");
	struct command command = CTL("account", "credit", user, "5.00");

	command.env[1] = "PGOPTIONS=-c synchronous_commit=off "
			 "-c client_min_messages=error";
	ledger_configure("synchronous_standby_names", "nobody");
	command_start(&command);
	WAIT_UNTIL(operators_waiting("wait_event", "SyncRep") == 1);
	signal_operators("pg_cancel_backend");
	expect_complaint(command_wait(&command), 2, "the outcome is unknown");
	ledger_give_up_standby();
	ck_assert_str_eq(
	    journal(user), "open 100.00 100.00, credit 5.00 105.00");
}
END_TEST

/* --- a damaged ledger --------------------------------------------------- */

struct damage {
	const char *done;   /* $1: the user, or the order */
	const char *undone; /* or ledger_check would find it, too */
	const char *said;
};

static const struct damage account_damages[] = {
    {"UPDATE account SET balance = balance + 1 WHERE user_id = $1::bigint",
	"UPDATE account SET balance = balance - 1 WHERE user_id = $1::bigint",
	"version 2 with 106.00, its journal at version 2 with 105.00"},
    {"UPDATE account SET version = version + 1 WHERE user_id = $1::bigint",
	"UPDATE account SET version = version - 1 WHERE user_id = $1::bigint",
	"version 3 with 105.00, its journal at version 2 with 105.00"},
    {"UPDATE ledger_entry SET balance_after = 5 WHERE user_id = $1::bigint "
     "AND version = 2",
	"UPDATE ledger_entry SET balance_after = 105 "
	"WHERE user_id = $1::bigint AND version = 2",
	"its journal at version 2 with 5.00"},
    {"UPDATE ledger_entry SET user_id = -user_id WHERE user_id = $1::bigint",
	"UPDATE ledger_entry SET user_id = -user_id "
	"WHERE user_id = -$1::bigint",
	"its journal at version 0 with nothing"},
};

START_TEST(damaged_account)
{
	const struct damage *damage = &account_damages[_i];
	const char *user = ledger_open("100.00");
	struct command_end text, json;

	ledger_credit(user, "5.00");
	ledger_sql(damage->done, user, NULL);
	text = run(CTL("account", "show", user));
	json = run(CTL("account", "show", user, "--json"));
	ledger_sql(damage->undone, user, NULL);

	expect_complaint(text, 1, "the ledger is damaged");
	expect_said(text.err, damage->said);
	/* and is shown as it is */
	expect_said(text.out, user);
	expect_complaint(json, 1, damage->said);
	expect_member(json.out, "user_id", user);
	expect_done(run(CTL("account", "show", user)));
}
END_TEST

static const struct damage order_damages[] = {
    {"UPDATE withdraw_record SET status = 3 WHERE order_id = $1::uuid",
	"UPDATE withdraw_record SET status = 1 WHERE order_id = $1::uuid",
	"it did not succeed, and was debited"},
    {"UPDATE ledger_entry SET kind = 'adjust' WHERE order_id = $1::uuid",
	"UPDATE ledger_entry SET kind = 'withdraw' WHERE order_id = $1::uuid",
	"its debit is not in the journal"},
    {"UPDATE withdraw_record SET order_id = "
     "'00000000-0000-4000-8000-000000000000' WHERE order_id = $1::uuid",
	"UPDATE withdraw_record SET order_id = $1::uuid WHERE order_id = "
	"'00000000-0000-4000-8000-000000000000'",
	"there is no record of it"},
    {"UPDATE ledger_entry SET delta = -4 WHERE order_id = $1::uuid",
	"UPDATE ledger_entry SET delta = -40 WHERE order_id = $1::uuid",
	"do not agree"},
    {"UPDATE ledger_entry SET balance_after = 96 WHERE order_id = $1::uuid",
	"UPDATE ledger_entry SET balance_after = 60 WHERE order_id = $1::uuid",
	"do not agree"},
    {"UPDATE withdraw_record SET version = 3 WHERE order_id = $1::uuid",
	"UPDATE withdraw_record SET version = 2 WHERE order_id = $1::uuid",
	"do not agree"},
    {"UPDATE ledger_entry SET user_id = -user_id WHERE order_id = $1::uuid",
	"UPDATE ledger_entry SET user_id = -user_id WHERE order_id = $1::uuid",
	"do not agree"},
};

START_TEST(damaged_order)
{
	const struct damage *damage = &order_damages[_i];
	const char *order = decide(ledger_open("100.00"), "40.00");
	struct command_end end;

	ledger_sql(damage->done, order, NULL);
	end = run(CTL("show", order));
	ledger_sql(damage->undone, order, NULL);
	expect_complaint(end, 1, "the ledger is damaged");
	expect_said(end.err, damage->said);
	expect_done(run(CTL("show", order)));
}
END_TEST

Suite *
operator_suite(void)
{
	Suite *suite = suite_create("operator");
	TCase *tcase = fixture_case(suite, "account");

	tcase_add_test(tcase, opens_an_account);
	tcase_add_test(tcase, opens_an_empty_account);
	tcase_add_test(tcase, leaves_an_open_account_alone);
	tcase_add_test(tcase, credits_each_time);
	tcase_add_test(tcase, credits_nobody);
	tcase_add_test(tcase, shows_an_account);
	tcase_add_test(tcase, refuses_a_credit_beyond_the_bound);
	tcase_add_loop_test(tcase, refuses_a_bad_amount, 0, COUNT(bad_amounts));
	tcase_add_test(tcase, refuses_to_credit_nothing);
	tcase_add_loop_test(tcase, refuses_a_bad_user, 0, COUNT(bad_users));

	tcase = fixture_case(suite, "orders");
	tcase_add_test(tcase, lists_the_orders_of_one_user);
	tcase_add_test(tcase, lists_the_orders_of_all);
	tcase_add_test(tcase, lists_no_orders);
	tcase_add_test(tcase, shows_an_order);
	tcase_add_test(tcase, shows_no_order);

	tcase = fixture_case(suite, "json");
	tcase_add_test(tcase, json_of_a_change);
	tcase_add_test(tcase, json_of_an_account);
	tcase_add_test(tcase, json_of_the_orders);
	tcase_add_test(tcase, json_of_an_order);
	tcase_add_test(tcase, json_of_a_void_order);

	tcase = fixture_case(suite, "line");
	tcase_add_loop_test(tcase, refuses_a_bad_line, 0, COUNT(bad_lines));
	tcase_add_loop_test(tcase, helps, 0, COUNT(help_lines));

	tcase = fixture_case(suite, "faults");
	tcase_add_test(tcase, full_disk_under_a_credit);
	tcase_add_test(tcase, full_disk_under_a_look);
	tcase_add_test(tcase, nowhere_to_say_how_it_ended);
	tcase_add_test(tcase, wrong_role);
	tcase_add_test(tcase, no_server);
	tcase_add_test(tcase, no_ledger);
	tcase_add_test(tcase, backend_dies_under_a_credit);
	tcase_add_test(tcase, credit_is_cancelled);
	tcase_add_test(tcase, credit_waits_and_goes_on);
	tcase_add_test(tcase, reply_to_a_credit_is_lost);

	tcase = fixture_case(suite, "standby");
	tcase_add_unchecked_fixture(tcase, NULL, ledger_give_up_standby);
	tcase_add_test(tcase, commit_without_its_standby);

	tcase = fixture_case(suite, "damage");
	tcase_add_loop_test(tcase, damaged_account, 0, COUNT(account_damages));
	tcase_add_loop_test(tcase, damaged_order, 0, COUNT(order_damages));
	return suite;
}
