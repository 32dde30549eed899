/* What the page does with an order, and how answers are judged: order.h. */
#include "order.h"

#include <check.h>
#include <regex.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "json.h"
#include "support.h"

static const char problem_type[] = "/problems/";

const char *
order_id(void)
{
	char text[UUID_STR_LEN];
	uuid_t uuid;

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, text);
	return keep_text(text, strlen(text));
}

struct order
order_new(const char *user, const char *amount)
{
	return (struct order){.id = order_id(), .user = user, .amount = amount};
}

struct http_request
order_token_request(const struct order *order)
{
	return (struct http_request){
	    .method = "POST",
	    .path = "/api/token",
	    .user = order->user,
	    .key = order->id,
	};
}

const char *
order_token(const struct order *order)
{
	struct http_request request = order_token_request(order);
	struct http_response answer = http_send(&request);

	expect_status(&answer, 201);
	return json_get(answer.body, "token");
}

struct http_request
order_request(const struct order *order, const char *token)
{
	const char *body;

	if (token != NULL)
		body = keep_format("{\"token\": \"%s\", \"amount\": \"%s\"}",
		    token, order->amount);
	else
		body = keep_format("{\"amount\": \"%s\"}", order->amount);
	return (struct http_request){
	    .method = "POST",
	    .path = "/api/withdraw",
	    .user = order->user,
	    .key = order->id,
	    .body = body,
	};
}

struct http_request
order_get_request(const struct order *order)
{
	return (struct http_request){
	    .path = keep_format("/api/withdrawals/%s", order->id),
	    .user = order->user,
	};
}

struct http_request
order_void_request(const struct order *order)
{
	return (struct http_request){
	    .method = "POST",
	    .path = keep_format("/api/withdrawals/%s/void", order->id),
	    .user = order->user,
	};
}

struct http_response
order_send_with(const struct order *order, const char *token)
{
	struct http_request request = order_request(order, token);

	return http_send(&request);
}

struct http_response
order_send(const struct order *order)
{
	return order_send_with(order, order_token(order));
}

struct http_response
order_get(const struct order *order)
{
	struct http_request request = order_get_request(order);

	return http_send(&request);
}

struct http_response
order_void(const struct order *order)
{
	struct http_request request = order_void_request(order);

	return http_send(&request);
}

/* One attempt of the page: where even the token is refused, that is the
 * answer. */
static struct http_response
attempt(const struct order *order)
{
	struct http_request request = order_token_request(order);
	struct http_response token = http_send(&request);

	if (token.status != 201)
		return token;
	return order_send_with(order, json_get(token.body, "token"));
}

static bool
settled(const struct order *order, struct http_response *answer)
{
	const struct timespec less_often = {.tv_nsec = 250000000};

	*answer = attempt(order);
	if (answer_is_final(answer))
		return true;
	/* whoever goes on as before stays above the limit, and each token is
	 * the request that leaves no room for its withdrawal */
	if (answer->status == 429)
		nanosleep(&less_often, NULL);
	ck_assert_msg(answer_is_retryable(answer),
	    "neither final nor retryable: %d %s %s", answer->status,
	    answer->error, answer->body);
	return false;
}

struct http_response
order_settle(const struct order *order)
{
	struct http_response answer;

	WAIT_UNTIL(settled(order, &answer));
	return answer;
}

struct http_response
order_settle_from(const struct order *order, const struct http_response *first)
{
	if (answer_is_final(first))
		return *first;
	ck_assert_msg(answer_is_retryable(first),
	    "neither final nor retryable: %d %s %s", first->status,
	    first->error, first->body);
	return order_settle(order);
}

const char *
answer_code(const struct http_response *answer)
{
	const char *kind = http_header(answer, "Content-Type");
	const char *type;

	if (kind == NULL || strcmp(kind, "application/problem+json") != 0)
		return "";
	type = json_get(answer->body, "type");
	if (type == NULL ||
	    strncmp(type, problem_type, strlen(problem_type)) != 0)
		return "";
	return type + strlen(problem_type);
}

static bool
is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

bool
answer_is_final(const struct http_response *answer)
{
	static const char *const codes[] = {"insufficient-funds",
	    "account-frozen", "below-minimum", "above-maximum", "order-void",
	    "daily-count-limit", "daily-sum-limit", NULL};

	return answer->status == 201 || is_one_of(answer_code(answer), codes);
}

bool
answer_is_retryable(const struct http_response *answer)
{
	static const char *const codes[] = {"token-invalid", "in-progress",
	    "busy", "rate-limited", "unavailable", "outcome-unknown", NULL};

	return is_one_of(answer_code(answer), codes);
}

