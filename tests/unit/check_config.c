/* check_config.c: the settings: defaults, environment, flags, and a message
 * that names the setting for every bad value. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "suites.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct config c;
static char error[512];

static const char *const variables[] = {"WITHDRAW_SOCKET", "WITHDRAW_WORKERS",
    "WITHDRAW_PG_POOL", "WITHDRAW_PG_BATCH", "REDIS_URL", "WITHDRAW_GUARDS",
    "WITHDRAW_REDIS_DOWN", "WITHDRAW_TOKEN_TTL_MS", "WITHDRAW_LOCK_TTL_MS",
    "WITHDRAW_LEDGER_TIMEOUT_MS", "WITHDRAW_RESULT_TTL_S",
    "WITHDRAW_TWIN_WAIT_MS", "WITHDRAW_REDIS_TIMEOUT_MS",
    "WITHDRAW_READ_TIMEOUT_MS", "WITHDRAW_PAGE_TIMEOUT_MS",
    "WITHDRAW_MAX_REQUESTS", "WITHDRAW_SESSION_IDLE_S",
    "WITHDRAW_SESSION_MAX_S", "WITHDRAW_SESSION_CHECK_S", "WITHDRAW_HTTPS",
    "WITHDRAW_SANDBOX", "WITHDRAW_CURRENCY", "WITHDRAW_MIN", "WITHDRAW_MAX"};

static void
no_settings(void)
{
	int i;

	for (i = 0; i < COUNT(variables); i++)
		unsetenv(variables[i]);
	error[0] = '\0';
}

/* Reads with up to three arguments; NULL ends them. */
static enum config_verdict
read_args(const char *a, const char *b, const char *d)
{
	const char *const argv[] = {"withdrawd", a, b, d, NULL};
	int argc = 1;

	while (argv[argc] != NULL)
		argc++;
	return config_read(
	    argc, (char *const *)(const void *)argv, &c, error, sizeof(error));
}

static enum config_verdict
read_env(const char *variable, const char *value)
{
	ck_assert_int_eq(setenv(variable, value, 1), 0);
	return read_args(NULL, NULL, NULL);
}

static void
assert_good(enum config_verdict v)
{
	ck_assert_msg(v == CONFIG_OK, "refused: %s", error);
}

static void
assert_bad(enum config_verdict v, const char *says)
{
	ck_assert_msg(v == CONFIG_BAD, "accepted, without \"%s\"", says);
	ck_assert_msg(strstr(error, says) != NULL,
	    "the message \"%s\" does not say \"%s\"", error, says);
}

/* --- where values come from --------------------------------------------- */

START_TEST(defaults)
{
	assert_good(read_args(NULL, NULL, NULL));
	ck_assert_ptr_null(c.socket);
	ck_assert_int_eq(c.workers, sysconf(_SC_NPROCESSORS_ONLN));
	ck_assert_int_eq(c.pg_pool, 8);
	ck_assert_uint_eq(c.guards, GUARD_TOKEN | GUARD_LOCK | GUARD_CACHE);
	ck_assert(!c.redis_refuse);
	ck_assert_int_eq(c.token_ttl_ms, 5000);
	ck_assert_int_eq(c.lock_ttl_ms, 10000);
	ck_assert_int_eq(c.ledger_timeout_ms, 5000);
	ck_assert_int_eq(c.result_ttl_s, 3600);
	ck_assert_int_eq(c.twin_wait_ms, 1000);
	ck_assert_int_eq(c.read_timeout_ms, 15000);
	ck_assert_int_eq(c.page_timeout_ms, 20000);
	ck_assert_int_eq(c.max_requests, 100000);
	ck_assert_str_eq(c.currency, "CNY");
	ck_assert_int_eq(c.min, -1);
	ck_assert_int_eq(c.max, -1);
	ck_assert_ptr_null(c.redis_path);
	ck_assert_str_eq(c.redis_host, "127.0.0.1");
	ck_assert_int_eq(c.redis_port, 6379);
	ck_assert_int_eq(c.redis_db, 0);
	ck_assert_ptr_null(c.redis_password);
	ck_assert(!c.test_only);
	ck_assert_int_gt(config_statement_timeout_ms(&c), 0);
	ck_assert_int_lt(config_statement_timeout_ms(&c), c.ledger_timeout_ms);
}
END_TEST

