/* Workers come and go, the master ends: no request is lost over it. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "fixture.h"
#include "http.h"
#include "instance.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"
#include "victim.h"

enum { CALLERS = 10 };

/* How often the service is reloaded, and stopped: TURNS (make longrun). */
static int
turns(void)
{
	int n = (int)number_of("TURNS", 3);

	ck_assert_int_gt(n, 0);
	return n;
}

/* A withdrawal of each caller at once; every answer is the success. */
static void
run_round(const char *const *callers)
{
	struct order orders[CALLERS];
	struct http_request requests[CALLERS];
	struct http_response *answers;

	for (size_t i = 0; i < CALLERS; i++) {
		orders[i] = order_new(callers[i], "0.01");
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	}
	answers = http_send_all(requests, CALLERS);
	for (size_t i = 0; i < CALLERS; i++) {
		expect_success(&answers[i], &orders[i]);
		ck_assert_int_eq(ledger_debits(orders[i].id), 1);
	}
}

static void
open_callers(const char **callers)
{
	for (size_t i = 0; i < CALLERS; i++)
		callers[i] = ledger_open("100.00");
}

START_TEST(killed_worker_is_replaced)
{
	struct workers before = stack_workers();
	struct workers now;

	stack_kill_workers();
	WAIT_UNTIL((now = stack_workers(), now.n == before.n));
	ck_assert(workers_all_new(&before, &now));
	for (int i = 0; i < 5; i++) {
		struct order order = order_new(ledger_open("1.00"), "1.00");
		struct http_response answer = order_send(&order);

		expect_success(&answer, &order);
	}
}
END_TEST

START_TEST(hup_loses_no_request)
{
	const char *callers[CALLERS];
	int n = turns();

	open_callers(callers);
	run_round(callers);
	for (int turn = 0; turn < n; turn++) {
		struct workers before = stack_workers();
		struct workers now = before;

		ck_assert_int_eq(kill(stack_pid("withdrawd"), SIGHUP), 0);
		while (now.n != before.n || !workers_all_new(&before, &now)) {
			run_round(callers);
			now = stack_workers();
		}
		run_round(callers);
	}
}
END_TEST

/* Withdrawals of each caller that are under way at the same time. */
struct wave {
	struct order orders[CALLERS];
	struct http_batch *batch;
};

static void
wave_prepare(struct wave *wave, const char *const *callers,
    struct http_request requests[CALLERS])
{
	for (size_t i = 0; i < CALLERS; i++) {
		wave->orders[i] = order_new(callers[i], "0.01");
		requests[i] = order_request(
		    &wave->orders[i], order_token(&wave->orders[i]));
	}
}

/* What was answered while the service stopped is honest; what was final then
 * is what the ledger has, and what is answered ever after. Returns how many
 * were final. */
static int
wave_judge(struct wave *wave)
{
	const struct http_response *answers = http_finish(wave->batch);
	int finals = 0;

	for (size_t i = 0; i < CALLERS; i++) {
		const struct order *order = &wave->orders[i];
		struct http_response last;

		expect_bearable(&answers[i], order);
		last = order_settle(order);
		expect_success(&last, order);
		if (answer_is_final(&answers[i])) {
			finals++;
			ck_assert_msg(answer_same(&answers[i], &last), "%s\n%s",
			    answers[i].body, last.body);
		}
		ck_assert_int_eq(ledger_debits(order->id), 1);
	}
	return finals;
}

/* One wave is under way when it is told to stop, as far as the turn has it;
 * the other finds it stopping or gone. */
START_TEST(stop_loses_no_final_answer)
{
	const char *callers[CALLERS], *late[CALLERS];
	int n = turns(), finals = 0;

	open_callers(callers);
	open_callers(late);
	for (int turn = 0; turn < n; turn++) {
		struct http_request first[CALLERS], second[CALLERS];
		struct wave under_way, coming;

		wave_prepare(&under_way, callers, first);
		wave_prepare(&coming, late, second);
		under_way.batch = http_begin(first, CALLERS);
		WAIT_UNTIL(
		    http_done(under_way.batch) >= (size_t)(turn % CALLERS));
		ck_assert_int_eq(kill(stack_pid("withdrawd"), SIGTERM), 0);
		coming.batch = http_begin(second, CALLERS);
		stack_stop("withdrawd");
		stack_start("withdrawd");
		finals += wave_judge(&under_way);
		finals += wave_judge(&coming);
	}
	ck_assert_int_gt(finals, 0);
	for (size_t i = 0; i < CALLERS; i++) {
		ck_assert_int_eq(ledger_succeeded(callers[i]), n);
		ck_assert_int_eq(ledger_succeeded(late[i]), n);
	}
}
END_TEST

