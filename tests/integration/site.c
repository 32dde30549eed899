/*
 * The web server's part: the real site file (nginx/withdraw.conf) with a
 * login of the site's own, in an nginx that each test starts for itself; and
 * what all answers have in common, on the nginx of all tests.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "http.h"
#include "instance.h"
#include "json.h"
#include "ledger.h"
#include "login.h"
#include "order.h"
#include "proxy.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* ---- an nginx of the test's own -------------------------------------------
 */

static struct {
	struct instance nginx; /* pid 0: none */
	char *base_url;        /* what it was before */
} site;

static bool
site_listens(const char *folder)
{
	/* nginx refuses this itself: neither the login nor withdrawd has
	 * a connection from it */
	struct http_request request = {.method = "TRACE", .path = "/"};
	const char *url = read_file(keep_format("%s/url", folder));

	ck_assert_msg(!instance_ended(&site.nginx), "nginx ended: %s",
	    read_file(site.nginx.log));
	if (strchr(url, '\n') == NULL)
		return false;
	setenv("BASE_URL", keep_text(url, strcspn(url, "\n")), 1);
	return http_send(&request).status != 0;
}

/* The site in front of this socket; from now on requests go there. */
static void
site_start(const char *socket)
{
	const char *folder = stack_folder();
	const char *port = keep_format("%d", login_start());

	site.base_url = strdup(setting("BASE_URL"));
	site.nginx.log = keep_format("%s/log", folder);
	site.nginx.pid = fork();
	ck_assert_int_ge(site.nginx.pid, 0);
	if (site.nginx.pid == 0) {
		int fd = open(site.nginx.log, O_WRONLY | O_CREAT, 0644);

		if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
		    dup2(fd, STDERR_FILENO) >= 0)
			execl("tests/servers.sh", "tests/servers.sh", "site",
			    folder, port, socket, (char *)NULL);
		_exit(127);
	}
	WAIT_UNTIL(site_listens(folder));
}

static void
site_stop(void)
{
	if (site.nginx.pid != 0) {
		kill(site.nginx.pid, SIGKILL);
		waitpid(site.nginx.pid, NULL, 0);
		site.nginx.pid = 0;
		setenv("BASE_URL", site.base_url, 1);
		free(site.base_url);
	}
	/* waits for nginx to close what it has asked */
	login_stop();
}

/* ---- signed in by the site's login ----------------------------------------
 */

static const char *
cookie_of(const char *who)
{
	return keep_format("Cookie: a=b; who=%s", who);
}

/* By the cookie instead of HTTP Basic. */
static struct http_request
with_cookie(struct http_request request, const char *who)
{
	request.user = NULL;
	request.headers[0] = cookie_of(who);
	return request;
}

/* The withdrawal with a token from the nginx of all tests: ready to be the
 * first request that the site passes on. */
static struct http_request
ready(const struct order *order, const char *who)
{
	return with_cookie(order_request(order, order_token(order)), who);
}

START_TEST(signed_in_user_withdraws)
{
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = with_cookie(
	    (struct http_request){
		.method = "POST", .path = "/api/token", .key = order.id},
	    order.user);
	struct http_response answer;

	site_start(setting("WITHDRAW_SOCKET"));
	answer = http_send(&request);
	expect_status(&answer, 201);
	request = with_cookie(
	    order_request(&order, json_get(answer.body, "token")), order.user);
	answer = http_send(&request);
	expect_success(&answer, &order);
	ck_assert_str_eq(ledger_balance(order.user), "6.00");
}
END_TEST

static const struct {
	const char *who;
	int status;
	const char *code;
} refused[] = {
    {NULL, 401, "unauthenticated"},
    {"stranger", 401, "unauthenticated"},
    {"forbidden", 403, "forbidden"},
    {"broken", 503, "outcome-unknown"},
    {"nameless", 401, "unauthenticated"},
};

START_TEST(login_decides)
{
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = ready(&order, refused[_i].who);
	struct http_response answer;

	if (refused[_i].who == NULL)
		request.headers[0] = NULL;
	site_start(setting("WITHDRAW_SOCKET"));
	answer = http_send(&request);
	expect_problem(
	    &answer, refused[_i].status, refused[_i].code, "unknown");
	ck_assert_str_eq(json_get(answer.body, "safe_new_order"), "false");
	ck_assert_str_eq(ledger_status(order.id), "none");
}
END_TEST

START_TEST(login_is_not_there)
{
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = ready(&order, order.user);
	struct http_response answer;

	site_start(setting("WITHDRAW_SOCKET"));
	login_stop();
	answer = http_send(&request);
	expect_problem(&answer, 503, "outcome-unknown", "unknown");
	ck_assert_str_eq(ledger_status(order.id), "none");
}
END_TEST

