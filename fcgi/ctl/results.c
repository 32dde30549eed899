/* results.c: see results.h. */
#include "results.h"

#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/output.h"
#include "web/strict.h"

enum member { M_ORDER, M_STATE, M_REFERENCE, MEMBERS };

static const char *const member_names[MEMBERS] = {
    [M_ORDER] = "order_id", [M_STATE] = "state", [M_REFERENCE] = "reference"};

static enum member
member_of(const void *name, size_t len)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		if (strlen(member_names[i]) == len &&
		    memcmp(member_names[i], name, len) == 0)
			return (enum member)i;
	return MEMBERS;
}

static char *
copy(const void *data, size_t len)
{
	char *text = xcalloc(1, len + 1);

	if (len > 0)
		memcpy(text, data, len);
	/* a NUL within ends the text: no order and no state has one */
	return text;
}

static struct ctl_result *
add(struct ctl_results *r, size_t line)
{
	if (r->n == r->room) {
		size_t room = r->room > 0 ? 2 * r->room : 64;
		struct ctl_result *item =
		    reallocarray(r->item, room, sizeof(*item));

		if (item == NULL)
			fatal("could not hold the results");
		r->item = item;
		r->room = room;
	}
	r->item[r->n] = (struct ctl_result){.line = line};
	return &r->item[r->n++];
}

/* A member that is there twice is not believed. */
static void
set(struct ctl_result *result, enum member m, const void *data, size_t len)
{
	char **const members[MEMBERS] = {
	    &result->order, &result->state, &result->reference};

	if (m == MEMBERS)
		return;
	result->twice = result->twice || *members[m] != NULL;
	free(*members[m]);
	*members[m] = copy(data, len);
}

/* What the file did not say is "". */
static void
complete(struct ctl_results *r)
{
	size_t i;
	int m;

	for (i = 0; i < r->n; i++) {
		char **const members[MEMBERS] = {&r->item[i].order,
		    &r->item[i].state, &r->item[i].reference};

		for (m = 0; m < MEMBERS; m++)
			if (*members[m] == NULL)
				*members[m] = copy("", 0);
	}
}

/* --- CSV ----------------------------------------------------------------- */

enum { COLUMNS = 64 };

struct csv {
	struct ctl_results *results;
	enum member column[COLUMNS]; /* what each column is */
	enum member named[COLUMNS];  /* what the first row calls it */
	struct ctl_result *row;      /* the present one */
	size_t line, field;
	bool begun;   /* a row was read: the first may name the columns */
	bool heading; /* and does */
};

static void
on_field(void *data, size_t len, void *arg)
{
	struct csv *csv = arg;
	size_t field = csv->field++;

	if (csv->row == NULL)
		csv->row = add(csv->results, csv->line);
	if (field >= COLUMNS)
		return;
	set(csv->row, csv->column[field], data, len);
	if (csv->begun)
		return;
	csv->named[field] = member_of(data, len);
	csv->heading = csv->heading || csv->named[field] == M_ORDER;
}

static void
on_row(int end, void *arg)
{
	struct csv *csv = arg;

	if (!csv->begun && csv->heading) {
		ctl_results_free(csv->results);
		memcpy(csv->column, csv->named, sizeof(csv->column));
	}
	csv->begun = csv->begun || csv->field > 0;
	csv->line += end != '\r'; /* whose line feed is reported as well */
	csv->field = 0;
	csv->row = NULL;
}

static int
read_csv(const char *text, size_t len, struct ctl_results *results)
{
	struct csv csv = {.results = results, .line = 1};
	struct csv_parser parser;
	int i, failed;

	for (i = 0; i < COLUMNS; i++) {
		csv.column[i] = i < MEMBERS ? (enum member)i : MEMBERS;
		csv.named[i] = MEMBERS;
	}
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) !=
	    0)
		fatalx("could not set up libcsv");
	failed = csv_parse(&parser, text, len, on_field, on_row, &csv) != len ||
	    csv_fini(&parser, on_field, on_row, &csv) != 0;
	if (failed)
		ctl_complain("line %zu is not CSV: %s", csv.line,
		    csv_strerror(csv_error(&parser)));
	csv_free(&parser);
	return failed ? -1 : 0;
}

/* --- JSON ---------------------------------------------------------------- */

/* Objects within the array of results are at this depth; what is deeper is
 * passed over. */
struct json {
	struct ctl_results *results;
	struct ctl_result *row;
	enum member member; /* of the key that came last */
	int depth, array;   /* open maps and arrays; the depth of the array */
	bool payouts;       /* the key that came last is "payouts" */
};

/* What is no object is a line without anything in it. */
static struct ctl_result *
begin_row(struct json *j, bool object)
{
	struct ctl_result *row = add(j->results, j->results->n + 1);

	return object ? row : NULL;
}

