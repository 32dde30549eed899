/* body.h: the JSON body of a request: one flat object, each key once, no key
 * that is not known; read by yajl's callbacks. */
#ifndef BODY_H
#define BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ident.h"

/* The longest body that is read. */
#define BODY_MAX 4096

struct body {
	bool has_amount;
	int64_t amount;        /* minor units, above zero */
	char token[UUID_TEXT]; /* "" if absent, or not of a token's form: a
				* missing token is the same as an invalid one */
};

/* Reads len bytes. On false, *detail_r says what is wrong and what would be
 * right, for the client; a constant. Amount and token are known keys if
 * withdraw is set; otherwise none is. */
bool body_parse(const char *json, size_t len, bool withdraw, struct body *b,
    const char **detail_r);

#endif
