/*
 * Nobody knows whether it was committed: the request is lost or cut, the reply
 * is lost or cut at each of its bytes, the server is ended, stopped or killed
 * while it commits. What is said meanwhile is true; once all is well again the
 * order soon has its final answer. COMMITS_FINAL_MS says how soon.
 *
 * A commit is held up by a standby that nobody is: the server has written it,
 * and waits.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cache.h"
#include "fixture.h"
#include "ledger.h"
#include "order.h"
#include "proxy.h"
#include "stack.h"
#include "suites.h"
#include "support.h"
#include "victim.h"

enum {
	SAMPLE = 8, /* of the bytes at which something is cut */
	KILLS = 12,
	DELAY_MAX_US = 12000,
	FINAL_MS = 5000,
	LIMIT_S = 900,
};

static struct proxy *proxy;
static struct victim victim;
static long long worst_ms;
static long long asked_ms; /* when the last order to be cut was sent */

/* How long the ledger step may take, and what follows from it. */
struct ladder {
	const char *timeout;
	const char *lease;
};
/* For a step that goes well, on any machine; and for one that does not. */
static const struct ladder patient = {
    "WITHDRAW_LEDGER_TIMEOUT_MS=8000", "WITHDRAW_LOCK_TTL_MS=9000"};
static const struct ladder hasty = {
    "WITHDRAW_LEDGER_TIMEOUT_MS=800", "WITHDRAW_LOCK_TTL_MS=900"};
/* The lease is to be there still when the answer is read. */
static const struct ladder hasty_leased = {
    "WITHDRAW_LEDGER_TIMEOUT_MS=800", "WITHDRAW_LOCK_TTL_MS=2500"};
/* Time enough for the statement to reach its commit. */
static const struct ladder fair = {
    "WITHDRAW_LEDGER_TIMEOUT_MS=1500", "WITHDRAW_LOCK_TTL_MS=1700"};

static void
start_behind_proxy(const struct ladder *ladder)
{
	const char *folder = stack_folder();

	proxy = proxy_start(keep_format("%s/.s.PGSQL.5432", folder),
	    keep_format(
		"%s/.s.PGSQL.%s", setting("PGHOST"), setting("PGPORT")));
	victim = victim_start((const char *[]){ladder->timeout, ladder->lease,
	    keep_format("PGHOST=%s", folder), "PGPORT=5432", NULL});
}

static void
start_alone(const struct ladder *ladder)
{
	victim = victim_start(
	    (const char *[]){ladder->timeout, ladder->lease, NULL});
}

static void
expect_unknown(const struct http_response *answer)
{
	expect_problem(answer, 503, "outcome-unknown", "unknown");
}

/* All is well since then: the order comes to its end. What is left of a lease,
 * and of a ledger step that was begun in vain, is in that time: a ladder that
 * leaves no room for both within the limit is not to be used here. */
static void
expect_final_since(long long well_ms, const struct order *order,
    const struct http_response *first)
{
	long limit_ms = number_of("COMMITS_FINAL_MS", FINAL_MS);
	struct http_response final = victim_settle(&victim, order);
	long long took = working_ms() - well_ms;

	expect_success(&final, order);
	if (took > worst_ms)
		worst_ms = took;
	ck_assert_msg(took <= limit_ms, "final after %lld ms", took);
	victim_expect_one_debit(&victim, order, first);
}

static void
expect_final_soon(const struct order *order, const struct http_response *first)
{
	expect_final_since(working_ms(), order, first);
}

static void
say_worst(const char *what)
{
	printf("%s: final within %lld ms once well\n", what, worst_ms);
	fflush(stdout);
}

/* --- the network -----------------------------------------------------------
 */

/* Sends a new order of which the request or the reply is cut. A reply that has
 * not come when it is given up, in a slow moment, could not be: then another.
 */
