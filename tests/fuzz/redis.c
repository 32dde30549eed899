/* redis.c: replies as a Redis gives them, or a broken one, through hiredis'
 * reader into the pipeline and the sign-in. Only Postgres is made up: it has
 * one record of the order, and counts who asks.
 *
 * Whatever the bytes are: each call ends, once; what is final is the ledger's
 * word, or a recorded answer of this very user and order that was in the
 * bytes; that nothing is recorded is only said after a look. And bytes that
 * come in other pieces lead to the same. */
#include <ev.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/config.h"
#include "fuzz.h"
#include "pipeline/service.h"
#include "pipeline/twin.h"
#include "pipeline/withdraw.h"
#include "process/scripts.h"
#include "signin/attempt.h"
#include "signin/session.h"

#define ORDER "9b2f6a4e-3c1d-4e5f-8a7b-0c1d2e3f4a5b"
#define EPOCH "7000000000000000001.1"

enum { USER = 1001, AMOUNT = 10000, TURNS = 64 };

static struct config config = {.redis_path = "/none",
    .guards = GUARD_TOKEN | GUARD_LOCK | GUARD_CACHE,
    .token_ttl_ms = 5000,
    .lock_ttl_ms = 10000,
    .ledger_timeout_ms = 5000,
    .result_ttl_s = 3600,
    .twin_wait_ms = 0,
    .redis_timeout_ms = 60000,
    .session_idle_s = 1800,
    .session_max_s = 43200,
    .session_check_s = 30,
    .currency = "CNY"};
static struct service service = {.cfg = &config};

/* --- the connection ------------------------------------------------------- */

static int peer = -1; /* the other end of it; -1: nobody listens */
static int own_end = -1;

/* Instead of hiredis': a pair of sockets, the first time. */
redisContext *
redisConnectUnixNonBlock(const char *path)
{
	redisContext *c = redisConnectFd(own_end);

	(void)path;
	HOLDS(c != NULL);
	c->flags &= ~REDIS_BLOCK;
	if (own_end < 0) {
		c->err = REDIS_ERR_IO;
		strcpy(c->errstr, "nobody listens");
	}
	own_end = -1;
	return c;
}

static void
turn(void)
{
	ev_run(service.loop, EVRUN_NOWAIT);
}

static void
tell(const void *data, size_t len)
{
	if (len > 0)
		HOLDS(send(peer, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ||
		    !redis_up(service.redis));
}

static void
hang_up(void)
{
	if (peer >= 0)
		close(peer);
	peer = -1;
}

/* Connects, and is greeted as it should be. */
static void
connect_all(void)
{
	int pair[2], i;

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		  pair) == 0);
	peer = pair[0];
	own_end = pair[1];
	service.redis =
	    redis_open(service.loop, &config, all_scripts, all_nscripts);
	turn();
	tell("+OK\r\n", 5);
	for (i = 0; i < (int)all_nscripts; i++)
		tell("$40\r\n0123456789012345678901234567890123456789\r\n", 47);
	turn();
	turn();
	HOLDS(redis_up(service.redis));
}

/* --- Postgres ------------------------------------------------------------- */

struct pg_rows {
	bool found;
};

static unsigned withdrawn, looked; /* how often it was asked to */
static bool ledger_has;            /* the record, already */
static struct pg_call *asked;

static const struct record ledgers = {.order = ORDER,
    .user = USER,
    .status = RECORD_SUCCEEDED,
    .has_amount = true,
    .amount = AMOUNT,
    .currency = "CNY",
    .balance_after = 77,
    .version = 2,
    .created_us = 1767323045678901};

void
pg_submit(struct pg *pg, struct pg_call *call)
{
	(void)pg;
	HOLDS(asked == NULL);
	asked = call;
}

const char *
pg_epoch(const struct pg *pg)
{
	(void)pg;
	return EPOCH;
}

size_t
pg_rows_count(const struct pg_rows *rows)
{
	return rows->found;
}

const char *
pg_rows_text(const struct pg_rows *rows, size_t row, int column)
{
	static const char *const text[] = {"f", ORDER, "1", "100.00", "CNY",
	    NULL, "0.77", "2", "1767323045678901", NULL};

	HOLDS(rows->found && row == 0 && column >= 0 && column < 10);
	return text[column];
}

