/* payouts.c: withdrawctl payouts export, mark, batches. (Import is import.c.)
 *
 * A batch is the same for ever: what is printed of it is only what cannot
 * change any more. */
#include <stdio.h>
#include <string.h>

#include "ctl/actor.h"
#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/confirm.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "ctl/query.h"
#include "ctl/sql.h"
#include "ctl/verdict.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* --- export -------------------------------------------------------------- */

static const struct ctl_field batch_fields[] = {
    {"batch", CTL_NUMBER},
    {"orders", CTL_NUMBER},
    {"total", CTL_AMOUNT},
    {"created_at", CTL_TEXT},
    {"created_by", CTL_TEXT},
};

static const struct ctl_field payout_fields[] = {
    {"batch", CTL_NUMBER},
    {"order_id", CTL_TEXT},
    {"user_id", CTL_NUMBER},
    {"amount", CTL_AMOUNT},
    {"currency", CTL_TEXT},
    {"created_at", CTL_TEXT},
};

/* The batch, and a row for each of its orders. */
static const char batch_sql[] =
    "SELECT b.batch, b.orders, b.total, to_char(b.created_at" CTL_SQL_UTC
    ", b.created_by, r.payout_batch, r.order_id, r.user_id, r.amount, "
    "r.currency, to_char(r.created_at" CTL_SQL_UTC " FROM payout_batch b "
    "JOIN withdraw_record r ON r.payout_batch = b.batch "
    "WHERE b.batch = $1::bigint ORDER BY r.created_at, r.order_id";

/* None of these values can have a comma or a quote in it. */
static void
print_csv(const struct ctl_rows *rows)
{
	size_t row;
	int i;

	for (i = 0; i < COUNT(payout_fields); i++)
		printf("%s%s", i > 0 ? "," : "", payout_fields[i].name);
	printf("\r\n");
	for (row = 0; rows != NULL && row < ctl_rows_count(rows); row++) {
		for (i = 0; i < COUNT(payout_fields); i++)
			printf("%s%s", i > 0 ? "," : "",
			    ctl_rows_text(rows, row, COUNT(batch_fields) + i));
		printf("\r\n");
	}
}

static enum ctl_exit
print_batch(
    const struct ctl_args *args, const struct ctl_rows *rows, const char *done)
{
	struct ctl_output *out;

	if (!args->json) {
		print_csv(rows);
		return ctl_stdout_close(done) == 0 ? CTL_OK : CTL_FAILED;
	}
	out = ctl_output_open(true);
	ctl_output_record(out, batch_fields, COUNT(batch_fields), rows, 0, 0);
	ctl_output_list(out, "payouts", payout_fields, COUNT(payout_fields),
	    rows, ctl_rows_count(rows), COUNT(batch_fields));
	return ctl_output_close(&out, done) == 0 ? CTL_OK : CTL_FAILED;
}

/* done: what was done before, should the printing fail; or NULL. */
static enum ctl_exit
print_batch_of(const struct ctl_args *args, const char *batch, const char *done)
{
	const char *params[] = {batch};
	struct ctl_rows *rows =
	    ctl_read("the batch", batch_sql, params, COUNT(params));
	enum ctl_exit code = CTL_WRONG;

	if (rows == NULL) {
		if (done != NULL)
			ctl_complain("%s", done);
		return CTL_FAILED;
	}
	if (ctl_rows_count(rows) > 0)
		code = print_batch(args, rows, done);
	else
		ctl_complain("there is no batch %s", batch);
	ctl_rows_free(&rows);
	return code;
}

static enum ctl_exit
print_nothing(const struct ctl_args *args)
{
	if (args->json)
		printf("{\n  \"batch\": null,\n  \"orders\": 0,\n"
		       "  \"payouts\": []\n}\n");
	else
		print_csv(NULL);
	return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
}

/* A word to the operator, beside what goes to the payment system. */
static void
tell_rest(const struct ctl_rows *rows)
{
	const char *left = ctl_rows_text(rows, 0, 1);
	const char *held = ctl_rows_text(rows, 0, 2);

	if (ctl_rows_text(rows, 0, 0) == NULL)
		ctl_complain("nothing to pay out: no new batch");
	if (strcmp(left, "0") != 0)
		ctl_complain("%s orders are due and in no batch, %s of them "
			     "held back since their accounts are frozen",
		    left, held);
}

static enum ctl_exit
export_new(const struct ctl_args *args, const char *limit)
{
	const char *params[] = {limit, ctl_actor(), args->option[CTL_REASON]};
	const struct ctl_change change = {
	    "SELECT batch, left_due, held FROM payout_export($1::bigint, $2, "
	    "$3)",
	    params, COUNT(params), "a batch", "made", "", true,
	    "payouts batches"};
	struct ctl_rows *rows;
	enum ctl_exit code = ctl_apply(&change, &rows);
	const char *batch;
	char done[128];

	if (code != CTL_OK)
		return code;
	tell_rest(rows);
	batch = ctl_rows_text(rows, 0, 0);
	if (batch == NULL) {
		ctl_rows_free(&rows);
		return print_nothing(args);
	}
	snprintf(done, sizeof(done),
	    "batch %s was made (\"withdrawctl payouts export --batch %s\" "
	    "prints it)",
	    batch, batch);
	code = print_batch_of(args, batch, done);
	ctl_rows_free(&rows);
	return code;
}

