/* check_withdraw.c: the pipeline: what is asked of Redis and of the ledger, in
 * which order, and what is answered for each thing that they may say. */
#include <stdio.h>
#include <string.h>

#include "fake_pg.h"
#include "fake_redis.h"
#include "pipeline/token.h"
#include "pipeline/withdraw.h"
#include "stores.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"
#define OTHER "1189abcd-ef01-4234-8567-89abcdef0123"
#define TOKEN "2189abcd-ef01-4234-8567-89abcdef0123"
#define USER  "1001"

/* As Redis has it, and as the ledger gives it. */
#define CACHED(status, amount, reason)                                         \
	"1|" USER "|" ORDER "|" status "|" amount "|CNY|" reason               \
	"|0.00|2|1767323045678901"
#define LEDGERS(replayed, status, amount, reason)                              \
	{                                                                      \
		replayed, ORDER, status, amount, "CNY", reason, "0.00", "2",   \
		    "1767323045678901", NULL                                   \
	}

enum { COLUMNS = 10, CLICKS = 3, AMOUNT = 10000 };

static const char *const succeeded[] = LEDGERS("f", "1", "100.00", NULL);
static const char *const replayed[] = LEDGERS("t", "1", "100.00", NULL);
static const char *const declined[] =
    LEDGERS("f", "2", "100.00", "insufficient-funds");
static const char *const other_amount[] = LEDGERS("t", "1", "7.00", NULL);
static const char *const voided[] = LEDGERS("t", "3", NULL, NULL);
static const char *const of_another_version[] =
    LEDGERS("f", "4", "100.00", NULL);

static struct click {
	struct withdrawal w; /* first, so that on_done() finds the rest */
	int done;
} clicks[CLICKS];

static void
on_done(struct withdrawal *w)
{
	((struct click *)w)->done++;
}

static void
click(int i)
{
	clicks[i] = (struct click){.w = {.service = &stores,
				       .request = "r",
				       .user = 1001,
				       .order = ORDER,
				       .amount = AMOUNT,
				       .token = TOKEN,
				       .done = on_done}};
	withdraw_start(&clicks[i].w);
	stores_turn();
}

/* The letters of the guards that admission was asked for. */
static void
assert_admission(const char *guards)
{
	ck_assert_uint_gt(fake_redis_asked(), 0);
	ck_assert_str_eq(
	    fake_redis_arg(0), "withdraw:{" USER "}:result:7.1:" ORDER);
	ck_assert_str_eq(fake_redis_arg(1), "withdraw:{" USER "}:lock");
	ck_assert_str_eq(fake_redis_arg(2), "withdraw:{" USER "}:token:" TOKEN);
	ck_assert_str_eq(fake_redis_arg(3), ORDER);
	ck_assert_str_eq(fake_redis_arg(6), guards);
}

static void
admitted(const char *word, const char *record)
{
	assert_admission("clt");
	fake_redis_items(word, record, NULL);
	stores_turn();
}

static void
ledger_says(const char *const record[COLUMNS])
{
	ck_assert_str_ne(fake_pg_statement(), "");
	ck_assert_str_eq(fake_pg_param(0), USER);
	ck_assert_str_eq(fake_pg_param(1), ORDER);
	fake_pg_answer(COLUMNS, record != NULL, record);
	stores_turn();
}

/* What is recorded in Redis ("": nothing), and that the lock is given back. */
static void
assert_settling(const char *value, bool unlocks)
{
	ck_assert_uint_gt(fake_redis_asked(), 0);
	ck_assert_str_eq(fake_redis_arg(1), "withdraw:{" USER "}:lock");
	ck_assert_str_eq(fake_redis_arg(2), value);
	ck_assert_int_eq(*fake_redis_arg(4) != '\0', unlocks);
}

static void
settled(void)
{
	fake_redis_items(NULL, NULL, NULL);
	stores_turn();
}

static void
assert_answer(
    int i, enum outcome outcome, enum order_state state, enum answered_by by)
{
	const struct result *r = &clicks[i].w.result;

	ck_assert_int_eq(clicks[i].done, 1);
	ck_assert_int_eq(r->outcome, outcome);
	ck_assert_int_eq(r->state, state);
	ck_assert_int_eq(r->by, by);
}

