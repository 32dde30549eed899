/*
 * Something runs out: descriptors, Postgres' connections, Redis' memory, the
 * disk of Postgres, of Redis, of the log. While it is so, whoever asks is told
 * the truth or to ask again; when it is over, the service is soon well again,
 * by itself, and each order comes to its end, with one debit.
 * ATTACK_RECOVERY_MS says how soon.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "cache.h"
#include "command.h"
#include "fcgi_client.h"
#include "fixture.h"
#include "http.h"
#include "instance.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "support.h"

enum {
	USERS = 12,
	RECOVERY_MS = 5000,
	SLOTS_MAX = 256,
	BATCHES_MAX = 60, /* of orders, until the disk is full */
	SEGMENTS_MAX = 20,
};

/* Orders that were about to be sent when it began. */
struct wave {
	struct order orders[USERS];
	struct http_request requests[USERS];
	struct http_response *answers;
};

static const char *users[USERS];

static void
open_users(void)
{
	for (int i = 0; i < USERS; i++)
		users[i] = ledger_open("1000.00");
}

static struct wave
make_wave(void)
{
	struct wave wave = {.answers = NULL};

	for (int i = 0; i < USERS; i++) {
		struct order *order = &wave.orders[i];

		*order = order_new(users[i], "1.00");
		wave.requests[i] = order_request(order, order_token(order));
	}
	return wave;
}

/* Nobody is told anything that is not so, or not to be asked again. */
static void
expect_honest_answers(const struct wave *wave)
{
	for (int i = 0; i < USERS; i++) {
		const struct http_response *answer = &wave->answers[i];

		if (answer->status == 201)
			expect_success(answer, &wave->orders[i]);
		else
			ck_assert_msg(answer_is_retryable(answer),
			    "neither paid nor to be asked again: %d %s %s",
			    answer->status, answer->error, answer->body);
	}
}

static int
count_retryable(const struct wave *wave)
{
	int n = 0;

	for (int i = 0; i < USERS; i++)
		n += answer_is_retryable(&wave->answers[i]);
	return n;
}

static void
expect_settled(const struct wave *wave)
{
	for (int i = 0; i < USERS; i++) {
		const struct order *order = &wave->orders[i];
		struct http_response last =
		    order_settle_from(order, &wave->answers[i]);

		expect_success(&last, order);
		ck_assert_int_eq(ledger_debits(order->id), 1);
	}
}

/* The other calls, while nothing can be looked up. */
static void
expect_no_claims(void)
{
	struct order order = order_new(users[0], "1.00");
	struct http_request requests[] = {order_get_request(&order),
	    order_void_request(&order),
	    {.path = "/api/account", .user = users[0]},
	    {.path = "/api/withdrawals", .user = users[0]}};
	struct http_response *answers =
	    http_send_all(requests, COUNT(requests));

	for (int i = 0; i < COUNT(requests); i++)
		expect_problem(
		    &answers[i], 503, answer_code(&answers[i]), "unknown");
}

/* --- and then it is over -------------------------------------------------- */

static bool
serves(struct order *order)
{
	struct http_request health = {.path = "/api/health"};
	struct http_response answer = http_send(&health);

	if (answer.status != 200 ||
	    strcmp(json_get(answer.body, "redis"), "up") != 0)
		return false;
	answer = order_settle(order);
	return answer.status == 201;
}

static void
expect_recovery(void)
{
	long limit_ms = number_of("ATTACK_RECOVERY_MS", RECOVERY_MS);
	struct order order = order_new(ledger_open("1.00"), "1.00");
	long long began = working_ms();
	long long took;

	WAIT_UNTIL(serves(&order));
	took = working_ms() - began;
	ck_assert_msg(took <= limit_ms, "served again after %lld ms", took);
}

/* --- descriptors ---------------------------------------------------------- */

/* The lowest number that a process has no descriptor of. */
static unsigned long
next_descriptor(pid_t pid)
{
	unsigned long n = 0;

	while (access(keep_format("/proc/%ld/fd/%lu", (long)pid, n), F_OK) == 0)
		n++;
	return n;
}

/* The first number on a line of a process' status. */
static const char *
identity(pid_t pid, const char *line)
{
	const char *status =
	    read_file(keep_format("/proc/%ld/status", (long)pid));
	const char *found = strstr(status, line);

	ck_assert_ptr_nonnull(found);
	return keep_format("%ld", strtol(found + strlen(line), NULL, 10));
}

/* As the user of the process: root may be short of the right to do it. */
static void
limit_descriptors(pid_t pid, const char *limit)
{
	struct command prlimit = {
	    .argv = {"setpriv", "--reuid", identity(pid, "\nUid:"), "--regid",
		identity(pid, "\nGid:"), "--keep-groups", "prlimit", "--pid",
		keep_format("%ld", (long)pid),
		keep_format("--nofile=%s:", limit)}};
	struct command_end end = command_run(&prlimit);

	ck_assert_msg(end.code == 0, "%s", end.err);
}

