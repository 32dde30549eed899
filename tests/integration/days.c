/* Daily limits: they hold in a storm, and for the calendar day of the site's
 * time zone, from its first instant to its last. */
#include <check.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "scratch.h"
#include "session.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

/* A time zone where it is between 12 and 1 o'clock in the day: no midnight
 * comes while a test runs. */
static const char *
zone_of_noon(time_t now)
{
	int hour = (int)(now % DAY / HOUR);

	/* the sign is that of POSIX, east is below zero */
	return keep_format("Etc/GMT%+d", hour - 12);
}

/* The last midnight there. */
static time_t
midnight_before(time_t now)
{
	return now - now % HOUR - 12 * HOUR;
}

static const char *
utc(time_t at, const char *format)
{
	char text[64];
	struct tm tm;

	ck_assert_ptr_nonnull(gmtime_r(&at, &tm));
	ck_assert_uint_gt(strftime(text, sizeof(text), format, &tm), 0);
	return keep_format("%s", text);
}

/* --- storms ----------------------------------------------------------------
 */

/* When the storms began, and how to have the limits for all as they were. */
static time_t noon;
static const char *limits_before;

static void
begin_at_noon(void)
{
	noon = time(NULL);
	limits_before = ledger_sql(
	    "SELECT coalesce((SELECT format('SELECT limit_set(0, %L, %L, %L, "
	    "%L, %L, ''me'', NULL)', min_amount, max_amount, daily_count, "
	    "daily_sum, time_zone) FROM withdraw_limit WHERE user_id = 0), "
	    "'SELECT limit_clear(0, ''me'', NULL)')",
	    NULL);
	ledger_sql("SELECT limit_set(0, NULL, NULL, NULL, NULL, $1, 'me', "
		   "NULL)",
	    zone_of_noon(noon), NULL);
	ledger_disconnect();
}

/* Also where a test has died: made to be an unchecked teardown. */
static void
end_noon(void)
{
	ledger_sql(limits_before, NULL);
	ledger_disconnect();
}

static const struct {
	const char *count, *sum, *amount, *code;
	long succeed;
} storms[] = {
    {"3", NULL, "1.00", "daily-count-limit", 3},
    {NULL, "100.00", "10.00", "daily-sum-limit", 10},
};

START_TEST(storm_against_a_daily_limit)
{
	enum { ORDERS = 200 };
	const char *user = ledger_open("5000.00");
	struct order orders[ORDERS];
	struct http_request requests[ORDERS];
	struct http_response *answers;
	long succeeded = 0;

	ledger_sql("SELECT limit_set($1::bigint, NULL, NULL, "
		   "nullif($2, '')::numeric, nullif($3, '')::numeric, NULL, "
		   "'me', NULL)",
	    user, storms[_i].count ? storms[_i].count : "",
	    storms[_i].sum ? storms[_i].sum : "", NULL);
	for (int i = 0; i < ORDERS; i++) {
		orders[i] = order_new(user, storms[_i].amount);
		requests[i] =
		    order_request(&orders[i], order_token(&orders[i]));
	}
	answers = http_send_all(requests, ORDERS);
	for (int i = 0; i < ORDERS; i++) {
		struct http_response last =
		    order_settle_from(&orders[i], &answers[i]);
		struct http_response again;

		if (last.status == 201) {
			succeeded++;
		} else {
			expect_problem(&last, 422, storms[_i].code, "declined");
			ck_assert_str_eq(json_get(last.body, "resets_at"),
			    utc(midnight_before(noon) + DAY,
				"%Y-%m-%dT%H:%M:%S.000000Z"));
		}
		/* a replay is no withdrawal, and never refused anew */
		again = order_send_with(&orders[i], NULL);
		ck_assert(answer_same(&last, &again));
	}
	ck_assert_int_eq(succeeded, storms[_i].succeed);
	ck_assert_int_eq(ledger_succeeded(user), storms[_i].succeed);
}
END_TEST

static const struct {
	const char *count, *sum, *end, *answer;
} overtakings[] = {
    {"1", "", "COMMIT", "declined daily-count-limit 90.00"},
    {"1", "", "ROLLBACK", "succeeded 60.00"},
    {"", "49.99", "COMMIT", "declined daily-sum-limit 90.00"},
    {"", "50.00", "COMMIT", "succeeded 50.00"},
};

