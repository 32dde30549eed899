/*
 * Each call that a worker makes of libpq, hiredis, libfcgi, for memory and of
 * the kernel fails once, or succeeds and then says that it failed, while an
 * order goes its whole way: token, withdrawal, replay, its record, another
 * without a token, the void of that, the list. tests/faults/shim.c makes it so.
 *
 * Redis is asked over its unix socket, and over TCP for the calls that connect.
 * The one call that the master makes is tried where it starts.
 *
 * What may come of it depends on the call. Memory that is not there ends a
 * worker; what fails between the web server and us loses an answer; a store
 * that fails does neither.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../faults/shim.h"
#include "cache.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "proxy.h"
#include "stack.h"
#include "suites.h"
#include "support.h"
#include "victim.h"

enum {
	SAMPLE = 40,
	SAMPLE_TCP = 12,
	CAP = 1000, /* of one fault in one scene */
	LIMIT_S = 3600,
};

/* What a fault may cost at most. */
enum cost { COST_NOTHING, COST_ANSWER, COST_WORKER };

struct fault {
	enum fault_call call;
	enum fault_kind kind;
	int error;
	enum cost cost;
};

#define NAME_OF(name) #name,
#define FAULT(name, ...)                                                       \
	{                                                                      \
		CALL_##name, __VA_ARGS__                                       \
	}
#define MOVING_FAULTS(name)                                                    \
	FAULT(name, KIND_FAIL, EIO, COST_ANSWER),                              \
	    FAULT(name, KIND_FAIL, ECONNRESET, COST_ANSWER),                   \
	    FAULT(name, KIND_FAIL, EINTR, COST_ANSWER),                        \
	    FAULT(name, KIND_FAIL, EAGAIN, COST_ANSWER),                       \
	    FAULT(name, KIND_DONE, ECONNRESET, COST_ANSWER),                   \
	    FAULT(name, KIND_SHORT, 0, COST_ANSWER)

static const char *const names[] = {FAULT_CALLS(NAME_OF)};

