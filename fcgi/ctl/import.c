/* import.c: withdrawctl payouts import: what became of the orders of a payment
 * run.
 *
 * A line is a transaction of its own, and idempotent: the ledger says whether
 * it moved the payout or found it moved. So a line whose reply was lost is
 * sent again, the same file may be imported twice, or in two processes at
 * once, and a line that cannot apply does not keep the others from it. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/actor.h"
#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/confirm.h"
#include "ctl/db.h"
#include "ctl/json.h"
#include "ctl/output.h"
#include "ctl/results.h"
#include "ctl/verdict.h"

enum { TRIES = 3, TELL_EVERY = 100 };

struct import {
	const struct ctl_args *args;
	struct ctl_db *db;
	yajl_gen json; /* NULL: text */
	size_t moved, already, amiss;
};

/* --- the report ---------------------------------------------------------- */

/* What a file says is printed as it is only if JSON, or a terminal, can have
 * it. */
static const char *
printable(const char *text, char out[80])
{
	size_t i;

	for (i = 0; i < 79 && text[i] != '\0'; i++)
		out[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	out[i] = '\0';
	return out;
}

/* problem NULL: it is what the line says, now or since before. */
static void
report(struct import *import, const struct ctl_result *r, const char *verdict,
    const char *problem)
{
	char order[80], state[80];

	if (problem != NULL)
		import->amiss++;
	else if (strcmp(verdict, "moved") == 0)
		import->moved++;
	else
		import->already++;
	printable(r->order, order);
	printable(r->state, state);
	if (import->json == NULL) {
		if (problem != NULL)
			printf("line %zu: order %s, %s: %s: %s\n", r->line,
			    order, state, verdict, problem);
		return;
	}
	ctl_json_must(yajl_gen_map_open(import->json));
	ctl_json_put_count(import->json, "line", (int64_t)r->line);
	ctl_json_put(import->json, "order_id", order);
	ctl_json_put(import->json, "state", state);
	ctl_json_put(import->json, "verdict", verdict);
	ctl_json_put(import->json, "problem", problem);
	ctl_json_must(yajl_gen_map_close(import->json));
}

static void
begin_report(struct import *import)
{
	if (!import->args->json)
		return;
	import->json = ctl_json_open();
	ctl_json_string(import->json, "lines");
	ctl_json_must(yajl_gen_array_open(import->json));
}

static void
end_report(struct import *import, size_t left)
{
	if (import->json == NULL) {
		printf("%zu moved, %zu moved before, %zu could not apply, %zu "
		       "not tried\n",
		    import->moved, import->already, import->amiss, left);
		return;
	}
	ctl_json_must(yajl_gen_array_close(import->json));
	ctl_json_put_count(import->json, "moved", (int64_t)import->moved);
	ctl_json_put_count(import->json, "already", (int64_t)import->already);
	ctl_json_put_count(import->json, "not_applied", (int64_t)import->amiss);
	ctl_json_put_count(import->json, "not_tried", (int64_t)left);
	ctl_json_close(&import->json);
}

static void
tell_progress(size_t done, size_t all)
{
	if (isatty(STDERR_FILENO) && (done % TELL_EVERY == 0 || done == all))
		fprintf(stderr, "\r%zu of %zu%s", done, all,
		    done == all ? "\n" : "");
}

/* --- a line -------------------------------------------------------------- */

/* Is it the line that the ledger does not like, and not the weather? */
static bool
is_about_data(const char *sqlstate)
{
	return strncmp(sqlstate, "22", 2) == 0 ||
	    strncmp(sqlstate, "23", 2) == 0 || strncmp(sqlstate, "P0", 2) == 0;
}

/* Sends the line, anew on a new connection where a reply was lost. Returns
 * false if the import has to stop here: stderr was told why. */
static bool
mark(struct import *import, const struct ctl_result *r)
{
	const char *params[] = {r->order, r->state, r->reference, ctl_actor(),
	    import->args->option[CTL_REASON]};
	struct ctl_rows *rows = NULL;
	enum ctl_db_verdict outcome = CTL_DB_UNKNOWN;
	const char *verdict;
	int i;

	for (i = 0; i < TRIES && outcome == CTL_DB_UNKNOWN; i++) {
		if (i > 0) {
			ctl_db_close(&import->db);
			import->db = ctl_db_open();
		}
		if (import->db == NULL)
			return false;
		outcome = ctl_db_run(import->db,
		    "SELECT verdict FROM payout_mark($1::uuid, $2, $3, $4, $5)",
		    params, 5, &rows);
	}
	if (outcome == CTL_DB_ROWS) {
		verdict = ctl_rows_text(rows, 0, 0);
		report(import, r, verdict, ctl_verdict_problem(verdict));
		ctl_rows_free(&rows);
		return true;
	}
	if (outcome == CTL_DB_REFUSED &&
	    is_about_data(ctl_db_sqlstate(import->db))) {
		report(import, r, "invalid", ctl_db_problem(import->db));
		return true;
	}
	ctl_complain("line %zu, order %s: %s: %s", r->line, r->order,
	    outcome == CTL_DB_REFUSED ? "not applied"
				      : "it is not known whether it applied",
	    ctl_db_problem(import->db));
	return false;
}

/* What can be seen without the ledger. NULL: nothing is amiss. */
static const char *
problem_of(const struct ctl_result *r)
{
	char order[UUID_TEXT];

	if (r->twice)
		return "the same member is there twice";
	if (!uuid_text_parse(r->order, strlen(r->order), order))
		return "order_id is not a UUID";
	if (strcmp(r->state, "paid") != 0 && strcmp(r->state, "returned") != 0)
		return "state must be paid or returned";
	if (*r->reference == '\0')
		return "the reference is missing";
	return NULL;
}

/* Returns how many were not tried. */
static size_t
apply(struct import *import, const struct ctl_results *results)
{
	size_t i;

	for (i = 0; i < results->n; i++) {
		const char *problem = problem_of(&results->item[i]);

		if (problem != NULL)
			report(import, &results->item[i], "invalid", problem);
		else if (!mark(import, &results->item[i]))
			break;
		tell_progress(i + 1, results->n);
	}
	return results->n - i;
}

/* --- all of it ----------------------------------------------------------- */

static bool
confirm(const struct ctl_args *args, const struct ctl_results *results)
{
	size_t i, paid = 0, returned = 0;

	for (i = 0; i < results->n; i++) {
		paid += strcmp(results->item[i].state, "paid") == 0;
		returned += strcmp(results->item[i].state, "returned") == 0;
	}
	return ctl_confirm(args,
	    "Shall %zu payouts be marked as paid, and %zu as returned?", paid,
	    returned);
}

static enum ctl_exit
import_results(const struct ctl_args *args, const struct ctl_results *results)
{
	struct import import = {.args = args, .db = ctl_db_open()};
	size_t left;
	char done[96];

	if (import.db == NULL)
		return CTL_FAILED;
	begin_report(&import);
	left = apply(&import, results);
	end_report(&import, left);
	ctl_db_close(&import.db);
	if (left > 0)
		ctl_complain("stopped with %zu lines to go; the same file may "
			     "be imported again: what has moved stays",
		    left);
	snprintf(done, sizeof(done), "%zu payouts were moved", import.moved);
	if (ctl_stdout_close(done) != 0 || left > 0)
		return CTL_FAILED;
	return import.amiss > 0 ? CTL_WRONG : CTL_OK;
}

enum ctl_exit
ctl_payouts_import(const struct ctl_args *args)
{
	const char *path = args->operand[0];
	struct ctl_results results;
	enum ctl_exit code = CTL_FAILED;

	if (strcmp(path, "-") == 0 && !args->yes) {
		ctl_complain("standard input cannot be the file and the answer "
			     "to a question: --yes is needed");
		return CTL_FAILED;
	}
	if (ctl_results_read(path, &results) != 0) {
		ctl_complain("nothing of %s was imported", path);
		return CTL_FAILED;
	}
	if (confirm(args, &results))
		code = import_results(args, &results);
	ctl_results_free(&results);
	return code;
}