START_TEST(flags_override_environment)
{
	assert_good(read_env("WITHDRAW_WORKERS", "3"));
	ck_assert_int_eq(c.workers, 3);
	assert_good(read_args("--workers", "5", NULL));
	ck_assert_int_eq(c.workers, 5);
	assert_good(read_args("--workers=6", NULL, NULL));
	ck_assert_int_eq(c.workers, 6);
	/* the last one stands, and a bad value that it hides does no harm */
	assert_good(read_args("--workers=6", "--workers=7", NULL));
	ck_assert_int_eq(c.workers, 7);
	ck_assert_int_eq(setenv("WITHDRAW_WORKERS", "many", 1), 0);
	assert_good(read_args("--workers=8", NULL, NULL));
	ck_assert_int_eq(c.workers, 8);
}
END_TEST

/* --- numbers ------------------------------------------------------------ */

struct number {
	const char *variable, *flag;
	size_t offset;
	long value, min, max; /* value: another than the default */
};

#define NUMBER(variable, flag, field, value, min, max)                         \
	{                                                                      \
		variable, flag, offsetof(struct config, field), value, min,    \
		    max                                                        \
	}

static const struct number numbers[] = {
    NUMBER("WITHDRAW_WORKERS", "--workers", workers, 77, 1, 1024),
    NUMBER("WITHDRAW_PG_POOL", "--pg-pool", pg_pool, 4, 1, 256),
    NUMBER("WITHDRAW_PG_BATCH", "--pg-batch", pg_batch, 4, 1, 64),
    NUMBER("WITHDRAW_TOKEN_TTL_MS", "--token-ttl-ms", token_ttl_ms, 4999, 1,
	86400000),
    NUMBER("WITHDRAW_LOCK_TTL_MS", "--lock-ttl-ms", lock_ttl_ms, 9999, 1,
	86400000),
    NUMBER("WITHDRAW_LEDGER_TIMEOUT_MS", "--ledger-timeout-ms",
	ledger_timeout_ms, 4999, 10, 3600000),
    NUMBER("WITHDRAW_RESULT_TTL_S", "--result-ttl-s", result_ttl_s, 3599, 1,
	31536000),
    NUMBER("WITHDRAW_TWIN_WAIT_MS", "--twin-wait-ms", twin_wait_ms, 999, 0,
	3600000),
    NUMBER("WITHDRAW_REDIS_TIMEOUT_MS", "--redis-timeout-ms", redis_timeout_ms,
	499, 10, 60000),
    NUMBER("WITHDRAW_READ_TIMEOUT_MS", "--read-timeout-ms", read_timeout_ms,
	14999, 1, INT_MAX),
    NUMBER("WITHDRAW_PAGE_TIMEOUT_MS", "--page-timeout-ms", page_timeout_ms,
	19999, 1, INT_MAX),
    NUMBER(
	"WITHDRAW_MAX_REQUESTS", "--max-requests", max_requests, 0, 0, INT_MAX),
};

static int
number_of(const struct number *n)
{
	return *(const int *)(const void *)((const char *)&c + n->offset);
}

START_TEST(a_number)
{
	const struct number *n = &numbers[_i];
	char value[32];

	snprintf(value, sizeof(value), "%ld", n->value);
	assert_good(read_env(n->variable, value));
	ck_assert_int_eq(number_of(n), n->value);
	no_settings();
	assert_good(read_args(n->flag, value, NULL));
	ck_assert_int_eq(number_of(n), n->value);
}
END_TEST

START_TEST(no_number)
{
	static const char *const bad[] = {"", " ", "x", "5x", "5 ", " 5", "+5",
	    "-5", "5.0", "1e3", "0x10", "99999999999999999999",
	    "-99999999999999999999", "\xef\xbc\x95"};
	const struct number *n = &numbers[_i];
	char value[32];
	int i;

	for (i = 0; i < COUNT(bad); i++)
		assert_bad(read_env(n->variable, bad[i]), n->variable);
	snprintf(value, sizeof(value), "%ld", n->min - 1);
	assert_bad(read_env(n->variable, value), n->variable);
	snprintf(value, sizeof(value), "%ld", n->max + 1);
	assert_bad(read_env(n->variable, value), n->variable);
	/* the message says what would do */
	snprintf(value, sizeof(value), "from %ld to %ld", n->min, n->max);
	ck_assert_ptr_nonnull(strstr(error, value));
}
END_TEST