static const char *const claims[] = {
    "X-Withdraw-User", "Withdraw-User", "Remote-User", "Authorization"};

START_TEST(claims_change_nothing)
{
	const char *user = ledger_open("10.00");
	const char *victim = ledger_open("10.00");
	struct http_request request =
	    with_cookie((struct http_request){.path = "/api/account"}, user);
	struct http_response answer;

	if (strcmp(claims[_i], "Authorization") == 0)
		request.user = victim;
	else
		request.headers[1] = keep_format("%s: %s", claims[_i], victim);
	site_start(setting("WITHDRAW_SOCKET"));
	answer = http_send(&request);
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);
	request.headers[0] = cookie_of("nameless");
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
	request.headers[0] = NULL;
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
}
END_TEST

START_TEST(login_hears_the_cookie_alone)
{
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = ready(&order, order.user);
	struct http_response answer;
	static const char question[] = "GET /auth HTTP/1.";
	const char *heard;
	const char *first;

	request.headers[1] = "X-Withdraw-User: 1001";
	site_start(setting("WITHDRAW_SOCKET"));
	answer = http_send(&request);
	expect_success(&answer, &order);
	heard = login_stop();
	first = strstr(heard, question);
	ck_assert_ptr_nonnull(first);
	/* once for a request, however many locations it passes through */
	ck_assert_ptr_null(strstr(first + 1, question));
	ck_assert_ptr_nonnull(strstr(heard, cookie_of(order.user)));
	ck_assert_ptr_nonnull(
	    strstr(heard, "X-Original-URI: /api/withdraw\r\n"));
	ck_assert_msg(strstr(heard, "\"token\"") == NULL, "%s", heard);
	ck_assert_msg(strcasestr(heard, "Content-Length") == NULL, "%s", heard);
	ck_assert_msg(
	    strcasestr(heard, "X-Withdraw-User") == NULL, "%s", heard);
}
END_TEST

/* ---- what reaches withdrawd, and how often --------------------------------
 */

static struct proxy *
site_start_on_proxy(void)
{
	const char *listen = keep_format("%s/socket", stack_folder());
	struct proxy *proxy = proxy_start(listen, setting("WITHDRAW_SOCKET"));

	site_start(listen);
	return proxy;
}

/* The connection is new: such a failure nginx does not repair by itself. */
START_TEST(lost_answer_is_asked_for_again)
{
	static const char path[] = "/api/withdraw";
	static const char head[] = "Status:";
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = ready(&order, order.user);
	struct proxy *proxy = site_start_on_proxy();
	struct http_response answer;

	proxy_swallow(proxy, path, strlen(path), head, strlen(head));
	answer = http_send(&request);
	expect_success(&answer, &order);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	ck_assert_int_eq(ledger_debits(order.id), 1);
	ck_assert_str_eq(ledger_balance(order.user), "6.00");
}
END_TEST

#define CANARY "canary4Fz7qkYd"

static const struct {
	const char *header;
	bool passed;
} secrets[] = {
    {"Authorization: Bearer " CANARY, false},
    {"Cookie: secret=" CANARY, false},
    {"Proxy: " CANARY, false},
    /* proves that the test would see it */
    {"Other: " CANARY, true},
};

/* The proxy looks for the canary in what nginx sends to withdrawd. */
START_TEST(secrets_stay_in_nginx)
{
	static const char head[] = "Status:";
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = ready(&order, order.user);
	struct proxy *proxy = site_start_on_proxy();
	struct http_response answer;

	request.headers[1] = secrets[_i].header;
	proxy_swallow(proxy, CANARY, strlen(CANARY), head, strlen(head));
	answer = http_send(&request);
	expect_success(&answer, &order);
	ck_assert_uint_eq(proxy_swallowed(proxy), secrets[_i].passed ? 1 : 0);
}
END_TEST

static const struct {
	const char *path;
	bool anonymous;
	int burst;
} limits[] = {{"/api/health", true, 50}, {"/api/account", false, 40}};

START_TEST(site_has_limits)
{
	enum { REQUESTS = 200 };
	struct http_request requests[REQUESTS];
	struct http_response *answers;
	struct http_request request =
	    with_cookie((struct http_request){.path = limits[_i].path},
		ledger_open("1.00"));
	int served = 0;

	if (limits[_i].anonymous)
		request.headers[0] = NULL;
	site_start(setting("WITHDRAW_SOCKET"));
	for (int i = 0; i < REQUESTS; i++)
		requests[i] = request;
	answers = http_send_all(requests, REQUESTS);
	for (int i = 0; i < REQUESTS; i++)
		if (answers[i].status == 200)
			served++;
		else
			expect_problem(
			    &answers[i], 429, "rate-limited", "unknown");
	ck_assert_int_gt(served, limits[_i].burst);
	ck_assert_int_lt(served, REQUESTS);
}
END_TEST

