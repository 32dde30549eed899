/* The ledger's own rules: who may do what, and what its functions decide when
 * two of them meet. Straight in Postgres, without the service. */
#include <check.h>
#include <string.h>

#include "command.h"
#include "fixture.h"
#include "http.h"
#include "ledger.h"
#include "order.h"
#include "session.h"
#include "suites.h"
#include "support.h"

/* A role that nobody has told the ledger of. */
static const char nobody_role[] = "withdraw_test_nobody";
static const char service_role[] = "withdraw_service";
static const char operator_role[] = "withdraw_operator";
static const char reconcile_role[] = "withdraw_reconcile";
static const char superuser_role[] = "postgres";

static const char *const tables[] = {"account", "withdraw_record",
    "ledger_entry", "withdraw_foreign_void", "withdraw_limit"};

/* What the service has no business with. */
static const char *const office_tables[] = {
    "payout_batch", "operator_audit", "reconcile_run", "reconcile_finding"};

/* Of which the operator reads all but the hashes, and nobody else anything. */
static const char hash_table[] = "sign_in";

/* A table without user_id has its key instead. */
static const char *
key_of(const char *table)
{
	if (strcmp(table, "payout_batch") == 0)
		return "batch";
	return strcmp(table, "reconcile_run") == 0 ? "mode" : "user_id";
}

static const char forbidden[] = "42501";

/* A withdrawal; its answer is one line, as in "new succeeded 40.00 60.00 v2":
 * whether it is new, what was decided and why, the amount, what is left. */
static const char *
withdraw_within(const char *user, const char *order, const char *amount,
    const char *min, const char *max)
{
	return keep_format(
	    "SELECT concat_ws(' ', CASE WHEN replayed THEN 'replayed' "
	    "ELSE 'new' END, (ARRAY['succeeded', 'declined', 'void'])[status], "
	    "reason, amount, balance_after, 'v' || version) "
	    "FROM public.withdraw_execute(%s, '%s', '%s'::numeric, 'CNY', "
	    "%s, %s)",
	    user, order, amount, min, max);
}

static const char *
withdraw(const char *user, const char *order, const char *amount)
{
	return withdraw_within(user, order, amount, "NULL", "NULL");
}

/* The void of an order, with the same answer. */
static const char *
make_void(const char *user, const char *order)
{
	return keep_format(
	    "SELECT concat_ws(' ', CASE WHEN replayed THEN 'replayed' "
	    "ELSE 'new' END, (ARRAY['succeeded', 'declined', 'void'])[status], "
	    "reason, amount, balance_after, 'v' || version) "
	    "FROM public.withdraw_void(%s, '%s', 'CNY')",
	    user, order);
}

static long
entries(const char *user)
{
	return ledger_number("SELECT count(*) FROM ledger_entry "
			     "WHERE user_id = $1::bigint",
	    user, NULL);
}

/* --- what a failed test may have left ----------------------------------- */

static void
sweep(void)
{
	static const char *const left[] = {
	    "DROP TRIGGER IF EXISTS withdraw_test_trigger ON ledger_entry",
	    "DROP FUNCTION IF EXISTS withdraw_test_raise()",
	    "DROP SCHEMA IF EXISTS hostile CASCADE",
	    "DROP DATABASE IF EXISTS withdraw_test_database",
	    "DROP ROLE IF EXISTS withdraw_test_nobody",
	    "DROP ROLE IF EXISTS withdraw_test_owner",
	};

	session_close_all();
	for (int i = 0; i < COUNT(left); i++)
		ledger_sql(left[i], NULL);
}

/* --- applied again ------------------------------------------------------ */

/* Every row, and all that says what the ledger is and who may use it. */
static const char *
snapshot(void)
{
	return ledger_sql(
	    "SELECT md5(concat("
	    "(SELECT string_agg(t::text, ';' ORDER BY t) FROM account t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) "
	    "FROM withdraw_record t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) FROM ledger_entry t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) "
	    "FROM withdraw_foreign_void t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) "
	    "FROM withdraw_limit t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) FROM payout_batch t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) "
	    "FROM operator_audit t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) "
	    "FROM reconcile_run t), "
	    "(SELECT string_agg(t::text, ';' ORDER BY t) "
	    "FROM reconcile_finding t), "
	    "(SELECT string_agg(concat_ws(' ', oid, relname, relkind, "
	    "relowner, relacl, reloptions), ';' ORDER BY oid) FROM pg_class "
	    "WHERE relnamespace = 'public'::regnamespace), "
	    "(SELECT string_agg(concat_ws(' ', oid, conname, "
	    "pg_get_constraintdef(oid)), ';' ORDER BY oid) FROM pg_constraint "
	    "WHERE connamespace = 'public'::regnamespace), "
	    "(SELECT string_agg(concat_ws(' ', oid::regprocedure, proowner, "
	    "proacl, prosecdef, proconfig, prosrc), ';' ORDER BY oid) "
	    "FROM pg_proc WHERE pronamespace = 'public'::regnamespace), "
	    "(SELECT nspacl FROM pg_namespace WHERE nspname = 'public'), "
	    "(SELECT datacl FROM pg_database "
	    "WHERE datname = current_database()), "
	    "(SELECT string_agg(concat_ws(' ', r, m.roleid), ';' ORDER BY "
	    "r.oid, m.roleid) FROM pg_roles r LEFT JOIN pg_auth_members m "
	    "ON m.member = r.oid)))",
	    NULL);
}

