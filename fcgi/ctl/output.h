/* output.h: what withdrawctl prints: rows of the ledger, aligned for people or
 * as one JSON object, to stdout; complaints to stderr.
 *
 * A command opens the output, gives it records and lists in order, and closes
 * it. Whether all of it was written is known at the close, and only then. */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct ctl_output;
struct ctl_rows;

enum ctl_field_kind {
	CTL_TEXT,
	CTL_NUMBER, /* a JSON number; to the right in a list */
	CTL_BOOL,   /* Postgres' t or f: yes or no, and true or false in JSON */
	CTL_AMOUNT, /* a JSON string, never a double; to the right in a list */
};

struct ctl_field {
	const char *name; /* the heading, and the JSON key */
	enum ctl_field_kind kind;
};

struct ctl_output *ctl_output_open(bool json);

/* One row, a line a field; in JSON, members of the outermost object. column:
 * where in the row the fields begin. */
void ctl_output_record(struct ctl_output *out, const struct ctl_field fields[],
    int nfields, const struct ctl_rows *rows, size_t row, int column);

/* The first n rows, a line each; in JSON, the array "name". */
void ctl_output_list(struct ctl_output *out, const char *name,
    const struct ctl_field fields[], int nfields, const struct ctl_rows *rows,
    size_t n, int column);

/* Ends the output, and stdout as ctl_stdout_close() does. */
int ctl_output_close(struct ctl_output **out, const char *done)
    __attribute__((warn_unused_result));

/* A closed descriptor would be given to the connection to Postgres, and what
 * is printed would go into it. Nothing is begun without a place to say how it
 * ended: returns false, and stderr has been told, if stdout is closed. */
bool ctl_stdio_guard(void);

/* Writes stdout out and closes it. Returns 0, or -1 if not all of it could be
 * written: then stderr was told so, and what was done all the same: done, or
 * NULL if there was nothing to do. */
int ctl_stdout_close(const char *done) __attribute__((warn_unused_result));

/* The name that complaints begin with: the program's. */
extern const char *ctl_program;

/* A line to stderr. */
void ctl_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
