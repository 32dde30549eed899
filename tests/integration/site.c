/*
 * The web server's part: the real site file (nginx/withdraw.conf) with each
 * kind of sign-in, in an nginx that each test starts for itself; and what all
 * answers have in common, on the nginx of all tests.
 */
#include <check.h>
#include <string.h>

#include "cache.h"
#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "login.h"
#include "order.h"
#include "proxy.h"
#include "site_server.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* ---- who is calling --------------------------------------------------------
 */

/* By the cookie instead of HTTP Basic. */
static struct http_request
with_cookie(struct http_request request, const char *cookie)
{
	request.user = NULL;
	request.headers[0] = cookie;
	return request;
}

/* The withdrawal with a token from the nginx of all tests: ready to be the
 * first request that the site passes on. The site has to start meanwhile, and
 * the user to sign in: the token lives long. */
static struct http_request
ready(const struct order *order)
{
	stack_restart("withdrawd", "WITHDRAW_TOKEN_TTL_MS=60000");
	return order_request(order, order_token(order));
}

START_TEST(signed_in_user_withdraws)
{
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = {
	    .method = "POST", .path = "/api/token", .key = order.id};
	struct http_response answer;
	const char *cookie;

	site_start(_i, setting("WITHDRAW_SOCKET"));
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
	cookie = site_sign_in(order.user);
	request = with_cookie(request, cookie);
	answer = http_send(&request);
	expect_status(&answer, 201);
	request = with_cookie(
	    order_request(&order, json_get(answer.body, "token")), cookie);
	answer = http_send(&request);
	expect_success(&answer, &order);
	ck_assert_str_eq(ledger_balance(order.user), "6.00");
	/* each kind asks one that knows, and nobody else */
	if (_i == SITE_SESSION)
		ck_assert_str_eq(login_stop(), "");
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
	struct http_request request = ready(&order);
	struct http_response answer;

	request = with_cookie(request,
	    refused[_i].who != NULL ? site_login_cookie(refused[_i].who)
				    : NULL);
	site_start(SITE_LOGIN, setting("WITHDRAW_SOCKET"));
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
	struct http_request request =
	    with_cookie(ready(&order), site_login_cookie(order.user));
	struct http_response answer;

	site_start(SITE_LOGIN, setting("WITHDRAW_SOCKET"));
	login_stop();
	answer = http_send(&request);
	expect_problem(&answer, 503, "outcome-unknown", "unknown");
	ck_assert_str_eq(ledger_status(order.id), "none");
}
END_TEST

/* Each is followed by a victim's user_id. */
static const char *const claims[] = {"X-Withdraw-User: ", "Withdraw-User: ",
    "WITHDRAW_USER: ", "Remote-User: ", "X-Remote-User: ", "Withdraw-Session: ",
    "WITHDRAW_SESSION: ", "X-Original-URI: /?", "Cookie: withdraw_user=",
    "Cookie: WITHDRAW_USER=", "Authorization: Bearer ",
    NULL /* HTTP Basic, the right password */};

/* Who is signed in stays it; who is not stays nobody. */
START_TEST(claims_change_nothing)
{
	const char *claim = claims[_i / SITE_IDENTITIES];
	struct order order = order_new(ledger_open("10.00"), "4.00");
	const char *victim = ledger_open("10.00");
	struct http_request request = {.path = "/api/account"};
	struct http_request forged = ready(&order);
	struct http_response answer;

	site_start(_i % SITE_IDENTITIES, setting("WITHDRAW_SOCKET"));
	request = with_cookie(request, site_sign_in(order.user));
	if (claim == NULL)
		request.user = victim;
	else
		request.headers[1] = keep_format("%s%s", claim, victim);
	answer = http_send(&request);
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), order.user);
	request.headers[0] = NULL;
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
	/* and nothing is withdrawn in the victim's name */
	forged.user = request.user;
	forged.headers[1] = request.headers[1];
	answer = http_send(&forged);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
	ck_assert_str_eq(ledger_status(order.id), "none");
	ck_assert_str_eq(ledger_balance(victim), "10.00");
}
END_TEST

START_TEST(login_that_forgets_the_name_is_not_helped)
{
	struct http_request request =
	    with_cookie((struct http_request){.path = "/api/account"},
		site_login_cookie("nameless"));
	struct http_response answer;

	request.headers[1] =
	    keep_format("X-Withdraw-User: %s", ledger_open("10.00"));
	site_start(SITE_LOGIN, setting("WITHDRAW_SOCKET"));
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
}
END_TEST

/* The value of the header that site_sign_in makes, in pieces. */
static const char *
cookie_with(const char *user, const char *secret)
{
	return keep_format("Cookie: withdraw_session=%s.%s", user, secret);
}

/* Of the right form, and even with what could be stolen from Redis, where a
 * session's key has a hash of its secret. */