/* So many more than they have, for each worker. */
static void
leave_descriptors(const struct workers *workers, unsigned long more)
{
	for (size_t i = 0; i < workers->n; i++)
		limit_descriptors(workers->pids[i],
		    keep_format(
			"%lu", next_descriptor(workers->pids[i]) + more));
}

static void
give_descriptors(const struct workers *workers)
{
	for (size_t i = 0; i < workers->n; i++)
		limit_descriptors(workers->pids[i], "1024");
}

static bool
said_no_descriptors(size_t start)
{
	const char *log = stack_log("withdrawd") + start;

	return strstr(log, "could not accept a connection") != NULL ||
	    strstr(log, "Too many open files") != NULL;
}

/* nginx has no connection open, and withdrawd none to Postgres, or some: each
 * of the first descriptors that a worker needs is once the last. */
START_TEST(descriptors_run_out)
{
	struct wave wave;
	struct workers before, after;
	struct http_batch *batch;
	size_t start;

	open_users();
	wave = make_wave();
	/* the tokens are in Redis; the connections are all new */
	stack_restart("withdrawd", "");
	before = stack_workers();
	start = strlen(stack_log("withdrawd"));
	leave_descriptors(&before, (unsigned long)_i);
	batch = http_begin(wave.requests, USERS);
	WAIT_UNTIL(said_no_descriptors(start) || http_done(batch) == USERS);
	ck_assert_msg(said_no_descriptors(start), "there were enough of them");
	give_descriptors(&before);
	expect_recovery();
	wave.answers = http_finish(batch);
	expect_honest_answers(&wave);
	expect_settled(&wave);
	after = stack_workers();
	ck_assert(workers_same(&before, &after));
}
END_TEST

/* --- Postgres' connections ------------------------------------------------ */

static PGconn *slots[SLOTS_MAX];
static int slot_count;

static bool
take_slot(void)
{
	PGconn *conn = PQconnectdb("");

	if (PQstatus(conn) != CONNECTION_OK || slot_count == SLOTS_MAX) {
		PQfinish(conn);
		return false;
	}
	slots[slot_count++] = conn;
	return true;
}

static void
leave_slots(void)
{
	while (slot_count > 0)
		PQfinish(slots[--slot_count]);
}

/* Others have them all; the service has none. */
static bool
took_all_slots(void)
{
	ledger_terminate_all();
	while (take_slot())
		;
	return ledger_number("SELECT count(*) FROM pg_stat_activity "
			     "WHERE usename = 'withdraw_service'",
		   NULL) == 0;
}

START_TEST(connections_run_out)
{
	struct wave wave;

	open_users();
	wave = make_wave();
	WAIT_UNTIL(took_all_slots());
	wave.answers = http_send_all(wave.requests, USERS);
	for (int i = 0; i < USERS; i++)
		expect_problem(&wave.answers[i], 503, "unavailable", "unknown");
	expect_no_claims();
	leave_slots();
	expect_recovery();
	expect_settled(&wave);
}
END_TEST

/* --- Redis' memory -------------------------------------------------------- */

START_TEST(memory_of_redis_runs_out)
{
	struct wave wave, during;
	size_t start;

	open_users();
	wave = make_wave();
	start = strlen(stack_log("withdrawd"));
	cache_limit("1");
	wave.answers = http_send_all(wave.requests, USERS);
	expect_honest_answers(&wave);
	during = make_wave();
	during.answers = http_send_all(during.requests, USERS);
	expect_honest_answers(&during);
	/* it was refused something */
	expect_said(stack_log("withdrawd") + start, "OOM");
	cache_limit("0");
	expect_recovery();
	expect_settled(&wave);
	expect_settled(&during);
}
END_TEST

/* --- the disk ------------------------------------------------------------- */

/* The file that stands for a full disk. */
static const char *flag;

/* Postgres' user does not get everywhere. */
static void
preload(void)
{
	const char *folder = stack_folder();
	const char *library = keep_format("%s/full.so", folder);
	struct command copy = {
	    .argv = {"install", "-m", "755", program("full.so"), library}};

	ck_assert_int_eq(command_run(&copy).code, 0);
	flag = keep_format("%s/full", folder);
	ledger_disconnect();
	stack_restart("postgres",
	    keep_format("LD_PRELOAD=%s FULL_FLAG=%s", library, flag));
	open_users();
	expect_recovery();
}

static void
fill_disk(void)
{
	FILE *file = fopen(flag, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fclose(file), 0);
}

static void
free_disk(void)
{
	ck_assert_int_eq(unlink(flag), 0);
}

