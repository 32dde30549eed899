/* check_request.c: what is read of the FastCGI parameters: above all, who is
 * calling, and whether another site made the browser call. */
#include <stdio.h>
#include <string.h>

#include "suites.h"
#include "web/request.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"

static struct request request;

/* Reads parameters, a NULL-terminated list. */
static void
read_params(const char *const *params)
{
	memset(&request, 0x55, sizeof(request));
	request_read((char *const *)(const void *)params, &request);
}

static void
read_one(const char *param)
{
	const char *const params[] = {param, NULL};

	read_params(params);
}

/* --- the parameters ----------------------------------------------------- */

START_TEST(all_of_them)
{
	static const char *const params[] = {"REQUEST_METHOD=POST",
	    "DOCUMENT_URI=/api/withdraw", "QUERY_STRING=a=b&c=d",
	    "CONTENT_TYPE=application/json", "CONTENT_LENGTH=42",
	    "REQUEST_ID=0123456789abcdef0123456789abcdef",
	    "HTTP_ORIGIN=https://pay.example",
	    "HTTP_SEC_FETCH_SITE=same-origin", "HTTP_HOST=pay.example",
	    "HTTP_IDEMPOTENCY_KEY=\"" ORDER "\"", "WITHDRAW_USER=1001", NULL};

	read_params(params);
	ck_assert_int_eq(request.method, METHOD_POST);
	ck_assert_str_eq(request.method_text, "POST");
	ck_assert_str_eq(request.path, "/api/withdraw");
	ck_assert_str_eq(request.query, "a=b&c=d");
	ck_assert_str_eq(request.content_type, "application/json");
	ck_assert_int_eq(request.content_length, 42);
	ck_assert_str_eq(request.id, "0123456789abcdef0123456789abcdef");
	ck_assert_str_eq(request.origin, "https://pay.example");
	ck_assert_str_eq(request.fetch_site, "same-origin");
	ck_assert_str_eq(request.host, "pay.example");
	ck_assert_str_eq(request.key, "\"" ORDER "\"");
	ck_assert_uint_eq(request.nkeys, 1);
	ck_assert_int_eq(request.user, 1001);
}
END_TEST

START_TEST(cookie_of_the_scheme)
{
	static const struct {
		const char *https, *cookie;
	} cases[] = {{"HTTPS=on", "b"}, {"HTTPS=off", "a"}, {"HTTPS=", "a"},
	    {"HTTP_HTTPS=on", "a"}, {"NOTHING=", "a"}};
	const char *params[] = {"WITHDRAW_SESSION=a", "WITHDRAW_HOST_SESSION=b",
	    cases[_i].https, NULL};

	read_params(params);
	ck_assert_str_eq(request_session(&request), cases[_i].cookie);
	/* the other one never stands in for it */
	params[*cases[_i].cookie == 'a' ? 0 : 1] = "OTHER=";
	read_params(params);
	ck_assert_str_eq(request_session(&request), "");
}
END_TEST

START_TEST(background_is_one)
{
	read_one("WITHDRAW_BACKGROUND=1");
	ck_assert(request.background);
	read_one("WITHDRAW_BACKGROUND=0");
	ck_assert(!request.background);
	read_one("WITHDRAW_BACKGROUND=");
	ck_assert(!request.background);
	read_one("HTTP_WITHDRAW_BACKGROUND=1"); /* nginx hands it on */
	ck_assert(!request.background);
}
END_TEST

static void
assert_nothing_read(void)
{
	ck_assert_int_eq(request.method, METHOD_OTHER);
	ck_assert_str_eq(request.method_text, "");
	ck_assert_str_eq(request.path, "");
	ck_assert_str_eq(request.query, "");
	ck_assert_str_eq(request.content_type, "");
	ck_assert_int_eq(request.content_length, LENGTH_UNSAID);
	ck_assert_str_eq(request.address, "");
	ck_assert_str_eq(request.session, "");
	ck_assert_str_eq(request.host_session, "");
	ck_assert(!request.https && !request.background);
	ck_assert_ptr_null(request.origin);
	ck_assert_ptr_null(request.fetch_site);
	ck_assert_ptr_null(request.host);
	ck_assert_ptr_null(request.expected_user);
	ck_assert_uint_eq(request.nkeys, 0);
	ck_assert_int_eq(request.user, 0);
}

