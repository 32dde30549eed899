/*
 * Whoever has taken over the service has its rights in Postgres and in Redis,
 * and no more: everything that is not on the short list of what it needs is
 * tried, and refused. What its roles may do with the ledger's own tables and
 * functions is in schema.c.
 */
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "ctl.h"
#include "fixture.h"
#include "http.h"
#include "ledger.h"
#include "order.h"
#include "session.h"
#include "site_server.h"
#include "stack.h"
#include "support.h"

/* --- Postgres --------------------------------------------------------------
 */

static const char *const roles[] = {
    "withdraw_service", "withdraw_operator", "withdraw_reconcile"};

START_TEST(role_is_a_plain_one)
{
	ck_assert_int_eq(
	    ledger_number("SELECT count(*) FROM pg_roles r WHERE rolname = $1 "
			  "AND (rolsuper OR rolcreaterole OR rolcreatedb OR "
			  "rolreplication OR rolbypassrls OR EXISTS (SELECT "
			  "FROM pg_auth_members m WHERE m.member = r.oid))",
		roles[_i], NULL),
	    0);
}
END_TEST

/* Tables, views and sequences of every schema. pg_settings is a way to say
 * SET. */
START_TEST(role_writes_to_nothing)
{
	const char *found = ledger_sql(
	    "SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c "
	    "WHERE c.oid <> 'pg_settings'::regclass AND CASE "
	    "WHEN relkind IN ('r', 'p', 'v', 'm', 'f') THEN "
	    "has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, "
	    "TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege($1, "
	    "c.oid, 'INSERT, UPDATE, REFERENCES') "
	    "WHEN relkind = 'S' THEN has_sequence_privilege($1, c.oid, "
	    "'USAGE, SELECT, UPDATE') ELSE false END",
	    roles[_i], NULL);

	ck_assert_msg(found == NULL, "%s may write to %s", roles[_i], found);
}
END_TEST

/* What Postgres has taken from everybody was given back to none of ours. */
START_TEST(role_has_no_guarded_function)
{
	const char *found = ledger_sql(
	    "SELECT string_agg(oid::regprocedure::text, ' ') FROM pg_proc "
	    "WHERE pronamespace = 'pg_catalog'::regnamespace "
	    "AND proacl IS NOT NULL AND has_function_privilege($1, oid, "
	    "'EXECUTE')",
	    roles[_i], NULL);

	ck_assert_msg(found == NULL, "%s may call %s", roles[_i], found);
}
END_TEST

START_TEST(service_reads_these_tables)
{
	ck_assert_str_eq(
	    ledger_sql("SELECT string_agg(relname, ' ' ORDER BY relname) "
		       "FROM pg_class WHERE relnamespace NOT IN "
		       "('pg_catalog'::regnamespace, "
		       "'information_schema'::regnamespace) AND relkind IN "
		       "('r', 'p', 'v', 'm', 'f') AND "
		       "(has_table_privilege('withdraw_service', oid, "
		       "'SELECT') OR has_any_column_privilege("
		       "'withdraw_service', oid, 'SELECT'))",
		NULL),
	    "account ledger_entry withdraw_foreign_void withdraw_limit "
	    "withdraw_record");
}
END_TEST

/* The server's files, programs, settings, other sessions, other roles, and all
 * that would stay there. */