/* --- words -------------------------------------------------------------- */

START_TEST(socket_path)
{
	assert_good(read_env("WITHDRAW_SOCKET", "/run/x.sock"));
	ck_assert_str_eq(c.socket, "/run/x.sock");
	assert_good(read_args("-s", "/run/y.sock", NULL));
	ck_assert_str_eq(c.socket, "/run/y.sock");
	assert_good(read_args("--socket=/a=b", NULL, NULL));
	ck_assert_str_eq(c.socket, "/a=b");
	assert_good(read_env("WITHDRAW_SOCKET", ""));
	ck_assert_ptr_null(c.socket);
}
END_TEST

START_TEST(guards)
{
	static const struct {
		const char *text;
		unsigned guards;
	} good[] = {
	    {"", 0},
	    {"none", 0},
	    {"token", GUARD_TOKEN},
	    {"lock", GUARD_LOCK},
	    {"cache", GUARD_CACHE},
	    {"token,cache", GUARD_TOKEN | GUARD_CACHE},
	    {"cache,lock,token", GUARD_TOKEN | GUARD_LOCK | GUARD_CACHE},
	    {"lock,lock", GUARD_LOCK},
	};
	static const char *const bad[] = {"tokens", "toke", "TOKEN",
	    "token lock", "token;lock", " token", "token, lock", "token,,lock",
	    ",token", "ledger", "all", "1"};
	int i;

	for (i = 0; i < COUNT(good); i++) {
		assert_good(read_env("WITHDRAW_GUARDS", good[i].text));
		ck_assert_uint_eq(c.guards, good[i].guards);
	}
	for (i = 0; i < COUNT(bad); i++)
		assert_bad(
		    read_env("WITHDRAW_GUARDS", bad[i]), "WITHDRAW_GUARDS");
	no_settings();
	assert_good(read_args("--guards=", NULL, NULL));
	ck_assert_uint_eq(c.guards, 0);
}
END_TEST

START_TEST(https)
{
	static const char *const bad[] = {
	    "", "on", "ALWAYS", "never", "always "};
	int i;

	assert_good(read_args(NULL, NULL, NULL));
	ck_assert(!c.https);
	assert_good(read_env("WITHDRAW_HTTPS", "always"));
	ck_assert(c.https);
	assert_good(read_args("--https", "auto", NULL));
	ck_assert(!c.https);
	for (i = 0; i < COUNT(bad); i++)
		assert_bad(
		    read_env("WITHDRAW_HTTPS", bad[i]), "WITHDRAW_HTTPS");
}
END_TEST

START_TEST(sandbox)
{
	static const char *const bad[] = {"", "ON", "no", "0", "off "};
	int i;

	assert_good(read_args(NULL, NULL, NULL));
	ck_assert(c.sandbox);
	assert_good(read_env("WITHDRAW_SANDBOX", "off"));
	ck_assert(!c.sandbox);
	assert_good(read_args("--sandbox", "on", NULL));
	ck_assert(c.sandbox);
	for (i = 0; i < COUNT(bad); i++)
		assert_bad(
		    read_env("WITHDRAW_SANDBOX", bad[i]), "WITHDRAW_SANDBOX");
}
END_TEST

START_TEST(redis_down)
{
	static const char *const bad[] = {
	    "", "REFUSE", "ledger", "refuse ", "ledger_only"};
	int i;

	assert_good(read_env("WITHDRAW_REDIS_DOWN", "refuse"));
	ck_assert(c.redis_refuse);
	assert_good(read_args("--redis-down", "ledger-only", NULL));
	ck_assert(!c.redis_refuse);
	for (i = 0; i < COUNT(bad); i++)
		assert_bad(read_env("WITHDRAW_REDIS_DOWN", bad[i]),
		    "WITHDRAW_REDIS_DOWN");
}
END_TEST

START_TEST(currency)
{
	static const char *const bad[] = {
	    "", "cny", "CN", "CNYX", "C1Y", "CN ", "\xe5\x85\x83"};
	int i;

	assert_good(read_env("WITHDRAW_CURRENCY", "EUR"));
	ck_assert_str_eq(c.currency, "EUR");
	assert_good(read_args("--currency=USD", NULL, NULL));
	ck_assert_str_eq(c.currency, "USD");
	for (i = 0; i < COUNT(bad); i++)
		assert_bad(
		    read_env("WITHDRAW_CURRENCY", bad[i]), "WITHDRAW_CURRENCY");
}
END_TEST

