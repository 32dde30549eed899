/* check.h: withdrawd -t, and the same check before the workers start: are
 * Postgres and Redis there and fit? */
#ifndef CHECK_H
#define CHECK_H

#include "base/config.h"

enum check {
	CHECK_OK,
	CHECK_DOWN,  /* not to be reached now: no reason not to start */
	CHECK_UNFIT, /* Postgres would lose acknowledged commits, or has no
		      * ledger: a reason not to start */
};

/* Tries both, for a few seconds at most; says on stderr what it found. */
enum check check_stores(const struct config *cfg);

/* The same in a process of its own, so that no connection is open before the
 * fork of the workers. */
enum check check_stores_apart(const struct config *cfg);

#endif
