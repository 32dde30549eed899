/* check_twin.c: the waiting room: every twin is woken, once, by the right
 * news. The loop runs until no timer is left: nothing here depends on how long
 * anything takes. */
#include <ev.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "pipeline/result.h"
#include "pipeline/twin.h"
#include "suites.h"

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"
#define OTHER "1189abcd-ef01-4234-8567-89abcdef0123"

#define USER 1001
#define PAST 1 /* for seat.until_us: its time was over long ago */

enum { MANY = 1000 };

/* A twin, and what it was told. */
struct twin {
	struct twin_seat seat; /* first, so that woken() finds the rest */
	int woken;
	int place; /* it was the n-th to be woken */
	enum twin_news news;
	const struct result *result;
	bool sit_again;
};

static struct ev_loop *loop;
static struct twin_room *room;
static struct twin twins[MANY];
static int wakings;

static const struct result with_record = {.has_record = true};
static const struct result without_record;

static void
woken(struct twin_seat *seat, enum twin_news news, const struct result *result)
{
	struct twin *t = (struct twin *)seat;

	ck_assert_ptr_null(seat->flight); /* it has left already */
	t->woken++;
	t->place = ++wakings;
	t->news = news;
	t->result = result;
	if (t->sit_again) {
		t->sit_again = false;
		twin_wait(room, seat, USER, ORDER);
	}
}

static void
setup(void)
{
	/* longer than any test: what expires is set so */
	const struct config cfg = {.twin_wait_ms = 3600000};
	int i;

	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	room = twin_room_new(loop, &cfg);
	memset(twins, 0, sizeof(twins));
	for (i = 0; i < MANY; i++)
		twins[i].seat.woken = woken;
	wakings = 0;
}

static void
teardown(void)
{
	twin_room_free(&room);
	ck_assert_ptr_null(room);
	ev_loop_destroy(loop);
}

static void
assert_told(
    const struct twin *t, enum twin_news news, const struct result *result)
{
	ck_assert_int_eq(t->woken, 1);
	ck_assert_int_eq(t->news, news);
	ck_assert_ptr_eq(t->result, result);
}

static void
sit(struct twin *t)
{
	twin_wait(room, &t->seat, USER, ORDER);
}

/* Its time is over, and Redis is asked by nobody who sits there: no stall of
 * the machine makes that come first. */
static void
sit_late(struct twin *t)
{
	t->seat.until_us = PAST;
	t->seat.delay = 3600;
	sit(t);
}

/* Runs the loop until one looks in the ledger, and the n - 1 others of the
 * first n twins have nothing left but to wait for that. */
static void
run_to_look(int n)
{
	int i, late;

	do {
		ev_run(loop, EVRUN_ONCE);
		for (i = late = 0; i < n; i++)
			late += twins[i].woken > 0 || twins[i].seat.expired;
	} while (late < n);
}

static void
on_lingered(struct ev_loop *l, ev_timer *t, int revents)
{
	(void)t, (void)revents;
	ev_break(l, EVBREAK_ONE);
}

/* Runs the loop past the time at which Redis would be asked for the first
 * time. If nothing is to happen, no slowness makes this fail. */
static void
linger(void)
{
	ev_timer t;

	ev_timer_init(&t, on_lingered, 0.05, 0);
	ev_timer_start(loop, &t);
	ev_run(loop, 0);
}

/* --- an order that runs here -------------------------------------------- */

START_TEST(runs_once)
{
	struct twin_flight *f = twin_begin(room, USER, ORDER), *g, *h;

	ck_assert_ptr_nonnull(f);
	ck_assert(twin_running(room, USER, ORDER));
	ck_assert_ptr_null(twin_begin(room, USER, ORDER));
	/* another user's, or another order, is another run */
	ck_assert(!twin_running(room, USER + 1, ORDER));
	ck_assert(!twin_running(room, USER, OTHER));
	g = twin_begin(room, USER + 1, ORDER);
	h = twin_begin(room, USER, OTHER);
	ck_assert_ptr_nonnull(g);
	ck_assert_ptr_nonnull(h);
	twin_end(room, &f, &with_record);
	ck_assert_ptr_null(f);
	ck_assert(!twin_running(room, USER, ORDER));
	ck_assert(twin_running(room, USER + 1, ORDER));
	twin_end(room, &f, &with_record); /* nothing to end */
	twin_end(room, &g, &with_record);
	twin_end(room, &h, &with_record);
	f = twin_begin(room, USER, ORDER);
	ck_assert_ptr_nonnull(f);
	twin_end(room, &f, &with_record);
}
END_TEST