START_TEST(limits)
{
	static const char *const bad[] = {
	    "0", "0.00", "-1", "1.234", "ten", "1e3", " 1", "99999999999999"};
	int i;

	assert_good(read_env("WITHDRAW_MIN", "10"));
	ck_assert_int_eq(c.min, 1000);
	assert_good(read_env("WITHDRAW_MAX", "10.00"));
	ck_assert_int_eq(c.max, 1000);
	assert_bad(read_env("WITHDRAW_MAX", "9.99"), "WITHDRAW_MAX");
	assert_good(read_args("--min=0.01", NULL, NULL));
	ck_assert_int_eq(c.min, 1);
	ck_assert_int_eq(c.max, 999);
	for (i = 0; i < COUNT(bad); i++) {
		no_settings();
		assert_bad(read_env("WITHDRAW_MIN", bad[i]), "WITHDRAW_MIN");
		no_settings();
		assert_bad(read_env("WITHDRAW_MAX", bad[i]), "WITHDRAW_MAX");
	}
}
END_TEST

/* --- REDIS_URL ---------------------------------------------------------- */

START_TEST(redis_tcp)
{
	static const struct {
		const char *url, *host, *password;
		int port, db;
	} good[] = {
	    {"redis://h", "h", NULL, 6379, 0},
	    {"redis://h/", "h", NULL, 6379, 0},
	    {"redis://h:1", "h", NULL, 1, 0},
	    {"redis://10.0.0.1:65535/15", "10.0.0.1", NULL, 65535, 15},
	    {"redis://:secret@h:7/3", "h", "secret", 7, 3},
	    {"redis://:p%40s%3as%2Fw%25@h", "h", "p@s:s/w%", 6379, 0},
	    {"redis://:a@b:c/d?@h:7", "h", "a@b:c/d?", 7, 0},
	};
	int i;

	for (i = 0; i < COUNT(good); i++) {
		assert_good(read_env("REDIS_URL", good[i].url));
		ck_assert_ptr_null(c.redis_path);
		ck_assert_str_eq(c.redis_host, good[i].host);
		ck_assert_int_eq(c.redis_port, good[i].port);
		ck_assert_int_eq(c.redis_db, good[i].db);
		ck_assert_pstr_eq(c.redis_password, good[i].password);
	}
	no_settings();
	assert_good(read_args("--redis-url=redis://:a=b@h", NULL, NULL));
	ck_assert_str_eq(c.redis_password, "a=b");
}
END_TEST

START_TEST(redis_unix)
{
	static const struct {
		const char *url, *path;
		int db;
	} good[] = {
	    {"unix:///run/redis.sock", "/run/redis.sock", 0},
	    {"unix:///run/redis.sock?db=0", "/run/redis.sock", 0},
	    {"unix:///run/redis.sock?db=9", "/run/redis.sock", 9},
	    {"unix:///run/a%20b%3f.sock?db=1", "/run/a b?.sock", 1},
	};
	int i;

	for (i = 0; i < COUNT(good); i++) {
		assert_good(read_env("REDIS_URL", good[i].url));
		ck_assert_str_eq(c.redis_path, good[i].path);
		ck_assert_int_eq(c.redis_db, good[i].db);
	}
}
END_TEST

START_TEST(no_redis_url)
{
	static const char *const bad[] = {"", "h", "h:6379", "localhost:6379/0",
	    "http://h", "rediss://h", "redis:/h", "redis://", "redis:///0",
	    "redis://:6379", "redis://h:", "redis://h:0", "redis://h:65536",
	    "redis://h:63x", "redis://h:-1", "redis://h:99999999999999999999",
	    "redis://h/x", "redis://h/-1", "redis://h/1x", "redis://h/10000",
	    "redis://h/99999999999999999999", "redis://user:pw@h",
	    "redis://pw@h", "redis://:%@h", "redis://:%4@h", "redis://:%zz@h",
	    "redis://:a%00b@h", "unix://run/x", "unix://", "unix:/run/x",
	    "unix:///x?", "unix:///x?db", "unix:///x?db=x", "unix:///x?db=-1",
	    "unix:///x?database=1", "unix:///x?db=1&a=b", "unix:///%zz",
	    "unix:///a%00b"};
	int i;

	for (i = 0; i < COUNT(bad); i++) {
		enum config_verdict v = read_env("REDIS_URL", bad[i]);

		ck_assert_msg(v == CONFIG_BAD, "%s was accepted", bad[i]);
		ck_assert_ptr_nonnull(strstr(error, "REDIS_URL"));
	}
}
END_TEST

