/* hex.c: see hex.h. */
#include "hex.h"

#include <stdio.h>

void
hex_text(const unsigned char *bytes, size_t len, char *out)
{
	size_t i;

	out[0] = '\0';
	for (i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}
