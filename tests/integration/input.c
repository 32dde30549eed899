/*
 * Malformed input: refused before anything happens, by a worker that lives
 * on, and without a trace of it where it could do harm.
 */
#include <check.h>
#include <string.h>

#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

static struct order order;
static const char *token;
static struct workers workers_before;

static void
prepare(void)
{
	order = order_new(ledger_open("1000.00"), "1.00");
	token = order_token(&order);
	workers_before = stack_workers();
}

/* Whatever a test has sent, it has moved no money and killed no worker. */
static void
expect_untouched(void)
{
	struct workers now = stack_workers();

	ck_assert_str_eq(ledger_balance(order.user), "1000.00");
	ck_assert_int_eq(ledger_number("SELECT count(*) FROM withdraw_record "
				       "WHERE user_id = $1::bigint",
			     order.user, NULL),
	    0);
	ck_assert_msg(workers_same(&workers_before, &now),
	    "a worker has died: see %s/log/withdrawd.log", setting("RUN_DIR"));
}

static struct http_response
send_body(const char *body, size_t len)
{
	struct http_request request = order_request(&order, token);

	request.body = body;
	request.body_len = len;
	return http_send(&request);
}

static const char *
body_with_amount(const char *json_amount)
{
	return keep_format(
	    "{\"token\": \"%s\", \"amount\": %s}", token, json_amount);
}

/* As they stand in the JSON text. */
static const char *const bad_amounts[] = {"\"1e2\"", "\"-0\"", "\"-1\"",
    "\"+1\"", "\"01\"", "\"1.\"", "\".5\"", "\"1.234\"", "\"0\"", "\"0.0\"",
    "\"0.00\"", "\"12345678901234\"", "\"99999999999999999999999\"",
    "\"１００\"", "\"\\uff11\"", "\"NaN\"", "\"Infinity\"", "\"1e999\"", "\"\"",
    "\" 1\"", "\"1 \"", "\"1\\n\"", "\"1,00\"", "\"1_0\"", "\"0x10\"",
    "\"1\\u0000\"", "\"1.00\\u00000\"", "\"\\u0000\"", "\"1.0.0\"", "\"00.10\"",
    "\"1'; DROP TABLE account; --\"", "null", "true", "[]", "{}", "[\"1.00\"]"};

START_TEST(bad_amount)
{
	const char *body = body_with_amount(bad_amounts[_i]);
	struct http_response answer = send_body(body, 0);

	expect_problem(&answer, 400, "malformed", NULL);
	expect_untouched();
}
END_TEST

static const char *const number_amounts[] = {
    "1", "1.00", "100", "1e2", "-1", "1e999", "123456789012345678901234567890"};

START_TEST(number_as_amount_is_told_apart)
{
	const char *body = body_with_amount(number_amounts[_i]);
	struct http_response answer = send_body(body, 0);

	expect_problem(&answer, 400, "malformed", NULL);
	ck_assert_msg(strstr(json_get(answer.body, "detail"), "string") != NULL,
	    "does not say that a string is wanted: %s", answer.body);
	expect_untouched();
}
END_TEST

#define T "\"token\": \"%s\""
#define A "\"amount\": \"1.00\""

/* %s: the valid token. */
static const char *const bad_bodies[] = {
    "{" T ", " A ", " A "}",
    "{" T ", " A ", \"amount\": \"2.00\"}",
    "{" T ", " T ", " A "}",
    "{" T ", " A ", \"\\u0061mount\": \"2.00\"}",
    "{" T ", \"\\u0061mount\": \"2.00\", " A "}",
    "{" T ", " A ", \"extra\": \"1\"}",
    "{" T ", " A ", \"Amount\": \"1.00\"}",
    "{" T ", " A ", \"amount\\u0000\": \"1.00\"}",
    "{" T ", " A ", \"\": \"\"}",
    "{" T "}",
    "{\"order\": {" T ", " A "}}",
    "{" T ", " A ", \"x\": {\"y\": []}}",
    "{" T ", " A "} trailing",
    "{" T ", " A "}{" T ", " A "}",
    "{" T ", " A "}\x01",
    "{" T ", /* a comment */ " A "}",
    "{" T ", // a comment\n" A "}",
    "{" T ", " A ",}",
    "{" T " " A "}",
    "{" T ", " A,
    "{" T ", \"amount\": \"1.00",
    "{" T ", \"amount\": ",
    "{" T ", amount: \"1.00\"}",
    "{" T ", 'amount': '1.00'}",
    "[{" T ", " A "}]",
    "[]",
    "\"%s\"",
    "null",
    "1",
    "{",
    "}",
    "",
    " ",
    "{" T ", \"amount\": \"1.00\xff\"}",
    "{" T ", \"amount\": \"1.00\xc0\x80\"}",
    "{" T ", \"amount\": \"\\ud800\"}",
    "{" T ", \"amount\": \"\\u12\"}",
    "{" T ", \"amount\": \"1.00\n\"}",
    "{" T ", \"amount\x80\": \"1.00\"}",
    "{" T ", \"amount\": \"1.00\", \"\\ud800\": \"\"}",
    "\xef\xbb\xbf{" T ", " A "}",
    "\xff\xfe{",
};

