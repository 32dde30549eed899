/* check_session.c: what Redis says of a session of our own sign-in; who it is
 * of goes to headers, logs and the ledger, so nobody is made up. */
#include <string.h>

#include "signin/session.h"
#include "suites.h"

#define LONGEST                                                                \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz.@+-01234567"

static char name[SESSION_NAME], generation[24];

static enum session_state
state_of(size_t n, const char *word, const char *third, const char *fourth)
{
	const struct redis_reply_items items = {
	    .n = n, .text = {"7", word, third, fourth}};

	return session_read(&items, name, generation);
}

START_TEST(states)
{
	ck_assert_int_eq(state_of(2, "none", NULL, NULL), SESSION_NONE);
	ck_assert_int_eq(state_of(4, "good", "alice", "1"), SESSION_GOOD);
	ck_assert_str_eq(name, "alice");
	ck_assert_str_eq(generation, "1");
	ck_assert_int_eq(
	    state_of(4, "ask", LONGEST, "9223372036854775807"), SESSION_ASK);
	ck_assert_str_eq(name, LONGEST);
	ck_assert_str_eq(generation, "9223372036854775807");
}
END_TEST

START_TEST(no_states)
{
	ck_assert_int_eq(session_read(NULL, name, generation), SESSION_UNKNOWN);
	ck_assert_int_eq(state_of(1, NULL, NULL, NULL), SESSION_UNKNOWN);
	ck_assert_int_eq(state_of(2, "good", NULL, NULL), SESSION_UNKNOWN);
	ck_assert_int_eq(state_of(3, "good", "alice", NULL), SESSION_UNKNOWN);
	ck_assert_int_eq(state_of(4, "", "alice", "1"), SESSION_UNKNOWN);
	ck_assert_int_eq(state_of(4, "goods", "alice", "1"), SESSION_UNKNOWN);
}
END_TEST

/* A name that is cut may be somebody else's. */
START_TEST(nothing_is_cut)
{
	ck_assert_uint_eq(strlen(LONGEST), SESSION_NAME - 1);
	ck_assert_int_eq(
	    state_of(4, "good", LONGEST "y", "1"), SESSION_UNKNOWN);
	ck_assert_int_eq(state_of(4, "good", "", "1"), SESSION_UNKNOWN);
	ck_assert_int_eq(
	    state_of(4, "good", "alice", "123456789012345678901234"),
	    SESSION_UNKNOWN);
	ck_assert_int_eq(state_of(4, "good", "alice", ""), SESSION_UNKNOWN);
}
END_TEST

Suite *
session_suite(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	tcase_add_test(tcase, states);
	tcase_add_test(tcase, no_states);
	tcase_add_test(tcase, nothing_is_cut);
	suite_add_tcase(suite, tcase);
	return suite;
}