START_TEST(none_of_them)
{
	static const char *const params[] = {"", "=", "=x", "NOTHING",
	    "WITHDRAW_USER", "XREQUEST_METHOD=GET", "REQUEST_METHODX=GET",
	    "request_method=GET", NULL};

	read_params(params);
	assert_nothing_read();
	ck_assert_ptr_null(request.key);
	ck_assert_uint_gt(strlen(request.id), 0);
}
END_TEST

/* A name that is nearly one is none: the last letter is another. */
START_TEST(names_that_are_nearly_known)
{
	static const char *const names[] = {"REQUEST_METHOD", "DOCUMENT_URI",
	    "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "REQUEST_ID",
	    "REMOTE_ADDR", "HTTPS", "WITHDRAW_SESSION", "WITHDRAW_HOST_SESSION",
	    "WITHDRAW_BACKGROUND", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE",
	    "HTTP_HOST", "HTTP_WITHDRAW_EXPECT_USER", "HTTP_IDEMPOTENCY_KEY",
	    "WITHDRAW_USER"};
	char param[64];
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		snprintf(param, sizeof(param), "%s=1", names[i]);
		*(strchr(param, '=') - 1) = '_';
		read_one(param);
		assert_nothing_read();
		ck_assert_str_ne(request.id, "1");
	}
}
END_TEST

START_TEST(methods)
{
	static const struct {
		const char *param;
		enum method method;
	} cases[] = {
	    {"REQUEST_METHOD=GET", METHOD_GET},
	    {"REQUEST_METHOD=HEAD", METHOD_HEAD},
	    {"REQUEST_METHOD=POST", METHOD_POST},
	    {"REQUEST_METHOD=", METHOD_OTHER},
	    {"REQUEST_METHOD=get", METHOD_OTHER},
	    {"REQUEST_METHOD=POST ", METHOD_OTHER},
	    {"REQUEST_METHOD=POSTS", METHOD_OTHER},
	    {"REQUEST_METHOD=PUT", METHOD_OTHER},
	    {"REQUEST_METHOD=DELETE", METHOD_DELETE},
	    {"REQUEST_METHOD=delete", METHOD_OTHER},
	    {"REQUEST_METHOD=OPTIONS", METHOD_OTHER},
	    {"REQUEST_METHOD=TRACE", METHOD_OTHER},
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		read_one(cases[i].param);
		ck_assert_int_eq(request.method, cases[i].method);
	}
}
END_TEST

START_TEST(lengths)
{
	static const struct {
		const char *param;
		int64_t length;
	} cases[] = {
	    {"CONTENT_LENGTH=", LENGTH_UNSAID},
	    {"CONTENT_LENGTH=0", 0},
	    {"CONTENT_LENGTH=4096", 4096},
	    {"CONTENT_LENGTH=999999999999999999", INT64_C(999999999999999999)},
	    {"CONTENT_LENGTH=-1", LENGTH_BAD},
	    {"CONTENT_LENGTH=+1", LENGTH_BAD},
	    {"CONTENT_LENGTH= 1", LENGTH_BAD},
	    {"CONTENT_LENGTH=1 ", LENGTH_BAD},
	    {"CONTENT_LENGTH=0x10", LENGTH_BAD},
	    {"CONTENT_LENGTH=1e3", LENGTH_BAD},
	    {"CONTENT_LENGTH=abc", LENGTH_BAD},
	    {"CONTENT_LENGTH=9223372036854775808", LENGTH_BAD},
	    {"CONTENT_LENGTH=99999999999999999999999", LENGTH_BAD},
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		read_one(cases[i].param);
		ck_assert_msg(request.content_length == cases[i].length,
		    "%s is read as %lld", cases[i].param,
		    (long long)request.content_length);
	}
}
END_TEST

