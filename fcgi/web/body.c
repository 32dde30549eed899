/* body.c: see body.h. */
#include "body.h"

#include <string.h>

#include "base/money.h"
#include "web/strict.h"

enum key { KEY_NONE, KEY_TOKEN, KEY_AMOUNT };

struct reader {
	struct body *body;
	bool withdraw;
	enum key key;
	bool seen_token, open;
	const char *detail; /* what is wrong; yajl stops there */
};

static int
refuse(struct reader *r, const char *detail)
{
	r->detail = detail;
	return 0;
}

static int
wrong_type(struct reader *r)
{
	if (!r->open)
		return refuse(r, "The body must be a JSON object.");
	return refuse(r,
	    r->key == KEY_AMOUNT
		? "\"amount\" must be a JSON string, such as \"100.00\"."
		: "\"token\" must be a JSON string.");
}

static int
on_null(void *ctx)
{
	return wrong_type(ctx);
}

static int
on_boolean(void *ctx, int value)
{
	(void)value;
	return wrong_type(ctx);
}

static int
on_number(void *ctx, const char *s, size_t len)
{
	struct reader *r = ctx;

	(void)s, (void)len;
	if (r->key == KEY_AMOUNT)
		return refuse(r,
		    "\"amount\" is a JSON number, and money is "
		    "not kept in floating point: send it as a string, such as "
		    "\"100.00\".");
	return wrong_type(r);
}

static bool
is_ascii(const unsigned char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] >= 0x80)
			return false;
	return true;
}

static int
on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct reader *r = ctx;
	const char *text = (const char *)s;

	switch (r->key) {
	case KEY_TOKEN:
		/* yajl lets some byte sequences pass that are not UTF-8 */
		if (!is_ascii(s, len))
			return refuse(r,
			    "\"token\" must be what "
			    "/api/token gave.");
		if (!uuid_text_parse(text, len, r->body->token))
			r->body->token[0] = '\0';
		return 1;
	case KEY_AMOUNT:
		if (!money_parse(text, len, &r->body->amount))
			return refuse(r,
			    "\"amount\" must be digits with at "
			    "most two decimals, such as \"100.00\": no sign, "
			    "no leading zero, at most 13 digits before the "
			    "point.");
		if (r->body->amount == 0)
			return refuse(r, "\"amount\" must be above zero.");
		return 1;
	case KEY_NONE:
		break;
	}
	return wrong_type(r);
}

static int
on_start_map(void *ctx)
{
	struct reader *r = ctx;

	if (r->open)
		return refuse(r, "The body must be flat: no object in it.");
	r->open = true;
	return 1;
}

static int
on_map_key(void *ctx, const unsigned char *s, size_t len)
{
	struct reader *r = ctx;
	bool again = false;

	if (r->withdraw && len == 5 && memcmp(s, "token", 5) == 0) {
		r->key = KEY_TOKEN;
		again = r->seen_token;
		r->seen_token = true;
	} else if (r->withdraw && len == 6 && memcmp(s, "amount", 6) == 0) {
		r->key = KEY_AMOUNT;
		again = r->body->has_amount;
		r->body->has_amount = true;
	} else {
		return refuse(r,
		    r->withdraw
			? "The body has a key that is not "
			  "known: only \"token\" and \"amount\" are."
			: "The body must be empty, or an empty object.");
	}
	return again ? refuse(r, "The body has the same key twice.") : 1;
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
	struct reader *r = ctx;

	return refuse(r,
	    r->open ? "The body must be flat: no array in it."
		    : "The body must be a JSON object.");
}

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

bool
body_parse(const char *json, size_t len, bool withdraw, struct body *b,
    const char **detail_r)
{
	struct reader r = {.body = b, .withdraw = withdraw};
	bool valid;

	*b = (struct body){0};
	valid = strict_parse(&callbacks, &r, json, len, NULL, 0);
	if (!valid && r.detail == NULL)
		r.detail = "The body is not valid JSON in UTF-8.";
	else if (r.detail == NULL && withdraw && !b->has_amount)
		r.detail = "The body has no \"amount\".";
	*detail_r = r.detail;
	return r.detail == NULL;
}
