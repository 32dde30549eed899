/* row.c: see row.h. */
#include "row.h"

#include "pipeline/record.h"
#include "store/pg.h"

bool
record_from_row(const struct pg_rows *rows, size_t row, int column,
    int64_t user, struct record *r)
{
	const char *f[RECORD_FIELDS];
	int i;

	for (i = 0; i < RECORD_FIELDS; i++)
		f[i] = pg_rows_text(rows, row, column + i);
	return record_from_fields(f, user, r);
}