static const char *const deeds[] = {
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/withdraw-test')",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_stat_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_ls_logdir()",
    "SELECT pg_ls_waldir()",
    "COPY account TO '/tmp/withdraw-test'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY account FROM '/etc/passwd'",
    "COPY account FROM PROGRAM 'true'",
    "COPY account FROM STDIN",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_switch_wal()",
    "SELECT pg_create_restore_point('x')",
    "SELECT pg_backup_start('x')",
    "SELECT pg_promote()",
    "SELECT pg_wal_replay_pause()",
    "SELECT pg_stat_reset()",
    "SELECT pg_stat_reset_shared('wal')",
    "SELECT pg_create_physical_replication_slot('x')",
    "SELECT pg_create_logical_replication_slot('x', 'pgoutput')",
    "SELECT pg_replication_origin_create('x')",
    "SELECT pg_log_backend_memory_contexts(1)",
    ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
     "WHERE usename = 'postgres'"),
    ("SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
     "WHERE usename = 'postgres'"),
    "SELECT rolpassword FROM pg_authid",
    "SELECT passwd FROM pg_shadow",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_file_settings",
    "SELECT * FROM pg_statistic",
    "SELECT stxdmcv FROM pg_statistic_ext_data",
    "SELECT subconninfo FROM pg_subscription",
    "UPDATE pg_class SET relname = relname",
    "UPDATE pg_proc SET prosrc = prosrc",
    "DELETE FROM pg_trigger",
    "CREATE DATABASE mine",
    "DROP DATABASE withdraw",
    "ALTER DATABASE withdraw SET synchronous_commit = off",
    "CREATE TABLESPACE mine LOCATION '/tmp'",
    "CREATE EXTENSION adminpack",
    "CREATE EXTENSION pgcrypto",
    "DROP EXTENSION plpgsql",
    "CREATE LANGUAGE mine HANDLER plpgsql_call_handler",
    "CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION mine()",
    "CREATE FOREIGN DATA WRAPPER mine",
    "CREATE PUBLICATION mine FOR TABLE account",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    ("CREATE SUBSCRIPTION mine CONNECTION 'dbname=x' PUBLICATION mine "
     "WITH (connect = false)"),
    "CREATE CAST (numeric AS boolean) WITHOUT FUNCTION",
    "CREATE TYPE public.mine AS (a integer)",
    "CREATE DOMAIN public.mine AS integer",
    "CREATE MATERIALIZED VIEW public.mine AS SELECT 1",
    "CREATE RULE mine AS ON INSERT TO account DO INSTEAD NOTHING",
    "CREATE POLICY mine ON account USING (true)",
    "CREATE STATISTICS public.mine ON user_id, version FROM ledger_entry",
    "COMMENT ON TABLE account IS 'mine'",
    "CLUSTER account USING account_pkey",
    "REINDEX TABLE account",
    "CHECKPOINT",
    "LOAD 'auto_explain'",
    "GRANT SELECT ON sign_in TO PUBLIC",
    "ALTER TABLE account OWNER TO CURRENT_USER",
    "ALTER SCHEMA public OWNER TO CURRENT_USER",
    "ALTER DEFAULT PRIVILEGES FOR ROLE withdraw_owner GRANT ALL ON TABLES "
    "TO PUBLIC",
    "REASSIGN OWNED BY withdraw_owner TO CURRENT_USER",
    "DROP OWNED BY withdraw_owner",
    "DROP ROLE withdraw_owner",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
    "ALTER ROLE postgres SET search_path = mine",
    "ALTER ROLE withdraw_owner LOGIN",
    "ALTER ROLE ALL SET fsync = off",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SET log_statement = 'none'",
    "SET session_preload_libraries = 'x'",
    "SET zero_damaged_pages = on",
};

START_TEST(role_may_do_none_of_it)
{
	struct session *session = session_open(roles[_i]);

	/* somebody whose session is not to be ended */
	session_open("postgres");
	for (int i = 0; i < COUNT(deeds); i++) {
		const char *state = session_state(session, deeds[i]);

		ck_assert_msg(strcmp(state, "42501") == 0,
		    "%s: not forbidden (\"%s\"): %s", roles[_i], state,
		    deeds[i]);
	}
}
END_TEST

/* --- Redis -----------------------------------------------------------------
 */

/* A Redis with the settings that we give to sites, and somebody who may look
 * after it; it ends with the test. */
struct restricted {
	struct command server;
	const char *socket;
};

static struct restricted restricted;

static redisContext *
dial(void)
{
	return redisConnectUnix(restricted.socket);
}

static bool
listens(void)
{
	redisContext *c = dial();
	bool up = c != NULL && c->err == 0;

	redisFree(c);
	return up;
}

/* Ours comes by "include", as on a site. */
static const char *
write_settings(const char *folder)
{
	const char *path = keep_format("%s/redis.conf", folder);
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file,
	    "port 0\nenable-module-command local\n"
	    "enable-debug-command local\nunixsocket %s\nunixsocketperm 777\nsave \"\"\n"
	    "include %s/fcgi/redis/withdraw.conf\n"
	    "user admin on nopass ~* &* +@all\n",
	    restricted.socket, getcwd(keep(4096), 4096));
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

static void
start_restricted(void)
{
	const char *folder = stack_folder();

	restricted.socket = keep_format("%s/redis.sock", folder);
	restricted.server = (struct command){
	    .argv = {"setpriv", "--pdeathsig", "KILL", "redis-server",
		write_settings(folder)},
	};
	command_start(&restricted.server);
	WAIT_UNTIL(listens());
}

static void
stop_restricted(void)
{
	ck_assert_int_eq(kill(restricted.server.pid, SIGTERM), 0);
	command_wait(&restricted.server);
}