static const char *
decide_text(const char *user, const char *amount)
{
	return keep_format(
	    "SELECT concat_ws(' ', (ARRAY['succeeded', 'declined'])[status], "
	    "reason, balance_after) FROM withdraw_execute(%s, '%s', %s, 'CNY', "
	    "NULL, NULL)",
	    user, order_id(), amount);
}

/* Two at once that have both read the account while the day had room for one:
 * the second, which waits, is decided anew, by the limits as well. */
START_TEST(overtaken_withdrawal_is_held_to_the_limit)
{
	const char *user = ledger_open("100.00");
	struct session *first = session_open("withdraw_service");
	struct session *second = session_open("withdraw_service");

	ledger_sql("SELECT limit_set($1::bigint, NULL, NULL, "
		   "nullif($2, '')::numeric, nullif($3, '')::numeric, NULL, "
		   "'me', NULL)",
	    user, overtakings[_i].count, overtakings[_i].sum, NULL);
	session_run(first, "BEGIN");
	ck_assert_str_eq(
	    session_run(first, decide_text(user, "10.00")), "succeeded 90.00");
	session_send(second, decide_text(user, "40.00"));
	WAIT_UNTIL(session_waits_for(second, first));
	session_run(first, overtakings[_i].end);
	ck_assert_str_eq(session_result(second), overtakings[_i].answer);
}
END_TEST

/* --- what is left of the day -------------------------------------------------
 */

/* What a test that died has left. */
static void
no_limits_for_all(void)
{
	ledger_sql("SELECT limit_set(0, NULL, NULL, NULL, NULL, NULL, 'me', "
		   "NULL)",
	    NULL);
}

static const char *
overview(const char *user)
{
	struct http_request request = {
	    .path = "/api/account?limits=1", .user = user};
	struct http_response answer = http_send(&request);

	ck_assert_msg(
	    answer.status == 200, "%d %s", answer.status, answer.body);
	return answer.body;
}

static void
expect_limits(const char *body, const char *min, const char *max,
    const char *count, const char *count_left, const char *sum,
    const char *sum_left)
{
	expect_member(body, "min_amount", min);
	expect_member(body, "max_amount", max);
	expect_member(body, "daily_count", count);
	expect_member(body, "daily_count_left", count_left);
	expect_member(body, "daily_sum", sum);
	expect_member(body, "daily_sum_left", sum_left);
}

static void
expect_code(const char *user, const char *amount, int status, const char *code)
{
	struct order order = order_new(user, amount);
	struct http_response answer = order_send(&order);

	ck_assert_msg(
	    answer.status == status, "%d %s", answer.status, answer.body);
	ck_assert_str_eq(answer_code(&answer), code);
}

