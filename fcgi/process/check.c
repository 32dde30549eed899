/* check.c: see check.h. */
#include "check.h"

#include <ev.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "pipeline/ledger.h"
#include "process/scripts.h"
#include "store/pg.h"
#include "store/redis.h"

#define LIMIT 5.0 /* seconds */

struct check_run {
	struct pg *pg;
	struct redis *redis;
};

/* Each store is up, or has said why not. */
static void
on_tick(struct ev_loop *loop, ev_timer *t, int revents)
{
	const struct check_run *c = t->data;

	(void)revents;
	if ((pg_up(c->pg) || *pg_problem(c->pg)) &&
	    (c->redis == NULL || redis_up(c->redis) ||
		*redis_problem(c->redis)))
		ev_break(loop, EVBREAK_ALL);
}

static void
on_limit(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)t, (void)revents;
	ev_break(loop, EVBREAK_ALL);
}

static enum check
verdict(const struct check_run *c)
{
	enum check v = CHECK_OK;

	if (!pg_up(c->pg)) {
		v = pg_unfit(c->pg) ? CHECK_UNFIT : CHECK_DOWN;
		log_warnx("postgres is not usable: %s; see PGHOST, PGPORT, "
			  "PGUSER, PGDATABASE",
		    *pg_problem(c->pg) ? pg_problem(c->pg)
				       : "no answer in time");
	}
	if (c->redis != NULL && !redis_up(c->redis)) {
		log_warnx("redis is not usable: %s; see REDIS_URL",
		    *redis_problem(c->redis) ? redis_problem(c->redis)
					     : "no answer in time");
		if (v == CHECK_OK)
			v = CHECK_DOWN;
	}
	return v;
}

enum check
check_stores(const struct config *cfg)
{
	struct config one = *cfg;
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct check_run c = {0};
	ev_timer tick, limit;
	enum check v;

	if (loop == NULL)
		fatalx("could not make an event loop");
	one.pg_pool = 1;
	c.pg = pg_open(loop, &one, ledger_statements, ledger_nstatements);
	if (cfg->guards != 0)
		c.redis = redis_open(loop, &one, all_scripts, all_nscripts);
	ev_timer_init(&tick, on_tick, 0.001, 0.01);
	ev_timer_init(&limit, on_limit, LIMIT, 0);
	tick.data = &c;
	ev_timer_start(loop, &tick);
	ev_timer_start(loop, &limit);
	ev_run(loop, 0);
	v = verdict(&c);
	pg_free(&c.pg);
	redis_free(&c.redis);
	ev_loop_destroy(loop);
	return v;
}

enum check
check_stores_apart(const struct config *cfg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		fatal("could not fork");
	if (pid == 0) {
		log_init("check");
		_exit((int)check_stores(cfg));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		fatalx("the check of the connections did not end well");
	return (enum check)WEXITSTATUS(status);
}