/* One click on an order that Redis lets through. */
static void
click_into_ledger(void)
{
	stores_open();
	click(0);
	admitted("go", NULL);
	ck_assert_str_eq(fake_pg_statement(), "withdraw");
	ck_assert_str_eq(fake_pg_param(2), "100.00");
	ck_assert_str_eq(fake_pg_param(3), "CNY");
}

/* --- what the ledger says ------------------------------------------------- */

static const struct {
	const char *const *record;
	const char *value; /* that is recorded */
	enum outcome outcome;
	enum order_state state;
} verdicts[] = {
    {succeeded, CACHED("1", "100.00", ""), OUTCOME_SUCCEEDED, ORDER_SUCCEEDED},
    {replayed, CACHED("1", "100.00", ""), OUTCOME_SUCCEEDED, ORDER_SUCCEEDED},
    {declined, CACHED("2", "100.00", "insufficient-funds"), OUTCOME_DECLINED,
	ORDER_DECLINED},
    {other_amount, CACHED("1", "7.00", ""), OUTCOME_MISMATCH, ORDER_SUCCEEDED},
    {voided, "1|" USER "|" ORDER "|3||CNY|||0|1767323045678901", OUTCOME_VOID,
	ORDER_VOID},
    {NULL, "", OUTCOME_NO_ACCOUNT, ORDER_NONE},
};

START_TEST(ledger_decides)
{
	click_into_ledger();
	ledger_says(verdicts[_i].record);
	assert_settling(verdicts[_i].value, true);
	settled();
	assert_answer(0, verdicts[_i].outcome, verdicts[_i].state, BY_LEDGER);
	ck_assert_int_eq(clicks[0].w.result.replayed,
	    verdicts[_i].record != NULL && *verdicts[_i].record[0] == 't');
}
END_TEST

START_TEST(ledger_refuses)
{
	click_into_ledger();
	fake_pg_refuse("23514");
	stores_turn();
	assert_settling("", true);
	settled();
	assert_answer(0, OUTCOME_UNAVAILABLE, ORDER_UNKNOWN, BY_NOBODY);
}
END_TEST

/* It may be committed: the lock stays for its lease. */
START_TEST(ledger_is_not_understood)
{
	click_into_ledger();
	ledger_says(of_another_version);
	ck_assert_uint_eq(fake_redis_asked(), 0);
	assert_answer(0, OUTCOME_UNKNOWN, ORDER_UNKNOWN, BY_NOBODY);
}
END_TEST

static const char *const limits[][2] = {
    {"", ""}, {"1.00", ""}, {"", "500.00"}, {"1.00", "500.00"}};

START_TEST(limits_are_the_ledgers)
{
	strcpy(stores.min, limits[_i][0]);
	strcpy(stores.max, limits[_i][1]);
	click_into_ledger();
	for (int i = 0; i < 2; i++)
		if (*limits[_i][i] != '\0')
			ck_assert_str_eq(fake_pg_param(4 + i), limits[_i][i]);
		else
			ck_assert_ptr_null(fake_pg_param(4 + i));
	ledger_says(declined);
	settled();
	assert_answer(0, OUTCOME_DECLINED, ORDER_DECLINED, BY_LEDGER);
}
END_TEST

/* --- what Redis says ------------------------------------------------------ */

static const struct {
	const char *record;
	enum outcome outcome;
	enum order_state state;
} recorded[] = {
    {CACHED("1", "100.00", ""), OUTCOME_SUCCEEDED, ORDER_SUCCEEDED},
    {CACHED("1", "7.00", ""), OUTCOME_MISMATCH, ORDER_SUCCEEDED},
    {CACHED("2", "100.00", "account-frozen"), OUTCOME_DECLINED, ORDER_DECLINED},
    {"1|" USER "|" ORDER "|3||CNY|||0|1767323045678901", OUTCOME_VOID,
	ORDER_VOID},
};

START_TEST(answer_is_recorded)
{
	stores_open();
	click(0);
	admitted("recorded", recorded[_i].record);
	assert_answer(0, recorded[_i].outcome, recorded[_i].state, BY_CACHE);
	ck_assert(clicks[0].w.result.replayed);
	ck_assert_uint_eq(fake_redis_asked(), 0);
	ck_assert_str_eq(fake_pg_statement(), "");
}
END_TEST

