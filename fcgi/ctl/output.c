/* output.c: see output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/db.h"
#include "ctl/json.h"

const char *ctl_program = "withdrawctl";

struct ctl_output {
	yajl_gen json; /* NULL: text */
	bool begun;    /* something was printed already */
};

/* --- text --------------------------------------------------------------- */

/* Text without what a terminal would obey, or take for another line: C0, DEL,
 * and C1 as UTF-8 has it. As long as it was; until the next call. */
static const char *
printable(const char *text)
{
	static char *copy;
	size_t i;

	free(copy);
	copy = strdup(text);
	if (copy == NULL)
		fatal("out of memory");
	for (i = 0; copy[i] != '\0'; i++) {
		unsigned char c = (unsigned char)copy[i];

		if (c < 0x20 || c == 0x7f)
			copy[i] = '?';
		else if (c == 0xc2 && (unsigned char)copy[i + 1] >= 0x80 &&
		    (unsigned char)copy[i + 1] < 0xa0)
			copy[i] = copy[i + 1] = '?';
	}
	return copy;
}

static const char *
shown(const struct ctl_field *field, const struct ctl_rows *rows, size_t row,
    int column)
{
	const char *text = ctl_rows_text(rows, row, column);

	if (text == NULL)
		return "-";
	if (field->kind == CTL_BOOL)
		return *text == 't' ? "yes" : "no";
	return printable(text);
}

static void
text_record(const struct ctl_field fields[], int nfields,
    const struct ctl_rows *rows, size_t row, int column)
{
	int i, width = 0;

	for (i = 0; i < nfields; i++)
		if ((int)strlen(fields[i].name) > width)
			width = (int)strlen(fields[i].name);
	for (i = 0; i < nfields; i++)
		printf("%-*s  %s\n", width, fields[i].name,
		    shown(&fields[i], rows, row, column + i));
}

static int
width_of(const struct ctl_field *field, const struct ctl_rows *rows, size_t n,
    int column)
{
	size_t width = strlen(field->name), row;

	for (row = 0; row < n; row++)
		if (strlen(shown(field, rows, row, column)) > width)
			width = strlen(shown(field, rows, row, column));
	return (int)width;
}

/* A cell of a line; the last one of a line has no blanks behind it. */
static void
text_cell(const struct ctl_field *field, int width, bool last, const char *text)
{
	if (field->kind == CTL_NUMBER || field->kind == CTL_AMOUNT)
		printf("%*s", width, text);
	else
		printf("%-*s", last ? 0 : width, text);
	fputs(last ? "\n" : "  ", stdout);
}

static void
text_list(const char *name, const struct ctl_field fields[], int nfields,
    const struct ctl_rows *rows, size_t n, int column)
{
	int *width = xcalloc((unsigned long)nfields, sizeof(*width));
	size_t row;
	int i;

	if (n == 0)
		printf("no %s\n", name);
	for (i = 0; i < nfields && n > 0; i++) {
		width[i] = width_of(&fields[i], rows, n, column + i);
		text_cell(
		    &fields[i], width[i], i == nfields - 1, fields[i].name);
	}
	for (row = 0; row < n; row++)
		for (i = 0; i < nfields; i++)
			text_cell(&fields[i], width[i], i == nfields - 1,
			    shown(&fields[i], rows, row, column + i));
	free(width);
}

/* --- JSON --------------------------------------------------------------- */

static void
json_members(yajl_gen g, const struct ctl_field fields[], int nfields,
    const struct ctl_rows *rows, size_t row, int column)
{
	int i;

	for (i = 0; i < nfields; i++) {
		const char *text = ctl_rows_text(rows, row, column + i);

		ctl_json_string(g, fields[i].name);
		if (text != NULL && fields[i].kind == CTL_BOOL)
			ctl_json_must(yajl_gen_bool(g, *text == 't'));
		else
			ctl_json_value(g, text, fields[i].kind == CTL_NUMBER);
	}
}

static void
json_list(yajl_gen g, const char *name, const struct ctl_field fields[],
    int nfields, const struct ctl_rows *rows, size_t n, int column)
{
	size_t row;

	ctl_json_string(g, name);
	ctl_json_must(yajl_gen_array_open(g));
	for (row = 0; row < n; row++) {
		ctl_json_must(yajl_gen_map_open(g));
		json_members(g, fields, nfields, rows, row, column);
		ctl_json_must(yajl_gen_map_close(g));
	}
	ctl_json_must(yajl_gen_array_close(g));
}

/* --- public ------------------------------------------------------------- */

struct ctl_output *
ctl_output_open(bool json)
{
	struct ctl_output *out = xcalloc(1, sizeof(*out));

	if (json)
		out->json = ctl_json_open();
	return out;
}

void
ctl_output_record(struct ctl_output *out, const struct ctl_field fields[],
    int nfields, const struct ctl_rows *rows, size_t row, int column)
{
	if (out->json != NULL)
		json_members(out->json, fields, nfields, rows, row, column);
	else
		text_record(fields, nfields, rows, row, column);
	out->begun = true;
}

void
ctl_output_list(struct ctl_output *out, const char *name,
    const struct ctl_field fields[], int nfields, const struct ctl_rows *rows,
    size_t n, int column)
{
	if (out->json != NULL) {
		json_list(out->json, name, fields, nfields, rows, n, column);
		return;
	}
	if (out->begun)
		putchar('\n');
	text_list(name, fields, nfields, rows, n, column);
	out->begun = true;
}

int
ctl_output_close(struct ctl_output **out, const char *done)
{
	if ((*out)->json != NULL)
		ctl_json_close(&(*out)->json);
	free(*out);
	*out = NULL;
	return ctl_stdout_close(done);
}

bool
ctl_stdio_guard(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		if (fd == STDOUT_FILENO) {
			ctl_complain("standard output is closed: nothing was "
				     "done");
			return false;
		}
		if (open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int
ctl_stdout_close(const char *done)
{
	bool failed;

	errno = 0;
	/* all three: each can be the first to meet a full disk */
	failed = fflush(stdout) != 0;
	failed = ferror(stdout) != 0 || failed;
	failed = fclose(stdout) != 0 || failed;
	if (!failed)
		return 0;
	ctl_complain("%s%scould not write to standard output: %s",
	    done ? done : "", done ? ", but " : "", strerror(errno));
	return -1;
}

void
ctl_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", ctl_program);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}
