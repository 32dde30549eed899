/*
 * Replies of Postgres and Redis that are lost, late, doubled or false. The
 * proxy stands between them and withdrawd.
 */
#include <check.h>
#include <string.h>

#include "cache.h"
#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "proxy.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* ReadyForQuery outside of a transaction: what was sent is committed. */
static const char ready_for_query[] = "Z\0\0\0\5I";
enum { READY_LEN = 6 };

static struct proxy *proxy;
static struct workers workers_before;
static size_t log_before;

static void
put_proxy_before_postgres(const char *ladder)
{
	const char *folder = stack_folder();

	proxy = proxy_start(keep_format("%s/.s.PGSQL.5432", folder),
	    keep_format(
		"%s/.s.PGSQL.%s", setting("PGHOST"), setting("PGPORT")));
	stack_restart("withdrawd",
	    keep_format("WITHDRAWD_PGHOST=%s PGPORT=5432 WITHDRAW_WORKERS=1 %s",
		folder, ladder));
	workers_before = stack_workers();
	log_before = strlen(stack_log("withdrawd"));
}

/* For a step that is to come to its end, on any machine. */
static void
put_proxy_and_be_patient(void)
{
	put_proxy_before_postgres(
	    "WITHDRAW_LEDGER_TIMEOUT_MS=8000 WITHDRAW_LOCK_TTL_MS=9000");
}

/* For one that is not. */
static void
put_proxy_and_be_hasty(void)
{
	put_proxy_before_postgres(
	    "WITHDRAW_LEDGER_TIMEOUT_MS=2000 WITHDRAW_LOCK_TTL_MS=2500");
}

static void
put_proxy_before_redis(void)
{
	const char *folder = stack_folder();

	proxy = proxy_start(keep_format("%s/redis", folder), cache_socket());
	/* a short lease: a lock may outlive the reply that grants it */
	stack_restart("withdrawd",
	    keep_format("WITHDRAWD_REDIS_URL=unix://%s/redis?db=0 "
			"WITHDRAW_WORKERS=1 WITHDRAW_LEDGER_TIMEOUT_MS=1000 "
			"WITHDRAW_LOCK_TTL_MS=1200",
		folder));
	workers_before = stack_workers();
	log_before = strlen(stack_log("withdrawd"));
}

static void
expect_workers_alive(void)
{
	struct workers now = stack_workers();

	ck_assert_msg(workers_same(&workers_before, &now),
	    "a worker has died: see %s/log/withdrawd.log", setting("RUN_DIR"));
}

/* What the faults have left is found when withdrawd ends. */
static void
expect_good_end(void)
{
	size_t said = strlen(stack_log("withdrawd")) - log_before;

	stack_stop("withdrawd");
	expect_stopped_well(stack_log("withdrawd") + log_before, said);
}

/* Has withdrawd found Redis again? */
static bool
redis_is_used(void)
{
	struct http_request health = {.path = "/api/health"};
	struct http_response answer = http_send(&health);

	expect_status(&answer, 200);
	return strcmp(json_get(answer.body, "redis"), "up") == 0;
}

static void
lose_reply_to(const struct order *order)
{
	proxy_swallow(
	    proxy, order->id, strlen(order->id), ready_for_query, READY_LEN);
}

static void
expect_settled(const struct order *order, const struct http_response *answer)
{
	struct http_response final = order_settle_from(order, answer);

	expect_success(&final, order);
	ck_assert_int_eq(ledger_debits(order->id), 1);
	expect_workers_alive();
}

START_TEST(lost_commit_reply_is_found_out)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	const char *token = order_token(&order);
	struct http_response answer;

	lose_reply_to(&order);
	answer = order_send_with(&order, token);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	expect_success(&answer, &order);
	expect_settled(&order, &answer);
}
END_TEST

START_TEST(lost_reply_of_a_refusal)
{
	struct order order = order_new(ledger_open("1.00"), "100.00");
	const char *token = order_token(&order);
	struct http_response answer;
	struct http_response again;

	lose_reply_to(&order);
	answer = order_send_with(&order, token);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	expect_problem(&answer, 402, "insufficient-funds", "declined");
	again = order_settle(&order);
	ck_assert(answer_same(&answer, &again));
	expect_workers_alive();
}
END_TEST

