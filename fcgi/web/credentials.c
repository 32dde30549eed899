/* credentials.c: see credentials.h. */
#include "credentials.h"

#include <string.h>

#include "signin/signin.h"
#include "web/strict.h"

static const char shape[] =
    "The body must be a flat JSON object with the strings \"name\" and "
    "\"password\", each once, and nothing else.";

struct reader {
	struct signin_call *call;
	bool open;
	bool name, password; /* seen */
	bool for_name;       /* the key that came last is "name" */
	const char *detail;  /* what is wrong; yajl stops there */
};

static int
refuse(struct reader *r, const char *detail)
{
	r->detail = detail;
	return 0;
}

static int
on_null(void *ctx)
{
	return refuse(ctx, shape);
}

static int
on_boolean(void *ctx, int value)
{
	(void)value;
	return refuse(ctx, shape);
}

static int
on_number(void *ctx, const char *s, size_t len)
{
	(void)s, (void)len;
	return refuse(ctx, shape);
}

static int
on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct reader *r = ctx;
	char text[SESSION_NAME] = "";

	if (!r->open)
		return refuse(r, shape);
	if (r->for_name) {
		if (len < sizeof(text) && memchr(s, '\0', len) == NULL)
			memcpy(text, s, len);
		return signin_name(text, r->call->name)
		    ? 1
		    : refuse(r,
			  "\"name\" must be 1 to 64 letters, digits or ._@+-, "
			  "and begin with a letter or a digit.");
	}
	if (len == 0 || len >= PASSWORD_TEXT || memchr(s, '\0', len) != NULL)
		return refuse(r, "\"password\" must have 1 to 511 bytes.");
	memcpy(r->call->password.text, s, len);
	r->call->password.text[len] = '\0';
	return 1;
}

static int
on_start_map(void *ctx)
{
	struct reader *r = ctx;

	if (r->open)
		return refuse(r, shape);
	r->open = true;
	return 1;
}

static int
on_map_key(void *ctx, const unsigned char *s, size_t len)
{
	struct reader *r = ctx;
	bool *seen = NULL;

	r->for_name = len == 4 && memcmp(s, "name", 4) == 0;
	if (r->for_name)
		seen = &r->name;
	else if (len == 8 && memcmp(s, "password", 8) == 0)
		seen = &r->password;
	if (seen == NULL || *seen)
		return refuse(r, shape);
	return *seen = true;
}

static int
on_end_map(void *ctx)
{
	(void)ctx;
	return 1;
}

static int
on_start_array(void *ctx)
{
	return refuse(ctx, shape);
}

bool
credentials_parse(
    const char *json, size_t len, struct signin_call *c, const char **detail_r)
{
	static const yajl_callbacks callbacks = {
	    .yajl_null = on_null,
	    .yajl_boolean = on_boolean,
	    .yajl_number = on_number,
	    .yajl_string = on_string,
	    .yajl_start_map = on_start_map,
	    .yajl_map_key = on_map_key,
	    .yajl_end_map = on_end_map,
	    .yajl_start_array = on_start_array,
	};
	struct reader r = {.call = c};
	bool valid;

	valid = strict_parse(&callbacks, &r, json, len, NULL, 0);
	if (!valid && r.detail == NULL)
		r.detail = "The body is not valid JSON in UTF-8.";
	else if (r.detail == NULL && !(r.name && r.password))
		r.detail = shape;
	*detail_r = r.detail;
	return r.detail == NULL;
}
