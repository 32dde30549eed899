/* numeric.c: a NUMERIC as numeric_send() writes it, against digits written out
 * and read again; and what Postgres would send for a number must be that
 * number. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "reconcile/numeric.h"

enum { BEFORE = 16, AFTER = 2, WORDS = 16 };

static int
word(const uint8_t *data, size_t i)
{
	return (int16_t)(uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);
}

/* The number by the long way: a row of decimal places from 10^63 down to
 * 10^-64, of which all but 16 before and 2 after the point must be zero. */
static bool
written_out(const uint8_t *data, size_t size, __int128 *minor_r)
{
	enum { PLACES = 128, POINT = 64 };
	int place[PLACES] = {0}, i, k, n, weight, digit;
	__int128 v = 0;

	if (size < 8 || size % 2 != 0)
		return false;
	n = word(data, 0);
	weight = word(data, 1);
	if (n < 0 || size != 8 + 2 * (size_t)n ||
	    (word(data, 2) != 0 && word(data, 2) != 0x4000))
		return false;
	for (i = 0; i < n; i++) {
		digit = word(data, 4 + (size_t)i);
		if (digit < 0 || digit > 9999 || weight - i >= WORDS ||
		    weight - i < -WORDS)
			return false;
		for (k = 0; k < 4; k++, digit /= 10)
			/* 10^(4 * w + k) is at POINT - 1 - (4 * w + k) */
			place[POINT - 1 - 4 * (weight - i) - k] = digit % 10;
	}
	for (i = 0; i < PLACES; i++)
		if (i >= POINT - BEFORE && i < POINT + AFTER)
			v = v * 10 + place[i];
		else if (place[i] != 0)
			return false;
	*minor_r = word(data, 2) != 0 ? -v : v;
	return true;
}

static void
put(uint8_t *out, size_t i, int v)
{
	out[2 * i] = (uint8_t)(v >> 8);
	out[2 * i + 1] = (uint8_t)v;
}

/* As Postgres sends it: no group of zeros at either end. */
static size_t
send_minor(int64_t minor, uint8_t out[8 + 2 * WORDS])
{
	uint64_t v = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
	int group[6], first = 0, last = 5, i;

	group[5] = (int)(v % 100) * 100;
	for (v /= 100, i = 4; i >= 0; i--, v /= 10000)
		group[i] = (int)(v % 10000);
	while (first <= last && group[first] == 0)
		first++;
	while (last >= first && group[last] == 0)
		last--;
	put(out, 0, last - first + 1);
	put(out, 1, first <= last ? 4 - first : 0);
	put(out, 2, minor < 0 ? 0x4000 : 0);
	put(out, 3, 2);
	for (i = first; i <= last; i++)
		put(out, 4 + (size_t)(i - first), group[i]);
	return 8 + 2 * (size_t)(last - first + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	char *copy = fuzz_copy(data, size);
	uint8_t sent[8 + 2 * WORDS];
	struct chain_bytes bytes = {(const unsigned char *)copy, size};
	int64_t minor = -7, number;
	__int128 right;

	if (numeric_minor(bytes, &minor))
		HOLDS(written_out(data, size, &right) && right == minor);
	else
		HOLDS(minor == 0);
	free(copy);

	number = (int64_t)fuzz_number(&in, 8) % 1000000000000000000;
	bytes = (struct chain_bytes){sent, send_minor(number, sent)};
	HOLDS(numeric_minor(bytes, &minor) && minor == number);
	return 0;
}
