/* withdraw.c: THE PIPELINE.
 *
 *   step_admit -> step_ledger -> step_settle -> finish
 *       |  `-> step_lookup (no valid token) ---^
 *       `----> step_wait   (a twin is under way; comes back or is told)
 *
 * Each step starts its work and names the step that follows. Where a worker
 * dies between two of them:
 *   after admit     nothing is withdrawn; the token is spent, the lock ends
 *                   with its lease; the same order is sent again with a fresh
 *                   token
 *   in the ledger   the commit stands or not, whole; the same order, sent
 *                   again, waits for it and gets what stands
 *   after ledger    the record stands; the same order gets it
 */
#include "withdraw.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/config.h"
#include "pipeline/admit.h"
#include "pipeline/ledger.h"
#include "pipeline/service.h"
#include "pipeline/settle.h"

static void step_admit(struct withdrawal *w);
static void step_wait(struct withdrawal *w);
static void step_lookup(struct withdrawal *w);
static void step_ledger(struct withdrawal *w);
static void step_settle(struct withdrawal *w);
static void after_admit(struct withdrawal *w);
static void after_lookup(struct withdrawal *w);
static void after_ledger(struct withdrawal *w);
static void after_look(struct withdrawal *w);
static void after_settle(struct withdrawal *w);
static void finish(struct withdrawal *w);

/* --- what an outcome is made of ----------------------------------------- */

/* The answer to this request, from the record in w->result. */
static void
judge_record(struct withdrawal *w, enum answered_by by)
{
	static const enum order_state states[] = {
	    [RECORD_SUCCEEDED] = ORDER_SUCCEEDED,
	    [RECORD_DECLINED] = ORDER_DECLINED,
	    [RECORD_VOID] = ORDER_VOID};
	struct result *r = &w->result;

	r->by = by;
	r->has_record = true;
	r->state = states[r->record.status];
	if (r->record.status == RECORD_VOID)
		r->outcome = OUTCOME_VOID;
	else if (r->record.amount != w->amount)
		r->outcome = OUTCOME_MISMATCH;
	else if (r->record.status == RECORD_SUCCEEDED)
		r->outcome = OUTCOME_SUCCEEDED;
	else
		r->outcome = OUTCOME_DECLINED;
}

static void
judge(struct withdrawal *w, enum outcome outcome, enum order_state state,
    enum answered_by by)
{
	w->result.outcome = outcome;
	w->result.state = state;
	w->result.by = by;
}

/* --- step 1: token, lock, recorded answer ------------------------------- */

void
withdraw_start(struct withdrawal *w)
{
	/* the first one runs in this very worker: nobody needs to be asked */
	if (twin_running(w->service->twins, w->user, w->order))
		step_wait(w);
	else
		step_admit(w);
}

static void
step_admit(struct withdrawal *w)
{
	w->step_began = clock_us();
	admit(w, after_admit);
}

static void
after_admit(struct withdrawal *w)
{
	w->admit_us += clock_us() - w->step_began;
	switch ((enum admission)w->admission) {
	case ADMIT_GO:
		step_ledger(w);
		break;
	case ADMIT_GARBLED:
		w->distrust_cache = true; /* settling mends it */
		step_admit(w);
		break;
	case ADMIT_RECORDED:
		w->result.replayed = true;
		judge_record(w, BY_CACHE);
		finish(w);
		break;
	case ADMIT_TWIN:
		step_wait(w);
		break;
	case ADMIT_BUSY:
		judge(w, OUTCOME_BUSY, ORDER_UNKNOWN, BY_LOCK);
		finish(w);
		break;
	case ADMIT_NO_TOKEN:
		step_lookup(w);
		break;
	case ADMIT_NO_REDIS:
		if (w->service->cfg->redis_refuse) {
			judge(w, OUTCOME_UNAVAILABLE, ORDER_UNKNOWN, BY_NOBODY);
			step_settle(w);
		} else {
			step_ledger(w);
		}
		break;
	}
}

/* --- a twin waits ------------------------------------------------------- */

