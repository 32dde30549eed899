/* Our own sign-in: sessions begin and end, and nothing else lets anybody in. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "command.h"
#include "ctl.h"
#include "fcgi_client.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "session.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

static const char password[] = "correct horse battery";

/* A name of this test's own for an account with that balance. */
static const char *
new_name(const char *user)
{
	const char *name = keep_format("n%s.%.8s", user, order_id());
	struct command command = CTL("user", "add", name, user);

	command.in = keep_format("%s\n", password);
	expect_done(command_run(&command));
	return name;
}

/* cookie may be NULL. */
static struct http_response
session(
    const char *method, const char *path, const char *cookie, const char *body)
{
	struct http_request request = {
	    .method = method, .path = path, .body = body};

	if (cookie != NULL)
		request.headers[0] =
		    keep_format("Cookie: withdraw_session=%s", cookie);
	return http_send(&request);
}

static struct http_response
try(const char *name, const char *word)
{
	return session("POST", "/api/session", NULL,
	    keep_format(
		"{\"name\": \"%s\", \"password\": \"%s\"}", name, word));
}

/* A test before this one may have taken Redis away. */
static void
set_up(void)
{
	cache_flush();
	WAIT_UNTIL(
	    strcmp(json_get(
		       session("GET", "/api/health", NULL, NULL).body, "redis"),
		"up") == 0);
}

/* The value of the cookie that an answer sets. */
static const char *
cookie_of(const struct http_response *answer)
{
	static const char name[] = "withdraw_session=";
	const char *cookie = http_header(answer, "Set-Cookie");

	ck_assert_ptr_nonnull(cookie);
	ck_assert_msg(strncmp(cookie, name, strlen(name)) == 0, "%s", cookie);
	cookie += strlen(name);
	return keep_text(cookie, strcspn(cookie, ";"));
}

static const char *
sign_in(const char *name)
{
	struct http_response answer = try(name, password);

	ck_assert_msg(
	    answer.status == 201, "%d %s", answer.status, answer.body);
	return cookie_of(&answer);
}

static int
status_with(const char *cookie)
{
	return session("GET", "/api/account", cookie, NULL).status;
}

START_TEST(session_withdraws)
{
	const char *user = ledger_open("100.00");
	struct order order = order_new(user, "40.00");
	struct http_response answer = try(new_name(user), password);
	const char *cookie = cookie_of(&answer), *header;
	struct http_request request;

	ck_assert_int_eq(answer.status, 201);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);
	header = http_header(&answer, "Set-Cookie");
	expect_said(header, "; HttpOnly");
	expect_said(header, "; SameSite=Strict");
	expect_said(header, "; Path=/");
	ck_assert_ptr_null(strstr(header, "Secure")); /* this is http */
	answer = session("GET", "/api/session", cookie, NULL);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);

	request = (struct http_request){
	    .method = "POST", .path = "/api/token", .key = order.id};
	request.headers[0] = keep_format("Cookie: withdraw_session=%s", cookie);
	answer = http_send(&request);
	ck_assert_int_eq(answer.status, 201);
	request = order_request(&order, json_get(answer.body, "token"));
	request.user = NULL;
	request.headers[0] = keep_format("Cookie: withdraw_session=%s", cookie);
	answer = http_send(&request);
	expect_success(&answer, &order);
	ck_assert_str_eq(ledger_balance(user), "60.00");
}
END_TEST

START_TEST(names_are_in_lower_case)
{
	const char *user = ledger_open("1.00");
	struct command command =
	    CTL("user", "add", keep_format("Upper.%s", user), user);

	command.in = keep_format("%s\n", password);
	expect_done(command_run(&command));
	sign_in(keep_format("uPPER.%s", user));
}
END_TEST

/* The headers of an answer but for the time. */
static const char *
headers_of(const struct http_response *answer)
{
	const char *date = strcasestr(answer->headers, "\r\nDate:");

	ck_assert_ptr_nonnull(date);
	return keep_format("%.*s%s", (int)(date - answer->headers),
	    answer->headers, strstr(date + 2, "\r\n"));
}

/* Wrong, unknown, disabled: nobody can tell them apart, by what it says or by
 * how often a store is asked for it. That each is hashed is looked at in
 * tests/unit/check_password.c, and where a crowd of them is turned away. */
START_TEST(refusals_are_alike)
{
	const char *disabled = new_name(ledger_open("1.00"));
	const struct {
		const char *name, *word;
	} cases[] = {{new_name(ledger_open("1.00")), "wrong"},
	    {keep_format("nobody.%.8s", order_id()), "wrong"},
	    {disabled, password}, {disabled, "wrong"}};
	struct http_response first, other;
	long before, scripts;

	expect_done(run(CTL("user", "disable", disabled)));
	before = cache_scripts();
	first = try(cases[0].name, cases[0].word);
	scripts = cache_scripts() - before;
	ck_assert_int_eq(scripts, 3); /* the counts */
	ck_assert_int_eq(first.status, 401);
	ck_assert_ptr_null(http_header(&first, "Set-Cookie"));
	expect_said(first.body, "/problems/sign-in-failed");
	for (int i = 1; i < COUNT(cases); i++) {
		before = cache_scripts();
		other = try(cases[i].name, cases[i].word);
		ck_assert_int_eq(cache_scripts() - before, scripts);
		ck_assert_int_eq(other.status, 401);
		ck_assert_str_eq(other.body, first.body);
		ck_assert_str_eq(headers_of(&other), headers_of(&first));
	}
	expect_done(run(CTL("user", "enable", disabled)));
	sign_in(disabled);
}
END_TEST

