/* account.c: withdrawctl account ...: open, credit, show.
 *
 * The first two move money, and a credit that is repeated moves it twice.
 * Whoever runs them must know for sure whether they took place: a lost reply
 * is called unknown, never failed, and the way to find out is named. */
#include <stdio.h>
#include <string.h>

#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "ctl/sql.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define UNIQUE_VIOLATION "23505"

/* --- open and credit ---------------------------------------------------- */

struct change {
	const char *sql;
	const char *verb; /* "opened", "credited" */
	int64_t least;    /* the smallest amount allowed, in minor units */
};

static const struct ctl_field changed_fields[] = {
    {"user_id", CTL_NUMBER},
    {"balance", CTL_AMOUNT},
    {"version", CTL_NUMBER},
};

static enum ctl_exit
change_applied(const struct ctl_args *args, const struct change *change,
    const char *amount, const struct ctl_rows *rows)
{
	const char *user = args->operand[0];
	struct ctl_output *out;
	char done[128];

	if (ctl_rows_count(rows) == 0) {
		ctl_complain("account %s was not %s: there is no such account; "
			     "\"withdrawctl account open %s AMOUNT\" opens it",
		    user, change->verb, user);
		return CTL_WRONG;
	}
	snprintf(done, sizeof(done), "account %s was %s with %s", user,
	    change->verb, amount);
	out = ctl_output_open(args->json);
	ctl_output_record(
	    out, changed_fields, COUNT(changed_fields), rows, 0, 0);
	return ctl_output_close(&out, done) == 0 ? CTL_OK : CTL_FAILED;
}

static enum ctl_exit
change_refused(
    const struct ctl_db *db, const struct change *change, const char *user)
{
	if (strcmp(ctl_db_sqlstate(db), UNIQUE_VIOLATION) == 0) {
		ctl_complain("account %s was not %s: it exists already; "
			     "\"withdrawctl account show %s\" shows it",
		    user, change->verb, user);
		return CTL_WRONG;
	}
	ctl_complain("account %s was not %s: %s", user, change->verb,
	    ctl_db_problem(db));
	return CTL_FAILED;
}

static enum ctl_exit
change_account(const struct ctl_args *args, const struct change *change)
{
	char amount[MONEY_TEXT];
	const char *user = args->operand[0];
	const char *params[] = {user, amount};
	struct ctl_rows *rows = NULL;
	enum ctl_exit code = CTL_FAILED;
	struct ctl_db *db;

	if (!ctl_check_user(user) ||
	    !ctl_check_amount(args->operand[1], change->least, amount))
		return CTL_FAILED;
	db = ctl_db_open();
	if (db == NULL)
		return CTL_FAILED;
	switch (ctl_db_run(db, change->sql, params, COUNT(params), &rows)) {
	case CTL_DB_ROWS:
		code = change_applied(args, change, amount, rows);
		break;
	case CTL_DB_REFUSED:
		code = change_refused(db, change, user);
		break;
	case CTL_DB_UNKNOWN:
		ctl_complain(
		    "the outcome is unknown: account %s may have been %s with "
		    "%s, or may still be (%s); check with \"withdrawctl "
		    "account show %s\" in " CTL_DB_TIMEOUT ", before you "
		    "repeat it",
		    user, change->verb, amount, ctl_db_problem(db), user);
		break;
	}
	ctl_rows_free(&rows);
	ctl_db_close(&db);
	return code;
}

enum ctl_exit
ctl_account_open(const struct ctl_args *args)
{
	static const struct change opening = {
	    .sql = "SELECT $1::bigint, balance, version "
		   "FROM account_open($1::bigint, $2::numeric)",
	    .verb = "opened",
	    .least = 0,
	};

	return change_account(args, &opening);
}

enum ctl_exit
ctl_account_credit(const struct ctl_args *args)
{
	static const struct change crediting = {
	    .sql = "SELECT $1::bigint, balance, version "
		   "FROM account_credit($1::bigint, $2::numeric)",
	    .verb = "credited",
	    .least = 1,
	};

	return change_account(args, &crediting);
}

/* --- show --------------------------------------------------------------- */

/* One statement, so that account and journal are of the same moment. */
static const char show_sql[] =
    "SELECT a.user_id, a.balance, a.version, a.state, "
    "e.version, e.kind, e.delta, e.balance_after, e.order_id, "
    "to_char(e.created_at" CTL_SQL_UTC " FROM account a "
    "LEFT JOIN LATERAL (SELECT * FROM ledger_entry l "
    "WHERE l.user_id = a.user_id ORDER BY l.version DESC LIMIT $2::bigint) e "
    "ON true WHERE a.user_id = $1::bigint ORDER BY e.version DESC";

static const struct ctl_field account_fields[] = {
    {"user_id", CTL_NUMBER},
    {"balance", CTL_AMOUNT},
    {"version", CTL_NUMBER},
    {"state", CTL_TEXT},
};

static const struct ctl_field entry_fields[] = {
    {"version", CTL_NUMBER},
    {"kind", CTL_TEXT},
    {"delta", CTL_AMOUNT},
    {"balance_after", CTL_AMOUNT},
    {"order_id", CTL_TEXT},
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
	struct ctl_rows *rows = NULL;
	enum ctl_exit code = CTL_FAILED;
	struct ctl_db *db;

	if (!ctl_check_user(params[0]) ||
	    !ctl_check_limit(args->limit, "10", &params[1]))
		return CTL_FAILED;
	db = ctl_db_open();
	if (db == NULL)
		return CTL_FAILED;
	if (ctl_db_run(db, show_sql, params, COUNT(params), &rows) ==
	    CTL_DB_ROWS)
		code = show_account(args, rows);
	else
		ctl_complain("could not read account %s: %s", params[0],
		    ctl_db_problem(db));
	ctl_rows_free(&rows);
	ctl_db_close(&db);
	return code;
}
