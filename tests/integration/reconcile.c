/* withdraw-reconcile: damage of each kind, planted by SQL in a database of its
 * own, is found, named and handled; a healthy ledger has no findings. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "command.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "scratch.h"
#include "session.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* User 1 withdrew A, was refused D and voided V; B of user 2 was returned, C
 * of user 3 was paid. */
#define ORDER(c) "'00000000-0000-4000-8000-00000000000" c "'"
#define A        ORDER("a")
#define B        ORDER("b")
#define C        ORDER("c")
#define D        ORDER("d")
#define V        ORDER("e")

static const char story[] =
    "SELECT account_open(1, 100), account_open(2, 100), account_open(3, 100);"
    "SELECT withdraw_execute(1, " A ", 40, 'CNY', NULL, NULL);"
    "SELECT withdraw_execute(1, " D ", 1000, 'CNY', NULL, NULL);"
    "SELECT withdraw_void(1, " V ", 'CNY');"
    "SELECT withdraw_execute(2, " B ", 30, 'CNY', NULL, NULL);"
    "SELECT payout_mark(" B ", 'returned', 'R1', 'me', NULL);"
    "SELECT withdraw_execute(3, " C ", 25, 'CNY', NULL, NULL);"
    "SELECT payout_mark(" C ", 'paid', 'P1', 'me', NULL)";

static void
set_up(void)
{
	scratch_make();
	scratch_sql(story);
	cache_flush();
}

/* withdraw-reconcile in that database; option may be NULL. */
static struct command
reconcile(const char *option)
{
	return (struct command){.argv = {program("withdraw-reconcile"), option},
	    .env = {"PGUSER=withdraw_reconcile", "PGDATABASE=" SCRATCH,
		keep_format("REDIS_URL=unix://%s?db=1", cache_socket())}};
}

static struct command_end
run(const char *option)
{
	struct command command = reconcile(option);

	return command_run(&command);
}

static void
expect_code(struct command_end end, int code)
{
	ck_assert_msg(end.code == code, "exit code %d instead of %d: %s%s",
	    end.code, code, end.out, end.err);
}

/* All that a dry run must not change. */
static const char *
everything(void)
{
	return scratch_sql("SELECT md5(concat("
			   "(SELECT string_agg(t::text, ';' ORDER BY t::text) "
			   "FROM account t), "
			   "(SELECT string_agg(t::text, ';' ORDER BY t::text) "
			   "FROM ledger_entry t), "
			   "(SELECT string_agg(t::text, ';' ORDER BY t::text) "
			   "FROM withdraw_record t), "
			   "(SELECT count(*) FROM reconcile_finding), "
			   "(SELECT count(*) FROM reconcile_run), "
			   "(SELECT count(*) FROM operator_audit)))");
}

static const char *
findings(const char *kind)
{
	return scratch_sql(keep_format("SELECT string_agg(action, ' ') FROM "
				       "reconcile_finding WHERE kind = '%s'",
	    kind));
}

/* --- damage --------------------------------------------------------------- */

#define DEBIT_OF(order, version, after)                                        \
	"INSERT INTO ledger_entry (user_id, version, kind, delta, "            \
	"balance_after, order_id, created_at) VALUES (1, " version             \
	", 'withdraw', -1, " after ", " order ", now())"