START_TEST(all_are_told)
{
	struct twin_flight *f = twin_begin(room, USER, ORDER);
	int i;

	for (i = 0; i < 3; i++)
		sit(&twins[i]);
	twin_wait(room, &twins[3].seat, USER + 1, ORDER);
	twin_wait(room, &twins[4].seat, USER, OTHER);
	ck_assert(!twin_running(room, USER, OTHER)); /* who waits is not it */
	ck_assert_int_eq(wakings, 0);
	twin_end(room, &f, &with_record);
	for (i = 0; i < 3; i++) {
		assert_told(&twins[i], TWIN_TOLD, &with_record);
		ck_assert_int_eq(twins[i].place, i + 1);
	}
	ck_assert_int_eq(twins[3].woken, 0);
	ck_assert_int_eq(twins[4].woken, 0);
	ev_run(loop, 0); /* the two ask elsewhere */
	assert_told(&twins[3], TWIN_YOUR_TURN, NULL);
	assert_told(&twins[4], TWIN_YOUR_TURN, NULL);
	ck_assert_int_eq(wakings, 5);
}
END_TEST

/* A result that is no record is news too: all are told, and none waits on. */
START_TEST(told_without_record)
{
	struct twin_flight *f = twin_begin(room, USER, ORDER);

	sit(&twins[0]);
	sit(&twins[1]);
	twin_end(room, &f, &without_record);
	assert_told(&twins[0], TWIN_TOLD, &without_record);
	assert_told(&twins[1], TWIN_TOLD, &without_record);
}
END_TEST

/* While it runs here, Redis is not asked ... */
START_TEST(not_asked_while_it_runs)
{
	struct twin_flight *f = twin_begin(room, USER, ORDER);

	sit(&twins[0]);
	sit(&twins[1]);
	linger();
	ck_assert_int_eq(wakings, 0);
	twin_end(room, &f, &with_record);
	ck_assert_int_eq(wakings, 2);
}
END_TEST

/* ... and the ledger is not looked at. */
START_TEST(still_running)
{
	struct twin_flight *f = twin_begin(room, USER, ORDER);

	twins[0].seat.until_us = twins[1].seat.until_us = PAST;
	sit(&twins[0]);
	sit(&twins[1]);
	ev_run(loop, 0);
	assert_told(&twins[0], TWIN_STILL_RUNNING, NULL);
	assert_told(&twins[1], TWIN_STILL_RUNNING, NULL);
	twin_end(room, &f, &with_record);
	ck_assert_int_eq(wakings, 2);
}
END_TEST

/* An order that ran elsewhere is taken over while twins of it wait. */
START_TEST(taken_over)
{
	struct twin_flight *f;

	sit(&twins[0]);
	sit(&twins[1]);
	f = twin_begin(room, USER, ORDER);
	ck_assert_ptr_nonnull(f);
	sit(&twins[2]);
	linger();
	ck_assert_int_eq(wakings, 0);
	twin_end(room, &f, &with_record);
	assert_told(&twins[0], TWIN_TOLD, &with_record);
	assert_told(&twins[1], TWIN_TOLD, &with_record);
	assert_told(&twins[2], TWIN_TOLD, &with_record);
	ev_run(loop, 0);
	ck_assert_int_eq(wakings, 3);
}
END_TEST

/* --- an order that runs elsewhere --------------------------------------- */

START_TEST(one_at_a_time)
{
	int i;

	for (i = 0; i < 10; i++)
		sit(&twins[i]);
	while (wakings == 0)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_int_eq(wakings, 1);
	ev_run(loop, 0);
	for (i = 0; i < 10; i++) {
		assert_told(&twins[i], TWIN_YOUR_TURN, NULL);
		ck_assert_int_eq(twins[i].place, i + 1);
	}
}
END_TEST

