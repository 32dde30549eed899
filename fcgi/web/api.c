/* api.c: see api.h. */
#include "api.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "pipeline/service.h"
#include "store/redis.h"
#include "web/body.h"
#include "web/credentials.h"
#include "web/reply.h"
#include "web/routes.h"

static struct exchange *
exchange_of(void *call)
{
	return (
	    struct exchange *)((char *)call - offsetof(struct exchange, call));
}

/* --- checks, in the order in which they are made ------------------------ */

/* The order of a POST: its Idempotency-Key. */
static bool
check_key(struct exchange *x)
{
	const struct request *q = &x->request;

	if (q->nkeys == 1 && order_id_parse(q->key, x->order))
		return true;
	reply_refusal(x, PROBLEM_MALFORMED,
	    q->nkeys == 0
		? "The Idempotency-Key header is missing: it names the order."
		: q->nkeys > 1
		? "There is more than one Idempotency-Key header."
		: "The Idempotency-Key must be a UUID, such as "
		  "\"9b2f6a4e-3c1d-4e5f-8a7b-0c1d2e3f4a5b\", and not nil.",
	    NULL);
	return false;
}

static char buf[BODY_MAX + 1]; /* parsed before the next is read */

/* There was a password in it. */
static void
forget_body(void)
{
	explicit_bzero(buf, sizeof(buf));
}

/* The body as it came, whole; NULL: it was refused. Until the next request. */
static const char *
read_body(struct exchange *x, size_t *len_r)
{
	const struct request *q = &x->request;

	if (q->content_length == LENGTH_BAD) {
		reply_refusal(x, PROBLEM_MALFORMED,
		    "The Content-Length is not a number.", NULL);
		return NULL;
	}
	*len_r = q->content_length > BODY_MAX
	    ? BODY_MAX + 1
	    : exchange_body(x, buf, sizeof(buf));
	if (*len_r > BODY_MAX) {
		reply_refusal(x, PROBLEM_TOO_LARGE, NULL, NULL);
		return NULL;
	}
	if (q->content_length != LENGTH_UNSAID &&
	    *len_r != (size_t)q->content_length) {
		reply_refusal(x, PROBLEM_MALFORMED,
		    "The body is not as long as its Content-Length.", NULL);
		return NULL;
	}
	if (*len_r > 0 && !request_is_json(q)) {
		reply_refusal(x, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL, NULL);
		return NULL;
	}
	return buf;
}

/* The body of a POST; only a withdrawal has anything in it. */
static bool
check_body(struct exchange *x, bool withdraw, struct body *b)
{
	const char *detail, *text;
	size_t len;

	text = read_body(x, &len);
	if (text == NULL)
		return false;
	if (len == 0 && !withdraw)
		return true;
	if (len == 0 && !request_is_json(&x->request)) {
		reply_refusal(x, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL, NULL);
		return false;
	}
	if (!body_parse(text, len, withdraw, b, &detail)) {
		reply_refusal(x, PROBLEM_MALFORMED, detail, NULL);
		return false;
	}
	return true;
}

/* --- token -------------------------------------------------------------- */

static void
token_done(struct token_call *t)
{
	struct exchange *x = exchange_of(t);

	if (t->token[0] == '\0')
		reply_problem(x, PROBLEM_UNAVAILABLE, ORDER_UNKNOWN);
	else
		reply_token(x, t->token, x->service->cfg->token_ttl_ms);
}

static void
call_token(struct exchange *x)
{
	struct token_call *t = &x->call.token;
	struct body b;

	if (!check_key(x) || !check_body(x, false, &b))
		return;
	t->service = x->service;
	t->user = x->request.user;
	memcpy(t->order, x->order, sizeof(t->order));
	t->done = token_done;
	token_mint(t);
}

/* --- withdraw ----------------------------------------------------------- */

static void
withdraw_done(struct withdrawal *w)
{
	reply_result(exchange_of(w), &w->result);
}

static void
call_withdraw(struct exchange *x)
{
	struct withdrawal *w = &x->call.withdrawal;
	struct body b;

	if (!check_key(x) || !check_body(x, true, &b))
		return;
	w->service = x->service;
	w->request = x->request.id;
	w->user = x->request.user;
	memcpy(w->order, x->order, sizeof(w->order));
	w->amount = b.amount;
	memcpy(w->token, b.token, sizeof(w->token));
	w->done = withdraw_done;
	withdraw_start(w);
}

/* --- orders and account ------------------------------------------------- */

static struct orders_call *
orders_call(struct exchange *x, void (*done)(struct orders_call *))
{
	struct orders_call *o = &x->call.orders;

	o->service = x->service;
	o->request = x->request.id;
	o->user = x->request.user;
	o->done = done;
	return o;
}

