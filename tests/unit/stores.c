/* stores.c: see stores.h. */
#include "stores.h"

#include <check.h>

#include "fake_pg.h"
#include "fake_redis.h"
#include "pipeline/ledger.h"
#include "pipeline/twin.h"
#include "process/scripts.h"
#include "store/pg.h"
#include "store/redis.h"

struct config stores_config;
struct service stores;

void
stores_setup(void)
{
	fake_redis_open();
	fake_pg_open();
	/* none of the times is over before the test is */
	stores_config = (struct config){.redis_path = fake_redis.path,
	    .pg_pool = 1,
	    .pg_batch = 1,
	    .guards = GUARD_TOKEN | GUARD_LOCK | GUARD_CACHE,
	    .token_ttl_ms = 5000,
	    .lock_ttl_ms = 3600000,
	    .ledger_timeout_ms = 3600000,
	    .result_ttl_s = 3600,
	    .twin_wait_ms = 3600000,
	    .redis_timeout_ms = 3600000,
	    .currency = "CNY"};
	stores = (struct service){.cfg = &stores_config};
	stores.loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(stores.loop);
}

void
stores_teardown(void)
{
	redis_free(&stores.redis);
	pg_free(&stores.pg);
	twin_room_free(&stores.twins);
	ev_loop_destroy(stores.loop);
	fake_pg_close();
	fake_redis_close();
}

void
stores_open(void)
{
	stores.twins = twin_room_new(stores.loop, &stores_config);
	stores.pg = pg_open(
	    stores.loop, &stores_config, ledger_statements, ledger_nstatements);
	if (stores_config.guards != 0)
		stores.redis = redis_open(
		    stores.loop, &stores_config, all_scripts, all_nscripts);
	stores_turn();
}

void
stores_turn(void)
{
	int still = 0;

	/* a round reads, another one writes what it wants to say */
	while (still < 3) {
		bool any;

		ev_run(stores.loop, EVRUN_NOWAIT);
		any = fake_pg_serve();
		any = fake_redis_serve() || any;
		still = any ? 0 : still + 1;
	}
}
