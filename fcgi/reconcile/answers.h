/* answers.h: what Redis has recorded, against the ledger.
 *
 * A recorded answer that differs is replaced by what the ledger says, or
 * removed where it says nothing; one that is missing is filled in, which is no
 * finding: Redis may forget. A lock that outlives its lease is removed. What
 * is repaired is kept as an open finding first, and changed only if it still is
 * what was found. */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcile/report.h"

struct config;
struct ctl_db;

struct answers {
	/* set by the caller */
	const struct config *cfg;
	struct ctl_db *db;
	struct report *report;
	const char *run, *actor; /* as reconcile_report() takes them */
	bool dry_run;
	bool full; /* every key; else locks and what is new alone */

	struct report_answers seen;
};

/* Returns 0, or -1 if not all was looked at, which stderr has been told. */
int answers_check(struct answers *a) __attribute__((warn_unused_result));

#endif