static const struct fault faults[] = {
    FAULT(PQconnectStartParams, KIND_FAIL, ENOMEM, COST_WORKER),
    FAULT(PQconnectStartParams, KIND_DONE, ENOMEM, COST_WORKER),
    FAULT(PQconnectPoll, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQconnectPoll, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQsetnonblocking, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQsetnonblocking, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQsendQuery, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQsendQuery, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQsendPrepare, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQsendPrepare, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQsendQueryPrepared, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQsendQueryPrepared, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQflush, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQflush, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQconsumeInput, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQconsumeInput, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQisBusy, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQgetResult, KIND_EMPTY, 0, COST_NOTHING),
    FAULT(PQgetResult, KIND_DONE, 0, COST_NOTHING),
    FAULT(PQgetResult, KIND_ERROR, 0, COST_NOTHING),
    FAULT(PQstatus, KIND_FAIL, 0, COST_NOTHING),
    FAULT(PQtransactionStatus, KIND_FAIL, 0, COST_NOTHING),
    FAULT(redisConnectUnixNonBlock, KIND_FAIL, 0, COST_NOTHING),
    FAULT(redisConnectUnixNonBlock, KIND_DONE, 0, COST_NOTHING),
    FAULT(redisConnectUnixNonBlock, KIND_EMPTY, 0, COST_WORKER),
    FAULT(redisConnectNonBlock, KIND_FAIL, 0, COST_NOTHING),
    FAULT(redisConnectNonBlock, KIND_DONE, 0, COST_NOTHING),
    FAULT(redisConnectNonBlock, KIND_EMPTY, 0, COST_WORKER),
    FAULT(redisAppendCommandArgv, KIND_FAIL, 0, COST_WORKER),
    FAULT(redisAppendCommandArgv, KIND_DONE, 0, COST_WORKER),
    FAULT(redisBufferRead, KIND_FAIL, 0, COST_NOTHING),
    FAULT(redisBufferRead, KIND_DONE, 0, COST_NOTHING),
    FAULT(redisBufferWrite, KIND_FAIL, 0, COST_NOTHING),
    FAULT(redisBufferWrite, KIND_DONE, 0, COST_NOTHING),
    FAULT(redisReaderGetReply, KIND_FAIL, 0, COST_NOTHING),
    FAULT(redisReaderGetReply, KIND_DONE, 0, COST_NOTHING),
    FAULT(FCGX_InitRequest, KIND_FAIL, 0, COST_ANSWER),
    FAULT(FCGX_InitRequest, KIND_DONE, 0, COST_NOTHING),
    FAULT(FCGX_Accept_r, KIND_FAIL, 0, COST_ANSWER),
    FAULT(FCGX_Accept_r, KIND_DONE, 0, COST_ANSWER),
    FAULT(FCGX_GetChar, KIND_FAIL, 0, COST_ANSWER),
    FAULT(FCGX_GetChar, KIND_DONE, 0, COST_ANSWER),
    FAULT(FCGX_GetStr, KIND_FAIL, 0, COST_ANSWER),
    FAULT(FCGX_GetStr, KIND_DONE, 0, COST_ANSWER),
    FAULT(FCGX_PutStr, KIND_FAIL, 0, COST_ANSWER),
    FAULT(FCGX_PutStr, KIND_DONE, 0, COST_ANSWER),
    FAULT(FCGX_Finish_r, KIND_FAIL, 0, COST_ANSWER),
    FAULT(malloc, KIND_FAIL, ENOMEM, COST_WORKER),
    FAULT(calloc, KIND_FAIL, ENOMEM, COST_WORKER),
    FAULT(realloc, KIND_FAIL, ENOMEM, COST_WORKER),
    MOVING_FAULTS(read),
    FAULT(read, KIND_EMPTY, 0, COST_ANSWER),
    MOVING_FAULTS(recv),
    FAULT(recv, KIND_EMPTY, 0, COST_ANSWER),
    MOVING_FAULTS(write),
    MOVING_FAULTS(send),
    FAULT(socket, KIND_FAIL, EMFILE, COST_NOTHING),
    FAULT(connect, KIND_FAIL, ECONNREFUSED, COST_NOTHING),
    FAULT(connect, KIND_FAIL, EAGAIN, COST_NOTHING),
    FAULT(connect, KIND_DONE, EINTR, COST_NOTHING),
    FAULT(accept4, KIND_FAIL, EMFILE, COST_NOTHING),
    FAULT(accept4, KIND_FAIL, ECONNABORTED, COST_NOTHING),
    FAULT(accept4, KIND_FAIL, EINTR, COST_NOTHING),
    FAULT(setsockopt, KIND_FAIL, ENOMEM, COST_NOTHING),
    FAULT(getsockopt, KIND_FAIL, ENOMEM, COST_NOTHING),
    FAULT(getsockname, KIND_FAIL, ENOMEM, COST_NOTHING),
    FAULT(fcntl, KIND_FAIL, EIO, COST_WORKER),
    FAULT(epoll_create1, KIND_FAIL, EMFILE, COST_WORKER),
    FAULT(epoll_ctl, KIND_FAIL, ENOMEM, COST_WORKER),
    FAULT(epoll_ctl, KIND_DONE, ENOMEM, COST_WORKER),
    FAULT(epoll_wait, KIND_FAIL, EINTR, COST_NOTHING),
    FAULT(epoll_wait, KIND_EMPTY, 0, COST_NOTHING),
    FAULT(epoll_wait, KIND_FAIL, EIO, COST_WORKER),
};

/* Where the order starts: with a worker at rest; with one whose connections
 * are all lost this moment; with one that is only being started. */
enum scene { SCENE_REST, SCENE_LOST, SCENE_START, SCENES };