/* The id goes to the log: what is not an id is replaced, never cut. */
START_TEST(request_ids)
{
	static const char *const bad[] = {"REQUEST_ID=", "REQUEST_ID=x y",
	    "REQUEST_ID=abc\n", "REQUEST_ID=../..", "REQUEST_ID=g",
	    "REQUEST_ID=0123456789012345678901234567890123456789",
	    "REQUEST_ID=a=b", "REQUEST_ID=\x1b[31m"};
	char first[sizeof(request.id)], out[UUID_TEXT];
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		read_one(bad[i]);
		ck_assert_msg(
		    uuid_text_parse(request.id, strlen(request.id), out),
		    "%s: the id is \"%s\"", bad[i], request.id);
	}
	strcpy(first, request.id);
	read_one(bad[0]);
	ck_assert_str_ne(request.id, first);
	read_one("REQUEST_ID=012345678901234567890123456789012345678");
	ck_assert_uint_eq(strlen(request.id), 39);
}
END_TEST

/* --- who is calling ----------------------------------------------------- */

START_TEST(no_user)
{
	static const char *const bad[] = {"WITHDRAW_USER=", "WITHDRAW_USER=0",
	    "WITHDRAW_USER=abc", "WITHDRAW_USER=-1", "WITHDRAW_USER=+1",
	    "WITHDRAW_USER=01", "WITHDRAW_USER= 1", "WITHDRAW_USER=1 ",
	    "WITHDRAW_USER=1.0", "WITHDRAW_USER=1e3", "WITHDRAW_USER=0x1",
	    "WITHDRAW_USER=9223372036854775808", "WITHDRAW_USER=1,2",
	    "WITHDRAW_USER=1\n", "WITHDRAW_USER=$withdraw_user",
	    "WITHDRAW_USER=1001=", "WITHDRAW_USER", "WITHDRAW_USER =1001",
	    "withdraw_user=1001", "WITHDRAW-USER=1001", "XWITHDRAW_USER=1001",
	    "WITHDRAW_USERX=1001", "HTTP_WITHDRAW_USER=1001",
	    "REMOTE_USER=1001", "HTTP_REMOTE_USER=1001", "USER=1001"};
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		read_one(bad[i]);
		ck_assert_msg(request.user == 0, "%s is user %lld", bad[i],
		    (long long)request.user);
	}
	read_one("WITHDRAW_USER=9223372036854775807");
	ck_assert_int_eq(request.user, INT64_MAX);
}
END_TEST

/* There twice, even with the same value, it names nobody. */
START_TEST(two_users)
{
	static const char *const pairs[][4] = {
	    {"WITHDRAW_USER=1001", "WITHDRAW_USER=1002"},
	    {"WITHDRAW_USER=1001", "WITHDRAW_USER=1001"},
	    {"WITHDRAW_USER=", "WITHDRAW_USER=1001"},
	    {"WITHDRAW_USER=1001", "WITHDRAW_USER="},
	    {"WITHDRAW_USER=abc", "WITHDRAW_USER=1001"},
	    {"WITHDRAW_USER=1001", "WITHDRAW_USER=1002", "WITHDRAW_USER=1003"},
	};
	static const char *const others[] = {"REMOTE_USER=7",
	    "HTTP_WITHDRAW_USER=7", "WITHDRAW_USER=1001", "REMOTE_USER=8",
	    NULL};
	size_t i;

	for (i = 0; i < COUNT(pairs); i++) {
		read_params(pairs[i]);
		ck_assert_int_eq(request.user, 0);
	}
	read_params(others);
	ck_assert_int_eq(request.user, 1001);
}
END_TEST

START_TEST(keys_are_counted)
{
	static const char *const params[] = {"HTTP_IDEMPOTENCY_KEY=" ORDER,
	    "HTTP_IDEMPOTENCY_KEY=", "HTTP_IDEMPOTENCY_KEY=" ORDER, NULL};

	read_params(params);
	ck_assert_uint_eq(request.nkeys, 3);
	read_one("HTTP_IDEMPOTENCY_KEY=");
	ck_assert_uint_eq(request.nkeys, 1);
	ck_assert_str_eq(request.key, "");
}
END_TEST

