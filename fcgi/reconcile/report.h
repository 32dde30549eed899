/* report.h: what withdraw-reconcile found, a line a finding for people, or one
 * JSON object, to stdout; nothing is kept in memory. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcile/look.h"

struct report;

struct finding { /* texts may be NULL, but kind, what and action */
	const char *kind, *user, *order, *what, *before, *after;
	const char *action; /* repaired, frozen, reported; would … */
	bool fresh;         /* false: known since an earlier run */
};

/* What was looked at in Redis. */
struct report_answers {
	bool looked;     /* at all of it that it should */
	int64_t answers; /* recorded, or that should be */
	int64_t filled;  /* of those, missing ones that were recorded anew */
	int64_t locks;
};

struct report *report_open(bool json, bool full, bool dry_run);

void report_finding(struct report *report, const struct finding *finding);

/* How many new findings so far. */
int64_t report_fresh(const struct report *report);

/* Totals, and the end. whole: all of the ledger was read, and
 * each finding handled. Returns 0, or -1 if
 * not all could be written. */
int report_close(struct report **report, const struct look *look, bool whole,
    const struct report_answers *answers) __attribute__((warn_unused_result));

#endif
