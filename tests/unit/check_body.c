/* check_body.c: the JSON body: one flat object, each key once, nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"
#include "web/body.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define TOKEN "0189abcd-ef01-4234-8567-89abcdef0123"
#define UPPER "0189ABCD-EF01-4234-8567-89ABCDEF0123"

static struct body body;
static const char *detail;

/* From a copy of its own size: sanitizers see a byte too many. */
static bool
parse_bytes(const char *json, size_t len, bool withdraw)
{
	char *copy = malloc(len > 0 ? len : 1);
	bool ok;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, json, len);
	detail = NULL;
	ok = body_parse(copy, len, withdraw, &body, &detail);
	free(copy);
	return ok;
}

static bool
parse(const char *json)
{
	return parse_bytes(json, strlen(json), true);
}

/* Refused, with a detail that is one or more sentences for people. */
static void
assert_refused(const char *json, size_t len, bool withdraw)
{
	ck_assert_msg(
	    !parse_bytes(json, len, withdraw), "%s was accepted", json);
	ck_assert_ptr_nonnull(detail);
	ck_assert_uint_gt(strlen(detail), 10);
	ck_assert_int_eq(detail[strlen(detail) - 1], '.');
}

START_TEST(withdrawals)
{
	static const struct {
		const char *json, *token;
		int64_t amount;
	} good[] = {
	    {"{\"token\":\"" TOKEN "\",\"amount\":\"100.00\"}", TOKEN, 10000},
	    {"{\"amount\":\"100\",\"token\":\"" TOKEN "\"}", TOKEN, 10000},
	    {"{\"amount\":\"100.0\",\"token\":\"" UPPER "\"}", TOKEN, 10000},
	    {" \t\r\n{ \"amount\" :\n\"0.01\" } \n", "", 1},
	    {"{\"amount\":\"9999999999999.99\"}", "", INT64_C(999999999999999)},
	    /* an escape is another spelling of the same string */
	    {"{\"\\u0061mount\":\"\\u0031\\u002e5\"}", "", 150},
	    /* a token that is none is the same as a missing one */
	    {"{\"amount\":\"1\",\"token\":\"\"}", "", 100},
	    {"{\"amount\":\"1\",\"token\":\"x\"}", "", 100},
	    {"{\"amount\":\"1\",\"token\":\"" TOKEN "0\"}", "", 100},
	    {"{\"amount\":\"1\",\"token\":\"" TOKEN "\\u0000\"}", "", 100},
	    {"{\"amount\":\"1\",\"token\":\"00000000-0000-0000-0000-"
	     "000000000000\"}",
		"", 100},
	    {"{\"amount\":\"1\",\"token\":\"' OR 1=1 --\\r\\n\\u001b\"}", "",
		100},
	};
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		ck_assert_msg(parse(good[i].json), "%s was refused: %s",
		    good[i].json, detail);
		ck_assert(body.has_amount);
		ck_assert_int_eq(body.amount, good[i].amount);
		ck_assert_str_eq(body.token, good[i].token);
		ck_assert_ptr_null(detail);
	}
}
END_TEST

START_TEST(bad_amounts)
{
	static const char *const values[] = {"\"\"", "\" \"", "\"0\"",
	    "\"0.00\"", "\"-0\"", "\"-1\"", "\"+1\"", "\"01\"", "\"1.\"",
	    "\".5\"", "\"1.234\"", "\"1e2\"", "\"1E999\"", "\"NaN\"",
	    "\"Infinity\"", "\"0x10\"", "\"1,00\"", "\"1 000\"", "\" 1\"",
	    "\"1 \"", "\"1\\n\"", "\"1\\u0000\"", "\"\\u00001\"",
	    "\"1.00\\u0000x\"", "\"10000000000000\"",
	    "\"12345678901234567890123\"", "\"9223372036854775808\"",
	    "\"\\uff11\"", "\"\xef\xbc\x91\"", "\"\\u0661\"",
	    "\"\\ud835\\udfd9\"", "\"one\"", "null", "true", "false", "[]",
	    "[\"1\"]", "{}", "{\"amount\":\"1\"}"};
	char json[128];
	size_t i;

	for (i = 0; i < COUNT(values); i++) {
		strcpy(json, "{\"amount\":");
		strcat(json, values[i]);
		strcat(json, "}");
		assert_refused(json, strlen(json), true);
	}
}
END_TEST

/* Money is not a double: the answer says so, and what to send. */
START_TEST(numbers)
{
	static const char *const values[] = {"100", "100.00", "1e2", "1E2",
	    "-0", "-1", "0", "0.1", "1e999", "-1e-999", "9223372036854775808",
	    "12345678901234567890123"};
	char json[128];
	size_t i;

	for (i = 0; i < COUNT(values); i++) {
		strcpy(json, "{\"amount\":");
		strcat(json, values[i]);
		strcat(json, "}");
		assert_refused(json, strlen(json), true);
		ck_assert_msg(strstr(detail, "number") != NULL &&
			strstr(detail, "string") != NULL,
		    "%s: %s", json, detail);
	}
}
END_TEST