START_TEST(hup_answers_what_is_under_way)
{
	struct order order = order_new(ledger_open("1.00"), "1.00");
	struct http_request request =
	    order_request(&order, order_token(&order));
	struct workers before = stack_workers();
	struct workers now;
	struct http_batch *batch;
	struct http_response answer;

	ledger_hold(order.user);
	batch = http_begin(&request, 1);
	WAIT_UNTIL(ledger_blocked() == 1);
	ck_assert_int_eq(kill(stack_pid("withdrawd"), SIGHUP), 0);
	/* the roll has begun: somebody new is there */
	WAIT_UNTIL((now = stack_workers(),
	    now.n != before.n || !workers_same(&before, &now)));
	ledger_release();
	answer = *http_finish(batch);
	expect_success(&answer, &order);
}
END_TEST

/* Counts a generation when none of the workers is one of the last. */
static void
now_is_new(struct workers *last, int *generations)
{
	struct workers now = stack_workers();

	if (now.n > 0 && workers_all_new(last, &now)) {
		*last = now;
		++*generations;
	}
}

START_TEST(recycling_loses_no_request)
{
	enum { ROUNDS = 40 };
	const char *callers[CALLERS];
	struct workers before;
	struct workers now;

	open_callers(callers);
	stack_restart("withdrawd", "WITHDRAW_MAX_REQUESTS=50");
	before = stack_workers();
	for (int i = 0; i < ROUNDS; i++)
		run_round(callers);
	now = stack_workers();
	ck_assert(workers_all_new(&before, &now));
}
END_TEST

/* With a limit of one, a worker may be used up before it has taken over from
 * the one before: it must be replaced all the same, again and again. */
START_TEST(recycling_never_ends)
{
	enum { GENERATIONS = 12 };
	struct http_request health = {.path = "/api/health"};
	struct workers before;
	int generations = 0;

	stack_restart(
	    "withdrawd", "WITHDRAW_MAX_REQUESTS=1 WITHDRAW_WORKERS=1");
	before = stack_workers();
	for (int i = 1; i <= GENERATIONS; i++)
		WAIT_UNTIL((http_send(&health),
		    now_is_new(&before, &generations), generations >= i));
}
END_TEST

/* nginx holds kept connections to a worker that is killed: what it sends on
 * them must reach another one. */
START_TEST(kept_connections_die_with_their_worker)
{
	enum { WARM = 50, ROUNDS = 5 };
	const char *callers[CALLERS];
	struct http_request reads[WARM];

	open_callers(callers);
	for (int i = 0; i < WARM; i++)
		reads[i] = (struct http_request){
		    .path = "/api/account", .user = callers[i % CALLERS]};
	for (int turn = 0; turn < 3; turn++) {
		struct workers workers;

		http_send_all(reads, WARM);
		workers = stack_workers();
		ck_assert_int_eq(kill(workers.pids[0], SIGKILL), 0);
		for (int i = 0; i < ROUNDS; i++)
			run_round(callers);
	}
}
END_TEST

/*
 * An instance of the test's own: how it ends.
 */

/* A withdrawal that is stopped in its ledger step. */
static int
begin_held(const struct instance *instance, const struct order *order)
{
	const char *body = order_request(order, order_token(order)).body;
	struct fcgi_bytes params =
	    fcgi_params("POST", "/api/withdraw", order->user, order->id, body);
	struct fcgi_bytes request = fcgi_request(&params, body, true);
	int fd;

	ledger_hold(order->user);
	fd = fcgi_connect(instance->socket);
	fcgi_send(fd, &request);
	WAIT_UNTIL(ledger_blocked() == 1);
	return fd;
}

