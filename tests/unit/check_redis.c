/* check_redis.c: what Redis replies: it is believed in its one form, and ends
 * the connection in any other. */
#include <stdio.h>
#include <string.h>

#include "fake_redis.h"
#include "pipeline/token.h"
#include "store/redis.h"
#include "stores.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct redis_call call;
static int done;
static size_t nitems; /* 0: no reply */
static char item[REDIS_ITEMS][64];

static void
on_done(struct redis_call *c, const struct redis_reply_items *items)
{
	size_t i;

	ck_assert_ptr_eq(c, &call);
	done++;
	nitems = items != NULL ? items->n : 0;
	for (i = 0; i < nitems; i++)
		snprintf(item[i], sizeof(item[i]), "%s", items->text[i]);
}

static bool
ask(void)
{
	bool asked;

	call = (struct redis_call){.done = on_done};
	done = 0;
	asked = redis_call(stores.redis, &call, &token_script,
	    (const char *[]){"key", "order", "5000"}, 3);
	stores_turn();
	return asked;
}

/* Connected, and asked. */
static void
setup_asked(void)
{
	stores_setup();
	stores_open();
	ck_assert(redis_up(stores.redis));
	ck_assert(ask());
	ck_assert_uint_eq(fake_redis_asked(), 1);
}

static void
assert_lost(const char *problem)
{
	ck_assert_int_eq(done, 1);
	ck_assert_uint_eq(nitems, 0);
	ck_assert_msg(strstr(redis_problem(stores.redis), problem) != NULL,
	    "it is: %s", redis_problem(stores.redis));
	ck_assert(!redis_up(stores.redis));
	ck_assert(!ask());
	ck_assert_int_eq(done, 0);
}

/* It tries again, and is well. */
static void
assert_returns(void)
{
	while (!redis_up(stores.redis)) {
		ev_run(stores.loop, EVRUN_ONCE);
		fake_redis_serve();
	}
	ck_assert_str_eq(redis_problem(stores.redis), "");
	ck_assert(ask());
	fake_redis_items(NULL, NULL, NULL);
	stores_turn();
	ck_assert_int_eq(done, 1);
	ck_assert_uint_eq(nitems, 1);
}

START_TEST(items_of_a_reply)
{
	fake_redis_items("a", "", "c");
	stores_turn();
	ck_assert_int_eq(done, 1);
	ck_assert_uint_eq(nitems, 4);
	ck_assert_str_eq(item[1], "a");
	ck_assert_str_eq(item[2], "");
	ck_assert_str_eq(item[3], "c");
	ck_assert(redis_up(stores.redis));
}
END_TEST

static const struct {
	const char *reply, *problem;
} others[] = {
    {"+OK\r\n", "something else"},
    {"$1\r\n1\r\n", "something else"},
    {"*0\r\n", "something else"},
    {"*-1\r\n", "something else"},
    {"*1\r\n:11\r\n", "something else"},
    {"*1\r\n*1\r\n$2\r\n11\r\n", "something else"},
    {"*2\r\n$2\r\n11\r\n$-1\r\n", "something else"},
    {"*1\r\n$1\r\n1\r\n", "something else"}, /* the greeting's number */
    {"-ERR something\r\n", "it answered: ERR something"},
    {"-NOSCRIPT No matching script.\r\n", "it answered: NOSCRIPT"},
    {"*5\r\n$1\r\n1\r\n", "memory"}, /* no room is made for five */
    {"*1000000000\r\n", "memory"},
    {"!garbage\r\n", "Protocol error"},
};

START_TEST(not_its_reply)
{
	fake_redis_raw(others[_i].reply);
	ev_run(stores.loop, EVRUN_NOWAIT);
	assert_lost(others[_i].problem);
	assert_returns();
}
END_TEST

/* What is before it would pass for an answer. */
START_TEST(word_with_a_nul)
{
	static const char reply[] = "*2\r\n$2\r\n11\r\n$5\r\nnone\0\r\n";

	peer_say(&fake_redis, reply, sizeof(reply) - 1);
	ev_run(stores.loop, EVRUN_NOWAIT);
	ck_assert_int_eq(done, 1);
	ck_assert_uint_eq(nitems, 2);
	ck_assert_str_eq(item[1], "");
	ck_assert(redis_up(stores.redis));
}
END_TEST

