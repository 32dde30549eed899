/* check_record.c: the cached form of a record. What comes out of Redis is
 * taken for the answer only if it is whole, and of this user and order. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/record.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"
#define OTHER "1189abcd-ef01-4234-8567-89abcdef0123"

static const struct record records[] = {
    {.order = ORDER,
	.user = 1001,
	.status = RECORD_SUCCEEDED,
	.has_amount = true,
	.amount = 10000,
	.currency = "CNY",
	.balance_after = 0,
	.version = 2,
	.created_us = 1767323045678901},
    {.order = ORDER,
	.user = INT64_MAX,
	.status = RECORD_SUCCEEDED,
	.has_amount = true,
	.amount = INT64_C(999999999999999),
	.currency = "CNY",
	.balance_after = INT64_C(999999999999999999),
	.version = INT64_C(999999999999999999),
	.created_us = INT64_C(99999999999999999)},
    {.order = ORDER,
	.user = 1,
	.status = RECORD_DECLINED,
	.has_amount = true,
	.amount = 1,
	.currency = "EUR",
	.reason = "insufficient-funds",
	.balance_after = 0,
	.version = 1,
	.created_us = 0},
    {.order = ORDER,
	.user = 7,
	.status = RECORD_DECLINED,
	.has_amount = true,
	.amount = 5,
	.currency = "EUR",
	.reason = "account-frozen",
	.balance_after = 12345,
	.version = 9,
	.created_us = 1},
    {.order = ORDER,
	.user = 7,
	.status = RECORD_DECLINED,
	.has_amount = true,
	.amount = 5,
	.currency = "CNY",
	.reason = "daily-count-limit",
	.balance_after = 12345,
	.version = 9,
	.created_us = 1,
	.has_resets = true,
	.resets_us = INT64_C(99999999999999999)},
    {.order = ORDER,
	.user = 1001,
	.status = RECORD_VOID,
	.currency = "CNY",
	.created_us = 1767323045678901},
};

START_TEST(round_trip)
{
	const struct record *r = &records[_i];
	char text[RECORD_TEXT];
	struct record back;

	memset(text, '#', sizeof(text));
	record_encode(r, text);
	ck_assert_ptr_nonnull(memchr(text, '\0', sizeof(text)));
	memset(&back, 0x55, sizeof(back));
	ck_assert_msg(record_decode(text, r->user, ORDER, &back),
	    "\"%s\" is not read back", text);
	ck_assert_str_eq(back.order, r->order);
	ck_assert_int_eq(back.user, r->user);
	ck_assert_int_eq(back.status, r->status);
	ck_assert_int_eq(back.has_amount, r->has_amount);
	if (r->has_amount)
		ck_assert_int_eq(back.amount, r->amount);
	ck_assert_str_eq(back.currency, r->currency);
	ck_assert_str_eq(back.reason, r->reason);
	ck_assert_int_eq(back.created_us, r->created_us);
	ck_assert_int_eq(back.has_resets, r->has_resets);
	if (r->has_resets)
		ck_assert_int_eq(back.resets_us, r->resets_us);
	if (r->status == RECORD_VOID)
		return;
	ck_assert_int_eq(back.balance_after, r->balance_after);
	ck_assert_int_eq(back.version, r->version);
}
END_TEST

/* A value under the wrong key: a stale reply, a poisoned or mistaken write. */
START_TEST(only_its_own)
{
	const struct record *r = &records[_i];
	char text[RECORD_TEXT];
	struct record back;

	record_encode(r, text);
	ck_assert(!record_decode(text, r->user, OTHER, &back));
	ck_assert(!record_decode(text, 2002, ORDER, &back));
	ck_assert(!record_decode(text, r->user / 10, ORDER, &back));
	ck_assert(!record_decode(text, r->user == 1 ? 11 : 1, ORDER, &back));
	ck_assert(!record_decode(text, 0, ORDER, &back));
}
END_TEST

/* A value that was cut, or has bytes behind it, is none. */
START_TEST(whole)
{
	const struct record *r = &records[_i];
	char text[RECORD_TEXT], longer[RECORD_TEXT + 2], *cut;
	struct record back;
	size_t len, i;

	record_encode(r, text);
	len = strlen(text);
	for (i = 0; i < len; i++) {
		cut = malloc(i + 1); /* its own size, for the sanitizers */
		ck_assert_ptr_nonnull(cut);
		memcpy(cut, text, i);
		cut[i] = '\0';
		/* the last field is a number: a digit less is a number too */
		if (record_decode(cut, r->user, ORDER, &back))
			ck_assert_msg(strrchr(text, '|') < text + i,
			    "\"%s\" was taken for a record", cut);
		free(cut);
	}
	for (i = 0; i < 3; i++) {
		strcpy(longer, text);
		strcat(longer, i == 0 ? "|" : i == 1 ? " " : "x");
		ck_assert_msg(!record_decode(longer, r->user, ORDER, &back),
		    "\"%s\" was taken for a record", longer);
	}
}
END_TEST

