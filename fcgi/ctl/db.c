/* db.c: see db.h. */
#include "db.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/output.h"

struct ctl_db {
	PGconn *c;
	bool commit_warning; /* the server was not sure of its commit */
	char sqlstate[8];
	char problem[640];
};

struct ctl_rows {
	PGresult *result;
};

/* What the session needs, whatever the environment or the role has set: an end
 * to every statement, warnings about a commit, times in UTC, and commits that
 * last. */
static const char setup[] =
    "SELECT set_config('statement_timeout', '" CTL_DB_TIMEOUT "', false), "
    "set_config('client_min_messages', 'warning', false), "
    "set_config('TimeZone', 'UTC', false), "
    "CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') "
    "THEN set_config('synchronous_commit', 'on', false) END";

/* Copies what libpq says, in lines with indents, as one line. */
static void
one_line(const char *text, char *out, size_t room)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < room; text++) {
		bool blank = strchr(" \t\r\n", *text) != NULL;

		if (!blank)
			out[n++] = *text;
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* "canceling wait for synchronous replication", and its like: a warning that
 * comes with a commit that looks like any other. */
static void
on_notice(void *arg, const PGresult *r)
{
	struct ctl_db *db = arg;
	const char *severity =
	    PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
	char line[512];

	one_line(PQresultErrorMessage(r), line, sizeof(line));
	ctl_complain("the server says: %s", line);
	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		db->commit_warning = true;
}

/* What an operator can do about a refusal, or "". */
static const char *
hint(const char *sqlstate)
{
	static const struct {
		const char *sqlstate, *text;
	} hints[] = {
	    {"42501",
		"; connect as the role that may: PGUSER=withdraw_operator, "
		"or withdraw_reconcile for withdraw-reconcile"},
	    {"42P01",
		"; this database holds no ledger: set PGDATABASE, or "
		"apply sql/*.sql"},
	    {"42703",
		"; this database holds no ledger of this version: apply "
		"sql/*.sql"},
	    {"42883",
		"; this database holds no ledger of this version: "
		"set PGDATABASE, or apply sql/*.sql"},
	    {"25006",
		"; a standby, or a read-only session: connect to the "
		"primary "
		"(PGHOST, or PGTARGETSESSIONATTRS=read-write)"},
	    {"57014",
		"; it took too long: another transaction may hold the account, "
		"or there is too much to do at once (--limit)"},
	};
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strcmp(hints[i].sqlstate, sqlstate) == 0)
			return hints[i].text;
	return "";
}

static void
remember_problem(struct ctl_db *db, const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	char line[512];

	snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", state ? state : "");
	/* a lost reply has libpq's words; their first line says it */
	if (primary == NULL)
		primary = PQerrorMessage(db->c);
	snprintf(
	    line, sizeof(line), "%.*s", (int)strcspn(primary, "\n"), primary);
	if (line[0] == '\0')
		snprintf(line, sizeof(line),
		    "the server was not sure of its "
		    "commit");
	snprintf(
	    db->problem, sizeof(db->problem), "%s%s", line, hint(db->sqlstate));
}

enum ctl_db_verdict
ctl_db_run(struct ctl_db *db, const char *sql, const char *const params[],
    int nparams, struct ctl_rows **rows_r)
{
	const char *severity;
	PGresult *r;
	bool refused;

	*rows_r = NULL;
	db->commit_warning = false;
	db->sqlstate[0] = db->problem[0] = '\0';
	r = PQexecParams(db->c, sql, nparams, NULL, params, NULL, NULL, 0);
	if (PQresultStatus(r) == PGRES_TUPLES_OK && !db->commit_warning &&
	    PQstatus(db->c) == CONNECTION_OK &&
	    PQtransactionStatus(db->c) == PQTRANS_IDLE) {
		*rows_r = xcalloc(1, sizeof(**rows_r));
		(*rows_r)->result = r;
		return CTL_DB_ROWS;
	}
	/* ERROR: it was rolled back. FATAL: the backend ended, perhaps after
	 * its commit. None: libpq's own error, the reply is lost. */
	severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
	refused = severity != NULL && strcmp(severity, "ERROR") == 0 &&
	    PQstatus(db->c) == CONNECTION_OK;
	remember_problem(db, r);
	PQclear(r);
	return refused ? CTL_DB_REFUSED : CTL_DB_UNKNOWN;
}

struct ctl_db *
ctl_db_open(void)
{
	/* all text is UTF-8 here, whatever the environment says */
	const char *const keys[] = {
	    "fallback_application_name", "client_encoding", NULL};
	const char *const values[] = {ctl_program, "UTF8", NULL};
	struct ctl_db *db = xcalloc(1, sizeof(*db));
	struct ctl_rows *rows = NULL;
	char line[512];

	db->c = PQconnectdbParams(keys, values, 0);
	if (PQstatus(db->c) != CONNECTION_OK) {
		one_line(PQerrorMessage(db->c), line, sizeof(line));
		ctl_complain(
		    "could not connect to the ledger: %s; PGHOST, "
		    "PGPORT, PGDATABASE and PGUSER say where it is, as for "
		    "psql",
		    line);
		ctl_db_close(&db);
		return NULL;
	}
	PQsetNoticeReceiver(db->c, on_notice, db);
	if (ctl_db_run(db, setup, NULL, 0, &rows) != CTL_DB_ROWS) {
		ctl_complain("could not prepare the connection to the ledger: "
			     "%s",
		    db->problem);
		ctl_db_close(&db);
	}
	ctl_rows_free(&rows);
	return db;
}

void
ctl_db_close(struct ctl_db **db)
{
	if (*db == NULL)
		return;
	PQfinish((*db)->c);
	free(*db);
	*db = NULL;
}

const char *
ctl_db_sqlstate(const struct ctl_db *db)
{
	return db->sqlstate;
}

const char *
ctl_db_problem(const struct ctl_db *db)
{
	return db->problem;
}

void
ctl_rows_free(struct ctl_rows **rows)
{
	if (*rows == NULL)
		return;
	PQclear((*rows)->result);
	free(*rows);
	*rows = NULL;
}

size_t
ctl_rows_count(const struct ctl_rows *rows)
{
	return (size_t)PQntuples(rows->result);
}

const char *
ctl_rows_text(const struct ctl_rows *rows, size_t row, int column)
{
	if (PQgetisnull(rows->result, (int)row, column))
		return NULL;
	return PQgetvalue(rows->result, (int)row, column);
}