static const char *const scenes[] = {
    "at rest", "connections lost", "worker starts"};
static const char *const kinds[] = {
    "fails", "is done and fails", "is short", "is empty", "is an error"};

static struct fault_board *board;
static struct victim victim;

static const char *
name_of(const struct fault *fault)
{
	return keep_format("%s %s%s%s", names[fault->call], kinds[fault->kind],
	    fault->error != 0 ? ", " : "",
	    fault->error != 0 ? strerrorname_np(fault->error) : "");
}

/* --- the shim in the service -----------------------------------------------
 */

/* AddressSanitizer has to come first; this program was built as the service
 * was. */
static const char *
preloaded(void)
{
	const char *shim = keep_format(
	    "%s/%s", getcwd(keep(4096), 4096), program("faults.so"));
	const char *maps = read_file("/proc/self/maps");
	const char *asan = strstr(maps, "/libasan.so");
	const char *path;

	if (*program("") == '/')
		shim = program("faults.so");
	if (asan == NULL)
		return keep_format("LD_PRELOAD=%s", shim);
	for (path = asan; path[-1] != ' '; path--)
		;
	return keep_format(
	    "LD_PRELOAD=%s:%s", keep_text(path, strcspn(path, "\n")), shim);
}

/* Maps the board; what the service has to be told to have it too. */
static const char *
make_board(void)
{
	const char *path = keep_format("%s/board", stack_folder());
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(*board)), 0);
	board = mmap(
	    NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(board, MAP_FAILED);
	close(fd);
	return keep_format(FAULT_FILE "=%s", path);
}

/* With another REDIS_URL, or NULL. */
static void
start_victim(const char *redis_url)
{
	const char *file = make_board();

	victim = victim_start((const char *[]){preloaded(), file,
	    "ASAN_OPTIONS=allocator_may_return_null=1", redis_url, NULL});
}

/* The test's Redis listens on no port: something before it does. */
static void
start_victim_over_tcp(void)
{
	unsigned port;

	proxy_start_tcp(cache_socket(), &port);
	start_victim(keep_format("REDIS_URL=redis://127.0.0.1:%u/0", port));
}

/* fault NULL: only counts. */
static void
arm(const struct fault *fault, int nth, enum scene scene, pid_t worker)
{
	for (int i = 0; i < CALLS; i++)
		atomic_store(&board->counts[i], 0);
	atomic_store(&board->struck, 0);
	atomic_store(&board->nth, nth);
	atomic_store(&board->call, fault != NULL ? (int)fault->call : CALLS);
	if (fault != NULL) {
		atomic_store(&board->kind, (int)fault->kind);
		atomic_store(&board->error, fault->error);
	}
	atomic_store(&board->spared,
	    scene == SCENE_START ? (int)victim.instance.pid : 0);
	atomic_store(&board->process, worker);
}

static void
disarm(void)
{
	atomic_store(&board->process, 0);
}

static void
hang_up(void)
{
	ledger_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		   "WHERE application_name = $1",
	    victim.name, NULL);
	cache_hang_up();
}

/* --- what the page asks, and what it may be told ----------------------------
 */

struct story {
	struct order order;
	struct order bare_order;
	struct order given_up;
	struct http_response token;
	struct http_response first;
	struct http_response replay;
	struct http_response record;
	struct http_response bare;
	struct http_response closed;
	struct http_response list;
};

static struct http_request
list_request(void)
{
	return (struct http_request){
	    .path = "/api/withdrawals?limit=5",
	    .user = victim.user,
	};
}

static struct http_response
ask_void(const struct order *order)
{
	struct http_request request = order_void_request(order);

	return victim_ask(&victim, &request);
}

/* A body of which libfcgi gives nothing is a body that came short: it is said
 * so, and nothing is claimed about the order. */
