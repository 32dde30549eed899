/*
 * The FastCGI socket: what nginx would never send, but a broken or hostile
 * neighbour might, harms nobody else.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "fixture.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

enum { REPLACED_MS = 1000 };

static struct workers before_nonsense;

static int
dial(void)
{
	return fcgi_connect(setting("WITHDRAW_SOCKET"));
}

static struct fcgi_bytes
health_request(bool keep_open)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/health", NULL, NULL, NULL);

	return fcgi_request(&params, NULL, keep_open);
}

/* As often as it takes for each worker to have had its turn, most likely. */
static void
expect_service(void)
{
	struct fcgi_bytes request = health_request(false);

	for (int i = 0; i < 8; i++) {
		int fd = dial();
		struct http_response answer;

		fcgi_send(fd, &request);
		answer = fcgi_receive(fd);
		expect_status(&answer, 200);
		close(fd);
	}
}

static void
remember_workers(void)
{
	before_nonsense = stack_workers();
}

static void
expect_same_workers(void)
{
	struct workers now = stack_workers();

	ck_assert_msg(workers_same(&before_nonsense, &now),
	    "a worker has died: see %s/log/withdrawd.log", setting("RUN_DIR"));
}

/* Sends it on many connections, so that each worker meets it, and closes
 * them from this side. */
static void
send_nonsense(const struct fcgi_bytes *nonsense)
{
	enum { TIMES = 16 };

	for (int i = 0; i < TIMES; i++) {
		int fd = dial();

		fcgi_send(fd, nonsense);
		close(fd);
	}
	expect_service();
	expect_same_workers();
}

START_TEST(half_a_request_holds_up_nobody)
{
	enum { STUCK = 32 };
	struct fcgi_bytes whole = health_request(false);
	int stuck[STUCK];

	for (size_t i = 0; i < STUCK; i++) {
		/* cut in the header, in the params, before the end */
		struct fcgi_bytes part = {
		    .data = whole.data, .len = 1 + i * (whole.len - 2) / STUCK};

		stuck[i] = dial();
		fcgi_send(stuck[i], &part);
	}
	expect_service();
	for (size_t i = 0; i < STUCK; i++)
		close(stuck[i]);
	expect_service();
	expect_same_workers();
}
END_TEST

START_TEST(idle_connections_hold_up_nobody)
{
	enum { IDLE = 500 };
	int idle[IDLE];

	for (size_t i = 0; i < IDLE; i++)
		idle[i] = dial();
	expect_service();
	for (size_t i = 0; i < IDLE; i++)
		close(idle[i]);
	expect_same_workers();
}
END_TEST

START_TEST(kept_connection_serves_many)
{
	enum { REQUESTS = 200 };
	struct fcgi_bytes request = health_request(true);
	int fd = dial();

	for (int i = 0; i < REQUESTS; i++) {
		struct http_response answer;

		fcgi_send(fd, &request);
		answer = fcgi_receive(fd);
		expect_status(&answer, 200);
	}
	close(fd);
}
END_TEST

START_TEST(request_byte_by_byte)
{
	struct fcgi_bytes request = health_request(false);
	struct http_response answer;
	int fd = dial();

	for (size_t i = 0; i < request.len; i++) {
		struct fcgi_bytes one = {.data = request.data + i, .len = 1};

		fcgi_send(fd, &one);
	}
	answer = fcgi_receive(fd);
	expect_status(&answer, 200);
	close(fd);
}
END_TEST

START_TEST(get_values_overflows_nothing)
{
	struct fcgi_bytes names = {0};
	struct fcgi_bytes record = {0};

	for (int i = 0; i < 4; i++)
		fcgi_param(&names, "FCGI_MAX_CONNS", "");
	fcgi_record(&record, FCGI_GET_VALUES, 0, names.data, names.len);
	send_nonsense(&record);
}
END_TEST

START_TEST(unknown_records_are_survived)
{
	struct fcgi_bytes records = {0};

	for (int type = 0; type < 256; type += 5)
		fcgi_record(&records, type, type % 3, "rubbish", 7);
	send_nonsense(&records);
}
END_TEST

START_TEST(oversized_lengths_are_survived)
{
	static const unsigned char lengths[][8] = {
	    {0xc0, 0, 0, 0, 0xc0, 0, 0, 0},
	    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	    {0xff, 0xff, 0xff, 0xff, 1, 'A', 'B', 'C'},
	    {0x80, 0, 0xff, 0xff, 0, 'A', 'B', 'C'},
	};
	static const unsigned char begin[8] = {0, 1, 0};
	struct fcgi_bytes records = {0};

	fcgi_record(&records, FCGI_BEGIN_REQUEST, 1, begin, sizeof(begin));
	fcgi_record(&records, FCGI_PARAMS, 1, lengths[_i], sizeof(lengths[_i]));
	fcgi_record(&records, FCGI_PARAMS, 1, "", 0);
	fcgi_record(&records, FCGI_STDIN, 1, "", 0);
	send_nonsense(&records);
}
END_TEST