static const struct {
	const char *body;
	int status;
} bodies[] = {
    {"", 400},
    {"{}", 400},
    {"[]", 400},
    {"{\"name\": \"a\"}", 400},
    {"{\"name\": \"a\", \"password\": \"\"}", 400},
    {"{\"name\": \"\", \"password\": \"x\"}", 400},
    {"{\"name\": \"a b\", \"password\": \"x\"}", 400},
    {"{\"name\": \"a\\u0000\", \"password\": \"x\"}", 400},
    {"{\"name\": \"a\", \"password\": \"x\\u0000y\"}", 400},
    {"{\"name\": \"a\", \"password\": 1}", 400},
    {"{\"name\": \"a\", \"name\": \"a\", \"password\": \"x\"}", 400},
    {"{\"name\": \"a\", \"password\": \"x\", \"more\": \"y\"}", 400},
    {"{\"name\": \"a\", \"password\": {\"a\": \"b\"}}", 400},
};

START_TEST(bad_body_is_refused)
{
	struct http_response answer =
	    session("POST", "/api/session", NULL, bodies[_i].body);

	ck_assert_msg(answer.status == bodies[_i].status ||
		(*bodies[_i].body == '\0' && answer.status == 415),
	    "%d %s", answer.status, answer.body);
}
END_TEST

static const char *const elsewhere[] = {"Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site", "Origin: http://attacker.example",
    "Origin: null"};

START_TEST(another_site_signs_nobody_in)
{
	const char *name = new_name(ledger_open("1.00"));
	struct http_request request = {.method = "POST",
	    .path = "/api/session",
	    .body = keep_format(
		"{\"name\": \"%s\", \"password\": \"%s\"}", name, password),
	    .headers = {elsewhere[_i]}};
	const char *cookie = sign_in(name);

	ck_assert_int_eq(http_send(&request).status, 403);
	request.method = "DELETE";
	request.body = NULL;
	request.headers[1] = keep_format("Cookie: withdraw_session=%s", cookie);
	ck_assert_int_eq(http_send(&request).status, 403);
	ck_assert_int_eq(status_with(cookie), 200);
}
END_TEST

/* --- the end of a session ------------------------------------------------ */

START_TEST(signing_out_ends_one_session)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *first = sign_in(name), *second = sign_in(name);
	struct http_response answer;

	ck_assert_str_ne(first, second);
	answer = session("DELETE", "/api/session", first, NULL);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(cookie_of(&answer), "");
	expect_said(http_header(&answer, "Set-Cookie"), "Max-Age=0");
	ck_assert_int_eq(status_with(first), 401);
	ck_assert_int_eq(status_with(second), 200);
	/* once more, and without any */
	ck_assert_int_eq(
	    session("DELETE", "/api/session", first, NULL).status, 200);
	ck_assert_int_eq(
	    session("DELETE", "/api/session", NULL, NULL).status, 200);
	ck_assert_int_eq(status_with(second), 200);
}
END_TEST

START_TEST(signing_out_everywhere_ends_all)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *first = sign_in(name), *second = sign_in(name);

	/* the ledger has just been asked about it, and will not be soon */
	ck_assert_int_eq(status_with(second), 200);
	ck_assert_int_eq(
	    session("DELETE", "/api/session?everywhere=2", first, NULL).status,
	    400);
	ck_assert_int_eq(
	    session("DELETE", "/api/session?everywhere=1", first, NULL).status,
	    200);
	ck_assert_int_eq(status_with(first), 401);
	ck_assert_int_eq(status_with(second), 401);
	ck_assert_int_eq(status_with(sign_in(name)), 200);
}
END_TEST

/* Who signs in anew on the same browser has no way back to the old one. */
START_TEST(signing_in_ends_the_session_before)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *before = sign_in(name);
	struct http_response answer = session("POST", "/api/session", before,
	    keep_format(
		"{\"name\": \"%s\", \"password\": \"%s\"}", name, password));

	ck_assert_int_eq(answer.status, 201);
	ck_assert_int_eq(status_with(before), 401);
	ck_assert_int_eq(status_with(cookie_of(&answer)), 200);
}
END_TEST

/* An id that somebody has put into a browser, to be let in by it later. */
START_TEST(signing_in_takes_no_given_id)
{
	const char *user = ledger_open("1.00"), *name = new_name(user);
	const char *given = keep_format("%s.%064d", user, 7);
	struct http_response answer = session("POST", "/api/session", given,
	    keep_format(
		"{\"name\": \"%s\", \"password\": \"%s\"}", name, password));

	ck_assert_int_eq(answer.status, 201);
	ck_assert_str_ne(cookie_of(&answer), given);
	ck_assert_int_eq(status_with(given), 401);
	ck_assert_int_eq(status_with(cookie_of(&answer)), 200);
}
END_TEST

static const char *const ends[][4] = {{"user", "passwd"}, {"user", "disable"}};

START_TEST(operator_ends_sessions)
{
	const char *name, *cookie;
	struct command command;

	stack_restart("withdrawd", "WITHDRAW_SESSION_CHECK_S=1");
	name = new_name(ledger_open("1.00"));
	cookie = sign_in(name);
	command = CTL(ends[_i][0], ends[_i][1], name);
	command.in = "another password\n";
	expect_done(command_run(&command));
	WAIT_UNTIL(status_with(cookie) == 401);
	if (_i == 0) {
		ck_assert_int_eq(try(name, password).status, 401);
		ck_assert_int_eq(try(name, "another password").status, 201);
	}
}
END_TEST