START_TEST(no_record)
{
	static const char *const bad[] = {"", "|", "|||||||||", "1", "1|", "OK",
	    "success-100", "1|1001|",
	    /* another version of the form */
	    "2|1001|" ORDER "|1|100.00|CNY||0.00|2|17",
	    "|1001|" ORDER "|1|100.00|CNY||0.00|2|17",
	    "01|1001|" ORDER "|1|100.00|CNY||0.00|2|17",
	    /* the user */
	    "1|01001|" ORDER "|1|100.00|CNY||0.00|2|17",
	    "1| 1001|" ORDER "|1|100.00|CNY||0.00|2|17",
	    "1|+1001|" ORDER "|1|100.00|CNY||0.00|2|17",
	    /* the order */
	    "1|1001||1|100.00|CNY||0.00|2|17",
	    "1|1001|x|1|100.00|CNY||0.00|2|17",
	    /* the status */
	    "1|1001|" ORDER "||100.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|0|100.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|4|100.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|-1|100.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|succeeded|100.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|4294967297|100.00|CNY||0.00|2|17",
	    /* the amount */
	    "1|1001|" ORDER "|1||CNY||0.00|2|17",
	    "1|1001|" ORDER "|1|100|CNY||0.00|2|17",
	    "1|1001|" ORDER "|1|1e2|CNY||0.00|2|17",
	    "1|1001|" ORDER "|1|NaN|CNY||0.00|2|17",
	    /* the currency */
	    "1|1001|" ORDER "|1|100.00|CNYX||0.00|2|17",
	    /* the reason: where declined, and only there */
	    "1|1001|" ORDER "|1|100.00|CNY|insufficient-funds|0.00|2|17",
	    "1|1001|" ORDER "|2|100.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|2|100.00|CNY|a-reason-that-is-far-too-long|0.00|"
	    "2|17",
	    /* balance, version, time */
	    "1|1001|" ORDER "|1|100.00|CNY|||2|17",
	    "1|1001|" ORDER "|1|100.00|CNY||0|2|17",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00||17",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|-2|17",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|x",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|-17",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|9999999999999999999",
	    /* another spelling: nothing of ours writes it */
	    "1|1001|" ORDER "|01|100.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|1|-0.00|CNY||0.00|2|17",
	    "1|1001|" ORDER "|1|100.00|CNY||-0.00|2|17",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|02|17",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|017",
	    "1|1001|0189ABCD-ef01-4234-8567-89abcdef0123|1|100.00|CNY||0.00|2|"
	    "17",
	    "1|1001|" ORDER "|3||CNY||0.00|0|17",
	    "1|1001|" ORDER "|3||CNY||rubbish|0|17",
	    "1|1001|" ORDER "|3||CNY|||2|17",
	    /* too few, too many */
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|17|",
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|17|18",
	    "1|1001|" ORDER "|3||CNY||||17|18",
	    /* when a daily limit ends: always said, of nothing else, last */
	    "1|1001|" ORDER "|2|100.00|CNY|daily-sum-limit|0.00|2|17",
	    "1|1001|" ORDER "|2|100.00|CNY|daily-sum-limit|0.00|2|17|",
	    "1|1001|" ORDER "|2|100.00|CNY|daily-sum-limit|0.00|2|17|x",
	    "1|1001|" ORDER "|2|100.00|CNY|daily-sum-limit|0.00|2|17|18|",
	    "1|1001|" ORDER "|2|100.00|CNY|insufficient-funds|0.00|2|17|18"};
	struct record back;
	size_t i;

	/* the form that these are all one step away from */
	ck_assert(record_decode(
	    "1|1001|" ORDER "|1|100.00|CNY||0.00|2|17", 1001, ORDER, &back));
	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!record_decode(bad[i], 1001, ORDER, &back),
		    "\"%s\" was taken for a record", bad[i]);
}
END_TEST

START_TEST(far_too_long)
{
	enum { LONG = 100000 };
	char *text = malloc(LONG + 1);
	struct record back;
	size_t len;

	ck_assert_ptr_nonnull(text);
	memset(text, '|', LONG);
	text[LONG] = '\0';
	ck_assert(!record_decode(text, 1001, ORDER, &back));
	len = strlen("1|1001|" ORDER "|1|100.00|CNY||0.00|2|");
	memcpy(text, "1|1001|" ORDER "|1|100.00|CNY||0.00|2|", len);
	memset(text + len, '1', LONG - len);
	ck_assert(!record_decode(text, 1001, ORDER, &back));
	/* around the size of the buffer that it is copied to */
	for (len = RECORD_TEXT - 3; len < RECORD_TEXT + 3; len++) {
		text[len] = '\0';
		ck_assert(!record_decode(text, 1001, ORDER, &back));
		text[len] = '1';
	}
	free(text);
}
END_TEST

Suite *
record_suite(void)
{
	Suite *s = suite_create("record");
	TCase *t = tcase_create("record");

	tcase_add_loop_test(t, round_trip, 0, (int)COUNT(records));
	tcase_add_loop_test(t, only_its_own, 0, (int)COUNT(records));
	tcase_add_loop_test(t, whole, 0, (int)COUNT(records));
	tcase_add_test(t, no_record);
	tcase_add_test(t, far_too_long);
	suite_add_tcase(s, t);
	return s;
}
