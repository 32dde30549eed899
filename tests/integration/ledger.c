/* The ledger as the tests see it: see ledger.h. */
#include "ledger.h"

#include <check.h>
#include <glob.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "support.h"

enum {
	USERS_MAX = 400,
	PARAMS_MAX = 8,
	FIRST_USER = 2001,
};

static PGconn *shared;
static PGconn *holder;
static const char *users[USERS_MAX];
static size_t user_count;

static PGconn *
connect_ledger(void)
{
	PGconn *conn = PQconnectdb("connect_timeout=10 "
				   "options='-c client_min_messages=warning'");

	ck_assert_msg(PQstatus(conn) == CONNECTION_OK,
	    "could not connect to the ledger: %s", PQerrorMessage(conn));
	return conn;
}

static PGconn *
connection(void)
{
	if (shared == NULL)
		shared = connect_ledger();
	return shared;
}

static PGresult *
run(PGconn *conn, const char *query, int n, const char *const *params)
{
	PGresult *result =
	    PQexecParams(conn, query, n, NULL, params, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(result);

	ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK,
	    "%s\n%s", query, PQresultErrorMessage(result));
	return result;
}

static const char *
query_text(const char *query, va_list args)
{
	const char *params[PARAMS_MAX];
	const char *param;
	const char *text = NULL;
	PGresult *result;
	int n = 0;

	while ((param = va_arg(args, const char *)) != NULL) {
		ck_assert_int_lt(n, PARAMS_MAX);
		params[n++] = param;
	}
	result = run(connection(), query, n, params);
	if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
		text = keep_format("%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return text;
}

const char *
ledger_sql(const char *query, ...)
{
	const char *text;
	va_list args;

	va_start(args, query);
	text = query_text(query, args);
	va_end(args);
	return text;
}

long
ledger_number(const char *query, ...)
{
	const char *text;
	va_list args;

	va_start(args, query);
	text = query_text(query, args);
	va_end(args);
	ck_assert_ptr_nonnull(text);
	return strtol(text, NULL, 10);
}

static long
last_user(void)
{
	return FIRST_USER - 1 + strtol(setting("EXTRA_USERS"), NULL, 10);
}

const char *
ledger_stranger(void)
{
	return keep_format("%ld", last_user());
}

/* The users of this test, as an array of SQL. */
static const char *
own_users(void)
{
	const char *list = "";

	for (size_t i = 0; i < user_count; i++)
		list = keep_format("%s%s%s", list, i > 0 ? "," : "", users[i]);
	return keep_format("{%s}", list);
}

/* An account that an earlier test has opened and left untouched. */
static const char *
reuse_account(const char *balance)
{
	return ledger_sql("SELECT user_id FROM account a "
			  "WHERE user_id BETWEEN $1::bigint AND $2::bigint "
			  "AND balance = $3::numeric AND version = 1 "
			  "AND state = 'active' AND user_id <> ALL ($4) "
			  "AND NOT EXISTS (SELECT FROM withdraw_record r "
			  "WHERE r.user_id = a.user_id) "
			  "AND NOT EXISTS (SELECT FROM withdraw_foreign_void f "
			  "WHERE f.user_id = a.user_id) LIMIT 1",
	    keep_format("%d", FIRST_USER), ledger_stranger(), balance,
	    own_users(), NULL);
}

static const char *
open_account(const char *balance)
{
	long user = ledger_number(
	    "SELECT coalesce(max(user_id) + 1, $1::bigint) FROM account "
	    "WHERE user_id BETWEEN $1::bigint AND $2::bigint",
	    keep_format("%d", FIRST_USER), ledger_stranger(), NULL);
	const char *name = keep_format("%ld", user);

	ck_assert_msg(user < last_user(),
	    "all sign-ins up to user%ld are used up: start afresh with an "
	    "empty RUN_DIR, or with a higher EXTRA_USERS",
	    last_user());
	ledger_sql("SELECT balance FROM account_open($1::bigint, $2::numeric)",
	    name, balance, NULL);
	return name;
}

const char *
ledger_open(const char *balance)
{
	const char *name = reuse_account(balance);

	if (name == NULL)
		name = open_account(balance);
	ck_assert_uint_lt(user_count, USERS_MAX);
	users[user_count++] = name;
	return name;
}

void
ledger_credit(const char *user, const char *amount)
{
	ck_assert_ptr_nonnull(ledger_sql(
	    "SELECT balance FROM account_credit($1::bigint, $2::numeric)", user,
	    amount, NULL));
}

static void
set_state(const char *user, const char *state)
{
	ledger_sql("UPDATE account SET state = $2 WHERE user_id = $1::bigint",
	    user, state, NULL);
}

void
ledger_freeze(const char *user)
{
	set_state(user, "frozen");
}

void
ledger_unfreeze(const char *user)
{
	set_state(user, "active");
}

const char *
ledger_status(const char *order)
{
	return ledger_sql("SELECT coalesce((SELECT CASE status "
			  "WHEN 1 THEN 'succeeded' WHEN 2 THEN 'declined' "
			  "ELSE 'void' END FROM withdraw_record "
			  "WHERE order_id = $1::uuid), 'none')",
	    order, NULL);
}

long
ledger_debits(const char *order)
{
	return ledger_number("SELECT count(*) FROM ledger_entry "
			     "WHERE order_id = $1::uuid",
	    order, NULL);
}

long
ledger_succeeded(const char *user)
{
	return ledger_number("SELECT count(*) FROM withdraw_record "
			     "WHERE user_id = $1::bigint AND status = 1",
	    user, NULL);
}

const char *
ledger_balance(const char *user)
{
	return ledger_sql("SELECT balance FROM account WHERE user_id = "
			  "$1::bigint",
	    user, NULL);
}

void
ledger_hold(const char *user)
{
	const char *params[] = {user};

	ck_assert_msg(holder == NULL, "there is one who holds already");
	holder = connect_ledger();
	PQclear(run(holder, "BEGIN", 0, NULL));
	PQclear(run(holder,
	    "SELECT 1 FROM account WHERE user_id = "
	    "ANY (string_to_array($1, ',')::bigint[]) FOR UPDATE",
	    1, params));
}

void
ledger_release(void)
{
	/* the server rolls back what a closed connection leaves */
	PQfinish(holder);
	holder = NULL;
}

long
ledger_blocked(void)
{
	return ledger_number("SELECT count(*) FROM pg_stat_activity WHERE "
			     "usename = 'withdraw_service' AND "
			     "wait_event_type = 'Lock' AND "
			     "query NOT LIKE '%withdraw_execute_all%'",
	    NULL);
}

void
ledger_terminate_all(void)
{
	ledger_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		   "WHERE usename = 'withdraw_service'",
	    NULL);
}