/* What Redis keeps of a session is a hash of its secret. */
START_TEST(redis_has_no_secret)
{
	const char *user = ledger_open("1.00");
	const char *cookie = sign_in(new_name(user));
	const char *secret = strchr(cookie, '.') + 1;

	ck_assert_uint_eq(cache_count(user, "session:"), 1);
	ck_assert_uint_eq(cache_count(user, secret), 0);
}
END_TEST

START_TEST(redis_that_forgets_signs_out)
{
	const char *user = ledger_open("100.00");
	const char *name = new_name(user), *cookie = sign_in(name);

	cache_flush();
	ck_assert_int_eq(status_with(cookie), 401);
	ck_assert_int_eq(status_with(sign_in(name)), 200);
	ck_assert_str_eq(ledger_balance(user), "100.00");
}
END_TEST

/* The page's own questions, with nobody at it, let a session end. */
START_TEST(only_use_keeps_a_session)
{
	enum { LEFT_MS = 60000 };
	const char *user = ledger_open("1.00"), *cookie;
	struct http_request request = {.path = "/api/account"};

	cookie = sign_in(new_name(user));
	request.headers[0] = keep_format("Cookie: withdraw_session=%s", cookie);
	/* the first also asks the ledger, and writes the session anew */
	for (int i = 0; i < 2; i++) {
		cache_expire_ms(user, "session:", LEFT_MS);
		request.headers[1] = "Withdraw-Background: 1";
		ck_assert_int_eq(http_send(&request).status, 200);
		ck_assert_int_le(cache_ttl_ms(user, "session:"), LEFT_MS);
		request.headers[1] = i == 0 ? NULL : "Withdraw-Background: 0";
		ck_assert_int_eq(http_send(&request).status, 200);
		ck_assert_int_gt(cache_ttl_ms(user, "session:"), LEFT_MS);
	}
}
END_TEST

/* Asked of withdrawd itself, it is the same. */
START_TEST(question_without_use_is_none)
{
	enum { LEFT_MS = 60000 };
	const char *user = ledger_open("1.00");
	const char *cookie = sign_in(new_name(user));
	struct http_request request = {.path = "/api/session",
	    .headers = {keep_format("Cookie: withdraw_session=%s", cookie),
		"Withdraw-Background: 1"}};

	cache_expire_ms(user, "session:", LEFT_MS);
	ck_assert_int_eq(http_send(&request).status, 200);
	ck_assert_int_le(cache_ttl_ms(user, "session:"), LEFT_MS);
	request.headers[1] = NULL;
	ck_assert_int_eq(http_send(&request).status, 200);
	ck_assert_int_gt(cache_ttl_ms(user, "session:"), LEFT_MS);
}
END_TEST

START_TEST(session_ends_by_itself)
{
	const char *cookie;

	stack_restart("withdrawd",
	    _i == 0 ? "WITHDRAW_SESSION_IDLE_S=1" : "WITHDRAW_SESSION_MAX_S=1");
	cookie = sign_in(new_name(ledger_open("1.00")));
	/* asking keeps it alive, but not beyond its longest time */
	if (_i == 0) {
		const char *user = keep_text(cookie, strcspn(cookie, "."));

		WAIT_UNTIL(cache_count(user, "session:") == 0);
		ck_assert_int_eq(status_with(cookie), 401);
	} else {
		WAIT_UNTIL(status_with(cookie) == 401);
	}
}
END_TEST

/* Without Redis nobody has a session; who signs in otherwise goes on. */
START_TEST(without_redis_there_are_no_sessions)
{
	const char *user = ledger_open("1.00");
	const char *name = new_name(user), *cookie = sign_in(name);
	struct http_request basic = {.path = "/api/account", .user = user};

	stack_stop("redis");
	ck_assert_int_eq(status_with(cookie), 503);
	ck_assert_int_eq(try(name, password).status, 503);
	ck_assert_int_eq(
	    session("DELETE", "/api/session", cookie, NULL).status, 503);
	ck_assert_int_eq(http_send(&basic).status, 200);
}
END_TEST

/* --- guessing ------------------------------------------------------------ */

static const char *
credentials(const char *name, const char *word)
{
	return keep_format(
	    "{\"name\": \"%s\", \"password\": \"%s\"}", name, word);
}

/* What nginx would send for a client of that address. */
static struct fcgi_bytes
params_from(const char *address, const char *name, const char *word)
{
	const char *body = credentials(name, word);
	struct fcgi_bytes params = {0};

	fcgi_param(&params, "REQUEST_METHOD", "POST");
	fcgi_param(&params, "DOCUMENT_URI", "/api/session");
	fcgi_param(&params, "CONTENT_TYPE", "application/json");
	fcgi_param(&params, "CONTENT_LENGTH", keep_format("%zu", strlen(body)));
	fcgi_param(&params, "REMOTE_ADDR", address);
	return params;
}

static int
try_from(const char *address, const char *name, const char *word)
{
	struct fcgi_bytes params = params_from(address, name, word);

	return fcgi_ask(
	    setting("WITHDRAW_SOCKET"), &params, credentials(name, word))
	    .status;
}

/* The n-th network of those that are for examples. */
static const char *
network(int n)
{
	return keep_format("198.51.100.%d", n);
}

/* The key of a count: "name alice", "name alice from 192.0.2.1". */
static const char *
count_key(const char *of)
{
	return keep_format("withdraw:{sign-in %s}:attempts", of);
}

static long
counted(const char *of)
{
	const char *value = cache_get(count_key(of));

	return value != NULL ? strtol(value, NULL, 10) : 0;
}

/* The wait that an attempt has begun is over in a second: where it is to be met
 * again, it is made one of 50 first: by name none is of more than 60. */
