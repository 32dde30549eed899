/* db.h: withdrawctl's connection to the ledger, and what is known of the
 * outcome of a statement.
 *
 * Where to connect is libpq's environment alone (PGHOST, PGUSER, PGSERVICE and
 * so on). One statement is one transaction. Says nothing on its own but the
 * warnings of the server: the caller knows what was wanted. */
#ifndef CTL_DB_H
#define CTL_DB_H

#include <stddef.h>

struct ctl_db;
struct ctl_rows;

/* The server gives a statement up after so long: one whose reply was lost will
 * not be applied later than that, unless its commit waits for a standby. */
#define CTL_DB_TIMEOUT "30s"

enum ctl_db_verdict {
	CTL_DB_ROWS,    /* committed; here are the rows, perhaps none */
	CTL_DB_REFUSED, /* surely not committed */
	CTL_DB_UNKNOWN, /* may be committed, now or in a moment */
};

/* Returns NULL, and has told stderr why, if there is no connection. */
struct ctl_db *ctl_db_open(void);

/* *db may be NULL; is NULLed. */
void ctl_db_close(struct ctl_db **db);

/* Runs one statement. *rows_r: for ctl_rows_free(); NULL without rows. */
enum ctl_db_verdict ctl_db_run(struct ctl_db *db, const char *sql,
    const char *const params[], int nparams, struct ctl_rows **rows_r)
    __attribute__((warn_unused_result));

/* The SQLSTATE of the last statement, "" if the server gave none. */
const char *ctl_db_sqlstate(const struct ctl_db *db);

/* Why the last statement was not CTL_DB_ROWS, and what to do: one line. */
const char *ctl_db_problem(const struct ctl_db *db);

void ctl_rows_free(struct ctl_rows **rows);
size_t ctl_rows_count(const struct ctl_rows *rows);

/* A value as text, NULL for SQL's NULL. */
const char *ctl_rows_text(const struct ctl_rows *rows, size_t row, int column);

#endif
