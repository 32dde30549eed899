/* json.c: see json.h. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static void
print(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	fwrite(text, 1, len, stdout); /* the caller asks ferror() */
}

void
ctl_json_must(yajl_gen_status status)
{
	if (status != yajl_gen_status_ok)
		fatalx("could not make JSON: yajl's status is %d", (int)status);
}

yajl_gen
ctl_json_open(void)
{
	yajl_gen g = yajl_gen_alloc(NULL);

	if (g == NULL)
		fatalx("out of memory");
	if (!yajl_gen_config(g, yajl_gen_beautify, 1) ||
	    !yajl_gen_config(g, yajl_gen_indent_string, "  ") ||
	    !yajl_gen_config(g, yajl_gen_validate_utf8, 1) ||
	    !yajl_gen_config(g, yajl_gen_print_callback, print, NULL))
		fatalx("could not set up yajl");
	ctl_json_must(yajl_gen_map_open(g));
	return g;
}

void
ctl_json_close(yajl_gen *g)
{
	ctl_json_must(yajl_gen_map_close(*g));
	yajl_gen_free(*g);
	*g = NULL;
}

void
ctl_json_string(yajl_gen g, const char *text)
{
	ctl_json_must(
	    yajl_gen_string(g, (const unsigned char *)text, strlen(text)));
}

void
ctl_json_value(yajl_gen g, const char *text, bool number)
{
	if (text == NULL)
		ctl_json_must(yajl_gen_null(g));
	else if (number)
		ctl_json_must(yajl_gen_number(g, text, strlen(text)));
	else
		ctl_json_string(g, text);
}

void
ctl_json_put(yajl_gen g, const char *key, const char *text)
{
	ctl_json_string(g, key);
	ctl_json_value(g, text, false);
}

void
ctl_json_put_number(yajl_gen g, const char *key, const char *digits)
{
	ctl_json_string(g, key);
	ctl_json_value(g, digits, true);
}

void
ctl_json_put_count(yajl_gen g, const char *key, int64_t n)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, n);
	ctl_json_put_number(g, key, digits);
}

void
ctl_json_put_bool(yajl_gen g, const char *key, bool value)
{
	ctl_json_string(g, key);
	ctl_json_must(yajl_gen_bool(g, value));
}
