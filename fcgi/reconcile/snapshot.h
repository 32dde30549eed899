/* snapshot.h: the ledger as it stood at one moment, read as streams of rows.
 *
 * Connections share one snapshot (REPEATABLE READ, READ ONLY), so that two
 * tables can be read at once while traffic goes on. Nothing is held in memory
 * but the row at hand. Complains to stderr where it fails. */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reconcile/chain.h"

struct snapshot;

/* For so many queries at once, SNAPSHOT_QUERIES at most. Where to connect is
 * libpq's environment. *watermark_r: every transaction before it had ended when
 * the snapshot was taken. NULL: no snapshot. */
struct snapshot *snapshot_open(int queries, int64_t *watermark_r);
void snapshot_close(struct snapshot **snapshot);

/* A value as Postgres sends it in binary; data is NULL for SQL's NULL. */
struct snapshot_row {
	int n;
	struct chain_bytes field[16];
};

/* One query, and who takes its rows. */
struct snapshot_query {
	const char *rows; /* as COPY takes them: "table (columns)", which is
			   * the faster one, or "(SELECT ...)" */
	void (*row)(void *arg, const struct snapshot_row *row);
	void *arg;
};

#define SNAPSHOT_QUERIES 2

/* Reads up to as many queries at once as it was opened for. Returns 0, or -1 if
 * not all rows of all of them were read. */
int snapshot_read(struct snapshot *snapshot,
    const struct snapshot_query queries[], int nqueries)
    __attribute__((warn_unused_result));

/* A value of a row, bigint or smallint. NULL, or one of another size, is 0. */
int64_t snapshot_int(const struct snapshot_row *row, int field);

#endif
