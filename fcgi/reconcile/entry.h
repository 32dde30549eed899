/* entry.h: an entry of the journal as a row of a snapshot: for all who compute
 * its hash anew. */
#ifndef ENTRY_H
#define ENTRY_H

#include "reconcile/chain.h"
#include "reconcile/snapshot.h"

/* The columns of ledger_entry, in this order. */
#define ENTRY_COLUMNS                                                          \
	"user_id, version, kind, delta, balance_after, order_id, created_at, " \
	"note, prev_hash, hash"

enum entry_column {
	E_USER,
	E_VERSION,
	E_KIND,
	E_DELTA,
	E_BALANCE,
	E_ORDER,
	E_AT,
	E_NOTE,
	E_PREV_HASH,
	E_HASH,
};

/* What its hash is made of, as long as the row lives. */
struct chain_entry entry_of_row(const struct snapshot_row *row);

#endif