static bool
came_short(const struct http_response *answer)
{
	if (strcmp(answer_code(answer), "malformed") != 0 ||
	    atomic_load(&board->struck) == 0 ||
	    atomic_load(&board->call) != CALL_FCGX_GetChar)
		return false;
	expect_problem(answer, 400, "malformed", "unknown");
	return true;
}

static struct story
tell_story(void)
{
	struct story story = {
	    .order = victim_order(&victim),
	    .bare_order = victim_order(&victim),
	    .given_up = victim_order(&victim),
	};
	struct http_request request = order_token_request(&story.order);

	story.token = victim_ask(&victim, &request);
	request = order_request(&story.order,
	    story.token.status == 201 ? json_get(story.token.body, "token")
				      : NULL);
	story.first = victim_ask(&victim, &request);
	request = order_request(&story.order, NULL);
	story.replay = victim_ask(&victim, &request);
	request = order_get_request(&story.order);
	story.record = victim_ask(&victim, &request);
	/* without a token the ledger is asked; without Redis it decides */
	request = order_request(&story.bare_order, NULL);
	story.bare = victim_ask(&victim, &request);
	story.closed = ask_void(&story.given_up);
	request = list_request();
	story.list = victim_ask(&victim, &request);
	return story;
}

/* Is the order in the list, as a success? */
static bool
is_listed(const struct http_response *list, const struct order *order)
{
	for (size_t i = 0; i < json_length(list->body, "withdrawals"); i++)
		if (strcmp(json_item(list->body, "withdrawals", i, "order_id"),
			order->id) == 0) {
			ck_assert_str_eq(
			    json_item(list->body, "withdrawals", i, "status"),
			    "succeeded");
			ck_assert_str_eq(
			    json_item(list->body, "withdrawals", i, "amount"),
			    order->amount);
			return true;
		}
	return false;
}

static void
expect_void(const struct http_response *answer, const struct order *order)
{
	expect_status(answer, 200);
	expect_json(answer);
	ck_assert_str_eq(json_get(answer->body, "order_id"), order->id);
	ck_assert_str_eq(json_get(answer->body, "status"), "void");
}

/* What was said while things went wrong. */
static void
expect_true_story(const struct story *story)
{
	bool done = story->first.status == 201 || story->replay.status == 201;

	if (story->token.status == 201)
		ck_assert_str_eq(
		    json_get(story->token.body, "order_id"), story->order.id);
	else
		expect_bearable(&story->token, &story->order);
	if (!came_short(&story->first))
		expect_bearable(&story->first, &story->order);
	if (!came_short(&story->replay))
		expect_bearable(&story->replay, &story->order);
	if (story->first.status == 201 && story->replay.status == 201)
		ck_assert(answer_same(&story->first, &story->replay));
	/* what is final is never taken back */
	if (story->first.status == 201 && story->replay.status > 201)
		ck_assert_str_ne(
		    json_get(story->replay.body, "order_state"), "none");
	if (story->record.status == 200)
		ck_assert_str_eq(
		    json_get(story->record.body, "status"), "succeeded");
	else if (story->record.status == 404)
		ck_assert(!done);
	else
		expect_bearable(&story->record, &story->order);
	if (!came_short(&story->bare))
		expect_bearable(&story->bare, &story->bare_order);
	if (story->closed.status == 200)
		expect_void(&story->closed, &story->given_up);
	else
		expect_bearable(&story->closed, &story->given_up);
	if (story->list.status == 200)
		ck_assert(!done || is_listed(&story->list, &story->order));
	else
		expect_bearable(&story->list, &story->order);
}

static bool
is_void(const struct order *order, struct http_response *answer)
{
	*answer = ask_void(order);
	if (answer->status != 200)
		expect_bearable(answer, order);
	return answer->status == 200;
}

