/* reply.c: see reply.h. */
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_gen.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/money.h"
#include "pipeline/service.h"

/* What all answers have in common. */
struct reply {
	int status;
	const char *type;
	const char *allow; /* or NULL */
	int retry_after;   /* or 0 */
	const char *more; /* other headers, each with its line's end, or NULL */
	bool replayed;
	const char *outcome; /* for the log */
	bool steps;          /* it is a withdrawal, and took some */
	enum answered_by by;
};

/* --- JSON --------------------------------------------------------------- */

static yajl_gen
json_open(void)
{
	yajl_gen g = yajl_gen_alloc(NULL);

	if (g == NULL)
		fatalx("out of memory");
	yajl_gen_map_open(g);
	return g;
}

static void
put_text(yajl_gen g, const char *s)
{
	yajl_gen_string(g, (const unsigned char *)s, strlen(s));
}

static void
put(yajl_gen g, const char *key, const char *value)
{
	put_text(g, key);
	if (value != NULL)
		put_text(g, value);
	else
		yajl_gen_null(g);
}

static void
put_bool(yajl_gen g, const char *key, bool value)
{
	put_text(g, key);
	yajl_gen_bool(g, value);
}

static void
put_int(yajl_gen g, const char *key, int64_t value)
{
	put_text(g, key);
	yajl_gen_integer(g, value);
}

/* A whole number as text. */
static void
put_number(yajl_gen g, const char *key, const char *digits)
{
	put_text(g, key);
	if (digits != NULL)
		yajl_gen_number(g, digits, strlen(digits));
	else
		yajl_gen_null(g);
}

static void
put_money(yajl_gen g, const char *key, bool known, int64_t minor)
{
	char text[MONEY_TEXT];

	put(g, key, known ? money_format(minor, text) : NULL);
}

/* RFC 3339, with microseconds, in UTC. */
static void
put_time(yajl_gen g, const char *key, int64_t us)
{
	time_t s = (time_t)(us / 1000000);
	char text[64];
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%06" PRId64 "Z", us % 1000000);
	put(g, key, text);
}

static const char *
status_text(enum record_status s)
{
	switch (s) {
	case RECORD_SUCCEEDED:
		return "succeeded";
	case RECORD_DECLINED:
		return "declined";
	case RECORD_VOID:
		break;
	}
	return "void";
}

/* --- sending ------------------------------------------------------------ */

/* clang-format off */
static const char *
reason_phrase(int status)
{
	switch (status) {
	case 200: return "OK";
	case 201: return "Created";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 402: return "Payment Required";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 409: return "Conflict";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 422: return "Unprocessable Content";
	case 429: return "Too Many Requests";
	default: return "Service Unavailable";
	}
}
/* clang-format on */

/* One line a request (design: which guard answered, and how long it took). */
static void
log_exchange(const struct exchange *x, const struct reply *r)
{
	static const char *const guards[] = {[BY_NOBODY] = "-",
	    [BY_TOKEN] = "token",
	    [BY_LOCK] = "lock",
	    [BY_LEDGER] = "ledger",
	    [BY_CACHE] = "cache",
	    [BY_TWIN] = "twin"};
	const struct withdrawal *w = &x->call.withdrawal;
	char steps[96] = "";

	if (r->steps)
		snprintf(steps, sizeof(steps),
		    " admit_us=%" PRId64 " ledger_us=%" PRId64
		    " settle_us=%" PRId64,
		    w->admit_us, w->ledger_us, w->settle_us);
	log_info(
	    "request=%s method=%.8s path=%.100s user=%" PRId64 " order=%s "
	    "status=%d outcome=%s guard=%s replayed=%s%s total_us=%" PRId64,
	    x->request.id, x->request.method_text, x->request.path,
	    x->request.user, *x->order ? x->order : "-", r->status, r->outcome,
	    guards[r->by], r->replayed ? "yes" : "no", steps,
	    clock_us() - x->began_us);
}

