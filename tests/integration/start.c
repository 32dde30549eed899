/* How withdrawd starts, and when it refuses to. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "fixture.h"
#include "http.h"
#include "instance.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"
#include "usock.h"

/* It ends with code 2, and says why in words that have `word` in them. */
static void
expect_refusal(struct instance *instance, const char *word)
{
	int code = instance_wait(instance);
	const char *said = read_file(instance->log);

	ck_assert_msg(code == 2, "exit code %d: %s", code, said);
	ck_assert_msg(
	    strstr(said, word) != NULL, "does not say %s: %s", word, said);
}

static void
expect_serving(struct instance *instance, const char *user)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/account", user, NULL, NULL);
	struct http_response answer;

	instance_wait_ready(instance);
	answer = fcgi_ask(instance->socket, &params, NULL);
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);
}

static void
expect_clean_end(struct instance *instance)
{
	ck_assert_int_eq(kill(instance->pid, SIGTERM), 0);
	ck_assert_int_eq(instance_wait(instance), 0);
}

START_TEST(serves_on_its_socket)
{
	struct instance instance = instance_start(NULL, NULL);
	struct stat status;

	expect_serving(&instance, ledger_open("1.00"));
	ck_assert_int_eq(stat(instance.socket, &status), 0);
	ck_assert(S_ISSOCK(status.st_mode));
	ck_assert_uint_eq(status.st_mode & 0777, 0660);
	expect_clean_end(&instance);
}
END_TEST

START_TEST(serves_under_spawn_fcgi)
{
	struct instance instance = instance_start_spawned();

	expect_serving(&instance, ledger_open("1.00"));
	expect_clean_end(&instance);
}
END_TEST

START_TEST(replaces_a_stale_socket)
{
	const char *path = keep_format("%s/socket", stack_folder());
	struct instance instance;

	/* as a master that was killed leaves it */
	close(usock_listen(path));
	instance = instance_start_on(path, NULL, NULL);
	expect_serving(&instance, ledger_open("1.00"));
	expect_clean_end(&instance);
}
END_TEST

START_TEST(leaves_a_live_socket_alone)
{
	const char *path = setting("WITHDRAW_SOCKET");
	struct instance instance = instance_start_on(path, NULL, NULL);
	struct http_request health = {.path = "/api/health"};
	struct http_response answer;

	expect_refusal(&instance, path);
	answer = http_send(&health);
	expect_status(&answer, 200);
}
END_TEST

START_TEST(leaves_a_file_in_the_way_alone)
{
	const char *path = keep_format("%s/socket", stack_folder());
	FILE *file = fopen(path, "we");
	struct instance instance;

	ck_assert_ptr_nonnull(file);
	fputs("precious", file);
	fclose(file);
	instance = instance_start_on(path, NULL, NULL);
	expect_refusal(&instance, path);
	ck_assert_str_eq(read_file(path), "precious");
}
END_TEST

static const struct {
	const char *settings[3];
	const char *named;
} bad_settings[] = {
    {{"WITHDRAW_WORKERS=0"}, "WITHDRAW_WORKERS"},
    {{"WITHDRAW_WORKERS=two"}, "WITHDRAW_WORKERS"},
    {{"WITHDRAW_PG_POOL=0"}, "WITHDRAW_PG_POOL"},
    {{"WITHDRAW_PG_POOL=-1"}, "WITHDRAW_PG_POOL"},
    {{"WITHDRAW_GUARDS=tokens"}, "WITHDRAW_GUARDS"},
    {{"WITHDRAW_GUARDS=token;lock"}, "WITHDRAW_GUARDS"},
    {{"WITHDRAW_REDIS_DOWN=maybe"}, "WITHDRAW_REDIS_DOWN"},
    {{"WITHDRAW_TOKEN_TTL_MS=0"}, "WITHDRAW_TOKEN_TTL_MS"},
    {{"WITHDRAW_TOKEN_TTL_MS=5s"}, "WITHDRAW_TOKEN_TTL_MS"},
    {{"WITHDRAW_LOCK_TTL_MS=1e4"}, "WITHDRAW_LOCK_TTL_MS"},
    {{"WITHDRAW_LEDGER_TIMEOUT_MS=-5"}, "WITHDRAW_LEDGER_TIMEOUT_MS"},
    {{"WITHDRAW_LEDGER_TIMEOUT_MS=99999999999999999999"},
	"WITHDRAW_LEDGER_TIMEOUT_MS"},
    {{"WITHDRAW_RESULT_TTL_S=0"}, "WITHDRAW_RESULT_TTL_S"},
    {{"WITHDRAW_TWIN_WAIT_MS=x"}, "WITHDRAW_TWIN_WAIT_MS"},
    {{"WITHDRAW_READ_TIMEOUT_MS=abc"}, "WITHDRAW_READ_TIMEOUT_MS"},
    {{"WITHDRAW_MAX_REQUESTS=-1"}, "WITHDRAW_MAX_REQUESTS"},
    {{"WITHDRAW_CURRENCY=yuan"}, "WITHDRAW_CURRENCY"},
    {{"WITHDRAW_MIN=1.234"}, "WITHDRAW_MIN"},
    {{"WITHDRAW_MAX=1e9"}, "WITHDRAW_MAX"},
    {{"WITHDRAW_MIN=10.00", "WITHDRAW_MAX=5.00"}, "WITHDRAW_MIN"},
    {{"REDIS_URL=http://localhost"}, "REDIS_URL"},
    /* the ladder */
    {{"WITHDRAW_LEDGER_TIMEOUT_MS=10000", "WITHDRAW_LOCK_TTL_MS=10000"},
	"WITHDRAW_LOCK_TTL_MS"},
    {{"WITHDRAW_LOCK_TTL_MS=15000"}, "WITHDRAW_READ_TIMEOUT_MS"},
    {{"WITHDRAW_READ_TIMEOUT_MS=20000"}, "WITHDRAW_READ_TIMEOUT_MS"},
};

