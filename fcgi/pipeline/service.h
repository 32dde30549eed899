/* service.h: what the steps of a worker share: settings, stores, waiting room.
 * Made once after the fork, by process/worker.c. */
#ifndef SERVICE_H
#define SERVICE_H

#include "base/money.h"

struct config;
struct ev_loop;
struct password;
struct pg;
struct redis;
struct twin_room;

struct service {
	const struct config *cfg;
	struct ev_loop *loop;
	struct redis *redis; /* NULL: no guard is on, Redis is not needed */
	struct pg *pg;
	struct twin_room *twins;
	struct password *password;             /* the thread that hashes */
	char min[MONEY_TEXT], max[MONEY_TEXT]; /* "" for none */
};

#endif