/* Closes the map, sends, frees g. */
static void
send_json(struct exchange *x, yajl_gen g, const struct reply *r)
{
	const unsigned char *json;
	char head[768], retry[40] = "", allow[40] = "";
	size_t len;
	int n;

	yajl_gen_map_close(g);
	yajl_gen_get_buf(g, &json, &len);
	if (r->retry_after > 0)
		snprintf(retry, sizeof(retry), "Retry-After: %d\r\n",
		    r->retry_after);
	if (r->allow != NULL)
		snprintf(allow, sizeof(allow), "Allow: %s\r\n", r->allow);
	n = snprintf(head, sizeof(head),
	    "Status: %d %s\r\n"
	    "Content-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n%s%s%s%s\r\n",
	    r->status, reason_phrase(r->status), r->type, len, retry, allow,
	    r->more != NULL ? r->more : "",
	    r->replayed ? "Idempotent-Replayed: true\r\n" : "");
	log_exchange(x, r);
	exchange_answer(x, head, (size_t)n, (const char *)json,
	    x->request.method == METHOD_HEAD ? 0 : len);
	yajl_gen_free(g);
}

static void
send_ok(struct exchange *x, yajl_gen g, int status, const char *outcome)
{
	const struct reply r = {
	    .status = status, .type = "application/json", .outcome = outcome};

	send_json(x, g, &r);
}

/* --- problems ----------------------------------------------------------- */

/* Opens the document with the members that all problems have. */
static yajl_gen
problem_json(const struct problem_row *row, const char *detail,
    enum order_state state, bool safe_new_order)
{
	yajl_gen g = json_open();
	char type[64];

	snprintf(type, sizeof(type), "/problems/%s", row->code);
	put(g, "type", type);
	put(g, "title", row->title);
	put_int(g, "status", row->status);
	put(g, "detail", detail != NULL ? detail : row->detail);
	put(g, "order_state", order_state_text(state));
	put_bool(g, "safe_new_order", safe_new_order);
	return g;
}

static struct reply
problem_reply(const struct problem_row *row)
{
	return (struct reply){.status = row->status,
	    .type = "application/problem+json",
	    .retry_after = row->retry_after,
	    .outcome = row->code};
}

void
reply_refusal(
    struct exchange *x, enum problem p, const char *detail, const char *allow)
{
	const struct problem_row *row = problem_row(p);
	struct reply r = problem_reply(row);

	r.allow = allow;
	send_json(x, problem_json(row, detail, ORDER_UNKNOWN, false), &r);
}

void
reply_problem(struct exchange *x, enum problem p, enum order_state state)
{
	const struct problem_row *row = problem_row(p);
	struct reply r = problem_reply(row);

	send_json(x, problem_json(row, NULL, state, false), &r);
}

/* --- sign-in ------------------------------------------------------------- */

/* Our cookie with that value, or, NULL, without it. */
static const char *
set_cookie(const struct exchange *x, const char *value, char out[256])
{
	bool https = x->request.https;

	snprintf(out, 256,
	    "Set-Cookie: %swithdraw_session=%s; Path=/; Max-Age=%d; HttpOnly; "
	    "SameSite=Strict%s\r\n",
	    https ? "__Host-" : "", value != NULL ? value : "",
	    value != NULL ? x->service->cfg->session_max_s : 0,
	    https ? "; Secure" : "");
	return out;
}

static void
send_user(struct exchange *x, const struct signin_call *c, int status,
    const char *more, const char *outcome)
{
	const struct reply r = {.status = status,
	    .type = "application/json",
	    .more = more,
	    .outcome = outcome};
	yajl_gen g = json_open();

	put_int(g, "user_id", c->user);
	put(g, "name", c->name);
	send_json(x, g, &r);
}

void
reply_signed_in(struct exchange *x, const struct signin_call *c)
{
	char cookie[256];

	send_user(x, c, 201, set_cookie(x, c->cookie, cookie), "signed-in");
}

