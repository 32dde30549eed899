/*
 * A crowd that wants nothing but to be in the way: connections that say
 * nothing, clients that are slow on purpose or read nothing, and ten times as
 * many requests as there may be. Who is honest is served beside them; the
 * others are told so, in the form of all our answers. ATTACK_CROWD is how many
 * connections, and ATTACK_OVERLOAD how many times too many.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"
#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "site_server.h"
#include "stack.h"
#include "support.h"

enum {
	CROWD = 1000,
	CROWD_MAX = 4000, /* nginx' limit for one address */
	OVERLOAD = 10,
	HONEST = 10, /* users */
	ROUNDS = 10, /* of a withdrawal by each */
	FLOODERS = 5,
	BURST = 40, /* as withdraw.conf has it */
	MANY = 500,
	WAYS = 4,            /* to be idle */
	PATIENCE_MS = 10000, /* nginx' client_header_timeout */
	DEAF = 20,
	PAGES = 400,
};

/* --- the honest ----------------------------------------------------------- */

static const char *honest[HONEST];
static int asked, served;

static void
open_honest(void)
{
	asked = served = 0;
	for (int i = 0; i < HONEST; i++)
		honest[i] = ledger_open("100.00");
}

/* A withdrawal by each, as the page does it; served is who needs to ask but
 * once. The others come to their end as well. */
static void
withdraw_honestly(void)
{
	struct order orders[HONEST];
	struct http_request requests[HONEST];
	struct http_response *tokens, *answers;

	for (int i = 0; i < HONEST; i++) {
		orders[i] = order_new(honest[i], "1.00");
		requests[i] = order_token_request(&orders[i]);
	}
	tokens = http_send_all(requests, HONEST);
	for (int i = 0; i < HONEST; i++)
		requests[i] = order_request(&orders[i],
		    tokens[i].status == 201 ? json_get(tokens[i].body, "token")
					    : NULL);
	answers = http_send_all(requests, HONEST);
	for (int i = 0; i < HONEST; i++) {
		struct http_response last =
		    order_settle_from(&orders[i], &answers[i]);

		asked++;
		served += answers[i].status == 201;
		expect_success(&last, &orders[i]);
		ck_assert_int_eq(ledger_debits(orders[i].id), 1);
	}
}

static void
expect_served(void)
{
	ck_assert_int_gt(asked, 0);
	ck_assert_msg(served * 100 >= asked * 99,
	    "of %d honest withdrawals %d were served", asked, served);
}

/* --- idle and slow -------------------------------------------------------- */

static void
allow_descriptors(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int
dial(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)strtol(setting("PORT"), NULL, 10)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(connect(fd, (const struct sockaddr *)&address,
			  sizeof(address)) == 0,
	    "connect: %s", strerror(errno));
	return fd;
}

/* Nothing; half of the first line; half of a header; half of the body of
 * somebody who is signed in. */
static const char *
beginning(int way, const char *cookie)
{
	switch (way) {
	case 0:
		return "";
	case 1:
		return "POST /api/with";
	case 2:
		return "GET /api/account HTTP/1.1\r\nHost: x\r\nX-Slow: ";
	default:
		return keep_format("POST /api/withdraw HTTP/1.1\r\nHost: x\r\n"
				   "%s\r\nIdempotency-Key: %s\r\n"
				   "Content-Type: application/json\r\n"
				   "Content-Length: 60\r\n\r\n{\"amount\"",
		    cookie, order_id());
	}
}

/* False where nginx has lost its patience, and hung up. */
static bool
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0)
		return true;
	ck_assert_msg(
	    errno == EPIPE || errno == ECONNRESET, "send: %s", strerror(errno));
	return false;
}

/* Whoever says nothing whole is told nothing: an answer is the end. */
static bool
is_open(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLRDHUP};

	return poll(&poll_fd, 1, 0) == 0;
}

struct idler {
	int fd;
	int way;
	bool open; /* when it was last looked at */
	long long since_ms;
};