/* The tables cannot grow: that ends a transaction, and the server lives on. */
START_TEST(disk_runs_out_for_tables)
{
	struct wave waves[BATCHES_MAX];
	int n = 0, refused = 0;

	preload();
	fill_disk();
	while (refused == 0) {
		struct wave *wave = &waves[n++];

		*wave = make_wave();
		wave->answers = http_send_all(wave->requests, USERS);
		expect_honest_answers(wave);
		refused = count_retryable(wave);
		ck_assert_msg(
		    refused > 0 || n < BATCHES_MAX, "there was room for all");
	}
	expect_said(stack_log("postgres"), "No space left on device");
	free_disk();
	expect_recovery();
	while (n-- > 0)
		expect_settled(&waves[n]);
}
END_TEST

/* The log of what was done cannot grow: that ends the server. */
static bool
server_failed(void)
{
	static const char next_segment[] =
	    "SELECT pg_switch_wal() FROM pg_logical_emit_message(false, '', "
	    "'')";
	struct command psql = {.argv = {"psql", "-XqAt", "-c", next_segment}};

	return command_run(&psql).code != 0;
}

START_TEST(disk_runs_out_for_the_log)
{
	struct wave wave;
	struct http_batch *batch;
	int n = 0;

	preload();
	wave = make_wave();
	ledger_disconnect();
	fill_disk();
	batch = http_begin(wave.requests, USERS);
	while (!server_failed())
		ck_assert_int_lt(n++, SEGMENTS_MAX);
	wave.answers = http_finish(batch);
	expect_honest_answers(&wave);
	expect_said(stack_log("postgres"), "PANIC");
	free_disk();
	/* on a site, whoever made room starts it again */
	stack_stop("postgres");
	stack_start("postgres");
	expect_recovery();
	expect_settled(&wave);
}
END_TEST

/* Redis refuses what it could not save. */
START_TEST(disk_runs_out_for_redis)
{
	struct wave wave, during;
	size_t start = strlen(stack_log("withdrawd"));

	open_users();
	wave = make_wave();
	cache_fail_to_save();
	wave.answers = http_send_all(wave.requests, USERS);
	expect_honest_answers(&wave);
	expect_said(stack_log("withdrawd") + start, "MISCONF");
	during = make_wave();
	during.answers = http_send_all(during.requests, USERS);
	expect_honest_answers(&during);
	cache_save();
	expect_recovery();
	expect_settled(&wave);
	expect_settled(&during);
}
END_TEST

static struct http_response
ask(const struct instance *instance, const struct http_request *request)
{
	struct fcgi_bytes params = fcgi_params(request->method, request->path,
	    request->user, request->key, request->body);

	return fcgi_ask(instance->socket, &params, request->body);
}

static bool
was_paid(const struct instance *instance, const struct order *order)
{
	struct http_request request = order_token_request(order);
	struct http_response answer = ask(instance, &request);

	if (answer.status == 201) {
		request = order_request(order, json_get(answer.body, "token"));
		answer = ask(instance, &request);
	}
	if (answer.status == 201)
		expect_success(&answer, order);
	else
		ck_assert_msg(answer_is_retryable(&answer), "%d %s",
		    answer.status, answer.body);
	return answer.status == 201;
}

static void
expect_paid(const struct instance *instance, const char *user)
{
	struct order order = order_new(user, "1.00");

	WAIT_UNTIL(was_paid(instance, &order));
	ck_assert_int_eq(ledger_debits(order.id), 1);
}

/* Hangs up on all, until the log says so: whoever has just lost Redis for
 * another reason has nothing to lose. */
static bool
was_hung_up_on(size_t start)
{
	if (strstr(stack_log("withdrawd") + start, "redis is down") != NULL)
		return true;
	cache_hang_up();
	return false;
}

/* Whoever has a lot to say, and nowhere to, goes on. */
START_TEST(disk_runs_out_for_what_is_said)
{
	const char *user = ledger_open("10.00");
	struct instance instance = instance_start_speechless();
	struct workers before, after;
	size_t start;

	instance_wait_ready(&instance);
	before = process_children(instance.pid);
	expect_paid(&instance, user);
	start = strlen(stack_log("withdrawd"));
	/* the other service, which is hung up on as well, can say it */
	WAIT_UNTIL(was_hung_up_on(start));
	expect_paid(&instance, user);
	ck_assert_str_eq(read_file(instance.log), "");
	ck_assert(!instance_ended(&instance));
	after = process_children(instance.pid);
	ck_assert(workers_same(&before, &after));
}
END_TEST

void
attack_shortage(Suite *suite)
{
	TCase *tcase = fixture_case(suite, "shortage");

	tcase_add_checked_fixture(tcase, NULL, leave_slots);
	tcase_add_loop_test(tcase, descriptors_run_out, 0, 3);
	tcase_add_test(tcase, connections_run_out);
	tcase_add_test(tcase, memory_of_redis_runs_out);
	tcase_add_test(tcase, disk_runs_out_for_tables);
	tcase_add_test(tcase, disk_runs_out_for_the_log);
	tcase_add_test(tcase, disk_runs_out_for_redis);
	tcase_add_test(tcase, disk_runs_out_for_what_is_said);
}
