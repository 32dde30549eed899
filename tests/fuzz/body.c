/* body.c: the body of a withdrawal, against a JSON reader of our own: what is
 * accepted is exactly what the contract allows, with the same values, and is
 * accepted again when it is written anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "flat.h"
#include "fuzz.h"
#include "web/body.h"

static bool
is_ascii(const struct flat_text *t)
{
	size_t i;

	for (i = 0; i < t->len; i++)
		if ((unsigned char)t->bytes[i] >= 0x80)
			return false;
	return true;
}

/* An amount above zero, of the contract's pattern (design, section 5). */
static bool
is_amount(const struct flat_text *t)
{
	static struct fuzz_pattern form = {
	    .text = "^(0|[1-9][0-9]{0,12})(\\.[0-9]{1,2})?$"};

	return t != NULL && strlen(t->bytes) == t->len &&
	    fuzz_matches(&form, t->bytes) && strpbrk(t->bytes, "123456789");
}

static bool
is_allowed(const struct flat *f)
{
	const struct flat_text *amount = flat_get(f, "amount");
	const struct flat_text *token = flat_get(f, "token");

	return is_amount(amount) && f->n == (token != NULL ? 2 : 1) &&
	    (token == NULL || is_ascii(token));
}

/* The values are those of the text; and, written anew, again. */
static void
compare(const struct flat *f, const struct body *b)
{
	const struct flat_text *token = flat_get(f, "token");
	char amount[MONEY_TEXT], token_text[8 * UUID_TEXT], json[1024];
	const char *detail;
	struct body again;

	if (token != NULL && strlen(token->bytes) == token->len &&
	    fuzz_is_uuid(token->bytes))
		HOLDS(strcasecmp(b->token, token->bytes) == 0);
	else
		HOLDS(b->token[0] == '\0');
	HOLDS(b->amount > 0);
	money_format(b->amount, amount);
	flat_write(token_text, b->token, strlen(b->token));
	snprintf(json, sizeof(json), "{\"\\u0061mount\":\"%s\",\"token\":%s}",
	    amount, token_text);
	HOLDS(body_parse(json, strlen(json), true, &again, &detail));
	HOLDS(again.amount == b->amount && strcmp(again.token, b->token) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	const char *detail = NULL;
	struct flat flat;
	struct body b;
	bool object = flat_read(text, size, &flat);

	if (body_parse(text, size, true, &b, &detail)) {
		HOLDS(detail == NULL && object && is_allowed(&flat));
		compare(&flat, &b);
	} else {
		HOLDS(detail != NULL && !(object && is_allowed(&flat)));
	}
	/* where nothing may be in it */
	HOLDS(body_parse(text, size, false, &b, &detail) ==
	    (object && flat.n == 0));
	flat_free(&flat);
	free(text);
	return 0;
}