START_TEST(applied_again_changes_nothing)
{
	const char *user = ledger_open("100.00");
	struct order first = order_new(user, "40.00");
	struct order second = order_new(user, "60.00");
	struct http_response answer = order_settle(&first);
	const char *before;

	expect_success(&answer, &first);
	before = snapshot();
	ledger_apply(superuser_role, setting("PGDATABASE"));
	ck_assert_str_eq(snapshot(), before);
	/* the service goes on where it was, on the same connections */
	answer = order_settle(&second);
	expect_success(&answer, &second);
	ck_assert_str_eq(ledger_balance(user), "0.00");
}
END_TEST

/* What psql says to a query there, as that role. */
static const char *
ask(const char *role, const char *query)
{
	struct command psql = {
	    .argv = {"psql", "-XqAt", "-d", "withdraw_test_database", "-c",
		query},
	    .env = {keep_format("PGUSER=%s", role)},
	};
	struct command_end end = command_run(&psql);

	ck_assert_msg(end.code == 0, "%s\n%s", query, end.err);
	return end.out;
}

/* Managed servers give nobody a superuser. */
START_TEST(applied_by_the_owner_of_the_database)
{
	static const char owner[] = "withdraw_test_owner";
	static const char database[] = "withdraw_test_database";

	ledger_sql(keep_format("CREATE ROLE %s LOGIN CREATEROLE", owner), NULL);
	ledger_sql(
	    keep_format("CREATE DATABASE %s OWNER %s", database, owner), NULL);
	ledger_apply(owner, database);
	ledger_apply(owner, database);
	ask(operator_role, "SELECT account_open(1, 100)");
	ck_assert_str_eq(ask(service_role, withdraw("1", order_id(), "40.00")),
	    "new succeeded 40.00 60.00 v2\n");
}
END_TEST

/* --- rights ------------------------------------------------------------- */

static void
add_nobody(void)
{
	ledger_sql(keep_format("CREATE ROLE %s LOGIN", nobody_role), NULL);
}

static const char *const strangers[] = {
    service_role, operator_role, reconcile_role, nobody_role};

static void
expect_forbidden(
    struct session *session, const char *role, const char *statement)
{
	const char *state = session_state(session, statement);

	ck_assert_msg(strcmp(state, forbidden) == 0,
	    "%s: not forbidden (\"%s\"): %s", role, state, statement);
}

/* @: the table, #: a column of it. */
static const char *const writes[] = {
    "INSERT INTO @ DEFAULT VALUES",
    "UPDATE @ SET # = #",
    "DELETE FROM @",
    "TRUNCATE @",
    "SELECT 1 FROM @ FOR UPDATE",
    "SELECT 1 FROM @ FOR KEY SHARE",
    "LOCK TABLE @ IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE @ DISABLE TRIGGER ALL",
    "ALTER TABLE @ ADD COLUMN mine integer",
    ("CREATE TRIGGER mine BEFORE INSERT ON @ FOR EACH ROW "
     "EXECUTE FUNCTION suppress_redundant_updates_trigger()"),
    "CREATE INDEX ON @ (#)",
    "DROP TABLE @",
};

/* A write with the names put in. */
static const char *
fill(const char *text, const char *table)
{
	const char *filled = "";

	for (; *text != '\0'; text++)
		switch (*text) {
		case '@':
			filled = keep_format("%s%s", filled, table);
			break;
		case '#':
			filled = keep_format("%s%s", filled, key_of(table));
			break;
		default:
			filled = keep_format("%s%c", filled, *text);
			break;
		}
	return filled;
}

static void
expect_closed(struct session *session, const char *role, const char *table)
{
	for (int w = 0; w < COUNT(writes); w++) {
		const char *statement = fill(writes[w], table);

		session_run(session, "BEGIN");
		expect_forbidden(session, role, statement);
		session_run(session, "ROLLBACK");
	}
}

START_TEST(nobody_writes_to_a_table)
{
	const char *role = strangers[_i];
	struct session *session = session_open(role);

	for (int t = 0; t < COUNT(tables); t++)
		expect_closed(session, role, tables[t]);
	for (int t = 0; t < COUNT(office_tables); t++)
		expect_closed(session, role, office_tables[t]);
	expect_closed(session, role, hash_table);
}
END_TEST