static void
on_woken(
    struct twin_seat *seat, enum twin_news news, const struct result *result)
{
	struct withdrawal *w = (struct withdrawal *)((char *)seat -
	    offsetof(struct withdrawal, seat));

	switch (news) {
	case TWIN_TOLD:
		w->result = *result;
		if (result->has_record) {
			w->result.replayed = true;
			judge_record(w, BY_TWIN);
		}
		finish(w);
		break;
	case TWIN_YOUR_TURN:
		step_admit(w);
		break;
	case TWIN_STILL_RUNNING:
		judge(w, OUTCOME_IN_PROGRESS, ORDER_RUNNING, BY_TWIN);
		finish(w);
		break;
	case TWIN_LOOK:
		/* the lock may be a dead worker's, and the order final */
		ledger_find(w, after_look);
		break;
	}
}

static void
step_wait(struct withdrawal *w)
{
	w->seat.woken = on_woken;
	twin_wait(w->service->twins, &w->seat, w->user, w->order);
}

static void
after_look(struct withdrawal *w)
{
	if (w->verdict == PG_ROWS && w->result.has_record)
		judge_record(w, BY_LEDGER);
	else
		judge(w, OUTCOME_IN_PROGRESS,
		    w->verdict == PG_ROWS ? ORDER_RUNNING : ORDER_UNKNOWN,
		    BY_LOCK);
	twin_looked(w->service->twins, w->user, w->order, &w->result);
	step_settle(w);
}

/* --- step 2: no valid token: the ledger may know the order -------------- */

static void
step_lookup(struct withdrawal *w)
{
	/* begun since: it is not in the ledger yet, and will be */
	if (twin_running(w->service->twins, w->user, w->order)) {
		step_wait(w);
		return;
	}
	w->step_began = clock_us();
	ledger_find(w, after_lookup);
}

static void
after_lookup(struct withdrawal *w)
{
	w->ledger_us += clock_us() - w->step_began;
	if (w->verdict != PG_ROWS)
		judge(w, OUTCOME_UNAVAILABLE, ORDER_UNKNOWN, BY_NOBODY);
	else if (w->result.has_record)
		judge_record(w, BY_LEDGER);
	else if (twin_running(w->service->twins, w->user, w->order)) {
		step_wait(w);
		return;
	} else
		judge(w, OUTCOME_TOKEN_INVALID, ORDER_NONE, BY_TOKEN);
	step_settle(w);
}

/* --- step 3: the ledger ------------------------------------------------- */

static void
step_ledger(struct withdrawal *w)
{
	w->flight = twin_begin(w->service->twins, w->user, w->order);
	w->step_began = clock_us();
	ledger_withdraw(w, after_ledger);
}

static void
after_ledger(struct withdrawal *w)
{
	w->ledger_us += clock_us() - w->step_began;
	switch (w->verdict) {
	case PG_ROWS:
		if (w->result.has_record)
			judge_record(w, BY_LEDGER);
		else
			judge(w, OUTCOME_NO_ACCOUNT, ORDER_NONE, BY_LEDGER);
		break;
	case PG_FAILED:
		/* this request did not run; an earlier one may have */
		judge(w, OUTCOME_UNAVAILABLE, ORDER_UNKNOWN, BY_NOBODY);
		break;
	case PG_UNCERTAIN:
		judge(w, OUTCOME_UNKNOWN, ORDER_UNKNOWN, BY_NOBODY);
		/* the lock stays until its lease ends: the commit may still
		 * be under way */
		w->owner[0] = '\0';
		break;
	}
	twin_end(w->service->twins, &w->flight, &w->result);
	step_settle(w);
}

/* --- step 4: cache and lock, after the commit, and answer --------------- */

static void
step_settle(struct withdrawal *w)
{
	w->step_began = clock_us();
	settle(w, after_settle);
}

static void
after_settle(struct withdrawal *w)
{
	w->settle_us = clock_us() - w->step_began;
	finish(w);
}

static void
finish(struct withdrawal *w)
{
	if (w->result.has_record)
		twin_tell(w->service->twins, w->user, w->order, &w->result);
	w->done(w);
}
