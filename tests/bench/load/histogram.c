/* histogram.c: see histogram.h. */
#include "histogram.h"

#define SUB_BITS 7
#define SUB      (1 << SUB_BITS)

/* Below SUB a bucket for each number; then the first SUB_BITS + 1 bits tell
 * which it is. */
static unsigned
index_of(uint64_t v)
{
	unsigned shift;

	if (v < SUB)
		return (unsigned)v;
	shift = 63U - (unsigned)__builtin_clzll(v) - SUB_BITS;
	return (shift << SUB_BITS) + (unsigned)(v >> shift);
}

/* The largest number of a bucket. */
static int64_t
top_of(unsigned i)
{
	unsigned shift;

	if (i < 2 * SUB)
		return i;
	shift = (i >> SUB_BITS) - 1;
	return (int64_t)((((uint64_t)(i & (SUB - 1)) + SUB + 1) << shift) - 1);
}

void
histogram_add(struct histogram *h, int64_t ns)
{
	h->n++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
	h->bucket[index_of((uint64_t)ns)]++;
}

int64_t
histogram_at(const struct histogram *h, double share)
{
	uint64_t seen = 0, wanted = (uint64_t)((double)h->n * share);
	unsigned i;

	if ((double)wanted < (double)h->n * share)
		wanted++;
	if (h->n == 0)
		return 0;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= wanted)
			break;
	}
	return top_of(i) < h->max ? top_of(i) : h->max;
}
