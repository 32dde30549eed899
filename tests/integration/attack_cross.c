/*
 * Every combination of who is meant, who is signed in, order, token and amount:
 * each has one right answer, and moves what that answer says and nothing else.
 */
#include <string.h>

#include "attack.h"
#include "cache.h"
#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "site_server.h"
#include "stack.h"
#include "support.h"

/* Signed in: each of the users, nobody, the user until a moment ago. */
enum { USERS = 2, NOBODY = USERS, ENDED, SESSIONS };

enum order_kind {
	ORDER_OWN,      /* the user's own, paid, of AMOUNT_SAME */
	ORDER_DECLINED, /* the same, but declined */
	ORDER_VOID,     /* the user's own, void, of no amount */
	ORDER_FOREIGN,  /* the other user's, paid, of AMOUNT_SAME */
	ORDER_FRESH,    /* nobody's */
	ORDERS
};

enum token_kind {
	TOKEN_VALID,   /* of this user and order */
	TOKEN_FOREIGN, /* of the other user and this order */
	TOKEN_STRAY,   /* of this user and another order */
	TOKEN_ABSENT,
	TOKEN_USED, /* of this user, and an order took it */
	TOKEN_EXPIRED,
	TOKENS
};

enum amount { AMOUNT_SAME, AMOUNT_OTHER, AMOUNTS };

static const char *const amounts[AMOUNTS] = {"1.00", "2.00"};
static const long cents[AMOUNTS] = {100, 200};

enum call { CALL_RECORD, CALL_VOID, CALL_TOKEN, CALLS };

struct trial {
	int user;    /* whom the request says that it is for */
	int session; /* who is signed in */
	enum order_kind order;
	enum token_kind token;
	enum amount amount;
};

enum verdict {
	REFUSED,
	REPLAYED,
	MISMATCH,
	DECLINE_MISMATCH,
	VOIDED,
	NO_TOKEN,
	CLOSED,
	PAID
};

/* What the ledger must have of a user. */
struct book {
	const char *user;
	const char *cookie;
	const char *ended; /* the cookie of a session that is over */
	long balance;      /* in cents */
	long records, entries, foreign_voids;
};

static struct book books[USERS];

/* The oracle. A record is told before a token is asked for; a token is asked
 * for before a new order is looked at. */
static enum verdict
right_answer(const struct trial *t)
{
	if (t->session != t->user)
		return REFUSED;
	if (t->order == ORDER_OWN)
		return t->amount == AMOUNT_SAME ? REPLAYED : MISMATCH;
	if (t->order == ORDER_DECLINED)
		return t->amount == AMOUNT_SAME ? REPLAYED : DECLINE_MISMATCH;
	if (t->order == ORDER_VOID)
		return VOIDED;
	if (t->token != TOKEN_VALID)
		return NO_TOKEN;
	return t->order == ORDER_FOREIGN ? CLOSED : PAID;
}

static const char *
name_of(const struct trial *t)
{
	static const char *const orders[] = {
	    "own", "declined", "void", "foreign", "fresh"};
	static const char *const tokens[] = {
	    "valid", "foreign", "stray", "absent", "used", "expired"};

	return keep_format("user %d, session %d, %s order, %s token, %s",
	    t->user, t->session, orders[t->order], tokens[t->token],
	    amounts[t->amount]);
}

static const char *
end_session(const char *user)
{
	const char *cookie = site_sign_in(user);
	struct http_request sign_out = {
	    .method = "DELETE", .path = "/api/session", .headers = {cookie}};
	struct http_response answer = http_send(&sign_out);

	expect_status(&answer, 200);
	return cookie;
}

static void
open_books(void)
{
	/* no token runs out by itself */
	stack_restart("withdrawd", "WITHDRAW_TOKEN_TTL_MS=60000");
	for (int i = 0; i < USERS; i++) {
		books[i] = (struct book){
		    .user = ledger_open("1000.00"),
		    .balance = 100000,
		    .entries = 1,
		};
		books[i].cookie = site_sign_in(books[i].user);
		books[i].ended = end_session(books[i].user);
	}
}

static void
expect_book(const struct book *book, const char *what)
{
	const char *found = ledger_sql(
	    "SELECT concat_ws(' ', (100 * balance)::bigint, version, "
	    "(SELECT count(*) FROM ledger_entry e "
	    "WHERE e.user_id = a.user_id), (SELECT count(*) "
	    "FROM withdraw_record r WHERE r.user_id = a.user_id), "
	    "(SELECT count(*) FROM withdraw_foreign_void f "
	    "WHERE f.user_id = a.user_id)) FROM account a "
	    "WHERE user_id = $1::bigint",
	    book->user, NULL);
	const char *expected = keep_format("%ld %ld %ld %ld %ld", book->balance,
	    book->entries, book->entries, book->records, book->foreign_voids);

	ck_assert_msg(strcmp(found, expected) == 0,
	    "%s: user %s has %s, and not %s (balance, version, entries, "
	    "records, voids)",
	    what, book->user, found, expected);
}

