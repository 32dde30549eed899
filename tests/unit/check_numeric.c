/* check_numeric.c: amounts out of the bytes that Postgres sends, and nothing
 * that a NUMERIC(18,2) could not be. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/numeric.h"
#include "suites.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED INT64_C(-77)

/* What is sent, in words of 16 bits: the count of digits, the weight of the
 * first, the sign and the scale; then the digits, to the base 10000. */
enum { HEADER = 4, WORDS = 10 };

enum {
	PLUS = 0,
	MINUS = 0x4000,
	NOT_A_NUMBER = -0x4000,
	INFINITE = -0x3000,
	MINUS_INFINITE = -0x1000,
};

static size_t
to_bytes(const int16_t *words, size_t n, unsigned char *bytes)
{
	size_t i;

	for (i = 0; i < n; i++) {
		bytes[2 * i] = (unsigned char)((uint16_t)words[i] >> 8);
		bytes[2 * i + 1] = (unsigned char)(words[i] & 0xff);
	}
	return 2 * n;
}

/* On the heap, no longer than it says: sanitizers see a look behind it. */
static bool
read_bytes(const unsigned char *bytes, size_t len, int64_t *v_r)
{
	unsigned char *heap = malloc(len > 0 ? len : 1);
	bool read;

	ck_assert_ptr_nonnull(heap);
	memcpy(heap, bytes, len);
	*v_r = UNTOUCHED;
	read = numeric_minor((struct chain_bytes){heap, len}, v_r);
	free(heap);
	return read;
}

static bool
read_words(const int16_t *words, size_t n, int64_t *v_r)
{
	unsigned char bytes[2 * WORDS];

	ck_assert_uint_le(n, WORDS);
	return read_bytes(bytes, to_bytes(words, n, bytes), v_r);
}

START_TEST(amounts)
{
	static const struct {
		int64_t minor;
		int16_t words[WORDS];
	} good[] = {
	    {0, {0, 0, PLUS, 2}},
	    {0, {0, 7, PLUS, 2}},
	    {1, {1, -1, PLUS, 2, 100}},
	    {10, {1, -1, PLUS, 2, 1000}},
	    {99, {1, -1, PLUS, 2, 9900}},
	    {100, {1, 0, PLUS, 2, 1}},
	    {105, {2, 0, PLUS, 2, 1, 500}},
	    {999999, {2, 0, PLUS, 2, 9999, 9900}},
	    /* zeros behind the last digit are not sent */
	    {1000000, {1, 1, PLUS, 2, 1}},
	    {INT64_C(12000000000), {2, 2, PLUS, 2, 1, 2000}},
	    {INT64_C(100000000000000), {1, 3, PLUS, 2, 1}},
	    /* those between are, and no fault at the end either */
	    {1000001, {3, 1, PLUS, 2, 1, 0, 100}},
	    {1000000, {3, 1, PLUS, 2, 1, 0, 0}},
	    {-1, {1, -1, MINUS, 2, 100}},
	    {-4050, {2, 0, MINUS, 2, 40, 5000}},
	    {-1000000, {1, 1, MINUS, 2, 1}},
	    {INT64_C(999999999999999999),
		{5, 3, PLUS, 2, 9999, 9999, 9999, 9999, 9900}},
	    {INT64_C(-999999999999999999),
		{5, 3, MINUS, 2, 9999, 9999, 9999, 9999, 9900}},
	};
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		const int16_t *words = good[i].words;
		int64_t v;

		ck_assert_msg(read_words(words, HEADER + (size_t)words[0], &v),
		    "%" PRId64 " was refused", good[i].minor);
		ck_assert_int_eq(v, good[i].minor);
	}
}
END_TEST

START_TEST(no_amounts)
{
	static const struct {
		const char *what;
		int16_t words[WORDS];
	} bad[] = {
	    {"NaN", {0, 0, NOT_A_NUMBER, 0}},
	    {"Infinity", {0, 0, INFINITE, 0}},
	    {"-Infinity", {0, 0, MINUS_INFINITE, 0}},
	    {"a sign that is none", {1, 0, 1, 2, 1}},
	    {"10000000000000000.00", {1, 4, PLUS, 2, 1}},
	    {"-10000000000000000.00", {1, 4, MINUS, 2, 1}},
	    {"1e40", {1, 10, PLUS, 0, 1}},
	    {"1e131068", {1, 32767, PLUS, 0, 1}},
	    {"0.001", {1, -1, PLUS, 3, 10}},
	    {"1.001", {2, 0, PLUS, 3, 1, 10}},
	    {"1.0001", {2, 0, PLUS, 4, 1, 1}},
	    {"1.00000001", {3, 0, PLUS, 8, 1, 0, 1}},
	    {"0.00000001", {1, -2, PLUS, 8, 1}},
	    {"a digit of 10000", {1, 0, PLUS, 2, 10000}},
	    {"a digit of -1", {1, 0, PLUS, 2, -1}},
	    {"a cent of 10000", {1, -1, PLUS, 2, 10000}},
	};
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		const int16_t *words = bad[i].words;
		int64_t v;

		ck_assert_msg(!read_words(words, HEADER + (size_t)words[0], &v),
		    "%s was taken for an amount", bad[i].what);
		ck_assert_int_eq(v, 0);
	}
}
END_TEST

/* As many bytes as the count of digits says: none less, none more. */
START_TEST(length_counts)
{
	static const int16_t words[WORDS] = {2, 0, PLUS, 2, 1, 500, 0, 0};
	unsigned char bytes[2 * WORDS];
	size_t whole = 2 * (HEADER + 2), len;
	int64_t v;

	to_bytes(words, WORDS, bytes);
	for (len = 0; len <= sizeof(bytes); len++) {
		bool read = read_bytes(bytes, len, &v);

		ck_assert_msg(
		    read == (len == whole), "%zu bytes of %zu", len, whole);
		ck_assert_int_eq(v, read ? 105 : 0);
	}
	/* a count below zero, of bytes that would be as many less */
	ck_assert(!read_words((const int16_t[]){-1, 0, PLUS, 2}, HEADER, &v));
	ck_assert_int_eq(v, 0);
}
END_TEST

START_TEST(null_is_none)
{
	int64_t v = UNTOUCHED;

	ck_assert(!numeric_minor((struct chain_bytes){0}, &v));
	ck_assert_int_eq(v, 0);
}
END_TEST

Suite *
numeric_suite(void)
{
	Suite *s = suite_create("numeric");
	TCase *t = tcase_create("numeric");

	tcase_add_test(t, amounts);
	tcase_add_test(t, no_amounts);
	tcase_add_test(t, length_counts);
	tcase_add_test(t, null_is_none);
	suite_add_tcase(s, t);
	return s;
}
