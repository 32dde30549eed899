/* money.c: amounts, against the contract's pattern and arithmetic in 128 bits.
 * What is read and written again is the same amount. */
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "fuzz.h"

/* The minor units of digits with at most two decimals, exactly. */
static __int128
minor_of(const char *s)
{
	bool negative = *s == '-';
	__int128 v = 0;
	int decimals = -1;

	for (s += negative; *s != '\0'; s++) {
		if (*s == '.') {
			decimals = 0;
			continue;
		}
		v = v * 10 + (*s - '0');
		decimals += decimals >= 0;
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < 2; decimals++)
		v *= 10;
	return negative ? -v : v;
}

static void
of_a_client(const char *text, size_t len)
{
	/* design, section 5 */
	static struct fuzz_pattern form = {
	    .text = "^(0|[1-9][0-9]{0,12})(\\.[0-9]{1,2})?$"};
	char again[MONEY_TEXT];
	int64_t minor = -7, back;
	bool read = money_parse(text, len, &minor);

	HOLDS(read == (strlen(text) == len && fuzz_matches(&form, text)));
	if (!read) {
		HOLDS(minor == -7);
		return;
	}
	HOLDS(minor == minor_of(text));
	HOLDS(money_format(minor, again) == again);
	HOLDS(money_parse(again, strlen(again), &back) && back == minor);
}

static void
of_the_ledger(const char *text)
{
	static struct fuzz_pattern form = {
	    .text = "^-?(0|[1-9][0-9]{0,15})\\.[0-9]{2}$"};
	char again[MONEY_TEXT];
	int64_t minor = -7;
	bool read = money_parse_numeric(text, &minor);

	HOLDS(read == fuzz_matches(&form, text));
	if (!read) {
		HOLDS(minor == -7);
		return;
	}
	HOLDS(minor == minor_of(text));
	money_format(minor, again);
	/* Postgres has no -0.00 */
	HOLDS(strcmp(again, text + (minor == 0 && *text == '-')) == 0);
}

/* Any number has a text, even those that no amount has. */
static void
of_a_number(int64_t minor)
{
	char text[MONEY_TEXT], *copy;
	int64_t back;

	money_format(minor, text);
	HOLDS(minor_of(text) == minor);
	copy = fuzz_copy(text, strlen(text));
	if (minor > -1000000000000000000 && minor < 1000000000000000000)
		HOLDS(money_parse_numeric(copy, &back) && back == minor);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	char *text = fuzz_copy(data, size);

	of_a_client(text, size);
	of_the_ledger(text);
	free(text);
	of_a_number((int64_t)fuzz_number(&in, 8));
	return 0;
}
