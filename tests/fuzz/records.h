/* records.h: a FastCGI reader of the fuzz targets' own (specification 1.0,
 * sections 3 to 6): a byte at a time, whereas frame.c has them all. */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum records_verdict { RECORDS_WHOLE, RECORDS_PARTIAL, RECORDS_BAD };

enum { RECORDS_MAX = 65536 };

struct records {
	unsigned char *params, *body; /* joined over their records */
	size_t nparams, nbody;
	bool keep; /* the connection */
};

/* Is it exactly one request to a responder? */
enum records_verdict records_read(
    const uint8_t *data, size_t size, struct records *r_r);
void records_free(struct records *r);

/* The next of the params, behind *at; false at their end. */
struct records_param {
	const unsigned char *name, *value;
	size_t nname, nvalue;
};
bool records_param(
    const struct records *r, size_t *at, struct records_param *p_r);

#endif
