/* round.h: one run of withdraw-reconcile, from the lock to the report. */
#ifndef ROUND_H
#define ROUND_H

#include <stdbool.h>

#include "ctl/command.h"

struct config;

struct round_options {
	const struct config *cfg; /* where Redis is, and what lives how long */
	bool dry_run, incremental, json;
	const char *full_every; /* hours, in text */
	const char *overdue;    /* days, in text */
};

/* CTL_WRONG: found something new; CTL_FAILED: could not do all of its work,
 * which stderr has been told. */
enum ctl_exit round_run(const struct round_options *options);

#endif
