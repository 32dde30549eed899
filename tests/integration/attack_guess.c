/*
 * Guessing: whoever tries order ids learns nothing, from the answers or from
 * the work behind them. A foreign order and one that there never was get the
 * same answer, byte by byte but for the id itself and the time, and make the
 * service ask the same of Postgres and of Redis. No clock is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "cache.h"
#include "fixture.h"
#include "http.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "support.h"

/* How an id can be tried. */
enum way {
	WAY_RECORD,
	WAY_BARE,    /* a withdrawal without a token */
	WAY_GUESSED, /* with a token that there is not */
	WAY_TOKEN,
	WAY_VOID,
	WAY_VOID_AGAIN,
	WAY_RECORD_AFTER,
	WAYS
};

struct observed {
	const char *answer;
	const char *statements;
	const char *commands;
};

static struct http_request
request_of(enum way way, const struct order *order)
{
	switch (way) {
	case WAY_BARE:
		return order_request(order, NULL);
	case WAY_GUESSED:
		return order_request(order, order_id());
	case WAY_TOKEN:
		return order_token_request(order);
	case WAY_VOID:
	case WAY_VOID_AGAIN:
		return order_void_request(order);
	case WAY_RECORD:
	case WAY_RECORD_AFTER:
	case WAYS:
		break;
	}
	return order_get_request(order);
}

/* --- what was answered ---------------------------------------------------- */

static void
mask(char *text, const char *word)
{
	for (char *at = text; (at = strstr(at, word)) != NULL;)
		memset(at, '*', strlen(word));
}

/* The value behind a name, up to the end of its line or string. */
static void
mask_value(char *text, const char *name)
{
	char *at = strstr(text, name);

	if (at == NULL)
		return;
	at += strlen(name);
	memset(at, '*', strcspn(at, "\r\"}"));
}

/* All of it, but for the id, the time and a token's own value. */
static const char *
answer_text(const struct http_response *answer, const char *id)
{
	char *text = keep_format("%s%s", answer->headers, answer->body);

	mask(text, id);
	mask_value(text, "\nDate: ");
	mask_value(text, "\"created_at\":\"");
	mask_value(text, "\"created_at\": \"");
	mask_value(text, "\"token\":\"");
	mask_value(text, "\"token\": \"");
	return text;
}

/* --- what was done -------------------------------------------------------- */

/* What the service had Postgres execute, as its log says from there on; a
 * statement is in the log before it is answered. */
static const char *
statements_from(size_t start)
{
	static const char mark[] = " withdraw_service LOG:  ";
	const char *log = stack_log("postgres") + start;
	const char *text = "";

	while ((log = strstr(log, mark)) != NULL) {
		size_t len = strcspn(log += strlen(mark), "\n");

		text = keep_format("%s%.*s\n", text, (int)len, log);
	}
	return text;
}

/* How much more than before, command by command. */
static const char *
commands_since(const char *before)
{
	const char *now = cache_commands();
	const char *text = "";

	while (*now != '\0') {
		size_t len = strcspn(now, " ");
		const char *name = keep_format("%.*s ", (int)len, now);
		const char *old = strstr(before, name);
		long count = strtol(now + len, NULL, 10);

		if (old != NULL)
			count -= strtol(old + len, NULL, 10);
		text = keep_format("%s%s%ld ", text, name, count);
		now += len + 1;
		now += strcspn(now, " ") + 1;
	}
	return text;
}

static struct observed
observe(enum way way, const struct order *order)
{
	struct http_request request = request_of(way, order);
	size_t start = strlen(stack_log("postgres"));
	const char *before = cache_commands();
	struct http_response answer = http_send(&request);

	return (struct observed){
	    .answer = answer_text(&answer, order->id),
	    .statements = statements_from(start),
	    .commands = commands_since(before),
	};
}

static void
expect_alike(enum way way, const struct observed *foreign,
    const struct observed *unknown)
{
	ck_assert_msg(strcmp(foreign->answer, unknown->answer) == 0,
	    "way %d: the answers differ:\n%s\n%s", way, foreign->answer,
	    unknown->answer);
	ck_assert_msg(strcmp(foreign->statements, unknown->statements) == 0,
	    "way %d: Postgres was asked\n%s\nand\n%s", way, foreign->statements,
	    unknown->statements);
	ck_assert_msg(strcmp(foreign->commands, unknown->commands) == 0,
	    "way %d: Redis was asked\n%s\nand\n%s", way, foreign->commands,
	    unknown->commands);
}

/* Each worker has its connections, and nothing to prepare any more. One worker
 * with one connection is enough here. */
static void
set_up(void)
{
	stack_restart("withdrawd", "WITHDRAW_WORKERS=1 WITHDRAW_PG_POOL=1");
	ledger_configure("log_statement", "all");
}

/* What a failed test leaves, in the process of all tests. */
static void
put_back(void)
{
	ledger_configure("log_statement", NULL);
	ledger_disconnect();
}

START_TEST(foreign_order_is_as_unknown)
{
	struct order foreign = order_new(ledger_open("100.00"), "10.00");
	struct order unknown = order_new(ledger_open("100.00"), "10.00");
	struct http_response answer = order_send(&foreign);

	expect_success(&answer, &foreign);
	foreign.user = unknown.user;
	/* whatever a first request of a user costs */
	order_get(&unknown);
	for (enum way way = 0; way < WAYS; way++) {
		struct observed a = observe(way, &foreign);
		struct observed b = observe(way, &unknown);

		/* or nothing would have been compared */
		if (way == WAY_RECORD || way == WAY_BARE || way == WAY_VOID)
			ck_assert_msg(strstr(b.statements, "execute") != NULL,
			    "way %d asks nothing of Postgres", way);
		ck_assert_ptr_nonnull(strstr(b.answer, "HTTP/1.1 "));
		expect_alike(way, &a, &b);
	}
	ck_assert_int_eq(ledger_debits(foreign.id), 1);
	ck_assert_str_eq(ledger_balance(unknown.user), "100.00");
}
END_TEST

/* The owner asks meanwhile, and Redis knows the answer: for the owner alone. */
START_TEST(recorded_answer_helps_no_guess)
{
	struct order foreign = order_new(ledger_open("100.00"), "10.00");
	struct order unknown = order_new(ledger_open("100.00"), "10.00");
	struct http_response first = order_send(&foreign), again;
	struct order guess = foreign;
	struct observed a, b;

	guess.user = unknown.user;
	for (enum way way = WAY_RECORD; way <= WAY_TOKEN; way++) {
		again = order_send_with(&foreign, NULL);
		ck_assert(answer_same(&first, &again));
		a = observe(way, &guess);
		again = order_send_with(&foreign, NULL);
		ck_assert(answer_same(&first, &again));
		b = observe(way, &unknown);
		expect_alike(way, &a, &b);
	}
}
END_TEST

void
attack_guess(Suite *suite)
{
	TCase *tcase = fixture_case(suite, "guess");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_unchecked_fixture(tcase, NULL, put_back);
	tcase_add_test(tcase, foreign_order_is_as_unknown);
	tcase_add_test(tcase, recorded_answer_helps_no_guess);
}
