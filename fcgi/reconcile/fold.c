/* fold.c: see fold.h. */
#include "fold.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

struct fold {
	uint64_t seed;
	/* behind the last bucket in use: what is beyond takes no memory */
	size_t end;
	uint64_t sum[FOLD_BUCKETS];
	bool wrong[FOLD_BUCKETS];
};

/* What a number is of; no two kinds of things have the same. */
enum domain { STATE = 1, DEBIT, RETURN };

struct fold *
fold_open(void)
{
	struct fold *fold = xcalloc(1, sizeof(*fold));

	/* nobody can plan what cancels out */
	if (getrandom(&fold->seed, sizeof(fold->seed), 0) != sizeof(fold->seed))
		fatal("getrandom");
	return fold;
}

void
fold_close(struct fold **fold)
{
	free(*fold);
	*fold = NULL;
}

static size_t
bucket_of(struct fold *fold, int64_t user)
{
	size_t bucket = (uint64_t)user & (FOLD_BUCKETS - 1);

	if (bucket >= fold->end)
		fold->end = bucket + 1;
	return bucket;
}

/* The finalizer of splitmix64: each bit of v changes half of the result. */
static uint64_t
mix(uint64_t h, uint64_t v)
{
	h += v + 0x9e3779b97f4a7c15U;
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
	return h ^ (h >> 31);
}

static uint64_t
mix_bytes(uint64_t h, struct chain_bytes bytes)
{
	size_t i, n;

	h = mix(h, bytes.len);
	for (i = 0; i < bytes.len; i += n) {
		uint64_t v = 0;

		n = bytes.len - i < sizeof(v) ? bytes.len - i : sizeof(v);
		memcpy(&v, bytes.data + i, n);
		h = mix(h, v);
	}
	return h;
}

static uint64_t
begin(const struct fold *fold, enum domain domain, int64_t user)
{
	return mix(mix(fold->seed, (uint64_t)domain), (uint64_t)user);
}

static uint64_t
state_number(
    const struct fold *fold, int64_t user, const struct fold_state *state)
{
	uint64_t h = begin(fold, STATE, user);

	h = mix(h, (uint64_t)state->version);
	h = mix(h, (uint64_t)state->balance);
	return mix_bytes(h, state->hash);
}

static uint64_t
debit_number(const struct fold *fold, int64_t user, struct chain_bytes order,
    int64_t amount, int64_t version, int64_t balance_after)
{
	uint64_t h = mix_bytes(begin(fold, DEBIT, user), order);

	h = mix(h, (uint64_t)amount);
	h = mix(h, (uint64_t)version);
	return mix(h, (uint64_t)balance_after);
}

static uint64_t
return_number(const struct fold *fold, int64_t user, struct chain_bytes order,
    int64_t amount)
{
	return mix(
	    mix_bytes(begin(fold, RETURN, user), order), (uint64_t)amount);
}

void
fold_account(struct fold *fold, int64_t user, const struct fold_state *now)
{
	static const struct fold_state nothing;

	fold->sum[bucket_of(fold, user)] +=
	    state_number(fold, user, &nothing) - state_number(fold, user, now);
	if (now->balance < 0)
		fold_suspect(fold, user);
}

void
fold_entry(struct fold *fold, int64_t user, const struct fold_state *from,
    const struct fold_state *to, enum fold_kind kind, struct chain_bytes order)
{
	uint64_t *sum = &fold->sum[bucket_of(fold, user)];
	int64_t delta = to->balance - from->balance;

	*sum += state_number(fold, user, to) - state_number(fold, user, from);
	switch (kind) {
	case FOLD_WITHDRAW:
		*sum += debit_number(
		    fold, user, order, -delta, to->version, to->balance);
		break;
	case FOLD_RETURN:
		*sum += return_number(fold, user, order, delta);
		break;
	case FOLD_OTHER:
		break;
	}
}

void
fold_debit(struct fold *fold, int64_t user, struct chain_bytes order,
    int64_t amount, int64_t version, int64_t balance_after)
{
	fold->sum[bucket_of(fold, user)] -=
	    debit_number(fold, user, order, amount, version, balance_after);
}

void
fold_return(
    struct fold *fold, int64_t user, struct chain_bytes order, int64_t amount)
{
	fold->sum[bucket_of(fold, user)] -=
	    return_number(fold, user, order, amount);
}

void
fold_suspect(struct fold *fold, int64_t user)
{
	fold->wrong[bucket_of(fold, user)] = true;
}

bool
fold_next(const struct fold *fold, size_t *bucket)
{
	for (; *bucket < fold->end; (*bucket)++)
		if (fold->wrong[*bucket] || fold->sum[*bucket] != 0)
			return true;
	return false;
}
