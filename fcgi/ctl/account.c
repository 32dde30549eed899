/* account.c: withdrawctl account ...: open, credit, adjust, freeze, unfreeze,
 * show, list.
 *
 * The first three move money, and those but the first move it again when they
 * are repeated. Whoever runs them must know for sure whether they took place:
 * a lost reply is called unknown, never failed, and the way to find out is
 * named. */
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

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static enum ctl_exit
no_account(const char *user, const struct ctl_change *change)
{
	ctl_complain("account %s was not %s: there is no such account; "
		     "\"withdrawctl account open %s AMOUNT\" opens it",
	    user, change->verb, user);
	return CTL_WRONG;
}

/* --- open, credit, adjust ------------------------------------------------ */

static const struct ctl_field moved_fields[] = {
    {"user_id", CTL_NUMBER},
    {"balance", CTL_AMOUNT},
    {"version", CTL_NUMBER},
};

/* verb: "opened" and so on; with: " with " or " by ". */
static enum ctl_exit
move(const struct ctl_args *args, const char *sql, const char *verb,
    const char *with, const char *amount)
{
	const char *user = args->operand[0];
	const char *params[] = {
	    user, amount, ctl_actor(), args->option[CTL_REASON]};
	char subject[48], by[48], show[64];
	const struct ctl_change change = {
	    sql, params, COUNT(params), subject, verb, by, false, show};
	struct ctl_rows *rows;
	enum ctl_exit code;

	snprintf(subject, sizeof(subject), "account %s", user);
	snprintf(by, sizeof(by), "%s%s", with, amount);
	snprintf(show, sizeof(show), "account show %s", user);
	if (!ctl_confirm(args, "Shall %s be %s%s?", subject, verb, by))
		return CTL_FAILED;
	code = ctl_apply(&change, &rows);
	if (code != CTL_OK)
		return code;
	if (ctl_rows_count(rows) > 0)
		return ctl_print_changed(
		    args, &change, moved_fields, COUNT(moved_fields), &rows);
	ctl_rows_free(&rows);
	return no_account(user, &change);
}

enum ctl_exit
ctl_account_open(const struct ctl_args *args)
{
	char amount[MONEY_TEXT];

	if (!ctl_check_user(args->operand[0]) ||
	    !ctl_check_amount(args->operand[1], 0, amount))
		return CTL_FAILED;
	return move(args,
	    "SELECT $1::bigint, balance, version "
	    "FROM account_open($1::bigint, $2::numeric, $3, $4)",
	    "opened", " with ", amount);
}

enum ctl_exit
ctl_account_credit(const struct ctl_args *args)
{
	char amount[MONEY_TEXT];

	if (!ctl_check_user(args->operand[0]) ||
	    !ctl_check_amount(args->operand[1], 1, amount))
		return CTL_FAILED;
	return move(args,
	    "SELECT $1::bigint, balance, version "
	    "FROM account_credit($1::bigint, $2::numeric, $3, $4)",
	    "credited", " with ", amount);
}

enum ctl_exit
ctl_account_adjust(const struct ctl_args *args)
{
	char delta[MONEY_TEXT];

	if (!ctl_check_user(args->operand[0]) ||
	    !ctl_check_delta(args->operand[1], delta) ||
	    !ctl_check_given(args, CTL_REASON, "an adjustment"))
		return CTL_FAILED;
	return move(args,
	    "SELECT $1::bigint, balance, version "
	    "FROM account_adjust($1::bigint, $2::numeric, $3, $4)",
	    "adjusted", " by ", delta);
}

/* --- freeze and unfreeze ------------------------------------------------- */

static const struct ctl_field state_fields[] = {
    {"user_id", CTL_NUMBER},
    {"changed", CTL_BOOL},
    {"state", CTL_TEXT},
    {"state_reason", CTL_TEXT},
};

static enum ctl_exit
set_state(const struct ctl_args *args, const char *state, const char *verb)
{
	const char *user = args->operand[0];
	const char *params[] = {
	    user, state, ctl_actor(), args->option[CTL_REASON]};
	char subject[48], show[64];
	const struct ctl_change change = {
	    "SELECT $1::bigint, changed, state, state_reason "
	    "FROM account_set_state($1::bigint, $2, $3, $4)",
	    params, COUNT(params), subject, verb, "", false, show};
	struct ctl_rows *rows;
	enum ctl_exit code;

	if (!ctl_check_user(user) ||
	    !ctl_check_given(
		args, CTL_REASON, "freezing or unfreezing an account"))
		return CTL_FAILED;
	snprintf(subject, sizeof(subject), "account %s", user);
	snprintf(show, sizeof(show), "account show %s", user);
	code = ctl_apply(&change, &rows);
	if (code != CTL_OK)
		return code;
	if (ctl_rows_count(rows) > 0)
		return ctl_print_changed(
		    args, &change, state_fields, COUNT(state_fields), &rows);
	ctl_rows_free(&rows);
	return no_account(user, &change);
}

enum ctl_exit
ctl_account_freeze(const struct ctl_args *args)
{
	return set_state(args, "frozen", "frozen");
}