/* Who asked and sits down again waits only for what is left of its time. */
START_TEST(one_wait_in_all)
{
	int64_t until;

	sit(&twins[0]);
	until = twins[0].seat.until_us;
	ck_assert_int_gt(until, clock_us());
	twins[0].sit_again = true;
	while (wakings == 0)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_ptr_nonnull(twins[0].seat.flight);
	ck_assert_int_eq(twins[0].seat.until_us, until);
	twin_tell(room, USER, ORDER, &with_record);
	ck_assert_int_eq(twins[0].woken, 2);
	ck_assert_int_eq(twins[0].news, TWIN_TOLD);
}
END_TEST

/* When time is over, one looks in the ledger, for all of them. */
START_TEST(one_looks_for_all)
{
	int i, looks = 0;

	for (i = 0; i < 10; i++)
		sit_late(&twins[i]);
	run_to_look(10);
	ck_assert_int_eq(wakings, 1);
	for (i = 0; i < 10; i++)
		looks += twins[i].woken == 1 && twins[i].news == TWIN_LOOK;
	ck_assert_int_eq(looks, 1);
	twin_looked(room, USER, ORDER, &with_record);
	ck_assert_int_eq(wakings, 10);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(twins[i].woken, 1);
	ev_run(loop, 0);
	ck_assert_int_eq(wakings, 10);
}
END_TEST

/* Whose time is over waits for the look alone: Redis is asked by the others. */
START_TEST(not_asked_while_one_looks)
{
	sit(&twins[0]);
	sit(&twins[1]);
	while (wakings == 0) /* Redis is asked soon, from here on */
		ev_run(loop, EVRUN_ONCE);
	sit_late(&twins[2]);
	sit_late(&twins[3]);
	while (!twins[3].seat.expired || twins[1].woken == 0)
		ev_run(loop, EVRUN_ONCE);
	assert_told(&twins[1], TWIN_YOUR_TURN, NULL);
	assert_told(&twins[2], TWIN_LOOK, NULL);
	ev_run(loop, 0); /* until its turn to ask Redis has come, and gone */
	ck_assert_int_eq(twins[3].woken, 0);
	sit(&twins[4]);
	while (twins[4].woken == 0)
		ev_run(loop, EVRUN_ONCE);
	assert_told(&twins[4], TWIN_YOUR_TURN, NULL);
	ck_assert_int_eq(twins[3].woken, 0);
	twin_looked(room, USER, ORDER, &without_record);
	assert_told(&twins[3], TWIN_TOLD, &without_record);
	ck_assert_int_eq(wakings, 5);
}
END_TEST

/* A look that found nothing is an answer only for those whose time is over. */
START_TEST(nothing_found)
{
	sit_late(&twins[0]);
	sit_late(&twins[1]);
	run_to_look(2);
	ck_assert_int_eq(wakings, 1);
	sit(&twins[2]); /* with all its time to come */
	twin_looked(room, USER, ORDER, &without_record);
	ck_assert_int_eq(wakings, 2);
	ck_assert_int_eq(twins[0].woken, 1);
	ck_assert_int_eq(twins[1].woken, 1);
	ck_assert_ptr_nonnull(twins[2].seat.flight);
	/* whose time is over later has a look of its own */
	sit_late(&twins[3]);
	while (twins[3].woken == 0)
		ev_run(loop, EVRUN_ONCE);
	assert_told(&twins[3], TWIN_LOOK, NULL);
	ck_assert_int_eq(twins[2].woken, 0);
	twin_looked(room, USER, ORDER, &with_record);
	assert_told(&twins[2], TWIN_TOLD, &with_record);
	ck_assert_int_eq(wakings, 4);
}
END_TEST

/* The same where those whose time is over sit behind others. */
START_TEST(nothing_found_for_the_last)
{
	sit_late(&twins[0]);
	run_to_look(1);
	assert_told(&twins[0], TWIN_LOOK, NULL);
	sit(&twins[1]);
	sit_late(&twins[2]);
	while (!twins[2].seat.expired)
		ev_run(loop, EVRUN_ONCE);
	twin_looked(room, USER, ORDER, &without_record);
	assert_told(&twins[2], TWIN_TOLD, &without_record);
	ck_assert_int_eq(twins[1].woken, 0);
	twin_tell(room, USER, ORDER, &with_record);
	assert_told(&twins[1], TWIN_TOLD, &with_record);
	ck_assert_int_eq(wakings, 3);
}
END_TEST