bool
answer_same(const struct http_response *a, const struct http_response *b)
{
	return a->status == b->status && a->body_len == b->body_len &&
	    memcmp(a->body, b->body, a->body_len) == 0;
}

static bool
matches(const char *text, const char *pattern)
{
	regex_t regex;
	bool found;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

const char *
two_decimals(const char *amount)
{
	const char *dot = strchr(amount, '.');

	if (dot == NULL)
		return keep_format("%s.00", amount);
	return keep_format("%s%s", amount, strlen(dot) == 2 ? "0" : "");
}

void
expect_status(const struct http_response *answer, int status)
{
	ck_assert_msg(answer->status == status,
	    "%d expected, got %d (%s)\n%s%s", status, answer->status,
	    answer->error, answer->headers, answer->body);
}

static void
expect_header(
    const struct http_response *answer, const char *name, const char *value)
{
	const char *found = http_header(answer, name);

	ck_assert_msg(found != NULL && strcmp(found, value) == 0,
	    "%s: %s expected, got %s\n%s", name, value,
	    found != NULL ? found : "none", answer->body);
}

void
expect_json(const struct http_response *answer)
{
	expect_header(answer, "Content-Type", "application/json");
	expect_header(answer, "Cache-Control", "no-store");
}

/* What any problem may claim about the money. */
static void
expect_honest(const struct http_response *answer, const char *code)
{
	static const char *const states[] = {"none", "running", "succeeded",
	    "declined", "void", "unknown", NULL};
	static const char *const closed[] = {"declined", "void", NULL};
	static const char *const blind[] = {"busy", "unavailable",
	    "outcome-unknown", "malformed", "rate-limited", "too-large",
	    "cross-site", "unsupported-media-type", "unauthenticated", NULL};
	const char *state = json_get(answer->body, "order_state");
	const char *safe = json_get(answer->body, "safe_new_order");

	ck_assert_msg(is_one_of(state, states), "%s", answer->body);
	if (strcmp(safe, "true") == 0)
		ck_assert_msg(is_one_of(state, closed) ||
			strcmp(code, "account-unknown") == 0,
		    "a new order could pay twice: %s", answer->body);
	if (is_one_of(code, blind))
		ck_assert_msg(
		    strcmp(state, "none") != 0 && strcmp(safe, "true") != 0,
		    "claims what was not looked up: %s", answer->body);
}

void
expect_problem(const struct http_response *answer, int status, const char *code,
    const char *state)
{
	static const char *const later[] = {"in-progress", "busy",
	    "rate-limited", "unavailable", "outcome-unknown", NULL};
	static const char *const members[] = {"type", "title", "status",
	    "detail", "order_state", "safe_new_order", NULL};

	expect_status(answer, status);
	expect_header(answer, "Content-Type", "application/problem+json");
	expect_header(answer, "Cache-Control", "no-store");
	for (size_t i = 0; members[i] != NULL; i++)
		ck_assert_msg(json_get(answer->body, members[i]) != NULL,
		    "no member %s: %s", members[i], answer->body);
	ck_assert_msg(strcmp(answer_code(answer), code) == 0, "%s expected: %s",
	    code, answer->body);
	ck_assert_msg(strcmp(json_get(answer->body, "status"),
			  keep_format("%d", status)) == 0,
	    "%s", answer->body);
	expect_honest(answer, code);
	if (state != NULL)
		ck_assert_msg(
		    strcmp(json_get(answer->body, "order_state"), state) == 0,
		    "order_state %s expected: %s", state, answer->body);
	if (is_one_of(code, later))
		ck_assert_msg(http_header(answer, "Retry-After") != NULL &&
			matches(http_header(answer, "Retry-After"),
			    "^[1-9][0-9]*$"),
		    "no Retry-After in seconds:\n%s", answer->headers);
}

void
expect_success(const struct http_response *answer, const struct order *order)
{
	static const char money[] = "^(0|[1-9][0-9]*)\\.[0-9]{2}$";
	static const char instant[] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"
				      "[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$";
	const char *body = answer->body;

	expect_status(answer, 201);
	expect_json(answer);
	ck_assert_str_eq(json_shape(body),
	    "amount:string balance_after:string created_at:string "
	    "currency:string order_id:string status:string");
	ck_assert_str_eq(json_get(body, "order_id"), order->id);
	ck_assert_str_eq(json_get(body, "status"), "succeeded");
	ck_assert_str_eq(json_get(body, "amount"), two_decimals(order->amount));
	ck_assert_str_eq(json_get(body, "currency"), "CNY");
	ck_assert_msg(
	    matches(json_get(body, "balance_after"), money), "%s", body);
	ck_assert_msg(
	    matches(json_get(body, "created_at"), instant), "%s", body);
}