START_TEST(nobody_reads_a_hash)
{
	const char *role = strangers[_i];
	struct session *session = session_open(role);

	expect_forbidden(session, role, "SELECT * FROM public.sign_in");
	expect_forbidden(session, role, "SELECT password FROM public.sign_in");
	if (role != operator_role)
		expect_forbidden(
		    session, role, "SELECT name FROM public.sign_in");
	else
		session_run(session, "SELECT name FROM public.sign_in");
}
END_TEST

START_TEST(every_table_is_tried)
{
	ck_assert_int_eq(ledger_number("SELECT count(*) FROM pg_class WHERE "
				       "relnamespace = 'public'::regnamespace "
				       "AND relkind NOT IN ('i', 'I', 'S')",
			     NULL),
	    COUNT(tables) + COUNT(office_tables) + 1);
}
END_TEST

/* Of the numbers of audit, runs and findings. */
START_TEST(nobody_has_a_sequence)
{
	ck_assert_int_eq(
	    ledger_number(
		"SELECT count(*) FROM pg_class c, unnest(ARRAY[$1, $2, $3, "
		"$4]) r WHERE c.relnamespace = 'public'::regnamespace AND "
		"c.relkind = 'S' AND has_sequence_privilege(r, c.oid, "
		"'USAGE, SELECT, UPDATE')",
		service_role, operator_role, reconcile_role, "public", NULL),
	    0);
}
END_TEST

static void
expect_readable(
    struct session *session, const char *role, const char *table, bool readable)
{
	const char *look = keep_format("SELECT count(*) FROM %s", table);

	if (readable)
		session_run(session, look);
	else
		expect_forbidden(session, role, look);
}

START_TEST(only_our_roles_read)
{
	for (int r = 0; r < COUNT(strangers); r++) {
		const char *role = strangers[r];
		struct session *session = session_open(role);
		bool ours = role != nobody_role;

		for (int t = 0; t < COUNT(tables); t++)
			expect_readable(session, role, tables[t], ours);
		for (int t = 0; t < COUNT(office_tables); t++)
			expect_readable(session, role, office_tables[t],
			    ours && role != service_role);
	}
}
END_TEST

static const char *const deeds[] = {
    "CREATE TABLE public.mine ()",
    "CREATE TABLE mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE SEQUENCE public.mine",
    "CREATE VIEW public.mine AS SELECT 1",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    ("CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE sql "
     "AS 'SELECT 1'"),
    ("CREATE OR REPLACE FUNCTION withdraw_epoch() RETURNS text LANGUAGE sql "
     "AS 'SELECT NULL'"),
    "ALTER FUNCTION withdraw_epoch() RESET search_path",
    "ALTER FUNCTION withdraw_void(bigint, uuid, text) SECURITY INVOKER",
    "DROP FUNCTION withdraw_epoch()",
    ("CREATE OPERATOR public.< (LEFTARG = numeric, RIGHTARG = numeric, "
     "FUNCTION = numeric_gt)"),
    "SET ROLE withdraw_owner",
    "SET SESSION AUTHORIZATION withdraw_owner",
    "GRANT withdraw_owner TO CURRENT_USER",
    "GRANT withdraw_operator TO withdraw_service",
    "GRANT withdraw_service TO withdraw_operator",
    "CREATE ROLE mine",
    "SET session_replication_role = replica",
    "ALTER SYSTEM SET fsync = off",
    "ALTER DATABASE withdraw SET search_path = mine",
    "COPY account TO PROGRAM 'true'",
};

START_TEST(nobody_makes_anything)
{
	const char *role = strangers[_i];
	struct session *session = session_open(role);

	for (int d = 0; d < COUNT(deeds); d++)
		expect_forbidden(session, role, deeds[d]);
}
END_TEST

/* All of our roles need to know the history that they see. */
static const char epoch_call[] = "withdraw_epoch()";

#define NIL_UUID "00000000-0000-0000-0000-000000000000"

