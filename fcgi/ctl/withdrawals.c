/* withdrawals.c: withdrawctl withdrawals ...: what was decided about orders.
 * Reads only. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "ctl/query.h"
#include "ctl/sql.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* The columns of a record, in the order of record_fields. */
#define RECORD_SQL                                                             \
	"r.order_id, r.user_id, "                                              \
	"CASE r.status WHEN 1 THEN 'succeeded' WHEN 2 THEN 'declined' "        \
	"WHEN 3 THEN 'void' END, r.reason, r.amount, r.currency, "             \
	"r.balance_after, r.version, to_char(r.created_at" CTL_SQL_UTC ", "    \
	"CASE r.status WHEN 1 THEN coalesce(r.payout_state, 'due') END, "      \
	"r.payout_reference, to_char(r.payout_at" CTL_SQL_UTC ", "             \
	"r.payout_batch, to_char(r.resets_at" CTL_SQL_UTC

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
    {"payout", CTL_TEXT},
    {"payout_reference", CTL_TEXT},
    {"payout_at", CTL_TEXT},
    {"batch", CTL_NUMBER},
    {"resets_at", CTL_TEXT},
};

/* A line of the list for people has only the first ones. */
enum { LIST_FIELDS = 10 };

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
	RECORD_PAYOUT = 9,
	ENTRY = COUNT(record_fields),
	ENTRY_USER = ENTRY,
	ENTRY_VERSION = ENTRY + 1,
	ENTRY_KIND = ENTRY + 2,
	ENTRY_DELTA = ENTRY + 3,
	ENTRY_BALANCE = ENTRY + 4,
};

/* --- list ---------------------------------------------------------------- */

static const char list_sql[] =
    "SELECT " RECORD_SQL " FROM withdraw_record r "
    "WHERE ($1::bigint IS NULL OR r.user_id = $1::bigint) "
    "AND ($2::text IS NULL OR r.status = CASE $2::text "
    "WHEN 'succeeded' THEN 1 WHEN 'declined' THEN 2 ELSE 3 END) "
    "AND ($3::text IS NULL OR (r.status = 1 "
    "AND coalesce(r.payout_state, 'due') = $3::text)) "
    "AND ($4::bigint IS NULL OR r.payout_batch = $4::bigint) "
    "AND ($5::timestamptz IS NULL OR r.created_at >= $5::timestamptz) "
    "AND ($6::timestamptz IS NULL OR r.created_at < $6::timestamptz) "
    "ORDER BY r.created_at DESC, r.order_id DESC LIMIT $7::bigint";

enum ctl_exit
ctl_withdrawals_list(const struct ctl_args *args)
{
	const char *params[] = {args->option[CTL_USER],
	    args->option[CTL_STATUS], args->option[CTL_PAYOUT],
	    args->option[CTL_BATCH], args->option[CTL_SINCE],
	    args->option[CTL_UNTIL], NULL};
	char order[UUID_TEXT];

	if (!ctl_check_whose(args, order) ||
	    !ctl_check_word(args, CTL_STATUS, NULL) ||
	    !ctl_check_word(args, CTL_PAYOUT, NULL) ||
	    !ctl_check_number(args, CTL_BATCH) ||
	    !ctl_check_limit(args, "20", CTL_LIMIT_MAX, &params[6]))
		return CTL_FAILED;
	return ctl_read_list(args, "withdrawals", record_fields,
	    args->json ? COUNT(record_fields) : LIST_FIELDS, list_sql, params,
	    COUNT(params));
}

/* --- show ---------------------------------------------------------------- */

/* One statement, so that record and entries are of the same moment. Entries
 * are found by the order alone: if one is another user's, that is to be seen.
 * The debit comes first, then the return. */
static const char show_sql[] =
    "SELECT " RECORD_SQL ", e.user_id, e.version, e.kind, e.delta, "
    "e.balance_after, to_char(e.created_at" CTL_SQL_UTC " "
    "FROM (SELECT $1::uuid AS order_id) o "
    "LEFT JOIN withdraw_record r ON r.order_id = o.order_id "
    "LEFT JOIN (SELECT * FROM ledger_entry WHERE order_id = $1::uuid "
    "AND kind = 'withdraw' UNION ALL SELECT * FROM ledger_entry "
    "WHERE order_id = $1::uuid AND kind = 'return') e ON true "
    "ORDER BY e.kind DESC, e.version";

