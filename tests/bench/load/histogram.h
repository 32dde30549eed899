/* histogram.h: how long things took, in constant memory: each power of two has
 * 128 buckets, so a percentile is wrong by less than 0.8 %. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS (57 * 128)

struct histogram {
	uint64_t n;
	int64_t sum, max;
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

/* Nanoseconds, not below zero; their sum has to stay below 292 years. */
void histogram_add(struct histogram *h, int64_t ns);

/* The smallest duration that the given share of all is not above: 0.99 for
 * p99. 0 if there is none at all. */
int64_t histogram_at(const struct histogram *h, double share);

#endif