START_TEST(forged_cookies_are_nobody)
{
	const char *user = ledger_open("10.00"), *other = ledger_open("10.00");
	struct http_request request = {.path = "/api/account"};
	struct http_response answer;
	const char *cookie, *secret, *hash;

	site_start(SITE_SESSION, setting("WITHDRAW_SOCKET"));
	cache_flush(); /* of sessions that earlier tests have left */
	cookie = site_sign_in(user);
	secret = strrchr(cookie, '.') + 1;
	hash = cache_key_end(user, "session:");
	ck_assert_uint_eq(strlen(hash), strlen(secret));
	{
		const char *forged[] = {cookie_with(user, hash),
		    cookie_with(other, secret), cookie_with(user, secret + 1),
		    cookie_with(user, keep_format("%s0", secret)),
		    cookie_with(user, keep_format("%064d", 0)),
		    cookie_with(keep_format("0%s", user), secret),
		    cookie_with(user, keep_format("%s\t", secret + 1)),
		    keep_format(
			"Cookie: Xwithdraw_session=%s.%s", user, secret),
		    keep_format("Cookie: withdraw_session=%s", secret),
		    keep_format("Cookie: withdraw_session=%s", user),
		    site_login_cookie(user)};

		for (int i = 0; i < COUNT(forged); i++) {
			request = with_cookie(request, forged[i]);
			answer = http_send(&request);
			ck_assert_msg(answer.status == 401, "%s: %d %s",
			    forged[i], answer.status, answer.body);
		}
	}
	request = with_cookie(request, cookie);
	answer = http_send(&request);
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);
}
END_TEST

