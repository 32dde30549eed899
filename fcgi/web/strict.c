/* strict.c: see strict.h. */
#include "strict.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Are there no bytes that yajl takes for white space, and JSON does not? They
 * may be nowhere else in JSON either. Of what yajl took for JSON: some bytes.
 */
static bool
has_own_space_only(const char *json, size_t len)
{
	return memchr(json, '\v', len) == NULL &&
	    memchr(json, '\f', len) == NULL;
}

static bool
is_space(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n')
			return false;
	return true;
}

/* What \uXXXX at s says, whose digits yajl has seen; -1: it is none. */
static long
code_of(const char *s, size_t len)
{
	char digits[5] = "";

	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	memcpy(digits, s + 2, 4);
	return strtol(digits, NULL, 16);
}

/* Half of a surrogate pair is no character; yajl makes up what it could be,
 * so that different texts would be the same. Of valid JSON. */
static bool
has_whole_pairs(const char *s, size_t len)
{
	size_t i;
	long code;

	for (i = 0; i < len; i++) {
		if (s[i] != '\\')
			continue;
		code = code_of(s + i, len - i);
		if (code >= 0xd800 && code < 0xdc00) {
			i += 6;
			code = i < len ? code_of(s + i, len - i) : -1;
			if (code < 0xdc00 || code > 0xdfff)
				return false;
		} else if (code >= 0xdc00 && code < 0xe000) {
			return false;
		}
		i += code < 0 ? 1 : 5;
	}
	return true;
}

/* yajl's memory, wiped when it is given back: a password with an escape in it
 * is put together there. */
static void
wipe_and_free(void *ctx, void *p)
{
	(void)ctx;
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *
allocate(void *ctx, size_t size)
{
	void *p = malloc(size);

	(void)ctx;
	if (p == NULL)
		fatalx("out of memory");
	return p;
}

static void *
reallocate(void *ctx, void *p, size_t size)
{
	void *moved = allocate(ctx, size);
	size_t had = p != NULL ? malloc_usable_size(p) : 0;

	if (p != NULL)
		memcpy(moved, p, had < size ? had : size);
	wipe_and_free(ctx, p);
	return moved;
}

/* The first line of what yajl says; the others repeat the bytes. */
static void
say_error(yajl_handle h, const unsigned char *json, size_t len, char *why,
    size_t room)
{
	unsigned char *said = yajl_get_error(h, 0, json, len);

	snprintf(why, room, "%.*s", (int)strcspn((const char *)said, "\n"),
	    (const char *)said);
	yajl_free_error(h, said);
}

/* What yajl has passed over, in words; NULL: nothing. The value ends at end. */
static const char *
passed_over(const char *json, size_t len, size_t end)
{
	if (!has_own_space_only(json, len))
		return "there is a vertical tab or a form feed in it";
	if (!has_whole_pairs(json, len))
		return "there is half of a surrogate pair in it";
	if (!is_space(json + end, len - end))
		return "there is more behind its end";
	return NULL;
}

bool
strict_parse(const yajl_callbacks *callbacks, void *ctx, const char *json,
    size_t len, char *why, size_t room)
{
	static yajl_alloc_funcs memory = {
	    .malloc = allocate, .realloc = reallocate, .free = wipe_and_free};
	yajl_handle h = yajl_alloc(callbacks, &memory, ctx);
	const unsigned char *bytes = (const unsigned char *)json;
	const char *wrong = NULL;
	yajl_status st;
	size_t end;

	/* what is behind the value is looked at here: yajl does not mind the
	 * beginning of a string there */
	yajl_config(h, yajl_allow_trailing_garbage, 1);
	st = yajl_parse(h, bytes, len);
	end = yajl_get_bytes_consumed(h);
	/* without it, an unfinished document passes */
	if (st == yajl_status_ok)
		st = yajl_complete_parse(h);
	if (st == yajl_status_ok)
		wrong = passed_over(json, len, end);
	else if (why != NULL)
		say_error(h, bytes, len, why, room);
	yajl_free(h);
	if (wrong != NULL && why != NULL)
		snprintf(why, room, "%s", wrong);
	return st == yajl_status_ok && wrong == NULL;
}
