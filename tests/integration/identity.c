/* Who is calling, and from where: nobody acts for somebody else. */
#include <string.h>

#include "fcgi_client.h"
#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "suites.h"
#include "support.h"

START_TEST(nobody_is_refused)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_request request =
	    order_request(&order, order_token(&order));
	struct http_response answer;

	request.user = NULL;
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", NULL);
	request.user = order.user;
	request.password = "wrong";
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", NULL);
	ck_assert_str_eq(ledger_status(order.id), "none");
}
END_TEST

static const char *const claims[] = {"Withdraw-User", "WITHDRAW_USER",
    "WITHDRAW-USER", "Remote-User", "REMOTE_USER", "X-Withdraw-User",
    "X-Remote-User"};

START_TEST(claims_change_nothing)
{
	const char *victim = ledger_open("10.00");
	const char *user = ledger_open("10.00");
	struct http_request request = {
	    .path = "/api/account",
	    .user = user,
	    .headers = {keep_format("%s: %s", claims[_i], victim)},
	};
	struct http_response answer = http_send(&request);

	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);
	request.user = NULL;
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", NULL);
}
END_TEST

/* Whom the client takes itself for is compared, and never believed. */
static const struct {
	const char *expected; /* "own": the user's own id */
	bool allowed;
} expectations[] = {{"own", true}, {"1001", false}, {"0", false}, {"", false},
    {"alice", false}, {"1001, 1001", false}};

START_TEST(other_users_requests_are_refused)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	const char *expected = expectations[_i].expected;
	struct http_request request =
	    order_request(&order, order_token(&order));
	struct http_response answer;

	if (strcmp(expected, "own") == 0)
		expected = order.user;
	/* curl's way to send a header without a value */
	request.headers[0] = *expected != '\0'
	    ? keep_format("Withdraw-Expect-User: %s", expected)
	    : "Withdraw-Expect-User;";
	answer = http_send(&request);
	if (expectations[_i].allowed) {
		expect_success(&answer, &order);
	} else {
		expect_problem(&answer, 401, "unauthenticated", "unknown");
		ck_assert_str_eq(ledger_status(order.id), "none");
	}
}
END_TEST

static const struct {
	const char *origin; /* "own": that of BASE_URL */
	const char *site;
	bool allowed;
} origins[] = {
    {NULL, NULL, true},
    {"own", NULL, true},
    {"own", "same-origin", true},
    {NULL, "same-origin", true},
    {NULL, "none", true},
    {"http://attacker.example", NULL, false},
    {"http://attacker.example", "same-origin", false},
    {"null", NULL, false},
    {"own", "cross-site", false},
    {"own", "same-site", false},
    {NULL, "cross-site", false},
    {NULL, "same-site", false},
    {"http://127.0.0.1:1", NULL, false},
    {"http://127.0.0.1", NULL, false},
    {"own/", NULL, false},
    {"own.attacker.example", NULL, false},
};

static const char *
origin_of(const char *pattern)
{
	if (strncmp(pattern, "own", 3) == 0)
		return keep_format("%s%s", setting("BASE_URL"), pattern + 3);
	return pattern;
}

static void
add_origin(struct http_request *request, int i)
{
	if (origins[i].origin != NULL)
		request->headers[0] =
		    keep_format("Origin: %s", origin_of(origins[i].origin));
	if (origins[i].site != NULL)
		request->headers[1] =
		    keep_format("Sec-Fetch-Site: %s", origins[i].site);
}

START_TEST(other_sites_are_refused)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_request posts[] = {
	    {.method = "POST",
		.path = "/api/token",
		.user = order.user,
		.key = order.id},
	    order_request(&order, order_token(&order)),
	    order_void_request(&order),
	};

	for (size_t p = 0; p < sizeof(posts) / sizeof(posts[0]); p++) {
		struct http_response answer;

		add_origin(&posts[p], _i);
		answer = http_send(&posts[p]);
		if (origins[_i].allowed)
			ck_assert_msg(answer.status / 100 == 2, "%d %s",
			    answer.status, answer.body);
		else
			expect_problem(&answer, 403, "cross-site", NULL);
	}
	ck_assert_str_eq(ledger_status(order.id),
	    origins[_i].allowed ? "succeeded" : "none");
}
END_TEST