START_TEST(garbage_is_survived)
{
	unsigned char garbage[4096];
	struct fcgi_bytes bytes = {0};
	unsigned state = 12345;

	for (size_t i = 0; i < sizeof(garbage); i++) {
		state = state * 1103515245U + 12345U;
		garbage[i] = (unsigned char)(state >> 16);
	}
	fcgi_append(&bytes, garbage, sizeof(garbage));
	send_nonsense(&bytes);
	bytes = (struct fcgi_bytes){0};
	fcgi_append(&bytes, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	send_nonsense(&bytes);
}
END_TEST

START_TEST(half_params_are_survived)
{
	static const unsigned char begin[8] = {0, 1, 1};
	struct fcgi_bytes records = {0};

	/* a name of 14 bytes is announced, the stream ends before it */
	fcgi_record(&records, FCGI_BEGIN_REQUEST, 1, begin, sizeof(begin));
	fcgi_record(&records, FCGI_PARAMS, 1, "\x0e\x04REQUEST", 9);
	fcgi_record(&records, FCGI_PARAMS, 1, "", 0);
	fcgi_record(&records, FCGI_STDIN, 1, "", 0);
	send_nonsense(&records);
}
END_TEST

START_TEST(very_many_params_are_survived)
{
	enum { PARAMS = 2000, RECORD_MAX = 60000 };
	static const unsigned char begin[8] = {0, 1, 0};
	struct fcgi_bytes params = {0};
	struct fcgi_bytes records = {0};

	for (int i = 0; i < PARAMS; i++)
		fcgi_param(&params, keep_format("HTTP_X_%d", i), "value");
	ck_assert_uint_lt(params.len, RECORD_MAX);
	fcgi_record(&records, FCGI_BEGIN_REQUEST, 1, begin, sizeof(begin));
	for (int i = 0; i < 4; i++)
		fcgi_record(&records, FCGI_PARAMS, 1, params.data, params.len);
	fcgi_record(&records, FCGI_PARAMS, 1, "", 0);
	fcgi_record(&records, FCGI_STDIN, 1, "", 0);
	send_nonsense(&records);
}
END_TEST

/* The length that is announced is not the length that comes. */
START_TEST(body_of_a_wrong_length_is_refused)
{
	static const char *const lengths[] = {
	    "5", "4000", "-1", "abc", "99999999999999999999"};
	struct order order = order_new(ledger_open("10.00"), "10.00");
	const char *token = order_token(&order);
	const char *body = order_request(&order, token).body;
	struct fcgi_bytes params =
	    fcgi_params("POST", "/api/withdraw", order.user, order.id, NULL);
	struct fcgi_bytes request;
	struct http_response answer;
	int fd = dial();

	fcgi_param(&params, "CONTENT_TYPE", "application/json");
	fcgi_param(&params, "CONTENT_LENGTH", lengths[_i]);
	request = fcgi_request(&params, body, false);
	fcgi_send(fd, &request);
	answer = fcgi_receive(fd);
	close(fd);
	ck_assert_msg(
	    answer.status == 0 || answer.status == 400 || answer.status == 413,
	    "%d %s", answer.status, answer.body);
	ck_assert_str_eq(ledger_status(order.id), "none");
	expect_service();
	expect_same_workers();
}
END_TEST

START_TEST(client_that_leaves_is_debited_once)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	const char *body = order_request(&order, order_token(&order)).body;
	struct fcgi_bytes params =
	    fcgi_params("POST", "/api/withdraw", order.user, order.id, body);
	struct fcgi_bytes request = fcgi_request(&params, body, false);
	struct http_response answer;
	int fd;

	ledger_hold(order.user);
	fd = dial();
	fcgi_send(fd, &request);
	WAIT_UNTIL(ledger_blocked() == 1);
	close(fd);
	ledger_release();
	WAIT_UNTIL(ledger_debits(order.id) == 1);
	answer = order_settle(&order);
	expect_success(&answer, &order);
	ck_assert_int_eq(ledger_debits(order.id), 1);
	expect_same_workers();
}
END_TEST

/* A request that is answered before anybody reads its body; the body, which is
 * the client's to choose, has the hidden records where the library would begin
 * its second block of 8192 bytes. */
