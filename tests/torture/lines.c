/* lines.c: see lines.h. */
#include "lines.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 20, FAILED = 2 };

/* Kept to the end: the columns are in it. */
static char *
read_all(const char *path, size_t *len_r)
{
	FILE *in = fopen(path, "r");
	char *text;
	long len;

	if (in == NULL || fseek(in, 0, SEEK_END) != 0 || (len = ftell(in)) < 0)
		err(FAILED, "%s", path);
	rewind(in);
	text = malloc((size_t)len + 1);
	if (text == NULL || fread(text, 1, (size_t)len, in) != (size_t)len)
		err(FAILED, "%s", path);
	fclose(in);
	text[len] = '\0';
	*len_r = (size_t)len;
	return text;
}

void
lines_read(const char *dir, const char *name, size_t columns,
    void (*row)(const char *const column[]))
{
	const char *column[COLUMNS_MAX];
	char path[4096], *text, *end;
	size_t len, number = 0, i;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = read_all(path, &len);
	for (; *text != '\0'; text = end + 1) {
		end = strchr(text, '\n');
		number++;
		if (end == NULL)
			errx(FAILED, "%s: line %zu has no end", path, number);
		*end = '\0';
		for (i = 0; i < columns && text != NULL; i++)
			column[i] =
			    i + 1 < columns ? strsep(&text, "\t") : text;
		if (i < columns || column[columns - 1] == NULL)
			errx(FAILED, "%s: line %zu is too short", path, number);
		row(column);
	}
}

int64_t
lines_int(const char *text)
{
	return strtoll(text, NULL, 10);
}

int64_t
lines_money(const char *text)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	size_t whole = strspn(digits, "0123456789");
	int64_t v;

	if (whole == 0 || whole > 15 || digits[whole] != '.' ||
	    strspn(digits + whole + 1, "0123456789") != 2 ||
	    digits[whole + 3] != '\0')
		return NO_MONEY;
	v = strtoll(digits, NULL, 10) * 100 +
	    strtoll(digits + whole + 1, NULL, 10);
	return text[0] == '-' ? -v : v;
}

void *
lines_grow(void *array, size_t n, size_t size)
{
	if (n != 0 && (n < 1024 || (n & (n - 1)) != 0))
		return array; /* room is doubled at each power of two */
	array = realloc(array, (n < 1024 ? 1024 : 2 * n) * size);
	if (array == NULL)
		errx(FAILED, "out of memory");
	return array;
}
