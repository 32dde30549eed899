/* check_cursor.c: where the next page of a list begins. */
#include <string.h>

#include "suites.h"
#include "web/reply.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"

START_TEST(round_trip)
{
	static const int64_t times[] = {
	    0, 1, 1767323045678901, INT64_C(99999999999999999)};
	char text[CURSOR_TEXT], order[UUID_TEXT];
	int64_t us = -1;
	size_t i;

	for (i = 0; i < COUNT(times); i++) {
		struct record r = {.order = ORDER, .created_us = times[i]};

		cursor_format(&r, text);
		ck_assert_msg(cursor_parse(text, &us, order),
		    "\"%s\" is not read back", text);
		ck_assert_int_eq(us, times[i]);
		ck_assert_str_eq(order, ORDER);
	}
}
END_TEST

START_TEST(no_cursor)
{
	static const char *const bad[] = {"", ".", "1", "1.", "." ORDER, ORDER,
	    "x." ORDER, "-1." ORDER, "+1." ORDER, " 1." ORDER, "1 ." ORDER,
	    "1.0." ORDER, "1," ORDER, "1.." ORDER, "1." ORDER ".",
	    "1." ORDER " ", "1.{" ORDER "}", "1e5." ORDER,
	    "9223372036854775808." ORDER, "99999999999999999999." ORDER,
	    "1.00000000-0000-0000-0000-000000000000", "null",
	    "1767323045678901.' OR 1=1 --"};
	char order[UUID_TEXT];
	int64_t us;
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!cursor_parse(bad[i], &us, order),
		    "\"%s\" was taken for a cursor", bad[i]);
}
END_TEST

Suite *
cursor_suite(void)
{
	Suite *s = suite_create("cursor");
	TCase *t = tcase_create("cursor");

	tcase_add_test(t, round_trip);
	tcase_add_test(t, no_cursor);
	suite_add_tcase(s, t);
	return s;
}
