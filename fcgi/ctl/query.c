/* query.c: see query.h. */
#include "query.h"

#include <stdio.h>
#include <string.h>

#include "ctl/db.h"

#define UNIQUE_VIOLATION "23505"
#define SLOW             "10min"

struct ctl_rows *
ctl_read(
    const char *what, const char *sql, const char *const params[], int nparams)
{
	struct ctl_db *db = ctl_db_open();
	struct ctl_rows *rows = NULL;

	if (db != NULL &&
	    ctl_db_run(db, sql, params, nparams, &rows) != CTL_DB_ROWS)
		ctl_complain("could not read %s: %s", what, ctl_db_problem(db));
	ctl_db_close(&db);
	return rows;
}

enum ctl_exit
ctl_read_list(const struct ctl_args *args, const char *name,
    const struct ctl_field fields[], int nfields, const char *sql,
    const char *const params[], int nparams)
{
	char what[64];
	struct ctl_rows *rows;
	struct ctl_output *out;

	snprintf(what, sizeof(what), "the %s", name);
	rows = ctl_read(what, sql, params, nparams);
	if (rows == NULL)
		return CTL_FAILED;
	out = ctl_output_open(args->json);
	ctl_output_list(
	    out, name, fields, nfields, rows, ctl_rows_count(rows), 0);
	ctl_rows_free(&rows);
	return ctl_output_close(&out, NULL) == 0 ? CTL_OK : CTL_FAILED;
}

static enum ctl_exit
refused(const struct ctl_db *db, const struct ctl_change *c)
{
	if (strcmp(ctl_db_sqlstate(db), UNIQUE_VIOLATION) == 0) {
		ctl_complain("%s was not %s: it exists already; "
			     "\"withdrawctl %s\" shows it",
		    c->subject, c->verb, c->show);
		return CTL_WRONG;
	}
	ctl_complain(
	    "%s was not %s: %s", c->subject, c->verb, ctl_db_problem(db));
	return CTL_FAILED;
}

enum ctl_exit
ctl_apply(const struct ctl_change *c, struct ctl_rows **rows_r)
{
	struct ctl_db *db = ctl_db_open();
	enum ctl_exit code = CTL_FAILED;

	*rows_r = NULL;
	if (db == NULL)
		return CTL_FAILED;
	if (c->slow &&
	    ctl_db_run(db,
		"SELECT set_config('statement_timeout', '" SLOW "', false)",
		NULL, 0, rows_r) != CTL_DB_ROWS) {
		code = refused(db, c);
		ctl_db_close(&db);
		return code;
	}
	ctl_rows_free(rows_r);
	switch (ctl_db_run(db, c->sql, c->params, c->nparams, rows_r)) {
	case CTL_DB_ROWS:
		code = CTL_OK;
		break;
	case CTL_DB_REFUSED:
		code = refused(db, c);
		break;
	case CTL_DB_UNKNOWN:
		ctl_complain(
		    "the outcome is unknown: %s may have been %s%s, or "
		    "may still be (%s); check with \"withdrawctl "
		    "%s\" in %s, before you repeat it",
		    c->subject, c->verb, c->with, ctl_db_problem(db), c->show,
		    c->slow ? SLOW : CTL_DB_TIMEOUT);
		break;
	}
	ctl_db_close(&db);
	return code;
}

enum ctl_exit
ctl_print_changed(const struct ctl_args *args, const struct ctl_change *c,
    const struct ctl_field fields[], int nfields, struct ctl_rows **rows)
{
	struct ctl_output *out = ctl_output_open(args->json);
	char done[384];

	snprintf(
	    done, sizeof(done), "%s was %s%s", c->subject, c->verb, c->with);
	ctl_output_record(out, fields, nfields, *rows, 0, 0);
	ctl_rows_free(rows);
	return ctl_output_close(&out, done) == 0 ? CTL_OK : CTL_FAILED;
}