static struct instance
start_ready(void)
{
	struct instance instance = instance_start(NULL, NULL);

	instance_wait_ready(&instance);
	return instance;
}

START_TEST(term_answers_what_is_under_way)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct order order = order_new(ledger_open("1.00"), "1.00");
	struct instance instance = start_ready();
	int idle = fcgi_connect(instance.socket);
	int fd = begin_held(&instance, &order);
	struct http_response answer;

	ck_assert_int_eq(kill(instance.pid, signals[_i]), 0);
	/* it has understood: idle connections are closed */
	fcgi_wait_closed(idle);
	ck_assert(!instance_ended(&instance));
	ledger_release();
	answer = fcgi_receive(fd);
	expect_success(&answer, &order);
	ck_assert_int_eq(instance_wait(&instance), 0);
	close(idle);
	close(fd);
}
END_TEST

/* A peer that never finishes its request must not keep it alive. */
START_TEST(term_does_not_wait_for_half_a_request)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/health", NULL, NULL, NULL);
	struct fcgi_bytes whole = fcgi_request(&params, NULL, true);
	struct instance instance = start_ready();
	struct fcgi_bytes half = {.data = whole.data, .len = whole.len / 2};
	int fds[8];

	for (int i = 0; i < COUNT(fds); i++) {
		fds[i] = fcgi_connect(instance.socket);
		fcgi_send(fds[i], &half);
	}
	ck_assert_int_eq(kill(instance.pid, SIGTERM), 0);
	ck_assert_int_eq(instance_wait(&instance), 0);
	for (int i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}
END_TEST

START_TEST(second_term_ends_at_once)
{
	struct order order = order_new(ledger_open("1.00"), "1.00");
	struct instance instance = start_ready();
	struct workers workers = process_children(instance.pid);
	int idle = fcgi_connect(instance.socket);
	int fd = begin_held(&instance, &order);
	struct http_response answer;

	ck_assert_int_eq(kill(instance.pid, SIGTERM), 0);
	fcgi_wait_closed(idle);
	ck_assert_int_eq(kill(instance.pid, SIGTERM), 0);
	instance_wait(&instance);
	for (size_t i = 0; i < workers.n; i++)
		WAIT_UNTIL(!process_alive(workers.pids[i]));
	/* had it waited for the ledger, or for its deadline, there were one */
	ck_assert_int_eq(fcgi_receive(fd).status, 0);
	ledger_release();
	close(idle);
	close(fd);
	answer = order_settle(&order);
	expect_success(&answer, &order);
}
END_TEST

START_TEST(workers_go_with_a_killed_master)
{
	struct instance instance = start_ready();
	struct workers workers = process_children(instance.pid);

	ck_assert_uint_gt(workers.n, 0);
	ck_assert_int_eq(kill(instance.pid, SIGKILL), 0);
	ck_assert_int_eq(instance_wait(&instance), 128 + SIGKILL);
	for (size_t i = 0; i < workers.n; i++)
		WAIT_UNTIL(!process_alive(workers.pids[i]));
}
END_TEST

Suite *
process_suite(void)
{
	Suite *suite = suite_create("process");
	TCase *tcase = fixture_case(suite, "workers");

	tcase_add_test(tcase, killed_worker_is_replaced);
	tcase_add_test(tcase, hup_answers_what_is_under_way);
	tcase_add_test(tcase, recycling_loses_no_request);
	tcase_add_test(tcase, recycling_never_ends);
	tcase_add_test(tcase, kept_connections_die_with_their_worker);

	tcase = fixture_case(suite, "turns");
	tcase_add_test(tcase, hup_loses_no_request);
	tcase_add_test(tcase, stop_loses_no_final_answer);

	tcase = fixture_case(suite, "ending");
	tcase_add_loop_test(tcase, term_answers_what_is_under_way, 0, 2);
	tcase_add_test(tcase, term_does_not_wait_for_half_a_request);
	tcase_add_test(tcase, second_term_ends_at_once);
	tcase_add_test(tcase, workers_go_with_a_killed_master);
	return suite;
}
