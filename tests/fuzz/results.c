/* results.c: a file of payment results. What is read and written again, as CSV
 * and as JSON, is the same; of a plain file, each cell is where its commas and
 * line feeds say. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/output.h"
#include "ctl/results.h"
#include "flat.h"
#include "fuzz.h"

/* Instead of output.c's: who could not read must say so. */
static unsigned complaints;

void
ctl_complain(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	HOLDS(*text != '\0');
	complaints++;
}

static int
read_text(const char *text, size_t len, struct ctl_results *r)
{
	FILE *before = stdin;
	int read;

	stdin = fmemopen((void *)(uintptr_t)text, len, "r");
	HOLDS(stdin != NULL);
	complaints = 0;
	read = ctl_results_read("-", r);
	fclose(stdin);
	stdin = before;
	HOLDS((read == 0) == (complaints == 0));
	return read;
}

static void
compare(const struct ctl_results *a, const struct ctl_results *b)
{
	size_t i;

	HOLDS(a->n == b->n);
	for (i = 0; i < a->n; i++) {
		HOLDS(strcmp(a->item[i].order, b->item[i].order) == 0);
		HOLDS(strcmp(a->item[i].state, b->item[i].state) == 0);
		HOLDS(strcmp(a->item[i].reference, b->item[i].reference) == 0);
	}
}

static void
write_cell(FILE *out, const char *text, char behind)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
	fputc(behind, out);
}

static void
write_csv(FILE *out, const struct ctl_results *r)
{
	size_t i;

	fputs("state,order_id,more,reference\n", out);
	for (i = 0; i < r->n; i++) {
		write_cell(out, r->item[i].state, ',');
		write_cell(out, r->item[i].order, ',');
		write_cell(out, "{\"\n", ',');
		write_cell(out, r->item[i].reference, '\n');
	}
}

static void
write_string(FILE *out, const char *text)
{
	char *room = malloc(6 * strlen(text) + 3);

	HOLDS(room != NULL);
	flat_write(room, text, strlen(text));
	fputs(room, out);
	free(room);
}

static bool
is_ascii(const struct ctl_results *r)
{
	size_t i;
	const char *p;

	for (i = 0; i < r->n; i++) {
		const char *all[] = {
		    r->item[i].order, r->item[i].state, r->item[i].reference};
		int k;

		for (k = 0; k < 3; k++)
			for (p = all[k]; *p != '\0'; p++)
				if ((unsigned char)*p >= 0x80)
					return false;
	}
	return true;
}

static void
write_json(FILE *out, const struct ctl_results *r)
{
	size_t i;

	fputs("{\"x\": [[{}]], \"payouts\": [", out);
	for (i = 0; i < r->n; i++) {
		fputs(i > 0 ? ",{\"state\":" : "{\"state\":", out);
		write_string(out, r->item[i].state);
		fputs(",\"x\":{\"order_id\":[1]},\"reference\":", out);
		write_string(out, r->item[i].reference);
		fputs(",\"order_id\":", out);
		write_string(out, r->item[i].order);
		fputc('}', out);
	}
	fputs("]}", out);
}

/* What is written in either form is read as the same. */
static void
again(const struct ctl_results *r,
    void (*write_form)(FILE *out, const struct ctl_results *r))
{
	struct ctl_results back;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	HOLDS(out != NULL);
	write_form(out, r);
	fclose(out);
	HOLDS(read_text(text, len, &back) == 0);
	compare(r, &back);
	ctl_results_free(&back);
	free(text);
}

/* Nothing that is quoted, no spaces around a cell (which libcsv takes away),
 * no first line with names: then the first three cells of a line are it. */
static void
by_hand(const char *text, const struct ctl_results *r)
{
	char *copy = strdup(text), *rest = copy, *line, *cell[3];
	size_t n = 0, number;
	int k;

	HOLDS(copy != NULL);
	for (number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
		if (*line == '\0')
			continue;
		for (k = 0; k < 3; k++) {
			cell[k] = strsep(&line, ",");
			if (cell[k] == NULL)
				cell[k] = "";
		}
		HOLDS(n < r->n && !r->item[n].twice);
		HOLDS(r->item[n].line == number);
		HOLDS(strcmp(r->item[n].order, cell[0]) == 0);
		HOLDS(strcmp(r->item[n].state, cell[1]) == 0);
		HOLDS(strcmp(r->item[n].reference, cell[2]) == 0);
		n++;
	}
	HOLDS(n == r->n);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_results r;
	char *text = fuzz_copy(data, size);
	size_t i;

	if (size == 0) {
		free(text);
		return 0; /* fmemopen() has no empty files */
	}
	if (read_text(text, size, &r) == 0) {
		for (i = 0; i < r.n; i++)
			HOLDS(r.item[i].line >= 1 && r.item[i].line <= size &&
			    r.item[i].order != NULL &&
			    r.item[i].state != NULL &&
			    r.item[i].reference != NULL);
		again(&r, write_csv);
		if (is_ascii(&r))
			again(&r, write_json);
		if (strlen(text) == size &&
		    strspn(text + strspn(text, "\n"), "[{") == 0 &&
		    strpbrk(text, "\" \t\r") == NULL &&
		    strstr(text, "order_id") == NULL &&
		    strncmp(text, "\xef\xbb\xbf", 3) != 0)
			by_hand(text, &r);
		ctl_results_free(&r);
	} else {
		HOLDS(r.n == 0 && r.item == NULL);
	}
	free(text);
	return 0;
}