static void
lengthen_wait(const char *of)
{
	const char *value = cache_get(count_key(of));
	long count;
	long long till;
	char born[32];

	ck_assert_ptr_nonnull(value);
	ck_assert_int_eq(
	    sscanf(value, "%ld %lld %31s", &count, &till, born), 3);
	/* of a second at least, since an attempt that came after the first */
	ck_assert_int_ge(till, strtoll(born, NULL, 10) / 1000 + 1000);
	cache_set(count_key(of),
	    keep_format("%ld %lld %s", count, till + 50000, born));
}

/* Guesses until it is slowed: how many there were. Each wait is twice the one
 * before: a slow machine meets one as well. */
static int
guess(const char *address, const char *name)
{
	for (int i = 0; i < 15; i++) {
		int status = try_from(address, name, "wrong");

		if (status == 429)
			return i;
		ck_assert_int_eq(status, 401);
	}
	ck_abort_msg("it is never slowed");
}

START_TEST(guessing_is_slowed)
{
	const char *name = _i == 0 ? new_name(ledger_open("1.00"))
				   : keep_format("nobody.%.8s", order_id());
	struct http_response answer;

	ck_assert_int_ge(guess("127.0.0.1", name), 6);
	answer = try(name, password);
	ck_assert_int_eq(answer.status, 429);
	expect_said(answer.body, "/problems/too-many-sign-ins");
	ck_assert_int_gt(atoi(http_header(&answer, "Retry-After")), 0);
	if (_i != 0)
		return;
	WAIT_UNTIL(try(name, password).status == 201);
	/* what was right makes it forget; and was itself no failure */
	ck_assert_int_ge(guess("127.0.0.1", name), 6);
}
END_TEST

/* A name is not kept from its owner by somebody elsewhere. */
START_TEST(stranger_slows_own_network)
{
	const char *name = new_name(ledger_open("1.00"));

	ck_assert_int_ge(guess(network(1), name), 6);
	lengthen_wait(keep_format("name %s from %s", name, network(1)));
	ck_assert_int_eq(try_from(network(1), name, password), 429);
	ck_assert_int_eq(try_from(network(2), name, password), 201);
	/* which frees nobody else */
	ck_assert_int_eq(
	    (int)counted(keep_format("name %s from %s", name, network(1))),
	    (int)counted(keep_format("name %s", name)));
	ck_assert_int_eq(try_from(network(1), name, password), 429);
}
END_TEST

/* Each network has guesses of its own, but a name has only so many. */
START_TEST(guessing_from_everywhere_is_slowed)
{
	const char *name = new_name(ledger_open("1.00"));
	int n = 0;

	while (try_from(network(n), name, "wrong") == 401)
		ck_assert_msg(++n < 65, "it is never slowed");
	ck_assert_int_ge(n, 51);
	lengthen_wait(keep_format("name %s", name));
	ck_assert_int_eq(try_from(network(250), name, password), 429);
	/* this was no attempt: no password was looked at */
	ck_assert_int_eq((int)counted(keep_format("name %s", name)), n);
	ck_assert_int_eq(
	    (int)counted(keep_format("network %s", network(250))), 0);
	ck_assert_int_eq(
	    (int)counted(keep_format("name %s from %s", name, network(250))),
	    0);
}
END_TEST

/* The networks of two addresses of one customer. */
START_TEST(ipv6_is_counted_by_network)
{
	const char *name = new_name(ledger_open("1.00"));

	ck_assert_int_eq(try_from("2001:db8:1:2::3", name, "wrong"), 401);
	ck_assert_int_eq(try_from("2001:db8:1:2:4:5:6:7", name, "wrong"), 401);
	ck_assert_int_eq(try_from("2001:db8:1:3::3", name, "wrong"), 401);
	ck_assert_int_eq((int)counted(keep_format("name %s from %s", name,
			     "2001:0db8:0001:0002::/64")),
	    2);
}
END_TEST

/* --- https -----------------------------------------------------------------
 */

/* A sign-in as nginx hands it on, of a client that came by https or not. */
static struct http_response
sign_in_by(const char *https, const char *name)
{
	struct fcgi_bytes params = params_from("192.0.2.1", name, password);
	struct http_response answer;

	if (https != NULL)
		fcgi_param(&params, "HTTPS", https);
	answer = fcgi_ask(
	    setting("WITHDRAW_SOCKET"), &params, credentials(name, password));
	ck_assert_int_eq(answer.status, 201);
	return answer;
}

static int
status_by(const char *https, const char *plain, const char *host)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/session", NULL, NULL, NULL);

	fcgi_param(&params, "WITHDRAW_SESSION", plain);
	fcgi_param(&params, "WITHDRAW_HOST_SESSION", host);
	if (https != NULL)
		fcgi_param(&params, "HTTPS", https);
	return fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL).status;
}

static const char *
secret_in(const char *cookie, const char *name)
{
	ck_assert_msg(strncmp(cookie, name, strlen(name)) == 0, "%s", cookie);
	cookie += strlen(name);
	return keep_text(cookie, strcspn(cookie, ";"));
}

/* What https needs of a cookie: __Host- is Secure, Path=/, and no Domain. */
static void
expect_host_cookie(const char *cookie)
{
	secret_in(cookie, "__Host-withdraw_session=");
	expect_said(cookie, "; Secure");
	expect_said(cookie, "; Path=/;");
	expect_said(cookie, "; HttpOnly");
	expect_said(cookie, "; SameSite=Strict");
	ck_assert_ptr_null(strcasestr(cookie, "domain"));
}

