/* The contract: every call's answer, member by member. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "http.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "suites.h"
#include "support.h"

static const char record_shape[] =
    "amount:string balance_after:string created_at:string currency:string "
    "order_id:string payout:string payout_at:null payout_reference:null "
    "reason:null status:string";
static const char void_shape[] =
    "amount:null balance_after:null created_at:string currency:string "
    "order_id:string reason:null status:string";

static struct http_response
get(const char *user, const char *path)
{
	struct http_request request = {.path = path, .user = user};

	return http_send(&request);
}

START_TEST(token_has_its_members)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	struct http_request request = {
	    .method = "POST",
	    .path = "/api/token",
	    .user = order.user,
	    .key = order.id,
	};
	struct http_response answer = http_send(&request);

	expect_status(&answer, 201);
	expect_json(&answer);
	ck_assert_str_eq(json_shape(answer.body),
	    "expires_in_ms:number order_id:string token:string");
	ck_assert_str_eq(json_get(answer.body, "order_id"), order.id);
	ck_assert_str_eq(json_get(answer.body, "expires_in_ms"), "5000");
}
END_TEST

START_TEST(withdrawal_has_its_members)
{
	struct order order = order_new(ledger_open("100.00"), "30.00");
	struct http_response answer = order_send(&order);

	expect_success(&answer, &order);
	ck_assert_str_eq(json_get(answer.body, "balance_after"), "70.00");
	ck_assert_ptr_null(http_header(&answer, "Idempotent-Replayed"));
	ck_assert_str_eq(ledger_balance(order.user), "70.00");
}
END_TEST

START_TEST(amounts_may_be_short)
{
	static const char *const amounts[] = {"100", "100.0", "100.00"};
	struct order order = order_new(ledger_open("300.00"), amounts[_i]);
	struct http_response answer = order_send(&order);

	expect_success(&answer, &order);
	ck_assert_str_eq(json_get(answer.body, "amount"), "100.00");
	ck_assert_str_eq(ledger_balance(order.user), "200.00");
}
END_TEST

static void
expect_replay(
    const struct http_response *answer, const struct http_response *first)
{
	const char *mark = http_header(answer, "Idempotent-Replayed");

	ck_assert_msg(answer_same(answer, first), "%d %s\nis not\n%d %s",
	    answer->status, answer->body, first->status, first->body);
	ck_assert_msg(
	    mark != NULL && strcmp(mark, "true") == 0, "%s", answer->headers);
}

START_TEST(replay_is_the_first_answer)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	const char *token = order_token(&order);
	struct http_response first = order_send_with(&order, token);
	struct http_response again = order_send_with(&order, token);
	struct http_response bare = order_send_with(&order, NULL);
	struct http_response fresh = order_send(&order);

	expect_success(&first, &order);
	ck_assert_ptr_null(http_header(&first, "Idempotent-Replayed"));
	expect_replay(&again, &first);
	expect_replay(&bare, &first);
	expect_replay(&fresh, &first);
	ck_assert_int_eq(ledger_debits(order.id), 1);
}
END_TEST

START_TEST(replay_of_another_spelling)
{
	struct order order = order_new(ledger_open("100.00"), "10.00");
	struct http_response first = order_send(&order);
	struct http_response again;

	order.amount = "10";
	again = order_send_with(&order, NULL);
	expect_replay(&again, &first);
}
END_TEST

START_TEST(no_token_no_withdrawal)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	struct http_response answer = order_send_with(&order, NULL);

	expect_problem(&answer, 409, "token-invalid", NULL);
	answer = order_send_with(&order, order_id());
	expect_problem(&answer, 409, "token-invalid", NULL);
	ck_assert_str_eq(ledger_status(order.id), "none");
	answer = order_send(&order);
	expect_success(&answer, &order);
}
END_TEST

START_TEST(token_serves_once)
{
	struct order order = order_new(ledger_open("100.00"), "60.00");
	struct order other = order_new(order.user, "10.00");
	const char *token = order_token(&order);
	struct http_response answer = order_send_with(&order, token);

	expect_success(&answer, &order);
	answer = order_send_with(&other, token);
	expect_problem(&answer, 409, "token-invalid", NULL);
	ck_assert_str_eq(ledger_status(other.id), "none");
}
END_TEST

START_TEST(record_of_a_success)
{
	struct order order = order_new(ledger_open("100.00"), "40");
	struct http_response done = order_send(&order);
	struct http_response record = order_get(&order);

	expect_status(&record, 200);
	expect_json(&record);
	ck_assert_str_eq(json_shape(record.body), record_shape);
	ck_assert_str_eq(json_get(record.body, "order_id"), order.id);
	ck_assert_str_eq(json_get(record.body, "status"), "succeeded");
	ck_assert_str_eq(json_get(record.body, "amount"), "40.00");
	ck_assert_str_eq(json_get(record.body, "currency"), "CNY");
	ck_assert_str_eq(json_get(record.body, "balance_after"), "60.00");
	ck_assert_str_eq(json_get(record.body, "payout"), "due");
	ck_assert_str_eq(json_get(record.body, "created_at"),
	    json_get(done.body, "created_at"));
}
END_TEST

START_TEST(record_of_a_refusal)
{
	struct order order = order_new(ledger_open("1.00"), "40.00");
	struct http_response refusal = order_send(&order);
	struct http_response record = order_get(&order);

	expect_problem(&refusal, 402, "insufficient-funds", "declined");
	expect_status(&record, 200);
	ck_assert_str_eq(json_get(record.body, "status"), "declined");
	ck_assert_str_eq(json_get(record.body, "reason"), "insufficient-funds");
	ck_assert_str_eq(json_get(record.body, "amount"), "40.00");
	ck_assert_str_eq(json_get(record.body, "balance_after"), "1.00");
}
END_TEST

START_TEST(record_of_nothing)
{
	struct order order = order_new(ledger_open("1.00"), "1.00");
	struct http_response answer = order_get(&order);

	expect_problem(&answer, 404, "order-unknown", NULL);
	answer = get(order.user, "/api/withdrawals/nonsense");
	ck_assert_msg(answer.status == 400 || answer.status == 404, "%d %s",
	    answer.status, answer.body);
	expect_problem(&answer, answer.status, answer_code(&answer), NULL);
}
END_TEST

/* Sends n orders of 0.01 one after another. */
static struct order *
make_history(const char *user, size_t n)
{
	struct order *orders = keep(n * sizeof(*orders));

	for (size_t i = 0; i < n; i++) {
		struct http_response answer;

		orders[i] = order_new(user, "0.01");
		answer = order_settle(&orders[i]);
		expect_success(&answer, &orders[i]);
	}
	return orders;
}