static void
let_postgres_answer(void)
{
	struct pg_call *call = asked;
	struct pg_rows rows = {.found = ledger_has};
	bool withdraw;

	if (call == NULL)
		return;
	asked = NULL;
	withdraw = strcmp(call->statement->name, "withdraw") == 0;
	HOLDS(withdraw || strcmp(call->statement->name, "find") == 0);
	withdrawn += withdraw;
	looked += !withdraw;
	HOLDS(strcmp(call->param[0], "1001") == 0);
	HOLDS(strcmp(call->param[1], ORDER) == 0);
	rows.found = rows.found || withdraw;
	ledger_has = rows.found;
	call->epoch = EPOCH;
	call->done(call, PG_ROWS, &rows);
}

/* --- what is called ------------------------------------------------------- */

struct ending {
	unsigned done;
	struct result result; /* of a withdrawal */
	int state;            /* of a session */
	long wait;            /* of an attempt */
	char name[SESSION_NAME], generation[24];
};

static struct ending ended;

/* All that a call needs while it is under way. */
static struct withdrawal withdrawal;
static struct redis_call call;
static struct attempt attempt;

static void
withdraw_done(struct withdrawal *w)
{
	ended.done++;
	ended.result = w->result;
}

static void
session_done(struct redis_call *of, const struct redis_reply_items *items)
{
	(void)of;
	ended.done++;
	ended.state = (int)session_read(items, ended.name, ended.generation);
}

static void
attempt_done(struct redis_call *of, const struct redis_reply_items *items)
{
	(void)of;
	ended.done++;
	ended.wait = attempt_wait_ms(&attempt, items);
}

enum kind { WITHDRAW, SESSION, ATTEMPT, KINDS };

static void
begin(enum kind kind)
{
	static const struct session session = {.user = USER};

	switch (kind) {
	case WITHDRAW:
		withdrawal = (struct withdrawal){.service = &service,
		    .request = "fuzz",
		    .user = USER,
		    .order = ORDER,
		    .amount = AMOUNT,
		    .token = ORDER,
		    .done = withdraw_done};
		withdraw_start(&withdrawal);
		break;
	case SESSION:
		call = (struct redis_call){.done = session_done};
		HOLDS(session_check(
		    service.redis, &call, &config, &session, true));
		break;
	case ATTEMPT:
	case KINDS:
		call = (struct redis_call){.done = attempt_done};
		attempt_set(&attempt, &attempt_by_name, "alice", "");
		HOLDS(attempt_count(service.redis, &call, &attempt));
		break;
	}
}

/* A call, to which the bytes are the reply, in pieces of step bytes. */
static void
run(enum kind kind, bool has, const uint8_t *data, size_t size, size_t step)
{
	size_t at, n;
	int i;

	ended = (struct ending){.wait = -1};
	withdrawn = looked = 0;
	ledger_has = has;
	asked = NULL;
	connect_all();
	begin(kind);
	turn(); /* it is on the wire */
	for (at = 0; at < size; at += n) {
		n = size - at < step ? size - at : step;
		tell(data + at, n);
		turn();
		let_postgres_answer();
	}
	hang_up();
	for (i = 0; i < TURNS && ended.done == 0; i++) {
		turn();
		let_postgres_answer();
	}
	HOLDS(ended.done == 1 && asked == NULL);
	redis_free(&service.redis);
}

/* --- the oracle ----------------------------------------------------------- */

static bool
is_in(const void *data, size_t size, const char *text)
{
	return memmem(data, size, text, strlen(text)) != NULL;
}

/* The admission's number: each command that went before has one, too. */
#define NUMBER ((unsigned)all_nscripts + 2)

