/* worker.c: see worker.h. */
#include "worker.h"

#include <ev.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/ledger.h"
#include "pipeline/service.h"
#include "pipeline/twin.h"
#include "process/sandbox.h"
#include "process/scripts.h"
#include "signin/password.h"
#include "store/pg.h"
#include "store/redis.h"
#include "web/api.h"
#include "web/server.h"

#define READY_LIMIT 2000000 /* microseconds that the stores get at most */

struct worker {
	const struct config *cfg;
	struct ev_loop *loop;
	int listen_fd, news;
	struct service service;
	struct server_hooks hooks;
	struct server *server;
	ev_signal term;
	ev_timer ready;
	int64_t ready_limit;
	int served;
};

static void
tell(const struct worker *w, enum worker_news news)
{
	char byte = (char)news;

	/* a master that is gone sends TERM by its death */
	if (write(w->news, &byte, 1) != 1)
		log_warn("could not tell the master");
}

static void
on_served(void *arg)
{
	struct worker *w = arg;

	w->served++;
	if (w->served == 1)
		tell(w, WORKER_SERVED);
	if (w->served == w->cfg->max_requests)
		tell(w, WORKER_TIRED);
}

static void
on_drained(void *arg)
{
	struct worker *w = arg;

	ev_break(w->loop, EVBREAK_ALL);
}

static void
on_term(struct ev_loop *loop, ev_signal *s, int revents)
{
	struct worker *w = s->data;

	(void)revents;
	if (w->server != NULL)
		server_drain(w->server);
	else
		ev_break(loop, EVBREAK_ALL);
}

/* Accept as soon as Postgres is up, and Redis is or has said that it is not:
 * the first requests should not meet connections that are about to be there. */
static void
on_ready(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct worker *w = t->data;
	const struct service *s = &w->service;
	bool redis = s->redis == NULL || redis_up(s->redis) ||
	    *redis_problem(s->redis) != '\0';

	(void)revents;
	if ((!redis || !pg_up(s->pg)) && clock_us() < w->ready_limit)
		return;
	ev_timer_stop(loop, t);
	w->server = server_open(loop, w->listen_fd, s, &w->hooks);
	tell(w, WORKER_READY);
}

/* INT and HUP are for the master: a terminal sends them to all. */
static void
set_signals(struct worker *w)
{
	sigset_t none;

	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN); /* libfcgi would take it as a stop */
	signal(SIGPIPE, SIG_IGN); /* hiredis and libfcgi write without care */
	ev_signal_init(&w->term, on_term, SIGTERM);
	w->term.data = w;
	ev_signal_start(w->loop, &w->term);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
worker_run(const struct config *cfg, int listen_fd, int news, pid_t master)
{
	static struct worker w; /* zeroed; a worker is a process */

	log_init("worker");
	w.cfg = cfg;
	w.listen_fd = listen_fd;
	w.news = news;
	w.loop = ev_default_loop(EVFLAG_AUTO);
	if (w.loop == NULL)
		fatalx("could not make an event loop");
	set_signals(&w);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		fatal("could not ask for a signal at the master's death");
	if (getppid() != master)
		fatalx("the master is gone already");
	if (cfg->sandbox)
		sandbox_enter();

	w.service.cfg = cfg;
	w.service.loop = w.loop;
	if (cfg->min > 0)
		money_format(cfg->min, w.service.min);
	if (cfg->max > 0)
		money_format(cfg->max, w.service.max);
	w.service.pg =
	    pg_open(w.loop, cfg, ledger_statements, ledger_nstatements);
	if (cfg->guards != 0)
		w.service.redis =
		    redis_open(w.loop, cfg, all_scripts, all_nscripts);
	w.service.twins = twin_room_new(w.loop, cfg);
	w.service.password = password_open(w.loop);
	w.hooks = (struct server_hooks){.start = api_start,
	    .served = on_served,
	    .drained = on_drained,
	    .arg = &w};
	w.ready_limit = clock_us() + READY_LIMIT;
	ev_timer_init(&w.ready, on_ready, 0, 0.002);
	w.ready.data = &w;
	ev_timer_start(w.loop, &w.ready);
	ev_run(w.loop, 0);

	server_free(&w.server);
	twin_room_free(&w.service.twins);
	redis_free(&w.service.redis);
	pg_free(&w.service.pg);
	exit(0);
}