/* Who may call what; NULL: nobody else. */
static const struct {
	const char *call;
	const char *role, *other;
} calls[] = {
    {"withdraw_find(1, gen_random_uuid())", service_role, NULL},
    {"withdraw_show(1, gen_random_uuid())", service_role, NULL},
    {"withdraw_account(1)", NULL, NULL},
    {"withdraw_daily(1, gen_random_uuid(), 1, now(), 1, 1)", NULL, NULL},
    {"withdraw_decision(1, gen_random_uuid(), 1, NULL, NULL, now())", NULL,
	NULL},
    {"withdraw_redecide(1, gen_random_uuid(), 1, NULL, NULL, now())", NULL,
	NULL},
    {"withdraw_batch('{1}', '{" NIL_UUID "}', '{1}', 'CNY', NULL, NULL)", NULL,
	NULL},
    {"withdraw_execute_all('{1}', '{" NIL_UUID "}', '{1}', 'CNY', NULL, NULL)",
	service_role, NULL},
    {"withdraw_midnight('2026-01-01', 'UTC')", operator_role, NULL},
    {"withdraw_standing(1, gen_random_uuid(), 'CNY')", NULL, NULL},
    {"withdraw_execute(1, gen_random_uuid(), 1, 'CNY', NULL, NULL)",
	service_role, NULL},
    {"withdraw_void(1, gen_random_uuid(), 'CNY')", service_role, NULL},
    {"withdraw_list(1, 1, NULL, NULL)", service_role, NULL},
    {"withdraw_overview(1, NULL, NULL)", service_role, NULL},
    {"sign_in_find('x')", service_role, NULL},
    {"sign_in_stands('x', 1, 1)", service_role, NULL},
    {"sign_in_leave('x', 1, 1)", service_role, NULL},
    {"sign_in_add('x', 1, '$y$x', 'me', 'why')", operator_role, NULL},
    {"sign_in_passwd('x', '$y$x', 'me', 'why')", operator_role, NULL},
    {"sign_in_disable('x', true, 'me', 'why')", operator_role, NULL},
    {epoch_call, NULL, NULL},
    {"ledger_append(1, 'credit', 1, NULL, NULL)", NULL, NULL},
    {"account_open(9000000, 1)", operator_role, NULL},
    {"account_credit(9000000, 1)", operator_role, NULL},
    {"account_adjust(9000000, 1, 'me', 'why')", operator_role, NULL},
    {"account_set_state(9000000, 'frozen', 'me', 'why')", operator_role, NULL},
    {"limit_set(0, 1, 2, 3, 4, 'UTC', 'me', 'why')", operator_role, NULL},
    {"limit_clear(0, 'me', 'why')", operator_role, NULL},
    {"operator_note('me', 'nothing', NULL, NULL, NULL, NULL)", NULL, NULL},
    {"payout_notify(gen_random_uuid(), 1, 'due')", NULL, NULL},
    {"payout_export(1, 'me', 'why')", operator_role, NULL},
    {"payout_mark(gen_random_uuid(), 'paid', 'R', 'me', 'why')", operator_role,
	NULL},
    {"ledger_hash('', 1, 1, 'open', 1, 1, NULL, now(), NULL)", operator_role,
	reconcile_role},
    {"reconcile_suspects_since(0)", operator_role, reconcile_role},
    {"reconcile_diagnose(1)", operator_role, reconcile_role},
    {"reconcile_lock()", operator_role, reconcile_role},
    {"reconcile_since('1 day')", operator_role, reconcile_role},
    {"reconcile_begin('full', 0, 'me')", operator_role, reconcile_role},
    {"reconcile_keep(0, 'kind', NULL, NULL, 'what', NULL, NULL, 'reported')",
	NULL, NULL},
    {"reconcile_handle(0, 9000000, 'me')", operator_role, reconcile_role},
    {"reconcile_report(0, 'kind', NULL, NULL, 'what', NULL, NULL, "
     "'reported', 'me')",
	operator_role, reconcile_role},
    {"reconcile_open_users()", operator_role, reconcile_role},
    {"reconcile_overdue(now(), gen_random_uuid(), 1)", operator_role,
	reconcile_role},
    {"reconcile_settle('kind', 9000000, NULL, NULL, 'repaired')", operator_role,
	reconcile_role},
    {"reconcile_forget(0)", operator_role, reconcile_role},
    {"reconcile_resolve_payouts()", operator_role, reconcile_role},
    {"reconcile_count(1, 1)", operator_role, reconcile_role},
    {"reconcile_end(0, 0, 0, 0, 0)", operator_role, reconcile_role},
};

static bool
may_call(int call, const char *role)
{
	if (calls[call].call == epoch_call)
		return role != nobody_role;
	return calls[call].role == role || calls[call].other == role;
}

START_TEST(each_calls_its_own_functions)
{
	for (int r = 0; r < COUNT(strangers); r++) {
		struct session *session = session_open(strangers[r]);

		for (int i = 0; i < COUNT(calls); i++) {
			const char *call =
			    keep_format("SELECT * FROM %s", calls[i].call);

			session_run(session, "BEGIN");
			if (may_call(i, strangers[r]))
				session_run(session, call);
			else
				expect_forbidden(session, strangers[r], call);
			session_run(session, "ROLLBACK");
		}
		/* an advisory lock does not end with its transaction */
		session_run(session, "SELECT pg_advisory_unlock_all()");
	}
}
END_TEST

START_TEST(every_function_is_tried)
{
	ck_assert_int_eq(ledger_number("SELECT count(*) FROM pg_proc WHERE "
				       "pronamespace = 'public'::regnamespace",
			     NULL),
	    COUNT(calls));
}
END_TEST

/* --- search_path -------------------------------------------------------- */

/* A schema in which the ledger's names mean something else: the user is rich
 * there, nothing is below anything, and money that is taken away stays. */
