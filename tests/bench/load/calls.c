/* calls.c: the calls of the service, and what their answers have to be; see
 * load.h. */
#include <stdio.h>
#include <string.h>

#include "load.h"

/* What all requests of a client begin with. Returns where it ends. */
static char *
begin(struct client *cl, const char *method_path)
{
	char *p = stpcpy(cl->conn->out, method_path);

	p = stpcpy(p, " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
	return stpcpy(p, cl->identity);
}

static void
send_it(struct client *cl, const char *end, http_answered *then)
{
	cl->run->sent++;
	cl->conn->out_len = (size_t)(end - cl->conn->out);
	http_send(cl->conn, then);
}

static char *
put_order(const struct client *cl, char *p)
{
	p = stpcpy(p, "Idempotency-Key: ");
	p = stpcpy(p, cl->order);
	return stpcpy(p, "\r\n");
}

void
ask_token(struct client *cl, http_answered *then)
{
	char *p = put_order(cl, begin(cl, "POST /api/token"));

	send_it(cl, stpcpy(p, "Content-Length: 0\r\n\r\n"), then);
}

void
ask_withdraw_body(struct client *cl, const char *body, http_answered *then)
{
	char *p = put_order(cl, begin(cl, "POST /api/withdraw"));
	char length[24];

	snprintf(length, sizeof(length), "%zu", strlen(body));
	p = stpcpy(p, "Content-Type: application/json\r\nContent-Length: ");
	p = stpcpy(p, length);
	p = stpcpy(p, "\r\n\r\n");
	send_it(cl, stpcpy(p, body), then);
}

void
ask_withdraw_amount(
    struct client *cl, const char *amount, bool with_token, http_answered *then)
{
	char body[128];

	if (with_token)
		snprintf(body, sizeof(body),
		    "{\"token\":\"%s\",\"amount\":\"%s\"}", cl->token, amount);
	else
		snprintf(body, sizeof(body), "{\"amount\":\"%s\"}", amount);
	ask_withdraw_body(cl, body, then);
}

void
ask_withdraw(struct client *cl, bool with_token, http_answered *then)
{
	ask_withdraw_amount(cl, cl->run->opt->amount, with_token, then);
}

void
ask_show(struct client *cl, http_answered *then)
{
	char path[80];

	snprintf(path, sizeof(path), "/api/withdrawals/%s", cl->order);
	ask_get(cl, path, then);
}

void
ask_void(struct client *cl, http_answered *then)
{
	char method_path[80];
	char *p;

	snprintf(method_path, sizeof(method_path),
	    "POST /api/withdrawals/%s/void", cl->order);
	p = begin(cl, method_path);
	send_it(cl, stpcpy(p, "Content-Length: 0\r\n\r\n"), then);
}

void
ask_get(struct client *cl, const char *path, http_answered *then)
{
	char method_path[512];

	snprintf(method_path, sizeof(method_path), "GET %s", path);
	send_it(cl, stpcpy(begin(cl, method_path), "\r\n"), then);
}

/* --- answers ------------------------------------------------------------- */

/* Is "key":"value" a member? Our answers are flat, and without blanks. */
static bool
has(const struct answer *a, const char *key, const char *value)
{
	char member[128];

	snprintf(member, sizeof(member), "\"%s\":\"%s\"", key, value);
	return strstr(a->body, member) != NULL;
}

bool
is_problem(const struct answer *a, const char *code)
{
	char type[64];

	snprintf(type, sizeof(type), "/problems/%s", code);
	return a->status >= 400 && has(a, "type", type);
}

bool
got_token(struct client *cl, const struct answer *a)
{
	static const char name[] = "\"token\":\"";
	const char *token = strstr(a->body, name);

	if (a->status == 201 && token != NULL &&
	    has(a, "order_id", cl->order)) {
		token += sizeof(name) - 1;
		if (strcspn(token, "\"") == UUID_TEXT - 1) {
			memcpy(cl->token, token, UUID_TEXT - 1);
			return true;
		}
	}
	client_bad(cl, a, "201 and a token for the order");
	return false;
}

static bool
is_success(const struct client *cl, const struct answer *a)
{
	return a->status == 201 && has(a, "order_id", cl->order) &&
	    has(a, "status", "succeeded") &&
	    has(a, "amount", cl->run->opt->amount);
}

bool
got_withdrawn(struct client *cl, const struct answer *a)
{
	if (is_success(cl, a) && !a->replayed) {
		cl->run->fig->debits++;
		return true;
	}
	client_bad(cl, a, "201, the order, succeeded, its amount, for once");
	return false;
}

bool
got_replay(struct client *cl, const struct answer *a)
{
	if (is_success(cl, a) && a->replayed)
		return true;
	client_bad(cl, a, "201, the order, succeeded, its amount, replayed");
	return false;
}

bool
got_json(struct client *cl, const struct answer *a, const char *key)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "\"%s\":", key);
	if (a->status == 200 && strstr(a->body, expected) != NULL)
		return true;
	client_bad(cl, a, expected);
	return false;
}

bool
got_state(struct client *cl, const struct answer *a, const char *state)
{
	if (a->status == 200 && has(a, "order_id", cl->order) &&
	    has(a, "status", state))
		return true;
	client_bad(cl, a, state);
	return false;
}

bool
got_problem(
    struct client *cl, const struct answer *a, int status, const char *code)
{
	if (a->status == status && is_problem(a, code))
		return true;
	client_bad(cl, a, code);
	return false;
}
