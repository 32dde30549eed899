/* credentials.c: the body of a sign-in, as body.c. A password may have any
 * UTF-8 in it, which is yajl's to judge: of what is not ASCII, only what is
 * accepted is compared. */
#include <stdlib.h>
#include <string.h>

#include "flat.h"
#include "fuzz.h"
#include "signin/signin.h"
#include "web/credentials.h"

static bool
is_name(const struct flat_text *t)
{
	static struct fuzz_pattern form = {
	    .text = "^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$"};

	return t != NULL && strlen(t->bytes) == t->len &&
	    fuzz_matches(&form, t->bytes);
}

static bool
is_password(const struct flat_text *t)
{
	return t != NULL && strlen(t->bytes) == t->len && t->len > 0 &&
	    t->len < PASSWORD_TEXT;
}

static bool
is_allowed(const struct flat *f)
{
	return f->n == 2 && is_name(flat_get(f, "name")) &&
	    is_password(flat_get(f, "password"));
}

static void
compare(const struct flat *f, const struct signin_call *c)
{
	static struct signin_call again;
	static char json[16 * PASSWORD_TEXT];
	const char *detail;
	char *out = json;

	HOLDS(strcasecmp(c->name, flat_get(f, "name")->bytes) == 0);
	HOLDS(strpbrk(c->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	HOLDS(strcmp(c->password.text, flat_get(f, "password")->bytes) == 0);
	out = stpcpy(out, "{\"password\":");
	out = flat_write(out, c->password.text, strlen(c->password.text));
	out = stpcpy(out, ", \"name\":");
	out = flat_write(out, c->name, strlen(c->name));
	out = stpcpy(out, "}");
	again = (struct signin_call){0};
	HOLDS(credentials_parse(json, (size_t)(out - json), &again, &detail));
	HOLDS(strcmp(again.name, c->name) == 0);
	HOLDS(strcmp(again.password.text, c->password.text) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signin_call c;
	char *text = fuzz_copy(data, size);
	const char *detail = NULL;
	struct flat flat;
	bool object = flat_read(text, size, &flat), ascii = true;
	size_t i;

	for (i = 0; i < size; i++)
		ascii = ascii && data[i] < 0x80;
	c = (struct signin_call){0};
	if (credentials_parse(text, size, &c, &detail)) {
		HOLDS(detail == NULL && object && is_allowed(&flat));
		compare(&flat, &c);
	} else {
		HOLDS(detail != NULL);
		HOLDS(!(ascii && object && is_allowed(&flat)));
	}
	flat_free(&flat);
	free(text);
	return 0;
}