/* It is kept, and so has a bound. */
START_TEST(longest_redis_url)
{
	char url[sizeof(c.redis_text) + 1];

	memset(url, 'x', sizeof(url));
	memcpy(url, "redis://", 8);
	url[sizeof(c.redis_text) - 1] = '\0';
	assert_good(read_env("REDIS_URL", url));
	ck_assert_uint_eq(strlen(c.redis_host), sizeof(c.redis_text) - 1 - 8);
	url[sizeof(c.redis_text) - 1] = 'x';
	url[sizeof(c.redis_text)] = '\0';
	assert_bad(read_env("REDIS_URL", url), "REDIS_URL");
}
END_TEST

START_TEST(password_is_not_repeated)
{
	assert_bad(read_env("REDIS_URL", "redis://:hunter2@h:x"), "REDIS_URL");
	ck_assert_ptr_null(strstr(error, "hunter2"));
	assert_bad(read_args("--redis-url=redis://hunter2@h", NULL, NULL),
	    "REDIS_URL");
	ck_assert_ptr_null(strstr(error, "hunter2"));
	/* of another setting */
	no_settings();
	assert_bad(read_args("--currency", "redis://:hunter2@h", NULL),
	    "WITHDRAW_CURRENCY is a URL: it must be a currency");
	ck_assert_ptr_null(strstr(error, "hunter2"));
	assert_bad(read_args("--socket", "redis://:hunter2@h", NULL),
	    "WITHDRAW_SOCKET is a URL: it must be a path");
	ck_assert_ptr_null(strstr(error, "hunter2"));
}
END_TEST

/* --- the ladder --------------------------------------------------------- */

START_TEST(ladder)
{
	static const struct {
		const char *set, *low, *high;
	} bad[] = {
	    {"--ledger-timeout-ms=10000", "WITHDRAW_LEDGER_TIMEOUT_MS",
		"WITHDRAW_LOCK_TTL_MS"},
	    {"--ledger-timeout-ms=10001", "WITHDRAW_LEDGER_TIMEOUT_MS",
		"WITHDRAW_LOCK_TTL_MS"},
	    {"--lock-ttl-ms=5000", "WITHDRAW_LEDGER_TIMEOUT_MS",
		"WITHDRAW_LOCK_TTL_MS"},
	    {"--lock-ttl-ms=15000", "WITHDRAW_LOCK_TTL_MS",
		"WITHDRAW_READ_TIMEOUT_MS"},
	    {"--read-timeout-ms=10000", "WITHDRAW_LOCK_TTL_MS",
		"WITHDRAW_READ_TIMEOUT_MS"},
	    {"--read-timeout-ms=20000", "WITHDRAW_READ_TIMEOUT_MS",
		"WITHDRAW_PAGE_TIMEOUT_MS"},
	    {"--page-timeout-ms=15000", "WITHDRAW_READ_TIMEOUT_MS",
		"WITHDRAW_PAGE_TIMEOUT_MS"},
	    {"--twin-wait-ms=9500", "twin", "WITHDRAW_READ_TIMEOUT_MS"},
	    {"--redis-timeout-ms=5000", "Redis", "WITHDRAW_READ_TIMEOUT_MS"},
	};
	int i;

	for (i = 0; i < COUNT(bad); i++) {
		assert_bad(read_args(bad[i].set, NULL, NULL), bad[i].low);
		ck_assert_msg(strstr(error, bad[i].high) != NULL,
		    "%s: \"%s\" does not name %s", bad[i].set, error,
		    bad[i].high);
	}
	assert_good(read_args("--ledger-timeout-ms=9000", NULL, NULL));
	assert_good(read_args("--lock-ttl-ms=14999", NULL, NULL));
	assert_good(read_args("--lock-ttl-ms=5001", NULL, NULL));
	assert_good(read_args("--read-timeout-ms=19999", NULL, NULL));
}
END_TEST

