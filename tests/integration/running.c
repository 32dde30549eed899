/*
 * What "make run", "make start", "make stop" and "make status" promise:
 * tests/servers.sh in a folder of the test's own, beside the servers of the
 * other tests. "run" gets a session of its own, as in a terminal, so that
 * Ctrl-C reaches it and all that it has not detached.
 */
#include <check.h>
#include <ctype.h>
#include <curl/curl.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "fixture.h"
#include "http.h"
#include "json.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

static const char *const servers[] = {
    "postgres", "redis", "withdrawd", "nginx"};

/* The demo's sign-ins, as curl would make them of alice:alice. */
static const char alice[] = "Authorization: Basic YWxpY2U6YWxpY2U=";
static const char bob[] = "Authorization: Basic Ym9iOmJvYg==";

/* The same one for all tests, so that each can clear away what a failed one
 * has left. */
static const char *
folder(void)
{
	char *real = realpath(setting("RUN_DIR"), NULL);
	const char *path;

	ck_assert_ptr_nonnull(real);
	path = keep_format("%s/running", real);
	free(real);
	return path;
}

static const char *
in_folder(const char *name)
{
	return keep_format("%s/%s", folder(), name);
}

/* --- its processes ------------------------------------------------------ */

struct pids {
	pid_t pids[1024];
	size_t n;
};

/* The servers and all that they start work in the folder. */
static bool
is_server(pid_t pid)
{
	const char *base = folder();
	size_t len = strlen(base);
	char cwd[PATH_MAX];
	ssize_t got = readlink(
	    keep_format("/proc/%ld/cwd", (long)pid), cwd, sizeof(cwd) - 1);

	if (got < 0)
		return false;
	cwd[got] = '\0';
	return strncmp(cwd, base, len) == 0 &&
	    (cwd[len] == '/' || cwd[len] == '\0');
}

/* servers.sh and its helpers work elsewhere, but were told of the folder. */
static bool
is_script(pid_t pid)
{
	const char *told = keep_format("RUN_DIR=%s", folder());
	FILE *file = fopen(keep_format("/proc/%ld/environ", (long)pid), "re");
	char *entry = NULL;
	size_t size = 0;
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && getdelim(&entry, &size, '\0', file) > 0)
		found = strcmp(entry, told) == 0;
	free(entry);
	fclose(file);
	return found && !is_server(pid);
}

static bool
is_ours(pid_t pid)
{
	return is_server(pid) || is_script(pid);
}

static struct pids
find(bool (*wanted)(pid_t))
{
	DIR *dir = opendir("/proc");
	struct pids found = {0};
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !process_alive(pid) || !wanted(pid))
			continue;
		ck_assert_int_lt((int)found.n, COUNT(found.pids));
		found.pids[found.n++] = pid;
	}
	closedir(dir);
	return found;
}

static bool
holds(const struct pids *all, pid_t pid)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->pids[i] == pid)
			return true;
	return false;
}

static pid_t
server_pid(const char *server)
{
	const char *text = read_file(in_folder(keep_format("%s.pid", server)));
	long pid = strtol(text, NULL, 10);

	ck_assert_msg(pid > 1, "no pid in %s.pid", server);
	return (pid_t)pid;
}

static void
kill_all(bool (*wanted)(pid_t))
{
	struct pids all = find(wanted);

	for (size_t i = 0; i < all.n; i++)
		kill(all.pids[i], SIGKILL);
	WAIT_UNTIL(find(wanted).n == 0);
}

/* --- servers.sh --------------------------------------------------------- */

static struct command
script(const char *verb)
{
	return (struct command){
	    .argv = {"tests/servers.sh", verb},
	    .env = {keep_format("RUN_DIR=%s", folder()), "PORT=0",
		"EXTRA_USERS=0"},
	};
}

static struct command_end
servers_sh(const char *verb)
{
	struct command command = script(verb);

	return command_run(&command);
}

static void
expect_code(const struct command_end *end, int code)
{
	ck_assert_msg(end->code == code, "exit code %d, not %d: %s%s",
	    end->code, code, end->out, end->err);
}

/* In an order in which nothing slips through: who starts servers ends first,
 * and stop removes the sockets. */
static void
clear(void)
{
	struct command rm = {.argv = {"rm", "-rf", "--", folder()}};
	struct command_end end;

	kill_all(is_script);
	end = servers_sh("stop");
	kill_all(is_ours);
	expect_code(&end, 0);
	end = command_run(&rm);
	expect_code(&end, 0);
}