START_TEST(bad_objects)
{
	static const char *const bodies[] = {/* nothing, or nothing of use */
	    "", " ", "{}", "{\"token\":\"" TOKEN "\"}",
	    /* a key twice, in any spelling */
	    "{\"amount\":\"1\",\"amount\":\"1\"}",
	    "{\"amount\":\"1\",\"\\u0061mount\":\"2\"}",
	    "{\"amount\":\"1\",\"token\":\"x\",\"token\":\"" TOKEN "\"}",
	    "{\"token\":\"\",\"amount\":\"1\",\"t\\u006fken\":\"\"}",
	    /* keys that are not known */
	    "{\"amount\":\"1\",\"user\":\"7\"}", "{\"amount\":\"1\",\"\":\"\"}",
	    "{\"Amount\":\"1\"}", "{\"amount \":\"1\"}",
	    "{\"amount\\u0000\":\"1\"}", "{\"amoun\":\"1\"}",
	    "{\"amount\":\"1\",\"\\ud800\":\"1\"}",
	    "{\"amount\":\"1\",\"__proto__\":{}}",
	    /* a token that is not a string */
	    "{\"amount\":\"1\",\"token\":null}",
	    "{\"amount\":\"1\",\"token\":1}",
	    "{\"amount\":\"1\",\"token\":true}",
	    "{\"amount\":\"1\",\"token\":[]}",
	    "{\"amount\":\"1\",\"token\":{}}",
	    /* not an object */
	    "null", "true", "1", "\"amount\"", "[]", "[{\"amount\":\"1\"}]",
	    /* not flat */
	    "{\"amount\":\"1\",\"x\":{\"amount\":\"2\"}}",
	    "{\"x\":[{\"amount\":\"1\"}]}",
	    /* not finished, or more than one */
	    "{", "{\"", "{\"amount", "{\"amount\"",
	    "{\"amount\":", "{\"amount\":\"1", "{\"amount\":\"1\"",
	    "{\"amount\":\"1\",", "{\"amount\":\"1\",}", "{\"amount\":\"1\"}}",
	    "{\"amount\":\"1\"}x", "{\"amount\":\"1\"} {}",
	    "{\"amount\":\"1\"}{\"amount\":\"2\"}", "{\"amount\":\"1\"},",
	    "[{\"amount\":\"1\"}", "{\"amount\":\"1\"}\"",
	    "{\"amount\":\"1\"}\"x", "{\"amount\":\"1\"} \"}",
	    "{\"amount\":\"1\"}t", "{\"amount\":\"1\"}-",
	    /* half of a surrogate pair, and what yajl makes of it */
	    "{\"amount\":\"1\",\"token\":\"\\ud83d\"}",
	    "{\"amount\":\"1\",\"token\":\"\\ude00\"}",
	    "{\"amount\":\"1\",\"token\":\"\\\\\\ud83d\"}",
	    "{\"amount\":\"1\",\"token\":\"\\ud83d\\u0000\"}",
	    /* white space that JSON does not have */
	    "\v{\"amount\":\"1\"}", "{\f\"amount\":\"1\"}",
	    "{\"amount\":\"1\"}\v",
	    /* not JSON */
	    "amount=1", "{amount:\"1\"}", "{'amount':'1'}",
	    "{\"amount\"=\"1\"}", "{\"amount\":\"1\";}", "{,\"amount\":\"1\"}",
	    "{\"amount\"::\"1\"}", "{\"amount\":+1}", "{\"amount\":01}",
	    "{\"amount\":1.}", "{\"amount\":.5}", "{\"amount\":NaN}",
	    "{\"amount\":Infinity}", "{\"amount\":\"1\"} // x",
	    "/* x */ {\"amount\":\"1\"}", "{\"amount\":/**/\"1\"}",
	    "{\"amount\":\"\\x31\"}", "{\"amount\":\"\\u00\"}",
	    "{\"amount\":\"1\n\"}", "{\"amount\":\"1\",\"token\":\"\t\"}",
	    /* not UTF-8; a mark of byte order; UTF-16 */
	    "{\"amount\":\"1\",\"token\":\"\xff\"}",

	    "{\"amount\":\"1\",\"token\":\"\xe2\x82\"}",

	    "\xef\xbb\xbf{\"amount\":\"1\"}", "\xff\xfe{"};
	size_t i;

	for (i = 0; i < COUNT(bodies); i++)
		assert_refused(bodies[i], strlen(bodies[i]), true);
}
END_TEST

/* yajl lets some bytes through that are not UTF-8: overlong forms, surrogates,
 * what is beyond the last character. */
START_TEST(near_utf8)
{
	static const char *const bad[] = {"\xc0\xaf", "\xc1\xa1",
	    "\xe0\x80\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xff", "\x80",
	    "\xe2\x82"};
	char json[128];
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		snprintf(json, sizeof(json),
		    "{\"amount\":\"1\",\"token\":\"%s\"}", bad[i]);
		assert_refused(json, strlen(json), true);
		snprintf(json, sizeof(json), "{\"amount\":\"1%s\"}", bad[i]);
		assert_refused(json, strlen(json), true);
		snprintf(json, sizeof(json), "{\"%smount\":\"1\"}", bad[i]);
		assert_refused(json, strlen(json), true);
		snprintf(json, sizeof(json), "{\"amount%s\":\"1\"}", bad[i]);
		assert_refused(json, strlen(json), true);
	}
}
END_TEST