/* Down to the shortest ledger step, the statement ends before it. */
START_TEST(statement_before_step)
{
	char arg[64];
	int t;

	for (t = 10; t < 9000; t += 7) {
		snprintf(arg, sizeof(arg), "--ledger-timeout-ms=%d", t);
		assert_good(read_args(arg, NULL, NULL));
		ck_assert_int_gt(config_statement_timeout_ms(&c), 0);
		ck_assert_int_lt(config_statement_timeout_ms(&c), t);
	}
}
END_TEST

/* --- the command line --------------------------------------------------- */

START_TEST(command_line)
{
	static const char *const unknown[] = {
	    "--nonsense", "--work", "--workersx", "-x", "--", "-"};
	/* a URL in the wrong place, with its password */
	static const char *const secret[] = {"--nonsense=SECRET",
	    "--redis_url=redis://:SECRET@h", "--workersx=SECRET", "--=SECRET",
	    "--redis-urlredis://:SECRET@h", "redis://:SECRET@h", "SECRET",
	    "=SECRET", ""};
	int i;

	ck_assert_int_eq(read_args("-h", NULL, NULL), CONFIG_HELP);
	ck_assert_int_eq(read_args("--help", NULL, NULL), CONFIG_HELP);
	ck_assert_int_eq(read_args("-V", NULL, NULL), CONFIG_VERSION);
	ck_assert_int_eq(read_args("--version", NULL, NULL), CONFIG_VERSION);
	assert_good(read_args("-t", "--workers=2", NULL));
	ck_assert(c.test_only);
	ck_assert_int_eq(c.workers, 2);
	for (i = 0; i < COUNT(unknown); i++) {
		assert_bad(read_args(unknown[i], NULL, NULL), unknown[i]);
		ck_assert_ptr_nonnull(strstr(error, "--help"));
	}
	for (i = 0; i < COUNT(secret); i++) {
		assert_bad(read_args(secret[i], NULL, NULL), "--help");
		ck_assert_ptr_null(strstr(error, "SECRET"));
	}
	assert_bad(read_args("--workers", NULL, NULL), "--workers");
	assert_bad(read_args("-t", "-s", NULL), "--socket");
	/* help is given even where a setting is wrong */
	ck_assert_int_eq(setenv("WITHDRAW_WORKERS", "x", 1), 0);
	ck_assert_int_eq(read_args("--help", NULL, NULL), CONFIG_HELP);
}
END_TEST

START_TEST(message_fits)
{
	char value[2000], small[40];
	const char *const argv[] = {"withdrawd", NULL};

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_bad(read_env("WITHDRAW_WORKERS", value), "WITHDRAW_WORKERS");
	memset(small, '#', sizeof(small));
	ck_assert_int_eq(
	    config_read(1, (char *const *)(const void *)argv, &c, small, 30),
	    CONFIG_BAD);
	ck_assert_uint_eq(strnlen(small, 30), 29);
	ck_assert_int_eq(small[30], '#');
}
END_TEST

START_TEST(help_names_all)
{
	char *text = NULL;
	size_t len;
	int i;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	config_help(f);
	ck_assert_int_eq(fclose(f), 0);
	for (i = 0; i < COUNT(variables); i++)
		ck_assert_msg(strstr(text, variables[i]) != NULL,
		    "the help does not name %s", variables[i]);
	free(text);
}
END_TEST

Suite *
config_suite(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_checked_fixture(t, no_settings, no_settings);
	tcase_add_test(t, defaults);
	tcase_add_test(t, flags_override_environment);
	tcase_add_loop_test(t, a_number, 0, COUNT(numbers));
	tcase_add_loop_test(t, no_number, 0, COUNT(numbers));
	tcase_add_test(t, socket_path);
	tcase_add_test(t, guards);
	tcase_add_test(t, https);
	tcase_add_test(t, sandbox);
	tcase_add_test(t, redis_down);
	tcase_add_test(t, currency);
	tcase_add_test(t, limits);
	tcase_add_test(t, redis_tcp);
	tcase_add_test(t, redis_unix);
	tcase_add_test(t, no_redis_url);
	tcase_add_test(t, longest_redis_url);
	tcase_add_test(t, password_is_not_repeated);
	tcase_add_test(t, ladder);
	tcase_add_test(t, statement_before_step);
	tcase_add_test(t, command_line);
	tcase_add_test(t, message_fits);
	tcase_add_test(t, help_names_all);
	suite_add_tcase(s, t);
	return s;
}