START_TEST(lost_reply_of_a_void)
{
	struct order order = order_new(ledger_open("1.00"), "1.00");
	struct http_response answer;
	struct http_response again;

	lose_reply_to(&order);
	answer = order_void(&order);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	expect_status(&answer, 200);
	ck_assert_str_eq(json_get(answer.body, "status"), "void");
	again = order_void(&order);
	ck_assert(answer_same(&answer, &again));
	expect_workers_alive();
}
END_TEST

START_TEST(reply_that_never_comes)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	const char *token = order_token(&order);
	struct http_response answer;

	proxy_swallow(proxy, order.id, strlen(order.id), NULL, 0);
	answer = order_send_with(&order, token);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	if (answer.status != 201)
		expect_problem(&answer, 503, "outcome-unknown", "unknown");
	expect_settled(&order, &answer);
}
END_TEST

START_TEST(postgres_stalls)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	const char *token = order_token(&order);
	struct http_response answer;

	proxy_stall(proxy);
	answer = order_send_with(&order, token);
	expect_problem(&answer, 503, "outcome-unknown", "unknown");
	proxy_pass(proxy);
	expect_settled(&order, &answer);
}
END_TEST

START_TEST(postgres_cannot_be_reached)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	const char *token = order_token(&order);
	struct http_response answer;

	proxy_close(proxy);
	WAIT_UNTIL(proxy_connections(proxy) == 0);
	answer = order_send_with(&order, token);
	ck_assert_msg(strcmp(answer_code(&answer), "unavailable") == 0 ||
		strcmp(answer_code(&answer), "outcome-unknown") == 0,
	    "%d %s", answer.status, answer.body);
	ck_assert_str_eq(ledger_status(order.id), "none");
	proxy_pass(proxy);
	expect_settled(&order, &answer);
}
END_TEST

/* Messages of Postgres' protocol that nobody has asked for. */
static const struct {
	const char *data;
	size_t len;
} false_rows[] = {
    {"Z\0\0\0\5I", 6},
    {"C\0\0\0\rSELECT 1\0Z\0\0\0\5I", 20},
    {"E\0\0\0\x19SERROR\0C57P01\0Mgone\0\0", 26},
    {"\xff\xff\xff\xff\xff\xff\xff\xff", 8},
    {"garbage\r\n", 9},
};

START_TEST(postgres_says_too_much)
{
	const char *user = ledger_open("100.00");
	const char *other = ledger_open("100.00");

	for (int turn = 0; turn < 4; turn++) {
		struct order order =
		    order_new(turn % 2 == 0 ? user : other, "1.00");
		const char *token = order_token(&order);
		struct http_response answer;

		proxy_inject(proxy, false_rows[_i].data, false_rows[_i].len);
		answer = order_send_with(&order, token);
		ck_assert_uint_eq(proxy_injected(proxy), 1);
		expect_settled(&order, &answer);
	}
}
END_TEST

static const char *const false_replies[] = {"+OK\r\n", ":1\r\n", "$-1\r\n",
    "$3\r\nfoo\r\n", "*0\r\n", "*2\r\n$1\r\n1\r\n$2\r\ngo\r\n",
    "*1\r\n$1\r\n1\r\n", "-ERR something\r\n",
    "-NOSCRIPT No matching script.\r\n", "-LOADING in memory\r\n",
    "-OOM command not allowed\r\n", "!garbage\r\n", "\x01\x02\x03\r\n",
    "$1000000000\r\n", "*100000000\r\n"};

/* The order goes well, in spite of a false reply to its first answer. */
static void
expect_undeceived(const struct order *order, const struct http_response *first,
    const char *reply)
{
	struct http_response answer = order_settle_from(order, first);

	ck_assert_msg(answer.status == 201 &&
		strcmp(json_get(answer.body, "order_id"), order->id) == 0 &&
		strcmp(json_get(answer.body, "amount"), order->amount) == 0,
	    "order %s of %s, after redis said %s: %d %s", order->id,
	    order->amount, reply, answer.status, answer.body);
	ck_assert_int_eq(ledger_debits(order->id), 1);
	expect_workers_alive();
}