static const struct {
	const char *plant, *kind, *action;
} damages[] = {
    {"UPDATE account SET balance = 61 WHERE user_id = 1", "balance-differs",
	"repaired"},
    {"UPDATE account SET version = 7 WHERE user_id = 1", "version-differs",
	"repaired"},
    {"ALTER TABLE account DROP CONSTRAINT account_balance_check;"
     "UPDATE account SET balance = -5 WHERE user_id = 1",
	"negative-balance", "repaired"},
    {"DELETE FROM ledger_entry WHERE user_id = 2 AND version = 2",
	"journal-gap", "frozen"},
    {"ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_pkey;"
     "INSERT INTO ledger_entry SELECT * FROM ledger_entry "
     "WHERE user_id = 1 AND version = 1",
	"journal-repeat", "frozen"},
    {"DELETE FROM ledger_entry WHERE user_id = 2 AND version = 3",
	"journal-truncated", "frozen"},
    {"UPDATE ledger_entry SET balance_after = 59 "
     "WHERE user_id = 1 AND version = 2",
	"balance-chain", "frozen"},
    {"UPDATE ledger_entry SET note = 'other' "
     "WHERE user_id = 1 AND version = 1",
	"hash-broken", "frozen"},
    {"DELETE FROM ledger_entry WHERE order_id = " A, "record-without-entry",
	"frozen"},
    {"DROP INDEX ledger_entry_one_debit;" DEBIT_OF(A, "3", "59"),
	"entry-repeated", "frozen"},
    {"UPDATE withdraw_record SET amount = 41 WHERE order_id = " A,
	"entry-differs", "frozen"},
    {"UPDATE withdraw_record SET user_id = 3 WHERE order_id = " A,
	"entry-differs", "frozen"},
    {"DELETE FROM withdraw_record WHERE order_id = " A, "entry-without-record",
	"frozen"},
    {DEBIT_OF(D, "3", "59"), "entry-of-declined", "frozen"},
    {DEBIT_OF(V, "3", "59"), "entry-of-void", "frozen"},
    {"ALTER TABLE withdraw_record DROP CONSTRAINT withdraw_record_status_check;"
     "UPDATE withdraw_record SET status = 0, reason = NULL "
     "WHERE order_id = " D,
	"record-stuck", "frozen"},
    {"DROP INDEX ledger_entry_one_return;"
     "INSERT INTO ledger_entry (user_id, version, kind, delta, balance_after, "
     "order_id, created_at) VALUES (2, 4, 'return', 30, 130, " B ", now())",
	"payout-returned-twice", "frozen"},
    {"UPDATE withdraw_record SET payout_state = 'paid' WHERE order_id = " B,
	"payout-returned-and-paid", "frozen"},
    {"DELETE FROM ledger_entry WHERE kind = 'return'", "return-missing",
	"frozen"},
    {"INSERT INTO ledger_entry (user_id, version, kind, delta, balance_after, "
     "order_id, created_at) VALUES (1, 3, 'return', 40, 100, " A ", now())",
	"return-unfounded", "frozen"},
    {"DELETE FROM account WHERE user_id = 2", "account-missing", "reported"},
    {"UPDATE account SET head_hash = 'x' WHERE user_id = 2", "head-differs",
	"frozen"},
};

static const char heads[] =
    "SELECT user_id, balance, version, encode(head_hash, 'hex') FROM account "
    "ORDER BY user_id";

START_TEST(damage_is_found_and_handled)
{
	const char *kind = damages[_i].kind, *action = damages[_i].action;
	struct command_end end;
	const char *before, *accounts;

	scratch_sql(damages[_i].plant);
	before = everything();
	accounts = scratch_sql(heads);
	end = run("--dry-run");
	expect_code(end, 1);
	expect_said(end.out, kind);
	ck_assert_str_eq(everything(), before);
	end = run(NULL);
	expect_code(end, 1);
	expect_said(end.out, kind);
	expect_said(findings(kind), action);
	if (strcmp(action, "repaired") == 0)
		ck_assert_str_eq(
		    scratch_sql(
			"SELECT user_id, balance, version, state FROM account "
			"ORDER BY user_id"),
		    "1|60.00|2|active\n2|100.00|3|active\n3|75.00|2|active\n");
	else if (strcmp(action, "frozen") == 0)
		expect_said(scratch_sql("SELECT state_reason FROM account "
					"WHERE state = 'frozen'"),
		    "reconcile: ");
	/* nothing follows from a journal that is broken */
	if (strcmp(action, "repaired") != 0)
		ck_assert_str_eq(scratch_sql(heads), accounts);
	expect_code(run(NULL), 0);
	expect_code(run("--incremental"), 0);
}
END_TEST