#undef T
#undef A

/* The pattern with every %s replaced by the token. */
static const char *
fill(const char *pattern)
{
	const char *text = "";
	const char *hole;

	while ((hole = strstr(pattern, "%s")) != NULL) {
		text = keep_format(
		    "%s%.*s%s", text, (int)(hole - pattern), pattern, token);
		pattern = hole + 2;
	}
	return keep_format("%s%s", text, pattern);
}

START_TEST(bad_body)
{
	struct http_response answer = send_body(fill(bad_bodies[_i]), 0);

	expect_problem(&answer, 400, "malformed", NULL);
	expect_untouched();
}
END_TEST

START_TEST(raw_nul_in_the_body)
{
	const char *body = body_with_amount("\"1.00\"");
	size_t len = strlen(body);
	char *copy = keep_text(body, len);
	struct http_response answer;

	copy[len - 3] = '\0'; /* "1.0<NUL>" */
	answer = send_body(copy, len);
	expect_problem(&answer, 400, "malformed", NULL);
	/* and after its end */
	answer = send_body(body, len + 1);
	expect_problem(&answer, 400, "malformed", NULL);
	expect_untouched();
}
END_TEST

START_TEST(deep_nesting)
{
	enum { DEPTH = 3900 };
	char *body = keep(DEPTH + 1);
	struct http_response answer;

	memset(body, _i == 0 ? '[' : '{', DEPTH);
	answer = send_body(body, 0);
	expect_problem(&answer, 400, "malformed", NULL);
	expect_untouched();
}
END_TEST

START_TEST(too_large_a_body)
{
	enum { LARGE = 5 * 1024 };
	char *body = keep(LARGE + 1);
	struct http_response answer;

	memset(body, ' ', LARGE);
	answer = send_body(body, 0);
	expect_problem(&answer, 413, "too-large", NULL);
	expect_untouched();
}
END_TEST

/* %s: the order's UUID. */
static const char *const bad_keys[] = {NULL, "", "x", "1234",
    "00000000-0000-0000-0000-000000000000",
    "6f1d8c8e-0b0c-4c52-9f0a-0123456789a",
    "6f1d8c8e-0b0c-4c52-9f0a-0123456789abc", "6f1d8c8e0b0c4c529f0a0123456789ab",
    "{6f1d8c8e-0b0c-4c52-9f0a-0123456789ab}",
    "6f1d8c8e-0b0c-4c52-9f0a-0123456789aG",
    "6f1d8c8e-0b0c-4c52-9f0a_0123456789ab",
    "\"6f1d8c8e-0b0c-4c52-9f0a-0123456789ab",
    "6f1d8c8e-0b0c-4c52-9f0a-0123456789ab\"",
    "\"6f1d8c8e-0b0c-4c52-9f0a-0123456789ab\";a=1,",
    "6f1d8c8e-0b0c-4c52-9f0a-0123456789ab, "
    "7f1d8c8e-0b0c-4c52-9f0a-0123456789ab",
    "6f1d8c8e-0b0c-4c52-9f0a-0123456789ab 1", "'; DROP TABLE account; --",
    "6f1d8c8e-0b0c-4c52-9f0a-0123456789ab\x1b[31m", "%s%n%s%n",
    "../../etc/passwd"};

START_TEST(bad_key)
{
	struct http_request posts[] = {
	    {.method = "POST", .path = "/api/token", .user = order.user},
	    order_request(&order, token),
	};

	for (int p = 0; p < COUNT(posts); p++) {
		struct http_response answer;

		posts[p].key = bad_keys[_i];
		answer = http_send(&posts[p]);
		expect_problem(&answer, 400, "malformed", NULL);
	}
	expect_untouched();
}
END_TEST

START_TEST(very_long_key)
{
	enum { LONG = 3000 };
	struct http_request request = order_request(&order, token);
	char *key = keep(LONG + 1);
	struct http_response answer;

	memset(key, 'a', LONG);
	request.key = key;
	answer = http_send(&request);
	expect_problem(&answer, 400, "malformed", NULL);
	expect_untouched();
}
END_TEST

START_TEST(two_keys)
{
	struct http_request request = order_request(&order, token);
	struct http_response answer;

	request.headers[0] = keep_format("Idempotency-Key: %s", order_id());
	answer = http_send(&request);
	expect_problem(&answer, 400, "malformed", NULL);
	request.headers[0] = keep_format("Idempotency-Key: %s", order.id);
	answer = http_send(&request);
	expect_problem(&answer, 400, "malformed", NULL);
	expect_untouched();
}
END_TEST

