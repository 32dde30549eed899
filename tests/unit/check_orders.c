/* check_orders.c: what a user asks of orders and account: a row of the ledger
 * that is not understood is no answer. */
#include <stdio.h>
#include <string.h>

#include "fake_pg.h"
#include "pipeline/orders.h"
#include "stores.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"

enum { COLUMNS = 13, VOID_COLUMNS = 10, ACCOUNT_COLUMNS = 10, LIST = 4 };

/* A row of the ledger, and how far its payout is. */
#define ROW(order, state, moved, reference)                                    \
	"t", order, "1", "100.00", "CNY", NULL, "0.00", "2",                   \
	    "1767323045678901", NULL, state, moved, reference

static struct orders_call call;
static int done;

/* What holds until done returns. */
static struct orders_item list[LIST];
static char state[16], min_amount[16], daily_count[16];
static bool any_max;

static void
on_done(struct orders_call *c)
{
	size_t i;

	ck_assert_ptr_eq(c, &call);
	done++;
	ck_assert_uint_le(c->nlist, LIST);
	for (i = 0; i < c->nlist; i++)
		list[i] = c->list[i];
	snprintf(state, sizeof(state), "%s",
	    c->limits.state != NULL ? c->limits.state : "");
	snprintf(min_amount, sizeof(min_amount), "%s",
	    c->limits.min_amount != NULL ? c->limits.min_amount : "");
	snprintf(daily_count, sizeof(daily_count), "%s",
	    c->limits.daily_count != NULL ? c->limits.daily_count : "");
	any_max = c->limits.max_amount != NULL;
}

static void
setup(void)
{
	stores_setup();
	stores_config.guards = 0;
	stores_open();
	call = (struct orders_call){.service = &stores,
	    .request = "r",
	    .user = 1001,
	    .order = ORDER,
	    .limit = 2,
	    .done = on_done};
	done = 0;
}

static void
ask(void (*start)(struct orders_call *), const char *statement)
{
	start(&call);
	stores_turn();
	ck_assert_int_eq(done, 0);
	ck_assert_str_eq(fake_pg_statement(), statement);
}

static void
answer(int ncolumns, int nrows, const char *const *cells)
{
	fake_pg_answer(ncolumns, nrows, cells);
	stores_turn();
	ck_assert_int_eq(done, 1);
}

static void
refuse(void)
{
	fake_pg_refuse("57014");
	stores_turn();
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(call.verdict, PG_FAILED);
	ck_assert(!call.found);
	ck_assert_uint_eq(call.nlist, 0);
}

/* --- one ------------------------------------------------------------------ */

static const struct {
	const char *cells[COLUMNS];
	const char *state, *reference;
	bool has_moved;
} payouts[] = {
    {{ROW(ORDER, NULL, NULL, NULL)}, NULL, "", false},
    {{ROW(ORDER, "due", NULL, NULL)}, "due", "", false},
    {{ROW(ORDER, "paid", "1767323045678902", "bank-7")}, "paid", "bank-7",
	true},
    {{ROW(ORDER, "returned", "1767323045678902", NULL)}, "returned", "", true},
};

START_TEST(shown)
{
	const struct payout *p = &call.item.payout;

	ask(orders_find, "show");
	ck_assert_str_eq(fake_pg_param(0), "1001");
	ck_assert_str_eq(fake_pg_param(1), ORDER);
	answer(COLUMNS, 1, payouts[_i].cells);
	ck_assert_int_eq(call.verdict, PG_ROWS);
	ck_assert(call.found);
	ck_assert_int_eq(call.item.record.amount, 10000);
	if (payouts[_i].state == NULL) {
		ck_assert_ptr_null(p->state);
		return;
	}
	ck_assert_str_eq(p->state, payouts[_i].state);
	ck_assert_str_eq(p->reference, payouts[_i].reference);
	ck_assert_int_eq(p->has_moved, payouts[_i].has_moved);
	if (p->has_moved)
		ck_assert_int_eq(p->moved_us, INT64_C(1767323045678902));
}
END_TEST

static const char *const odd[][COLUMNS] = {
    {ROW(ORDER, "lost", NULL, NULL)},
    {ROW("none", "due", NULL, NULL)},
};

START_TEST(not_understood)
{
	ask(orders_find, "show");
	answer(COLUMNS, 1, odd[_i]);
	ck_assert_int_eq(call.verdict, PG_UNCERTAIN);
	ck_assert(!call.found);
}
END_TEST

START_TEST(not_there)
{
	ask(orders_find, "show");
	answer(COLUMNS, 0, NULL);
	ck_assert_int_eq(call.verdict, PG_ROWS);
	ck_assert(!call.found);
}
END_TEST

START_TEST(closed)
{
	ask(orders_void, "void");
	ck_assert_str_eq(fake_pg_param(2), "CNY");
	answer(VOID_COLUMNS, 1,
	    (const char *[]){_i ? "t" : "f", ORDER, "3", NULL, "CNY", NULL,
		NULL, NULL, "1767323045678901", NULL});
	ck_assert(call.found);
	ck_assert_int_eq(call.replayed, _i);
	ck_assert_int_eq(call.item.record.status, RECORD_VOID);
}
END_TEST

/* --- the list ------------------------------------------------------------- */

