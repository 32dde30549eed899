/* check_money.c: amounts, exactly the contract's and nothing else. */
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "suites.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED INT64_C(-77)

START_TEST(client_amounts)
{
	static const struct {
		const char *text;
		int64_t minor;
	} good[] = {
	    {"0", 0},
	    {"0.0", 0},
	    {"0.00", 0},
	    {"0.01", 1},
	    {"0.1", 10},
	    {"1", 100},
	    {"1.05", 105},
	    {"1.5", 150},
	    {"10", 1000},
	    {"100.00", 10000},
	    {"9999999999999", INT64_C(999999999999900)},
	    {"9999999999999.99", INT64_C(999999999999999)},
	};
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		int64_t v = UNTOUCHED;

		ck_assert_msg(
		    money_parse(good[i].text, strlen(good[i].text), &v),
		    "\"%s\" was refused", good[i].text);
		ck_assert_int_eq(v, good[i].minor);
	}
}
END_TEST

START_TEST(no_client_amounts)
{
	static const char *const bad[] = {"", " ", "-", "+", ".", "-0", "-1",
	    "+1", "01", "00", "00.00", "1.", ".5", "1.234", "1..2", "1.2.3",
	    "1,00", "1 000", " 1", "1 ", "1\n", "\t1", "1e2", "1E2", "1e999",
	    "0x10", "NaN", "nan", "Infinity", "inf", "1_000", "$1", "1.0a",
	    "10000000000000", "99999999999999", "12345678901234567890123",
	    "9223372036854775808", "\xef\xbc\x91", /* full-width 1 */
	    "\xd9\xa1",                            /* arabic-indic 1 */
	    "\xe2\x88\x92\x31" /* a minus sign that is not ASCII's */};
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		int64_t v = UNTOUCHED;

		ck_assert_msg(!money_parse(bad[i], strlen(bad[i]), &v),
		    "\"%s\" was taken for an amount", bad[i]);
		ck_assert_int_eq(v, UNTOUCHED);
	}
}
END_TEST

/* The length counts, not a NUL. */
START_TEST(length_is_explicit)
{
	int64_t v = UNTOUCHED;
	char *heap;

	ck_assert(!money_parse("1\0", 2, &v));
	ck_assert(!money_parse("1.00\0x", 6, &v));
	ck_assert(!money_parse("\0", 1, &v));
	ck_assert_int_eq(v, UNTOUCHED);
	ck_assert(money_parse("12345", 2, &v));
	ck_assert_int_eq(v, 1200);
	/* not a byte behind it is looked at: sanitizers would see it */
	heap = malloc(3);
	ck_assert_ptr_nonnull(heap);
	memcpy(heap, "1.5", 3);
	ck_assert(money_parse(heap, 3, &v));
	ck_assert_int_eq(v, 150);
	free(heap);
}
END_TEST

/* All strings up to a length over the bytes that matter, against the
 * contract's own pattern. */
static void
compare_with_pattern(const char *pattern, size_t longest,
    bool (*parse)(const char *s, int64_t *v_r))
{
	static const char letters[] = "0159.-+e ";
	size_t base = sizeof(letters) - 1, len, n, total, i, accepted = 0;
	char text[8];
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	for (len = 0, total = 1; len <= longest; len++, total *= base)
		for (n = 0; n < total; n++) {
			size_t rest = n;
			int64_t v;
			bool want;

			for (i = 0; i < len; i++, rest /= base)
				text[i] = letters[rest % base];
			text[len] = '\0';
			want = regexec(&re, text, 0, NULL, 0) == 0;
			ck_assert_msg(parse(text, &v) == want,
			    "\"%s\" should be %s", text,
			    want ? "accepted" : "refused");
			accepted += want;
		}
	regfree(&re);
	ck_assert_uint_gt(accepted, 10);
}

static bool
parse_client(const char *s, int64_t *v_r)
{
	return money_parse(s, strlen(s), v_r);
}

START_TEST(client_pattern)
{
	compare_with_pattern(
	    "^(0|[1-9][0-9]{0,12})(\\.[0-9]{1,2})?$", 5, parse_client);
}
END_TEST

START_TEST(numeric_pattern)
{
	compare_with_pattern(
	    "^-?(0|[1-9][0-9]{0,15})\\.[0-9]{2}$", 6, money_parse_numeric);
}
END_TEST

START_TEST(numerics)
{
	static const struct {
		const char *text;
		int64_t minor;
	} good[] = {
	    {"0.00", 0},
	    {"-0.01", -1},
	    {"-100.00", -10000},
	    {"9999999999999999.99", INT64_C(999999999999999999)},
	    {"-9999999999999999.99", INT64_C(-999999999999999999)},
	};
	static const char *const bad[] = {"", "-", "1", "1.0", "1.000", ".00",
	    "--1.00", "+1.00", "01.00", "NaN", "Infinity", "-Infinity",
	    "10000000000000000.00", "9999999999999999.999",
	    "99999999999999999999", "1,00", "1.00 ", " 1.00", "1e2.00"};
	int64_t v;
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		ck_assert_msg(money_parse_numeric(good[i].text, &v),
		    "\"%s\" was refused", good[i].text);
		ck_assert_int_eq(v, good[i].minor);
	}
	for (i = 0; i < COUNT(bad); i++) {
		v = UNTOUCHED;
		ck_assert_msg(!money_parse_numeric(bad[i], &v),
		    "\"%s\" was taken for an amount", bad[i]);
		ck_assert_int_eq(v, UNTOUCHED);
	}
}
END_TEST

START_TEST(formats)
{
	static const struct {
		int64_t minor;
		const char *text;
	} cases[] = {
	    {0, "0.00"},
	    {1, "0.01"},
	    {-1, "-0.01"},
	    {10, "0.10"},
	    {-105, "-1.05"},
	    {10000, "100.00"},
	    {INT64_MAX, "92233720368547758.07"},
	    {INT64_MIN, "-92233720368547758.08"},
	};
	char text[MONEY_TEXT];
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		ck_assert_ptr_eq(money_format(cases[i].minor, text), text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

/* What is written is read back the same, over all magnitudes. */
START_TEST(round_trip)
{
	uint64_t seed = 88172645463325252;
	char text[MONEY_TEXT];
	int64_t v, back;
	int i;

	for (i = 0; i < 200000; i++) {
		seed ^= seed << 13; /* xorshift: the same on every run */
		seed ^= seed >> 7;
		seed ^= seed << 17;
		v = (int64_t)(seed >> (seed % 60 + 4)) %
		    INT64_C(1000000000000000000);
		if (seed & 8)
			v = -v;
		ck_assert(money_parse_numeric(money_format(v, text), &back));
		ck_assert_int_eq(back, v);
		if (v < 0 || v > INT64_C(999999999999999))
			continue;
		ck_assert(money_parse(text, strlen(text), &back));
		ck_assert_int_eq(back, v);
	}
}
END_TEST

Suite *
money_suite(void)
{
	Suite *s = suite_create("money");
	TCase *t = tcase_create("money");

	tcase_add_test(t, client_amounts);
	tcase_add_test(t, no_client_amounts);
	tcase_add_test(t, length_is_explicit);
	tcase_add_test(t, client_pattern);
	tcase_add_test(t, numeric_pattern);
	tcase_add_test(t, numerics);
	tcase_add_test(t, formats);
	tcase_add_test(t, round_trip);
	suite_add_tcase(s, t);
	return s;
}
