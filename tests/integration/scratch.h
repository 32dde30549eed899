/*
 * A ledger of a test's own, beside the service's one: a database with all of
 * sql/ in it, which a test may damage. One at a time.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#define SCRATCH "withdraw_test_scratch"

/* Makes it anew, and drops it; made to be a checked fixture around each test,
 * which clears away what a failed one has left. */
void scratch_make(void);
void scratch_drop(void);

/* Runs statements there as superuser, in one transaction; returns the values of
 * all of them, a line a row with bars between. A statement that fails fails the
 * test. */
const char *scratch_sql(const char *statements);

#endif
