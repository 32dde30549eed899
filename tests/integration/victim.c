/* A withdrawd that is broken again and again: see victim.h. */
#include "victim.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "json.h"
#include "ledger.h"
#include "stack.h"
#include "support.h"

enum { POOL = 2, BALANCE = 100000 };

bool
faults_all(void)
{
	const char *value = getenv("FAULTS");

	return value != NULL && strcmp(value, "all") == 0;
}

size_t
faults_random(size_t n)
{
	static bool seeded;

	if (!seeded) {
		const char *given = getenv("FAULTS_SEED");
		unsigned seed = given != NULL
		    ? (unsigned)strtoul(given, NULL, 10)
		    : (unsigned)time(NULL);

		printf("FAULTS_SEED=%u\n", seed);
		fflush(stdout);
		srandom(seed);
		seeded = true;
	}
	return (size_t)random() % n;
}

size_t
descriptors_of(pid_t pid)
{
	DIR *dir = opendir(keep_format("/proc/%ld/fd", (long)pid));
	size_t n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

/* The worker, if all its connections to Postgres are there, and none that is
 * nobody's; 0 otherwise. */
static pid_t
connected_worker(const struct victim *victim)
{
	struct workers workers = process_children(victim->instance.pid);

	ck_assert_msg(!instance_ended(&victim->instance), "withdrawd ended: %s",
	    read_file(victim->instance.log));
	if (workers.n != 1 ||
	    ledger_number("SELECT count(*) FROM pg_stat_activity WHERE "
			  "application_name = $1 AND state = 'idle'",
		victim->name, NULL) != POOL ||
	    ledger_number("SELECT count(*) FROM pg_stat_activity WHERE "
			  "application_name = $1",
		victim->name, NULL) != POOL)
		return 0;
	return workers.pids[0];
}

static bool
redis_is_used(const struct victim *victim)
{
	struct http_request health = {.path = "/api/health"};
	struct http_response answer = victim_ask(victim, &health);

	return answer.status == 200 &&
	    strcmp(json_get(answer.body, "redis"), "up") == 0;
}

/* Without the connections of requests: those before this one are closed when
 * this one is served, and it keeps its own. */
static size_t
descriptors_at_rest(const struct victim *victim, pid_t worker)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/health", NULL, NULL, NULL);
	struct fcgi_bytes request = fcgi_request(&params, NULL, true);
	int fd = fcgi_connect(victim->instance.socket);
	size_t n;

	fcgi_send(fd, &request);
	ck_assert_int_eq(fcgi_receive(fd).status, 200);
	n = descriptors_of(worker) - 1;
	close(fd);
	return n;
}

struct victim
victim_start(const char *const *settings)
{
	struct victim victim = {
	    .name = keep_format("victim-%s", order_id()),
	    .user = ledger_open(keep_format("%d.00", BALANCE)),
	    .other = ledger_open(keep_format("%d.00", BALANCE)),
	};
	/* short steps: a lease that outlives its worker is soon over */
	const char *all[16] = {"WITHDRAW_WORKERS=1",
	    keep_format("WITHDRAW_PG_POOL=%d", POOL),
	    "WITHDRAW_LEDGER_TIMEOUT_MS=800", "WITHDRAW_LOCK_TTL_MS=900",
	    keep_format("PGAPPNAME=%s", victim.name)};
	size_t n = 5;
	pid_t worker;

	for (; settings != NULL && *settings != NULL; settings++) {
		ck_assert_uint_lt(n, sizeof(all) / sizeof(all[0]) - 1);
		all[n++] = *settings;
	}
	victim.instance = instance_start(NULL, all);
	instance_wait_ready(&victim.instance);
	WAIT_UNTIL(redis_is_used(&victim));
	WAIT_UNTIL((worker = connected_worker(&victim)) != 0);
	victim.descriptors = descriptors_at_rest(&victim, worker);
	return victim;
}

pid_t
victim_rest(const struct victim *victim)
{
	pid_t worker;

	WAIT_UNTIL((worker = connected_worker(victim)) != 0 &&
	    descriptors_of(worker) <= victim->descriptors);
	return worker;
}

struct order
victim_order(const struct victim *victim)
{
	return order_new(victim->user, "0.01");
}