static redisReply *
say(redisContext *c, int n, const char **words)
{
	redisReply *reply = redisCommandArgv(c, n, words, NULL);

	ck_assert_msg(reply != NULL, "%s: %s", words[0], c->errstr);
	return reply;
}

static redisContext *
dial_admin(void)
{
	const char *words[] = {"AUTH", "admin", "any"};
	redisContext *c = dial();
	redisReply *reply = say(c, 3, words);

	ck_assert_int_eq(reply->type, REDIS_REPLY_STATUS);
	freeReplyObject(reply);
	return c;
}

static const char *
redis_url(void)
{
	return keep_format("unix://%s?db=0", restricted.socket);
}

/* Redis has kept no word of a command that it refused. */
static void
expect_nothing_refused(void)
{
	const char *words[] = {"ACL", "LOG"};
	redisContext *c = dial_admin();
	redisReply *log = say(c, 2, words);

	ck_assert_int_eq(log->type, REDIS_REPLY_ARRAY);
	ck_assert_msg(log->elements == 0, "Redis has refused: %s",
	    log->elements > 0 ? log->element[0]->element[5]->str : "");
	freeReplyObject(log);
	redisFree(c);
}

static void
expect_same_session(const char *cookie, int status)
{
	struct http_request request = {
	    .path = "/api/session", .headers = {cookie}};
	struct http_response answer = http_send(&request);

	expect_status(&answer, status);
}

static void
sign_in_and_out(const char *user)
{
	struct http_request wrong = {
	    .method = "POST",
	    .path = "/api/session",
	    .body = "{\"name\": \"nobody.at.all\", \"password\": \"wrong\"}",
	};
	struct http_request leave = {
	    .method = "DELETE", .path = "/api/session?everywhere=1"};
	struct http_response answer = http_send(&wrong);

	expect_status(&answer, 401);
	leave.headers[0] = site_sign_in(user);
	expect_same_session(leave.headers[0], 200);
	answer = http_send(&leave);
	expect_status(&answer, 200);
	expect_same_session(leave.headers[0], 401);
}

static void
forget_answers(void)
{
	static const char script[] =
	    "for _, k in ipairs(redis.call('KEYS', 'withdraw:*:result:*')) do "
	    "redis.call('DEL', k) end";
	const char *words[] = {"EVAL", script, "0"};
	redisContext *c = dial_admin();

	freeReplyObject(say(c, 3, words));
	redisFree(c);
}

START_TEST(these_rights_are_enough)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct http_response first, again;
	struct command reconcile = {
	    .argv = {program("withdraw-reconcile")},
	    .env = {"PGUSER=withdraw_reconcile",
		keep_format("REDIS_URL=%s", redis_url())},
	};
	struct command explain = CTL("explain", order.id);

	first = order_send(&order);
	expect_success(&first, &order);
	again = order_send_with(&order, NULL);
	ck_assert(answer_same(&first, &again));
	/* it fills in what is not there */
	forget_answers();
	ck_assert_int_eq(command_run(&reconcile).code, 0);
	explain.env[1] = reconcile.env[1];
	expect_done(command_run(&explain));
	sign_in_and_out(order.user);
	expect_nothing_refused();
}
END_TEST

static const char *const allowed[] = {"get", "set", "del", "type", "pttl",
    "pexpire", "time", "eval", "evalsha", "script|load", "scan", "select"};

static bool
is_allowed(const char *name)
{
	for (int i = 0; i < COUNT(allowed); i++)
		if (strcmp(name, allowed[i]) == 0)
			return true;
	return false;
}

/* Signing in is always allowed, and Redis says so. */
static bool
needs_no_right(const redisReply *command)
{
	const redisReply *flags = command->element[2];

	for (size_t i = 0; i < flags->elements; i++)
		if (strcmp(flags->element[i]->str, "no_auth") == 0)
			return true;
	return false;
}

/* Sends it as the service, with as many arguments as it wants, on a connection
 * of its own; keys and values alike are of the name that we may use. */
static void
expect_refused_by_redis(const redisReply *command)
{
	enum { WORDS_MAX = 32 };
	const char *name = command->element[0]->str;
	const char *bar = strchr(name, '|');
	long wanted = labs((long)command->element[1]->integer);
	const char *words[WORDS_MAX];
	redisContext *c = dial();
	redisReply *reply;
	int n = 0;

	words[n++] =
	    bar != NULL ? keep_format("%.*s", (int)(bar - name), name) : name;
	if (bar != NULL)
		words[n++] = bar + 1;
	ck_assert_int_lt(wanted, WORDS_MAX);
	while (n < wanted)
		words[n++] = "withdraw:{1}:test";
	reply = say(c, n, words);
	ck_assert_msg(reply->type == REDIS_REPLY_ERROR &&
		strstr(reply->str, "NOPERM") != NULL,
	    "%s is not refused: %s", name,
	    reply->str != NULL ? reply->str : "");
	freeReplyObject(reply);
	redisFree(c);
}

