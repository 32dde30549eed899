/* check_histogram.c: what the benchmark says of durations. */
#include <stdlib.h>
#include <string.h>

#include "../bench/load/histogram.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct histogram h;

static void
empty(void)
{
	memset(&h, 0, sizeof(h));
}

/* Small numbers have a bucket each. */
START_TEST(exact)
{
	int64_t v;

	ck_assert_int_eq(histogram_at(&h, 0.99), 0);
	for (v = 1; v <= 100; v++)
		histogram_add(&h, v);
	ck_assert_int_eq(histogram_at(&h, 0.5), 50);
	ck_assert_int_eq(histogram_at(&h, 0.99), 99);
	ck_assert_int_eq(histogram_at(&h, 0.999), 100);
	ck_assert_int_eq(histogram_at(&h, 1), 100);
	ck_assert_uint_eq(h.n, 100);
	ck_assert_int_eq(h.sum, 5050);
}
END_TEST

/* A single one is found again from below 1 % above, whatever its size; a
 * larger one beside it keeps the maximum from giving it away. */
START_TEST(close_enough)
{
	int64_t v, got;

	for (v = 1; v < INT64_MAX / 4; v += v / 3 + 1) {
		empty();
		histogram_add(&h, v);
		histogram_add(&h, INT64_MAX - v);
		got = histogram_at(&h, 0.5);
		ck_assert_int_ge(got, v);
		ck_assert_int_le(got - v, v / 128);
	}
	empty();
	histogram_add(&h, INT64_MAX);
	ck_assert_int_eq(histogram_at(&h, 1), INT64_MAX);
}
END_TEST

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The same as from all of them, sorted. */
START_TEST(like_sorted)
{
	static const double shares[] = {0.01, 0.5, 0.9, 0.99, 0.999};
	static int64_t all[5000];
	uint64_t random = 88172645463325252;
	size_t i;

	for (i = 0; i < COUNT(all); i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		all[i] = (int64_t)(random >> (24 + random % 30));
		histogram_add(&h, all[i]);
	}
	qsort(all, COUNT(all), sizeof(all[0]), by_size);
	for (i = 0; i < COUNT(shares); i++) {
		int64_t want = all[(size_t)(shares[i] * COUNT(all)) - 1];
		int64_t got = histogram_at(&h, shares[i]);

		ck_assert_int_ge(got, want);
		ck_assert_int_le(got - want, want / 128);
	}
}
END_TEST

Suite *
histogram_suite(void)
{
	Suite *s = suite_create("histogram");
	TCase *tc = tcase_create("histogram");

	tcase_add_checked_fixture(tc, empty, NULL);
	tcase_add_test(tc, exact);
	tcase_add_test(tc, close_enough);
	tcase_add_test(tc, like_sorted);
	suite_add_tcase(s, tc);
	return s;
}
