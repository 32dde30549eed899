/* query.h: what commands that only read, and commands that change something,
 * each have in common. */
#ifndef CTL_QUERY_H
#define CTL_QUERY_H

#include "ctl/command.h"
#include "ctl/output.h"

struct ctl_rows;

/* Connects and reads; what: for "could not read WHAT". Rows for
 * ctl_rows_free(), or NULL, and stderr has been told why. */
struct ctl_rows *ctl_read(
    const char *what, const char *sql, const char *const params[], int nparams);

/* Connects, reads, and prints all rows as the list "name". */
enum ctl_exit ctl_read_list(const struct ctl_args *args, const char *name,
    const struct ctl_field fields[], int nfields, const char *sql,
    const char *const params[], int nparams);

/* A statement that changes something, and how to speak of it. */
struct ctl_change {
	const char *sql;
	const char *const *params;
	int nparams;
	const char *subject; /* "account 1001" */
	const char *verb;    /* "credited", after "was", "was not" */
	const char *with;    /* " with 5.00", or "" */
	bool slow;           /* there may be much to do */
	const char *show;    /* the command that shows what became of it */
};

/* Connects, and runs it. *rows_r: for ctl_rows_free(), NULL unless CTL_OK.
 * Otherwise stderr has been told; CTL_WRONG: the subject is there already. */
enum ctl_exit ctl_apply(
    const struct ctl_change *change, struct ctl_rows **rows_r);

/* Prints the first row of what was changed, and frees the rows. */
enum ctl_exit ctl_print_changed(const struct ctl_args *args,
    const struct ctl_change *change, const struct ctl_field fields[],
    int nfields, struct ctl_rows **rows);

#endif