START_TEST(list_pages_through_history)
{
	enum { ORDERS = 45, PAGE = 20 };
	const char *user = ledger_open("100.00");
	const struct order *orders = make_history(user, ORDERS);
	const char *path = keep_format("/api/withdrawals?limit=%d", PAGE);
	size_t seen = 0;

	while (path != NULL) {
		struct http_response page = get(user, path);
		size_t n;
		const char *next;

		expect_status(&page, 200);
		expect_json(&page);
		n = json_length(page.body, "withdrawals");
		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(n, PAGE);
		for (size_t i = 0; i < n; i++, seen++) {
			ck_assert_uint_lt(seen, ORDERS);
			ck_assert_str_eq(
			    json_item(page.body, "withdrawals", i, "order_id"),
			    orders[ORDERS - 1 - seen].id);
			ck_assert_str_eq(
			    json_item_shape(page.body, "withdrawals", i),
			    record_shape);
		}
		next = json_get(page.body, "next");
		path = strcmp(next, "null") == 0
		    ? NULL
		    : keep_format(
			  "/api/withdrawals?limit=%d&before=%s", PAGE, next);
	}
	ck_assert_uint_eq(seen, ORDERS);
}
END_TEST

/* A page may end between two orders of the same microsecond. */
START_TEST(list_pages_through_one_moment)
{
	enum { ORDERS = 5 };
	const char *user = ledger_open("100.00"), *last = "g", *next;
	const char *path = "/api/withdrawals?limit=2";
	size_t seen = 0;

	make_history(user, ORDERS);
	ledger_sql("UPDATE withdraw_record SET created_at = now() "
		   "WHERE user_id = $1::bigint",
	    user, NULL);
	while (path != NULL) {
		struct http_response page = get(user, path);
		size_t n;

		expect_status(&page, 200);
		n = json_length(page.body, "withdrawals");
		ck_assert_uint_gt(n, 0);
		for (size_t i = 0; i < n; i++, seen++) {
			const char *order =
			    json_item(page.body, "withdrawals", i, "order_id");

			ck_assert_str_lt(order, last);
			last = order;
		}
		next = json_get(page.body, "next");
		path = strcmp(next, "null") == 0
		    ? NULL
		    : keep_format("/api/withdrawals?limit=2&before=%s", next);
	}
	ck_assert_uint_eq(seen, ORDERS);
}
END_TEST