enum ctl_exit
ctl_account_unfreeze(const struct ctl_args *args)
{
	return set_state(args, "active", "unfrozen");
}

/* --- show ---------------------------------------------------------------- */

/* One statement, so that account and journal are of the same moment. */
static const char show_sql[] =
    "SELECT a.user_id, a.balance, a.version, a.state, a.state_reason, "
    "e.version, e.kind, e.delta, e.balance_after, e.order_id, e.note, "
    "to_char(e.created_at" CTL_SQL_UTC " FROM account a "
    "LEFT JOIN LATERAL (SELECT * FROM ledger_entry l "
    "WHERE l.user_id = a.user_id ORDER BY l.version DESC LIMIT $2::bigint) e "
    "ON true WHERE a.user_id = $1::bigint ORDER BY e.version DESC";

static const struct ctl_field account_fields[] = {
    {"user_id", CTL_NUMBER},
    {"balance", CTL_AMOUNT},
    {"version", CTL_NUMBER},
    {"state", CTL_TEXT},
    {"state_reason", CTL_TEXT},
};

static const struct ctl_field entry_fields[] = {
    {"version", CTL_NUMBER},
    {"kind", CTL_TEXT},
    {"delta", CTL_AMOUNT},
    {"balance_after", CTL_AMOUNT},
    {"order_id", CTL_TEXT},
    {"note", CTL_TEXT},
    {"created_at", CTL_TEXT},
};

enum show_column {
	SHOW_BALANCE = 1,
	SHOW_VERSION = 2,
	SHOW_ENTRY = COUNT(account_fields),
	SHOW_ENTRY_VERSION = SHOW_ENTRY,
	SHOW_ENTRY_BALANCE = SHOW_ENTRY + 3,
};

/* The account is the head of its journal, or the ledger is damaged. */
static enum ctl_exit
check_head(const struct ctl_rows *rows, const char *user)
{
	const char *balance = ctl_rows_text(rows, 0, SHOW_BALANCE);
	const char *version = ctl_rows_text(rows, 0, SHOW_VERSION);
	const char *entry = ctl_rows_text(rows, 0, SHOW_ENTRY_VERSION);
	const char *after = ctl_rows_text(rows, 0, SHOW_ENTRY_BALANCE);

	if (entry != NULL && strcmp(version, entry) == 0 &&
	    strcmp(balance, after) == 0)
		return CTL_OK;
	ctl_complain("the ledger is damaged: account %s stands at version %s "
		     "with %s, its journal at version %s with %s",
	    user, version, balance, entry ? entry : "0",
	    after ? after : "nothing");
	return CTL_WRONG;
}

static enum ctl_exit
show_account(const struct ctl_args *args, const struct ctl_rows *rows)
{
	struct ctl_output *out;
	size_t entries = ctl_rows_count(rows);
	enum ctl_exit code;

	if (entries == 0) {
		ctl_complain("there is no account %s", args->operand[0]);
		return CTL_WRONG;
	}
	if (ctl_rows_text(rows, 0, SHOW_ENTRY_VERSION) == NULL)
		entries = 0; /* the row is the account's alone */
	code = check_head(rows, args->operand[0]);
	out = ctl_output_open(args->json);
	ctl_output_record(
	    out, account_fields, COUNT(account_fields), rows, 0, 0);
	ctl_output_list(out, "entries", entry_fields, COUNT(entry_fields), rows,
	    entries, SHOW_ENTRY);
	return ctl_output_close(&out, NULL) == 0 ? code : CTL_FAILED;
}

enum ctl_exit
ctl_account_show(const struct ctl_args *args)
{
	const char *params[2] = {args->operand[0], NULL};
	struct ctl_rows *rows;
	enum ctl_exit code;
	char what[48];

	if (!ctl_check_user(params[0]) ||
	    !ctl_check_limit(args, "10", CTL_LIMIT_MAX, &params[1]))
		return CTL_FAILED;
	snprintf(what, sizeof(what), "account %s", params[0]);
	rows = ctl_read(what, show_sql, params, COUNT(params));
	if (rows == NULL)
		return CTL_FAILED;
	code = show_account(args, rows);
	ctl_rows_free(&rows);
	return code;
}

/* --- list ---------------------------------------------------------------- */

enum ctl_exit
ctl_account_list(const struct ctl_args *args)
{
	static const char sql[] =
	    "SELECT a.user_id, a.balance, a.version, a.state, a.state_reason "
	    "FROM account a WHERE ($1::text IS NULL OR a.state = $1::text) "
	    "AND a.user_id > coalesce($2::bigint, 0) "
	    "ORDER BY a.user_id LIMIT $3::bigint";
	const char *params[] = {
	    args->option[CTL_STATE], args->option[CTL_AFTER], NULL};

	if (!ctl_check_word(args, CTL_STATE, "active frozen") ||
	    !ctl_check_number(args, CTL_AFTER) ||
	    !ctl_check_limit(args, "20", CTL_LIMIT_MAX, &params[2]))
		return CTL_FAILED;
	return ctl_read_list(args, "accounts", account_fields,
	    COUNT(account_fields), sql, params, COUNT(params));
}