/* Only what succeeded counts, and what is said is what then happens. */
START_TEST(limits_are_told_beforehand)
{
	const char *user = ledger_open("500.00"), *body = overview(user);
	struct order closed = order_new(user, "1.00");

	ck_assert_str_eq(json_get(body, "state"), "active");
	expect_limits(body, "null", "null", "null", "null", "null", "null");
	expect_member(body, "resets_at", "null");
	ledger_sql("SELECT limit_set($1::bigint, 2, 40.00, 3, 55.5, NULL, "
		   "'me', NULL)",
	    user, NULL);
	order_void(&closed);
	expect_code(user, "1.99", 422, "below-minimum");
	expect_code(user, "40.01", 422, "above-maximum");
	body = overview(user);
	expect_limits(body, "2.00", "40.00", "3", "3", "55.50", "55.50");
	expect_member(body, "resets_at",
	    utc(midnight_before(noon) + DAY, "%Y-%m-%dT%H:%M:%S.000000Z"));
	expect_member(body, "user_id", user);
	expect_member(body, "balance", "500.00");
	expect_member(body, "version", "1");
	expect_code(user, "40.00", 201, "");
	body = overview(user);
	expect_limits(body, "2.00", "40.00", "3", "2", "55.50", "15.50");
	expect_member(body, "balance", "460.00");
	expect_code(user, "15.51", 422, "daily-sum-limit");
	expect_code(user, "2.00", 201, "");
	expect_code(user, "13.50", 201, "");
	expect_limits(
	    overview(user), "2.00", "40.00", "3", "0", "55.50", "0.00");
	expect_code(user, "2.00", 422, "daily-count-limit");
	/* fewer than there were: nothing is left, not less than that */
	ledger_sql("SELECT limit_set($1::bigint, 2, 40, 1, 10, NULL, 'me', "
		   "NULL)",
	    user, NULL);
	expect_limits(
	    overview(user), "2.00", "40.00", "1", "0", "10.00", "0.00");
	/* the limits of all, of which a user may be free */
	ledger_sql("SELECT limit_set(0, 1, 30, 9, 99, NULL, 'me', NULL)", NULL);
	ledger_sql("SELECT limit_set($1::bigint, NULL, 'Infinity', 'Infinity', "
		   "NULL, NULL, 'me', NULL)",
	    user, NULL);
	expect_limits(
	    overview(user), "1.00", "null", "null", "null", "99.00", "43.50");
	ledger_freeze(user);
	ck_assert_str_eq(json_get(overview(user), "state"), "frozen");
}
END_TEST

/* Of the service's own limits and the ledger's, the stricter. */
START_TEST(stricter_limits_are_told)
{
	const char *user = ledger_open("500.00");

	stack_restart("withdrawd", "WITHDRAW_MIN=3.00 WITHDRAW_MAX=40.00");
	expect_limits(
	    overview(user), "3.00", "40.00", "null", "null", "null", "null");
	ledger_sql("SELECT limit_set($1::bigint, 2.99, 39.99, NULL, NULL, "
		   "NULL, 'me', NULL)",
	    user, NULL);
	expect_limits(
	    overview(user), "3.00", "39.99", "null", "null", "null", "null");
	expect_code(user, "2.99", 422, "below-minimum");
	expect_code(user, "40.00", 422, "above-maximum");
}
END_TEST

/* Never more than may be: to the inside, in whole cents. */
START_TEST(limits_are_in_whole_cents)
{
	const char *user = ledger_open("500.00");

	ledger_sql("SELECT limit_set($1::bigint, 1.001, 4.999, 2.5, 9.999, "
		   "NULL, 'me', NULL)",
	    user, NULL);
	expect_limits(overview(user), "1.01", "4.99", "3", "3", "9.99", "9.99");
	expect_code(user, "1.00", 422, "below-minimum");
	expect_code(user, "5.00", 422, "above-maximum");
	for (int i = 0; i < 3; i++)
		expect_code(user, "1.01", 201, "");
	expect_code(user, "1.01", 422, "daily-count-limit");
}
END_TEST

static const struct {
	const char *query;
	bool limits;
	int status;
} queries[] = {{"", false, 200}, {"?limits=1", true, 200},
    {"?limits=0", false, 400}, {"?limits=", false, 400},
    {"?limits=11111", false, 400}, {"?limits=1&limits=1", false, 400}};

/* Who does not ask for them gets what the interface always had. */
START_TEST(limits_are_asked_for)
{
	struct http_request request = {
	    .path = keep_format("/api/account%s", queries[_i].query),
	    .user = ledger_open("5.00")};
	struct http_response answer = http_send(&request);

	if (queries[_i].status != 200) {
		expect_problem(&answer, 400, "malformed", "unknown");
		return;
	}
	ck_assert_str_eq(json_shape(answer.body),
	    queries[_i].limits
		? "balance:string currency:string daily_count:null "
		  "daily_count_left:null daily_sum:null daily_sum_left:null "
		  "max_amount:null min_amount:null resets_at:null state:string "
		  "user_id:number version:number"
		: "balance:string currency:string user_id:number "
		  "version:number");
}
END_TEST

START_TEST(limits_of_nobody)
{
	struct http_request request = {
	    .path = "/api/account?limits=1", .user = ledger_stranger()};
	struct http_response answer = http_send(&request);

	expect_problem(&answer, 404, "account-unknown", NULL);
	request.user = NULL;
	answer = http_send(&request);
	expect_problem(&answer, 401, "unauthenticated", "unknown");
}
END_TEST

