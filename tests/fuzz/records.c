/* records.c: see records.h. */
#include "records.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { BEGIN = 1, PARAMS = 4, STDIN = 5 };

struct header {
	unsigned version, type, id, length, padding;
};

static struct header
header_of(const uint8_t h[8])
{
	return (struct header){h[0], h[1], (unsigned)(h[2] * 256 + h[3]),
	    (unsigned)(h[4] * 256 + h[5]), h[6]};
}

static bool
get_length(const struct records *r, size_t *at, size_t *length_r)
{
	size_t left = r->nparams - *at, i;

	if (left == 0)
		return false;
	if (r->params[*at] < 128) {
		*length_r = r->params[(*at)++];
		return true;
	}
	if (left < 4)
		return false;
	*length_r = r->params[*at] - 128U;
	for (i = 1; i < 4; i++)
		*length_r = *length_r * 256 + r->params[*at + i];
	*at += 4;
	return true;
}

bool
records_param(const struct records *r, size_t *at, struct records_param *p_r)
{
	if (!get_length(r, at, &p_r->nname) ||
	    !get_length(r, at, &p_r->nvalue) ||
	    p_r->nname + p_r->nvalue > r->nparams - *at)
		return false;
	p_r->name = r->params + *at;
	p_r->value = p_r->name + p_r->nname;
	*at += p_r->nname + p_r->nvalue;
	return true;
}

static bool
params_are_well(const struct records *r)
{
	struct records_param p;
	size_t at = 0;

	while (at < r->nparams)
		if (!records_param(r, &at, &p))
			return false;
	return true;
}

/* Is this record allowed after those that came? *done_r: it was the last. */
static bool
take(struct records *r, const struct header *h, const uint8_t *content,
    unsigned *stage, unsigned *id, bool *done_r)
{
	*done_r = false;
	if (h->id == 0 || (*id != 0 && h->id != *id))
		return false;
	*id = h->id;
	/* stricter than the specification: see frame.c */
	if ((h->type == BEGIN || h->length == 0) && h->padding > 0)
		return false;
	if (h->type != *stage)
		return false;
	switch (h->type) {
	case BEGIN:
		*stage = PARAMS;
		if (h->length != 8 || content[0] != 0 || content[1] != 1)
			return false;
		r->keep = content[2] & 1;
		return true;
	case PARAMS:
		memcpy(r->params + r->nparams, content, h->length);
		r->nparams += h->length;
		if (h->length > 0)
			return true;
		*stage = STDIN;
		return params_are_well(r);
	default:
		memcpy(r->body + r->nbody, content, h->length);
		r->nbody += h->length;
		*done_r = h->length == 0;
		return true;
	}
}

static enum records_verdict
walk(const uint8_t *data, size_t size, struct records *r)
{
	unsigned stage = BEGIN, id = 0;
	size_t at = 0;
	bool done = false;

	while (!done) {
		struct header h;

		if (at < size && data[at] != 1)
			return RECORDS_BAD;
		if (size - at < 8)
			break;
		h = header_of(data + at);
		if (size - at - 8 < h.length + h.padding)
			break;
		if (!take(r, &h, data + at + 8, &stage, &id, &done))
			return RECORDS_BAD;
		at += 8 + h.length + h.padding;
	}
	if (done)
		return at == size ? RECORDS_WHOLE : RECORDS_BAD;
	return size < RECORDS_MAX ? RECORDS_PARTIAL : RECORDS_BAD;
}

enum records_verdict
records_read(const uint8_t *data, size_t size, struct records *r_r)
{
	*r_r = (struct records){
	    .params = malloc(size + 1), .body = malloc(size + 1)};
	HOLDS(r_r->params != NULL && r_r->body != NULL);
	return size > RECORDS_MAX ? RECORDS_BAD : walk(data, size, r_r);
}

void
records_free(struct records *r)
{
	free(r->params);
	free(r->body);
	*r = (struct records){0};
}