/* Half a pair of surrogates, written as an escape, is JSON, and no character:
 * it becomes nothing that is known. */
START_TEST(lone_surrogates)
{
	static const char *const odd[] = {"\\ud800", "\\udfff",
	    "\\udc00\\ud800", "\\ud800x", "\\ud83d\\ude00"};
	char json[128];
	size_t i;

	for (i = 0; i < COUNT(odd); i++) {
		snprintf(json, sizeof(json),
		    "{\"amount\":\"1\",\"token\":\"%s" TOKEN "\"}", odd[i]);
		if (parse(json))
			ck_assert_str_eq(body.token, "");
		snprintf(json, sizeof(json), "{\"amount\":\"1%s\"}", odd[i]);
		assert_refused(json, strlen(json), true);
		snprintf(json, sizeof(json), "{\"%samount\":\"1\"}", odd[i]);
		assert_refused(json, strlen(json), true);
	}
}
END_TEST

START_TEST(nul_bytes)
{
	static const char good[] = "{\"amount\":\"1\"}";
	char json[sizeof(good) + 1];
	size_t i;

	assert_refused("{\"amount\":\"1\"}\0", sizeof(good), true);
	assert_refused("\0{\"amount\":\"1\"}", sizeof(good), true);
	for (i = 0; i < sizeof(good); i++) {
		memcpy(json, good, i);
		json[i] = '\0';
		memcpy(json + i + 1, good + i, sizeof(good) - i);
		assert_refused(json, sizeof(good), true);
	}
}
END_TEST

/* Cut anywhere it is refused, and the verdict needs no NUL behind it. */
START_TEST(every_beginning)
{
	static const char json[] =
	    "{\"token\":\"" TOKEN "\",\"amount\":\"100.00\"}";
	size_t n;

	for (n = 0; n < sizeof(json) - 1; n++)
		assert_refused(json, n, true);
	ck_assert(parse_bytes(json, sizeof(json) - 1, true));
}
END_TEST

START_TEST(deep_and_long)
{
	static const char *const units[] = {"[", "{\"a\":", "{\"amount\":[",
	    "\"", " ", "9", "\\u0000", "{\"amount\":\"1\"},"};
	char *json = malloc(BODY_MAX);
	size_t i, at, n;

	ck_assert_ptr_nonnull(json);
	for (i = 0; i < COUNT(units); i++) {
		n = strlen(units[i]);
		for (at = 0; at + n <= BODY_MAX; at += n)
			memcpy(json + at, units[i], n);
		ck_assert(!parse_bytes(json, at, true));
		ck_assert(!parse_bytes(json, at, false));
	}
	memset(json, ' ', BODY_MAX);
	memcpy(json + BODY_MAX - 14, "{\"amount\":\"1\"}", 14);
	ck_assert(parse_bytes(json, BODY_MAX, true));
	free(json);
}
END_TEST

/* Calls without values: an empty object, and nothing in it. */
START_TEST(without_keys)
{
	static const char *const bad[] = {"{\"amount\":\"1\"}",
	    "{\"token\":\"" TOKEN "\"}", "{\"x\":1}", "[]", "null", "1", "\"\"",
	    "{", "{}{}", "x"};
	size_t i;

	ck_assert(parse_bytes("{}", 2, false));
	ck_assert(parse_bytes(" { } ", 5, false));
	ck_assert(!body.has_amount);
	ck_assert_str_eq(body.token, "");
	for (i = 0; i < COUNT(bad); i++)
		assert_refused(bad[i], strlen(bad[i]), false);
}
END_TEST

/* Nothing of an earlier body is left in the next one. */
START_TEST(starts_empty)
{
	ck_assert(parse("{\"token\":\"" TOKEN "\",\"amount\":\"5\"}"));
	ck_assert(parse("{\"amount\":\"1\"}"));
	ck_assert_str_eq(body.token, "");
	ck_assert_int_eq(body.amount, 100);
	ck_assert(parse_bytes("{}", 2, false));
	ck_assert(!body.has_amount);
	ck_assert_int_eq(body.amount, 0);
}
END_TEST

Suite *
body_suite(void)
{
	Suite *s = suite_create("body");
	TCase *t = tcase_create("body");

	tcase_add_test(t, withdrawals);
	tcase_add_test(t, bad_amounts);
	tcase_add_test(t, numbers);
	tcase_add_test(t, bad_objects);
	tcase_add_test(t, near_utf8);
	tcase_add_test(t, lone_surrogates);
	tcase_add_test(t, nul_bytes);
	tcase_add_test(t, every_beginning);
	tcase_add_test(t, deep_and_long);
	tcase_add_test(t, without_keys);
	tcase_add_test(t, starts_empty);
	suite_add_tcase(s, t);
	return s;
}