/* Two users in turn: whoever is given the other's reply would show it. */
START_TEST(redis_says_too_much)
{
	const char *users[] = {ledger_open("100.00"), ledger_open("1000.00")};
	const char *amounts[] = {"1.00", "2.00"};

	for (int i = 0; i < 2 * COUNT(false_replies); i++) {
		const char *reply = false_replies[i / 2];
		struct order order = order_new(users[i % 2], amounts[i % 2]);
		struct http_request request;
		struct http_response answer;

		WAIT_UNTIL(redis_is_used());
		request = order_request(&order, order_token(&order));
		proxy_inject(proxy, reply, strlen(reply));
		answer = http_send(&request);
		ck_assert_uint_eq(proxy_injected(proxy), 1);
		expect_undeceived(&order, &answer, reply);
		/* from the cache, if there is one */
		WAIT_UNTIL(redis_is_used());
		answer = http_send(&request);
		expect_undeceived(&order, &answer, reply);
		/* a lock whose grant was lost stays for its lease */
		cache_flush();
	}
}
END_TEST

/* A reply that any call could have had, and that another one had. */
static const char *const strays[] = {
    "*2\r\n$1\r\n1\r\n$8\r\nno-token\r\n", "*2\r\n$1\r\n1\r\n$4\r\nbusy\r\n"};

START_TEST(reply_to_another_call_is_nobodys)
{
	struct order order = order_new(ledger_open("1.00"), "1.00");
	struct http_response answer;
	const char *token;

	WAIT_UNTIL(redis_is_used());
	token = order_token(&order);
	proxy_inject(proxy, strays[_i], strlen(strays[_i]));
	answer = order_send_with(&order, token);
	ck_assert_uint_eq(proxy_injected(proxy), 1);
	/* who believes it says 409; a slow ledger is no believer */
	if (answer.status != 201)
		expect_problem(&answer, 503, answer_code(&answer), "unknown");
	answer = order_settle_from(&order, &answer);
	expect_success(&answer, &order);
	expect_workers_alive();
}
END_TEST

/* Somebody is signed in; a cookie that was made up is not. */
START_TEST(session_of_another_call_is_nobodys)
{
	static const char good[] = "*4\r\n$1\r\n1\r\n$4\r\ngood\r\n"
				   "$5\r\nalice\r\n$1\r\n1\r\n";
	struct http_request request = {.path = "/api/session"};
	struct http_response answer;

	request.headers[0] = keep_format(
	    "Cookie: withdraw_session=%s.%064d", ledger_open("1.00"), 1);
	WAIT_UNTIL(redis_is_used());
	proxy_inject(proxy, good, strlen(good));
	answer = http_send(&request);
	ck_assert_uint_eq(proxy_injected(proxy), 1);
	ck_assert_msg(answer.status == 401 || answer.status == 503, "%d %s",
	    answer.status, answer.body);
	expect_workers_alive();
}
END_TEST

START_TEST(false_reply_to_a_token)
{
	const char *user = ledger_open("100.00");
	struct http_request request = {
	    .method = "POST",
	    .path = "/api/token",
	    .user = user,
	};

	for (int i = 0; i < COUNT(false_replies); i++) {
		struct order order = order_new(user, "1.00");
		struct http_response answer;

		WAIT_UNTIL(redis_is_used());
		request.key = order.id;
		proxy_inject(proxy, false_replies[i], strlen(false_replies[i]));
		answer = http_send(&request);
		ck_assert_uint_eq(proxy_injected(proxy), 1);
		if (answer.status == 201)
			ck_assert_str_eq(
			    json_get(answer.body, "order_id"), order.id);
		else
			expect_problem(&answer, 503, "unavailable", NULL);
		answer = order_settle(&order);
		expect_undeceived(&order, &answer, false_replies[i]);
	}
}
END_TEST

START_TEST(redis_speaks_unasked)
{
	const char *user = ledger_open("100.00");

	for (int i = 0; i < COUNT(false_replies); i++) {
		struct order order = order_new(user, "1.00");
		struct http_response answer;

		WAIT_UNTIL(redis_is_used());
		proxy_inject_now(
		    proxy, false_replies[i], strlen(false_replies[i]));
		answer = order_settle(&order);
		expect_undeceived(&order, &answer, false_replies[i]);
	}
}
END_TEST

START_TEST(redis_swallows_a_reply)
{
	struct order order = order_new(ledger_open("100.00"), "1.00");
	const char *token = order_token(&order);
	struct http_response answer;

	/* of the admission: the token is spent, the lock is taken */
	proxy_swallow(proxy, order.id, strlen(order.id), NULL, 0);
	answer = order_send_with(&order, token);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	answer = order_settle_from(&order, &answer);
	expect_success(&answer, &order);
	ck_assert_int_eq(ledger_debits(order.id), 1);
	expect_workers_alive();
}
END_TEST

