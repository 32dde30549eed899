/* check_results.c: a file of payment results, and what is no such file.
 * (tests/fuzz/results.c makes such files up.) */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/output.h"
#include "ctl/results.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"

static struct ctl_results results;
static char path[64], complaint[512];

/* Instead of stderr. */
void
ctl_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(complaint, sizeof(complaint), fmt, ap);
	va_end(ap);
}

static int
read_text(const char *text)
{
	int fd, rc;

	strcpy(path, "/tmp/withdraw-unit.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	complaint[0] = '\0';
	rc = ctl_results_read(path, &results);
	unlink(path);
	return rc;
}

static const char *const good[] = {
    "order_id,state,reference\n" ORDER ",paid,bank-7\n",
    ORDER ",paid,bank-7\r\n",
    "\n[{\"order_id\":\"" ORDER
    "\",\"state\":\"paid\",\"reference\":\"bank-7\"}]\r\n\t ",
    "\xef\xbb\xbfstate,note,reference,order_id\npaid,\"a, b\",bank-7," ORDER
    "\n",
    "[{\"order_id\":\"" ORDER
    "\",\"state\":\"paid\",\"reference\":\"bank-7\"}]",
    " {\"sure\":true,\"payouts\":[{\"reference\":\"bank-7\",\"x\":[{}],"
    "\"state\":\"paid\",\"order_id\":\"" ORDER "\",\"done\":false}]}",
};

START_TEST(one_result)
{
	ck_assert_msg(read_text(good[_i]) == 0, "%s", complaint);
	ck_assert_uint_eq(results.n, 1);
	ck_assert(!results.item[0].twice);
	ck_assert_str_eq(results.item[0].order, ORDER);
	ck_assert_str_eq(results.item[0].state, "paid");
	ck_assert_str_eq(results.item[0].reference, "bank-7");
	ctl_results_free(&results);
}
END_TEST

/* What is no text stands for nothing; a number is one. */
START_TEST(odd_members)
{
	ck_assert_int_eq(
	    read_text("[{\"order_id\":true,\"state\":null,\"reference\":7},"
		      "false,null,{\"state\":\"paid\",\"state\":\"paid\"}]"),
	    0);
	ck_assert_uint_eq(results.n, 4);
	ck_assert_str_eq(results.item[0].order, "");
	ck_assert_str_eq(results.item[0].state, "");
	ck_assert_str_eq(results.item[0].reference, "7");
	ck_assert_str_eq(results.item[1].order, "");
	ck_assert_str_eq(results.item[2].order, "");
	ck_assert(results.item[3].twice);
	ctl_results_free(&results);
}
END_TEST

START_TEST(many_results)
{
	enum { MANY = 1000 };
	static char text[MANY * 8 + 1];
	char *end = text;
	size_t i;

	for (i = 0; i < MANY; i++)
		end += sprintf(end, "%zu\n", i);
	ck_assert_int_eq(read_text(text), 0);
	ck_assert_uint_eq(results.n, MANY);
	for (i = 0; i < MANY; i++) {
		ck_assert_uint_eq(results.item[i].line, i + 1);
		ck_assert_int_eq(atoi(results.item[i].order), (int)i);
	}
	ctl_results_free(&results);
}
END_TEST

static const struct {
	const char *text, *complaint;
} bad[] = {
    {"\"" ORDER, "is not CSV"},
    {"[", "not JSON"},
    {"[{]", "not JSON"},
    {"[] \"", "not JSON: there is more behind its end"},
    {"[][]", "not JSON: there is more behind its end"},
    {"[\v]", "not JSON: there is a vertical tab or a form feed in it"},
    {"[\"\\ud800\"]", "not JSON: there is half of a surrogate pair in it"},
    {"{}", "without results"},
    {"{\"payouts\":7}", "without results"},
};

START_TEST(no_results)
{
	ck_assert_int_eq(read_text(bad[_i].text), -1);
	ck_assert_msg(
	    strstr(complaint, bad[_i].complaint) != NULL, "%s", complaint);
	ck_assert_uint_eq(results.n, 0);
}
END_TEST

START_TEST(not_to_be_read)
{
	ck_assert_int_eq(ctl_results_read("/none", &results), -1);
	ck_assert_ptr_nonnull(strstr(complaint, "could not open /none: "));
	ck_assert_int_eq(ctl_results_read("/", &results), -1);
	ck_assert_ptr_nonnull(strstr(complaint, "could not read /: "));
	ck_assert_uint_eq(results.n, 0);
}
END_TEST

Suite *
results_suite(void)
{
	Suite *s = suite_create("results");
	TCase *t = tcase_create("results");

	tcase_add_loop_test(t, one_result, 0, (int)COUNT(good));
	tcase_add_test(t, odd_members);
	tcase_add_test(t, many_results);
	tcase_add_loop_test(t, no_results, 0, (int)COUNT(bad));
	tcase_add_test(t, not_to_be_read);
	suite_add_tcase(s, t);
	return s;
}
