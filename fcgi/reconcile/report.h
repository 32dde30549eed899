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

struct report *report_open(bool json, bool full, bool dry_run);

void report_finding(struct report *report, const struct finding *finding);

/* How many new findings so far. */
int64_t report_fresh(const struct report *report);

/* Totals, and the end. looked: all was read. Returns 0, or -1 if not all
 * could be written. */
int report_close(struct report **report, const struct look *look, bool looked)
    __attribute__((warn_unused_result));

#endif
