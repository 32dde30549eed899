/* Money is neither made nor lost: whatever is done to accounts at the same
 * time, each holds what was put in less what was taken out, and
 * withdraw-reconcile has nothing to say of it, neither then nor meanwhile. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "command.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "session.h"
#include "suites.h"
#include "support.h"

static const char *
money(long cents)
{
	return keep_format("%s%ld.%02ld", cents < 0 ? "-" : "",
	    labs(cents) / 100, labs(cents) % 100);
}

/* Other suites record false answers, to see that they do no harm: these would
 * be found here. */
static void
forget_false_answers(void)
{
	cache_flush();
}

/* --- withdraw-reconcile --------------------------------------------------- */

static struct command
reconcile(bool incremental)
{
	return (struct command){
	    .argv = {program("withdraw-reconcile"), "--json",
		incremental ? "--incremental" : NULL},
	    .env = {"PGUSER=withdraw_reconcile"},
	};
}

/* Nothing new, and a full run has also summed it all up. */
static void
expect_all_well(struct command_end end, bool incremental)
{
	ck_assert_msg(
	    end.code == 0, "exit code %d: %s%s", end.code, end.out, end.err);
	ck_assert_str_eq(end.err, "");
	ck_assert_str_eq(json_get(end.out, "complete"), "true");
	ck_assert_str_eq(json_get(end.out, "found"), "0");
	ck_assert_str_eq(
	    json_get(end.out, "mode"), incremental ? "incremental" : "full");
	if (!incremental)
		ck_assert_str_eq(json_get(end.out, "conserved"), "true");
}

static void
run_full(void)
{
	struct command full = reconcile(false);

	expect_all_well(command_run(&full), false);
}

/* --- all that can be done to an account, at the same time ----------------- */

/* Amounts are in cents. */
enum {
	USERS = 6,
	ORDERS = 10, /* of each user in a wave */
	COPIES = 3,  /* of each order, at once */
	WAVES = 4,
	FROZEN_IN = 2, /* the wave beside which user 0 is frozen */
	REQUESTS = USERS * ORDERS * (COPIES + 1),
	OPENING = 20000,
	TOO_MUCH = 1000000,
};

/* What an order is for, by its place in the wave. */
static bool
is_too_much(int o)
{
	return o == 0;
}

static bool
is_void_before(int o)
{
	return o == 1;
}

static bool
is_void_beside(int o)
{
	return o == 2 || o == 3;
}

static long
cents_of(int o)
{
	return is_too_much(o) ? TOO_MUCH : 101 + 10 * o;
}

struct client {
	const char *user;
	long balance; /* what there should be, going by the answers */
	struct order orders[WAVES][ORDERS];
	bool succeeded[WAVES][ORDERS];
};

struct mix {
	struct client clients[USERS];
	struct session *operator;
	int succeeded, poor, frozen, closed, paid, returned;
};

/* Each order COPIES times with one token; some voids beside that. */
static struct http_batch *
begin_wave(struct mix *mix, int wave)
{
	struct http_request *requests = keep(REQUESTS * sizeof(*requests));
	size_t n = 0;

	for (int c = 0; c < USERS; c++)
		for (int o = 0; o < ORDERS; o++) {
			struct order *order = &mix->clients[c].orders[wave][o];
			const char *token;

			*order =
			    order_new(mix->clients[c].user, money(cents_of(o)));
			token = order_token(order);
			if (is_void_before(o))
				order_void(order);
			for (int i = 0; i < COPIES; i++)
				requests[n++] = order_request(order, token);
			if (is_void_beside(o))
				requests[n++] = order_void_request(order);
		}
	return http_begin(requests, n);
}

static void
change(struct mix *mix, struct client *client, const char *how, long cents)
{
	ck_assert_ptr_nonnull(session_run(mix->operator,
	    keep_format("SELECT balance FROM %s(%s, %s, 'me', 'why')", how,
		client->user, money(cents))));
	client->balance += cents;
}

static void
freeze(struct mix *mix, const struct client *client)
{
	ck_assert_str_eq(
	    session_run(mix->operator,
		keep_format("SELECT changed FROM account_set_state(%s, "
			    "'frozen', 'me', 'why')",
		    client->user)),
	    "t");
}