START_TEST(https_has_a_cookie_of_its_own)
{
	const char *name = new_name(ledger_open("1.00"));
	struct http_response answer = sign_in_by("on", name);
	const char *cookie = http_header(&answer, "Set-Cookie"), *value;
	struct fcgi_bytes params =
	    fcgi_params("DELETE", "/api/session", NULL, NULL, NULL);

	expect_host_cookie(cookie);
	value = secret_in(cookie, "__Host-withdraw_session=");
	ck_assert_int_eq(status_by("on", "", value), 200);
	ck_assert_int_eq(status_by("on", "1.x", value), 200);
	/* what another host could have put there says nothing */
	ck_assert_int_eq(status_by("on", value, ""), 401);
	ck_assert_int_eq(status_by("on", value, "1.x"), 401);
	ck_assert_int_eq(status_by(NULL, "", value), 401);
	fcgi_param(&params, "WITHDRAW_HOST_SESSION", value);
	fcgi_param(&params, "HTTPS", "on");
	answer = fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL);
	cookie = http_header(&answer, "Set-Cookie");
	expect_host_cookie(cookie);
	expect_said(cookie, "=; ");
	expect_said(cookie, "Max-Age=0");
	ck_assert_int_eq(status_by("on", "", value), 401);
}
END_TEST

static const char *const no_https[] = {NULL, "off", ""};

START_TEST(http_has_no_secure_cookie)
{
	struct http_response answer =
	    sign_in_by(no_https[_i], new_name(ledger_open("1.00")));
	const char *cookie = http_header(&answer, "Set-Cookie");
	const char *value = secret_in(cookie, "withdraw_session=");

	ck_assert_ptr_null(strcasestr(cookie, "secure"));
	ck_assert_int_eq(status_by(no_https[_i], value, ""), 200);
	ck_assert_int_eq(status_by(no_https[_i], "", value), 401);
}
END_TEST

/* TLS ends in front of nginx, which sees http; and how nginx finds the
 * cookie. */
START_TEST(https_can_be_said)
{
	const char *name = new_name(ledger_open("1.00")), *value;
	struct http_response answer;
	struct http_request request = {.path = "/api/account"};

	stack_restart("withdrawd", "WITHDRAW_HTTPS=always");
	answer = try(name, password);
	ck_assert_int_eq(answer.status, 201);
	expect_host_cookie(http_header(&answer, "Set-Cookie"));
	value = secret_in(
	    http_header(&answer, "Set-Cookie"), "__Host-withdraw_session=");
	const struct {
		const char *cookie;
		int status;
	} cases[] = {
	    {"__Host-withdraw_session=%s", 200},
	    {"a=b; __Host-withdraw_session=%s; c=d", 200},
	    {"withdraw_session=1.x; __Host-withdraw_session=%s", 200},
	    {"a=b;__Host-withdraw_session=%s", 200},
	    {"withdraw_session=%s", 401},
	    {"x__Host-withdraw_session=%s", 401},
	    {"x=__Host-withdraw_session=%s", 401},
	    {"__host-withdraw_session=%s", 401},
	    {"__Host-withdraw_sessions=%s", 401},
	    {"__Host-withdraw_session=%sx", 401},
	    {"a=b, __Host-withdraw_session=%s", 401},
	};

	for (int i = 0; i < COUNT(cases); i++) {
		const char *at = strstr(cases[i].cookie, "%s");

		request.headers[0] =
		    keep_format("Cookie: %.*s%s%s", (int)(at - cases[i].cookie),
			cases[i].cookie, value, at + 2);
		answer = http_send(&request);
		ck_assert_msg(answer.status == cases[i].status, "%s: %d",
		    cases[i].cookie, answer.status);
	}
}
END_TEST

/* --- what was no attempt -------------------------------------------------- */

enum { FAILURES = 3 };

static void
expect_counted(const char *name, int n)
{
	ck_assert_int_eq((int)counted("network 127.0.0.1"), n);
	ck_assert_int_eq(
	    (int)counted(keep_format("name %s from 127.0.0.1", name)), n);
	ck_assert_int_eq((int)counted(keep_format("name %s", name)), n);
}

START_TEST(without_the_ledger_it_is_no_attempt)
{
	enum { TRIES = 2 }; /* as many as are free */
	const char *name = new_name(ledger_open("1.00"));
	struct http_request requests[TRIES];
	struct http_response *answers;

	for (int i = 0; i < FAILURES; i++)
		ck_assert_int_eq(try(name, "wrong").status, 401);
	expect_counted(name, FAILURES);
	for (int i = 0; i < TRIES; i++)
		requests[i] = (struct http_request){.method = "POST",
		    .path = "/api/session",
		    .body = credentials(name, i == 0 ? password : "wrong")};
	ledger_disconnect();
	stack_stop("postgres");
	answers = http_send_all(requests, TRIES);
	for (int i = 0; i < TRIES; i++)
		ck_assert_int_eq(answers[i].status, 503);
	expect_counted(name, FAILURES);
	stack_start("postgres");
	WAIT_UNTIL(try(name, password).status == 201);
}
END_TEST

/* More at once than can be hashed, of a name that is there and of one that is
 * not: only those whose password was looked at count. */