static struct http_response
send_cut(struct order *order, enum proxy_way way, size_t bytes, bool silent)
{
	struct http_response answer = {0};

	for (int tries = 0; tries < 10; tries++) {
		struct http_request request;

		/* a lease may be left of the order before */
		WAIT_UNTIL(cache_count(victim.user, "lock") == 0);
		*order = victim_order(&victim);
		request = order_request(order, victim_token(&victim, order));
		proxy_cut(
		    proxy, order->id, strlen(order->id), way, bytes, silent);
		asked_ms = now_ms();
		answer = victim_ask(&victim, &request);
		if (proxy_cuts(proxy) == 1)
			return answer;
		proxy_cut(proxy, "", 0, way, 0, silent); /* no more */
		victim_expect_one_debit(&victim, order, &answer);
		victim_rest(&victim);
	}
	ck_abort_msg("nothing could be cut: %d %s", answer.status, answer.body);
}

/* Starts it, and tells how long a request or a reply is. */
static size_t
measure(const struct ladder *ladder, enum proxy_way way)
{
	struct http_response answer;
	size_t len;

	start_behind_proxy(ladder);
	do {
		struct order order;

		answer = send_cut(&order, way, SIZE_MAX, true);
		len = proxy_passed(proxy);
		/* at any time: the lease of a patient one is long */
		victim_expect_one_debit(&victim, &order, &answer);
		victim_rest(&victim);
		/* else it was given up, on a slow machine */
	} while (answer.status != 201);
	return len;
}

/* A connection that ends is noticed: the same statement, on another one, gets
 * the answer at once. */
static void
cut_off(enum proxy_way way, const char *what)
{
	size_t len = measure(&patient, way);
	size_t step = faults_all() ? 1 : len / SAMPLE + 1;
	size_t runs = 0;

	ck_assert_uint_gt(len, 50);
	for (size_t at = faults_random(step); at < len; at += step, runs++) {
		struct order order;
		struct http_response answer = send_cut(&order, way, at, false);

		expect_success(&answer, &order);
		expect_final_soon(&order, &answer);
		victim_rest(&victim);
	}
	printf("%s cut at %zu of %zu bytes\n", what, runs, len);
	say_worst(what);
}

START_TEST(reply_is_cut_off)
{
	cut_off(PROXY_REPLY, "reply");
}
END_TEST

START_TEST(request_is_cut_off)
{
	cut_off(PROXY_REQUEST, "request");
}
END_TEST

/* One that stays open and silent is not. */
static void
fall_silent(enum proxy_way way, const char *what)
{
	enum { LEASE_MS = 2500 };
	size_t len = measure(&hasty_leased, way);
	size_t step = faults_all() ? 16 : len / 2 + 1;
	size_t runs = 0;

	for (size_t at = 0; at < len; at += step, runs++) {
		struct order order;
		struct http_response answer = send_cut(&order, way, at, true);

		expect_unknown(&answer);
		/* it may be under way still */
		ck_assert(cache_count(victim.user, "lock") == 1 ||
		    now_ms() - asked_ms >= LEASE_MS);
		expect_final_soon(&order, &answer);
		victim_rest(&victim);
	}
	printf("%s silent from %zu of %zu bytes on\n", what, runs, len);
	say_worst(what);
}

START_TEST(reply_falls_silent)
{
	fall_silent(PROXY_REPLY, "reply");
}
END_TEST

START_TEST(request_falls_silent)
{
	fall_silent(PROXY_REQUEST, "request");
}
END_TEST

/* A reply that comes when its request has been given up, and the next user has
 * asked: it is nobody's. */
START_TEST(late_reply_is_nobodys)
{
	struct order late;
	struct order next;
	struct http_request request;
	struct http_request then;
	struct http_response first;
	struct http_response answer;
	long long well_ms;
	int fd;

	start_behind_proxy(&hasty);
	late = victim_order(&victim);
	next = order_new(victim.other, "0.02");
	request = order_request(&late, victim_token(&victim, &late));
	then = order_request(&next, victim_token(&victim, &next));
	proxy_stall(proxy);
	first = victim_ask(&victim, &request);
	expect_unknown(&first);
	fd = victim_begin(&victim, &then);
	WAIT_UNTIL(cache_count(next.user, "lock") == 1);
	proxy_pass(proxy);
	well_ms = working_ms();
	answer = victim_finish(fd);
	expect_bearable(&answer, &next);
	expect_final_since(well_ms, &late, &first);
	answer = victim_settle(&victim, &next);
	expect_success(&answer, &next);
	say_worst("late reply");
}
END_TEST