enum ctl_exit
ctl_payouts_export(const struct ctl_args *args)
{
	const char *limit;

	if (!ctl_check_limit(args, NULL, 0, &limit) ||
	    !ctl_check_number(args, CTL_BATCH))
		return CTL_FAILED;
	if (args->option[CTL_BATCH] == NULL)
		return export_new(args, limit);
	if (limit != NULL) {
		ctl_complain("--batch prints a batch as it is: --limit does "
			     "not go with it");
		return CTL_FAILED;
	}
	return print_batch_of(args, args->option[CTL_BATCH], NULL);
}

/* --- batches ------------------------------------------------------------- */

enum ctl_exit
ctl_payouts_batches(const struct ctl_args *args)
{
	static const char sql[] =
	    "SELECT b.batch, b.orders, b.total, to_char(b.created_at" CTL_SQL_UTC
	    ", b.created_by, s.paid, s.returned, b.orders - s.paid - s.returned "
	    "FROM payout_batch b, LATERAL (SELECT "
	    "count(*) FILTER (WHERE r.payout_state = 'paid') AS paid, "
	    "count(*) FILTER (WHERE r.payout_state = 'returned') AS returned "
	    "FROM withdraw_record r WHERE r.payout_batch = b.batch) s "
	    "ORDER BY b.batch DESC LIMIT $1::bigint";
	static const struct ctl_field fields[] = {
	    {"batch", CTL_NUMBER},
	    {"orders", CTL_NUMBER},
	    {"total", CTL_AMOUNT},
	    {"created_at", CTL_TEXT},
	    {"created_by", CTL_TEXT},
	    {"paid", CTL_NUMBER},
	    {"returned", CTL_NUMBER},
	    {"due", CTL_NUMBER},
	};
	const char *params[1];

	if (!ctl_check_limit(args, "20", CTL_LIMIT_MAX, &params[0]))
		return CTL_FAILED;
	return ctl_read_list(
	    args, "batches", fields, COUNT(fields), sql, params, 1);
}

/* --- mark ---------------------------------------------------------------- */

static const struct ctl_field marked_fields[] = {
    {"order_id", CTL_TEXT},
    {"verdict", CTL_TEXT},
    {"user_id", CTL_NUMBER},
    {"amount", CTL_AMOUNT},
    {"payout", CTL_TEXT},
    {"reference", CTL_TEXT},
    {"payout_at", CTL_TEXT},
    {"balance", CTL_AMOUNT},
};

enum ctl_exit
ctl_payouts_mark(const struct ctl_args *args)
{
	char order[UUID_TEXT], subject[64], show[64];
	const char *state = args->operand[1];
	const char *params[] = {order, state, args->option[CTL_REFERENCE],
	    ctl_actor(), args->option[CTL_REASON]};
	const struct ctl_change change = {
	    "SELECT $1::uuid, verdict, user_id, amount, payout, reference, "
	    "to_char(('epoch'::timestamptz + payout_us * "
	    "interval '1 microsecond')" CTL_SQL_UTC ", balance "
	    "FROM payout_mark($1::uuid, $2, $3, $4, $5)",
	    params, COUNT(params), subject, "marked", "", false, show};
	struct ctl_rows *rows;
	const char *amiss;
	enum ctl_exit code;

	if (!ctl_check_order(args->operand[0], order))
		return CTL_FAILED;
	if (strcmp(state, "paid") != 0 && strcmp(state, "returned") != 0) {
		ctl_complain(
		    "the state is \"%s\": it must be paid or returned", state);
		return CTL_FAILED;
	}
	if (!ctl_check_given(args, CTL_REFERENCE, "marking a payout") ||
	    !ctl_confirm(args, "Shall the payout of order %s be marked as %s?",
		order, state))
		return CTL_FAILED;
	snprintf(subject, sizeof(subject), "order %s", order);
	snprintf(show, sizeof(show), "withdrawals show %s", order);
	code = ctl_apply(&change, &rows);
	if (code != CTL_OK)
		return code;
	amiss = ctl_verdict_problem(ctl_rows_text(rows, 0, 1));
	if (amiss != NULL)
		ctl_complain(
		    "order %s was not marked as %s: %s", order, state, amiss);
	code = ctl_print_changed(
	    args, &change, marked_fields, COUNT(marked_fields), &rows);
	return code == CTL_OK && amiss != NULL ? CTL_WRONG : code;
}