/* The admission is asked for again, without the recorded answer. */
START_TEST(answer_is_garbled)
{
	stores_open();
	click(0);
	admitted("recorded", "1|" USER "|" OTHER "|3||CNY|||0|1");
	assert_admission("lt");
	fake_redis_items("go", NULL, NULL);
	stores_turn();
	ledger_says(succeeded);
	assert_settling(CACHED("1", "100.00", ""), true);
	settled();
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

START_TEST(user_is_busy)
{
	stores_open();
	click(0);
	admitted("busy", NULL);
	assert_answer(0, OUTCOME_BUSY, ORDER_UNKNOWN, BY_LOCK);
}
END_TEST

static const char *const odd[][2] = {
    {"gone", NULL}, {"go", "go"}, {NULL, NULL}, {"recorded", NULL}};

/* The ledger goes on alone, and what may be our lock is given back. */
START_TEST(something_else)
{
	stores_open();
	click(0);
	admitted(odd[_i][0], odd[_i][1]);
	ledger_says(succeeded);
	assert_settling(CACHED("1", "100.00", ""), false);
	settled();
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

/* No reply: the lock may be ours all the same. */
START_TEST(reply_is_lost)
{
	stores_open();
	click(0);
	assert_admission("clt");
	peer_hang_up(&fake_redis);
	stores_turn(); /* connects again, at once */
	ck_assert_str_eq(fake_pg_statement(), "withdraw");
	ledger_says(succeeded);
	assert_settling(CACHED("1", "100.00", ""), true);
	settled();
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

START_TEST(redis_is_down)
{
	stores_config.redis_refuse = _i == 1;
	peer_deaf(&fake_redis);
	stores_open();
	click(0);
	if (_i == 0) {
		ledger_says(succeeded);
		assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
	} else {
		ck_assert_str_eq(fake_pg_statement(), "");
		assert_answer(0, OUTCOME_UNAVAILABLE, ORDER_UNKNOWN, BY_NOBODY);
	}
}
END_TEST

/* The answer does not wait for Redis; who is asked about it later does no
 * harm. */
START_TEST(settling_is_silent)
{
	click_into_ledger();
	ledger_says(succeeded);
	while (clicks[0].done == 0)
		ev_run(stores.loop, EVRUN_ONCE);
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
	settled();
	ck_assert_int_eq(clicks[0].done, 1);
}
END_TEST

/* --- without a valid token ------------------------------------------------ */

static const struct {
	const char *const *record;
	enum outcome outcome;
	enum order_state state;
	enum answered_by by;
} lookups[] = {
    {replayed, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER},
    {NULL, OUTCOME_TOKEN_INVALID, ORDER_NONE, BY_TOKEN},
};

START_TEST(looked_up)
{
	stores_open();
	click(0);
	admitted("no-token", NULL);
	ck_assert_str_eq(fake_pg_statement(), "find");
	ledger_says(lookups[_i].record);
	if (lookups[_i].record != NULL) {
		assert_settling(CACHED("1", "100.00", ""), false);
		settled();
	}
	assert_answer(
	    0, lookups[_i].outcome, lookups[_i].state, lookups[_i].by);
}
END_TEST

START_TEST(look_up_fails)
{
	stores_open();
	click(0);
	admitted("no-token", NULL);
	fake_pg_refuse("57014");
	stores_turn();
	assert_answer(0, OUTCOME_UNAVAILABLE, ORDER_UNKNOWN, BY_NOBODY);
}
END_TEST

/* Two clicks at once: one gets in, the other one's token is spent. */
START_TEST(begun_before_the_look_up)
{
	stores_open();
	click(0);
	click(1);
	admitted("go", NULL);
	admitted("no-token", NULL);
	ck_assert_str_eq(fake_pg_statement(), "withdraw");
	ledger_says(succeeded);
	assert_answer(1, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_TWIN);
	ck_assert(clicks[1].w.result.replayed);
	settled();
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
	ck_assert(!clicks[0].w.result.replayed);
}
END_TEST

START_TEST(begun_during_the_look_up)
{
	stores_open();
	click(0);
	click(1);
	admitted("no-token", NULL);
	ck_assert_str_eq(fake_pg_statement(), "find");
	admitted("go", NULL);
	ledger_says(NULL);
	ck_assert_int_eq(clicks[0].done, 0); /* it is running by now */
	ck_assert_str_eq(fake_pg_statement(), "withdraw");
	ledger_says(succeeded);
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_TWIN);
	settled();
	assert_answer(1, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

/* --- twins ---------------------------------------------------------------- */

START_TEST(twin_of_this_worker)
{
	click_into_ledger();
	click(1);
	ck_assert_uint_eq(fake_redis_asked(), 0); /* nobody was asked */
	ledger_says(succeeded);
	assert_answer(1, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_TWIN);
	settled();
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

/* Without a record there is nothing to replay, and the same is said to all. */
START_TEST(twin_is_told_what_is_no_record)
{
	click_into_ledger();
	click(1);
	fake_pg_refuse("23514");
	stores_turn();
	assert_answer(1, OUTCOME_UNAVAILABLE, ORDER_UNKNOWN, BY_NOBODY);
	ck_assert(!clicks[1].w.result.replayed);
}
END_TEST

START_TEST(twin_waits_in_vain)
{
	stores_config.twin_wait_ms = 0;
	click_into_ledger();
	click(1);
	ck_assert_int_eq(clicks[0].done, 0);
	assert_answer(1, OUTCOME_IN_PROGRESS, ORDER_RUNNING, BY_TWIN);
	ledger_says(succeeded);
	settled();
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
	ck_assert_int_eq(clicks[1].done, 1);
}
END_TEST

/* The first one runs elsewhere: Redis is asked again after a while. */
START_TEST(twin_of_another_worker)
{
	stores_open();
	click(0);
	admitted("twin", NULL);
	while (fake_redis_asked() == 0) {
		ev_run(stores.loop, EVRUN_ONCE);
		stores_turn();
	}
	admitted("recorded", CACHED("1", "100.00", ""));
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_CACHE);
}
END_TEST

static const struct {
	const char *const *record;
	const char *refusal;
	enum outcome outcome;
	enum order_state state;
	enum answered_by by;
} looks[] = {
    {replayed, NULL, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER},
    {NULL, NULL, OUTCOME_IN_PROGRESS, ORDER_RUNNING, BY_LOCK},
    {NULL, "57014", OUTCOME_IN_PROGRESS, ORDER_UNKNOWN, BY_LOCK},
};

/* The lock is held for it; on a slow machine, Redis is asked again before its
 * time is over. */
static void
turn_until_look(void)
{
	while (*fake_pg_statement() == '\0') {
		if (fake_redis_asked() > 0) {
			admitted("twin", NULL);
		} else {
			ev_run(stores.loop, EVRUN_ONCE);
			stores_turn();
		}
	}
	ck_assert_str_eq(fake_pg_statement(), "find");
}

/* Its time is over: the lock may be a dead worker's, and the order final. */
START_TEST(twin_looks_in_the_ledger)
{
	stores_config.twin_wait_ms = 0;
	stores_open();
	click(0);
	turn_until_look();
	if (looks[_i].refusal != NULL) {
		fake_pg_refuse(looks[_i].refusal);
		stores_turn();
	} else {
		ledger_says(looks[_i].record);
	}
	if (looks[_i].record != NULL) {
		assert_settling(CACHED("1", "100.00", ""), false);
		settled();
	}
	assert_answer(0, looks[_i].outcome, looks[_i].state, looks[_i].by);
}
END_TEST

/* --- the guards ----------------------------------------------------------- */

static const struct {
	unsigned guards;
	const char *letters;
} choices[] = {{GUARD_TOKEN, "t"}, {GUARD_LOCK, "l"}, {GUARD_CACHE, "c"},
    {GUARD_LOCK | GUARD_CACHE, "cl"}};

START_TEST(guards_that_are_on)
{
	bool cache = (choices[_i].guards & GUARD_CACHE) != 0;
	bool lock = (choices[_i].guards & GUARD_LOCK) != 0;

	stores_config.guards = choices[_i].guards;
	stores_open();
	click(0);
	assert_admission(choices[_i].letters);
	fake_redis_items("go", NULL, NULL);
	stores_turn();
	ledger_says(succeeded);
	if (cache || lock) {
		assert_settling(cache ? CACHED("1", "100.00", "") : "", lock);
		settled();
	}
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

START_TEST(no_guard)
{
	stores_config.guards = 0;
	stores_open();
	click(0);
	ledger_says(succeeded);
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

/* A recorded answer is of a history of commits. Where none is known, nothing
 * is asked for, and nothing recorded. */
START_TEST(no_history)
{
	fake_pg_settings[3] = "";
	stores_open();
	click(0);
	ck_assert_str_eq(fake_redis_arg(6), "lt");
	fake_redis_items("go", NULL, NULL);
	stores_turn();
	ledger_says(succeeded);
	assert_settling("", true);
	settled();
	assert_answer(0, OUTCOME_SUCCEEDED, ORDER_SUCCEEDED, BY_LEDGER);
}
END_TEST

/* --- minting -------------------------------------------------------------- */

static struct token_call minting;
static int minted;

static void
on_minted(struct token_call *call)
{
	ck_assert_ptr_eq(call, &minting);
	minted++;
}

static void
mint(void)
{
	minting = (struct token_call){.service = &stores,
	    .user = 1001,
	    .order = ORDER,
	    .done = on_minted};
	minted = 0;
	token_mint(&minting);
	stores_turn();
}

START_TEST(token_is_kept)
{
	char key[128];

	stores_open();
	mint();
	ck_assert_int_eq(minted, 0);
	snprintf(
	    key, sizeof(key), "withdraw:{" USER "}:token:%s", minting.token);
	ck_assert_str_eq(fake_redis_arg(0), key);
	ck_assert_str_eq(fake_redis_arg(1), ORDER);
	ck_assert_str_eq(fake_redis_arg(2), "5000");
	settled();
	ck_assert_int_eq(minted, 1);
	ck_assert_uint_eq(strlen(minting.token), UUID_TEXT - 1);
}
END_TEST

/* It is given all the same, unless it would be asked for. */
START_TEST(token_is_not_kept)
{
	bool guarded = _i & 1, refuse = _i & 2, lost = _i & 4;

	stores_config.guards = guarded ? GUARD_TOKEN : GUARD_LOCK;
	stores_config.redis_refuse = refuse;
	if (!lost)
		peer_deaf(&fake_redis);
	stores_open();
	mint();
	if (lost && guarded) {
		ck_assert_int_eq(minted, 0);
		peer_hang_up(&fake_redis);
		stores_turn();
	}
	ck_assert_int_eq(minted, 1);
	ck_assert_int_eq(minting.token[0] == '\0', guarded && refuse);
}
END_TEST

Suite *
withdraw_suite(void)
{
	Suite *s = suite_create("withdraw");
	TCase *t = tcase_create("withdraw");

	tcase_add_checked_fixture(t, stores_setup, stores_teardown);
	tcase_add_loop_test(t, ledger_decides, 0, (int)COUNT(verdicts));
	tcase_add_test(t, ledger_refuses);
	tcase_add_test(t, ledger_is_not_understood);
	tcase_add_loop_test(t, limits_are_the_ledgers, 0, (int)COUNT(limits));
	tcase_add_loop_test(t, answer_is_recorded, 0, (int)COUNT(recorded));
	tcase_add_test(t, answer_is_garbled);
	tcase_add_test(t, user_is_busy);
	tcase_add_loop_test(t, something_else, 0, (int)COUNT(odd));
	tcase_add_test(t, reply_is_lost);
	tcase_add_loop_test(t, redis_is_down, 0, 2);
	tcase_add_test(t, settling_is_silent);
	tcase_add_loop_test(t, looked_up, 0, (int)COUNT(lookups));
	tcase_add_test(t, look_up_fails);
	tcase_add_test(t, begun_before_the_look_up);
	tcase_add_test(t, begun_during_the_look_up);
	tcase_add_test(t, twin_of_this_worker);
	tcase_add_test(t, twin_is_told_what_is_no_record);
	tcase_add_test(t, twin_waits_in_vain);
	tcase_add_test(t, twin_of_another_worker);
	tcase_add_loop_test(t, twin_looks_in_the_ledger, 0, (int)COUNT(looks));
	tcase_add_loop_test(t, guards_that_are_on, 0, (int)COUNT(choices));
	tcase_add_test(t, no_guard);
	tcase_add_test(t, no_history);
	tcase_add_test(t, token_is_kept);
	tcase_add_loop_test(t, token_is_not_kept, 0, 8);
	suite_add_tcase(s, t);
	return s;
}