static void
begin_idling(struct idler *idler, const char *cookie)
{
	idler->fd = dial();
	idler->since_ms = now_ms();
	idler->open = say(idler->fd, beginning(idler->way, cookie));
}

/* nginx waits so long for a head, and no longer, and a round takes a while:
 * none is to be gone before its end. */
static void
renew(struct idler *idlers, long n, const char *cookie)
{
	for (long i = 0; i < n; i++) {
		struct idler *idler = &idlers[i];

		if (idler->open && now_ms() - idler->since_ms < PATIENCE_MS / 4)
			continue;
		close(idler->fd);
		begin_idling(idler, cookie);
	}
}

/* A byte more of each that has begun. */
static void
go_on(struct idler *idlers, long n)
{
	for (long i = 0; i < n; i++)
		if (idlers[i].open && idlers[i].way != 0)
			idlers[i].open = say(idlers[i].fd, " ");
}

/* Of each kind most are there still, or nobody was in the way. */
static void
expect_idlers(struct idler *idlers, long n)
{
	long all[WAYS] = {0}, open[WAYS] = {0};

	for (long i = 0; i < n; i++) {
		struct idler *idler = &idlers[i];

		idler->open = idler->open && is_open(idler->fd);
		all[idler->way]++;
		open[idler->way] += idler->open;
	}
	for (int way = 0; way < WAYS; way++)
		ck_assert_msg(open[way] * 2 > all[way],
		    "of %ld connections of kind %d %ld are open", all[way], way,
		    open[way]);
}

START_TEST(idle_and_slow_clients_hold_up_nobody)
{
	long crowd = number_of("ATTACK_CROWD", CROWD);
	const char *slow = ledger_open("100.00");
	const char *cookie = site_sign_in(slow);
	struct idler idlers[CROWD_MAX];

	ck_assert_int_le(crowd, CROWD_MAX);
	allow_descriptors();
	open_honest();
	for (long i = 0; i < crowd; i++) {
		idlers[i].way = (int)(i % WAYS);
		begin_idling(&idlers[i], cookie);
	}
	for (int round = 0; round < ROUNDS; round++) {
		renew(idlers, crowd, cookie);
		withdraw_honestly();
		expect_idlers(idlers, crowd);
		go_on(idlers, crowd);
	}
	for (long i = 0; i < crowd; i++)
		close(idlers[i].fd);
	expect_served();
	ck_assert_str_eq(ledger_balance(slow), "100.00");
}
END_TEST

/* --- deaf ----------------------------------------------------------------- */

/* As little as there may be of what nobody reads. */
static int
dial_deaf(void)
{
	const int few = 1024;
	int fd = dial();

	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few)), 0);
	return fd;
}

static const char *
page_request(const char *query)
{
	return keep_format(
	    "GET /problems.html?%s HTTP/1.1\r\nHost: x\r\n\r\n", query);
}

/* Many pages: more than what lies between has room for. */
static const char *
pages_request(void)
{
	const char *page = page_request("deaf");
	size_t len = strlen(page);
	char *all = keep(PAGES * len + 1);

	for (size_t i = 0; i < PAGES; i++)
		memcpy(all + i * len, page, len);
	return keep_format("%s%s", all, page_request("last"));
}

static bool
was_sent(const char *query)
{
	return strstr(stack_log("nginx-access"),
		   keep_format("/problems.html?%s ", query)) != NULL;
}

START_TEST(clients_that_read_no_answer_hold_up_nobody)
{
	const char *request = pages_request();
	int fds[DEAF];

	open_honest();
	for (int i = 0; i < DEAF; i++) {
		fds[i] = dial_deaf();
		ck_assert(say(fds[i], request));
	}
	WAIT_UNTIL(was_sent("deaf"));
	for (int round = 0; round < ROUNDS; round++)
		withdraw_honestly();
	/* else nginx did not have to wait for anybody */
	ck_assert(!was_sent("last"));
	for (int i = 0; i < DEAF; i++)
		close(fds[i]);
	expect_served();
}
END_TEST