/* Runs also where the last test died, which takes its memory with it. */
static void
clear_at_last(void)
{
	clear();
	keep_free_all();
}

/* --- what is running ---------------------------------------------------- */

/* Servers that have been started, and what they must not leave behind. */
struct site {
	struct command run; /* in the foreground; unused for start */
	const char *url;
	const char *sockets; /* the folder of the sockets, outside of ours */
	struct pids pids;
};

static struct http_response
ask(const struct site *site, const char *who, struct http_request request)
{
	const char *others = setting("BASE_URL");
	struct http_response answer;

	request.user = NULL;
	request.headers[0] = who;
	ck_assert_int_eq(setenv("BASE_URL", site->url, 1), 0);
	answer = http_send(&request);
	ck_assert_int_eq(setenv("BASE_URL", others, 1), 0);
	return answer;
}

static const char *
balance(const struct site *site, const char *who, const char *user)
{
	struct http_response answer =
	    ask(site, who, (struct http_request){.path = "/api/account"});

	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);
	return json_get(answer.body, "balance");
}

static void
expect_page(const struct site *site)
{
	struct http_response answer =
	    ask(site, alice, (struct http_request){.path = "/"});

	expect_status(&answer, 200);
	ck_assert_ptr_nonnull(strstr(answer.body, "<title>Withdraw</title>"));
}

static void
expect_demo(const struct site *site)
{
	expect_page(site);
	ck_assert_str_eq(balance(site, alice, "1001"), "100.00");
	ck_assert_str_eq(balance(site, bob, "1002"), "100.00");
}

/* Who looks for processes later must have seen them all before. */
static void
remember(struct site *site)
{
	struct workers workers = process_children(server_pid("withdrawd"));
	char sockets[PATH_MAX] = "";

	ck_assert_int_gt(
	    (int)readlink(in_folder("sockets"), sockets, sizeof(sockets) - 1),
	    0);
	ck_assert_int_eq(access(sockets, F_OK), 0);
	site->sockets = keep_format("%s", sockets);
	site->pids = find(is_ours);
	for (int i = 0; i < COUNT(servers); i++)
		ck_assert(holds(&site->pids, server_pid(servers[i])));
	ck_assert_uint_gt(workers.n, 0);
	for (size_t i = 0; i < workers.n; i++)
		ck_assert(holds(&site->pids, workers.pids[i]));
}

static const char *
url_in(const char *text)
{
	const char *url = strstr(text, "http://127.0.0.1:");

	ck_assert_msg(url != NULL, "names no URL: %s", text);
	return keep_format("%.*s", (int)strcspn(url, "\n"), url);
}

/* What the run has said so far. */
static const char *
said(const struct site *site)
{
	struct stat status;
	char *text;

	ck_assert_int_eq(fstat(site->run.out, &status), 0);
	text = keep((size_t)status.st_size + 1);
	ck_assert_int_ge(
	    (int)pread(site->run.out, text, (size_t)status.st_size, 0), 0);
	return text;
}

static bool
says(struct site *site, const char *words)
{
	const char *text = said(site);

	if (strstr(text, words) != NULL)
		return true;
	if (!process_alive(site->run.pid)) {
		struct command_end end = command_wait(&site->run);

		ck_abort_msg("the run has ended with code %d: %s%s", end.code,
		    end.out, end.err);
	}
	return false;
}

/* In a session of its own, with the signals as a terminal would have them,
 * whatever started the tests; TERM reaches it when the test dies. */
static struct site
run_begin(void)
{
	struct command plain = script("run");
	struct site site = {
	    .run = {.argv = {"env", "--default-signal=INT,TERM", "setsid",
			"setpriv", "--pdeathsig", "TERM", plain.argv[0],
			plain.argv[1]}},
	};

	memcpy(site.run.env, plain.env, sizeof(plain.env));
	command_start(&site.run);
	/* the last line of what it tells its user */
	WAIT_UNTIL(says(&site, "Ctrl-C\n"));
	site.url = url_in(said(&site));
	remember(&site);
	return site;
}

