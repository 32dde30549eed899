/* fold.c: a ledger that fits together, made out of the input and read in an
 * order that is the input's too, leaves nothing behind; the same with one
 * thing changed in it does. Its hashes are chain.c's, and openssl's. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "reconcile/chain.h"
#include "reconcile/fold.h"

enum { ENTRIES = 24 };

struct entry {
	struct fold_state from, to;
	enum fold_kind kind;
	unsigned char order[16], from_hash[CHAIN_HASH], to_hash[CHAIN_HASH];
};

struct ledger {
	int64_t user;
	size_t n;
	struct entry entry[ENTRIES];
};

static struct fold *fold;
static struct chain *chain;
/* Whose turn it is; from the last on, since fold_next() looks from there to the
 * end. What a changed ledger has left in a bucket stays: new sums are 9 MB. */
static size_t bucket = FOLD_BUCKETS - 1;

/* What an entry's hash should be, by the whole of its bytes at once. */
static void
hash_entry(struct entry *e, const uint8_t *note, size_t note_len)
{
	unsigned char all[256], right[CHAIN_HASH], *p = all;
	struct chain_entry c = {
	    .prev_hash = e->from.hash,
	    .order = {e->order, e->kind == FOLD_OTHER ? 0 : 16},
	    .kind = {(const unsigned char *)"kind", 4},
	    .note = {note, note_len},
	};

	if (e->from.hash.len > 0)
		p = mempcpy(p, e->from_hash, CHAIN_HASH);
	if (e->kind == FOLD_OTHER)
		memset(p, 0, 16);
	else
		memcpy(p, e->order, 16);
	p = mempcpy(p + 16, "kind|", 5);
	p = mempcpy(p, note, note_len);
	SHA256(all, (size_t)(p - all), right);
	chain_hash(chain, &c, e->to_hash);
	HOLDS(memcmp(right, e->to_hash, CHAIN_HASH) == 0);
	e->to.hash = (struct chain_bytes){e->to_hash, CHAIN_HASH};
	HOLDS(chain_holds(chain, &c, e->to.hash));
	right[note_len % CHAIN_HASH] ^= 1;
	HOLDS(!chain_holds(chain, &c, (struct chain_bytes){right, CHAIN_HASH}));
	HOLDS(!chain_holds(
	    chain, &c, (struct chain_bytes){e->to_hash, CHAIN_HASH - 1}));
}

static void
make(struct ledger *l, struct fuzz_input *in)
{
	int64_t balance = 0;
	size_t i, j;

	l->user = (int64_t)(fuzz_number(in, 3) * FOLD_BUCKETS + bucket);
	l->n = 1 + fuzz_byte(in) % ENTRIES;
	for (i = 0; i < l->n; i++) {
		struct entry *e = &l->entry[i];
		int64_t amount = (int64_t)fuzz_number(in, 3);

		memset(e, 0, sizeof(*e));
		e->kind =
		    i == 0 ? FOLD_OTHER : (enum fold_kind)(fuzz_byte(in) % 3);
		e->from.version = (int64_t)i;
		e->to.version = (int64_t)i + 1;
		e->from.balance = balance;
		if (e->kind == FOLD_WITHDRAW && amount > balance)
			amount = balance;
		balance += e->kind == FOLD_WITHDRAW ? -amount : amount;
		e->to.balance = balance;
		for (j = 0; j < 2; j++)
			e->order[j] = fuzz_byte(in);
		e->order[2] = (unsigned char)i;
		if (i > 0) {
			memcpy(
			    e->from_hash, l->entry[i - 1].to_hash, CHAIN_HASH);
			e->from.hash =
			    (struct chain_bytes){e->from_hash, CHAIN_HASH};
		}
		hash_entry(e, e->order, e->order[0] % 8);
	}
}

/* The record that belongs to an entry. */
static void
read_record(const struct ledger *l, const struct entry *e)
{
	struct chain_bytes order = {e->order, sizeof(e->order)};

	if (e->kind == FOLD_WITHDRAW)
		fold_debit(fold, l->user, order,
		    e->from.balance - e->to.balance, e->to.version,
		    e->to.balance);
	else if (e->kind == FOLD_RETURN)
		fold_return(
		    fold, l->user, order, e->to.balance - e->from.balance);
}

static void
read_entry(const struct ledger *l, const struct entry *e)
{
	struct chain_bytes order = {
	    e->order, e->kind == FOLD_OTHER ? 0 : sizeof(e->order)};

	fold_entry(fold, l->user, &e->from, &e->to, e->kind, order);
}

/* Account, entries and records; from the entry `first` on, in a circle. */
static void
read_all(const struct ledger *l, size_t first, bool records_first)
{
	size_t i;

	if (records_first)
		for (i = 0; i < l->n; i++)
			read_record(l, &l->entry[i]);
	for (i = 0; i < l->n; i++)
		read_entry(l, &l->entry[(first + i) % l->n]);
	fold_account(fold, l->user, &l->entry[l->n - 1].to);
	if (!records_first)
		for (i = 0; i < l->n; i++)
			read_record(l, &l->entry[i]);
}

static bool
fits(void)
{
	size_t found = bucket;

	return !fold_next(fold, &found) || found != bucket;
}

/* One thing is changed; returns false if that came to nothing. */
static bool
change(struct entry *e, struct fuzz_input *in)
{
	switch (fuzz_byte(in) % 6) {
	case 0:
		e->to.balance ^= 1;
		return true;
	case 1:
		e->from.version ^= 64;
		return true;
	case 2:
		e->to_hash[fuzz_byte(in) % CHAIN_HASH] ^= 1;
		e->to.hash.data = e->to_hash;
		return true;
	case 3:
		e->order[15] ^= 1;
		return e->kind != FOLD_OTHER;
	case 4:
		e->kind = (enum fold_kind)((e->kind + 1) % 3);
		return true;
	default: /* another one in its place */
		*e = (struct entry){.to = {.version = 77}};
		return true;
	}
}

/* A changed entry, and all else as it was. */
static void
read_changed(const struct ledger *l, struct fuzz_input *in)
{
	size_t which = fuzz_byte(in) % l->n, i;
	struct entry changed = l->entry[which];

	if (!change(&changed, in))
		return;
	for (i = 0; i < l->n; i++) {
		read_entry(l, i == which ? &changed : &l->entry[i]);
		read_record(l, &l->entry[i]);
	}
	fold_account(fold, l->user, &l->entry[l->n - 1].to);
	HOLDS(!fits());
	if (bucket-- == 0) {
		fold_close(&fold);
		fold = fold_open();
		bucket = FOLD_BUCKETS - 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ledger l;
	struct fuzz_input in = {data, data + size};
	uint8_t flags = fuzz_byte(&in), first = fuzz_byte(&in);

	if (fold == NULL) {
		fold = fold_open();
		chain = chain_open();
	}
	make(&l, &in);
	read_all(&l, first, flags & 1);
	HOLDS(fits());
	if (flags & 2)
		read_changed(&l, &in);
	return 0;
}
