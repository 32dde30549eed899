/* round.h: one run of withdraw-reconcile, from the lock to the report. */
#ifndef ROUND_H
#define ROUND_H

#include <stdbool.h>

struct round_options {
	bool dry_run, incremental, json;
	const char *full_every; /* hours, in text */
	const char *overdue;    /* days, in text */
};

/* Returns an exit code: 0 all well, 1 found something wrong, 2 could not do
 * all of its work, which stderr has been told. */
int round_run(const struct round_options *options);

#endif
