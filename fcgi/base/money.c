/* money.c: see money.h. */
#include "money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_DIGITS 13 /* before the point; the contract's pattern */
#define LEDGER_DIGITS 16 /* NUMERIC(18,2) */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9'; /* not isdigit(): no locale in money */
}

/* Digits, then at most two decimals. The caller bounds max_digits so that the
 * result cannot overflow: 10^18 minor units at most. */
static bool
parse(const char *s, size_t len, size_t max_digits, int64_t *minor_r)
{
	size_t i = 0, decimals = 0;
	int64_t v = 0;

	while (i < len && is_digit(s[i])) {
		if (i == max_digits)
			return false;
		v = v * 10 + (s[i++] - '0');
	}
	if (i == 0 || (i > 1 && s[0] == '0'))
		return false;
	if (i < len) {
		if (s[i++] != '.')
			return false;
		while (i < len && is_digit(s[i])) {
			if (++decimals > 2)
				return false;
			v = v * 10 + (s[i++] - '0');
		}
		if (decimals == 0)
			return false;
	}
	if (i != len)
		return false;
	for (; decimals < 2; decimals++)
		v *= 10;
	*minor_r = v;
	return true;
}

bool
money_parse(const char *s, size_t len, int64_t *minor_r)
{
	return parse(s, len, CLIENT_DIGITS, minor_r);
}

bool
money_parse_numeric(const char *s, int64_t *minor_r)
{
	bool negative = s[0] == '-';
	size_t len = strlen(s += negative);
	int64_t v;

	if (len < 4 || s[len - 3] != '.' || !parse(s, len, LEDGER_DIGITS, &v))
		return false;
	*minor_r = negative ? -v : v;
	return true;
}

const char *
money_format(int64_t minor, char out[MONEY_TEXT])
{
	uint64_t v = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;

	snprintf(out, MONEY_TEXT, "%s%" PRIu64 ".%02" PRIu64,
	    minor < 0 ? "-" : "", v / 100, v % 100);
	return out;
}