/* --- the day, in a database of its own -------------------------------------
 */

#define ORDER "'00000000-0000-4000-8000-00000000000a'"

/* User 1 may withdraw once a day. What a withdrawal says is "succeeded", or
 * why not and from when on again, in UTC. */
#define WITHDRAW(order)                                                        \
	"SELECT coalesce(reason || ' ' || 'epoch'::timestamp "                 \
	"+ resets_us * interval '1 us', 'succeeded') "                         \
	"FROM withdraw_execute(1, " order ", 1, 'CNY', NULL, NULL)"

static void
allow_once_a_day(const char *zone)
{
	scratch_sql(keep_format(
	    "SELECT account_open(1, 100);"
	    "SELECT limit_set(0, NULL, NULL, 1, NULL, '%s', 'me', NULL)",
	    zone));
}

static const char *
withdraw(void)
{
	return scratch_sql(WITHDRAW("gen_random_uuid()"));
}

static const char *
refused_until(const char *at)
{
	return keep_format("daily-count-limit %s\n", at);
}

static const char *
refused_until_midnight(time_t now)
{
	return refused_until(
	    utc(midnight_before(now) + DAY, "%Y-%m-%d %H:%M:%S"));
}

static void
set_records_back(time_t to, int us_before)
{
	scratch_sql(keep_format("UPDATE withdraw_record SET created_at = "
				"to_timestamp(%lld) - interval '%d us' "
				"WHERE status = 1",
	    (long long)to, us_before));
}

START_TEST(what_was_before_midnight_does_not_count)
{
	time_t now = time(NULL);
	time_t midnight = midnight_before(now);

	allow_once_a_day(zone_of_noon(now));
	ck_assert_str_eq(withdraw(), "succeeded\n");
	ck_assert_str_eq(withdraw(), refused_until_midnight(now));
	set_records_back(midnight, 0);
	ck_assert_str_eq(withdraw(), refused_until_midnight(now));
	set_records_back(midnight, 1);
	ck_assert_str_eq(withdraw(), "succeeded\n");
	ck_assert_str_eq(withdraw(), refused_until_midnight(now));
}
END_TEST

START_TEST(payout_that_came_back_counts)
{
	time_t now = time(NULL);

	allow_once_a_day(zone_of_noon(now));
	ck_assert_str_eq(scratch_sql(WITHDRAW(ORDER)), "succeeded\n");
	ck_assert_str_eq(scratch_sql("SELECT verdict FROM payout_mark(" ORDER
				     ", 'returned', 'R1', 'me', NULL)"),
	    "moved\n");
	ck_assert_str_eq(withdraw(), refused_until_midnight(now));
}
END_TEST

/* --- days by a clock that the test sets ------------------------------------
 */

/* The function as it is, but for where it has the time from. */
static void
put_clock_in(void)
{
	scratch_sql("DO $$ BEGIN EXECUTE replace("
		    "pg_get_functiondef('withdraw_batch'::regproc), "
		    "'clock_timestamp()', "
		    "'current_setting(''withdraw_test.now'')::timestamptz'); "
		    "END $$");
}

/* So many microseconds before an instant, which is in UTC. */
static const char *
withdraw_before(const char *at, int us)
{
	return scratch_sql(keep_format(
	    "DO $$ BEGIN PERFORM set_config('withdraw_test.now', "
	    "(timestamptz '%s UTC' - interval '%d us')::text, false); END $$;"
	    "%s",
	    at, us, WITHDRAW("gen_random_uuid()")));
}

/* A day from its first instant to that of the next one, and of the one after
 * that, in UTC. */