START_TEST(damage_that_was_written_lately_is_found_incrementally)
{
	expect_code(run(NULL), 0);
	scratch_sql(
	    "INSERT INTO ledger_entry (user_id, version, kind, delta, "
	    "balance_after, created_at) VALUES (1, 3, 'credit', 5, 65, now());"
	    "UPDATE account SET balance = 65, version = 3 WHERE user_id = 1");
	expect_code(run("--incremental"), 1);
	expect_said(findings("hash-broken"), "frozen");
}
END_TEST

/* An incremental run believes what it saw; a full one does not. */
START_TEST(old_damage_is_found_by_a_full_run)
{
	expect_code(run(NULL), 0);
	scratch_sql("UPDATE ledger_entry SET note = 'other' "
		    "WHERE user_id = 1 AND version = 1");
	expect_code(run("--incremental"), 0);
	expect_code(run(NULL), 1);
}
END_TEST

/* --- Redis -----------------------------------------------------------------
 */

/* As the ledger has the answer to A, and where Redis keeps it. */
static const char *
answer_key(void)
{
	const char *epoch = scratch_sql("SELECT withdraw_epoch()");

	return keep_format("withdraw:{1}:result:%.*s:%.*s",
	    (int)strcspn(epoch, "\n"), epoch, 36, &A[1]);
}

/* redis-cli in that database: what it printed, without the line's end. */
#define REDIS(...)                                                             \
	redis((struct command){.argv = {"redis-cli", "-s", cache_socket(),     \
				   "-n", "1", __VA_ARGS__}})

static const char *
redis(struct command command)
{
	struct command_end end = command_run(&command);

	ck_assert_msg(end.code == 0, "%s", end.err);
	return keep_text(end.out, strcspn(end.out, "\n"));
}

/* What is planted at the key of A's answer, or (other) of another key. */
static const struct {
	const char *command, *key, *value, *kind, *after;
} lies[] = {
    {"SET", NULL, "junk", "cached-answer-differs", "right"},
    {"SET", NULL, "", "cached-answer-differs", "right"},
    {"SADD", NULL, "junk", "cached-answer-differs", "right"},
    {"SET", "0000000000f1", "junk", "cached-answer-differs", ""},
    {"SET", "lock", "junk", "lock-outlives-lease", ""},
    {"SADD", "lock", "junk", "lock-outlives-lease", ""},
};

START_TEST(lie_of_redis_is_found_and_repaired)
{
	const char *key = answer_key(), *right;
	struct command_end end;

	expect_code(run(NULL), 0);
	right = REDIS("GET", key);
	expect_said(right, "|1|40.00|CNY||60.00|2|");
	if (lies[_i].key != NULL && strcmp(lies[_i].key, "lock") == 0)
		key = "withdraw:{1}:lock";
	else if (lies[_i].key != NULL)
		key = keep_format(
		    "%.*s%s", (int)strlen(key) - 12, key, lies[_i].key);
	REDIS("DEL", key);
	REDIS(lies[_i].command, key, lies[_i].value);
	end = run("--dry-run");
	expect_code(end, 1);
	expect_said(end.out, lies[_i].kind);
	ck_assert_str_ne(REDIS("EXISTS", key), "0");
	ck_assert_str_ne(REDIS("TYPE", key), "none");
	end = run(NULL);
	expect_code(end, 1);
	expect_said(end.out, lies[_i].kind);
	expect_said(findings(lies[_i].kind), "repaired");
	ck_assert_str_eq(
	    REDIS("GET", key), *lies[_i].after != '\0' ? right : "");
	expect_code(run(NULL), 0);
}
END_TEST

