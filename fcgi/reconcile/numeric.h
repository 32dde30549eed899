/* numeric.h: an amount of the ledger, out of the bytes that Postgres sends. */
#ifndef NUMERIC_H
#define NUMERIC_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcile/chain.h"

/* A NUMERIC(18,2) as numeric_send() writes it, in minor units. Returns false,
 * and 0, if it is none: NULL, NaN, or too large or fine for one. */
bool numeric_minor(struct chain_bytes bytes, int64_t *minor_r);

#endif