START_TEST(list_without_a_limit)
{
	const char *user = ledger_open("100.00");
	struct http_response page = get(user, "/api/withdrawals");

	expect_status(&page, 200);
	ck_assert_str_eq(json_shape(page.body), "next:null withdrawals:array");
	ck_assert_uint_eq(json_length(page.body, "withdrawals"), 0);
	make_history(user, 2);
	page = get(user, "/api/withdrawals");
	ck_assert_uint_eq(json_length(page.body, "withdrawals"), 2);
	page = get(user, "/api/withdrawals?limit=1");
	ck_assert_uint_eq(json_length(page.body, "withdrawals"), 1);
}
END_TEST

START_TEST(list_refuses_nonsense)
{
	static const char *const queries[] = {"limit=0", "limit=-1",
	    "limit=abc", "limit=", "limit=1e1", "limit=100000000000000000000",
	    "limit=1&limit=2", "before=nonsense", "before=", "unknown=1",
	    "limit=%31%00", "before=%27%20OR%201=1", "limit=+1"};
	struct http_response answer = get(ledger_open("1.00"),
	    keep_format("/api/withdrawals?%s", queries[_i]));

	expect_problem(&answer, 400, "malformed", NULL);
}
END_TEST

START_TEST(void_closes_an_order)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	const char *token = order_token(&order);
	struct http_response first = order_void(&order);
	struct http_response again = order_void(&order);
	struct http_response answer;

	expect_status(&first, 200);
	expect_json(&first);
	ck_assert_str_eq(json_shape(first.body), void_shape);
	ck_assert_str_eq(json_get(first.body, "status"), "void");
	ck_assert(answer_same(&first, &again));
	answer = order_send_with(&order, token);
	expect_problem(&answer, 409, "order-void", "void");
	answer = order_send(&order);
	expect_problem(&answer, 409, "order-void", "void");
	answer = order_get(&order);
	expect_status(&answer, 200);
	ck_assert_str_eq(answer.body, first.body);
	ck_assert_str_eq(ledger_balance(order.user), "100.00");
}
END_TEST

START_TEST(void_of_a_success_changes_nothing)
{
	struct order order = order_new(ledger_open("100.00"), "100.00");
	struct http_response done = order_send(&order);
	struct http_response closed = order_void(&order);
	struct http_response record = order_get(&order);
	struct http_response replay;

	expect_status(&closed, 200);
	ck_assert_str_eq(json_get(closed.body, "status"), "succeeded");
	/* a final answer never changes; a payout does */
	ck_assert_str_eq(
	    keep_format("%.*s,\"payout\":\"due\",\"payout_at\":null,"
			"\"payout_reference\":null}",
		(int)closed.body_len - 1, closed.body),
	    record.body);
	replay = order_send_with(&order, NULL);
	expect_replay(&replay, &done);
}
END_TEST

START_TEST(account_follows_the_withdrawals)
{
	struct order order = order_new(ledger_open("100.00"), "1.50");
	struct http_response account = get(order.user, "/api/account");

	expect_status(&account, 200);
	expect_json(&account);
	ck_assert_str_eq(json_get(account.body, "user_id"), order.user);
	ck_assert_str_eq(json_get(account.body, "balance"), "100.00");
	ck_assert_str_eq(json_get(account.body, "currency"), "CNY");
	ck_assert_str_eq(json_get(account.body, "version"), "1");
	order_send(&order);
	account = get(order.user, "/api/account");
	ck_assert_str_eq(json_get(account.body, "balance"), "98.50");
	ck_assert_str_eq(json_get(account.body, "version"), "2");
}
END_TEST

START_TEST(account_that_is_not_there)
{
	struct order order = order_new(ledger_stranger(), "1.00");
	struct http_response answer = get(order.user, "/api/account");

	expect_problem(&answer, 404, "account-unknown", NULL);
	answer = order_send(&order);
	expect_problem(&answer, 404, "account-unknown", NULL);
	ck_assert_str_eq(ledger_status(order.id), "none");
}
END_TEST

/* Where nothing is recorded, the order may come again, but not the token. */
START_TEST(token_is_spent_without_a_record)
{
	struct order order = order_new(ledger_stranger(), "1.00");
	const char *token = order_token(&order);
	struct http_response answer = order_send_with(&order, token);

	expect_problem(&answer, 404, "account-unknown", NULL);
	answer = order_send_with(&order, token);
	expect_problem(&answer, 409, "token-invalid", NULL);
}
END_TEST