static int
on_open(struct json *j, bool array)
{
	j->depth++;
	if (array && j->array == 0 &&
	    (j->depth == 1 || (j->depth == 2 && j->payouts)))
		j->array = j->depth;
	else if (j->array > 0 && j->depth == j->array + 1)
		j->row = begin_row(j, !array);
	return 1;
}

static int
on_close(void *arg)
{
	struct json *j = arg;

	if (j->depth == j->array)
		j->array = -1; /* no other one is read */
	if (j->depth == j->array + 1)
		j->row = NULL;
	j->depth--;
	return 1;
}

static int
on_map(void *arg)
{
	return on_open(arg, false);
}

static int
on_array(void *arg)
{
	return on_open(arg, true);
}

static int
on_key(void *arg, const unsigned char *key, size_t len)
{
	struct json *j = arg;

	j->payouts =
	    j->depth == 1 && len == 7 && memcmp(key, "payouts", 7) == 0;
	j->member = j->array > 0 && j->depth == j->array + 1
	    ? member_of(key, len)
	    : MEMBERS;
	return 1;
}

/* A value that is no map and no array; data NULL: it stands for nothing. */
static int
on_value(struct json *j, const void *data, size_t len)
{
	if (j->array > 0 && j->depth == j->array)
		begin_row(j, false);
	else if (j->row != NULL && j->depth == j->array + 1 && data != NULL)
		set(j->row, j->member, data, len);
	return 1;
}

static int
on_string(void *arg, const unsigned char *text, size_t len)
{
	return on_value(arg, text, len);
}

static int
on_null(void *arg)
{
	return on_value(arg, NULL, 0);
}

static int
on_bool(void *arg, int value)
{
	(void)value;
	return on_value(arg, NULL, 0);
}

/* A reference may be one. */
static int
on_number(void *arg, const char *digits, size_t len)
{
	return on_value(arg, digits, len);
}

static int
read_json(const char *text, size_t len, struct ctl_results *results)
{
	static const yajl_callbacks callbacks = {.yajl_null = on_null,
	    .yajl_boolean = on_bool,
	    .yajl_number = on_number,
	    .yajl_string = on_string,
	    .yajl_start_map = on_map,
	    .yajl_map_key = on_key,
	    .yajl_end_map = on_close,
	    .yajl_start_array = on_array,
	    .yajl_end_array = on_close};
	struct json json = {.results = results};
	char why[160];

	if (!strict_parse(&callbacks, &json, text, len, why, sizeof(why))) {
		ctl_complain("it is not JSON: %s", why);
		return -1;
	}
	if (json.array != 0)
		return 0;
	ctl_complain("it is JSON without results: an array is needed, or an "
		     "object with the array \"payouts\"");
	return -1;
}

/* --- the file ------------------------------------------------------------ */

/* For free(); NULL: stderr was told. */
static char *
read_stream(FILE *in, const char *path, size_t *len_r)
{
	char *text = NULL, chunk[65536];
	FILE *out = open_memstream(&text, len_r);
	size_t n;

	if (out == NULL)
		fatal("open_memstream");
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		if (fwrite(chunk, 1, n, out) != n)
			fatal("could not hold %s", path);
	if (fclose(out) != 0)
		fatal("could not hold %s", path);
	if (!ferror(in))
		return text;
	ctl_complain("could not read %s: %s", path, strerror(errno));
	free(text);
	return NULL;
}

static char *
read_file(const char *path, size_t *len_r)
{
	FILE *in = fopen(path, "re");
	char *text;

	if (in == NULL) {
		ctl_complain("could not open %s: %s", path, strerror(errno));
		return NULL;
	}
	text = read_stream(in, path, len_r);
	fclose(in);
	return text;
}

int
ctl_results_read(const char *path, struct ctl_results *results_r)
{
	static const char bom[] = "\xef\xbb\xbf"; /* as spreadsheets write */
	size_t len, first;
	char *text = strcmp(path, "-") == 0
	    ? read_stream(stdin, "standard input", &len)
	    : read_file(path, &len);
	char *begin = text;
	int read;

	*results_r = (struct ctl_results){0};
	if (text == NULL)
		return -1;
	if (strncmp(begin, bom, strlen(bom)) == 0) {
		begin += strlen(bom);
		len -= strlen(bom);
	}
	first = strspn(begin, " \t\r\n");
	if (begin[first] == '{' || begin[first] == '[')
		read = read_json(begin, len, results_r);
	else
		read = read_csv(begin, len, results_r);
	free(text);
	complete(results_r);
	if (read != 0)
		ctl_results_free(results_r);
	return read;
}

void
ctl_results_free(struct ctl_results *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		free(r->item[i].order);
		free(r->item[i].state);
		free(r->item[i].reference);
	}
	free(r->item);
	*r = (struct ctl_results){0};
}