START_TEST(first_page)
{
	call.order[0] = '\0';
	ask(orders_list, "list");
	ck_assert_str_eq(fake_pg_param(1), "3"); /* one more than asked for */
	ck_assert_ptr_null(fake_pg_param(2));
	ck_assert_ptr_null(fake_pg_param(3));
	answer(COLUMNS, 3,
	    (const char *[]){ROW(ORDER, "due", NULL, NULL),
		ROW(ORDER, "paid", "1", "x"), ROW(ORDER, NULL, NULL, NULL)});
	ck_assert_int_eq(call.verdict, PG_ROWS);
	ck_assert(call.more);
	ck_assert_uint_eq(call.nlist, 2);
	ck_assert_str_eq(list[0].payout.state, "due");
	ck_assert_str_eq(list[1].payout.state, "paid");
}
END_TEST

START_TEST(last_page)
{
	call.before_us = 1767323045678901;
	ask(orders_list, "list");
	ck_assert_str_eq(fake_pg_param(2), "1767323045678901");
	ck_assert_str_eq(fake_pg_param(3), ORDER);
	answer(COLUMNS, 1, (const char *[]){ROW(ORDER, "due", NULL, NULL)});
	ck_assert(!call.more);
	ck_assert_uint_eq(call.nlist, 1);
}
END_TEST

START_TEST(list_not_understood)
{
	ask(orders_list, "list");
	answer(COLUMNS, 2,
	    (const char *[]){
		ROW(ORDER, "due", NULL, NULL), ROW(ORDER, "lost", NULL, NULL)});
	ck_assert_int_eq(call.verdict, PG_UNCERTAIN);
}
END_TEST

/* --- the account ---------------------------------------------------------- */

START_TEST(account)
{
	ask(orders_account, "account");
	answer(2, 1, (const char *[]){"12.34", "7"});
	ck_assert_int_eq(call.verdict, PG_ROWS);
	ck_assert(call.found);
	ck_assert_int_eq(call.balance, 1234);
	ck_assert_int_eq(call.version, 7);
}
END_TEST

START_TEST(no_account)
{
	ask(orders_account, "account");
	answer(2, 0, NULL);
	ck_assert_int_eq(call.verdict, PG_ROWS);
	ck_assert(!call.found);
}
END_TEST

START_TEST(overview)
{
	bool given = _i == 1;

	strcpy(stores.min, given ? "1.00" : "");
	strcpy(stores.max, given ? "500.00" : "");
	ask(orders_overview, "overview");
	if (given) {
		ck_assert_str_eq(fake_pg_param(1), "1.00");
		ck_assert_str_eq(fake_pg_param(2), "500.00");
	} else {
		ck_assert_ptr_null(fake_pg_param(1));
		ck_assert_ptr_null(fake_pg_param(2));
	}
	answer(ACCOUNT_COLUMNS, 1,
	    (const char *[]){"12.34", "7", "active", "1.00", NULL,
		given ? "3" : NULL, NULL, NULL, NULL,
		given ? "1767323045678901" : NULL});
	ck_assert(call.found);
	ck_assert_int_eq(call.balance, 1234);
	ck_assert_str_eq(state, "active");
	ck_assert_str_eq(min_amount, "1.00");
	ck_assert(!any_max);
	ck_assert_str_eq(daily_count, given ? "3" : "");
	ck_assert_int_eq(call.limits.has_resets, given);
	if (given)
		ck_assert_int_eq(
		    call.limits.resets_us, INT64_C(1767323045678901));
}
END_TEST

START_TEST(no_overview)
{
	ask(orders_overview, "overview");
	answer(ACCOUNT_COLUMNS, 0, NULL);
	ck_assert_int_eq(call.verdict, PG_ROWS);
	ck_assert(!call.found);
}
END_TEST

START_TEST(health)
{
	ask(orders_health, "health");
	answer(1, 1, (const char *[]){"1"});
	ck_assert_int_eq(call.verdict, PG_ROWS);
}
END_TEST

static const struct {
	void (*start)(struct orders_call *);
	const char *statement;
} all[] = {{orders_find, "show"}, {orders_list, "list"}, {orders_void, "void"},
    {orders_account, "account"}, {orders_overview, "overview"},
    {orders_health, "health"}};

START_TEST(refused)
{
	ask(all[_i].start, all[_i].statement);
	refuse();
}
END_TEST

Suite *
orders_suite(void)
{
	Suite *s = suite_create("orders");
	TCase *t = tcase_create("orders");

	tcase_add_checked_fixture(t, setup, stores_teardown);
	tcase_add_loop_test(t, shown, 0, (int)COUNT(payouts));
	tcase_add_loop_test(t, not_understood, 0, (int)COUNT(odd));
	tcase_add_test(t, not_there);
	tcase_add_loop_test(t, closed, 0, 2);
	tcase_add_test(t, first_page);
	tcase_add_test(t, last_page);
	tcase_add_test(t, list_not_understood);
	tcase_add_test(t, account);
	tcase_add_test(t, no_account);
	tcase_add_loop_test(t, overview, 0, 2);
	tcase_add_test(t, no_overview);
	tcase_add_test(t, health);
	tcase_add_loop_test(t, refused, 0, (int)COUNT(all));
	suite_add_tcase(s, t);
	return s;
}