/* The void tells what became of it, and what was said before is that. */
static void
expect_bare_end(const struct story *story)
{
	struct http_response answer;
	bool debited;

	WAIT_UNTIL(is_void(&story->bare_order, &answer));
	debited = strcmp(json_get(answer.body, "status"), "succeeded") == 0;
	if (debited)
		victim.succeeded++;
	else
		expect_void(&answer, &story->bare_order);
	if (story->bare.status == 201)
		ck_assert(debited);
	ck_assert_int_eq(ledger_debits(story->bare_order.id), debited);
}

/* What is said afterwards, and stands. */
static void
expect_good_end(const struct story *story)
{
	const struct http_response *first =
	    story->first.status == 201 ? &story->first : &story->replay;
	struct http_request list = list_request();
	struct http_response answer;

	expect_bare_end(story);
	victim_expect_one_debit(&victim, &story->order, first);
	WAIT_UNTIL(is_void(&story->given_up, &answer));
	expect_void(&answer, &story->given_up);
	if (story->closed.status == 200)
		ck_assert(answer_same(&answer, &story->closed));
	ck_assert_str_eq(ledger_status(story->given_up.id), "void");
	ck_assert_int_eq(ledger_debits(story->given_up.id), 0);
	answer = victim_learn(&victim, &list);
	expect_status(&answer, 200);
	ck_assert(is_listed(&answer, &story->order));
}

static void
expect_cost(enum cost cost, const struct story *story, pid_t before)
{
	const struct http_response *const answers[] = {&story->token,
	    &story->first, &story->replay, &story->record, &story->bare,
	    &story->closed, &story->list};

	if (cost == COST_NOTHING)
		for (int i = 0; i < COUNT(answers); i++)
			ck_assert_msg(answers[i]->status != 0,
			    "question %d has got no answer", i + 1);
	if (cost < COST_WORKER)
		ck_assert_int_eq(victim_rest(&victim), before);
}

/* --- one run ---------------------------------------------------------------
 */

/* The worker ends as if told to by its master, so that it is looked for what it
 * has leaked. The master learns of it, and starts another, when it goes on. */
static void
end_worker(pid_t worker)
{
	ck_assert_int_eq(kill(victim.instance.pid, SIGSTOP), 0);
	ck_assert_int_eq(kill(worker, SIGTERM), 0);
	WAIT_UNTIL(!process_alive(worker));
}

static void
start_worker(void)
{
	ck_assert_int_eq(kill(victim.instance.pid, SIGCONT), 0);
}

/* Returns whether the fault has struck. */
static bool
run(const struct fault *fault, int nth, enum scene scene)
{
	pid_t worker = victim_rest(&victim);
	struct story story;

	if (scene == SCENE_START)
		end_worker(worker);
	arm(fault, nth, scene, worker);
	if (scene == SCENE_LOST)
		hang_up();
	if (scene == SCENE_START)
		start_worker();
	story = tell_story();
	victim_rest(&victim);
	disarm();
	expect_true_story(&story);
	expect_good_end(&story);
	if (scene != SCENE_START)
		expect_cost(
		    fault != NULL ? fault->cost : COST_NOTHING, &story, worker);
	victim_rest(&victim);
	return atomic_load(&board->struck) != 0;
}

/* Does it do anything else where Redis is asked over TCP? */
static bool
connects(enum fault_call call)
{
	return call == CALL_redisConnectNonBlock || call == CALL_socket ||
	    call == CALL_connect || call == CALL_setsockopt ||
	    call == CALL_fcntl;
}

/* Each fault of one call, at each place in each scene. */
static void
fail_everywhere(enum fault_call call)
{
	size_t struck = 0;

	for (int i = 0; i < COUNT(faults); i++) {
		if (faults[i].call != call)
			continue;
		for (int scene = 0; scene < SCENES; scene++) {
			int nth = 1;

			while (nth <= CAP && run(&faults[i], nth, scene))
				nth++;
			struck += (size_t)nth - 1;
			printf("%s, %s: %d places%s\n", name_of(&faults[i]),
			    scenes[scene], nth - 1,
			    nth > CAP ? " (there are more)" : "");
			fflush(stdout);
		}
	}
	printf("%s: %zu runs\n", names[call], struck);
	fflush(stdout);
	instance_stop_well(&victim.instance);
	ck_assert_uint_ge(struck, 1);
}

