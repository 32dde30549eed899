/* ledger.c: see ledger.h. */
#include "ledger.h"

#include <stddef.h>

#include "base/config.h"
#include "base/log.h"
#include "pipeline/keys.h"
#include "pipeline/row.h"
#include "pipeline/service.h"
#include "pipeline/withdraw.h"

#define COLUMNS                                                                \
	" order_id, status, amount, currency, reason, balance_after,"          \
	" version, created_us, resets_us"
/* and how far the payout is, which is no part of a final answer */
#define PAYOUT_COLUMNS ", payout, payout_us, payout_reference"

const struct pg_statement statement_withdraw = {.name = "withdraw",
    .sql = "SELECT replayed," COLUMNS
	   " FROM withdraw_execute($1, $2, $3, $4, $5, $6)",
    .many = "withdraw_all",
    .nvaried = 3};
static const struct pg_statement statement_withdraw_all = {
    .name = "withdraw_all",
    .sql = "SELECT item, replayed," COLUMNS
	   " FROM withdraw_execute_all($1, $2, $3, $4, $5, $6)"};
const struct pg_statement statement_find = {.name = "find",
    .sql = "SELECT true," COLUMNS " FROM withdraw_find($1, $2)"};
const struct pg_statement statement_show = {.name = "show",
    .sql = "SELECT true," COLUMNS PAYOUT_COLUMNS " FROM withdraw_show($1, $2)"};
const struct pg_statement statement_list = {.name = "list",
    .sql = "SELECT true," COLUMNS PAYOUT_COLUMNS
	   " FROM withdraw_list($1, $2, $3, $4)"};
const struct pg_statement statement_void = {.name = "void",
    .sql = "SELECT replayed," COLUMNS " FROM withdraw_void($1, $2, $3)"};
const struct pg_statement statement_account = {.name = "account",
    .sql = "SELECT balance, version FROM account WHERE user_id = $1"};
const struct pg_statement statement_overview = {.name = "overview",
    .sql =
	"SELECT balance, version, state, min_amount, max_amount, daily_count,"
	" daily_count_left, daily_sum, daily_sum_left, resets_us"
	" FROM withdraw_overview($1, $2, $3)"};
const struct pg_statement statement_sign_in = {.name = "sign_in",
    .sql = "SELECT user_id, password, generation FROM sign_in_find($1)"};
const struct pg_statement statement_stands = {
    .name = "stands", .sql = "SELECT stands FROM sign_in_stands($1, $2, $3)"};
const struct pg_statement statement_leave = {
    .name = "leave", .sql = "SELECT left_all FROM sign_in_leave($1, $2, $3)"};
const struct pg_statement statement_health = {
    .name = "health", .sql = "SELECT 1"};

const struct pg_statement *const ledger_statements[] = {&statement_withdraw,
    &statement_withdraw_all, &statement_find, &statement_show, &statement_list,
    &statement_void, &statement_account, &statement_overview, &statement_health,
    &statement_sign_in, &statement_stands, &statement_leave};
const unsigned ledger_nstatements =
    sizeof(ledger_statements) / sizeof(ledger_statements[0]);

static void
on_record(
    struct pg_call *call, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct withdrawal *w = (struct withdrawal *)((char *)call -
	    offsetof(struct withdrawal, pg_call));

	w->verdict = verdict;
	if (verdict == PG_ROWS && pg_rows_count(rows) == 1) {
		w->result.replayed = *pg_rows_text(rows, 0, 0) == 't';
		snprintf(w->epoch, sizeof(w->epoch), "%s", call->epoch);
		w->result.has_record =
		    record_from_row(rows, 0, 1, w->user, &w->result.record);
		if (!w->result.has_record) {
			log_warnx("request %s: the ledger's record of order %s "
				  "is not understood; is sql/ of this version?",
			    w->request, w->order);
			w->verdict = PG_UNCERTAIN;
		}
	}
	w->next(w);
}

static void
submit(struct withdrawal *w, const struct pg_statement *statement, int nparams)
{
	const struct service *s = w->service;
	struct pg_call *c = &w->pg_call;

	snprintf(w->user_text, sizeof(w->user_text), "%" PRId64, w->user);
	c->statement = statement;
	c->param[0] = w->user_text;
	c->param[1] = w->order;
	c->nparams = nparams;
	c->timeout = s->cfg->ledger_timeout_ms / 1000.0;
	c->request = w->request;
	c->done = on_record;
	pg_submit(s->pg, c);
}

void
ledger_withdraw(struct withdrawal *w, void (*next)(struct withdrawal *w))
{
	const struct service *s = w->service;
	struct pg_call *c = &w->pg_call;

	w->next = next;
	c->lane = w->user;
	c->param[2] = money_format(w->amount, w->amount_text);
	c->param[3] = s->cfg->currency;
	c->param[4] = *s->min ? s->min : NULL;
	c->param[5] = *s->max ? s->max : NULL;
	submit(w, &statement_withdraw, 6);
}

void
ledger_find(struct withdrawal *w, void (*next)(struct withdrawal *w))
{
	w->next = next;
	w->pg_call.lane = 0;
	submit(w, &statement_find, 2);
}