/* ---- what nginx refuses before it looks at the path ------------------------
 */

static const struct {
	struct http_request request;
	int status;
	const char *code;
} broken[] = {
    {{.method = "TRACE", .path = "/api/account"}, 405, "method-not-allowed"},
    {{.path = "/api/account", .headers = {"Transfer-Encoding: foo"}}, 400,
	"malformed"},
    {{.path = "/api"}, 404, "not-found"},
};

START_TEST(nginx_refuses_in_our_form)
{
	struct http_request request = broken[_i].request;
	struct http_response answer;

	request.user = ledger_stranger();
	answer = http_send(&request);
	expect_problem(&answer, broken[_i].status, broken[_i].code, "unknown");
}
END_TEST

START_TEST(files_allow_reading_only)
{
	struct http_request request = {
	    .method = "POST", .path = "/", .user = ledger_stranger()};
	struct http_response answer = http_send(&request);

	expect_problem(&answer, 405, "method-not-allowed", "unknown");
	ck_assert_str_eq(http_header(&answer, "Allow"), "GET, HEAD");
}
END_TEST

/* ---- headers ---------------------------------------------------------------
 */

static void
expect_header_with(
    const struct http_response *answer, const char *name, const char *part)
{
	const char *value = http_header(answer, name);

	ck_assert_msg(value != NULL && strstr(value, part) != NULL,
	    "%s: %s expected:\n%s", name, part, answer->headers);
}

