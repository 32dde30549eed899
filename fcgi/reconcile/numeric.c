/* numeric.c: see numeric.h.
 *
 * The format: four int16 (count of digits, weight of the first, sign, scale)
 * and the digits, each an int16 of base 10000; a digit of weight w counts for
 * 10000^w. Big end first. */
#include "numeric.h"

#include <endian.h>
#include <string.h>

#define BASE     10000
#define POSITIVE 0x0000
#define NEGATIVE 0x4000
#define HEADER   4 /* int16 before the digits */

/* 16 digits before the point: minor units fit in int64 */
#define WEIGHT_MAX 3

static int
int16_at(struct chain_bytes bytes, int i)
{
	uint16_t v;

	memcpy(&v, bytes.data + 2 * (size_t)i, sizeof(v));
	return (int16_t)be16toh(v);
}

/* 10000^w in minor units; w is -1 to WEIGHT_MAX, where -1 is a hundredth of
 * one: its digit is 100 times as many minor units as it says. */
static bool
add_digit(int64_t *minor, int digit, int w)
{
	int64_t unit = 100;

	if (digit < 0 || digit >= BASE)
		return false;
	if (w == -1) {
		*minor += digit / 100;
		return digit % 100 == 0;
	}
	for (; w > 0; w--)
		unit *= BASE;
	*minor += digit * unit;
	return true;
}

bool
numeric_minor(struct chain_bytes bytes, int64_t *minor_r)
{
	int n, weight, sign, i;
	int64_t minor = 0;

	*minor_r = 0;
	if (bytes.len < (size_t)2 * HEADER)
		return false;
	n = int16_at(bytes, 0);
	weight = int16_at(bytes, 1);
	sign = int16_at(bytes, 2);
	if (n < 0 || bytes.len != 2 * ((size_t)n + HEADER) ||
	    (sign != POSITIVE && sign != NEGATIVE))
		return false;
	if (n > 0 && (weight > WEIGHT_MAX || weight - n + 1 < -1))
		return false;
	for (i = 0; i < n; i++)
		if (!add_digit(&minor, int16_at(bytes, HEADER + i), weight - i))
			return false;
	*minor_r = sign == NEGATIVE ? -minor : minor;
	return true;
}
