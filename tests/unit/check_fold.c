/* check_fold.c: does a ledger fit together: a small one, and what is wrong
 * with it in each way. (tests/fuzz/fold.c makes ledgers up.) */
#include "reconcile/fold.h"
#include "suites.h"

enum { USER = 5 };

static struct fold *fold;

static const unsigned char hashes[3][CHAIN_HASH] = {"one", "two", "three"};
static const unsigned char order_bytes[16] = "order";
static const struct chain_bytes order = {order_bytes, sizeof(order_bytes)};
static const struct chain_bytes no_order = {order_bytes, 0};

/* Opened with 100.00; withdrawn, and returned. */
static const struct fold_state before;
static const struct fold_state states[] = {{1, 10000, {hashes[0], CHAIN_HASH}},
    {2, 0, {hashes[1], CHAIN_HASH}}, {3, 10000, {hashes[2], CHAIN_HASH}}};

static void
setup(void)
{
	fold = fold_open();
	fold_account(fold, USER, &states[2]);
	fold_entry(fold, USER, &states[1], &states[2], FOLD_RETURN, order);
	fold_entry(fold, USER, &before, &states[0], FOLD_OTHER, no_order);
	fold_debit(fold, USER, order, 10000, 2, 0);
	fold_entry(fold, USER, &states[0], &states[1], FOLD_WITHDRAW, order);
	fold_return(fold, USER, order, 10000);
}

static void
teardown(void)
{
	fold_close(&fold);
	ck_assert_ptr_null(fold);
}

static void
assert_suspect(size_t wanted)
{
	size_t bucket = 0;

	ck_assert(fold_next(fold, &bucket));
	ck_assert_uint_eq(bucket, wanted);
	bucket++;
	ck_assert(!fold_next(fold, &bucket));
}

START_TEST(fits)
{
	size_t bucket = 0;

	ck_assert(!fold_next(fold, &bucket));
}
END_TEST

START_TEST(does_not_fit)
{
	switch (_i) {
	case 0:
		fold_debit(fold, USER, order, 1, 2, 0);
		break;
	case 1:
		fold_return(fold, USER, order, 1);
		break;
	case 2:
		fold_entry(
		    fold, USER, &states[2], &states[0], FOLD_OTHER, no_order);
		break;
	default:
		fold_account(fold, USER, &states[0]);
	}
	assert_suspect(USER);
}
END_TEST

/* An account that is below zero is wrong, whatever its journal says. */
START_TEST(below_zero)
{
	static const struct fold_state low = {1, -1, {hashes[0], CHAIN_HASH}};

	fold_entry(fold, FOLD_BUCKETS + 7, &before, &low, FOLD_OTHER, no_order);
	fold_account(fold, FOLD_BUCKETS + 7, &low);
	assert_suspect(7);
}
END_TEST

START_TEST(suspected)
{
	fold_suspect(fold, USER);
	assert_suspect(USER);
}
END_TEST

Suite *
fold_suite(void)
{
	Suite *s = suite_create("fold");
	TCase *t = tcase_create("fold");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, fits);
	tcase_add_loop_test(t, does_not_fit, 0, 4);
	tcase_add_test(t, below_zero);
	tcase_add_test(t, suspected);
	suite_add_tcase(s, t);
	return s;
}