static struct fcgi_bytes
request_hiding(
    const char *method, const char *path, const struct fcgi_bytes *hidden)
{
	enum { BLOCK = 8192, HEADER = 8 };
	static const unsigned char begin[8] = {0, 1, 1}; /* kept */
	static char filler[BLOCK];
	struct fcgi_bytes params = fcgi_params(method, path, NULL, NULL, NULL);
	struct fcgi_bytes records = {0};
	struct fcgi_bytes body = {0};

	memset(filler, 'x', sizeof(filler));
	fcgi_param(&params, "HTTP_X_FILLER", keep_text(filler, BLOCK / 2));
	fcgi_record(&records, FCGI_BEGIN_REQUEST, 1, begin, sizeof(begin));
	fcgi_record(&records, FCGI_PARAMS, 1, params.data, params.len);
	fcgi_record(&records, FCGI_PARAMS, 1, "", 0);
	fcgi_append(&body, filler, BLOCK - records.len - HEADER);
	fcgi_append(&body, hidden->data, hidden->len);
	fcgi_record(&records, FCGI_STDIN, 1, body.data, body.len);
	fcgi_record(&records, FCGI_STDIN, 1, "", 0);
	return records;
}

/* What is left of one request must never be taken for the next: it could name
 * any user. */
START_TEST(body_is_never_a_request)
{
	static const unsigned char begin[8] = {0, 1, 1};
	static const struct {
		const char *method, *path;
		int status;
	} unread[] = {{"POST", "/api/health", 405}, {"GET", "/api/health", 200},
	    {"POST", "/api/withdraw", 401}, {"POST", "/nothing", 404}};
	const char *victim = ledger_open("100.00");
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/account", victim, NULL, NULL);
	struct fcgi_bytes health = health_request(true);
	struct fcgi_bytes hidden = {0};
	struct fcgi_bytes request;
	struct http_response answer;
	int fd = dial();

	fcgi_record(&hidden, FCGI_BEGIN_REQUEST, 1, begin, sizeof(begin));
	fcgi_record(&hidden, FCGI_PARAMS, 1, params.data, params.len);
	fcgi_record(&hidden, FCGI_PARAMS, 1, "", 0);
	request = request_hiding(unread[_i].method, unread[_i].path, &hidden);
	fcgi_send(fd, &request);
	answer = fcgi_receive(fd);
	expect_status(&answer, unread[_i].status);
	fcgi_send(fd, &health);
	answer = fcgi_receive(fd);
	expect_status(&answer, 200);
	ck_assert_msg(
	    strstr(answer.body, "postgres") != NULL, "%s", answer.body);
	close(fd);
	expect_same_workers();
}
END_TEST

/* The connection goes with the answer: nothing of it may be touched after. */
START_TEST(connections_that_end_with_their_answer)
{
	static const char *const paths[] = {
	    "/api/withdrawals", "/api/account", "/api/health", "/nothing"};
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct http_response answer = order_send(&order);

	expect_success(&answer, &order);
	for (size_t i = 0; i < 8 * sizeof(paths) / sizeof(paths[0]); i++) {
		struct fcgi_bytes params =
		    fcgi_params("GET", paths[i % 4], order.user, NULL, NULL);

		answer = fcgi_ask(setting("WITHDRAW_SOCKET"), &params, NULL);
		expect_status(&answer, i % 4 == 3 ? 404 : 200);
	}
	expect_same_workers();
}
END_TEST

/* Repeats: the same seed makes the same bytes. */
static unsigned
next_random(unsigned *state)
{
	*state = *state * 1103515245U + 12345U;
	return *state >> 16;
}

/* A few bytes changed, a piece doubled or taken out, or cut. */
static struct fcgi_bytes
mutate(const struct fcgi_bytes *whole, unsigned *state)
{
	struct fcgi_bytes bytes = {0};
	unsigned changes = 1 + next_random(state) % 4;
	size_t from = next_random(state) % whole->len;
	size_t to = next_random(state) % whole->len;

	switch (next_random(state) % 4) {
	case 0: /* from > to: doubled; otherwise taken out */
		fcgi_append(&bytes, whole->data, from);
		fcgi_append(&bytes, whole->data + to, whole->len - to);
		break;
	case 1:
		fcgi_append(&bytes, whole->data, from + 1);
		break;
	default:
		fcgi_append(&bytes, whole->data, whole->len);
	}
	while (changes-- > 0 && bytes.len > 0)
		/* most of what can go wrong is in the records' heads */
		bytes.data[next_random(state) %
		    (bytes.len < 48 || changes % 2 ? bytes.len : 48)] =
		    (unsigned char)next_random(state);
	return bytes;
}

