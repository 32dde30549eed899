/* frame.c: see frame.h. */
#include "frame.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HEADER        8
#define VERSION       1
#define BEGIN_REQUEST 1
#define PARAMS        4
#define STDIN         5
#define RESPONDER     1

struct record {
	unsigned type, id;
	const unsigned char *content;
	size_t length, whole; /* of the content; with header and padding */
};

/* Returns FRAME_PARTIAL if it is not all there yet. */
static enum frame_verdict
next_record(const unsigned char *p, size_t len, struct record *r)
{
	if (len >= 1 && p[0] != VERSION)
		return FRAME_BAD;
	if (len < HEADER)
		return FRAME_PARTIAL;
	r->type = p[1];
	r->id = (unsigned)p[2] << 8 | p[3];
	r->length = (size_t)p[4] << 8 | p[5];
	r->whole = HEADER + r->length + p[6];
	r->content = p + HEADER;
	return len < r->whole ? FRAME_PARTIAL : FRAME_WHOLE;
}

/* A length of a name or value: 1 byte, or 4 with the first bit set. */
static bool
take_length(const unsigned char **p, const unsigned char *end, size_t *n_r)
{
	if (*p == end)
		return false;
	if ((**p & 0x80) == 0) {
		*n_r = *(*p)++;
		return true;
	}
	if (end - *p < 4)
		return false;
	*n_r = (size_t)((*p)[0] & 0x7f) << 24 | (size_t)(*p)[1] << 16 |
	    (size_t)(*p)[2] << 8 | (*p)[3];
	*p += 4;
	return true;
}

/* Do the name-value pairs fill the bytes exactly? */
static bool
pairs_fit(const unsigned char *p, size_t len)
{
	const unsigned char *end = p + len;
	size_t name, value;

	while (p < end) {
		if (!take_length(&p, end, &name) ||
		    !take_length(&p, end, &value) || name > (size_t)(end - p) ||
		    value > (size_t)(end - p) - name)
			return false;
		p += name + value;
	}
	return true;
}

enum frame_verdict
frame_check(const unsigned char *buf, size_t len)
{
	static unsigned char params[FRAME_MAX]; /* joined over their records */
	size_t at = 0, nparams = 0;
	unsigned expect = BEGIN_REQUEST, id = 0;
	struct record r = {0};
	enum frame_verdict v;

	if (len > FRAME_MAX)
		return FRAME_BAD;
	for (;;) {
		v = next_record(buf + at, len - at, &r);
		if (v == FRAME_PARTIAL && len >= FRAME_MAX)
			return FRAME_BAD;
		if (v != FRAME_WHOLE)
			return v;
		if (r.type != expect || (id != 0 && r.id != id) || r.id == 0)
			return FRAME_BAD;
		/* libfcgi does not skip the padding of a request's beginning
		 * and of a stream's end: it reads the next record out of it */
		if ((r.type == BEGIN_REQUEST || r.length == 0) &&
		    r.whole > HEADER + r.length)
			return FRAME_BAD;
		at += r.whole;
		if (r.type == BEGIN_REQUEST) {
			if (r.length != 8 || r.content[0] != 0 ||
			    r.content[1] != RESPONDER)
				return FRAME_BAD;
			id = r.id;
			expect = PARAMS;
		} else if (r.type == PARAMS && r.length > 0) {
			memcpy(params + nparams, r.content, r.length);
			nparams += r.length; /* below len, so it fits */
		} else if (r.type == PARAMS) {
			if (!pairs_fit(params, nparams))
				return FRAME_BAD;
			expect = STDIN;
		} else if (r.length == 0) {
			return at == len ? FRAME_WHOLE : FRAME_BAD;
		}
	}
}