START_TEST(redis_closes_on_a_request)
{
	struct order order = order_new(ledger_open("100.00"), "1.00");
	const char *token = order_token(&order);
	struct http_response answer;

	proxy_swallow(proxy, order.id, strlen(order.id), "\r\n", 2);
	answer = order_send_with(&order, token);
	ck_assert_uint_eq(proxy_swallowed(proxy), 1);
	answer = order_settle_from(&order, &answer);
	expect_success(&answer, &order);
	ck_assert_int_eq(ledger_debits(order.id), 1);
	expect_workers_alive();
}
END_TEST

START_TEST(redis_stalls_in_the_middle)
{
	struct order order = order_new(ledger_open("100.00"), "1.00");
	struct order next = order_new(order.user, "1.00");
	struct http_response answer;

	answer = order_settle(&order);
	expect_success(&answer, &order);
	proxy_stall(proxy);
	answer = order_settle(&next);
	expect_success(&answer, &next);
	proxy_pass(proxy);
	/* what was kept back comes now, to a connection that has been given
	 * up: it must not meet anybody else's question */
	answer = order_settle(&order);
	expect_success(&answer, &order);
	answer = order_settle(&next);
	expect_success(&answer, &next);
	expect_workers_alive();
}
END_TEST

static const char *const junk[] = {"", "x", "1", "{}", "null",
    "{\"status\":201}", "\x01\x02\xff\xfe",
    "00000000-0000-0000-0000-000000000000", "1|2|3|4|5|6|7|8", "succeeded"};

START_TEST(poisoned_answer_is_not_shown)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	struct http_response first = order_send(&order);

	expect_success(&first, &order);
	for (int i = 0; i < COUNT(junk); i++) {
		struct http_response again;

		ck_assert_uint_gt(cache_count(order.user, order.id), 0);
		cache_poison(order.user, junk[i]);
		again = order_send_with(&order, NULL);
		ck_assert_msg(
		    answer_same(&first, &again) || answer_is_retryable(&again),
		    "junk \"%s\": %d %s", junk[i], again.status, again.body);
		again = order_settle(&order);
		ck_assert_msg(answer_same(&first, &again), "junk \"%s\": %s",
		    junk[i], again.body);
	}
}
END_TEST

START_TEST(answer_of_another_user_is_not_shown)
{
	struct order theirs = order_new(ledger_open("100.00"), "100.00");
	struct order mine = order_new(ledger_open("70.00"), "100.00");
	struct order same = order_new(theirs.user, "100.00");
	struct http_response answer = order_send(&theirs);
	const char *token;

	expect_success(&answer, &theirs);
	token = order_token(&mine);
	ck_assert_uint_gt(
	    cache_copy(theirs.user, theirs.id, mine.user, mine.id), 0);
	answer = order_send_with(&mine, token);
	answer = order_settle_from(&mine, &answer);
	expect_problem(&answer, 402, "insufficient-funds", "declined");
	/* nor that of an order that somebody else has sent, too */
	mine.id = theirs.id;
	token = order_token(&mine);
	ck_assert_uint_gt(
	    cache_copy(theirs.user, theirs.id, mine.user, mine.id), 0);
	answer = order_send_with(&mine, token);
	answer = order_settle_from(&mine, &answer);
	expect_problem(&answer, 409, "order-void", "void");
	/* nor the answer of another order of one's own */
	ck_assert_uint_gt(
	    cache_copy(theirs.user, theirs.id, same.user, same.id), 0);
	answer = order_settle(&same);
	expect_problem(&answer, 402, "insufficient-funds", "declined");
}
END_TEST

START_TEST(poisoned_before_the_first_click)
{
	const char *user = ledger_open("100.00");

	for (int i = 0; i < COUNT(junk); i++) {
		struct order order = order_new(user, "1.00");
		const char *token = order_token(&order);
		struct http_response answer;

		cache_poison(user, junk[i]);
		answer = order_send_with(&order, token);
		answer = order_settle_from(&order, &answer);
		ck_assert_msg(answer.status == 201, "junk \"%s\": %d %s",
		    junk[i], answer.status, answer.body);
	}
}
END_TEST