static const struct {
	const char *zone, *first, *next, *after;
} days[] = {
    {"UTC", "2026-01-10 00:00:00", "2026-01-11 00:00:00",
	"2026-01-12 00:00:00"},
    {"Asia/Shanghai", "2026-02-27 16:00:00", "2026-02-28 16:00:00",
	"2026-03-01 16:00:00"},
    {"Asia/Kathmandu", "2026-01-09 18:15:00", "2026-01-10 18:15:00",
	"2026-01-11 18:15:00"},
    {"Pacific/Kiritimati", "2026-01-09 10:00:00", "2026-01-10 10:00:00",
	"2026-01-11 10:00:00"},
    {"Pacific/Pago_Pago", "2026-01-10 11:00:00", "2026-01-11 11:00:00",
	"2026-01-12 11:00:00"},
    /* a day before one of 23 hours, that one, and one of 25 */
    {"Europe/Berlin", "2026-03-27 23:00:00", "2026-03-28 23:00:00",
	"2026-03-29 22:00:00"},
    {"Europe/Berlin", "2026-03-28 23:00:00", "2026-03-29 22:00:00",
	"2026-03-30 22:00:00"},
    {"Europe/Berlin", "2026-10-24 22:00:00", "2026-10-25 23:00:00",
	"2026-10-26 23:00:00"},
    {"America/New_York", "2026-11-01 04:00:00", "2026-11-02 05:00:00",
	"2026-11-03 05:00:00"},
    /* half an hour less */
    {"Australia/Lord_Howe", "2026-10-03 13:30:00", "2026-10-04 13:00:00",
	"2026-10-05 13:00:00"},
    /* a day without a midnight, and days that have two */
    {"Africa/Cairo", "2026-04-23 22:00:00", "2026-04-24 21:00:00",
	"2026-04-25 21:00:00"},
    {"America/Havana", "2026-11-01 04:00:00", "2026-11-02 05:00:00",
	"2026-11-03 05:00:00"},
    {"Atlantic/Azores", "2026-10-25 00:00:00", "2026-10-26 01:00:00",
	"2026-10-27 01:00:00"},
};

START_TEST(limit_is_of_the_local_day)
{
	const char *first = days[_i].first;
	const char *next = days[_i].next;
	const char *after = days[_i].after;

	allow_once_a_day(days[_i].zone);
	put_clock_in();
	ck_assert_str_eq(withdraw_before(first, 1), "succeeded\n");
	ck_assert_str_eq(withdraw_before(first, 1), refused_until(first));
	ck_assert_str_eq(withdraw_before(first, 0), "succeeded\n");
	ck_assert_str_eq(withdraw_before(first, 0), refused_until(next));
	ck_assert_str_eq(withdraw_before(next, 1), refused_until(next));
	ck_assert_str_eq(withdraw_before(next, 0), "succeeded\n");
	ck_assert_str_eq(withdraw_before(after, 1), refused_until(after));
	ck_assert_str_eq(withdraw_before(after, 0), "succeeded\n");
}
END_TEST

Suite *
days_suite(void)
{
	Suite *suite = suite_create("days");
	TCase *tcase = fixture_case(suite, "storm");

	tcase_add_unchecked_fixture(tcase, begin_at_noon, end_noon);
	tcase_add_loop_test(
	    tcase, storm_against_a_daily_limit, 0, COUNT(storms));
	tcase_add_checked_fixture(tcase, NULL, session_close_all);
	tcase_add_loop_test(tcase, overtaken_withdrawal_is_held_to_the_limit, 0,
	    COUNT(overtakings));

	tcase = fixture_case(suite, "beforehand");
	tcase_add_unchecked_fixture(tcase, begin_at_noon, end_noon);
	tcase_add_checked_fixture(tcase, no_limits_for_all, NULL);
	tcase_add_test(tcase, limits_are_told_beforehand);
	tcase_add_test(tcase, stricter_limits_are_told);
	tcase_add_test(tcase, limits_are_in_whole_cents);
	tcase_add_loop_test(tcase, limits_are_asked_for, 0, COUNT(queries));
	tcase_add_test(tcase, limits_of_nobody);

	tcase = fixture_case(suite, "midnight");
	tcase_add_checked_fixture(tcase, scratch_make, scratch_drop);
	tcase_add_test(tcase, what_was_before_midnight_does_not_count);
	tcase_add_test(tcase, payout_that_came_back_counts);
	tcase_add_loop_test(tcase, limit_is_of_the_local_day, 0, COUNT(days));
	return suite;
}