/* --- too many ------------------------------------------------------------- */

/* Everybody gets an answer: what was asked for, or that it was too much. */
static int
count_refused(const struct http_response *answers, size_t n)
{
	int refused = 0;

	for (size_t i = 0; i < n; i++) {
		const char *code;

		if (answers[i].status / 100 == 2)
			continue;
		code = answer_code(&answers[i]);
		ck_assert_msg(answer_is_retryable(&answers[i]), "%d %s %s",
		    answers[i].status, answers[i].error, answers[i].body);
		expect_problem(&answers[i], answers[i].status, code, NULL);
		refused += answers[i].status == 429 || answers[i].status == 503;
	}
	return refused;
}

/* A few users send many times what one may. */
START_TEST(flood_of_a_few_is_turned_away)
{
	size_t n =
	    (size_t)(FLOODERS * BURST * number_of("ATTACK_OVERLOAD", OVERLOAD));
	struct http_request *requests = keep(n * sizeof(*requests));
	const char *users[FLOODERS];
	struct http_response *answers;
	struct http_batch *batch;

	stack_restart("nginx",
	    keep_format("RATE=20r/s BURST=%d EXTRA_USERS=%s", BURST,
		setting("EXTRA_USERS")));
	allow_descriptors();
	open_honest();
	for (size_t i = 0; i < FLOODERS; i++)
		users[i] = ledger_open("100.00");
	for (size_t i = 0; i < n; i++) {
		struct order order = order_new(users[i % FLOODERS], "1.00");

		requests[i] = i % 2 == 0 ? order_token_request(&order)
					 : order_request(&order, order_id());
	}
	batch = http_begin(requests, n);
	/* no more than their own limit lets through */
	for (int round = 0; round < ROUNDS && http_done(batch) < n; round++)
		withdraw_honestly();
	answers = http_finish(batch);
	/* half of them, to leave the slowest of machines room for its rate */
	ck_assert_int_gt(count_refused(answers, n), (int)(n / 2));
	expect_served();
	for (size_t i = 0; i < FLOODERS; i++)
		ck_assert_str_eq(ledger_balance(users[i]), "100.00");
}
END_TEST

/* Many who are within their limits, at the same instant: more than all workers
 * have connections to Postgres, many times over. */
START_TEST(rush_of_many_is_served_or_told)
{
	struct order *orders = keep(MANY * sizeof(*orders));
	struct http_request *requests = keep(MANY * sizeof(*requests));
	const char *users[FLOODERS * 2];
	struct http_response *answers;
	struct http_batch *batch;

	allow_descriptors();
	open_honest();
	for (int i = 0; i < COUNT(users); i++)
		users[i] = ledger_open("1000.00");
	for (int i = 0; i < MANY; i++) {
		orders[i] = order_new(users[i % COUNT(users)], "1.00");
		requests[i] = order_token_request(&orders[i]);
	}
	answers = http_send_all(requests, MANY);
	for (int i = 0; i < MANY; i++)
		requests[i] = order_request(&orders[i],
		    answers[i].status == 201
			? json_get(answers[i].body, "token")
			: NULL);
	batch = http_begin(requests, MANY);
	do
		withdraw_honestly();
	while (http_done(batch) < MANY);
	answers = http_finish(batch);
	count_refused(answers, MANY);
	expect_served();
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(ledger_debits(orders[i].id),
		    answers[i].status == 201 ||
			    strcmp(ledger_status(orders[i].id), "none") != 0
			? 1
			: 0);
}
END_TEST

void
attack_crowd(Suite *suite)
{
	TCase *tcase = fixture_case(suite, "crowd");

	tcase_add_test(tcase, idle_and_slow_clients_hold_up_nobody);
	tcase_add_test(tcase, clients_that_read_no_answer_hold_up_nobody);
	tcase_add_test(tcase, flood_of_a_few_is_turned_away);
	tcase_add_test(tcase, rush_of_many_is_served_or_told);
}
