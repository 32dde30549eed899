/* round.c: see round.h.
 *
 * May be killed at any moment: each finding is handled and kept in one
 * transaction of the server, and the lock ends with the connection. A run that
 * was killed has no end in reconcile_run, and counts for nothing. */
#include "round.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ident.h"
#include "ctl/actor.h"
#include "ctl/command.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "reconcile/answers.h"
#include "reconcile/look.h"
#include "reconcile/report.h"
#include "reconcile/snapshot.h"

#define NUMBER 24

struct round {
	const struct round_options *options;
	struct ctl_db *db;
	struct report *report;
	struct look look;
	bool full, failed;
	char run[NUMBER]; /* its number in reconcile_run */
	const char *actor;
	struct report_answers answers;
};

/* --- asking the ledger --------------------------------------------------- */

/* Runs one statement. NULL: it failed, and stderr was told what. */
static struct ctl_rows *
ask(struct round *r, const char *what, const char *sql,
    const char *const params[], int nparams)
{
	struct ctl_rows *rows;

	if (ctl_db_run(r->db, sql, params, nparams, &rows) == CTL_DB_ROWS)
		return rows;
	ctl_complain("could not %s: %s", what, ctl_db_problem(r->db));
	r->failed = true;
	return NULL;
}

/* The first value, into out ("" for NULL). Returns false if it failed. */
static bool
ask_value(struct round *r, const char *what, const char *sql,
    const char *const params[], int nparams, char *out, size_t room)
{
	struct ctl_rows *rows = ask(r, what, sql, params, nparams);
	const char *text = NULL;

	if (rows == NULL)
		return false;
	if (ctl_rows_count(rows) > 0)
		text = ctl_rows_text(rows, 0, 0);
	snprintf(out, room, "%s", text ? text : "");
	ctl_rows_free(&rows);
	return true;
}

/* --- the run ------------------------------------------------------------- */

static bool
take_lock(struct round *r)
{
	char taken[8];

	if (!ask_value(r, "ask for the lock", "SELECT reconcile_lock()", NULL,
		0, taken, sizeof(taken)))
		return false;
	if (strcmp(taken, "t") == 0)
		return true;
	ctl_complain("another copy is at work on this ledger: nothing was "
		     "done");
	return false;
}

/* A journal of any length is looked into; an account that somebody else holds
 * is not waited for that long. */
static bool
take_time(struct round *r)
{
	char set[16];

	return ask_value(r, "set timeouts",
	    "SELECT set_config('statement_timeout', '10min', false), "
	    "set_config('lock_timeout', '10s', false)",
	    NULL, 0, set, sizeof(set));
}

/* A dry run could not change anything if it tried. */
static bool
forbid_changes(struct round *r)
{
	char set[8];

	return !r->options->dry_run ||
	    ask_value(r, "forbid changes",
		"SELECT set_config('default_transaction_read_only', 'on', "
		"false)",
		NULL, 0, set, sizeof(set));
}

static bool
begin_run(struct round *r, int64_t watermark)
{
	char mark[NUMBER];
	const char *params[] = {
	    r->full ? "full" : "incremental", mark, r->actor};

	if (r->options->dry_run)
		return true;
	snprintf(mark, sizeof(mark), "%" PRId64, watermark);
	return ask_value(r, "begin a run",
	    "SELECT reconcile_begin($1, $2::bigint, $3)", params, 3, r->run,
	    sizeof(r->run));
}

static void
end_run(struct round *r)
{
	char entries[NUMBER], records[NUMBER], answers[NUMBER], found[NUMBER];
	const char *params[] = {r->run, entries, records,
	    r->answers.looked ? answers : NULL, found};
	char known[NUMBER];

	if (r->options->dry_run || r->failed)
		return;
	snprintf(answers, NUMBER, "%" PRId64, r->answers.answers);
	snprintf(entries, NUMBER, "%" PRId64, r->look.entries);
	snprintf(records, NUMBER, "%" PRId64, r->look.records);
	snprintf(found, NUMBER, "%" PRId64, report_fresh(r->report));
	ask_value(r, "end the run",
	    "SELECT reconcile_end($1::bigint, $2::bigint, $3::bigint, "
	    "$4::bigint, $5::bigint)",
	    params, 5, known, sizeof(known));
}

/* --- looking ------------------------------------------------------------- */