int
victim_begin(const struct victim *victim, const struct http_request *request)
{
	struct fcgi_bytes params =
	    fcgi_params(request->method != NULL ? request->method : "GET",
		request->path, request->user, request->key, request->body);
	struct fcgi_bytes bytes = fcgi_request(&params, request->body, false);
	int fd = fcgi_connect(victim->instance.socket);

	fcgi_send(fd, &bytes);
	return fd;
}

struct http_response
victim_finish(int fd)
{
	struct http_response answer = fcgi_receive(fd);

	if (answer.status != 0)
		fcgi_wait_closed(fd);
	close(fd);
	return answer;
}

struct http_response
victim_ask(const struct victim *victim, const struct http_request *request)
{
	return victim_finish(victim_begin(victim, request));
}

static bool
has_learnt(const struct victim *victim, const struct http_request *request,
    struct http_response *answer)
{
	*answer = victim_ask(victim, request);
	return answer->status != 0 && !answer_is_retryable(answer);
}

struct http_response
victim_learn(const struct victim *victim, const struct http_request *request)
{
	struct http_response answer;

	WAIT_UNTIL(has_learnt(victim, request, &answer));
	return answer;
}

static const char *
token_of(const struct http_response *answer, const struct order *order)
{
	if (answer->status != 201)
		return NULL;
	ck_assert_str_eq(json_get(answer->body, "order_id"), order->id);
	return json_get(answer->body, "token");
}

const char *
victim_token(const struct victim *victim, const struct order *order)
{
	struct http_request request = order_token_request(order);
	struct http_response answer = victim_learn(victim, &request);

	expect_status(&answer, 201);
	return token_of(&answer, order);
}

static bool
settled(const struct victim *victim, const struct order *order,
    struct http_response *answer)
{
	struct http_request request = order_token_request(order);
	struct http_response token = victim_ask(victim, &request);

	request = order_request(order, token_of(&token, order));
	*answer = victim_ask(victim, &request);
	if (answer_is_final(answer))
		return true;
	expect_bearable(answer, order);
	return false;
}

struct http_response
victim_settle(const struct victim *victim, const struct order *order)
{
	struct http_response answer;

	WAIT_UNTIL(settled(victim, order, &answer));
	return answer;
}

void
expect_bearable(const struct http_response *answer, const struct order *order)
{
	if (answer->status == 0)
		return;
	if (answer->status == 201) {
		expect_success(answer, order);
		return;
	}
	ck_assert_msg(answer_is_retryable(answer),
	    "neither final nor "
	    "retryable: %d %s",
	    answer->status, answer->body);
	expect_problem(answer, answer->status, answer_code(answer), NULL);
}

/* In all that can be asked about it, the order is what it was said to be. */
static void
expect_stands(const struct victim *victim, const struct order *order,
    const struct http_response *final)
{
	static const char *const members[] = {"order_id", "status", "amount",
	    "currency", "balance_after", "created_at"};
	struct http_request bare = order_request(order, NULL);
	struct http_request get = order_get_request(order);
	struct http_response again = victim_learn(victim, &bare);
	struct http_response record = victim_learn(victim, &get);

	ck_assert_msg(answer_same(final, &again), "%s\n%d %s", final->body,
	    again.status, again.body);
	expect_status(&record, 200);
	for (int i = 0; i < COUNT(members); i++)
		ck_assert_str_eq(json_get(record.body, members[i]),
		    json_get(final->body, members[i]));
}

void
victim_expect_one_debit(struct victim *victim, const struct order *order,
    const struct http_response *first)
{
	struct http_response final = victim_settle(victim, order);
	struct order next = order_new(victim->other, "0.02");
	struct http_response others;

	expect_success(&final, order);
	if (first != NULL && answer_is_final(first))
		ck_assert_msg(answer_same(first, &final), "%s\n%s", first->body,
		    final.body);
	expect_stands(victim, order, &final);
	victim->succeeded++;
	ck_assert_int_eq(ledger_debits(order->id), 1);
	ck_assert_str_eq(ledger_status(order->id), "succeeded");
	ck_assert_int_eq(ledger_succeeded(victim->user), victim->succeeded);
	ck_assert_str_eq(ledger_balance(victim->user),
	    keep_format("%ld.%02ld", BALANCE - (victim->succeeded + 99) / 100,
		(100 - victim->succeeded % 100) % 100));

	others = victim_settle(victim, &next);
	expect_success(&others, &next);
	expect_stands(victim, &next, &others);
	ck_assert_int_eq(ledger_debits(next.id), 1);
}