static void
make_hostile(const char *user)
{
	static const char *const parts[] = {
	    "CREATE SCHEMA hostile",
	    ("CREATE FUNCTION hostile.never(numeric, numeric) RETURNS boolean "
	     "LANGUAGE sql IMMUTABLE AS 'SELECT false'"),
	    ("CREATE FUNCTION hostile.keep(numeric, numeric) RETURNS numeric "
	     "LANGUAGE sql IMMUTABLE AS 'SELECT $1'"),
	    ("CREATE FUNCTION hostile.clock_timestamp() RETURNS timestamptz "
	     "LANGUAGE sql AS 'SELECT ''epoch''::timestamptz'"),
	    ("CREATE OPERATOR hostile.< (LEFTARG = numeric, "
	     "RIGHTARG = numeric, FUNCTION = hostile.never)"),
	    ("CREATE OPERATOR hostile.- (LEFTARG = numeric, "
	     "RIGHTARG = numeric, FUNCTION = hostile.keep)"),
	    "GRANT USAGE ON SCHEMA hostile TO PUBLIC",
	};

	for (int i = 0; i < COUNT(parts); i++)
		ledger_sql(parts[i], NULL);
	for (int t = 0; t < COUNT(tables); t++)
		ledger_sql(keep_format("CREATE TABLE hostile.%s "
				       "(LIKE public.%s INCLUDING ALL)",
			       tables[t], tables[t]),
		    NULL);
	ledger_sql("INSERT INTO hostile.account VALUES ($1::bigint, 5000, 1)",
	    user, NULL);
	ledger_sql("GRANT ALL ON ALL TABLES IN SCHEMA hostile TO PUBLIC", NULL);
}

START_TEST(hostile_search_path)
{
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	struct session *session;

	make_hostile(user);
	session = session_open(service_role);
	session_run(session, "SET search_path = hostile, pg_catalog, public");
	ck_assert_str_eq(session_run(session, withdraw(user, order, "40.00")),
	    "new succeeded 40.00 60.00 v2");
	ck_assert_str_eq(
	    session_run(session, withdraw(user, order_id(), "60.01")),
	    "new declined insufficient-funds 60.01 60.00 v2");
	ck_assert_str_eq(session_run(session, make_void(user, order)),
	    "replayed succeeded 40.00 60.00 v2");

	ck_assert_str_eq(ledger_status(order), "succeeded");
	ck_assert_str_eq(ledger_balance(user), "60.00");
	ck_assert_int_eq(
	    ledger_number("SELECT count(*) FROM withdraw_record WHERE "
			  "order_id = $1::uuid AND created_at > now() - "
			  "interval '1 hour'",
		order, NULL),
	    1);
	ck_assert_int_eq(
	    ledger_number("SELECT (SELECT count(*) FROM "
			  "hostile.withdraw_record) + (SELECT count(*) FROM "
			  "hostile.ledger_entry)",
		NULL),
	    0);
	ck_assert_str_eq(
	    ledger_sql("SELECT balance FROM hostile.account", NULL), "5000.00");
}
END_TEST

/* Temporary tables come before all others, unless pg_temp is named. */
START_TEST(hostile_temporary_tables)
{
	const char *user = ledger_open("100.00");
	struct session *session = session_open(superuser_role);

	for (int t = 0; t < COUNT(tables); t++) {
		session_run(session,
		    keep_format("CREATE TEMPORARY TABLE %s "
				"(LIKE public.%s INCLUDING ALL)",
			tables[t], tables[t]));
		session_run(session,
		    keep_format(
			"GRANT ALL ON pg_temp.%s TO PUBLIC", tables[t]));
	}
	session_run(session,
	    keep_format(
		"INSERT INTO pg_temp.account VALUES (%s, 5000, 1)", user));
	ck_assert_str_eq(
	    session_run(session, withdraw(user, order_id(), "40.00")),
	    "new succeeded 40.00 60.00 v2");
	ck_assert_str_eq(ledger_balance(user), "60.00");
}
END_TEST

/* The above tries some; of those with the owner's rights none may be without.
 * The others do what their caller may. */
START_TEST(every_function_has_its_search_path)
{
	ck_assert_int_eq(
	    ledger_number("SELECT count(*) FROM pg_proc WHERE "
			  "pronamespace = 'public'::regnamespace AND NOT "
			  "(proowner = 'withdraw_owner'::regrole "
			  "AND (NOT prosecdef OR 'search_path=pg_catalog, "
			  "public, pg_temp' = ANY (proconfig)))",
		NULL),
	    0);
}
END_TEST

/* --- amounts ------------------------------------------------------------ */

static const char *const bad_amounts[] = {"NaN", "Infinity", "-Infinity", "-1",
    "-0.01", "0.001", "100.005", "1e16", "1e100"};

static void
expect_invalid(const char *state, const char *what)
{
	ck_assert_msg(strcmp(state, "22023") == 0,
	    "%s: invalid_parameter_value expected, not \"%s\"", what, state);
}

static void
refuse_withdrawal(const char *amount)
{
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	struct session *session = session_open(service_role);

	expect_invalid(
	    session_state(session, withdraw(user, order, amount)), amount);
	ck_assert_str_eq(ledger_status(order), "none");
	ck_assert_str_eq(ledger_balance(user), "100.00");
	ck_assert_int_eq(entries(user), 1);
}

