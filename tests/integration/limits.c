/* What nginx refuses on its own: it looks like the service's answers, and
 * claims nothing about the order. */
#include <check.h>
#include <string.h>

#include "fixture.h"
#include "http.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

START_TEST(too_many_requests)
{
	enum { REQUESTS = 20 };
	struct http_request requests[REQUESTS];
	struct http_response *answers;
	const char *user = ledger_open("10.00");
	int limited = 0;
	int served = 0;

	stack_restart("nginx", "RATE=1r/s BURST=1");
	for (int i = 0; i < REQUESTS; i++)
		requests[i] =
		    (struct http_request){.path = "/api/account", .user = user};
	answers = http_send_all(requests, REQUESTS);
	for (int i = 0; i < REQUESTS; i++) {
		if (answers[i].status == 200) {
			served++;
			continue;
		}
		expect_problem(&answers[i], 429, "rate-limited", "unknown");
		limited++;
	}
	ck_assert_int_gt(limited, 0);
	ck_assert_int_gt(served, 0);
}
END_TEST

/* A client that asks again as soon as it is answered keeps nginx busy with
 * refusals otherwise. In HTTP/2 it is the body alone that takes time. */
START_TEST(refusal_takes_its_time)
{
	enum { REQUESTS = 20, HTTP2_BYTES_A_SECOND = 100, AT_LEAST_MS = 500 };
	struct http_request requests[REQUESTS];
	struct http_response *answers;
	const char *user = ledger_open("10.00");
	int limited = 0;

	stack_restart("nginx", "RATE=1r/s BURST=1");
	for (int i = 0; i < REQUESTS; i++)
		requests[i] =
		    (struct http_request){.path = "/api/account", .user = user};
	answers = http_send_all(requests, REQUESTS);
	for (int i = 0; i < REQUESTS; i++) {
		if (answers[i].status != 429)
			continue;
		ck_assert_int_gt(answers[i].ms, AT_LEAST_MS);
		ck_assert_uint_gt(answers[i].body_len, HTTP2_BYTES_A_SECOND);
		limited++;
	}
	ck_assert_int_gt(limited, 0);
}
END_TEST

START_TEST(limit_of_one_is_not_anothers)
{
	enum { REQUESTS = 20 };
	struct http_request requests[REQUESTS];
	struct http_request other = {.path = "/api/account"};
	const char *user = ledger_open("10.00");
	struct http_response answer;

	other.user = ledger_open("10.00");
	stack_restart("nginx", "RATE=1r/s BURST=1");
	for (int i = 0; i < REQUESTS; i++)
		requests[i] =
		    (struct http_request){.path = "/api/account", .user = user};
	http_send_all(requests, REQUESTS);
	answer = http_send(&other);
	expect_status(&answer, 200);
}
END_TEST

START_TEST(service_is_not_there)
{
	struct order order = order_new(ledger_open("10.00"), "10.00");
	struct http_request request =
	    order_request(&order, order_token(&order));
	struct http_response answer;

	stack_stop("withdrawd");
	answer = http_send(&request);
	expect_problem(&answer, 503, "outcome-unknown", "unknown");
	stack_start("withdrawd");
	answer = order_settle(&order);
	expect_success(&answer, &order);
}
END_TEST

Suite *
limits_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = fixture_case(suite, "nginx");

	tcase_add_test(tcase, too_many_requests);
	tcase_add_test(tcase, refusal_takes_its_time);
	tcase_add_test(tcase, limit_of_one_is_not_anothers);
	tcase_add_test(tcase, service_is_not_there);
	return suite;
}