START_TEST(health_needs_no_identity)
{
	struct http_response answer = get(NULL, "/api/health");

	expect_status(&answer, 200);
	expect_json(&answer);
	ck_assert_str_eq(json_get(answer.body, "postgres"), "up");
	ck_assert_str_eq(json_get(answer.body, "redis"), "up");
	ck_assert_ptr_null(strstr(answer.body, setting("PGHOST")));
	ck_assert_ptr_null(strstr(answer.body, "unix:"));
	ck_assert_ptr_null(strstr(answer.body, "withdraw_service"));
}
END_TEST

static const struct {
	const char *method;
	const char *path;
	const char *allow;
} wrong_methods[] = {
    {"GET", "/api/token", "POST"},
    {"GET", "/api/withdraw", "POST"},
    {"PUT", "/api/withdraw", "POST"},
    {"DELETE", "/api/withdraw", "POST"},
    {"POST", "/api/withdrawals", "GET"},
    {"DELETE", "/api/withdrawals/6f1d8c8e-0b0c-4c52-9f0a-0123456789ab", "GET"},
    {"POST", "/api/withdrawals/6f1d8c8e-0b0c-4c52-9f0a-0123456789ab", "GET"},
    {"GET", "/api/withdrawals/6f1d8c8e-0b0c-4c52-9f0a-0123456789ab/void",
	"POST"},
    {"POST", "/api/account", "GET"},
    {"POST", "/api/health", "GET"},
};

/* The words of Allow, HEAD aside, which a GET may bring with it. */
static bool
allows_only(const char *allow, const char *method)
{
	bool found = false;

	while (*allow != '\0') {
		size_t len = strcspn(allow, ", ");

		if (len == strlen(method) && strncmp(allow, method, len) == 0)
			found = true;
		else if (len != 4 || strncmp(allow, "HEAD", len) != 0)
			return false;
		allow += len;
		allow += strspn(allow, ", ");
	}
	return found;
}

START_TEST(wrong_method)
{
	struct http_request request = {
	    .method = wrong_methods[_i].method,
	    .path = wrong_methods[_i].path,
	    .user = ledger_stranger(),
	    .key = order_id(),
	};
	struct http_response answer = http_send(&request);
	const char *allow;

	expect_problem(&answer, 405, "method-not-allowed", NULL);
	allow = http_header(&answer, "Allow");
	ck_assert_msg(
	    allow != NULL && allows_only(allow, wrong_methods[_i].allow),
	    "Allow: %s", allow);
}
END_TEST

START_TEST(no_such_path)
{
	static const char *const paths[] = {"/api/", "/api/nothing",
	    "/api/token/x", "/api/withdrawX", "/api/withdrawals/",
	    "/api/withdrawals/6f1d8c8e-0b0c-4c52-9f0a-0123456789ab/other",
	    "/api/health/x"};
	struct http_response answer = get(ledger_stranger(), paths[_i]);

	expect_problem(&answer, 404, "not-found", NULL);
}
END_TEST

Suite *
contract_suite(void)
{
	Suite *suite = suite_create("contract");
	TCase *tcase = fixture_case(suite, "answers");

	tcase_add_test(tcase, token_has_its_members);
	tcase_add_test(tcase, withdrawal_has_its_members);
	tcase_add_loop_test(tcase, amounts_may_be_short, 0, 3);
	tcase_add_test(tcase, replay_is_the_first_answer);
	tcase_add_test(tcase, replay_of_another_spelling);
	tcase_add_test(tcase, no_token_no_withdrawal);
	tcase_add_test(tcase, token_serves_once);
	tcase_add_test(tcase, record_of_a_success);
	tcase_add_test(tcase, record_of_a_refusal);
	tcase_add_test(tcase, record_of_nothing);
	tcase_add_test(tcase, list_pages_through_history);
	tcase_add_test(tcase, list_pages_through_one_moment);
	tcase_add_test(tcase, list_without_a_limit);
	tcase_add_loop_test(tcase, list_refuses_nonsense, 0, 13);
	tcase_add_test(tcase, void_closes_an_order);
	tcase_add_test(tcase, void_of_a_success_changes_nothing);
	tcase_add_test(tcase, account_follows_the_withdrawals);
	tcase_add_test(tcase, account_that_is_not_there);
	tcase_add_test(tcase, token_is_spent_without_a_record);
	tcase_add_test(tcase, health_needs_no_identity);
	tcase_add_loop_test(tcase, wrong_method, 0, COUNT(wrong_methods));
	tcase_add_loop_test(tcase, no_such_path, 0, 7);
	return suite;
}