START_TEST(number_with_a_nul)
{
	static const char reply[] = "*1\r\n$3\r\n11\0\r\n";

	peer_say(&fake_redis, reply, sizeof(reply) - 1);
	ev_run(stores.loop, EVRUN_NOWAIT);
	assert_lost("something else");
}
END_TEST

START_TEST(reply_to_nobody)
{
	fake_redis_items(NULL, NULL, NULL);
	stores_turn();
	ck_assert_int_eq(done, 1);
	peer_say(&fake_redis, "+OK\r\n", 5);
	ev_run(stores.loop, EVRUN_NOWAIT);
	ck_assert(!redis_up(stores.redis));
	ck_assert_ptr_nonnull(
	    strstr(redis_problem(stores.redis), "nobody asked for"));
	assert_returns();
}
END_TEST

START_TEST(end_of_the_connection)
{
	peer_hang_up(&fake_redis);
	ev_run(stores.loop, EVRUN_NOWAIT);
	assert_lost("Server closed the connection");
	assert_returns();
}
END_TEST

/* It goes on and on: what is unread has a bound. */
START_TEST(endless_reply)
{
	static char much[1 << 14];
	int i;

	memset(much, 'x', sizeof(much));
	peer_say(&fake_redis, "*1\r\n$100000000\r\n", 16);
	for (i = 0; i < 1000 && redis_up(stores.redis); i++) {
		peer_say(&fake_redis, much, sizeof(much));
		ev_run(stores.loop, EVRUN_NOWAIT);
	}
	assert_lost("too long");
	/* just above the bound, not only when all of it is there */
	ck_assert_int_le(i, (1 << 20) / (int)sizeof(much) + 1);
	assert_returns();
}
END_TEST

/* --- the greeting --------------------------------------------------------- */

START_TEST(greeting_with_all_in_it)
{
	stores_config.redis_password = "secret";
	stores_config.redis_db = 3;
	stores_open();
	ck_assert(redis_up(stores.redis));
	ck_assert_str_eq(
	    token_script.sha, "0123456789012345678901234567890123456789");
}
END_TEST

START_TEST(greeting_refused)
{
	fake_redis_greeting = "-NOAUTH Authentication required.\r\n";
	stores_open();
	ck_assert(!redis_up(stores.redis));
	ck_assert_str_eq(redis_problem(stores.redis),
	    "it refused the greeting: NOAUTH Authentication required.");
	ck_assert(!ask());
	fake_redis_greeting = "+OK\r\n";
	assert_returns();
}
END_TEST

/* Names of scripts that are none, or one too many, do no harm: a name that is
 * missing is the first call's to notice. */
START_TEST(greeting_with_odd_names)
{
	fake_redis_greeting = "$2\r\nOK\r\n";
	stores_open();
	ck_assert(redis_up(stores.redis));
	ck_assert_uint_eq(strlen(token_script.sha), 40);
}
END_TEST

START_TEST(greeting_with_a_name_too_many)
{
	fake_redis_greeting = "$40\r\n"
			      "abcdefghijabcdefghijabcdefghijabcdefghij\r\n";
	stores_open();
	ck_assert(redis_up(stores.redis));
	/* in the order in which they came */
	ck_assert_str_eq(
	    token_script.sha, "abcdefghijabcdefghijabcdefghijabcdefghij");
}
END_TEST

Suite *
redis_suite(void)
{
	Suite *s = suite_create("redis");
	TCase *t = tcase_create("replies");

	tcase_add_checked_fixture(t, setup_asked, stores_teardown);
	tcase_add_test(t, items_of_a_reply);
	tcase_add_loop_test(t, not_its_reply, 0, (int)COUNT(others));
	tcase_add_test(t, word_with_a_nul);
	tcase_add_test(t, number_with_a_nul);
	tcase_add_test(t, reply_to_nobody);
	tcase_add_test(t, end_of_the_connection);
	tcase_add_test(t, endless_reply);
	suite_add_tcase(s, t);
	t = tcase_create("greeting");
	tcase_add_checked_fixture(t, stores_setup, stores_teardown);
	tcase_add_test(t, greeting_with_all_in_it);
	tcase_add_test(t, greeting_refused);
	tcase_add_test(t, greeting_with_odd_names);
	tcase_add_test(t, greeting_with_a_name_too_many);
	suite_add_tcase(s, t);
	return s;
}
