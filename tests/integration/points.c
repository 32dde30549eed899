/*
 * The worker is killed at each call that it makes of the kernel, from the
 * arrival of a withdrawal until its answer: before the first of them, before
 * the second, which is after the first, and so on. (What it does between two
 * calls nobody outside can see, so there are no other moments.) Then the page
 * sends the same order again.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "ledger.h"
#include "stack.h"
#include "suites.h"
#include "support.h"
#include "tracer.h"
#include "victim.h"

enum {
	CALLS_MAX = 200,
	CALLS_MIN = 15, /* fewer cannot be a whole withdrawal */
	SAMPLE = 7,
	ALL_LIMIT_S = 900,
	MISSED_MAX = 3, /* a timer may have made a call more the first time */
};

struct kills {
	size_t struck;
	size_t unanswered;
	size_t before_commit;
	size_t after_commit;
};

/* The calls of one withdrawal by a worker that was waiting, and waits again.
 * The first is that waiting; it ends by the arrival. */
static size_t
record_calls(struct victim *victim, struct syscall_point *calls)
{
	struct http_response answer;
	size_t n;

	/* one that takes too long in a slow moment is not what is asked for */
	do {
		struct order order = victim_order(victim);
		struct http_request request =
		    order_request(&order, victim_token(victim, &order));
		struct tracer tracer = tracer_start(victim_rest(victim), NULL);

		answer = victim_ask(victim, &request);
		expect_bearable(&answer, &order);
		WAIT_UNTIL((n = tracer_calls(&tracer, calls, CALLS_MAX),
		    n > 0 && strcmp(calls[n - 1].name, calls[0].name) == 0));
		tracer_stop(&tracer);
		victim_expect_one_debit(victim, &order, &answer);
	} while (answer.status != 201);
	ck_assert_uint_ge(n, CALLS_MIN);
	ck_assert_uint_lt(n, CALLS_MAX);
	return n;
}

/* It dies while the request is under way, or with its answer given: then soon,
 * or it made fewer calls this time. */
static bool
is_over(pid_t worker, const struct tracer *tracer,
    const struct syscall_point *point)
{
	struct syscall_point calls[CALLS_MAX];
	size_t n = tracer_calls(tracer, calls, CALLS_MAX);

	if (!process_alive(worker))
		return true;
	return strcmp(calls[n - 1].name, calls[0].name) == 0 &&
	    (strcmp(calls[0].name, point->name) != 0 ||
		calls[n - 1].nth < point->nth);
}

/* Returns whether it was killed. */
static bool
kill_at(struct victim *victim, const struct syscall_point *calls, size_t i,
    struct kills *kills)
{
	struct order order = victim_order(victim);
	struct http_request request =
	    order_request(&order, victim_token(victim, &order));
	pid_t worker = victim_rest(victim);
	struct tracer tracer = tracer_start(worker, &calls[i]);
	struct http_response answer = victim_ask(victim, &request);
	const char *left;
	bool killed;

	expect_bearable(&answer, &order);
	WAIT_UNTIL(is_over(worker, &tracer, &calls[i]));
	tracer_stop(&tracer);
	killed = !process_alive(worker);
	left = ledger_status(order.id);
	printf("killed after %s, before %s %d: answer %d, ledger %s%s\n",
	    calls[i - 1].name, calls[i].name, calls[i].nth, answer.status, left,
	    killed ? "" : " (not reached)");
	fflush(stdout);
	if (killed) {
		kills->struck++;
		kills->unanswered += answer.status == 0;
		kills->before_commit += strcmp(left, "none") == 0;
		kills->after_commit += strcmp(left, "succeeded") == 0;
		/* the master has seen to another */
		ck_assert_int_ne(victim_rest(victim), worker);
	}
	victim_expect_one_debit(victim, &order, &answer);
	victim_rest(victim);
	return killed;
}

START_TEST(killed_at_each_call)
{
	struct victim victim = victim_start(NULL);
	struct syscall_point calls[CALLS_MAX];
	size_t n = record_calls(&victim, calls);
	size_t step = faults_all() ? 1 : n / SAMPLE;
	size_t wanted = 0;
	struct kills kills = {0};

	for (size_t i = 1 + faults_random(step); i < n; i += step) {
		wanted++;
		kill_at(&victim, calls, i, &kills);
	}
	printf("kill points: %zu of %zu calls chosen, killed at %zu, "
	       "%zu without an answer; found in the ledger: nothing %zu, "
	       "the debit %zu\n",
	    wanted, n - 1, kills.struck, kills.unanswered, kills.before_commit,
	    kills.after_commit);
	fflush(stdout);
	/* the proof is of something: on both sides of the commit */
	ck_assert_uint_ge(kills.struck + MISSED_MAX, wanted);
	ck_assert_uint_ge(kills.unanswered, wanted / 2);
	ck_assert_uint_ge(kills.before_commit, 1);
	ck_assert_uint_ge(kills.after_commit, 1);
}
END_TEST

Suite *
points_suite(void)
{
	Suite *suite = suite_create("points");
	TCase *tcase = fixture_struck_case(suite, "kill", ALL_LIMIT_S);

	tcase_add_test(tcase, killed_at_each_call);
	return suite;
}