/* http_header sees to it that each is there once. */
static void
expect_guarded(const struct http_response *answer)
{
	static const char *const policy[] = {"default-src 'none'",
	    "script-src 'self'", "style-src 'self'", "connect-src 'self'",
	    "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	    "require-trusted-types-for 'script'", "trusted-types 'none'"};

	for (int i = 0; i < COUNT(policy); i++)
		expect_header_with(
		    answer, "Content-Security-Policy", policy[i]);
	expect_header_with(answer, "X-Content-Type-Options", "nosniff");
	expect_header_with(answer, "Referrer-Policy", "same-origin");
	expect_header_with(answer, "Permissions-Policy", "payment=()");
	ck_assert_str_eq(http_header(answer, "Server"), "nginx");
}

static void
expect_guarded_api(const struct http_response *answer)
{
	expect_guarded(answer);
	ck_assert_str_eq(http_header(answer, "Cache-Control"), "no-store");
	ck_assert_ptr_null(http_header(answer, "Content-Encoding"));
}

static char large[8192];

static const struct {
	struct http_request request;
	bool anonymous;
	int status;
} api_answers[] = {
    {{.path = "/api/account"}, false, 200},
    {{.path = "/api/health"}, true, 200},
    {{.path = "/api/account"}, true, 401},
    {{.path = "/api/nothing"}, false, 404},
    {{.method = "PUT", .path = "/api/account"}, false, 405},
    {{.method = "TRACE", .path = "/api/account"}, false, 405},
    {{.method = "POST", .path = "/api/withdraw", .body = large}, false, 413},
};

START_TEST(api_answers_are_guarded)
{
	struct http_request request = api_answers[_i].request;
	struct http_response answer;

	memset(large, 'x', sizeof(large) - 1);
	request.headers[0] = "Accept-Encoding: gzip";
	if (!api_answers[_i].anonymous)
		request.user = ledger_open("10.00");
	answer = http_send(&request);
	expect_status(&answer, api_answers[_i].status);
	expect_guarded_api(&answer);
}
END_TEST

START_TEST(limited_answer_is_guarded)
{
	enum { REQUESTS = 20 };
	struct http_request requests[REQUESTS];
	struct http_response *answers;
	const char *user = ledger_open("10.00");
	int limited = 0;

	stack_restart("nginx", "RATE=1r/s BURST=1");
	for (int i = 0; i < REQUESTS; i++)
		requests[i] =
		    (struct http_request){.path = "/api/account", .user = user};
	answers = http_send_all(requests, REQUESTS);
	for (int i = 0; i < REQUESTS; i++) {
		expect_guarded_api(&answers[i]);
		if (answers[i].status == 429)
			limited++;
	}
	ck_assert_int_gt(limited, 0);
}
END_TEST

START_TEST(answer_without_a_service_is_guarded)
{
	struct http_request request = {
	    .path = "/api/account", .user = ledger_open("10.00")};
	struct http_response answer;

	stack_stop("withdrawd");
	answer = http_send(&request);
	expect_status(&answer, 503);
	expect_guarded_api(&answer);
}
END_TEST

/* Long enough for gzip, of a type that files are packed in. */
START_TEST(api_answers_are_not_packed)
{
	struct http_request request = {
	    .path = "/api/withdrawals",
	    .user = ledger_open("10.00"),
	    .headers = {"Accept-Encoding: gzip"},
	};
	struct http_response answer;

	for (int i = 0; i < 10; i++) {
		struct order order = order_new(request.user, "1.00");

		answer = order_send(&order);
		expect_success(&answer, &order);
	}
	answer = http_send(&request);
	expect_status(&answer, 200);
	expect_guarded_api(&answer);
	ck_assert_uint_gt(answer.body_len, 1024);
}
END_TEST

static struct http_response
get_file(const char *path, const char *header)
{
	struct http_request request = {
	    .path = path, .user = ledger_stranger(), .headers = {header}};

	return http_send(&request);
}

static const struct {
	const char *path;
	const char *type;
	bool packed;
} files[] = {
    {"/", "text/html", false},
    {"/withdraw.css", "text/css", true},
    {"/withdraw.js", "application/javascript", true},
    {"/words/zh.js", "application/javascript", true},
    {"/?order=6f1b0c1e-6a53-4d7e-9c1c-0a7f3c2b1d00", "text/html", false},
    {"/problems/busy", "text/html", false},
};

START_TEST(files_are_guarded)
{
	const char *path = files[_i].path;
	struct http_response answer = get_file(path, NULL);
	const char *tag = http_header(&answer, "ETag");

	expect_status(&answer, 200);
	expect_guarded(&answer);
	expect_header_with(&answer, "Content-Type", files[_i].type);
	ck_assert_str_eq(http_header(&answer, "Cache-Control"), "no-cache");
	ck_assert_ptr_nonnull(tag);
	answer = get_file(path, keep_format("If-None-Match: %s", tag));
	expect_status(&answer, 304);
	expect_guarded(&answer);
	ck_assert_str_eq(http_header(&answer, "Cache-Control"), "no-cache");
	if (!files[_i].packed)
		return;
	answer = get_file(path, "Accept-Encoding: gzip");
	expect_status(&answer, 200);
	expect_guarded(&answer);
	ck_assert_str_eq(http_header(&answer, "Content-Encoding"), "gzip");
	ck_assert_str_eq(http_header(&answer, "Vary"), "Accept-Encoding");
}
END_TEST

START_TEST(missing_file_is_guarded)
{
	struct http_response answer = get_file("/nothing", NULL);

	expect_status(&answer, 404);
	expect_guarded(&answer);
	ck_assert_ptr_null(strstr(answer.body, "nginx/"));
}
END_TEST

Suite *
site_suite(void)
{
	Suite *suite = suite_create("site");
	TCase *tcase = fixture_case(suite, "login");

	tcase_add_checked_fixture(tcase, NULL, site_stop);
	tcase_add_test(tcase, signed_in_user_withdraws);
	tcase_add_loop_test(tcase, login_decides, 0, COUNT(refused));
	tcase_add_test(tcase, login_is_not_there);
	tcase_add_loop_test(tcase, claims_change_nothing, 0, COUNT(claims));
	tcase_add_test(tcase, login_hears_the_cookie_alone);

	tcase = fixture_case(suite, "service");
	tcase_add_checked_fixture(tcase, NULL, site_stop);
	tcase_add_test(tcase, lost_answer_is_asked_for_again);
	tcase_add_loop_test(tcase, secrets_stay_in_nginx, 0, COUNT(secrets));
	tcase_add_loop_test(tcase, site_has_limits, 0, COUNT(limits));

	tcase = fixture_case(suite, "headers");
	tcase_add_loop_test(tcase, nginx_refuses_in_our_form, 0, COUNT(broken));
	tcase_add_test(tcase, files_allow_reading_only);
	tcase_add_loop_test(
	    tcase, api_answers_are_guarded, 0, COUNT(api_answers));
	tcase_add_test(tcase, limited_answer_is_guarded);
	tcase_add_test(tcase, answer_without_a_service_is_guarded);
	tcase_add_test(tcase, api_answers_are_not_packed);
	tcase_add_loop_test(tcase, files_are_guarded, 0, COUNT(files));
	tcase_add_test(tcase, missing_file_is_guarded);
	return suite;
}