/* --- the server, while it commits ------------------------------------------
 */

/* The backend of the victim that has written its commit, and waits for the
 * standby; 0 where there is none. */
static long
committing(void)
{
	return ledger_number(
	    "SELECT coalesce(max(pid), 0) FROM pg_stat_activity "
	    "WHERE application_name = $1 AND wait_event = 'SyncRep'",
	    victim.name, NULL);
}

static bool
is_gone(long pid)
{
	return ledger_number("SELECT count(*) FROM pg_stat_activity "
			     "WHERE pid = $1::int",
		   keep_format("%ld", pid), NULL) == 0;
}

static struct order order;

/* An order that is being committed. */
static int
begin_commit(void)
{
	struct http_request request;
	int fd;

	start_alone(&fair);
	order = victim_order(&victim);
	request = order_request(&order, victim_token(&victim, &order));
	ledger_configure("synchronous_standby_names", "nobody");
	fd = victim_begin(&victim, &request);
	WAIT_UNTIL(committing() != 0);
	return fd;
}

/* The page asks while nothing is well yet. */
static void
expect_nothing_final(void)
{
	struct http_request get = order_get_request(&order);
	struct http_request request =
	    order_request(&order, victim_token(&victim, &order));
	struct http_response answer = victim_ask(&victim, &request);

	ck_assert_msg(
	    answer_is_retryable(&answer), "%d %s", answer.status, answer.body);
	expect_bearable(&answer, &order);
	answer = victim_ask(&victim, &get);
	ck_assert_msg(answer.status == 503 || answer.status == 404, "%d %s",
	    answer.status, answer.body);
	expect_problem(&answer, answer.status, answer_code(&answer), NULL);
}

START_TEST(standby_is_silent)
{
	struct http_response answer = victim_finish(begin_commit());

	expect_unknown(&answer);
	expect_nothing_final();
	ledger_give_up_standby();
	expect_final_soon(&order, &answer);
	say_worst("silent standby");
}
END_TEST

/* The row is there, and the wait for the standby is over. */
static void
end_backend(const char *how)
{
	int fd = begin_commit();
	long backend = committing();
	struct http_response answer;

	ledger_sql(keep_format("SELECT %s($1::int)", how),
	    keep_format("%ld", backend), NULL);
	WAIT_UNTIL(ledger_debits(order.id) == 1);
	answer = victim_finish(fd);
	expect_unknown(&answer);
	expect_nothing_final();
	WAIT_UNTIL(is_gone(backend));
	ledger_give_up_standby();
	expect_final_soon(&order, &answer);
	say_worst(how);
}

START_TEST(backend_is_terminated)
{
	end_backend("pg_terminate_backend");
}
END_TEST

START_TEST(commit_is_cancelled)
{
	end_backend("pg_cancel_backend");
}
END_TEST

START_TEST(postgres_is_stopped)
{
	int fd = begin_commit();
	struct http_response answer;

	stack_freeze("postgres");
	answer = victim_finish(fd);
	expect_unknown(&answer);
	expect_nothing_final();
	stack_thaw("postgres");
	ledger_give_up_standby();
	expect_final_soon(&order, &answer);
	say_worst("stopped server");
}
END_TEST

/* All of its processes at once: none has time for a word. */
static void
kill_postgres(void)
{
	pid_t pid = stack_pid("postgres");
	struct workers children = process_children(pid);

	ledger_disconnect();
	stack_remember("postgres");
	kill(pid, SIGKILL);
	for (size_t i = 0; i < children.n; i++)
		kill(children.pids[i], SIGKILL);
	WAIT_UNTIL(!process_alive(pid));
	for (size_t i = 0; i < children.n; i++)
		WAIT_UNTIL(!process_alive(children.pids[i]));
}

static bool
is_well(void)
{
	struct http_request health = {.path = "/api/health"};

	return victim_ask(&victim, &health).status == 200;
}