/* One is paid, the next one returned; some are marked twice. */
static void
move_payouts(struct mix *mix, struct client *client, int wave)
{
	for (int o = 0; o < ORDERS; o++) {
		bool paid = o % 2 == 0;
		const char *query = keep_format(
		    "SELECT verdict FROM payout_mark('%s', '%s', 'R1', 'me', "
		    "NULL)",
		    client->orders[wave][o].id, paid ? "paid" : "returned");

		if (!client->succeeded[wave][o])
			continue;
		ck_assert_str_eq(session_run(mix->operator, query), "moved");
		if (o % 3 == 0)
			ck_assert_str_eq(
			    session_run(mix->operator, query), "already");
		mix->paid += paid;
		mix->returned += !paid;
		client->balance += paid ? 0 : cents_of(o);
	}
}

/* What the operator does while a wave of withdrawals is under way. */
static void
operate(struct mix *mix, int wave)
{
	for (int c = 0; c < USERS; c++) {
		struct client *client = &mix->clients[c];

		change(mix, client, "account_credit", 1005 + c);
		if (wave == FROZEN_IN && c == 0)
			freeze(mix, client);
		if (wave > 0)
			move_payouts(mix, client, wave - 1);
		change(mix, client, "account_adjust", 310);
		change(mix, client, "account_adjust", -225);
	}
}

static void
count_answer(
    struct mix *mix, int c, int wave, int o, const struct http_response *answer)
{
	struct client *client = &mix->clients[c];
	const char *code = answer_code(answer);

	if (strcmp(code, "order-void") == 0) {
		ck_assert(is_void_before(o) || is_void_beside(o));
		mix->closed++;
	} else if (strcmp(code, "account-frozen") == 0) {
		ck_assert(c == 0 && wave >= FROZEN_IN);
		mix->frozen++;
	} else if (is_too_much(o)) {
		expect_problem(answer, 402, "insufficient-funds", "declined");
		mix->poor++;
	} else {
		expect_success(answer, &client->orders[wave][o]);
		ck_assert(c != 0 || wave <= FROZEN_IN);
		client->succeeded[wave][o] = true;
		client->balance -= cents_of(o);
		mix->succeeded++;
	}
}

/* All copies of an order are told the same, or to ask again. */
static void
end_wave(struct mix *mix, int wave, struct http_batch *batch)
{
	const struct http_response *answer = http_finish(batch);

	for (int c = 0; c < USERS; c++)
		for (int o = 0; o < ORDERS; o++) {
			struct http_response final = order_settle_from(
			    &mix->clients[c].orders[wave][o], answer);

			for (int i = 0; i < COPIES; i++, answer++)
				ck_assert(answer_is_retryable(answer) ||
				    answer_same(answer, &final));
			if (is_void_beside(o))
				expect_status(answer++, 200);
			count_answer(mix, c, wave, o, &final);
		}
}

/* Of one user, or of all: 0. What was put in is in the journal; what was taken
 * out and what came back is asked of the records. */
static bool
is_conserved(const char *user)
{
	return strcmp(
		   ledger_sql(
		       "SELECT (SELECT sum(balance) FROM account "
		       "WHERE $1::bigint IN (0, user_id)) = (SELECT sum(delta) "
		       "FROM ledger_entry WHERE $1::bigint IN (0, user_id) "
		       "AND kind IN ('open', 'credit', 'adjust')) + (SELECT "
		       "sum(CASE WHEN payout_state = 'returned' THEN 0 "
		       "ELSE -amount END) FROM withdraw_record "
		       "WHERE $1::bigint IN (0, user_id) AND status = 1)",
		       user, NULL),
		   "t") == 0;
}

START_TEST(nothing_is_made_or_lost)
{
	struct mix *mix = keep(sizeof(*mix));

	mix->operator= session_open("withdraw_operator");
	for (int c = 0; c < USERS; c++) {
		mix->clients[c].user = ledger_open(money(OPENING));
		mix->clients[c].balance = OPENING;
	}
	for (int wave = 0; wave < WAVES; wave++) {
		struct http_batch *batch = begin_wave(mix, wave);

		operate(mix, wave);
		end_wave(mix, wave, batch);
	}
	/* all of it has been there */
	ck_assert_int_gt(mix->succeeded, 0);
	ck_assert_int_gt(mix->poor, 0);
	ck_assert_int_gt(mix->frozen, 0);
	ck_assert_int_gt(mix->closed, 0);
	ck_assert_int_gt(mix->paid, 0);
	ck_assert_int_gt(mix->returned, 0);
	for (int c = 0; c < USERS; c++) {
		const struct client *client = &mix->clients[c];

		ck_assert_str_eq(
		    ledger_balance(client->user), money(client->balance));
		ck_assert_msg(
		    is_conserved(client->user), "user %s", client->user);
	}
	ck_assert_msg(is_conserved("0"), "all in all");
	run_full();
}
END_TEST

