/* check_attempt.c: whose network an address is of, as attempts are counted, and
 * what Redis says about an attempt; what is not understood lets nobody go on.
 */
#include <string.h>

#include "signin/attempt.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct attempt attempt;

static long
wait_of(size_t n, const char *word, const char *third, const char *fourth)
{
	const struct redis_reply_items items = {
	    .n = n, .text = {"7", word, third, fourth}};

	return attempt_wait_ms(&attempt, &items);
}

START_TEST(answers)
{
	ck_assert_int_eq(wait_of(4, "go", "0", "1764000000000000"), 0);
	ck_assert_str_eq(attempt.till, "0");
	ck_assert_str_eq(attempt.born, "1764000000000000");
	ck_assert_int_eq(wait_of(3, "wait", "1", NULL), 1);
	ck_assert_int_eq(wait_of(3, "wait", "300000", NULL), 300000);
}
END_TEST

START_TEST(no_answers)
{
	static const char *const bad[] = {"", "0", "00", "01", "-5", "+5", " 5",
	    "5 ", "1e3", "x", "1000000000", "9223372036854775807",
	    "1000000000000000019884624838656"};
	static const char *const bad_times[] = {
	    "", "-1", "1.5", " 1", "1 ", "nan", "123456789012345678901234"};
	size_t i;

	ck_assert_int_eq(attempt_wait_ms(&attempt, NULL), -1);
	ck_assert_int_eq(wait_of(1, NULL, NULL, NULL), -1);
	ck_assert_int_eq(wait_of(2, "wait", NULL, NULL), -1);
	ck_assert_int_eq(wait_of(2, "go", NULL, NULL), -1);
	ck_assert_int_eq(wait_of(3, "go", "5", NULL), -1);
	ck_assert_int_eq(wait_of(4, "gone", "5", "5"), -1);
	ck_assert_int_eq(wait_of(4, "wait", "5", "5"), -1);
	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(wait_of(3, "wait", bad[i], NULL) == -1,
		    "\"%s\" was taken for a wait", bad[i]);
	for (i = 0; i < COUNT(bad_times); i++) {
		ck_assert_int_eq(wait_of(4, "go", bad_times[i], "5"), -1);
		ck_assert_int_eq(wait_of(4, "go", "5", bad_times[i]), -1);
	}
}
END_TEST

static const struct {
	const char *address, *network;
} networks[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"2001:db8:1:2::3", "2001:0db8:0001:0002::/64"},
    {"2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"},
    {"2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:0db8:0001:0002::/64"},
    {"2001:db8:1:3::3", "2001:0db8:0001:0003::/64"},
    {"2001:db8::ffff:0:0:1", "2001:0db8:0000:0000::/64"},
    {"::1", "0000:0000:0000:0000::/64"},
    {"fe80::1", "fe80:0000:0000:0000::/64"},
    /* IPv4 as a socket of both kinds has it: not all of it is one network */
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::FFFF:c000:201", "192.0.2.1"},
    {"0:0:0:0:0:ffff:192.0.2.255", "192.0.2.255"},
    /* begins as an IPv4 address would, and is none */
    {"::ffff:19", "0000:0000:0000:0000::/64"},
    /* none, and what nginx says of a unix socket */
    {"", ""},
    {"unix:", "unix:"},
};

START_TEST(networks_of_addresses)
{
	char network[64];

	attempt_network(networks[_i].address, network);
	ck_assert_str_eq(network, networks[_i].network);
}
END_TEST

START_TEST(long_address_is_cut)
{
	char address[200], network[64];

	memset(address, 'x', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	attempt_network(address, network);
	ck_assert_uint_eq(strlen(network), sizeof(network) - 1);
}
END_TEST

Suite *
attempt_suite(void)
{
	Suite *suite = suite_create("attempt");
	TCase *tcase = tcase_create("attempt");

	tcase_add_test(tcase, answers);
	tcase_add_test(tcase, no_answers);
	tcase_add_loop_test(tcase, networks_of_addresses, 0, COUNT(networks));
	tcase_add_test(tcase, long_address_is_cut);
	suite_add_tcase(suite, tcase);
	return suite;
}
