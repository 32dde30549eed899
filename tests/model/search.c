/* lists of X(name), which it would break anew each time */
/* clang-format off */
/* search.c: pan, spin's search through pipeline.pml, and what the model calls
 * in C.
 *
 * canonical(): requests of a worker are alike, backends are alike, the two
 * orders are alike. After each step the state is exchanged for the one of its
 * mirror images that is first in a fixed sequence, so that a search meets one
 * of up to 2 * SLOTS! * BACKENDS! of them. Each image is a renaming that the
 * model and its invariants do not see; two images that are not recognized as
 * such cost time, no truth. run.sh compares with a search without it. */
#include "names.h"

#include "pan.c"

#include <stdint.h>

struct image {
	/* by order */
	uint8_t told[2], debits[2], rec[2], rec_holder[2], cache[2], ever[2];
	/* by backend */
	uint8_t st[BACKENDS], bo[BACKENDS], bval[BACKENDS], after[BACKENDS],
	    moves[BACKENDS], by[BACKENDS];
	/* by request */
	uint8_t pc[SLOTS], ord[SLOTS], res[SLOTS], val[SLOTS], bk[SLOTS],
	    voids[SLOTS], own[SLOTS], flight[SLOTS], distrust[SLOTS],
	    uncertain[SLOTS], lost[SLOTS];
	uint8_t lock, lock_owner, acct_holder, t_o;
};

#ifdef RECONCILE
#define OF_RECONCILE(X) X(t_o)
#else
#define OF_RECONCILE(X)
#endif
#define FIELDS(X)                                                              \
	X(told)                                                                \
	X(debits) X(rec) X(rec_holder) X(cache) X(ever) X(st) X(bo) X(bval)    \
	    X(after) X(moves) X(by) X(pc) X(ord) X(res) X(val) X(bk) X(voids)  \
		X(own) X(flight) X(distrust) X(uncertain) X(lost) X(lock)      \
		    X(lock_owner) X(acct_holder) OF_RECONCILE(X)

#define TAKE(f) memcpy(&m->f, &now.f, sizeof(m->f));
#define GIVE(f) memcpy(&now.f, &m->f, sizeof(m->f));

_Static_assert(sizeof(now.st) == BACKENDS && sizeof(now.pc) == SLOTS &&
	sizeof(now.voids) == SLOTS && sizeof(now.told) == 2,
    "what spin makes of arrays");

static void
swap(uint8_t a[], int i, int j)
{
	uint8_t v = a[i];

	a[i] = a[j];
	a[j] = v;
}

static uint8_t
renamed(uint8_t name, int i, int j)
{
	return name == i ? j : name == j ? i : name;
}

static void
swap_backends(struct image *m, int i, int j)
{
	int k;

	swap(m->st, i, j);
	swap(m->bo, i, j);
	swap(m->bval, i, j);
	swap(m->after, i, j);
	swap(m->moves, i, j);
	swap(m->by, i, j);
	for (k = 0; k < SLOTS; k++)
		m->bk[k] = renamed(m->bk[k], i, j);
	for (k = 0; k < 2; k++)
		m->rec_holder[k] = renamed(m->rec_holder[k], i, j);
	m->acct_holder = renamed(m->acct_holder, i, j);
}

static void
swap_requests(struct image *m, int i, int j)
{
	int k;

	swap(m->pc, i, j);
	swap(m->ord, i, j);
	swap(m->res, i, j);
	swap(m->val, i, j);
	swap(m->bk, i, j);
	swap(m->voids, i, j);
	swap(m->own, i, j);
	swap(m->flight, i, j);
	swap(m->distrust, i, j);
	swap(m->uncertain, i, j);
	swap(m->lost, i, j);
	for (k = 0; k < BACKENDS; k++)
		m->by[k] = renamed(m->by[k], i, j);
	m->lock_owner = renamed(m->lock_owner, i, j);
}

static void
swap_orders(struct image *m)
{
	int k;

	swap(m->told, 0, 1);
	swap(m->debits, 0, 1);
	swap(m->rec, 0, 1);
	swap(m->rec_holder, 0, 1);
	swap(m->cache, 0, 1);
	swap(m->ever, 0, 1);
	/* what is not in use has order 0 */
	for (k = 0; k < BACKENDS; k++)
		if (m->st[k] != B_FREE)
			m->bo[k] ^= 1;
	for (k = 0; k < SLOTS; k++)
		if (m->pc[k] != IDLE)
			m->ord[k] ^= 1;
	m->lock = renamed(m->lock, 1, 2);
#ifdef RECONCILE
	if (now.t_st != T_IDLE && now.t_st != T_HANDLE)
		m->t_o ^= 1;
#endif
}

/* What a backend is, but for the name of its request. */
static uint64_t
backend_key(const struct image *m, int b)
{
	unsigned by = m->by[b] == NOBODY ? 0 : m->bk[m->by[b]] == b ? 1 : 2;

	return (uint64_t)m->st[b] << 40 | (uint64_t)m->bo[b] << 32 |
	    (uint64_t)m->bval[b] << 24 | (uint64_t)m->after[b] << 16 |
	    m->moves[b] << 8 | (m->acct_holder == b) << 5 |
	    (m->rec_holder[m->bo[b]] == b) << 4 | by;
}

static uint64_t
request_key(const struct image *m, int i)
{
	uint64_t key = (uint64_t)m->pc[i] << 32 | (uint64_t)m->ord[i] << 31 |
	    (uint64_t)m->res[i] << 24 | m->val[i] << 16 | m->voids[i] << 15 |
	    m->own[i] << 14 | m->flight[i] << 13 | m->distrust[i] << 12 |
	    m->uncertain[i] << 11 | m->lost[i] << 10 |
	    (m->lock_owner == i) << 9;

	if (m->bk[i] != NOBODY)
		key ^= (backend_key(m, m->bk[i]) + 1) * 0x9e3779b97f4a7c15U;
	return key;
}

static void
sort(struct image *m)
{
	int i, j;

	for (i = 0; i < SLOTS; i++)
		for (j = i + 1; j < SLOTS; j++)
			if (i / PER_WORKER == j / PER_WORKER || PER_WORKER == 1)
				if (request_key(m, j) < request_key(m, i))
					swap_requests(m, i, j);
	for (i = 0; i < BACKENDS; i++)
		for (j = i + 1; j < BACKENDS; j++)
			if ((backend_key(m, j) << 8 | m->by[j]) <
			    (backend_key(m, i) << 8 | m->by[i]))
				swap_backends(m, i, j);
}

static void
canonical(void)
{
	struct image one, two, *m = &one;

	memset(m, 0, sizeof(*m));
	FIELDS(TAKE)
	two = one;
	sort(&one);
#ifndef ONE_ORDER
	swap_orders(&two);
	sort(&two);
	if (memcmp(&one, &two, sizeof(one)) > 0)
		m = &two;
#endif
	FIELDS(GIVE)
}