static void
expect_nothing_left(const struct site *site)
{
	struct http_response answer =
	    ask(site, alice, (struct http_request){.path = "/"});

	ck_assert_str_eq(
	    answer.error, curl_easy_strerror(CURLE_COULDNT_CONNECT));
	ck_assert_uint_eq(find(is_ours).n, 0);
	for (size_t i = 0; i < site->pids.n; i++)
		ck_assert(!process_alive(site->pids.pids[i]));
	for (int i = 0; i < COUNT(servers); i++)
		ck_assert_int_ne(
		    access(in_folder(keep_format("%s.pid", servers[i])), F_OK),
		    0);
	ck_assert_int_ne(access(site->sockets, F_OK), 0);
	ck_assert_int_ne(access(in_folder("sockets"), F_OK), 0);
}

/* Ctrl-C in the terminal is SIGINT for the whole process group. */
static void
run_finish(struct site *site, int number)
{
	struct command_end end;

	ck_assert_int_eq(kill(-site->run.pid, number), 0);
	end = command_wait(&site->run);
	expect_code(&end, 0);
	expect_nothing_left(site);
}

static void
expect_status_code(int code)
{
	struct command_end end = servers_sh("status");

	expect_code(&end, code);
	for (int i = 0; i < COUNT(servers); i++)
		ck_assert_msg(strstr(end.out, servers[i]) != NULL,
		    "does not name %s: %s", servers[i], end.out);
}

/* --- the tests ---------------------------------------------------------- */

/* Two runs, ended in the two ways that a run can be. */
START_TEST(run_ends_wholly_and_keeps_data)
{
	struct site site = run_begin();
	struct order order = order_new(NULL, "40.00");
	struct http_response answer;

	expect_demo(&site);
	answer = ask(&site, alice,
	    (struct http_request){
		.method = "POST", .path = "/api/token", .key = order.id});
	expect_status(&answer, 201);
	answer = ask(&site, alice,
	    order_request(&order, json_get(answer.body, "token")));
	expect_success(&answer, &order);
	run_finish(&site, SIGINT);

	site = run_begin();
	ck_assert_str_eq(balance(&site, alice, "1001"), "60.00");
	ck_assert_str_eq(balance(&site, bob, "1002"), "100.00");
	answer = ask(&site, alice, order_get_request(&order));
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "status"), "succeeded");
	run_finish(&site, SIGTERM);
}
END_TEST

START_TEST(second_run_refuses)
{
	struct site site = run_begin();
	struct command_end second = servers_sh("run");

	expect_code(&second, 1);
	ck_assert_msg(strstr(second.out, "already running") != NULL &&
		strstr(second.out, site.url) != NULL &&
		strstr(second.out, "servers.sh stop") != NULL,
	    "does not say what is running, where, and what to do: %s",
	    second.out);
	for (int i = 0; i < COUNT(servers); i++)
		ck_assert(holds(&site.pids, server_pid(servers[i])));
	expect_status_code(0);
	expect_demo(&site);
	run_finish(&site, SIGINT);
}
END_TEST

START_TEST(start_status_stop)
{
	struct site site = {0};
	struct command_end end;

	expect_status_code(1);
	end = servers_sh("stop"); /* of what has never run */
	expect_code(&end, 0);

	end = servers_sh("start");
	expect_code(&end, 0);
	site.url = url_in(end.out);
	remember(&site);
	ck_assert_uint_eq(find(is_script).n, 0);
	expect_status_code(0);
	expect_demo(&site);

	end = servers_sh("stop");
	expect_code(&end, 0);
	expect_nothing_left(&site);
	expect_status_code(1);
	end = servers_sh("stop");
	expect_code(&end, 0);
}
END_TEST

START_TEST(killed_service_is_noticed)
{
	struct site site = run_begin();

	ck_assert_int_eq(kill(server_pid("withdrawd"), SIGKILL), 0);
	WAIT_UNTIL(says(&site, "not running any more: withdrawd;"));
	ck_assert(says(&site, "servers.sh start withdrawd\n"));
	expect_status_code(1);
	expect_page(&site);
	run_finish(&site, SIGINT);
}
END_TEST

Suite *
running_suite(void)
{
	Suite *suite = suite_create("running");
	TCase *tcase = fixture_case(suite, "servers.sh");

	tcase_add_unchecked_fixture(tcase, NULL, clear_at_last);
	tcase_add_checked_fixture(tcase, clear, clear);
	tcase_add_test(tcase, run_ends_wholly_and_keeps_data);
	tcase_add_test(tcase, second_run_refuses);
	tcase_add_test(tcase, start_status_stop);
	tcase_add_test(tcase, killed_service_is_noticed);
	return suite;
}
