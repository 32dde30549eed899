/* since.c: the incremental look (look.h): what was written since the snapshot
 * of the last clean run. What was intact then is believed. */
#include <inttypes.h>
#include <stdio.h>

#include "reconcile/look.h"
#include "reconcile/snapshot.h"

enum column { USER, ENTRIES, RECORDS };

/* The last row has no user, but the counts. */
static void
on_row(void *arg, const struct snapshot_row *row)
{
	struct look *look = arg;

	if (row->field[USER].data != NULL) {
		look_suspect(look, snapshot_int(row, USER));
		return;
	}
	look->entries = snapshot_int(row, ENTRIES);
	look->records = snapshot_int(row, RECORDS);
}

int
look_since(struct snapshot *snapshot, int64_t since, struct look *look_r)
{
	char rows[128];
	const struct snapshot_query query = {rows, on_row, look_r};

	*look_r = (struct look){0};
	snprintf(rows, sizeof(rows),
	    "(SELECT user_id, entries, records "
	    "FROM reconcile_suspects_since(%" PRId64 "))",
	    since);
	return snapshot_read(snapshot, &query, 1);
}