static void
tell_progress(void *arg, int64_t rows, int64_t about)
{
	(void)arg;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rread %" PRId64 " rows of about %" PRId64 " ",
		    rows, about);
}

static bool
look(struct round *r)
{
	static const struct look_progress progress = {tell_progress, NULL};
	const char *params[] = {r->options->full_every};
	char since[NUMBER] = "";
	int64_t watermark;
	struct snapshot *snapshot;
	int looked = -1;

	if (r->options->incremental &&
	    !ask_value(r, "find the last clean run",
		"SELECT reconcile_since($1::bigint * interval '1 hour')",
		params, 1, since, sizeof(since)))
		return false;
	r->full = *since == '\0';
	snapshot = snapshot_open(r->full ? 2 : 1, &watermark);
	if (snapshot != NULL && begin_run(r, watermark))
		looked = r->full
		    ? look_full(snapshot, &progress, &r->look)
		    : look_since(snapshot, strtoll(since, NULL, 10), &r->look);
	snapshot_close(&snapshot);
	if (isatty(STDERR_FILENO) && r->full)
		fputs("\r\033[K", stderr);
	r->failed = r->failed || looked != 0;
	return looked == 0;
}

/* Those with open findings are looked at again: they may be mended by now. */
static bool
add_open_users(struct round *r)
{
	struct ctl_rows *rows = ask(r, "read the open findings",
	    "SELECT user_id FROM reconcile_open_users()", NULL, 0);
	size_t i;

	if (rows == NULL)
		return false;
	for (i = 0; i < ctl_rows_count(rows); i++)
		look_suspect(
		    &r->look, strtoll(ctl_rows_text(rows, i, 0), NULL, 10));
	ctl_rows_free(&rows);
	return true;
}

/* --- handling ------------------------------------------------------------ */

static const char handle_sql[] =
    "SELECT $1::bigint, kind, order_id, what, before, after, action, fresh "
    "FROM reconcile_handle($2::bigint, $1::bigint, $3)";

/* Is it open since an earlier run? Then f is not NULL. */
#define OPEN_JOIN(user, order)                                                 \
	"LEFT JOIN reconcile_finding f ON f.resolved_at IS NULL "              \
	"AND f.kind = d.kind AND f.user_id = " user                            \
	" AND f.order_id IS NOT DISTINCT FROM " order

static const char diagnose_sql[] =
    "SELECT $1::bigint, d.kind, d.order_id, d.what, d.before, "
    "CASE WHEN d.repairable THEN d.expected END, "
    "CASE WHEN d.repairable THEN 'would be repaired' "
    "WHEN f.id IS NULL THEN 'would be frozen' ELSE f.action END, "
    "d.repairable OR f.id IS NULL FROM reconcile_diagnose($1::bigint) d " OPEN_JOIN(
	"$1::bigint", "d.order_id");

/* A page of payouts that are overdue: $1 days, $2 the last order before it. */
#define OVERDUE_PAGE 500
#define OVERDUE_ROWS                                                           \
	" FROM (SELECT o.user_id, o.order_id, 'payout-overdue' AS kind, "      \
	"format('its payout is in batch %s, and neither paid nor returned so " \
	"far', o.batch) AS what FROM reconcile_overdue(now() - $1::bigint * "  \
	"interval '1 day', $2::uuid, 500) o) d "

static const char overdue_sql[] =
    "SELECT d.user_id, d.kind, d.order_id, d.what, NULL, NULL, 'reported', "
    "reconcile_report($3::bigint, d.kind, d.user_id, d.order_id, d.what, "
    "NULL, NULL, 'reported', $4)" OVERDUE_ROWS "ORDER BY d.order_id";

static const char overdue_dry_sql[] =
    "SELECT d.user_id, d.kind, d.order_id, d.what, NULL, NULL, "
    "CASE WHEN f.id IS NULL THEN 'would be reported' ELSE f.action END, "
    "f.id IS NULL" OVERDUE_ROWS OPEN_JOIN(
	"d.user_id", "d.order_id") " ORDER BY d.order_id";