static const char *
upper(const char *text)
{
	char *copy = keep_text(text, strlen(text));

	for (char *c = copy; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return copy;
}

START_TEST(spellings_of_a_key_are_one_order)
{
	const char *spellings[] = {order.id, upper(order.id),
	    keep_format("\"%s\"", order.id),
	    keep_format("\"%s\"", upper(order.id))};
	struct http_request request = order_request(&order, token);
	struct http_response first;

	request.key = spellings[_i];
	first = http_send(&request);
	expect_success(&first, &order);
	for (int i = 0; i < COUNT(spellings); i++) {
		struct http_response again;

		request.key = spellings[i];
		again = http_send(&request);
		ck_assert_msg(answer_same(&first, &again), "%s: %d %s",
		    spellings[i], again.status, again.body);
	}
	ck_assert_int_eq(ledger_debits(order.id), 1);
}
END_TEST

static const char *const payloads[] = {"'; DROP TABLE account; --",
    "\\\" OR 1=1 --", "1\\r\\nFLUSHALL\\r\\n", "\\u001b[2J", "%n%n%n%s",
    "*1\\r\\n$8\\r\\nFLUSHALL\\r\\n", "${jndi:ldap://x}", "\\u0000",
    "withdraw:{1}:lock"};

START_TEST(payload_in_the_token)
{
	struct http_response answer =
	    send_body(keep_format("{\"token\": \"%s\", \"amount\": \"1.00\"}",
			  payloads[_i]),
		0);

	ck_assert_msg(answer.status == 409 || answer.status == 400, "%d %s",
	    answer.status, answer.body);
	expect_problem(&answer, answer.status,
	    answer.status == 409 ? "token-invalid" : "malformed", NULL);
	expect_untouched();
}
END_TEST

START_TEST(very_long_token)
{
	enum { LONG = 3000 };
	char *text = keep(LONG + 1);
	struct http_response answer;

	memset(text, 'a', LONG);
	answer = send_body(
	    keep_format("{\"token\": \"%s\", \"amount\": \"1.00\"}", text), 0);
	ck_assert_msg(answer.status == 409 || answer.status == 400, "%d %s",
	    answer.status, answer.body);
	expect_untouched();
}
END_TEST

static const char *const payload_paths[] = {
    "/api/withdrawals/%27%3B%20DROP%20TABLE%20account%3B%20--",
    "/api/withdrawals/x%0d%0aSet-Cookie:%20a=b", "/api/withdrawals/%1b%5b2J",
    "/api/%1b%5b2Jx", "/api/x%0aINFO%20forged%20line",
    "/api/withdrawals?before=%27%3B--", "/api/withdrawals?before=%0a%1b",
    "/api/withdrawals?limit=1%0d%0aX:%20y", "/api/..%2f..%2fetc%2fpasswd",
    "/api/%s%n%n", "/api/%c0%ae%c0%ae/", "/api/account%00"};

START_TEST(payload_in_the_path)
{
	struct http_request request = {
	    .path = payload_paths[_i],
	    .user = order.user,
	};
	struct http_response answer = http_send(&request);

	ck_assert_msg(answer.status == 400 || answer.status == 404, "%d %s",
	    answer.status, answer.body);
	ck_assert_ptr_null(http_header(&answer, "Set-Cookie"));
	expect_untouched();
}
END_TEST

/* Last: what the logs have kept of all that was sent before. */
START_TEST(logs_hold_no_secrets_and_no_controls)
{
	static const char *const logs[] = {
	    "withdrawd", "nginx-error", "nginx-access"};
	struct http_response answer = order_send_with(&order, token);

	expect_success(&answer, &order);
	for (int i = 0; i < COUNT(logs); i++) {
		const char *log = stack_log(logs[i]);

		ck_assert_msg(strstr(log, token) == NULL,
		    "a token is in %s.log", logs[i]);
		for (const char *c = log; *c != '\0'; c++)
			ck_assert_msg(*c == '\n' || *c == '\t' ||
				((unsigned char)*c >= ' ' && *c != 0x7f),
			    "control byte 0x%02x in %s.log", (unsigned char)*c,
			    logs[i]);
		ck_assert_msg(strstr(log, "\nINFO forged line") == NULL,
		    "a forged line is in %s.log", logs[i]);
	}
}
END_TEST

Suite *
input_suite(void)
{
	Suite *suite = suite_create("input");
	TCase *tcase = fixture_case(suite, "malformed");

	tcase_add_checked_fixture(tcase, prepare, NULL);
	tcase_add_loop_test(tcase, bad_amount, 0, COUNT(bad_amounts));
	tcase_add_loop_test(
	    tcase, number_as_amount_is_told_apart, 0, COUNT(number_amounts));
	tcase_add_loop_test(tcase, bad_body, 0, COUNT(bad_bodies));
	tcase_add_test(tcase, raw_nul_in_the_body);
	tcase_add_loop_test(tcase, deep_nesting, 0, 2);
	tcase_add_test(tcase, too_large_a_body);
	tcase_add_loop_test(tcase, bad_key, 0, COUNT(bad_keys));
	tcase_add_test(tcase, very_long_key);
	tcase_add_test(tcase, two_keys);
	tcase_add_loop_test(tcase, spellings_of_a_key_are_one_order, 0, 4);
	tcase_add_loop_test(tcase, payload_in_the_token, 0, COUNT(payloads));
	tcase_add_test(tcase, very_long_token);
	tcase_add_loop_test(
	    tcase, payload_in_the_path, 0, COUNT(payload_paths));
	tcase_add_test(tcase, logs_hold_no_secrets_and_no_controls);
	return suite;
}