void
reply_signed_out(struct exchange *x)
{
	char cookie[256];
	const struct reply r = {.status = 200,
	    .type = "application/json",
	    .more = set_cookie(x, NULL, cookie),
	    .outcome = "signed-out"};

	send_json(x, json_open(), &r);
}

void
reply_session(struct exchange *x, const struct signin_call *c)
{
	char user[64];

	snprintf(
	    user, sizeof(user), "X-Withdraw-User: %" PRId64 "\r\n", c->user);
	send_user(x, c, 200, user, "session");
}

void
reply_slow(struct exchange *x, int wait_s)
{
	const struct problem_row *row = problem_row(PROBLEM_TOO_MANY_SIGN_INS);
	struct reply r = problem_reply(row);

	r.retry_after = wait_s;
	send_json(x, problem_json(row, NULL, ORDER_UNKNOWN, false), &r);
}

/* --- withdrawals -------------------------------------------------------- */

/* The answer to a withdrawal that succeeded: made of the record alone, so that
 * every replay has the same bytes. */
static void
reply_success(struct exchange *x, const struct result *res)
{
	const struct record *rec = &res->record;
	const struct reply r = {.status = 201,
	    .type = "application/json",
	    .replayed = res->replayed,
	    .steps = true,
	    .outcome = "succeeded",
	    .by = res->by};
	yajl_gen g = json_open();

	put(g, "order_id", rec->order);
	put(g, "status", status_text(rec->status));
	put_money(g, "amount", true, rec->amount);
	put(g, "currency", rec->currency);
	put_money(g, "balance_after", true, rec->balance_after);
	put_time(g, "created_at", rec->created_us);
	send_json(x, g, &r);
}

void
reply_result(struct exchange *x, const struct result *res)
{
	const struct problem_row *row;
	struct reply r;
	yajl_gen g;

	if (res->outcome == OUTCOME_SUCCEEDED) {
		reply_success(x, res);
		return;
	}
	row = problem_row(problem_of_result(res));
	r = problem_reply(row);
	r.by = res->by;
	r.steps = true;
	g = problem_json(row, NULL, res->state, problem_safe_new_order(res));
	put(g, "order_id", x->order);
	switch (res->outcome) {
	case OUTCOME_DECLINED:
		r.replayed = res->replayed;
		put_money(g, "amount", true, res->record.amount);
		put(g, "currency", res->record.currency);
		put_time(g, "created_at", res->record.created_us);
		if (res->record.has_resets)
			put_time(g, "resets_at", res->record.resets_us);
		break;
	case OUTCOME_VOID:
		r.replayed = res->replayed;
		put_time(g, "created_at", res->record.created_us);
		break;
	case OUTCOME_MISMATCH: {
		char link[64];

		snprintf(link, sizeof(link), "/api/withdrawals/%s", x->order);
		put(g, "original", link);
		put_money(g, "original_amount", true, res->record.amount);
		break;
	}
	case OUTCOME_SUCCEEDED:
	case OUTCOME_TOKEN_INVALID:
	case OUTCOME_IN_PROGRESS:
	case OUTCOME_BUSY:
	case OUTCOME_NO_ACCOUNT:
	case OUTCOME_UNAVAILABLE:
	case OUTCOME_UNKNOWN:
		break;
	}
	send_json(x, g, &r);
}

/* --- the other calls ---------------------------------------------------- */

void
reply_token(struct exchange *x, const char *token, int expires_in_ms)
{
	yajl_gen g = json_open();

	put(g, "token", token);
	put(g, "order_id", x->order);
	put_int(g, "expires_in_ms", expires_in_ms);
	send_ok(x, g, 201, "token");
}