static void
refuse_credit(const char *amount)
{
	const char *user = ledger_open("100.00");

	expect_invalid(
	    session_state(session_open(operator_role),
		keep_format("SELECT account_credit(%s, '%s')", user, amount)),
	    amount);
	ck_assert_str_eq(ledger_balance(user), "100.00");
	ck_assert_int_eq(entries(user), 1);
}

START_TEST(refuses_a_bad_amount)
{
	const char *amount = bad_amounts[_i];
	struct session *session = session_open(operator_role);

	refuse_withdrawal(amount);
	refuse_credit(amount);
	expect_invalid(
	    session_state(session,
		keep_format("SELECT account_open(8000000, '%s')", amount)),
	    amount);
	ck_assert_ptr_null(ledger_balance("8000000"));
	ck_assert_int_eq(entries("8000000"), 0);
}
END_TEST

START_TEST(refuses_nothing_at_all)
{
	const char *user = ledger_open("100.00");
	struct session *session = session_open(superuser_role);

	refuse_withdrawal("0");
	refuse_credit("0");
	expect_invalid(session_state(session,
			   keep_format("SELECT withdraw_execute(%s, "
				       "gen_random_uuid(), NULL, 'CNY', NULL, "
				       "NULL)",
			       user)),
	    "NULL");
	expect_invalid(
	    session_state(
		session, keep_format("SELECT account_credit(%s, NULL)", user)),
	    "NULL");
	expect_invalid(
	    session_state(session, "SELECT account_open(8000000, NULL)"),
	    "NULL");
}
END_TEST

START_TEST(withdraws_the_last_cent_of_the_highest_balance)
{
	static const char highest[] = "9999999999999999.99";
	const char *user = ledger_open(highest);
	struct session *session = session_open(superuser_role);

	/* numeric_value_out_of_range */
	ck_assert_str_eq(
	    session_state(
		session, keep_format("SELECT account_credit(%s, 0.01)", user)),
	    "22003");
	ck_assert_str_eq(ledger_balance(user), highest);
	ck_assert_str_eq(
	    session_run(session, withdraw(user, order_id(), highest)),
	    "new succeeded 9999999999999999.99 0.00 v2");
}
END_TEST

START_TEST(withdraws_from_no_account)
{
	const char *order = order_id();

	ck_assert_ptr_null(session_run(session_open(service_role),
	    withdraw(ledger_stranger(), order, "1")));
	ck_assert_str_eq(ledger_status(order), "none");
}
END_TEST

/* --- one transaction ---------------------------------------------------- */

/* The journal refuses an entry of 13.37, in or out. */
static void
make_trap(void)
{
	ledger_sql(
	    "CREATE FUNCTION withdraw_test_raise() RETURNS trigger "
	    "LANGUAGE plpgsql AS $$ BEGIN IF abs(NEW.delta) = 13.37 THEN "
	    "RAISE EXCEPTION 'trapped' USING ERRCODE = 'TRAPP'; END IF; "
	    "RETURN NEW; END $$",
	    NULL);
	ledger_sql("CREATE TRIGGER withdraw_test_trigger BEFORE INSERT ON "
		   "ledger_entry FOR EACH ROW EXECUTE FUNCTION "
		   "withdraw_test_raise()",
	    NULL);
}

START_TEST(withdrawal_is_whole)
{
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	struct session *session = session_open(service_role);

	make_trap();
	ck_assert_str_eq(
	    session_state(session, withdraw(user, order, "13.37")), "TRAPP");
	ck_assert_str_eq(ledger_status(order), "none");
	ck_assert_str_eq(ledger_balance(user), "100.00");
	ck_assert_int_eq(entries(user), 1);
	sweep();
	/* nothing of it stands in the way of the same order */
	ck_assert_str_eq(session_run(session_open(service_role),
			     withdraw(user, order, "13.37")),
	    "new succeeded 13.37 86.63 v2");
}
END_TEST

START_TEST(credit_is_whole)
{
	const char *user = ledger_open("100.00");
	struct session *session = session_open(operator_role);

	make_trap();
	ck_assert_str_eq(
	    session_state(
		session, keep_format("SELECT account_credit(%s, 13.37)", user)),
	    "TRAPP");
	ck_assert_str_eq(
	    session_state(session, "SELECT account_open(8000000, 13.37)"),
	    "TRAPP");
	ck_assert_str_eq(ledger_balance(user), "100.00");
	ck_assert_int_eq(entries(user), 1);
	ck_assert_ptr_null(ledger_balance("8000000"));
}
END_TEST

/* --- two at once -------------------------------------------------------- */

/* The first one's statement is done but not committed, and the second one's
 * waits for it. */
static void
make_wait(struct session *first, const char *done, struct session *second,
    const char *waiting)
{
	session_run(first, "BEGIN");
	session_run(first, done);
	session_send(second, waiting);
	WAIT_UNTIL(session_waits_for(second, first));
}