static void
show_done(struct orders_call *o)
{
	struct exchange *x = exchange_of(o);

	if (o->verdict != PG_ROWS)
		reply_problem(x, PROBLEM_UNAVAILABLE, ORDER_UNKNOWN);
	else if (o->found)
		reply_item(x, &o->item);
	else
		reply_problem(x, PROBLEM_ORDER_UNKNOWN,
		    twin_running(x->service->twins, o->user, o->order)
			? ORDER_RUNNING
			: ORDER_NONE);
}

static void
void_done(struct orders_call *o)
{
	struct exchange *x = exchange_of(o);

	switch (o->verdict) {
	case PG_ROWS:
		if (!o->found) /* no claim without a record */
			reply_problem(
			    x, PROBLEM_OUTCOME_UNKNOWN, ORDER_UNKNOWN);
		else
			reply_record(x, &o->item.record, o->replayed);
		break;
	case PG_FAILED:
		reply_problem(x, PROBLEM_UNAVAILABLE, ORDER_UNKNOWN);
		break;
	case PG_UNCERTAIN:
		reply_problem(x, PROBLEM_OUTCOME_UNKNOWN, ORDER_UNKNOWN);
		break;
	}
}

static void
list_done(struct orders_call *o)
{
	struct exchange *x = exchange_of(o);

	if (o->verdict != PG_ROWS)
		reply_problem(x, PROBLEM_UNAVAILABLE, ORDER_UNKNOWN);
	else
		reply_list(x, o->list, o->nlist, o->more);
}

static void
account_done(struct orders_call *o)
{
	struct exchange *x = exchange_of(o);

	if (o->verdict != PG_ROWS)
		reply_problem(x, PROBLEM_UNAVAILABLE, ORDER_UNKNOWN);
	else if (o->found)
		reply_account(x, o->balance, o->version,
		    o->limits.state != NULL ? &o->limits : NULL);
	else
		reply_problem(x, PROBLEM_ACCOUNT_UNKNOWN, ORDER_UNKNOWN);
}

static void
health_done(struct orders_call *o)
{
	struct exchange *x = exchange_of(o);
	const struct service *s = x->service;
	bool postgres = o->verdict == PG_ROWS;
	bool redis = s->redis == NULL || redis_up(s->redis);

	reply_health(x, postgres && (redis || !s->cfg->redis_refuse), postgres,
	    s->redis == NULL ? "off"
		: redis      ? "up"
			     : "down");
}

static void
call_show(struct exchange *x)
{
	struct orders_call *o = orders_call(x, show_done);

	memcpy(o->order, x->order, sizeof(o->order));
	orders_find(o);
}

static void
call_void(struct exchange *x)
{
	struct orders_call *o = orders_call(x, void_done);
	struct body b;

	if (!check_body(x, false, &b))
		return;
	memcpy(o->order, x->order, sizeof(o->order));
	orders_void(o);
}

/* The limits are asked for: without them the answer has the four members that
 * a strict reader expects, and looks at one row alone. */
static void
call_account(struct exchange *x)
{
	struct orders_call *o = orders_call(x, account_done);
	char value[4] = "";
	int has = request_query(&x->request, "limits", value, sizeof(value));

	if (has < 0 || (has > 0 && strcmp(value, "1") != 0))
		reply_refusal(x, PROBLEM_MALFORMED,
		    "The query may be \"limits=1\", or nothing.", NULL);
	else if (has > 0)
		orders_overview(o);
	else
		orders_account(o);
}

static void
call_list(struct exchange *x)
{
	static const char *const names[] = {"limit", "before", NULL};
	struct orders_call *o = orders_call(x, list_done);
	char limit[8] = "20", before[CURSOR_TEXT];
	int has_limit =
	    request_query(&x->request, "limit", limit, sizeof(limit));
	int has_before =
	    request_query(&x->request, "before", before, sizeof(before));

	o->limit =
	    strspn(limit, "0123456789") == strlen(limit) ? atoi(limit) : 0;
	if (has_limit < 0 || o->limit < 1 || o->limit > ORDERS_PAGE_MAX) {
		reply_refusal(x, PROBLEM_MALFORMED,
		    "\"limit\" must be a whole number from 1 to 100.", NULL);
		return;
	}
	if (has_before < 0 ||
	    (has_before > 0 &&
		!cursor_parse(before, &o->before_us, o->order))) {
		reply_refusal(x, PROBLEM_MALFORMED,
		    "\"before\" must be the \"next\" of an earlier page.",
		    NULL);
		return;
	}
	if (request_query_unknown(&x->request, names)) {
		reply_refusal(x, PROBLEM_MALFORMED,
		    "The query may have "
		    "\"limit\" and \"before\", and nothing else.",
		    NULL);
		return;
	}
	orders_list(o);
}

/* --- sign-in ------------------------------------------------------------- */

static struct signin_call *
signin_call(struct exchange *x, void (*done)(struct signin_call *))
{
	struct signin_call *c = &x->call.signin;

	c->service = x->service;
	c->request = x->request.id;
	c->address = x->request.address;
	c->presented = request_session(&x->request);
	c->background = x->request.background;
	c->done = done;
	return c;
}