START_TEST(backend_is_killed)
{
	int fd = begin_commit();
	long backend = committing();
	struct http_response answer;

	/* the server then ends all others, and recovers */
	ledger_disconnect();
	ck_assert_int_eq(kill((pid_t)backend, SIGKILL), 0);
	answer = victim_finish(fd);
	expect_unknown(&answer);
	WAIT_UNTIL(is_well());
	ledger_give_up_standby();
	ck_assert_int_eq(ledger_debits(order.id), 1);
	expect_final_soon(&order, &answer);
	say_worst("killed backend");
}
END_TEST

START_TEST(postgres_is_killed)
{
	int fd = begin_commit();
	struct http_response answer;

	/* the one that is started next waits for nobody */
	ledger_sql("ALTER SYSTEM RESET synchronous_standby_names", NULL);
	kill_postgres();
	answer = victim_finish(fd);
	expect_unknown(&answer);
	stack_start("postgres");
	ledger_give_up_standby();
	ck_assert_int_eq(ledger_debits(order.id), 1);
	expect_final_soon(&order, &answer);
	say_worst("killed server");
}
END_TEST

/* --- the server, at any moment ----------------------------------------------
 */

START_TEST(postgres_is_killed_at_any_moment)
{
	size_t answered = 0;
	size_t unknown = 0;
	size_t stood = 0;

	start_alone(&hasty);
	for (size_t i = 0; i < KILLS; i++) {
		struct http_request request;
		struct timespec delay = {
		    .tv_nsec = (long)faults_random(DELAY_MAX_US) * 1000};
		struct http_response answer;
		int fd;

		order = victim_order(&victim);
		request = order_request(&order, victim_token(&victim, &order));
		fd = victim_begin(&victim, &request);
		nanosleep(&delay, NULL);
		kill_postgres();
		answer = victim_finish(fd);
		expect_bearable(&answer, &order);
		answered += answer.status == 201;
		unknown += strcmp(answer_code(&answer), "outcome-unknown") == 0;
		ck_assert_int_ne(answer.status, 0);
		stack_start("postgres");
		stood += ledger_debits(order.id) == 1;
		expect_final_soon(&order, &answer);
		victim_rest(&victim);
	}
	printf("killed %zu times: answered before %zu, unknown %zu; the debit "
	       "stood %zu times\n",
	    (size_t)KILLS, answered, unknown, stood);
	say_worst("killed at any moment");
	ck_assert_uint_le(answered, stood);
}
END_TEST

Suite *
commits_suite(void)
{
	Suite *suite = suite_create("commits");
	TCase *tcase = fixture_struck_case(suite, "network", LIMIT_S);

	tcase_add_test(tcase, reply_is_cut_off);
	tcase_add_test(tcase, request_is_cut_off);
	tcase_add_test(tcase, reply_falls_silent);
	tcase_add_test(tcase, request_falls_silent);
	tcase_add_test(tcase, late_reply_is_nobodys);

	tcase = fixture_struck_case(suite, "cancel", LIMIT_S);
	/* before each as well: one that failed has left it */
	tcase_add_checked_fixture(tcase, ledger_give_up_standby, NULL);
	tcase_add_unchecked_fixture(tcase, NULL, ledger_give_up_standby);
	tcase_add_test(tcase, commit_is_cancelled);

	tcase = fixture_struck_case(suite, "commit", LIMIT_S);
	/* before each as well: one that failed has left it */
	tcase_add_checked_fixture(tcase, ledger_give_up_standby, NULL);
	tcase_add_unchecked_fixture(tcase, NULL, ledger_give_up_standby);
	tcase_add_test(tcase, standby_is_silent);
	tcase_add_test(tcase, backend_is_terminated);
	tcase_add_test(tcase, postgres_is_stopped);
	tcase_add_test(tcase, backend_is_killed);
	tcase_add_test(tcase, postgres_is_killed);

	if (faults_all()) {
		tcase = fixture_struck_case(suite, "any moment", LIMIT_S);
		tcase_add_test(tcase, postgres_is_killed_at_any_moment);
	}
	return suite;
}
