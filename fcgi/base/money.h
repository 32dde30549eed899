/* money.h: amounts of money, as whole minor units (cents) in an int64_t.
 *
 * Promises exact text in and out, and no float in between. Does not know
 * currencies: all of ours have two decimals. */
#ifndef MONEY_H
#define MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any formatted amount and its NUL: sign, 17 digits, point, 2. */
#define MONEY_TEXT 24

/* An amount as a client may write it: the bytes
 * (0|[1-9][0-9]{0,12})(\.[0-9]{1,2})? and nothing else (design, section 5).
 * Zero is well-formed. Returns false, and leaves *minor_r alone, if it is
 * not that. s needs no NUL. */
bool money_parse(const char *s, size_t len, int64_t *minor_r);

/* An amount as Postgres prints a NUMERIC(18,2): -?[0-9]{1,16}\.[0-9]{2}.
 * Returns as money_parse. */
bool money_parse_numeric(const char *s, int64_t *minor_r);

/* Writes minor with its two decimals, as "-1.05" or "100.00"; returns out. */
const char *money_format(int64_t minor, char out[MONEY_TEXT]);

#endif