/* Redis may forget: what is missing is recorded again, and no finding. */
START_TEST(missing_answers_are_filled_in)
{
	static const char *const options[] = {"--json", "--incremental"};
	struct command_end end = run("--json");

	expect_code(end, 0);
	ck_assert_str_eq(json_get(end.out, "filled"), "5");
	ck_assert_int_gt(strtol(REDIS("TTL", answer_key()), NULL, 10), 3000);
	/* one is gone: an incremental run believes what it saw */
	REDIS("DEL", answer_key());
	expect_code(run("--incremental"), 0);
	ck_assert_str_eq(REDIS("EXISTS", answer_key()), "0");
	expect_code(run(NULL), 0);
	ck_assert_str_eq(REDIS("EXISTS", answer_key()), "1");
	/* all are, and so is the word that they were there */
	for (int i = 0; i < COUNT(options); i++) {
		REDIS("FLUSHDB");
		expect_code(run("--dry-run"), 0);
		ck_assert_str_eq(REDIS("DBSIZE"), "0");
		expect_code(run(options[i]), 0);
		ck_assert_str_eq(REDIS("EXISTS", answer_key()), "1");
	}
}
END_TEST

/* What an incremental run could not write, the next one does. */
START_TEST(answers_of_a_time_without_redis_are_filled_in)
{
	struct command command = reconcile("--incremental");
	struct command_end end;

	expect_code(run(NULL), 0);
	scratch_sql(
	    "SELECT withdraw_execute(3, " ORDER("7") ", 1, 'CNY', NULL, NULL)");
	command.env[2] = "REDIS_URL=unix:///nonexistent/redis.sock";
	expect_code(command_run(&command), 2);
	command = reconcile("--incremental");
	command.argv[2] = "--json";
	end = command_run(&command);
	expect_code(end, 0);
	ck_assert_str_eq(json_get(end.out, "filled"), "1");
}
END_TEST

/* A finding is called repaired only when Redis did it, and told once. */
START_TEST(redis_that_refuses_leaves_it_open)
{
	expect_code(run(NULL), 0);
	REDIS("SET", answer_key(), "junk");
	cache_limit("1");
	for (int i = 0; i < 2; i++)
		expect_code(run(NULL), 2);
	ck_assert_str_eq(findings("cached-answer-differs"), "reported\n");
	ck_assert_str_eq(REDIS("GET", answer_key()), "junk");
	cache_limit("0");
	expect_code(run(NULL), 1);
	ck_assert_str_eq(findings("cached-answer-differs"), "repaired\n");
	expect_said(REDIS("GET", answer_key()), "|1|40.00|");
}
END_TEST

/* What is not there any more is over, whoever saw to it. */
START_TEST(lie_that_went_away_is_resolved)
{
	expect_code(run(NULL), 0);
	REDIS("SET", answer_key(), "junk");
	cache_limit("1");
	expect_code(run(NULL), 2);
	cache_limit("0");
	REDIS("DEL", answer_key());
	expect_code(run(NULL), 0);
	ck_assert_str_eq(scratch_sql("SELECT count(*) FROM reconcile_finding "
				     "WHERE resolved_at IS NULL"),
	    "0\n");
}
END_TEST

/* An error is no answer, and none that differs. */
START_TEST(redis_that_will_not_say_is_not_accused)
{
	struct command_end end;

	expect_code(run(NULL), 0);
	stack_remember("redis");
	REDIS("ACL", "SETUSER", "default", "-get");
	end = run(NULL);
	REDIS("ACL", "SETUSER", "default", "+get");
	expect_code(end, 2);
	expect_said(end.err, "NOPERM");
	ck_assert_str_eq(
	    scratch_sql("SELECT count(*) FROM reconcile_finding"), "0\n");
}
END_TEST

/* --- what people do ------------------------------------------------------- */

/* Whoever unfreezes an account has the last word about what was found. */
START_TEST(unfrozen_account_stays_so)
{
	struct command_end end;

	scratch_sql(
	    "DELETE FROM ledger_entry WHERE user_id = 2 AND version = 2");
	expect_code(run(NULL), 1);
	scratch_sql("SELECT account_set_state(2, 'active', 'me', 'looked at')");
	scratch_sql(
	    "SELECT withdraw_execute(2, " ORDER("7") ", 1, 'CNY', NULL, NULL)");
	end = run(NULL);
	expect_code(end, 0);
	expect_said(end.out, "in an earlier run");
	expect_code(run("--incremental"), 0);
	end = run("--dry-run");
	expect_code(end, 0);
	ck_assert_ptr_null(strstr(end.out, "would be"));
	ck_assert_str_eq(
	    scratch_sql("SELECT state FROM account WHERE user_id = 2"),
	    "active\n");
}
END_TEST