/* A withdrawal of 40.00 from 100.00 has read the account, and waits for
 * somebody who has changed it; what it answers after that one's end. */
static const struct {
	const char *change; /* of the user $1 */
	const char *end;
	const char *answer;
} movers[] = {
    {"SELECT account_credit($1, 50)", "COMMIT",
	"new succeeded 40.00 110.00 v3"},
    {"SELECT account_credit($1, 50)", "ROLLBACK",
	"new succeeded 40.00 60.00 v2"},
    {"SELECT withdraw_execute($1, gen_random_uuid(), 100, 'CNY', NULL, NULL)",
	"COMMIT", "new declined insufficient-funds 40.00 0.00 v2"},
    {"SELECT withdraw_execute($1, gen_random_uuid(), 100, 'CNY', NULL, NULL)",
	"ROLLBACK", "new succeeded 40.00 60.00 v2"},
    {"SELECT withdraw_execute($1, gen_random_uuid(), 60.01, 'CNY', NULL, NULL)",
	"COMMIT", "new declined insufficient-funds 40.00 39.99 v2"},
    {"SELECT withdraw_execute($1, gen_random_uuid(), 60, 'CNY', NULL, NULL)",
	"COMMIT", "new succeeded 40.00 0.00 v3"},
    {"UPDATE account SET state = 'frozen' WHERE user_id = $1", "COMMIT",
	"new declined account-frozen 40.00 100.00 v1"},
};

START_TEST(decides_on_the_balance_after_the_wait)
{
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	const char *place = strstr(movers[_i].change, "$1");
	struct session *mover = session_open(superuser_role);
	struct session *session = session_open(service_role);
	const char *answer;

	make_wait(mover,
	    keep_format("%.*s%s%s", (int)(place - movers[_i].change),
		movers[_i].change, user, place + 2),
	    session, withdraw(user, order, "40.00"));
	session_run(mover, movers[_i].end);
	answer = session_result(session);
	ck_assert_str_eq(answer, movers[_i].answer);
	/* what was answered is what was recorded */
	ck_assert_str_eq(session_run(session, withdraw(user, order, "40.00")),
	    keep_format("replayed%s", answer + strlen("new")));
}
END_TEST

/* Two calls for one order of an account with 100.00: what the second answers,
 * which waits for the first, when that is committed or rolled back. */
enum call { WITHDRAW_40, WITHDRAW_50, WITHDRAW_500, VOID };

static const char *
call_text(enum call call, const char *user, const char *order)
{
	static const char *const amounts[] = {"40.00", "50.00", "500.00"};

	return call == VOID ? make_void(user, order)
			    : withdraw(user, order, amounts[call]);
}

static const struct {
	enum call first, second;
	const char *committed, *rolled_back;
} twins[] = {
    {WITHDRAW_40, WITHDRAW_40, "replayed succeeded 40.00 60.00 v2",
	"new succeeded 40.00 60.00 v2"},
    {WITHDRAW_40, WITHDRAW_50, "replayed succeeded 40.00 60.00 v2",
	"new succeeded 50.00 50.00 v2"},
    {WITHDRAW_500, WITHDRAW_40,
	"replayed declined insufficient-funds 500.00 100.00 v1",
	"new succeeded 40.00 60.00 v2"},
    {WITHDRAW_40, VOID, "replayed succeeded 40.00 60.00 v2", "new void"},
    {WITHDRAW_500, VOID,
	"replayed declined insufficient-funds 500.00 100.00 v1", "new void"},
    {VOID, WITHDRAW_40, "replayed void", "new succeeded 40.00 60.00 v2"},
    {VOID, VOID, "replayed void", "new void"},
};

static const char *
second_answer(int i, const char *end)
{
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	struct session *first = session_open(service_role);
	struct session *second = session_open(service_role);
	const char *answer;

	make_wait(first, call_text(twins[i].first, user, order), second,
	    call_text(twins[i].second, user, order));
	session_run(first, end);
	answer = session_result(second);
	ck_assert_int_eq(ledger_debits(order),
	    strcmp(ledger_status(order), "succeeded") == 0);
	return answer;
}

START_TEST(twin_waits_and_answers_the_same)
{
	ck_assert_str_eq(second_answer(_i, "COMMIT"), twins[_i].committed);
}
END_TEST

START_TEST(twin_goes_on_where_the_first_is_undone)
{
	ck_assert_str_eq(second_answer(_i, "ROLLBACK"), twins[_i].rolled_back);
}
END_TEST

