/* results.h: a file of payment results, CSV or JSON, read into memory.
 *
 * CSV (RFC 4180): a first line that names the columns, of which order_id,
 * state and reference are read; without one that names order_id, those three
 * in that order. JSON:
 * an array of objects with these members, or an object whose member "payouts"
 * is one. Other columns and members are passed over. */
#ifndef CTL_RESULTS_H
#define CTL_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

struct ctl_result {
	size_t line;                     /* which row or element, from 1 */
	bool twice;                      /* it has the same member twice */
	char *order, *state, *reference; /* "" where it is missing */
};

struct ctl_results {
	struct ctl_result *item;
	size_t n, room;
};

/* path "-": standard input. Returns 0, or -1 if it cannot be read as a whole:
 * then stderr has been told, and *results_r is empty. */
int ctl_results_read(const char *path, struct ctl_results *results_r)
    __attribute__((warn_unused_result));

void ctl_results_free(struct ctl_results *results);

#endif