START_TEST(crowd_that_is_turned_away_made_no_attempts)
{
	enum { CROWD = 40 };
	const char *name = _i == 0 ? new_name(ledger_open("1.00"))
				   : keep_format("nobody.%.8s", order_id());
	const char *body = credentials(name, "wrong");
	int fds[CROWD], looked = 0, away = 0;

	stack_restart("withdrawd", "WITHDRAW_WORKERS=1");
	for (int i = 0; i < FAILURES; i++)
		ck_assert_int_eq(try_from(network(i), name, "wrong"), 401);
	for (int i = 0; i < CROWD; i++) {
		struct fcgi_bytes params =
		    params_from(network(i), name, "wrong");
		struct fcgi_bytes request = fcgi_request(&params, body, false);

		fds[i] = fcgi_connect(setting("WITHDRAW_SOCKET"));
		fcgi_send(fds[i], &request);
	}
	for (int i = 0; i < CROWD; i++) {
		int status = fcgi_receive(fds[i]).status;

		close(fds[i]);
		looked += status == 401;
		away += status == 503;
	}
	ck_assert_int_eq(looked + away, CROWD);
	ck_assert_int_gt(away, 0);
	ck_assert_int_eq(
	    (int)counted(keep_format("name %s", name)), FAILURES + looked);
	ck_assert_int_ge(
	    (int)cache_matches(count_key(keep_format("name %s from *", name))),
	    looked);
}
END_TEST

/* Taken back is one's own: neither the failures of others nor their wait. */
static const struct {
	const char *meanwhile, *then;
	bool anew; /* forgotten meanwhile, and begun anew */
} others[] = {
    {"7 99999999999999 ", "6 99999999999999 ", false},
    {"7 0 ", "6 0 ", false},
    {"3 0 ", "3 0 ", true},
};

START_TEST(failures_of_others_stay)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *key =
	    count_key(keep_format("name %s from 127.0.0.1", name));
	struct http_request request = {.method = "POST",
	    .path = "/api/session",
	    .body = credentials(name, password)};
	struct session *holder = session_open("postgres");
	struct http_batch *batch;
	const char *value, *born;

	session_run(holder, "BEGIN");
	session_run(holder, "LOCK TABLE sign_in");
	batch = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 1);
	value = cache_get(key);
	ck_assert_ptr_nonnull(value);
	born = strrchr(value, ' ') + 1;
	cache_set(key,
	    keep_format(
		"%s%s", others[_i].meanwhile, others[_i].anew ? "1" : born));
	/* longer than the ledger may take */
	ck_assert_int_eq(http_finish(batch)[0].status, 503);
	session_close_all();
	ck_assert_str_eq(cache_get(key),
	    keep_format("%s%s", others[_i].then, others[_i].anew ? "1" : born));
	ck_assert_int_eq((int)counted(keep_format("name %s", name)), 0);
}
END_TEST

START_TEST(guessing_at_once_gains_nothing)
{
	enum { GUESSES = 24 };
	const char *name = new_name(ledger_open("1.00"));
	struct http_request requests[GUESSES];
	struct http_response *answers;
	int looked = 0;

	for (int i = 0; i < GUESSES; i++)
		requests[i] = (struct http_request){.method = "POST",
		    .path = "/api/session",
		    .body = keep_format(
			"{\"name\": \"%s\", \"password\": \"guess %d\"}", name,
			i)};
	answers = http_send_all(requests, GUESSES);
	for (int i = 0; i < GUESSES; i++) {
		ck_assert_msg(answers[i].status == 401 ||
			answers[i].status == 429 || answers[i].status == 503,
		    "%d", answers[i].status);
		looked += answers[i].status == 401;
	}
	/* a few seconds may go by meanwhile, and each lets one more in */
	ck_assert_int_le(looked, 10);
}
END_TEST

/* Many names from one address: the address is slowed. */
START_TEST(address_is_slowed)
{
	struct http_response answer = {0};

	cache_flush();
	for (int i = 0; i < 31; i++) {
		answer = try(keep_format("nobody.%.8s", order_id()), "wrong");
		ck_assert_int_eq(answer.status, 401);
	}
	lengthen_wait("network 127.0.0.1");
	answer = try(keep_format("nobody.%.8s", order_id()), "wrong");
	ck_assert_int_eq(answer.status, 429);
	cache_flush();
}
END_TEST

/* --- nothing else lets anybody in ---------------------------------------- */

START_TEST(forged_cookies_are_nobody)
{
	const char *user = ledger_open("1.00"), *other = ledger_open("1.00");
	const char *cookie = sign_in(new_name(user));
	const char *secret = strchr(cookie, '.');
	const char *forged[] = {"", ".", "1001", "1001.",
	    keep_format("%s%s", other, secret), keep_format("0%s", cookie),
	    keep_format("%s0", cookie), keep_format("%s.%064d", user, 0),
	    "-1.x", "%00"};

	for (int i = 0; i < COUNT(forged); i++)
		ck_assert_msg(status_with(forged[i]) == 401, "%s", forged[i]);
	ck_assert_int_eq(status_with(cookie), 200);
}
END_TEST

static const char *const claims[] = {"X-Withdraw-User: 1001",
    "Withdraw-User: 1001", "Withdraw-Session: 1001.x", "Remote-User: alice",
    "Authorization: Basic YWxpY2U6d3Jvbmc=" /* alice:wrong */};
static const char *const paths[] = {"/api/account", "/%61pi/account",
    "//api/account", "/words/../api/account", "/x/..//api/account",
    "/./api/account", "/api/./account", "/_withdraw_session", "/api/session"};

/* However the path is written, and whatever the client claims to be. */
START_TEST(claims_are_nobody)
{
	for (int i = 0; i < COUNT(claims); i++) {
		struct http_request request = {
		    .path = paths[_i], .headers = {claims[i]}};
		struct http_response answer = http_send(&request);

		ck_assert_msg(answer.status == 401 || answer.status == 404,
		    "%s %s: %d", paths[_i], claims[i], answer.status);
	}
}
END_TEST

