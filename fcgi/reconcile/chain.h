/* chain.h: the hash that ties an entry of the journal to the one before it.
 *
 * The ledger computes it when it writes (ledger_hash() in sql/002); this is
 * the same computed anew, outside of the server, so that it need not be
 * believed. The fields are as Postgres sends them in binary. */
#ifndef CHAIN_H
#define CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_HASH 32 /* bytes of SHA-256 */

struct chain_bytes {
	const unsigned char *data;
	size_t len;
};

/* All as bytes on the wire: int8, timestamptz and uuid are big end first,
 * order has no bytes where it is NULL, note neither. */
struct chain_entry {
	struct chain_bytes prev_hash; /* none: the first entry */
	struct chain_bytes user, version, at, order;
	struct chain_bytes delta, balance_after; /* numeric_send() */
	struct chain_bytes kind, note;           /* UTF-8 */
};

struct chain;

/* Out of memory ends the process. */
struct chain *chain_open(void);
void chain_close(struct chain **chain);

/* What the entry's hash should be. */
void chain_hash(struct chain *chain, const struct chain_entry *entry,
    unsigned char hash_r[CHAIN_HASH]);

/* Does it have that hash? */
bool chain_holds(struct chain *chain, const struct chain_entry *entry,
    struct chain_bytes hash);

#endif