static bool
same(const struct ctl_rows *rows, int record_column, int entry_column)
{
	const char *a = ctl_rows_text(rows, 0, record_column);
	const char *b = ctl_rows_text(rows, 0, entry_column);

	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool
is(const struct ctl_rows *rows, size_t row, int column, const char *word)
{
	const char *text = ctl_rows_text(rows, row, column);

	return text != NULL && strcmp(text, word) == 0;
}

/* Does that entry move the record's amount, that many times? */
static bool
moves_amount(const struct ctl_rows *rows, size_t row, int times)
{
	const char *amount = ctl_rows_text(rows, 0, RECORD_AMOUNT);
	const char *delta = ctl_rows_text(rows, row, ENTRY_DELTA);
	int64_t a, d;

	return amount != NULL && money_parse_numeric(amount, &a) &&
	    money_parse_numeric(delta, &d) && d == times * a;
}

static size_t
entries_of(const struct ctl_rows *rows, const char *kind)
{
	size_t row, n = 0;

	for (row = 0; row < ctl_rows_count(rows); row++)
		n += is(rows, row, ENTRY_KIND, kind);
	return n;
}

/* Money left, and came back, exactly where the record says so, or the ledger
 * is damaged. */
static const char *
damage(const struct ctl_rows *rows, bool has_record)
{
	size_t debits = entries_of(rows, "withdraw");
	size_t returns = entries_of(rows, "return");
	bool succeeded = is(rows, 0, RECORD_STATUS, "succeeded");

	if (!has_record)
		return debits > 0 ? "it was debited, and there is no record "
				    "of it"
				  : "it was given back, and there is no "
				    "record of it";
	if (succeeded && debits == 0)
		return "it succeeded, and its debit is not in the journal";
	if (!succeeded && debits > 0)
		return "it did not succeed, and was debited";
	if (succeeded &&
	    !(debits == 1 && same(rows, RECORD_USER, ENTRY_USER) &&
		same(rows, RECORD_VERSION, ENTRY_VERSION) &&
		same(rows, RECORD_BALANCE, ENTRY_BALANCE) &&
		moves_amount(rows, 0, -1)))
		return "its record and its journal entry do not agree";
	if (is(rows, 0, RECORD_PAYOUT, "returned")
		? returns != 1 || !moves_amount(rows, debits, 1)
		: returns != 0)
		return "its payout and its return in the journal do not agree";
	return NULL;
}

static enum ctl_exit
show_order(
    const struct ctl_args *args, const struct ctl_rows *rows, const char *order)
{
	bool has_record = ctl_rows_text(rows, 0, RECORD_ORDER) != NULL;
	size_t entries = ctl_rows_count(rows);
	struct ctl_output *out;
	const char *wrong;

	if (ctl_rows_text(rows, 0, ENTRY_USER) == NULL)
		entries = 0; /* the row is the record's alone */
	if (!has_record && entries == 0) {
		ctl_complain("there is no record of order %s: it was not "
			     "withdrawn so far",
		    order);
		return CTL_WRONG;
	}
	wrong = damage(rows, has_record);
	if (wrong != NULL)
		ctl_complain(
		    "the ledger is damaged: order %s: %s", order, wrong);
	out = ctl_output_open(args->json);
	ctl_output_record(
	    out, record_fields, COUNT(record_fields), rows, 0, RECORD_ORDER);
	ctl_output_list(out, "entries", entry_fields, COUNT(entry_fields), rows,
	    entries, ENTRY);
	if (ctl_output_close(&out, NULL) != 0)
		return CTL_FAILED;
	return wrong == NULL ? CTL_OK : CTL_WRONG;
}

enum ctl_exit
ctl_withdrawals_show(const struct ctl_args *args)
{
	char order[UUID_TEXT], what[64];
	const char *params[] = {order};
	struct ctl_rows *rows;
	enum ctl_exit code;

	if (!ctl_check_order(args->operand[0], order))
		return CTL_FAILED;
	snprintf(what, sizeof(what), "order %s", order);
	rows = ctl_read(what, show_sql, params, COUNT(params));
	if (rows == NULL)
		return CTL_FAILED;
	code = show_order(args, rows, order);
	ctl_rows_free(&rows);
	return code;
}
