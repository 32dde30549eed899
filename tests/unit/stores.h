/* stores.h: a service as a worker has it, whose Postgres and Redis are the
 * test's (fake_pg.h, fake_redis.h). */
#ifndef STORES_H
#define STORES_H

#include <ev.h>

#include "base/config.h"
#include "pipeline/service.h"

extern struct config stores_config; /* to be changed before stores_open() */
extern struct service stores;

/* A checked fixture's two ends: default settings, and all that is open. */
void stores_setup(void);
void stores_teardown(void);

/* Connects to both, and is greeted by both unless they are told otherwise. */
void stores_open(void);

/* Hands on what was said until nothing moves any more. */
void stores_turn(void);

#endif
