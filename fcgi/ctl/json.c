/* json.c: see json.h. */
#include "json.h"

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