static void
expect_books(const char *what)
{
	for (int i = 0; i < USERS; i++)
		expect_book(&books[i], what);
}

/* A lock may outlive its answer a little. */
static void
await_unlocked(int user)
{
	WAIT_UNTIL(cache_count(books[user].user, "lock") == 0);
}

/* An order of the user that is paid; the token that it took. */
static struct order
pay(int user, const char **token_r, struct http_response *answer_r)
{
	struct order order = order_new(books[user].user, amounts[AMOUNT_SAME]);

	await_unlocked(user);
	*token_r = order_token(&order);
	*answer_r = order_send_with(&order, *token_r);
	expect_success(answer_r, &order);
	await_unlocked(user);
	books[user].balance -= cents[AMOUNT_SAME];
	books[user].records++;
	books[user].entries++;
	return order;
}

/* An order of the user that is declined; likewise. */
static struct order
be_declined(int user, const char **token_r, struct http_response *answer_r)
{
	struct order order = order_new(books[user].user, amounts[AMOUNT_SAME]);

	await_unlocked(user);
	*token_r = order_token(&order);
	ledger_freeze(order.user);
	*answer_r = order_send_with(&order, *token_r);
	expect_problem(answer_r, 403, "account-frozen", "declined");
	ledger_unfreeze(order.user);
	await_unlocked(user);
	books[user].records++;
	return order;
}

static struct order
make_void(int user)
{
	struct order order = order_new(books[user].user, NULL);
	struct http_response answer = order_void(&order);

	expect_status(&answer, 200);
	books[user].records++;
	return order;
}

static const char *
expired_token(const struct order *order)
{
	const char *token = order_token(order);
	const char *key = keep_format("token:%s", token);

	cache_expire_ms(order->user, key, 1);
	WAIT_UNTIL(cache_count(order->user, key) == 0);
	return token;
}

static const char *
make_token(const struct trial *t, const struct order *order, const char *used)
{
	struct order other = *order;

	switch (t->token) {
	case TOKEN_VALID:
		return order_token(order);
	case TOKEN_FOREIGN:
		other.user = books[1 - t->user].user;
		return order_token(&other);
	case TOKEN_STRAY:
		other.id = order_id();
		return order_token(&other);
	case TOKEN_USED:
		return used;
	case TOKEN_EXPIRED:
		return expired_token(order);
	case TOKEN_ABSENT:
	case TOKENS:
		break;
	}
	return NULL;
}

/* The order of a trial as its user sends it. Of one that is the user's own and
 * was answered: the token that it took, and the answer. */
static struct order
make_order(int user, enum order_kind kind, const char **used_r,
    struct http_response *first_r)
{
	struct order order = order_new(books[user].user, NULL);
	struct http_response others;
	const char *ignored;

	if (kind == ORDER_OWN)
		order.id = pay(user, used_r, first_r).id;
	else if (kind == ORDER_DECLINED)
		order.id = be_declined(user, used_r, first_r).id;
	else if (kind == ORDER_VOID)
		order.id = make_void(user).id;
	else if (kind == ORDER_FOREIGN)
		order.id = pay(1 - user, &ignored, &others).id;
	return order;
}

static const char *
cookie_of(int user, int session)
{
	if (session == ENDED)
		return books[user].ended;
	return session != NOBODY ? books[session].cookie : NULL;
}

/* Identity is the cookie's, and not the Basic sign-in's of other tests. */
static struct http_response
send_as(struct http_request request, int user, int session)
{
	request.user = NULL;
	request.headers[0] =
	    keep_format("Withdraw-Expect-User: %s", books[user].user);
	request.headers[1] = cookie_of(user, session);
	return http_send(&request);
}

static void
expect_verdict(enum verdict verdict, const struct http_response *answer,
    const struct order *order, const struct http_response *first)
{
	switch (verdict) {
	case REFUSED:
		expect_problem(answer, 401, "unauthenticated", "unknown");
		break;
	case REPLAYED:
		ck_assert_msg(answer_same(answer, first), "%s\n%s",
		    answer->body, first->body);
		ck_assert_str_eq(
		    http_header(answer, "Idempotent-Replayed"), "true");
		break;
	case MISMATCH:
		expect_problem(answer, 422, "order-mismatch", "succeeded");
		break;
	case DECLINE_MISMATCH:
		expect_problem(answer, 422, "order-mismatch", "declined");
		break;
	case NO_TOKEN:
		expect_problem(answer, 409, "token-invalid", "none");
		break;
	case VOIDED:
	case CLOSED:
		expect_problem(answer, 409, "order-void", "void");
		break;
	case PAID:
		expect_success(answer, order);
		ck_assert_ptr_null(http_header(answer, "Idempotent-Replayed"));
		break;
	}
}

