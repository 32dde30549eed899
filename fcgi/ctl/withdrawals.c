/* withdrawals.c: withdrawctl withdrawals, withdrawctl show: what was decided
 * about orders. Reads only. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "ctl/sql.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* The columns of a record, in the order of record_fields. */
#define RECORD_SQL                                                             \
	"r.order_id, r.user_id, "                                              \
	"CASE r.status WHEN 1 THEN 'succeeded' WHEN 2 THEN 'declined' "        \
	"WHEN 3 THEN 'void' END, r.reason, r.amount, r.currency, "             \
	"r.balance_after, r.version, to_char(r.created_at" CTL_SQL_UTC

static const struct ctl_field record_fields[] = {
    {"order_id", CTL_TEXT},
    {"user_id", CTL_NUMBER},
    {"status", CTL_TEXT},
    {"reason", CTL_TEXT},
    {"amount", CTL_AMOUNT},
    {"currency", CTL_TEXT},
    {"balance_after", CTL_AMOUNT},
    {"version", CTL_NUMBER},
    {"created_at", CTL_TEXT},
};

static const struct ctl_field entry_fields[] = {
    {"user_id", CTL_NUMBER},
    {"version", CTL_NUMBER},
    {"kind", CTL_TEXT},
    {"delta", CTL_AMOUNT},
    {"balance_after", CTL_AMOUNT},
    {"created_at", CTL_TEXT},
};

enum column {
	RECORD_ORDER = 0,
	RECORD_USER = 1,
	RECORD_STATUS = 2,
	RECORD_AMOUNT = 4,
	RECORD_BALANCE = 6,
	RECORD_VERSION = 7,
	ENTRY = COUNT(record_fields),
	ENTRY_USER = ENTRY,
	ENTRY_VERSION = ENTRY + 1,
	ENTRY_DELTA = ENTRY + 3,
	ENTRY_BALANCE = ENTRY + 4,
};

/* --- withdrawals -------------------------------------------------------- */

static const char list_sql[] =
    "SELECT " RECORD_SQL " FROM withdraw_record r "
    "WHERE $1::bigint IS NULL OR r.user_id = $1::bigint "
    "ORDER BY r.created_at DESC, r.order_id DESC LIMIT $2::bigint";

static enum ctl_exit
list_records(const struct ctl_args *args, const struct ctl_rows *rows)
{
	struct ctl_output *out = ctl_output_open(args->json);

	ctl_output_list(out, "withdrawals", record_fields, COUNT(record_fields),
	    rows, ctl_rows_count(rows), RECORD_ORDER);
	return ctl_output_close(&out, NULL) == 0 ? CTL_OK : CTL_FAILED;
}

enum ctl_exit
ctl_withdrawals_list(const struct ctl_args *args)
{
	const char *params[2] = {args->user, NULL};
	struct ctl_rows *rows = NULL;
	enum ctl_exit code = CTL_FAILED;
	struct ctl_db *db;

	if ((args->user != NULL && !ctl_check_user(args->user)) ||
	    !ctl_check_limit(args->limit, "20", &params[1]))
		return CTL_FAILED;
	db = ctl_db_open();
	if (db == NULL)
		return CTL_FAILED;
	if (ctl_db_run(db, list_sql, params, COUNT(params), &rows) ==
	    CTL_DB_ROWS)
		code = list_records(args, rows);
	else
		ctl_complain(
		    "could not read the withdrawals: %s", ctl_db_problem(db));
	ctl_rows_free(&rows);
	ctl_db_close(&db);
	return code;
}

/* --- show --------------------------------------------------------------- */

/* One statement, so that record and entry are of the same moment. The entry is
 * found by the order alone: if it is another user's, that is to be seen. */
static const char show_sql[] =
    "SELECT " RECORD_SQL ", e.user_id, e.version, e.kind, e.delta, "
    "e.balance_after, to_char(e.created_at" CTL_SQL_UTC " "
    "FROM (SELECT $1::uuid AS order_id) o "
    "LEFT JOIN withdraw_record r ON r.order_id = o.order_id "
    "LEFT JOIN ledger_entry e ON e.order_id = o.order_id "
    "AND e.kind = 'withdraw'";

static bool
same(const struct ctl_rows *rows, int record_column, int entry_column)
{
	const char *a = ctl_rows_text(rows, 0, record_column);
	const char *b = ctl_rows_text(rows, 0, entry_column);

	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool
debits_amount(const struct ctl_rows *rows)
{
	const char *amount = ctl_rows_text(rows, 0, RECORD_AMOUNT);
	const char *delta = ctl_rows_text(rows, 0, ENTRY_DELTA);
	int64_t a, d;

	return amount != NULL && money_parse_numeric(amount, &a) &&
	    money_parse_numeric(delta, &d) && d == -a;
}

/* Money left exactly where the record says so, or the ledger is damaged. */
static const char *
damage(const struct ctl_rows *rows, bool has_record, bool has_entry)
{
	bool succeeded;

	if (!has_record)
		return "it was debited, and there is no record of it";
	succeeded =
	    strcmp(ctl_rows_text(rows, 0, RECORD_STATUS), "succeeded") == 0;
	if (succeeded && !has_entry)
		return "it succeeded, and its debit is not in the journal";
	if (!succeeded && has_entry)
		return "it did not succeed, and was debited";
	if (succeeded &&
	    !(same(rows, RECORD_USER, ENTRY_USER) &&
		same(rows, RECORD_VERSION, ENTRY_VERSION) &&
		same(rows, RECORD_BALANCE, ENTRY_BALANCE) &&
		debits_amount(rows)))
		return "its record and its journal entry do not agree";
	return NULL;
}

static enum ctl_exit
show_order(
    const struct ctl_args *args, const struct ctl_rows *rows, const char *order)
{
	bool has_record = ctl_rows_text(rows, 0, RECORD_ORDER) != NULL;
	bool has_entry = ctl_rows_text(rows, 0, ENTRY_USER) != NULL;
	struct ctl_output *out;
	const char *wrong;

	if (!has_record && !has_entry) {
		ctl_complain("there is no record of order %s: it was not "
			     "withdrawn so far",
		    order);
		return CTL_WRONG;
	}
	wrong = damage(rows, has_record, has_entry);
	if (wrong != NULL)
		ctl_complain(
		    "the ledger is damaged: order %s: %s", order, wrong);
	out = ctl_output_open(args->json);
	ctl_output_record(
	    out, record_fields, COUNT(record_fields), rows, 0, RECORD_ORDER);
	ctl_output_list(out, "entries", entry_fields, COUNT(entry_fields), rows,
	    has_entry, ENTRY);
	if (ctl_output_close(&out, NULL) != 0)
		return CTL_FAILED;
	return wrong == NULL ? CTL_OK : CTL_WRONG;
}

enum ctl_exit
ctl_withdrawals_show(const struct ctl_args *args)
{
	char order[UUID_TEXT];
	const char *params[] = {order};
	struct ctl_rows *rows = NULL;
	enum ctl_exit code = CTL_FAILED;
	struct ctl_db *db;

	if (!ctl_check_order(args->operand[0], order))
		return CTL_FAILED;
	db = ctl_db_open();
	if (db == NULL)
		return CTL_FAILED;
	if (ctl_db_run(db, show_sql, params, COUNT(params), &rows) ==
	    CTL_DB_ROWS)
		code = show_order(args, rows, order);
	else
		ctl_complain(
		    "could not read order %s: %s", order, ctl_db_problem(db));
	ctl_rows_free(&rows);
	ctl_db_close(&db);
	return code;
}