START_TEST(refuses_bad_settings)
{
	static const char *const flags[] = {NULL, "-t"};

	for (int i = 0; i < COUNT(flags); i++) {
		struct instance instance =
		    instance_start(flags[i], bad_settings[_i].settings);

		expect_refusal(&instance, bad_settings[_i].named);
	}
}
END_TEST

START_TEST(refuses_a_path_that_is_too_long)
{
	const char *path = keep_format("%s/%0200d", stack_folder(), 0);
	struct instance instance = instance_start_on(path, NULL, NULL);

	expect_refusal(&instance, "WITHDRAW_SOCKET");
}
END_TEST

START_TEST(check_of_the_settings)
{
	struct instance instance = instance_start("-t", NULL);

	ck_assert_int_eq(instance_wait(&instance), 0);
	/* it has only looked */
	ck_assert_int_ne(access(instance.socket, F_OK), 0);
}
END_TEST

START_TEST(check_finds_no_postgres)
{
	const char *settings[] = {"PGHOST=/nonexistent", NULL};
	struct instance instance = instance_start("-t", settings);

	expect_refusal(&instance, "/nonexistent");
}
END_TEST

START_TEST(check_finds_no_redis)
{
	const char *settings[] = {"REDIS_URL=unix:///nonexistent/redis", NULL};
	struct instance instance = instance_start("-t", settings);

	ck_assert_int_eq(instance_wait(&instance), 2);
	ck_assert_ptr_nonnull(strcasestr(read_file(instance.log), "redis"));
}
END_TEST

START_TEST(check_finds_no_ledger)
{
	const char *settings[] = {"PGDATABASE=template1", NULL};
	struct instance instance = instance_start("-t", settings);

	expect_refusal(&instance, "sql/");
}
END_TEST

static const char *const safeguards[] = {
    "fsync", "full_page_writes", "synchronous_commit"};

static void
mend_postgres(void)
{
	for (int i = 0; i < COUNT(safeguards); i++)
		ledger_configure(safeguards[i], NULL);
}

START_TEST(refuses_a_server_that_loses_commits)
{
	static const char *const flags[] = {NULL, "-t"};

	ledger_configure(safeguards[_i], "off");
	for (int i = 0; i < COUNT(flags); i++) {
		struct instance instance = instance_start(flags[i], NULL);

		expect_refusal(&instance, safeguards[_i]);
	}
}
END_TEST

START_TEST(starts_without_redis)
{
	const char *user = ledger_open("1.00");
	struct order order = order_new(user, "1.00");
	struct http_response answer;

	stack_stop("redis");
	stack_restart("withdrawd", "WITHDRAW_WORKERS=1");
	answer = order_settle(&order);
	expect_success(&answer, &order);
	/* and uses it when it comes */
	stack_start("redis");
	order = order_new(user, "1.00");
	answer = order_settle(&order);
	expect_problem(&answer, 402, "insufficient-funds", "declined");
}
END_TEST

START_TEST(help_and_unknown_flags)
{
	struct instance help = instance_start("--help", NULL);
	struct instance unknown = instance_start("--no-such-flag", NULL);

	ck_assert_int_eq(instance_wait(&help), 0);
	ck_assert_ptr_nonnull(strstr(read_file(help.log), "WITHDRAW_GUARDS"));
	expect_refusal(&unknown, "--no-such-flag");
}
END_TEST

Suite *
start_suite(void)
{
	Suite *suite = suite_create("start");
	TCase *tcase = fixture_case(suite, "socket");

	tcase_add_test(tcase, serves_on_its_socket);
	tcase_add_test(tcase, serves_under_spawn_fcgi);
	tcase_add_test(tcase, replaces_a_stale_socket);
	tcase_add_test(tcase, leaves_a_live_socket_alone);
	tcase_add_test(tcase, leaves_a_file_in_the_way_alone);

	tcase = fixture_case(suite, "settings");
	tcase_add_loop_test(
	    tcase, refuses_bad_settings, 0, COUNT(bad_settings));
	tcase_add_test(tcase, refuses_a_path_that_is_too_long);
	tcase_add_test(tcase, check_of_the_settings);
	tcase_add_test(tcase, check_finds_no_postgres);
	tcase_add_test(tcase, check_finds_no_redis);
	tcase_add_test(tcase, check_finds_no_ledger);
	tcase_add_test(tcase, help_and_unknown_flags);

	tcase = fixture_case(suite, "servers");
	tcase_add_checked_fixture(tcase, mend_postgres, mend_postgres);
	tcase_add_loop_test(
	    tcase, refuses_a_server_that_loses_commits, 0, COUNT(safeguards));
	tcase_add_test(tcase, starts_without_redis);
	return suite;
}