/* Whichever comes last is not the one that counts. */
START_TEST(headers_that_come_twice)
{
	static const char *const first[] = {"HTTP_ORIGIN=https://evil.example",
	    "HTTP_SEC_FETCH_SITE=cross-site", "HTTP_WITHDRAW_EXPECT_USER=1002"};
	static const char *const last[] = {"HTTP_ORIGIN=https://pay.example",
	    "HTTP_SEC_FETCH_SITE=same-origin",
	    "HTTP_WITHDRAW_EXPECT_USER=1001"};
	const char *params[] = {"HTTP_HOST=pay.example", "WITHDRAW_USER=1001",
	    first[_i], last[_i], NULL};

	read_params(params);
	ck_assert(request_cross_site(&request) || request_other_user(&request));
	params[2] = last[_i];
	params[3] = "OTHER=";
	read_params(params);
	ck_assert(
	    !request_cross_site(&request) && !request_other_user(&request));
}
END_TEST

/* --- other sites -------------------------------------------------------- */

static bool
cross_site(const char *fetch_site, const char *origin, const char *host)
{
	const struct request r = {
	    .fetch_site = fetch_site, .origin = origin, .host = host};

	return request_cross_site(&r);
}

START_TEST(same_site)
{
	static const struct {
		const char *fetch_site, *origin, *host;
	} cases[] = {
	    {NULL, NULL, NULL}, /* a program */
	    {NULL, NULL, "pay.example"},
	    {"same-origin", NULL, "pay.example"},
	    {"none", NULL, "pay.example"},
	    {"same-origin", "https://pay.example", "pay.example"},
	    {NULL, "https://pay.example", "pay.example"},
	    {NULL, "http://pay.example", "pay.example"},
	    {NULL, "https://PAY.example", "pay.EXAMPLE"},
	    {NULL, "https://pay.example:443", "pay.example"},
	    {NULL, "https://pay.example", "pay.example:443"},
	    {NULL, "http://pay.example", "pay.example:80"},
	    {NULL, "http://127.0.0.1:8080", "127.0.0.1:8080"},
	    {NULL, "http://[::1]:8080", "[::1]:8080"},
	    {NULL, "http://[::1]", "[::1]"},
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		ck_assert_msg(!cross_site(cases[i].fetch_site, cases[i].origin,
				  cases[i].host),
		    "case %zu: %s", i, cases[i].origin);
}
END_TEST

START_TEST(other_sites)
{
	static const char *const fetch_sites[] = {"cross-site", "same-site", "",
	    "Same-Origin", "same-origin ", "same-origin, none", "x"};
	static const char *const origins[] = {"", "null", "pay.example",
	    "https://", "https:pay.example", "https://evil.example",
	    "https://pay.example.evil.example", "https://evilpay.example",
	    "https://pay.exampl", "https://pay.example:8443",
	    "https://pay.example:80", "http://pay.example:443",
	    "https://pay.example:", "https://pay.example/",
	    "https://pay.example@evil.example", "https://user@pay.example",
	    "https://pay.example, https://pay.example",
	    "https://sub.pay.example", "https://pay.example ", "https://443",
	    "://", "https://pay.exomple"};
	size_t i;

	for (i = 0; i < COUNT(fetch_sites); i++) {
		ck_assert_msg(cross_site(fetch_sites[i], NULL, "pay.example"),
		    "Sec-Fetch-Site: %s", fetch_sites[i]);
		ck_assert(cross_site(
		    fetch_sites[i], "https://pay.example", "pay.example"));
	}
	for (i = 0; i < COUNT(origins); i++) {
		ck_assert_msg(cross_site(NULL, origins[i], "pay.example"),
		    "Origin: %s", origins[i]);
		/* the one does not make up for the other */
		ck_assert(cross_site("same-origin", origins[i], "pay.example"));
	}
	ck_assert(cross_site(NULL, "https://pay.example", NULL));
	ck_assert(cross_site(NULL, "https://pay.example", ""));
}
END_TEST

/* --- content type ------------------------------------------------------- */

START_TEST(json_types)
{
	static const char *const good[] = {"application/json",
	    "Application/JSON", "application/json;charset=utf-8",
	    "application/json; charset=utf-8",
	    "application/json; charset=UTF-8",
	    "application/json ; charset=\"utf-8\""};
	static const char *const bad[] = {"", "text/plain", "application",
	    "application/jso", "application/jsonp",
	    "application/json-patch+json", "application/problem+json",
	    "text/json", "application/x-www-form-urlencoded",
	    "multipart/form-data", "text/plain; application/json",
	    "application/json, text/plain", "application/json;charset=utf-16",
	    "application/json;charset=latin1", "application/json; x=y", "*/*",
	    "application/*"};
	struct request r = {0};
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		r.content_type = good[i];
		ck_assert_msg(request_is_json(&r), "%s was refused", good[i]);
	}
	for (i = 0; i < COUNT(bad); i++) {
		r.content_type = bad[i];
		ck_assert_msg(!request_is_json(&r), "%s was accepted", bad[i]);
	}
}
END_TEST

