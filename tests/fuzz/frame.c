/* frame.c: what may reach libfcgi, against a reader of our own, at the input's
 * end and at each place where a record of it, or a byte, may be cut. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "records.h"
#include "web/frame.h"

static enum records_verdict
look(const uint8_t *data, size_t size)
{
	static const enum frame_verdict same[] = {[RECORDS_WHOLE] = FRAME_WHOLE,
	    [RECORDS_PARTIAL] = FRAME_PARTIAL,
	    [RECORDS_BAD] = FRAME_BAD};
	unsigned char *copy = malloc(size > 0 ? size : 1);
	struct records r;
	enum records_verdict v = records_read(data, size, &r);

	HOLDS(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	HOLDS(frame_check(copy, size) == same[v]);
	free(copy);
	records_free(&r);
	return v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum records_verdict v = look(data, size), before;
	/* near the end and near the front, and not all of a long one */
	size_t n, step = 1 + size / 16;

	for (n = 0; n < size; n += step) {
		before = look(data, n);
		/* what began badly ends so, and of a whole one each beginning
		 * is one */
		HOLDS(before != RECORDS_BAD || v == RECORDS_BAD);
		HOLDS(v != RECORDS_WHOLE || before == RECORDS_PARTIAL);
	}
	return 0;
}