/* Somebody else's order, under way: it looks like one's own that is void. */
START_TEST(order_of_another_user_under_way)
{
	const char *owner = ledger_open("100.00");
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	struct session *first = session_open(service_role);
	struct session *second = session_open(service_role);

	make_wait(first, withdraw(owner, order, "40.00"), second,
	    withdraw(user, order, "40.00"));
	session_run(first, "COMMIT");
	ck_assert_str_eq(session_result(second), "new void");
	ck_assert_str_eq(session_run(second, withdraw(user, order, "40.00")),
	    "replayed void");
	ck_assert_str_eq(session_run(second, withdraw(owner, order, "40.00")),
	    "replayed succeeded 40.00 60.00 v2");
	ck_assert_str_eq(ledger_balance(user), "100.00");
}
END_TEST

/* --- frozen, and limits ------------------------------------------------- */

START_TEST(frozen_account)
{
	const char *user = ledger_open("100.00");
	const char *order = order_id();
	struct session *session = session_open(service_role);

	ledger_freeze(user);
	ck_assert_str_eq(session_run(session, withdraw(user, order, "40.00")),
	    "new declined account-frozen 40.00 100.00 v1");
	ledger_unfreeze(user);
	ck_assert_str_eq(session_run(session, withdraw(user, order, "40.00")),
	    "replayed declined account-frozen 40.00 100.00 v1");
	ck_assert_str_eq(
	    session_run(session, withdraw(user, order_id(), "40.00")),
	    "new succeeded 40.00 60.00 v2");
}
END_TEST

static const struct {
	const char *amount, *min, *max;
	const char *answer;
} limits[] = {
    {"9.99", "10.00", "50.00", "new declined below-minimum 9.99 100.00 v1"},
    {"10.00", "10.00", "50.00", "new succeeded 10.00 90.00 v2"},
    {"50.00", "10.00", "50.00", "new succeeded 50.00 50.00 v2"},
    {"50.01", "10.00", "50.00", "new declined above-maximum 50.01 100.00 v1"},
    {"0.01", "NULL", "50.00", "new succeeded 0.01 99.99 v2"},
    {"100.00", "10.00", "NULL", "new succeeded 100.00 0.00 v2"},
    /* the site's rules are told before the balance is */
    {"500.00", "10.00", "50.00", "new declined above-maximum 500.00 100.00 v1"},
};

START_TEST(minimum_and_maximum)
{
	const char *user = ledger_open("100.00");

	ck_assert_str_eq(
	    session_run(session_open(service_role),
		withdraw_within(user, order_id(), limits[_i].amount,
		    limits[_i].min, limits[_i].max)),
	    limits[_i].answer);
}
END_TEST

static TCase *
schema_case(Suite *suite, const char *name)
{
	TCase *tcase = fixture_case(suite, name);

	tcase_add_checked_fixture(tcase, sweep, sweep);
	return tcase;
}

Suite *
schema_suite(void)
{
	Suite *suite = suite_create("schema");
	TCase *tcase = schema_case(suite, "applied");

	tcase_add_test(tcase, applied_again_changes_nothing);
	tcase_add_test(tcase, applied_by_the_owner_of_the_database);

	tcase = schema_case(suite, "rights");
	tcase_add_checked_fixture(tcase, add_nobody, NULL);
	tcase_add_loop_test(
	    tcase, nobody_writes_to_a_table, 0, COUNT(strangers));
	tcase_add_loop_test(tcase, nobody_reads_a_hash, 0, COUNT(strangers));
	tcase_add_test(tcase, every_table_is_tried);
	tcase_add_test(tcase, nobody_has_a_sequence);
	tcase_add_test(tcase, only_our_roles_read);
	tcase_add_loop_test(tcase, nobody_makes_anything, 0, COUNT(strangers));
	tcase_add_test(tcase, each_calls_its_own_functions);
	tcase_add_test(tcase, every_function_is_tried);

	tcase = schema_case(suite, "path");
	tcase_add_test(tcase, hostile_search_path);
	tcase_add_test(tcase, hostile_temporary_tables);
	tcase_add_test(tcase, every_function_has_its_search_path);

	tcase = schema_case(suite, "amounts");
	tcase_add_loop_test(tcase, refuses_a_bad_amount, 0, COUNT(bad_amounts));
	tcase_add_test(tcase, refuses_nothing_at_all);
	tcase_add_test(tcase, withdraws_the_last_cent_of_the_highest_balance);
	tcase_add_test(tcase, withdraws_from_no_account);

	tcase = schema_case(suite, "whole");
	tcase_add_test(tcase, withdrawal_is_whole);
	tcase_add_test(tcase, credit_is_whole);

	tcase = schema_case(suite, "waiting");
	tcase_add_loop_test(
	    tcase, decides_on_the_balance_after_the_wait, 0, COUNT(movers));
	tcase_add_loop_test(
	    tcase, twin_waits_and_answers_the_same, 0, COUNT(twins));
	tcase_add_loop_test(
	    tcase, twin_goes_on_where_the_first_is_undone, 0, COUNT(twins));
	tcase_add_test(tcase, order_of_another_user_under_way);

	tcase = schema_case(suite, "limits");
	tcase_add_test(tcase, frozen_account);
	tcase_add_loop_test(tcase, minimum_and_maximum, 0, COUNT(limits));
	return suite;
}