/* --- reconcile beside clients at full speed ------------------------------- */

enum {
	CLIENTS = 32, /* each with an order of its own under way */
	WITHDRAWALS = 4000,
	RUNS = 10,
	AFFORDED = 20, /* by client 0 of each half, in all */
};

/* Half of the clients: while one half is answered, the other one's
 * withdrawals are under way. */
struct half {
	const char *users[CLIENTS];
	struct order orders[CLIENTS];
	struct http_batch *batch; /* NULL: none so far */
	int poor_succeeded;
};

static void
open_half(struct half *half)
{
	for (int c = 0; c < CLIENTS; c++)
		half->users[c] =
		    ledger_open(c == 0 ? money(100 * AFFORDED) : "100000.00");
}

static void
begin_half(struct half *half)
{
	struct http_request requests[CLIENTS];
	struct http_response *tokens;

	for (int c = 0; c < CLIENTS; c++) {
		half->orders[c] = order_new(half->users[c], "1.00");
		requests[c] = order_token_request(&half->orders[c]);
	}
	tokens = http_send_all(requests, CLIENTS);
	for (int c = 0; c < CLIENTS; c++) {
		expect_status(&tokens[c], 201);
		requests[c] = order_request(
		    &half->orders[c], json_get(tokens[c].body, "token"));
	}
	half->batch = http_begin(requests, CLIENTS);
}

static void
end_half(struct half *half)
{
	struct http_response *answers;

	if (half->batch == NULL)
		return;
	answers = http_finish(half->batch);
	half->batch = NULL;
	for (int c = 0; c < CLIENTS; c++) {
		struct http_response final =
		    order_settle_from(&half->orders[c], &answers[c]);

		if (c == 0 && half->poor_succeeded == AFFORDED) {
			expect_problem(
			    &final, 402, "insufficient-funds", "declined");
			continue;
		}
		expect_success(&final, &half->orders[c]);
		half->poor_succeeded += c == 0;
	}
}

/* An order that has succeeded is returned beside it all. */
static void
return_one(struct session *operator, const struct half * half)
{
	ck_assert_str_eq(
	    session_run(operator,
		keep_format("SELECT verdict FROM payout_mark('%s', "
			    "'returned', 'R1', 'me', NULL)",
		    half->orders[CLIENTS - 1].id)),
	    "moved");
}

/* Run after run, full and incremental in turn, until there were enough of
 * both: of runs and of withdrawals. */
START_TEST(nothing_is_found_beside_clients_at_full_speed)
{
	struct session *operator= session_open("withdraw_operator");
	struct half *halves = keep(2 * sizeof(*halves));
	struct command check = reconcile(false);
	int turn = 0;
	int runs = 0;

	open_half(&halves[0]);
	open_half(&halves[1]);
	begin_half(&halves[0]);
	begin_half(&halves[1]);
	command_start(&check);
	for (; runs < RUNS || turn * CLIENTS < WITHDRAWALS; turn++) {
		struct half *half = &halves[turn % 2];

		end_half(half);
		return_one(operator, half);
		begin_half(half);
		if (!command_ended(&check))
			continue;
		expect_all_well(command_wait(&check), runs % 2 == 1);
		runs++;
		check = reconcile(runs % 2 == 1);
		command_start(&check);
	}
	end_half(&halves[0]);
	end_half(&halves[1]);
	expect_all_well(command_wait(&check), runs % 2 == 1);
	ck_assert_str_eq(ledger_balance(halves[0].users[0]), "0.00");
	ck_assert_str_eq(ledger_balance(halves[1].users[0]), "0.00");
	ck_assert_msg(is_conserved("0"), "all in all");
	run_full();
}
END_TEST

Suite *
conserved_suite(void)
{
	Suite *suite = suite_create("conserved");
	TCase *tcase = fixture_case(suite, "mix");

	tcase_add_checked_fixture(
	    tcase, forget_false_answers, session_close_all);
	tcase_add_test(tcase, nothing_is_made_or_lost);
	tcase = fixture_case(suite, "speed");
	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(
	    tcase, forget_false_answers, session_close_all);
	tcase_add_test(tcase, nothing_is_found_beside_clients_at_full_speed);
	return suite;
}