START_TEST(login_hears_the_cookie_alone)
{
	struct order order = order_new(ledger_open("10.00"), "4.00");
	const char *cookie = site_login_cookie(order.user);
	struct http_request request = with_cookie(ready(&order), cookie);
	struct http_response answer;
	static const char question[] = "GET /auth HTTP/1.";
	const char *heard;
	const char *first;

	request.headers[1] = "X-Withdraw-User: 1001";
	site_start(SITE_LOGIN, setting("WITHDRAW_SOCKET"));
	answer = http_send(&request);
	expect_success(&answer, &order);
	heard = login_stop();
	first = strstr(heard, question);
	ck_assert_ptr_nonnull(first);
	/* once for a request, however many locations it passes through */
	ck_assert_ptr_null(strstr(first + 1, question));
	ck_assert_ptr_nonnull(strstr(heard, cookie));
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
site_start_on_proxy(enum site_identity identity)
{
	const char *listen = keep_format("%s/socket", stack_folder());
	struct proxy *proxy = proxy_start(listen, setting("WITHDRAW_SOCKET"));

	site_start(identity, listen);
	return proxy;
}

/* The connection is new: such a failure nginx does not repair by itself. */
START_TEST(lost_answer_is_asked_for_again)
{
	static const char path[] = "/api/withdraw";
	static const char head[] = "Status:";
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = ready(&order);
	struct proxy *proxy = site_start_on_proxy(_i);
	struct http_response answer;

	request = with_cookie(request, site_sign_in(order.user));
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
	struct http_request request = ready(&order);
	struct proxy *proxy = site_start_on_proxy(_i % SITE_IDENTITIES);
	struct http_response answer;
	const char *header = secrets[_i / SITE_IDENTITIES].header;

	request = with_cookie(request, site_sign_in(order.user));
	request.headers[1] = header;
	proxy_swallow(proxy, CANARY, strlen(CANARY), head, strlen(head));
	answer = http_send(&request);
	expect_success(&answer, &order);
	ck_assert_uint_eq(proxy_swallowed(proxy),
	    secrets[_i / SITE_IDENTITIES].passed ? 1 : 0);
}
END_TEST

/* Where nobody is signed in, there is only the question whose cookie it is:
 * what the client says of itself is not in it. */
START_TEST(session_is_asked_by_the_cookie_alone)
{
	static const char head[] = "Status:";
	struct http_request request = {
	    .path = "/api/account", .headers = {secrets[_i].header}};
	struct proxy *proxy = site_start_on_proxy(SITE_SESSION);
	struct http_response answer;

	proxy_swallow(proxy, CANARY, strlen(CANARY), head, strlen(head));
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
	ck_assert_uint_eq(proxy_swallowed(proxy), 0);
	/* proves that the test would see it */
	request.headers[0] = "Cookie: withdraw_session=" CANARY;
	answer = http_send(&request);
	expect_problem(&answer, 503, "outcome-unknown", "unknown");
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
}
END_TEST

/* The worker that is asked whose session it is dies. On a kept connection nginx
 * asks another; on a new one, to who withdraws it is an answer like any that
 * was lost, and the same order may be sent again. */
START_TEST(lost_question_is_a_lost_answer)
{
	static const char path[] = "/api/session";
	static const char head[] = "Status:";
	struct order order = order_new(ledger_open("10.00"), "4.00");
	struct http_request request = ready(&order);
	struct proxy *proxy = site_start_on_proxy(SITE_SESSION);
	struct http_response answer;
	bool kept = _i == 1;

	request = with_cookie(request, site_sign_in(order.user));
	if (!kept) {
		proxy_close(proxy);
		WAIT_UNTIL(proxy_connections(proxy) == 0);
		proxy_pass(proxy);
	}
	proxy_swallow(proxy, path, strlen(path), head, strlen(head));
	answer = http_send(&request);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	if (!kept) {
		expect_problem(&answer, 503, "outcome-unknown", "unknown");
		ck_assert_str_eq(
		    json_get(answer.body, "safe_new_order"), "false");
		ck_assert_ptr_nonnull(http_header(&answer, "Retry-After"));
		ck_assert_str_eq(ledger_status(order.id), "none");
		answer = http_send(&request);
	}
	expect_success(&answer, &order);
	ck_assert_str_eq(ledger_balance(order.user), "6.00");
}
END_TEST

static const struct {
	enum site_identity identity;
	const char *path;
	bool anonymous;
	int status;
	int burst;
} limits[] = {
    {SITE_SESSION, "/api/health", true, 200, 50},
    {SITE_SESSION, "/api/account", false, 200, 40},
    {SITE_SESSION, "/api/session", true, 401, 20},
    {SITE_LOGIN, "/api/health", true, 200, 50},
    {SITE_LOGIN, "/api/account", false, 200, 40},
};

START_TEST(site_has_limits)
{
	enum { REQUESTS = 200 };
	struct http_request requests[REQUESTS];
	struct http_response *answers;
	struct http_request request = {.path = limits[_i].path};
	int served = 0;

	site_start(limits[_i].identity, setting("WITHDRAW_SOCKET"));
	if (!limits[_i].anonymous)
		request =
		    with_cookie(request, site_sign_in(ledger_open("1.00")));
	for (int i = 0; i < REQUESTS; i++)
		requests[i] = request;
	answers = http_send_all(requests, REQUESTS);
	for (int i = 0; i < REQUESTS; i++)
		if (answers[i].status == limits[_i].status)
			served++;
		else
			expect_problem(
			    &answers[i], 429, "rate-limited", "unknown");
	ck_assert_int_gt(served, limits[_i].burst);
	ck_assert_int_lt(served, REQUESTS);
}
END_TEST

/* Loopback may ask, and there is nothing in this version; the rest may not,
 * whatever they say of themselves. */
START_TEST(metrics_are_not_for_outsiders)
{
	struct http_request request = {.path = "/metrics"};
	struct http_response answer;

	site_start(_i, setting("WITHDRAW_SOCKET"));
	request.headers[0] = site_sign_in(ledger_open("1.00"));
	request.from = "127.0.0.1";
	answer = http_send(&request);
	expect_problem(&answer, 404, "not-found", "unknown");
	request.from = "127.0.0.2";
	request.headers[1] = "X-Forwarded-For: 127.0.0.1";
	request.headers[2] = "X-Real-IP: 127.0.0.1";
	answer = http_send(&request);
	expect_problem(&answer, 403, "forbidden", "unknown");
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
    {{.method = "POST", .path = "/api/session", .body = large}, true, 413},
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

enum file_kind { DOCUMENT, PART };

static const struct {
	const char *path;
	const char *type;
	enum file_kind kind;
} files[] = {
    {"/", "text/html", DOCUMENT},
    {"/withdraw.css", "text/css", PART},
    {"/withdraw.js", "application/javascript", PART},
    {"/words/zh.js", "application/javascript", PART},
    {"/icon.svg", "image/svg+xml", DOCUMENT},
    {"/?order=6f1b0c1e-6a53-4d7e-9c1c-0a7f3c2b1d00", "text/html", DOCUMENT},
    {"/problems/busy", "text/html", DOCUMENT},
};

/* A browser asks a document what it may do, and of a part only its type. */
static void
expect_guarded_file(const struct http_response *answer, enum file_kind kind)
{
	if (kind == DOCUMENT) {
		expect_guarded(answer);
		return;
	}
	expect_header_with(answer, "X-Content-Type-Options", "nosniff");
	ck_assert_ptr_null(http_header(answer, "Content-Security-Policy"));
}

START_TEST(files_are_guarded)
{
	const char *path = files[_i].path;
	struct http_response answer = get_file(path, NULL);
	const char *tag = http_header(&answer, "ETag");

	expect_status(&answer, 200);
	expect_guarded_file(&answer, files[_i].kind);
	expect_header_with(&answer, "Content-Type", files[_i].type);
	ck_assert_str_eq(http_header(&answer, "Cache-Control"), "no-cache");
	ck_assert_ptr_nonnull(tag);
	answer = get_file(path, keep_format("If-None-Match: %s", tag));
	expect_status(&answer, 304);
	expect_guarded_file(&answer, files[_i].kind);
	ck_assert_str_eq(http_header(&answer, "Cache-Control"), "no-cache");
	if (files[_i].kind == DOCUMENT)
		return;
	answer = get_file(path, "Accept-Encoding: gzip");
	expect_status(&answer, 200);
	expect_guarded_file(&answer, files[_i].kind);
	ck_assert_str_eq(http_header(&answer, "Content-Encoding"), "gzip");
	ck_assert_str_eq(http_header(&answer, "Vary"), "Accept-Encoding");
}
END_TEST

/* Signed in or not, and whatever is claimed: the page says who is signed in. */
START_TEST(site_files_are_for_everybody)
{
	static const char *const headers[] = {NULL, "Cookie: who=forbidden",
	    "Cookie: withdraw_session=1001.x", "Authorization: Basic bm9ib2R5"};
	static const char *const paths[] = {"/", "/?order=x", "/index.html",
	    "/withdraw.js", "/words/zh.js", "/problems/unauthenticated",
	    "/problems.html", "/icon.svg"};

	site_start(_i, setting("WITHDRAW_SOCKET"));
	for (int p = 0; p < COUNT(paths); p++)
		for (int h = 0; h < COUNT(headers); h++) {
			struct http_request request = {
			    .path = paths[p], .headers = {headers[h]}};
			struct http_response answer = http_send(&request);

			ck_assert_msg(answer.status == 200, "%s %s: %d",
			    paths[p], headers[h], answer.status);
			expect_guarded_file(&answer,
			    strstr(paths[p], ".js") != NULL ? PART : DOCUMENT);
		}
	/* and nobody is asked about them */
	ck_assert_str_eq(login_stop(), "");
}
END_TEST

/* However its path is written, the API is no file. */
START_TEST(site_answers_are_guarded)
{
	static const char *const paths[] = {"/api/account", "/api/nothing",
	    "/%61pi/account", "//api/account", "/words/../api/account",
	    "/x/..//api/account", "/./api/account", "/api/./account.css",
	    "/api/account?.css", "/api", "/api?x.css"};
	struct http_request request = {0};
	struct http_response answer;
	const char *cookie;

	site_start(_i, setting("WITHDRAW_SOCKET"));
	cookie = site_sign_in(ledger_open("10.00"));
	for (int p = 0; p < COUNT(paths); p++) {
		request = (struct http_request){.path = paths[p]};
		answer = http_send(&request);
		expect_problem(&answer, 401, "unauthenticated", "unknown");
		expect_guarded_api(&answer);
		request = with_cookie(request, cookie);
		answer = http_send(&request);
		ck_assert_msg(answer.status == 200 || answer.status == 404 ||
			answer.status == 400,
		    "%s: %d", paths[p], answer.status);
		expect_guarded_api(&answer);
	}
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
	TCase *tcase = fixture_case(suite, "identity");

	tcase_add_checked_fixture(tcase, NULL, site_stop);
	tcase_add_loop_test(
	    tcase, signed_in_user_withdraws, 0, SITE_IDENTITIES);
	tcase_add_loop_test(tcase, login_decides, 0, COUNT(refused));
	tcase_add_test(tcase, login_is_not_there);
	tcase_add_loop_test(
	    tcase, claims_change_nothing, 0, SITE_IDENTITIES * COUNT(claims));
	tcase_add_test(tcase, login_that_forgets_the_name_is_not_helped);
	tcase_add_test(tcase, forged_cookies_are_nobody);
	tcase_add_test(tcase, login_hears_the_cookie_alone);

	tcase = fixture_case(suite, "service");
	tcase_add_checked_fixture(tcase, NULL, site_stop);
	tcase_add_loop_test(
	    tcase, lost_answer_is_asked_for_again, 0, SITE_IDENTITIES);
	tcase_add_loop_test(
	    tcase, secrets_stay_in_nginx, 0, SITE_IDENTITIES * COUNT(secrets));
	tcase_add_loop_test(
	    tcase, session_is_asked_by_the_cookie_alone, 0, COUNT(secrets));
	tcase_add_loop_test(tcase, lost_question_is_a_lost_answer, 0, 2);
	tcase_add_loop_test(tcase, site_has_limits, 0, COUNT(limits));
	tcase_add_loop_test(
	    tcase, metrics_are_not_for_outsiders, 0, SITE_IDENTITIES);
	tcase_add_loop_test(
	    tcase, site_files_are_for_everybody, 0, SITE_IDENTITIES);
	tcase_add_loop_test(
	    tcase, site_answers_are_guarded, 0, SITE_IDENTITIES);

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