START_TEST(only_json_is_read)
{
	static const char *const types[] = {"text/plain",
	    "application/x-www-form-urlencoded", "multipart/form-data",
	    "application/jsonx", "text/json", "application/xml"};
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_request request =
	    order_request(&order, order_token(&order));
	struct http_response answer;

	request.content_type = types[_i];
	answer = http_send(&request);
	expect_problem(&answer, 415, "unsupported-media-type", NULL);
	ck_assert_str_eq(ledger_status(order.id), "none");
	request.content_type = "application/json; charset=utf-8";
	answer = http_send(&request);
	expect_success(&answer, &order);
}
END_TEST

START_TEST(body_without_a_type_is_refused)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_request request =
	    order_request(&order, order_token(&order));
	struct http_response answer;

	request.content_type = "";
	answer = http_send(&request);
	expect_problem(&answer, 415, "unsupported-media-type", NULL);
	ck_assert_str_eq(ledger_status(order.id), "none");
}
END_TEST

/* What only a wrongly set up web server would send. */
static const char *const bad_users[] = {"", "abc", "-1", "+1", "01", "1 ", " 1",
    "1.0", "0x1", "0", "9223372036854775808", "18446744073709551617", "1\n",
    "１"};

START_TEST(malformed_user_is_nobody)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/account", bad_users[_i], NULL, NULL);
	struct http_response answer =
	    fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL);

	expect_problem(&answer, 401, "unauthenticated", NULL);
}
END_TEST

START_TEST(missing_user_is_nobody)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/account", NULL, NULL, NULL);
	struct http_response answer;

	fcgi_param(&params, "REMOTE_USER", ledger_open("1.00"));
	answer = fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL);
	expect_problem(&answer, 401, "unauthenticated", NULL);
}
END_TEST

START_TEST(user_given_twice_is_nobody)
{
	const char *user = ledger_open("1.00");
	const char *second[] = {user, "1", ""};
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/account", user, NULL, NULL);
	struct http_response answer;

	fcgi_param(&params, "WITHDRAW_USER", second[_i]);
	answer = fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL);
	expect_problem(&answer, 401, "unauthenticated", NULL);
}
END_TEST

START_TEST(remote_user_is_ignored)
{
	const char *user = ledger_open("1.00");
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/account", user, NULL, NULL);
	struct http_response answer;

	fcgi_param(&params, "REMOTE_USER", ledger_open("1.00"));
	answer = fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL);
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "user_id"), user);
}
END_TEST

START_TEST(two_keys_are_refused)
{
	const char *user = ledger_open("1.00");
	struct fcgi_bytes params =
	    fcgi_params("POST", "/api/token", user, order_id(), NULL);
	struct http_response answer;

	fcgi_param(&params, "HTTP_IDEMPOTENCY_KEY", order_id());
	answer = fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL);
	expect_problem(&answer, 400, "malformed", NULL);
}
END_TEST

Suite *
identity_suite(void)
{
	Suite *suite = suite_create("identity");
	TCase *tcase = fixture_case(suite, "nginx");

	tcase_add_test(tcase, nobody_is_refused);
	tcase_add_loop_test(tcase, claims_change_nothing, 0, COUNT(claims));
	tcase_add_loop_test(
	    tcase, other_users_requests_are_refused, 0, COUNT(expectations));
	tcase_add_loop_test(tcase, other_sites_are_refused, 0, COUNT(origins));
	tcase_add_loop_test(tcase, only_json_is_read, 0, 6);
	tcase_add_test(tcase, body_without_a_type_is_refused);

	tcase = fixture_case(suite, "params");
	tcase_add_loop_test(
	    tcase, malformed_user_is_nobody, 0, COUNT(bad_users));
	tcase_add_test(tcase, missing_user_is_nobody);
	tcase_add_loop_test(tcase, user_given_twice_is_nobody, 0, 3);
	tcase_add_test(tcase, remote_user_is_ignored);
	tcase_add_test(tcase, two_keys_are_refused);
	return suite;
}
