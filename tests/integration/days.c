/* Daily limits: they hold in a storm, and for the calendar day of the site's
 * time zone, from its first instant to its last. */
#include <check.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "json.h"
#include "ledger.h"
#include "order.h"
#include "scratch.h"
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

	tcase = fixture_case(suite, "midnight");
	tcase_add_checked_fixture(tcase, scratch_make, scratch_drop);
	tcase_add_test(tcase, what_was_before_midnight_does_not_count);
	tcase_add_test(tcase, payout_that_came_back_counts);
	tcase_add_loop_test(tcase, limit_is_of_the_local_day, 0, COUNT(days));
	return suite;
}