static void
put_record(yajl_gen g, const struct record *r)
{
	bool decided = r->status != RECORD_VOID;

	put(g, "order_id", r->order);
	put(g, "status", status_text(r->status));
	put(g, "reason", *r->reason ? r->reason : NULL);
	put_money(g, "amount", r->has_amount, r->amount);
	put(g, "currency", r->currency);
	put_money(g, "balance_after", decided, r->balance_after);
	put_time(g, "created_at", r->created_us);
	if (r->has_resets)
		put_time(g, "resets_at", r->resets_us);
}

/* The record, and how far its payout is, if there is one. */
static void
put_item(yajl_gen g, const struct orders_item *item)
{
	const struct payout *p = &item->payout;

	put_record(g, &item->record);
	if (p->state == NULL)
		return;
	put(g, "payout", p->state);
	if (p->has_moved)
		put_time(g, "payout_at", p->moved_us);
	else
		put(g, "payout_at", NULL);
	put(g, "payout_reference", p->has_moved ? p->reference : NULL);
}

void
reply_record(struct exchange *x, const struct record *rec, bool replayed)
{
	const struct reply r = {.status = 200,
	    .type = "application/json",
	    .replayed = replayed,
	    .outcome = status_text(rec->status)};
	yajl_gen g = json_open();

	put_record(g, rec);
	send_json(x, g, &r);
}

void
reply_item(struct exchange *x, const struct orders_item *item)
{
	yajl_gen g = json_open();

	put_item(g, item);
	send_ok(x, g, 200, status_text(item->record.status));
}

void
reply_list(
    struct exchange *x, const struct orders_item *list, size_t n, bool more)
{
	yajl_gen g = json_open();
	char cursor[CURSOR_TEXT];
	size_t i;

	put_text(g, "withdrawals");
	yajl_gen_array_open(g);
	for (i = 0; i < n; i++) {
		yajl_gen_map_open(g);
		put_item(g, &list[i]);
		yajl_gen_map_close(g);
	}
	yajl_gen_array_close(g);
	if (more)
		cursor_format(&list[n - 1].record, cursor);
	put(g, "next", more ? cursor : NULL);
	send_ok(x, g, 200, "list");
}

static void
put_limits(yajl_gen g, const struct orders_limits *l)
{
	put(g, "state", l->state);
	put(g, "min_amount", l->min_amount);
	put(g, "max_amount", l->max_amount);
	put_number(g, "daily_count", l->daily_count);
	put_number(g, "daily_count_left", l->daily_count_left);
	put(g, "daily_sum", l->daily_sum);
	put(g, "daily_sum_left", l->daily_sum_left);
	if (l->has_resets)
		put_time(g, "resets_at", l->resets_us);
	else
		put(g, "resets_at", NULL);
}

void
reply_account(struct exchange *x, int64_t balance, int64_t version,
    const struct orders_limits *limits)
{
	yajl_gen g = json_open();

	put_int(g, "user_id", x->request.user);
	put_money(g, "balance", true, balance);
	put(g, "currency", x->service->cfg->currency);
	put_int(g, "version", version);
	if (limits != NULL)
		put_limits(g, limits);
	send_ok(x, g, 200, "account");
}

void
reply_health(struct exchange *x, bool ok, bool postgres_up, const char *redis)
{
	yajl_gen g = json_open();

	put(g, "status", ok ? "ok" : "unavailable");
	put(g, "postgres", postgres_up ? "up" : "down");
	put(g, "redis", redis);
	send_ok(x, g, ok ? 200 : 503, ok ? "healthy" : "unhealthy");
}

void
cursor_format(const struct record *last, char out[CURSOR_TEXT])
{
	snprintf(
	    out, CURSOR_TEXT, "%" PRId64 ".%s", last->created_us, last->order);
}

bool
cursor_parse(const char *text, int64_t *us_r, char order[UUID_TEXT])
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 17 || text[digits] != '.')
		return false;
	*us_r = strtoll(text, NULL, 10);
	text += digits + 1;
	return uuid_text_parse(text, strlen(text), order);
}
