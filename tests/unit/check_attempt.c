/* check_attempt.c: what Redis says about an attempt to sign in; what is not
 * understood lets nobody go on. */
#include "signin/attempt.h"
#include "suites.h"

static long
wait_of(size_t n, const char *word, const char *ms)
{
	const struct redis_reply_items items = {
	    .n = n, .text = {"7", word, ms}};

	return attempt_wait_ms(&items);
}

START_TEST(answers)
{
	ck_assert_int_eq(wait_of(2, "go", NULL), 0);
	ck_assert_int_eq(wait_of(3, "wait", "1"), 1);
	ck_assert_int_eq(wait_of(3, "wait", "300000"), 300000);
}
END_TEST

START_TEST(no_answers)
{
	static const char *const bad[] = {"", "0", "00", "01", "-5", "+5", " 5",
	    "5 ", "1e3", "x", "1000000000", "9223372036854775807",
	    "1000000000000000019884624838656"};
	size_t i;

	ck_assert_int_eq(attempt_wait_ms(NULL), -1);
	ck_assert_int_eq(wait_of(1, NULL, NULL), -1);
	ck_assert_int_eq(wait_of(2, "wait", NULL), -1);
	ck_assert_int_eq(wait_of(2, "gone", NULL), -1);
	ck_assert_int_eq(wait_of(3, "go", "5"), -1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(wait_of(3, "wait", bad[i]) == -1,
		    "\"%s\" was taken for a wait", bad[i]);
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *text, *counted;
	} cases[] = {{"192.0.2.1", "192.0.2.1"},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
	    {"2001:db8::1", "2001:0db8:0000:0000::/64"},
	    {"2001:db8::ffff:0:0:1", "2001:0db8:0000:0000::/64"},
	    /* begins as an IPv4 address would, and is none */
	    {"::ffff:19", "0000:0000:0000:0000::/64"}, {"unix:", "unix:"},
	    {"", ""}};
	char out[64];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		attempt_address(cases[i].text, out);
		ck_assert_str_eq(out, cases[i].counted);
	}
}
END_TEST

Suite *
attempt_suite(void)
{
	Suite *s = suite_create("attempt");
	TCase *t = tcase_create("attempt");

	tcase_add_test(t, answers);
	tcase_add_test(t, no_answers);
	tcase_add_test(t, addresses);
	suite_add_tcase(s, t);
	return s;
}