static void
judge_withdrawal(const uint8_t *data, size_t size, bool had)
{
	const struct result *r = &ended.result;
	char value[RECORD_TEXT], number[24];

	HOLDS(withdrawn + looked <= 2);
	snprintf(number, sizeof(number), "%u", NUMBER);
	if (r->has_record && r->by == BY_CACHE) {
		record_encode(&r->record, value);
		HOLDS(is_in(data, size, number) &&
		    is_in(data, size, "recorded") && is_in(data, size, value));
		HOLDS(r->record.user == USER &&
		    strcmp(r->record.order, ORDER) == 0);
		HOLDS(withdrawn == 0);
		return;
	}
	switch (r->outcome) {
	case OUTCOME_SUCCEEDED:
		HOLDS(r->by == BY_LEDGER && r->has_record);
		HOLDS(withdrawn > 0 || (had && looked > 0));
		HOLDS(memcmp(&r->record.order, ORDER, UUID_TEXT) == 0 &&
		    r->record.balance_after == ledgers.balance_after);
		break;
	case OUTCOME_TOKEN_INVALID:
		HOLDS(looked > 0 && !had && is_in(data, size, "no-token"));
		break;
	case OUTCOME_BUSY:
		HOLDS(r->state == ORDER_UNKNOWN && is_in(data, size, "busy"));
		break;
	case OUTCOME_IN_PROGRESS:
		HOLDS(is_in(data, size, "twin") && looked > 0 && !had);
		break;
	case OUTCOME_DECLINED:
	case OUTCOME_VOID:
	case OUTCOME_MISMATCH:
	case OUTCOME_NO_ACCOUNT:
	case OUTCOME_UNAVAILABLE:
	case OUTCOME_UNKNOWN:
		fuzz_wrong(__FILE__, __LINE__, "nobody can have said that");
	}
}

/* Is text there as a bulk string, whole, and of at least a byte? */
static bool
is_said(const uint8_t *data, size_t size, const char *text)
{
	char bulk[128];

	snprintf(bulk, sizeof(bulk), "$%zu\r\n%s", strlen(text), text);
	return *text != '\0' && is_in(data, size, bulk);
}

static void
judge_session(const uint8_t *data, size_t size)
{
	switch ((enum session_state)ended.state) {
	case SESSION_NONE:
		HOLDS(is_in(data, size, "$4\r\nnone"));
		break;
	case SESSION_GOOD:
	case SESSION_ASK:
		HOLDS(is_in(data, size, "*4\r\n"));
		HOLDS(is_in(data, size,
		    ended.state == SESSION_GOOD ? "$4\r\ngood" : "$3\r\nask"));
		/* who it is goes to headers, logs and the ledger: none was cut,
		 * and none is made up */
		HOLDS(is_said(data, size, ended.name));
		HOLDS(is_said(data, size, ended.generation));
		break;
	case SESSION_UNKNOWN:
		break;
	}
}

static void
judge_attempt(const uint8_t *data, size_t size)
{
	if (ended.wait == 0) /* it may go on: only if that was said */
		HOLDS(is_in(data, size, "$2\r\ngo") &&
		    is_in(data, size, attempt.till) &&
		    is_in(data, size, attempt.born));
	else if (ended.wait > 0)
		HOLDS(
		    is_in(data, size, "$4\r\nwait") && ended.wait <= INT32_MAX);
	else
		HOLDS(ended.wait == -1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ending first;
	enum kind kind;
	uint8_t how, step;
	bool had;

	if (size < 2)
		return 0;
	if (service.loop == NULL) {
		signal(SIGPIPE, SIG_IGN); /* as a worker does */
		service.loop = ev_loop_new(EVFLAG_NOENV);
		HOLDS(service.loop != NULL);
		service.twins = twin_room_new(service.loop, &config);
	}
	how = data[0];
	step = data[1];
	data += 2;
	size -= 2;
	kind = (enum kind)(how % KINDS);
	had = how & 0x80;
	run(kind, had, data, size, size + 1);
	switch (kind) {
	case WITHDRAW:
		judge_withdrawal(data, size, had);
		break;
	case SESSION:
		judge_session(data, size);
		break;
	case ATTEMPT:
	case KINDS:
		judge_attempt(data, size);
		break;
	}
	/* a twin asks again when some time has passed, or not */
	if (step == 0 || step >= size || size / step > TURNS ||
	    is_in(data, size, "twin"))
		return 0;
	first = ended;
	run(kind, had, data, size, step);
	HOLDS(ended.state == first.state && ended.wait == first.wait &&
	    ended.result.outcome == first.result.outcome &&
	    ended.result.has_record == first.result.has_record &&
	    ended.result.by == first.result.by);
	return 0;
}
