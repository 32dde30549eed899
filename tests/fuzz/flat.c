/* flat.c: see flat.h. */
#include "flat.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

struct at {
	const unsigned char *p, *end;
};

static void
skip_space(struct at *at)
{
	while (at->p < at->end && *at->p != '\0' && strchr(" \t\r\n", *at->p))
		at->p++;
}

static bool
take(struct at *at, char c)
{
	if (at->p == at->end || *at->p != (unsigned char)c)
		return false;
	at->p++;
	return true;
}

/* Four digits of \uXXXX; -1: they are none. */
static long
take_hex(struct at *at)
{
	char digits[5] = "";
	int i;

	for (i = 0; i < 4; i++) {
		if (at->p == at->end || !isxdigit(*at->p))
			return -1;
		digits[i] = (char)*at->p++;
	}
	return strtol(digits, NULL, 16);
}

static void
put_code(struct flat_text *t, long c)
{
	unsigned char *out = (unsigned char *)t->bytes + t->len;
	unsigned char *begin = out;

	if (c < 0x80) {
		*out++ = (unsigned char)c;
	} else if (c < 0x800) {
		*out++ = (unsigned char)(0xc0 | c >> 6);
		*out++ = (unsigned char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (unsigned char)(0xe0 | c >> 12);
		*out++ = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (unsigned char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (unsigned char)(0xf0 | c >> 18);
		*out++ = (unsigned char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (unsigned char)(0x80 | (c & 0x3f));
	}
	t->len += (size_t)(out - begin);
}

static bool
is_half(long c, long first)
{
	return c >= first && c < first + 0x400;
}

/* Behind "\u". */
static bool
take_code(struct at *at, struct flat_text *t)
{
	long c = take_hex(at), low;

	if (c < 0)
		return false;
	if (!is_half(c, 0xd800)) {
		put_code(t, c);
		return !is_half(c, 0xdc00);
	}
	if (!take(at, '\\') || !take(at, 'u') || (low = take_hex(at)) < 0 ||
	    !is_half(low, 0xdc00))
		return false;
	put_code(t, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
	return true;
}

static bool
take_escape(struct at *at, struct flat_text *t)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (take(at, 'u'))
		return take_code(at, t);
	if (at->p == at->end || *at->p == '\0' ||
	    (name = strchr(names, *at->p)) == NULL)
		return false;
	at->p++;
	t->bytes[t->len++] = means[name - names];
	return true;
}

static bool
take_string(struct at *at, struct flat_text *t)
{
	if (!take(at, '"'))
		return false;
	/* no escape is shorter than what it stands for */
	t->bytes = malloc((size_t)(at->end - at->p) + 1);
	HOLDS(t->bytes != NULL);
	t->len = 0;
	while (!take(at, '"')) {
		if (at->p == at->end || *at->p < ' ')
			return false;
		if (take(at, '\\')) {
			if (!take_escape(at, t))
				return false;
		} else {
			t->bytes[t->len++] = (char)*at->p++;
		}
	}
	t->bytes[t->len] = '\0';
	return true;
}

static bool
take_member(struct at *at, struct flat *flat)
{
	size_t i = flat->n;

	if (i == FLAT_MEMBERS)
		return false;
	flat->n++;
	skip_space(at);
	if (!take_string(at, &flat->key[i]))
		return false;
	skip_space(at);
	if (!take(at, ':'))
		return false;
	skip_space(at);
	if (!take_string(at, &flat->value[i]))
		return false;
	skip_space(at);
	return true;
}

static bool
take_object(struct at *at, struct flat *flat)
{
	skip_space(at);
	if (!take(at, '{'))
		return false;
	skip_space(at);
	if (!take(at, '}')) {
		do {
			if (!take_member(at, flat))
				return false;
		} while (take(at, ','));
		if (!take(at, '}'))
			return false;
	}
	skip_space(at);
	return at->p == at->end;
}

bool
flat_read(const char *text, size_t len, struct flat *flat_r)
{
	const unsigned char *p = (const unsigned char *)text;
	struct at at = {p, p + len};

	memset(flat_r, 0, sizeof(*flat_r));
	if (take_object(&at, flat_r))
		return true;
	flat_free(flat_r);
	return false;
}

void
flat_free(struct flat *flat)
{
	size_t i;

	for (i = 0; i < flat->n; i++) {
		free(flat->key[i].bytes);
		free(flat->value[i].bytes);
	}
	memset(flat, 0, sizeof(*flat));
}

const struct flat_text *
flat_get(const struct flat *flat, const char *key)
{
	const struct flat_text *found = NULL;
	size_t i;

	for (i = 0; i < flat->n; i++) {
		if (flat->key[i].len != strlen(key) ||
		    memcmp(flat->key[i].bytes, key, strlen(key)) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = &flat->value[i];
	}
	return found;
}

char *
flat_write(char *out, const char *bytes, size_t len)
{
	size_t i;

	*out++ = '"';
	for (i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < 0x80)
			out += sprintf(out, "\\u%04X", (unsigned char)bytes[i]);
		else
			*out++ = bytes[i];
	*out++ = '"';
	*out = '\0';
	return out;
}