static void
report_rows(struct round *r, const struct ctl_rows *rows)
{
	size_t i;

	for (i = 0; i < ctl_rows_count(rows); i++) {
		const struct finding finding = {
		    .user = ctl_rows_text(rows, i, 0),
		    .kind = ctl_rows_text(rows, i, 1),
		    .order = ctl_rows_text(rows, i, 2),
		    .what = ctl_rows_text(rows, i, 3),
		    .before = ctl_rows_text(rows, i, 4),
		    .after = ctl_rows_text(rows, i, 5),
		    .action = ctl_rows_text(rows, i, 6),
		    .fresh = *ctl_rows_text(rows, i, 7) == 't',
		};

		report_finding(r->report, &finding);
	}
}

static void
handle_user(struct round *r, const char *user)
{
	const char *params[] = {user, r->run, r->actor};
	bool dry = r->options->dry_run;
	struct ctl_rows *rows = ask(r, "look into a finding",
	    dry ? diagnose_sql : handle_sql, params, dry ? 1 : 3);

	if (rows != NULL)
		report_rows(r, rows);
	ctl_rows_free(&rows);
}

static int
by_user(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
handle_suspects(struct round *r)
{
	int64_t *user = r->look.suspect;
	size_t i;

	if (r->look.nsuspects > 0)
		qsort(user, r->look.nsuspects, sizeof(*user), by_user);
	for (i = 0; i < r->look.nsuspects; i++) {
		char text[NUMBER];

		if (i > 0 && user[i] == user[i - 1])
			continue;
		snprintf(text, sizeof(text), "%" PRId64, user[i]);
		handle_user(r, text);
	}
}

/* A page. Returns whether there may be another, after *last. */
static bool
handle_overdue(struct round *r, char last[UUID_TEXT])
{
	const char *params[] = {r->options->overdue, last, r->run, r->actor};
	bool dry = r->options->dry_run;
	struct ctl_rows *rows = ask(r, "look into payouts",
	    dry ? overdue_dry_sql : overdue_sql, params, dry ? 2 : 4);
	size_t n = 0;

	if (rows != NULL) {
		report_rows(r, rows);
		n = ctl_rows_count(rows);
	}
	if (n > 0)
		snprintf(last, UUID_TEXT, "%s", ctl_rows_text(rows, n - 1, 2));
	ctl_rows_free(&rows);
	return n == OVERDUE_PAGE;
}

static void
handle_payouts(struct round *r)
{
	char resolved[NUMBER];
	char last[UUID_TEXT] = "00000000-0000-0000-0000-000000000000";

	if (!r->options->dry_run)
		ask_value(r, "resolve findings of payouts",
		    "SELECT reconcile_resolve_payouts()", NULL, 0, resolved,
		    sizeof(resolved));
	while (handle_overdue(r, last))
		continue;
}

/* Returns false if not all of Redis was looked at. The ledger was, and the run
 * is kept as what it found there. */
static bool
check_answers(struct round *r)
{
	struct answers a = {.cfg = r->options->cfg,
	    .db = r->db,
	    .report = r->report,
	    .run = r->run,
	    .actor = r->actor,
	    .dry_run = r->options->dry_run,
	    .full = r->full};
	bool looked;

	if (r->failed)
		return true;
	looked = answers_check(&a) == 0;
	r->answers = a.seen;
	return looked;
}

/* --- all of it ----------------------------------------------------------- */

static enum ctl_exit
work(struct round *r)
{
	bool looked, redis_looked = true;
	int64_t found;

	if (!take_lock(r) || !take_time(r) || !forbid_changes(r))
		return CTL_FAILED;
	looked = look(r);
	r->report = report_open(r->options->json, r->full, r->options->dry_run);
	if (looked && add_open_users(r)) {
		handle_suspects(r);
		handle_payouts(r);
		redis_looked = check_answers(r);
		end_run(r);
	}
	found = report_fresh(r->report);
	if (report_close(
		&r->report, &r->look, looked && !r->failed, &r->answers) != 0)
		r->failed = true;
	if (r->failed || !redis_looked)
		return CTL_FAILED;
	return found > 0 ? CTL_WRONG : CTL_OK;
}

enum ctl_exit
round_run(const struct round_options *options)
{
	struct round r = {.options = options, .full = !options->incremental};
	enum ctl_exit code = CTL_FAILED;

	r.actor = ctl_actor();
	r.db = ctl_db_open();
	if (r.db != NULL)
		code = work(&r);
	look_free(&r.look);
	ctl_db_close(&r.db);
	return code;
}