/* Whoever is signed in is nobody else by claiming to be, and nothing of
 * somebody else's is seen. */
START_TEST(claims_change_no_session)
{
	static const char *const names[] = {"X-Withdraw-User", "Withdraw-User",
	    "Withdraw_User", "X-User-Id", "Remote-User", "X-Remote-User"};
	const char *user = ledger_open("7.00"), *other = ledger_open("9.00");
	const char *cookie = sign_in(new_name(user));

	for (int i = 0; i < COUNT(names); i++) {
		struct http_request request = {.path = "/api/account",
		    .headers = {keep_format("%s: %s", names[i], other),
			keep_format("Cookie: withdraw_session=%s", cookie)}};
		struct http_response answer = http_send(&request);

		ck_assert_msg(
		    answer.status == 200, "%s: %d", names[i], answer.status);
		ck_assert_str_eq(json_get(answer.body, "user_id"), user);
		ck_assert_str_eq(json_get(answer.body, "balance"), "7.00");
	}
}
END_TEST

/* It looks like a file's name, and is none. */
START_TEST(api_itself_is_no_file)
{
	struct http_request request = {
	    .path = _i == 0 ? "/api" : "/api?x", .headers = {claims[4]}};

	ck_assert_int_eq(http_send(&request).status, 401);
}
END_TEST

/* A session of before the password was changed ends itself alone. */
START_TEST(old_session_has_no_say)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *old = sign_in(name), *cookie;

	ck_assert_int_eq(status_with(old), 200);
	ledger_sql("UPDATE sign_in SET generation = generation + 1 "
		   "WHERE name = $1",
	    name, NULL);
	cookie = sign_in(name);
	ck_assert_int_eq(
	    session("DELETE", "/api/session?everywhere=1", old, NULL).status,
	    200);
	ck_assert_int_eq(status_with(old), 401);
	ck_assert_int_eq(status_with(cookie), 200);
}
END_TEST

/* What the ledger has not noted is not said to be so. */
START_TEST(without_the_ledger_not_all_are_ended)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *first = sign_in(name), *second = sign_in(name);
	int status;

	ledger_sql("REVOKE EXECUTE ON FUNCTION sign_in_leave(text, bigint, "
		   "bigint) FROM withdraw_service",
	    NULL);
	status =
	    session("DELETE", "/api/session?everywhere=1", first, NULL).status;
	ledger_sql("GRANT EXECUTE ON FUNCTION sign_in_leave(text, bigint, "
		   "bigint) TO withdraw_service",
	    NULL);
	ck_assert_int_eq(status, 503);
	ck_assert_int_eq(status_with(first), 200);
	ck_assert_int_eq(
	    session("DELETE", "/api/session?everywhere=1", first, NULL).status,
	    200);
	ck_assert_int_eq(status_with(second), 401);
}
END_TEST

/* Whom the ledger cannot speak for is not let in. */
START_TEST(without_the_ledger_nobody_is_let_in)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *cookie = sign_in(name);
	int status;

	ledger_sql("REVOKE EXECUTE ON FUNCTION sign_in_stands(text, bigint, "
		   "bigint) FROM withdraw_service",
	    NULL);
	status = status_with(cookie);
	ledger_sql("GRANT EXECUTE ON FUNCTION sign_in_stands(text, bigint, "
		   "bigint) TO withdraw_service",
	    NULL);
	ck_assert_int_eq(status, 503);
	ck_assert_int_eq(status_with(cookie), 200);
}
END_TEST

START_TEST(files_are_for_everybody)
{
	ck_assert_int_eq(session("GET", "/", NULL, NULL).status, 200);
	ck_assert_int_eq(session("GET", "/?a=/api/", NULL, NULL).status, 200);
	ck_assert_int_eq(
	    session("GET", "/withdraw.css", NULL, NULL).status, 200);
	ck_assert_int_eq(
	    session("GET", "/problems/busy", NULL, NULL).status, 200);
}
END_TEST

/* --- the operator -------------------------------------------------------- */

START_TEST(operator_sees_no_hash)
{
	const char *user = ledger_open("1.00"), *name = new_name(user);
	const char *out = expect_done(run(
	    CTL("users", "list", "--user", user, "--limit", "1000", "--json")));
	struct command command = {
	    .argv = {"psql", "-XqAtc", "SELECT password FROM sign_in"},
	    .env = {"PGUSER=withdraw_operator"}};

	expect_said(out, name);
	ck_assert_ptr_null(strstr(out, "$y$"));
	/* other tests have given the same user other names */
	out = strstr(out, name);
	expect_said(keep_text(out, strcspn(out, "}")), "\"disabled\": false");
	expect_said(command_run(&command).err, "permission denied");
	expect_said(ledger_sql("SELECT password FROM sign_in WHERE name = $1",
			name, NULL),
	    "$y$");
	ck_assert_str_eq(
	    ledger_sql("SELECT command FROM operator_audit WHERE user_id = "
		       "$1::bigint ORDER BY id DESC LIMIT 1",
		user, NULL),
	    "user add");
	command = CTL("user", "add", name, user);
	command.in = "x y z x y z\n";
	expect_refused(command_run(&command), 1, "exists already");
	command = CTL("user", "passwd", "nobody.at.all");
	command.in = "x y z x y z\n";
	expect_refused(command_run(&command), 1, "no such name");
	command = CTL("user", "passwd", name);
	command.in = "";
	expect_refused(command_run(&command), 2, "nothing was done");
	expect_refused(run(CTL("user", "add", "-x.", user)), 2, "-x");
	expect_refused(run(CTL("user", "add", "a b", user)), 2, "\"a b\"");
}
END_TEST