static void
enter(enum verdict verdict, const struct trial *t)
{
	struct book *book = &books[t->user];

	if (verdict == PAID) {
		book->balance -= cents[t->amount];
		book->records++;
		book->entries++;
	} else if (verdict == CLOSED) {
		book->foreign_voids++;
	}
}

static void
try_withdrawal(const struct trial *t)
{
	enum verdict verdict = right_answer(t);
	const char *used = NULL, *token;
	struct http_response first, paid, answer;
	struct order order = make_order(t->user, t->order, &used, &first);

	if (t->token == TOKEN_USED && used == NULL)
		pay(t->user, &used, &paid);
	token = make_token(t, &order, used);
	order.amount = amounts[t->amount];
	mark_point();
	answer = send_as(order_request(&order, token), t->user, t->session);
	ck_assert_msg(answer.status != 0, "%s: %s", name_of(t), answer.error);
	expect_verdict(verdict, &answer, &order, &first);
	enter(verdict, t);
	expect_books(name_of(t));
	ck_assert_int_eq(ledger_debits(order.id),
	    verdict == PAID || t->order == ORDER_OWN ||
		    t->order == ORDER_FOREIGN
		? 1
		: 0);
}

START_TEST(each_withdrawal_has_one_right_answer)
{
	struct trial t = {.user = _i % USERS, .session = _i / USERS};

	open_books();
	for (t.order = 0; t.order < ORDERS; t.order++)
		for (t.token = 0; t.token < TOKENS; t.token++)
			for (t.amount = 0; t.amount < AMOUNTS; t.amount++)
				try_withdrawal(&t);
}
END_TEST

/* --- the calls that move no money ---------------------------------------- */

static struct http_request
request_of(enum call call, const struct order *order)
{
	switch (call) {
	case CALL_RECORD:
		return order_get_request(order);
	case CALL_VOID:
		return order_void_request(order);
	case CALL_TOKEN:
	case CALLS:
		break;
	}
	return order_token_request(order);
}

static void
expect_told(enum call call, enum order_kind kind, const struct order *order,
    const struct http_response *answer)
{
	/* of those without a record: what a void makes of them */
	static const char *const statuses[ORDERS] = {
	    "succeeded", "declined", "void", "void", "void"};

	if (call == CALL_RECORD &&
	    (kind == ORDER_FOREIGN || kind == ORDER_FRESH)) {
		expect_problem(answer, 404, "order-unknown", NULL);
		return;
	}
	expect_status(answer, call == CALL_TOKEN ? 201 : 200);
	ck_assert_str_eq(json_get(answer->body, "order_id"), order->id);
	if (call != CALL_TOKEN)
		ck_assert_str_eq(
		    json_get(answer->body, "status"), statuses[kind]);
}

static void
try_call(enum call call, enum order_kind kind, int user, int session)
{
	struct book *book = &books[user];
	const char *used;
	struct http_response first, answer;
	struct order order = make_order(user, kind, &used, &first);

	answer = send_as(request_of(call, &order), user, session);
	if (session != user) {
		expect_problem(&answer, 401, "unauthenticated", "unknown");
	} else {
		expect_told(call, kind, &order, &answer);
		if (call == CALL_VOID && kind == ORDER_FOREIGN)
			book->foreign_voids++;
		else if (call == CALL_VOID && kind == ORDER_FRESH)
			book->records++;
	}
	expect_books(keep_format("call %d, order %d, user %d, session %d", call,
	    kind, user, session));
}

START_TEST(each_call_has_one_right_answer)
{
	open_books();
	for (enum call call = 0; call < CALLS; call++)
		for (enum order_kind kind = 0; kind < ORDERS; kind++)
			for (int user = 0; user < USERS; user++)
				for (int s = 0; s < SESSIONS; s++)
					try_call(call, kind, user, s);
}
END_TEST

void
attack_cross(Suite *suite)
{
	TCase *tcase = fixture_case(suite, "cross");

	tcase_add_loop_test(
	    tcase, each_withdrawal_has_one_right_answer, 0, USERS * SESSIONS);
	tcase_add_test(tcase, each_call_has_one_right_answer);
}