/* More than one page of them, each reported once. */
START_TEST(many_overdue_payouts_are_reported)
{
	struct command_end end;

	scratch_sql("SELECT account_open(9, 100000);"
		    "SELECT count(*) FROM generate_series(1, 1203) n, "
		    "withdraw_execute(9, md5(n::text)::uuid, 1, 'CNY', NULL, "
		    "NULL) w WHERE n > 0;"
		    "SELECT batch FROM payout_export(NULL, 'me', NULL);"
		    "UPDATE payout_batch SET created_at = now() - interval "
		    "'9 days'");
	end = run("--json");
	expect_code(end, 1);
	/* and the one of the story that is neither paid nor returned */
	ck_assert_str_eq(json_get(end.out, "found"), "1204");
	end = run("--json");
	expect_code(end, 0);
	ck_assert_str_eq(json_get(end.out, "known"), "1204");
}
END_TEST

START_TEST(nothing_is_begun_without_a_standard_output)
{
	struct command command = reconcile(NULL);

	command.out_closed = true;
	expect_said(command_run(&command).err, "nothing was done");
	ck_assert_str_eq(
	    scratch_sql("SELECT count(*) FROM reconcile_run"), "0\n");
}
END_TEST

/* What lives no longer than it may is left alone. */
START_TEST(locks_and_tokens_of_the_living_stay)
{
	const char *foreign = "withdraw:{1}:result:other.1:" /* a past epoch */
			      "00000000-0000-4000-8000-00000000000a";
	struct command_end end;

	REDIS("SET", "withdraw:{1}:lock", "x", "PX", "9999");
	REDIS("SET", "withdraw:{2}:token:t", "x");
	REDIS("SET", foreign, "x");
	REDIS("SET", "other", "x");
	end = run("--json");
	expect_code(end, 0);
	ck_assert_str_eq(json_get(end.out, "locks"), "1");
	ck_assert_str_eq(REDIS("GET", "withdraw:{2}:token:t"), "x");
	ck_assert_str_eq(REDIS("GET", foreign), "x");
	/* of which the lease may have ended by now */
	REDIS("SET", "withdraw:{1}:lock", "x", "PX", "10001000");
	expect_code(run("--incremental"), 1);
	ck_assert_str_eq(REDIS("EXISTS", "withdraw:{1}:lock"), "0");
}
END_TEST

/* The ledger was looked at all the same, and the next run may build on it. */
START_TEST(without_redis_the_work_is_not_whole)
{
	struct command command = reconcile(NULL);
	struct command_end end;

	command.env[2] = "REDIS_URL=unix:///nonexistent/redis.sock";
	end = command_run(&command);
	expect_code(end, 2);
	expect_said(end.err, "could not look at all of Redis");
	expect_said(end.out, "redis: not looked at");
	ck_assert_str_eq(
	    scratch_sql("SELECT clean, answers IS NULL FROM reconcile_run"),
	    "t|t\n");
	command = reconcile(NULL);
	command.env[2] = "WITHDRAW_GUARDS=token";
	expect_code(command_run(&command), 0);
}
END_TEST

/* --- a healthy ledger ------------------------------------------------------
 */

START_TEST(a_healthy_ledger_has_no_findings)
{
	struct command_end end = run("--json");

	expect_code(end, 0);
	ck_assert_str_eq(end.err, "");
	ck_assert_uint_eq(json_length(end.out, "findings"), 0);
	ck_assert_str_eq(json_get(end.out, "entries"), "7");
	ck_assert_str_eq(json_get(end.out, "records"), "5");
	ck_assert_str_eq(json_get(end.out, "accounts"), "3");
	ck_assert_str_eq(json_get(end.out, "opened"), "300.00");
	ck_assert_str_eq(json_get(end.out, "withdrawn"), "95.00");
	ck_assert_str_eq(json_get(end.out, "returned"), "30.00");
	ck_assert_str_eq(json_get(end.out, "balances"), "235.00");
	ck_assert_str_eq(json_get(end.out, "conserved"), "true");
}
END_TEST