/* Commits were lost: a standby was promoted that did not have them, or a
 * backup was put back. What Redis has kept of them is not so. Here the record
 * is taken away, and a function before ours says that the history is another.
 */
START_TEST(answer_of_a_lost_history_is_not_shown)
{
	struct order order = order_new(ledger_open("1.00"), "100.00");
	struct http_response answer = order_send(&order);

	expect_problem(&answer, 402, "insufficient-funds", "declined");
	ck_assert_uint_gt(cache_count(order.user, order.id), 0);
	ledger_sql("DELETE FROM withdraw_record WHERE order_id = $1::uuid",
	    order.id, NULL);
	answer = order_send_with(&order, NULL);
	expect_problem(&answer, 402, "insufficient-funds", "declined");

	ledger_sql("DROP SCHEMA IF EXISTS restored CASCADE", NULL);
	ledger_sql("CREATE SCHEMA restored", NULL);
	ledger_sql("GRANT USAGE ON SCHEMA restored TO withdraw_service", NULL);
	ledger_sql("CREATE FUNCTION restored.withdraw_epoch() RETURNS text "
		   "LANGUAGE sql AS 'SELECT ''restored.1'''",
	    NULL);
	stack_restart(
	    "withdrawd", "PGOPTIONS='-c search_path=restored,public'");
	answer = order_send_with(&order, NULL);
	expect_problem(&answer, 409, "token-invalid", "none");
	ledger_credit(order.user, "99.00");
	answer = order_settle(&order);
	expect_success(&answer, &order);
	ck_assert_str_eq(ledger_balance(order.user), "0.00");
	/* not before: to a connection that is made then, it is the old history
	 * again */
	ledger_sql("DROP SCHEMA restored CASCADE", NULL);
}
END_TEST

/* A garbled answer is not a way round the token. */
START_TEST(poison_is_no_token)
{
	struct order theirs = order_new(ledger_open("100.00"), "100.00");
	struct order mine = order_new(ledger_open("100.00"), "100.00");
	struct http_response answer = order_send(&theirs);

	expect_success(&answer, &theirs);
	ck_assert_uint_gt(
	    cache_copy(theirs.user, theirs.id, mine.user, mine.id), 0);
	answer = order_send_with(&mine, NULL);
	expect_problem(&answer, 409, "token-invalid", "none");
	ck_assert_str_eq(ledger_status(mine.id), "none");
}
END_TEST

Suite *
replies_suite(void)
{
	Suite *suite = suite_create("replies");
	TCase *tcase = fixture_case(suite, "postgres");

	tcase_add_checked_fixture(
	    tcase, put_proxy_and_be_patient, expect_good_end);
	tcase_add_test(tcase, lost_commit_reply_is_found_out);
	tcase_add_test(tcase, lost_reply_of_a_refusal);
	tcase_add_test(tcase, lost_reply_of_a_void);

	tcase = fixture_case(suite, "stuck");
	tcase_add_checked_fixture(
	    tcase, put_proxy_and_be_hasty, expect_good_end);
	tcase_add_test(tcase, reply_that_never_comes);
	tcase_add_test(tcase, postgres_stalls);
	tcase_add_test(tcase, postgres_cannot_be_reached);
	tcase_add_loop_test(
	    tcase, postgres_says_too_much, 0, COUNT(false_rows));

	tcase = fixture_case(suite, "redis");
	tcase_add_checked_fixture(
	    tcase, put_proxy_before_redis, expect_good_end);
	tcase_add_test(tcase, redis_says_too_much);
	tcase_add_loop_test(
	    tcase, reply_to_another_call_is_nobodys, 0, COUNT(strays));
	tcase_add_test(tcase, session_of_another_call_is_nobodys);
	tcase_add_test(tcase, false_reply_to_a_token);
	tcase_add_test(tcase, redis_speaks_unasked);
	tcase_add_test(tcase, redis_swallows_a_reply);
	tcase_add_test(tcase, redis_closes_on_a_request);
	tcase_add_test(tcase, redis_stalls_in_the_middle);

	tcase = fixture_case(suite, "poison");
	tcase_add_test(tcase, poison_is_no_token);
	tcase_add_test(tcase, poisoned_answer_is_not_shown);
	tcase_add_test(tcase, answer_of_another_user_is_not_shown);
	tcase_add_test(tcase, poisoned_before_the_first_click);
	tcase_add_test(tcase, answer_of_a_lost_history_is_not_shown);
	return suite;
}