/* --- query -------------------------------------------------------------- */

START_TEST(query_values)
{
	static const struct {
		const char *query;
		int found;
		const char *value;
	} cases[] = {
	    {"", 0, NULL},
	    {"limit=20", 1, "20"},
	    {"a=1&limit=20&b=2", 1, "20"},
	    {"before=x&limit=", 1, ""},
	    {"limit", 1, ""},
	    {"limit&a=1", 1, ""},
	    {"limit=1=2", 1, "1=2"},
	    {"&&limit=5&", 1, "5"},
	    {"limits=5", 0, NULL},
	    {"limi=5", 0, NULL},
	    {"xlimit=5", 0, NULL},
	    {"Limit=5", 0, NULL},
	    {"a=limit=5", 0, NULL},
	    {"limit=1&limit=1", -1, NULL},
	    {"limit&limit=1", -1, NULL},
	    {"limit=1&a=2&limit", -1, NULL},
	    {"limit=1234567", 1, "1234567"},
	    {"limit=12345678", -1, NULL}, /* no room for its NUL */
	    {"limit=123456789012345678901234567890", -1, NULL},
	};
	struct request r = {0};
	char out[8];
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		r.query = cases[i].query;
		ck_assert_msg(request_query(&r, "limit", out, sizeof(out)) ==
			cases[i].found,
		    "query \"%s\"", cases[i].query);
		if (cases[i].found == 1)
			ck_assert_str_eq(out, cases[i].value);
	}
}
END_TEST

START_TEST(query_names)
{
	static const char *const names[] = {"limit", "before", NULL};
	static const char *const known[] = {"", "limit=1", "before=x",
	    "limit=1&before=x", "before&limit", "limit=1&"};
	static const char *const unknown[] = {"x", "x=1", "limit=1&x",
	    "limits=1", "LIMIT=1", "limit%3d1", "x=limit", "before=x&user=1002",
	    "=1"};
	struct request r = {0};
	size_t i;

	for (i = 0; i < COUNT(known); i++) {
		r.query = known[i];
		ck_assert_msg(!request_query_unknown(&r, names), "query \"%s\"",
		    known[i]);
	}
	for (i = 0; i < COUNT(unknown); i++) {
		r.query = unknown[i];
		ck_assert_msg(request_query_unknown(&r, names), "query \"%s\"",
		    unknown[i]);
	}
}
END_TEST

Suite *
request_suite(void)
{
	Suite *s = suite_create("request");
	TCase *t = tcase_create("request");

	tcase_add_test(t, all_of_them);
	tcase_add_loop_test(t, cookie_of_the_scheme, 0, 5);
	tcase_add_test(t, background_is_one);
	tcase_add_test(t, none_of_them);
	tcase_add_test(t, names_that_are_nearly_known);
	tcase_add_test(t, methods);
	tcase_add_test(t, lengths);
	tcase_add_test(t, request_ids);
	tcase_add_test(t, no_user);
	tcase_add_test(t, two_users);
	tcase_add_test(t, keys_are_counted);
	tcase_add_loop_test(t, headers_that_come_twice, 0, 3);
	tcase_add_test(t, same_site);
	tcase_add_test(t, other_sites);
	tcase_add_test(t, json_types);
	tcase_add_test(t, query_values);
	tcase_add_test(t, query_names);
	suite_add_tcase(s, t);
	return s;
}