START_TEST(a_second_copy_leaves)
{
	struct session *first = session_open("withdraw_reconcile");
	struct command second = {.argv = {program("withdraw-reconcile")},
	    .env = {"PGUSER=withdraw_reconcile"}};
	struct command_end end;

	ck_assert_str_eq(session_run(first, "SELECT reconcile_lock()"), "t");
	end = command_run(&second);
	expect_code(end, 2);
	expect_said(end.err, "another copy");
}
END_TEST

START_TEST(no_findings_beside_withdrawals)
{
	enum { ORDERS = 64, ROUNDS = 5 };
	const char *users[8];

	for (int i = 0; i < COUNT(users); i++)
		users[i] = ledger_open("1000.00");
	for (int r = 0; r < ROUNDS; r++) {
		struct http_request requests[ORDERS];
		struct http_batch *batch;

		for (int i = 0; i < ORDERS; i++) {
			struct order order =
			    order_new(users[i % COUNT(users)], "1.00");

			requests[i] =
			    order_request(&order, order_token(&order));
		}
		batch = http_begin(requests, ORDERS);
		for (int i = 0; i < 3; i++) {
			struct command command = {
			    .argv = {program("withdraw-reconcile")},
			    .env = {"PGUSER=withdraw_reconcile"}};
			struct command_end end = command_run(&command);

			expect_code(end, 0);
			expect_said(end.out, " 0 new");
		}
		http_finish(batch);
	}
}
END_TEST

/* --- overdue payouts -------------------------------------------------------
 */

static void
expect_not_said(struct command_end end, const char *word)
{
	ck_assert_msg(
	    strstr(end.out, word) == NULL, "\"%s\" in: %s", word, end.out);
}

static const char *const settlements[] = {"paid", "returned"};

/* A is the one payout that is due. */
START_TEST(overdue_payout_is_reported_once)
{
	static const char overdue[] = "payout-overdue";
	struct command_end end;
	const char *before;

	scratch_sql("SELECT payout_export(NULL, 'me', NULL)");
	end = run(NULL);
	expect_code(end, 0);
	expect_not_said(end, overdue);
	scratch_sql("UPDATE payout_batch "
		    "SET created_at = now() - interval '8 days'");
	end = run("--overdue=9");
	expect_code(end, 0);
	expect_not_said(end, overdue);
	before = everything();
	end = run("--dry-run");
	expect_code(end, 1);
	expect_said(end.out, overdue);
	ck_assert_str_eq(everything(), before);

	end = run("--incremental");
	expect_code(end, 1);
	expect_said(end.out,
	    "payout-overdue           user 1 order "
	    "00000000-0000-4000-8000-00000000000a: its payout is in batch 1, "
	    "and neither paid nor returned so far: reported\n");
	expect_said(end.out, "findings: 1 new, 0 open");
	end = run(NULL);
	expect_code(end, 0);
	expect_said(end.out, "reported, in an earlier run\n");
	expect_said(end.out, "findings: 0 new, 1 open");
	end = run("--json");
	expect_code(end, 0);
	ck_assert_uint_eq(json_length(end.out, "findings"), 1);
	ck_assert_str_eq(json_item(end.out, "findings", 0, "kind"), overdue);
	ck_assert_str_eq(json_item(end.out, "findings", 0, "new"), "false");
	ck_assert_str_eq(
	    scratch_sql("SELECT action, resolved_at FROM reconcile_finding"),
	    "reported|\n");

	scratch_sql(
	    keep_format("SELECT payout_mark(" A ", '%s', 'P2', 'me', NULL)",
		settlements[_i]));
	end = run("--incremental");
	expect_code(end, 0);
	expect_not_said(end, overdue);
	expect_said(end.out, "findings: 0 new, 0 open");
	ck_assert_str_eq(scratch_sql("SELECT action, resolved_at >= found_at "
				     "FROM reconcile_finding"),
	    "reported|t\n");
	ck_assert_str_eq(
	    scratch_sql("SELECT count(*) FROM account WHERE state = 'frozen'"),
	    "0\n");
}
END_TEST