START_TEST(call_fails_everywhere)
{
	start_victim(NULL);
	fail_everywhere(_i);
}
END_TEST

START_TEST(call_fails_everywhere_over_tcp)
{
	start_victim_over_tcp();
	fail_everywhere(_i);
}
END_TEST

/* The same at some places. */
static void
fail_somewhere(int sample, bool of_all)
{
	int counts[SCENES][CALLS];
	size_t struck = 0;

	for (int scene = 0; scene < SCENES; scene++) {
		ck_assert(!run(NULL, 0, scene));
		for (int i = 0; i < CALLS; i++)
			counts[scene][i] = atomic_load(&board->counts[i]);
	}
	for (int i = 0; i < sample; i++) {
		const struct fault *fault;
		/* a worker that starts takes longer, and does the same; one at
		 * rest does not connect */
		int scene = i % 8 == 0 ? SCENE_START
		    : of_all           ? (int)(i % 2)
				       : SCENE_LOST;
		int n;

		do {
			fault = &faults[faults_random(COUNT(faults))];
		} while (!of_all && !connects(fault->call));
		n = counts[scene][fault->call];
		if (n > 0)
			struck += run(
			    fault, 1 + (int)faults_random((size_t)n), scene);
	}
	printf("failing calls: %zu of %d struck\n", struck, sample);
	fflush(stdout);
	instance_stop_well(&victim.instance);
	ck_assert_uint_ge(struck, (size_t)sample / 3);
}

START_TEST(some_calls_fail)
{
	start_victim(NULL);
	fail_somewhere(SAMPLE, true);
}
END_TEST

START_TEST(some_calls_fail_over_tcp)
{
	start_victim_over_tcp();
	fail_somewhere(SAMPLE_TCP, false);
}
END_TEST

/* Before there is any worker: it says so, and does not serve. */
START_TEST(libfcgi_cannot_begin)
{
	static const enum fault_kind ways[] = {KIND_FAIL, KIND_DONE};
	const char *settings[] = {preloaded(), make_board(), NULL};
	const struct fault fault = {.call = CALL_FCGX_Init, .kind = ways[_i]};
	struct instance instance;

	arm(&fault, 1, SCENE_REST, FAULT_ANYBODY);
	instance = instance_start(NULL, settings);
	ck_assert_int_eq(instance_wait(&instance), 2);
	disarm();
	ck_assert_int_eq(atomic_load(&board->struck), 1);
	expect_said(read_file(instance.log), "could not initialise libfcgi");
}
END_TEST

static void
add_all(Suite *suite)
{
	for (int i = 0; i < CALLS; i++) {
		TCase *tcase;

		if (i == CALL_FCGX_Init)
			continue;
		/* named by the call, for CK_RUN_CASE */
		tcase = fixture_struck_case(suite, names[i], LIMIT_S);
		if (i != CALL_redisConnectNonBlock)
			tcase_add_loop_test(
			    tcase, call_fails_everywhere, i, i + 1);
		if (connects(i))
			tcase_add_loop_test(
			    tcase, call_fails_everywhere_over_tcp, i, i + 1);
	}
}

Suite *
calls_suite(void)
{
	Suite *suite = suite_create("calls");
	TCase *tcase = fixture_struck_case(suite, "fail", LIMIT_S);

	tcase_add_loop_test(tcase, libfcgi_cannot_begin, 0, 2);
	if (faults_all()) {
		add_all(suite);
	} else {
		tcase_add_test(tcase, some_calls_fail);
		tcase_add_test(tcase, some_calls_fail_over_tcp);
	}
	return suite;
}