/* A look that found the record tells all who sit there. */
START_TEST(record_found)
{
	sit_late(&twins[0]);
	run_to_look(1);
	assert_told(&twins[0], TWIN_LOOK, NULL);
	sit(&twins[1]);
	twin_looked(room, USER, ORDER, &with_record);
	assert_told(&twins[1], TWIN_TOLD, &with_record);
	ev_run(loop, 0);
	ck_assert_int_eq(wakings, 2);
}
END_TEST

/* A look under way, and the order runs here all at once. */
START_TEST(look_and_run)
{
	struct twin_flight *f;

	sit_late(&twins[0]);
	run_to_look(1);
	f = twin_begin(room, USER, ORDER);
	ck_assert_ptr_nonnull(f);
	sit(&twins[1]);
	twin_looked(room, USER, ORDER, &without_record);
	ck_assert(twin_running(room, USER, ORDER));
	ck_assert_int_eq(twins[1].woken, 0);
	twin_end(room, &f, &with_record);
	assert_told(&twins[1], TWIN_TOLD, &with_record);
}
END_TEST

START_TEST(news_for_nobody)
{
	twin_tell(room, USER, ORDER, &with_record);
	twin_looked(room, USER, ORDER, &with_record);
	ck_assert_int_eq(wakings, 0);
}
END_TEST

/* --- crowds ------------------------------------------------------------- */

/* Who is told may sit down again at once, and is not told of the same news
 * twice. */
START_TEST(told_and_back)
{
	int i;

	for (i = 0; i < 5; i++) {
		twins[i].sit_again = true;
		sit(&twins[i]);
	}
	twin_tell(room, USER, ORDER, &with_record);
	for (i = 0; i < 5; i++) {
		assert_told(&twins[i], TWIN_TOLD, &with_record);
		ck_assert_ptr_nonnull(twins[i].seat.flight);
	}
	twin_tell(room, USER, ORDER, &without_record);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(twins[i].woken, 2);
}
END_TEST

START_TEST(many_orders)
{
	enum { ORDERS = 50 };
	static struct twin_flight *flights[ORDERS];
	int i;

	for (i = 0; i < ORDERS; i += 2)
		flights[i] = twin_begin(room, USER + i, ORDER);
	for (i = 0; i < MANY; i++)
		twin_wait(room, &twins[i].seat, USER + i % ORDERS, ORDER);
	/* 7 and 50 have no common factor: each order once, mixed */
	for (i = 0; i < ORDERS; i++) {
		int n = i * 7 % ORDERS;

		if (n % 2 == 0)
			twin_end(room, &flights[n], &with_record);
		else
			twin_tell(room, USER + n, ORDER, &with_record);
		ck_assert_int_eq(wakings, (i + 1) * (MANY / ORDERS));
	}
	for (i = 0; i < MANY; i++)
		assert_told(&twins[i], TWIN_TOLD, &with_record);
	ev_run(loop, 0);
	ck_assert_int_eq(wakings, MANY);
}
END_TEST

Suite *
twin_suite(void)
{
	Suite *s = suite_create("twin");
	TCase *t = tcase_create("twin");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, runs_once);
	tcase_add_test(t, all_are_told);
	tcase_add_test(t, told_without_record);
	tcase_add_test(t, not_asked_while_it_runs);
	tcase_add_test(t, still_running);
	tcase_add_test(t, taken_over);
	tcase_add_test(t, one_at_a_time);
	tcase_add_test(t, one_wait_in_all);
	tcase_add_test(t, one_looks_for_all);
	tcase_add_test(t, not_asked_while_one_looks);
	tcase_add_test(t, nothing_found);
	tcase_add_test(t, nothing_found_for_the_last);
	tcase_add_test(t, record_found);
	tcase_add_test(t, look_and_run);
	tcase_add_test(t, news_for_nobody);
	tcase_add_test(t, told_and_back);
	tcase_add_test(t, many_orders);
	suite_add_tcase(s, t);
	return s;
}