/* Returns how many there were. */
static int
try_commands(const redisReply *commands)
{
	int n = 0;

	for (size_t i = 0; i < commands->elements; i++) {
		const redisReply *command = commands->element[i];
		const redisReply *below = command->element[9];
		const char *name = command->element[0]->str;

		if (below->elements > 0)
			n += try_commands(below);
		else if (!is_allowed(name) && !needs_no_right(command)) {
			expect_refused_by_redis(command);
			n++;
		}
	}
	return n;
}

START_TEST(no_other_command_is_allowed)
{
	enum { AT_LEAST = 200 };
	const char *words[] = {"COMMAND"};
	redisContext *c = dial_admin();
	redisReply *commands = say(c, 1, words);

	ck_assert_int_gt(try_commands(commands), AT_LEAST);
	freeReplyObject(commands);
	redisFree(c);
}
END_TEST

/* Each command that takes a key, with a key of somebody else; and what a script
 * may do, which is what its user may. */
static const char *const trespasses[][6] = {
    {"GET", "other"},
    {"GET", "withdraw"},
    {"GET", "Withdraw:{1}:lock"},
    {"SET", "other", "1"},
    {"SET", "", "1"},
    {"DEL", "withdraw:{1}:x", "other"},
    {"TYPE", "other"},
    {"PTTL", "other"},
    {"PEXPIRE", "other", "1"},
    {"EVAL", "return redis.call('GET', KEYS[1])", "1", "other"},
    {"EVAL", "return redis.call('GET', 'other')", "0"},
    {"EVAL", "return redis.call('FLUSHALL')", "0"},
    {"EVAL", "return redis.call('CONFIG', 'GET', '*')", "0"},
    {"EVAL", "return redis.call('KEYS', '*')", "0"},
    {"EVAL", "return redis.call('ACL', 'WHOAMI')", "0"},
    {"EVAL", "return redis.call('SHUTDOWN')", "0"},
    {"EVAL", "return redis.pcall('PUBLISH', 'c', 'x')", "0"},
};

START_TEST(no_other_key_is_allowed)
{
	redisContext *c = dial();

	for (int i = 0; i < COUNT(trespasses); i++) {
		const char *const *words = trespasses[i];
		const char *args[COUNT(trespasses[0])];
		redisReply *reply;
		int n = 0;

		for (; words[n] != NULL; n++)
			args[n] = words[n];
		reply = say(c, n, args);
		ck_assert_msg(reply->type == REDIS_REPLY_ERROR &&
			(strstr(reply->str, "NOPERM") != NULL ||
			    strstr(reply->str, "can't access") != NULL ||
			    strstr(reply->str, "can't run") != NULL ||
			    strstr(reply->str, "not allowed from script") !=
				NULL),
		    "%s %s is not refused: %s", args[0], args[1],
		    reply->str != NULL ? reply->str : "");
		freeReplyObject(reply);
	}
	redisFree(c);
}
END_TEST

static void
serve_from_restricted(void)
{
	start_restricted();
	stack_restart(
	    "withdrawd", keep_format("WITHDRAWD_REDIS_URL='%s'", redis_url()));
}

void
attack_rights(Suite *suite)
{
	TCase *tcase = fixture_case(suite, "postgres");

	tcase_add_checked_fixture(tcase, NULL, session_close_all);
	tcase_add_loop_test(tcase, role_is_a_plain_one, 0, COUNT(roles));
	tcase_add_loop_test(tcase, role_writes_to_nothing, 0, COUNT(roles));
	tcase_add_loop_test(
	    tcase, role_has_no_guarded_function, 0, COUNT(roles));
	tcase_add_test(tcase, service_reads_these_tables);
	tcase_add_loop_test(tcase, role_may_do_none_of_it, 0, COUNT(roles));

	tcase = fixture_case(suite, "redis");
	tcase_add_checked_fixture(tcase, start_restricted, stop_restricted);
	tcase_add_test(tcase, no_other_command_is_allowed);
	tcase_add_test(tcase, no_other_key_is_allowed);

	tcase = fixture_case(suite, "served");
	tcase_add_checked_fixture(
	    tcase, serve_from_restricted, stop_restricted);
	tcase_add_test(tcase, these_rights_are_enough);
}
