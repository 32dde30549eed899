/* check_credentials.c: the JSON body of a sign-in. */
#include <stdlib.h>
#include <string.h>

#include "signin/signin.h"
#include "suites.h"
#include "web/credentials.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct signin_call call;
static const char *detail;

/* From a copy of its own size: sanitizers see a byte too many. */
static bool
parse(const char *json)
{
	size_t len = strlen(json);
	char *copy = malloc(len > 0 ? len : 1);
	bool ok;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, json, len);
	call = (struct signin_call){0};
	detail = NULL;
	ok = credentials_parse(copy, len, &call, &detail);
	free(copy);
	return ok;
}

START_TEST(good)
{
	static const struct {
		const char *json, *name, *password;
	} bodies[] = {
	    {"{\"name\":\"alice\",\"password\":\"secret\"}", "alice", "secret"},
	    {" { \"password\" : \"x\" ,\r\n\"name\" : \"B.o_b@example+-1\"}\t",
		"b.o_b@example+-1", "x"},
	    {"{\"n\\u0061me\":\"\\u0061\",\"password\":\"\\u4e2d \\\"\"}", "a",
		"\xe4\xb8\xad \""},
	};
	size_t i;

	for (i = 0; i < COUNT(bodies); i++) {
		ck_assert_msg(
		    parse(bodies[i].json), "%s: %s", bodies[i].json, detail);
		ck_assert_str_eq(call.name, bodies[i].name);
		ck_assert_str_eq(call.password.text, bodies[i].password);
		ck_assert_ptr_null(detail);
	}
}
END_TEST

START_TEST(bad)
{
	static const char *const bodies[] = {"", " ", "{", "{}", "[]", "null",
	    "true", "1", "\"alice\"", "{\"name\":\"alice\"}",
	    "{\"password\":\"secret\"}",
	    "{\"name\":\"a\",\"name\":\"a\",\"password\":\"x\"}",
	    "{\"name\":\"a\",\"password\":\"x\",\"password\":\"x\"}",
	    "{\"name\":\"a\",\"password\":\"x\",\"more\":\"x\"}",
	    "{\"name\":\"a\",\"password\":\"x\",\"eman\":\"x\"}",
	    "{\"name\":\"a\",\"passwort\":\"x\"}",
	    "{\"mane\":\"a\",\"password\":\"x\"}",
	    "{\"name\":null,\"password\":\"x\"}",
	    "{\"name\":\"a\",\"password\":true}",
	    "{\"name\":\"a\",\"password\":1}",
	    "{\"name\":[\"a\"],\"password\":\"x\"}",
	    "{\"name\":{\"name\":\"a\"},\"password\":\"x\"}",
	    "{\"name\":\"\",\"password\":\"x\"}",
	    "{\"name\":\"a b\",\"password\":\"x\"}",
	    "{\"name\":\".a\",\"password\":\"x\"}",
	    "{\"name\":\"\xc3\xa4\",\"password\":\"x\"}",
	    "{\"name\":\"a\\u0000b\",\"password\":\"x\"}",
	    "{\"name\":\"a\",\"password\":\"\"}",
	    "{\"name\":\"a\",\"password\":\"x\\u0000y\"}",
	    "{\"name\":\"a\",\"password\":\"\\ud800\"}",
	    "{\"name\":\"a\",\"password\":\"x\"}}",
	    "{\"name\":\"a\",\"password\":\"x\"}\v"};
	size_t i;

	for (i = 0; i < COUNT(bodies); i++) {
		ck_assert_msg(!parse(bodies[i]), "%s was accepted", bodies[i]);
		ck_assert_ptr_nonnull(detail);
		ck_assert_int_eq(detail[strlen(detail) - 1], '.');
	}
}
END_TEST

/* The longest that fit, and one byte more. */
START_TEST(lengths)
{
	char json[2 * PASSWORD_TEXT], *end;
	int more;

	for (more = 0; more < 2; more++) {
		end = stpcpy(json, "{\"name\":\"a\",\"password\":\"");
		memset(end, 'x', PASSWORD_TEXT - 1 + (size_t)more);
		strcpy(end + PASSWORD_TEXT - 1 + more, "\"}");
		ck_assert_int_eq(parse(json), !more);
		end = stpcpy(json, "{\"password\":\"x\",\"name\":\"");
		memset(end, 'x', SESSION_NAME - 1 + (size_t)more);
		strcpy(end + SESSION_NAME - 1 + more, "\"}");
		ck_assert_int_eq(parse(json), !more);
	}
}
END_TEST

Suite *
credentials_suite(void)
{
	Suite *s = suite_create("credentials");
	TCase *t = tcase_create("credentials");

	tcase_add_test(t, good);
	tcase_add_test(t, bad);
	tcase_add_test(t, lengths);
	suite_add_tcase(s, t);
	return s;
}