/* --- killed ----------------------------------------------------------------
 */

START_TEST(killed_at_any_moment_leaves_nothing_half_done)
{
	enum { KILLS = 50 };

	for (int i = 0; i < KILLS; i++) {
		struct command command = reconcile(NULL);
		long before = strtol(
		    scratch_sql("SELECT count(*) FROM reconcile_finding"), NULL,
		    10);

		scratch_sql("UPDATE account SET balance = balance + 1, "
			    "version = version + 1 WHERE user_id = 1");
		command_start(&command);
		/* from before the connection to after the end */
		usleep((useconds_t)(random() % 60000));
		kill(command.pid, SIGKILL);
		command_wait(&command);
		/* its statement may be under way still */
		WAIT_UNTIL(
		    strcmp(scratch_sql("SELECT count(*) FROM pg_stat_activity "
				       "WHERE usename = 'withdraw_reconcile'"),
			"0\n") == 0);
		ck_assert_str_eq(
		    scratch_sql(keep_format(
			"SELECT (a.balance, a.version) = (60, 2) "
			"AND f.n = %ld + 2 OR (a.balance, a.version) = (61, 3) "
			"AND f.n = %ld FROM account a, (SELECT count(*) AS n "
			"FROM reconcile_finding) f WHERE a.user_id = 1",
			before, before)),
		    "t\n");
		run(NULL);
		expect_code(run(NULL), 0);
	}
}
END_TEST

START_TEST(bad_options_are_refused)
{
	static const char *const options[] = {
	    "--nonsense", "--every=0", "--overdue=x", "word"};
	struct command_end end = run(options[_i]);

	expect_code(end, 2);
	ck_assert_str_ne(end.err, "");
}
END_TEST

Suite *
reconcile_suite(void)
{
	Suite *suite = suite_create("reconcile");
	TCase *tcase = fixture_case(suite, "damage");

	tcase_add_checked_fixture(tcase, set_up, scratch_drop);
	tcase_add_loop_test(
	    tcase, damage_is_found_and_handled, 0, COUNT(damages));
	tcase_add_test(
	    tcase, damage_that_was_written_lately_is_found_incrementally);
	tcase_add_test(tcase, old_damage_is_found_by_a_full_run);

	tcase = fixture_case(suite, "runs");
	tcase_add_checked_fixture(tcase, set_up, scratch_drop);
	tcase_add_test(tcase, a_healthy_ledger_has_no_findings);
	tcase_add_loop_test(
	    tcase, lie_of_redis_is_found_and_repaired, 0, COUNT(lies));
	tcase_add_test(tcase, missing_answers_are_filled_in);
	tcase_add_test(tcase, answers_of_a_time_without_redis_are_filled_in);
	tcase_add_test(tcase, redis_that_refuses_leaves_it_open);
	tcase_add_test(tcase, lie_that_went_away_is_resolved);
	tcase_add_test(tcase, redis_that_will_not_say_is_not_accused);
	tcase_add_test(tcase, unfrozen_account_stays_so);
	tcase_add_test(tcase, many_overdue_payouts_are_reported);
	tcase_add_test(tcase, nothing_is_begun_without_a_standard_output);
	tcase_add_test(tcase, locks_and_tokens_of_the_living_stay);
	tcase_add_test(tcase, without_redis_the_work_is_not_whole);
	tcase_add_loop_test(
	    tcase, overdue_payout_is_reported_once, 0, COUNT(settlements));
	tcase_add_test(tcase, killed_at_any_moment_leaves_nothing_half_done);
	tcase_add_loop_test(tcase, bad_options_are_refused, 0, 4);

	tcase = fixture_case(suite, "traffic");
	tcase_add_test(tcase, a_second_copy_leaves);
	tcase_add_test(tcase, no_findings_beside_withdrawals);
	return suite;
}