/* FUZZ_SEED=n repeats a run that went wrong. */
START_TEST(mutated_records_harm_nobody)
{
	enum { ROUNDS = 500 };
	const char *given = getenv("FUZZ_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10)
				      : (unsigned)getpid();
	unsigned state = seed;
	struct fcgi_bytes good = health_request(true);
	struct fcgi_bytes params =
	    fcgi_params("POST", "/api/token", "1", NULL, "{}");
	struct fcgi_bytes victim = fcgi_request(&params, "{}", true);
	int kept = dial();

	for (int i = 0; i < ROUNDS; i++) {
		struct fcgi_bytes bytes = mutate(&victim, &state);
		struct http_response answer;
		int fd = dial();

		fcgi_send(fd, &bytes);
		fcgi_send(kept, &good);
		answer = fcgi_receive(kept);
		ck_assert_msg(answer.status == 200,
		    "FUZZ_SEED=%u, round %d: %d %s", seed, i, answer.status,
		    answer.body);
		close(fd);
	}
	close(kept);
	expect_service();
	expect_same_workers();
}
END_TEST

static bool
is_stopped(pid_t pid)
{
	return strstr(read_file(keep_format("/proc/%d/stat", (int)pid)),
		   ") T ") != NULL;
}

static void
stop_process(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	WAIT_UNTIL(is_stopped(pid));
}

/* While the one sleeps, all others, if there are any, get the requests. */
static void
expect_service_without(pid_t pid)
{
	stop_process(pid);
	expect_service();
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
}

/* Whoever asks is served at each moment until there are two again. */
static void
expect_service_until_replaced(const struct workers *before)
{
	struct workers now;

	do {
		expect_service();
		now = stack_workers();
	} while (now.n != 2 || workers_same(before, &now));
}

/* As if libfcgi, or anything else, had aborted in one worker, while the other
 * has a request under way. Returns the milliseconds until another one serves in
 * its place. */
static long long
crash_one_worker(void)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct workers before;
	const char *body;
	struct fcgi_bytes params;
	struct fcgi_bytes request;
	struct http_response answer;
	long long began;
	long long took;
	int fd;

	stack_restart("withdrawd", "WITHDRAW_WORKERS=2 " LONG_LADDER);
	body = order_request(&order, order_token(&order)).body;
	params =
	    fcgi_params("POST", "/api/withdraw", order.user, order.id, body);
	request = fcgi_request(&params, body, false);
	before = stack_workers();
	ck_assert_uint_eq(before.n, 2);
	/* one that never served is not replaced at once, on purpose */
	expect_service_without(before.pids[1]);
	stop_process(before.pids[0]);
	ledger_hold(order.user);
	fd = dial();
	fcgi_send(fd, &request);
	WAIT_UNTIL(ledger_blocked() == 1);
	began = now_ms();
	ck_assert_int_eq(kill(before.pids[0], SIGABRT), 0);
	ck_assert_int_eq(kill(before.pids[0], SIGCONT), 0);
	expect_service_until_replaced(&before);
	/* by the new one alone */
	expect_service_without(before.pids[1]);
	took = now_ms() - began;
	ledger_release();
	answer = fcgi_receive(fd);
	close(fd);
	expect_success(&answer, &order);
	ck_assert_int_eq(ledger_debits(order.id), 1);
	return took;
}

/* PROTOCOL_REPLACED_MS says how soon that must be. A slow moment of the machine
 * may make it longer once or twice. */
START_TEST(crash_of_one_worker_costs_the_other_nothing)
{
	long limit_ms = number_of("PROTOCOL_REPLACED_MS", REPLACED_MS);
	long long took = 0;

	for (int i = 0; i < 3; i++) {
		took = crash_one_worker();
		if (took <= limit_ms)
			return;
	}
	ck_abort_msg("replaced after %lld ms", took);
}
END_TEST

Suite *
protocol_suite(void)
{
	Suite *suite = suite_create("protocol");
	TCase *tcase = fixture_case(suite, "socket");

	tcase_add_checked_fixture(tcase, remember_workers, NULL);
	tcase_add_test(tcase, half_a_request_holds_up_nobody);
	tcase_add_test(tcase, idle_connections_hold_up_nobody);
	tcase_add_test(tcase, kept_connection_serves_many);
	tcase_add_test(tcase, request_byte_by_byte);
	tcase_add_test(tcase, get_values_overflows_nothing);
	tcase_add_test(tcase, unknown_records_are_survived);
	tcase_add_loop_test(tcase, oversized_lengths_are_survived, 0, 4);
	tcase_add_test(tcase, garbage_is_survived);
	tcase_add_test(tcase, half_params_are_survived);
	tcase_add_test(tcase, very_many_params_are_survived);
	tcase_add_loop_test(tcase, body_of_a_wrong_length_is_refused, 0, 5);
	tcase_add_test(tcase, client_that_leaves_is_debited_once);
	tcase_add_loop_test(tcase, body_is_never_a_request, 0, 4);
	tcase_add_test(tcase, connections_that_end_with_their_answer);
	tcase_add_test(tcase, mutated_records_harm_nobody);
	tcase_add_test(tcase, crash_of_one_worker_costs_the_other_nothing);
	return suite;
}
