/* random.h: numbers that a seed repeats. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state; /* not 0 */
};

static inline uint64_t
random_next(struct random *r) /* xorshift64* */
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * UINT64_C(2685821657736338717);
}

/* From low to high, both included. */
static inline int
random_int(struct random *r, int low, int high)
{
	return low + (int)((random_next(r) >> 33) % (unsigned)(high - low + 1));
}

/* True so many times out of a hundred. */
static inline bool
random_percent(struct random *r, int percent)
{
	return random_int(r, 0, 99) < percent;
}

#endif