/* --- what is left behind ---------------------------------------------------
 */

/* However a sign-in ends. The password has an escape: it is put together
 * anew from what came. */
static const struct {
	const char *before, *behind, *type;
	int status;
} endings[] = {
    {"", "}", NULL, 401},
    {"", ", \"x\": 1}", NULL, 400},
    {"-", "}", NULL, 400},
    {"", "", NULL, 400},
    {"", "}", "text/plain", 415},
};

START_TEST(no_password_is_remembered)
{
	const char *name = new_name(ledger_open("1.00"));
	const char *word = keep_format("needle.%s", order_id());
	struct workers workers;
	struct http_request request = {.method = "POST",
	    .path = "/api/session",
	    .content_type = endings[_i].type};
	bool looked;

	stack_restart("withdrawd", "WITHDRAW_WORKERS=1");
	workers = stack_workers();
	ck_assert_uint_eq(workers.n, 1);
	request.body = keep_format("{\"name\": \"%s%s\", \"password\": "
				   "\"%s\\\"\"%s",
	    endings[_i].before, name, word, endings[_i].behind);
	ck_assert_int_eq(http_send(&request).status, endings[_i].status);
	ck_assert(!process_remembers(workers.pids[0], word, &looked));
	/* and it would have been found */
	ck_assert(!looked ||
	    process_remembers(workers.pids[0], "WITHDRAW_WORKERS=1", &looked));
}
END_TEST

START_TEST(no_core_is_written)
{
	struct workers workers = stack_workers();
	const char *limits;

	ck_assert_uint_gt(workers.n, 0);
	limits =
	    read_file(keep_format("/proc/%ld/limits", (long)workers.pids[0]));
	limits = strstr(limits, "Max core file size");
	ck_assert_ptr_nonnull(limits);
	limits += strlen("Max core file size");
	limits += strspn(limits, " ");
	ck_assert_int_eq(strncmp(limits, "0 ", 2), 0);
	limits += 1 + strspn(limits + 1, " ");
	ck_assert_int_eq(strncmp(limits, "0 ", 2), 0);
}
END_TEST

static TCase *
signin_case(Suite *suite, const char *name)
{
	TCase *tcase = fixture_case(suite, name);

	tcase_add_checked_fixture(tcase, set_up, NULL);
	return tcase;
}

Suite *
signin_suite(void)
{
	Suite *suite = suite_create("signin");
	TCase *tcase = signin_case(suite, "sessions");

	tcase_add_test(tcase, session_withdraws);
	tcase_add_test(tcase, names_are_in_lower_case);
	tcase_add_test(tcase, refusals_are_alike);
	tcase_add_loop_test(tcase, bad_body_is_refused, 0, COUNT(bodies));
	tcase_add_loop_test(
	    tcase, another_site_signs_nobody_in, 0, COUNT(elsewhere));
	tcase_add_test(tcase, signing_out_ends_one_session);
	tcase_add_test(tcase, signing_out_everywhere_ends_all);
	tcase_add_test(tcase, signing_in_ends_the_session_before);
	tcase_add_test(tcase, signing_in_takes_no_given_id);
	tcase_add_loop_test(tcase, operator_ends_sessions, 0, COUNT(ends));
	tcase_add_test(tcase, redis_has_no_secret);
	tcase_add_test(tcase, redis_that_forgets_signs_out);
	tcase_add_test(tcase, only_use_keeps_a_session);
	tcase_add_test(tcase, question_without_use_is_none);
	tcase_add_loop_test(tcase, session_ends_by_itself, 0, 2);
	tcase_add_test(tcase, without_redis_there_are_no_sessions);
	tcase_add_test(tcase, old_session_has_no_say);
	tcase_add_test(tcase, without_the_ledger_nobody_is_let_in);
	tcase_add_test(tcase, without_the_ledger_not_all_are_ended);

	tcase = signin_case(suite, "guessing");
	tcase_add_loop_test(tcase, guessing_is_slowed, 0, 2);
	tcase_add_test(tcase, stranger_slows_own_network);
	tcase_add_test(tcase, guessing_from_everywhere_is_slowed);
	tcase_add_test(tcase, ipv6_is_counted_by_network);
	tcase_add_test(tcase, guessing_at_once_gains_nothing);
	tcase_add_test(tcase, address_is_slowed);
	tcase_add_test(tcase, without_the_ledger_it_is_no_attempt);
	tcase_add_loop_test(
	    tcase, crowd_that_is_turned_away_made_no_attempts, 0, 2);
	tcase_add_loop_test(tcase, failures_of_others_stay, 0, COUNT(others));

	tcase = signin_case(suite, "https");
	tcase_add_test(tcase, https_has_a_cookie_of_its_own);
	tcase_add_loop_test(
	    tcase, http_has_no_secure_cookie, 0, COUNT(no_https));
	tcase_add_test(tcase, https_can_be_said);

	tcase = signin_case(suite, "claims");
	tcase_add_test(tcase, forged_cookies_are_nobody);
	tcase_add_loop_test(tcase, claims_are_nobody, 0, COUNT(paths));
	tcase_add_test(tcase, claims_change_no_session);
	tcase_add_loop_test(tcase, api_itself_is_no_file, 0, 2);
	tcase_add_test(tcase, files_are_for_everybody);

	tcase = signin_case(suite, "secrets");
	tcase_add_test(tcase, operator_sees_no_hash);
	tcase_add_loop_test(
	    tcase, no_password_is_remembered, 0, COUNT(endings));
	tcase_add_test(tcase, no_core_is_written);
	return suite;
}
