/* orders.c: see orders.h. */
#include "orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/money.h"
#include "pipeline/ledger.h"
#include "pipeline/row.h"
#include "pipeline/service.h"

static struct orders_call *
of_call(struct pg_call *call)
{
	return (struct orders_call *)((char *)call -
	    offsetof(struct orders_call, pg_call));
}

static const char *
text_of(struct orders_call *c, int i, int64_t v)
{
	snprintf(c->text[i], sizeof(c->text[i]), "%" PRId64, v);
	return c->text[i];
}

static void
submit(struct orders_call *c, const struct pg_statement *statement, int nparams,
    void (*done)(struct pg_call *, enum pg_verdict, const struct pg_rows *))
{
	c->pg_call.statement = statement;
	c->pg_call.nparams = nparams;
	c->pg_call.timeout = c->service->cfg->ledger_timeout_ms / 1000.0;
	c->pg_call.request = c->request;
	c->pg_call.done = done;
	pg_submit(c->service->pg, &c->pg_call);
}

/* The columns behind those of the record and of "replayed". */
enum payout_column {
	PAYOUT_STATE = 1 + RECORD_FIELDS,
	PAYOUT_MOVED,
	PAYOUT_REFERENCE_TEXT,
};

static bool
read_payout(const struct pg_rows *rows, size_t row, struct payout *p)
{
	static const char *const states[] = {"due", "paid", "returned"};
	const char *state = pg_rows_text(rows, row, PAYOUT_STATE);
	const char *moved = pg_rows_text(rows, row, PAYOUT_MOVED);
	const char *reference = pg_rows_text(rows, row, PAYOUT_REFERENCE_TEXT);
	size_t i;

	*p = (struct payout){0};
	if (state == NULL)
		return true;
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i], state) == 0)
			p->state = states[i];
	p->has_moved = moved != NULL;
	if (moved != NULL)
		p->moved_us = strtoll(moved, NULL, 10);
	snprintf(p->reference, sizeof(p->reference), "%s",
	    reference != NULL ? reference : "");
	return p->state != NULL;
}

/* A row that cannot be read is no answer: nothing is claimed. */
static bool
read_item(struct orders_call *c, const struct pg_rows *rows, size_t row,
    struct orders_item *item)
{
	bool shown = c->pg_call.statement != &statement_void;

	if (record_from_row(rows, row, 1, c->user, &item->record) &&
	    (!shown || read_payout(rows, row, &item->payout)))
		return true;
	log_warnx("request %s: a record of the ledger is not understood; is "
		  "sql/ of this version?",
	    c->request);
	c->verdict = PG_UNCERTAIN;
	return false;
}

static void
on_record(
    struct pg_call *pc, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct orders_call *c = of_call(pc);

	c->verdict = verdict;
	if (verdict == PG_ROWS && pg_rows_count(rows) == 1) {
		c->replayed = *pg_rows_text(rows, 0, 0) == 't';
		c->found = read_item(c, rows, 0, &c->item);
	}
	c->done(c);
}

static void
on_list(struct pg_call *pc, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct orders_call *c = of_call(pc);
	struct orders_item *list = NULL;
	size_t n, i;

	c->verdict = verdict;
	if (verdict == PG_ROWS) {
		n = pg_rows_count(rows);
		c->more = n > (size_t)c->limit;
		if (c->more)
			n = (size_t)c->limit;
		c->list = list = xcalloc(n + 1, sizeof(*list));
		for (i = 0; i < n; i++)
			if (!read_item(c, rows, i, &c->list[i]))
				break;
		c->nlist = i;
	}
	c->done(c); /* c may be gone after it */
	free(list);
}

static void
on_account(
    struct pg_call *pc, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct orders_call *c = of_call(pc);

	c->verdict = verdict;
	if (verdict == PG_ROWS && pg_rows_count(rows) == 1) {
		c->found =
		    money_parse_numeric(pg_rows_text(rows, 0, 0), &c->balance);
		c->version = strtoll(pg_rows_text(rows, 0, 1), NULL, 10);
	}
	c->done(c);
}

/* The columns behind those of the account. */
enum limits_column {
	LIMITS_STATE = 2,
	LIMITS_MIN,
	LIMITS_MAX,
	LIMITS_COUNT,
	LIMITS_COUNT_LEFT,
	LIMITS_SUM,
	LIMITS_SUM_LEFT,
	LIMITS_RESETS,
};

static void
on_overview(
    struct pg_call *pc, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct orders_limits *l = &of_call(pc)->limits;
	const char *resets;

	if (verdict == PG_ROWS && pg_rows_count(rows) == 1) {
		l->state = pg_rows_text(rows, 0, LIMITS_STATE);
		l->min_amount = pg_rows_text(rows, 0, LIMITS_MIN);
		l->max_amount = pg_rows_text(rows, 0, LIMITS_MAX);
		l->daily_count = pg_rows_text(rows, 0, LIMITS_COUNT);
		l->daily_count_left = pg_rows_text(rows, 0, LIMITS_COUNT_LEFT);
		l->daily_sum = pg_rows_text(rows, 0, LIMITS_SUM);
		l->daily_sum_left = pg_rows_text(rows, 0, LIMITS_SUM_LEFT);
		resets = pg_rows_text(rows, 0, LIMITS_RESETS);
		l->has_resets = resets != NULL;
		if (resets != NULL)
			l->resets_us = strtoll(resets, NULL, 10);
	}
	on_account(pc, verdict, rows);
}

static void
on_health(
    struct pg_call *pc, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct orders_call *c = of_call(pc);

	(void)rows;
	c->verdict = verdict;
	c->done(c);
}

void
orders_find(struct orders_call *c)
{
	c->pg_call.param[0] = text_of(c, 0, c->user);
	c->pg_call.param[1] = c->order;
	submit(c, &statement_show, 2, on_record);
}

void
orders_list(struct orders_call *c)
{
	bool first = c->order[0] == '\0';

	c->pg_call.param[0] = text_of(c, 0, c->user);
	/* one more than asked for, to know whether there is more */
	c->pg_call.param[1] = text_of(c, 1, c->limit + 1);
	c->pg_call.param[2] = first ? NULL : text_of(c, 2, c->before_us);
	c->pg_call.param[3] = first ? NULL : c->order;
	submit(c, &statement_list, 4, on_list);
}

void
orders_void(struct orders_call *c)
{
	c->pg_call.param[0] = text_of(c, 0, c->user);
	c->pg_call.param[1] = c->order;
	c->pg_call.param[2] = c->service->cfg->currency;
	/* it waits for a withdrawal of the order that is under way */
	c->pg_call.lane = c->user;
	submit(c, &statement_void, 3, on_record);
}

void
orders_account(struct orders_call *c)
{
	c->pg_call.param[0] = text_of(c, 0, c->user);
	submit(c, &statement_account, 1, on_account);
}

void
orders_overview(struct orders_call *c)
{
	const struct service *s = c->service;

	c->pg_call.param[0] = text_of(c, 0, c->user);
	c->pg_call.param[1] = *s->min ? s->min : NULL;
	c->pg_call.param[2] = *s->max ? s->max : NULL;
	submit(c, &statement_overview, 3, on_overview);
}

void
orders_health(struct orders_call *c)
{
	submit(c, &statement_health, 0, on_health);
}