void
ledger_terminate_blocked(void)
{
	ledger_sql("SELECT pg_terminate_backend(pid, 10000) "
		   "FROM pg_stat_activity WHERE usename = 'withdraw_service' "
		   "AND wait_event_type = 'Lock'",
	    NULL);
}

static bool
configured(const char *name, const char *before, bool changed)
{
	const char *show = keep_format("SHOW %s", name);
	PGconn *conn = connect_ledger();
	PGresult *result = run(conn, show, 0, NULL);
	bool differs = strcmp(PQgetvalue(result, 0, 0), before) != 0;

	PQclear(result);
	PQfinish(conn);
	return differs == changed;
}

void
ledger_configure(const char *name, const char *value)
{
	const char *wanted = value;

	if (value == NULL) {
		wanted = ledger_sql("SELECT boot_val FROM pg_settings "
				    "WHERE name = $1",
		    name, NULL);
		ledger_sql(keep_format("ALTER SYSTEM RESET %s", name), NULL);
	} else {
		ledger_sql(
		    keep_format("ALTER SYSTEM SET %s = '%s'", name, value),
		    NULL);
	}
	ledger_sql("SELECT pg_reload_conf()", NULL);
	WAIT_UNTIL(configured(name, wanted, false));
}

/* Each query counts what breaks one promise for the user $1. */
static const struct {
	const char *promise;
	const char *breaches;
} promises[] = {
    {"the balance is the sum of the entries",
	"SELECT count(*) FROM account a WHERE a.user_id = $1::bigint AND "
	"a.balance <> (SELECT sum(delta) FROM ledger_entry e "
	"WHERE e.user_id = a.user_id)"},
    {"the account's version is the head of the journal",
	"SELECT count(*) FROM account a WHERE a.user_id = $1::bigint AND "
	"(a.version <> (SELECT max(e.version) FROM ledger_entry e "
	"WHERE e.user_id = a.user_id) OR NOT EXISTS (SELECT "
	"FROM ledger_entry e WHERE e.user_id = a.user_id "
	"AND e.version = a.version AND e.balance_after = a.balance))"},
    {"the journal is a chain without gaps",
	"SELECT count(*) FROM (SELECT version, balance_after, "
	"row_number() OVER w AS n, sum(delta) OVER w AS total "
	"FROM ledger_entry WHERE user_id = $1::bigint "
	"WINDOW w AS (ORDER BY version)) e "
	"WHERE e.version <> e.n OR e.balance_after <> e.total"},
    {"a succeeded record has exactly one entry, of its amount",
	"SELECT count(*) FROM withdraw_record r "
	"WHERE r.user_id = $1::bigint AND r.status = 1 AND "
	"(SELECT array_agg((e.user_id, e.kind, e.delta, e.version, "
	"e.balance_after)::text) FROM ledger_entry e "
	"WHERE e.order_id = r.order_id AND e.kind = 'withdraw') "
	"IS DISTINCT FROM "
	"ARRAY[(r.user_id, 'withdraw', -r.amount, r.version, "
	"r.balance_after)::text]"},
    {"a declined or void record has no entry",
	"SELECT count(*) FROM withdraw_record r JOIN ledger_entry e "
	"USING (order_id) WHERE r.user_id = $1::bigint AND r.status <> 1"},
    {"every debit has its record",
	"SELECT count(*) FROM ledger_entry e WHERE e.user_id = $1::bigint AND "
	"e.kind = 'withdraw' AND NOT EXISTS (SELECT FROM withdraw_record r "
	"WHERE r.order_id = e.order_id AND r.user_id = e.user_id "
	"AND r.status = 1)"},
};