/* What is no success is answered alike, but for no: */
static void
signin_refused(struct exchange *x, const struct signin_call *c, enum problem no)
{
	if (c->verdict == SIGNIN_SLOW)
		reply_slow(x, c->wait_s);
	else
		reply_refusal(x,
		    c->verdict == SIGNIN_NO ? no : PROBLEM_SIGN_IN_UNAVAILABLE,
		    NULL, NULL);
}

static void
sign_in_done(struct signin_call *c)
{
	struct exchange *x = exchange_of(c);

	if (c->verdict == SIGNIN_OK)
		reply_signed_in(x, c);
	else
		signin_refused(x, c, PROBLEM_SIGN_IN_FAILED);
}

static void
sign_out_done(struct signin_call *c)
{
	struct exchange *x = exchange_of(c);

	if (c->verdict == SIGNIN_OK)
		reply_signed_out(x);
	else
		signin_refused(x, c, PROBLEM_UNAUTHENTICATED);
}

static void
session_done(struct signin_call *c)
{
	struct exchange *x = exchange_of(c);

	if (c->verdict == SIGNIN_OK)
		reply_session(x, c);
	else
		signin_refused(x, c, PROBLEM_UNAUTHENTICATED);
}

static void
call_sign_in(struct exchange *x)
{
	struct signin_call *c = signin_call(x, sign_in_done);
	const char *text, *detail;
	size_t len;

	text = read_body(x, &len);
	if (text == NULL) {
		forget_body();
		return;
	}
	if (credentials_parse(text, len, c, &detail)) {
		forget_body();
		signin_enter(c);
		return;
	}
	forget_body();
	explicit_bzero(c->password.text, sizeof(c->password.text));
	reply_refusal(x, PROBLEM_MALFORMED, detail, NULL);
}

static void
call_sign_out(struct exchange *x)
{
	static const char *const names[] = {"everywhere", NULL};
	struct signin_call *c = signin_call(x, sign_out_done);
	char value[4] = "";
	int has =
	    request_query(&x->request, "everywhere", value, sizeof(value));

	c->all = has == 1;
	if (has < 0 || (c->all && strcmp(value, "1") != 0) ||
	    request_query_unknown(&x->request, names))
		reply_refusal(x, PROBLEM_MALFORMED,
		    "The query may be \"everywhere=1\", or nothing.", NULL);
	else
		signin_leave(c);
}

/* --- dispatch ----------------------------------------------------------- */

static void
dispatch(struct exchange *x, enum call call)
{
	switch (call) {
	case CALL_TOKEN:
		call_token(x);
		break;
	case CALL_WITHDRAW:
		call_withdraw(x);
		break;
	case CALL_LIST:
		call_list(x);
		break;
	case CALL_SHOW:
		call_show(x);
		break;
	case CALL_VOID:
		call_void(x);
		break;
	case CALL_ACCOUNT:
		call_account(x);
		break;
	case CALL_HEALTH:
		orders_health(orders_call(x, health_done));
		break;
	case CALL_SIGN_IN:
		call_sign_in(x);
		break;
	case CALL_SIGN_OUT:
		call_sign_out(x);
		break;
	case CALL_SESSION:
		signin_identify(signin_call(x, session_done));
		break;
	}
}

/* Does the call need to know who is calling? */
static bool
is_personal(enum call call)
{
	return call != CALL_HEALTH && call != CALL_SIGN_IN &&
	    call != CALL_SIGN_OUT && call != CALL_SESSION;
}

void
api_start(struct exchange *x)
{
	struct request *q = &x->request;
	const char *allow = NULL;
	enum call call = CALL_HEALTH;
	enum route_verdict v =
	    route(q->method, q->path, &call, x->order, &allow);

	q->https = q->https || x->service->cfg->https;
	if (v == ROUTE_NO_PATH)
		reply_refusal(x, PROBLEM_NOT_FOUND, NULL, NULL);
	else if (v == ROUTE_NO_METHOD)
		reply_refusal(x, PROBLEM_METHOD_NOT_ALLOWED, NULL, allow);
	else if (q->user == 0 && is_personal(call))
		reply_refusal(x, PROBLEM_UNAUTHENTICATED, NULL, NULL);
	else if (is_personal(call) && request_other_user(q))
		reply_refusal(x, PROBLEM_UNAUTHENTICATED,
		    "You are signed in as another user than this request "
		    "expects. Nothing was done.",
		    NULL);
	else if (q->method != METHOD_GET && q->method != METHOD_HEAD &&
	    request_cross_site(q))
		reply_refusal(x, PROBLEM_CROSS_SITE, NULL, NULL);
	else if (v == ROUTE_BAD_ORDER)
		reply_refusal(x, PROBLEM_MALFORMED,
		    "The order in the path must be a UUID.", NULL);
	else
		dispatch(x, call);
}