void
ledger_check(void)
{
	for (size_t u = 0; u < user_count; u++)
		for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]);
		     i++)
			ck_assert_msg(ledger_number(promises[i].breaches,
					  users[u], NULL) == 0,
			    "user %s: broken: %s", users[u],
			    promises[i].promise);
}

void
ledger_disconnect(void)
{
	PQfinish(shared);
	shared = NULL;
}

void
ledger_give_up_standby(void)
{
	ledger_configure("synchronous_standby_names", NULL);
	ledger_disconnect();
}

void
ledger_reset(void)
{
	ledger_disconnect();
	user_count = 0;
}

void
ledger_apply(const char *role, const char *database)
{
	glob_t files;
	struct command psql = {
	    .argv = {"psql", "-Xq", "-d", database},
	    .env = {keep_format("PGUSER=%s", role)},
	};
	int n = 4;
	struct command_end end;

	ck_assert_int_eq(glob("sql/*.sql", 0, NULL, &files), 0);
	ck_assert_uint_gt(files.gl_pathc, 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		ck_assert_int_lt(n + 2, COUNT(psql.argv));
		psql.argv[n++] = "-f";
		psql.argv[n++] = files.gl_pathv[i];
	}
	end = command_run(&psql);
	ck_assert_msg(
	    end.code == 0 && *end.err == '\0', "%d %s", end.code, end.err);
	globfree(&files);
}
