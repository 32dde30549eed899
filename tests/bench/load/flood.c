/* flood.c: one user's duplicates, as many as go through, while another user's
 * withdrawals are timed; see load.h.
 *
 * The flood is sent by a process of its own, so that the answers which are
 * timed never wait for the driver to deal with the flood's. Both go by the
 * same clock: a turn without, a turn with, and so on. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define COULD_NOT 2

static int64_t start_ns;

/* Every other turn is one with a flood; the first is not. */
static bool
is_flooded(const struct run *r, int64_t ns)
{
	return (ns - start_ns) / (int64_t)(r->opt->turn * 1e9) % 2 == 1;
}

/* --- the other user --------------------------------------------------------
 */

static void probe_begin(struct client *cl);

/* Of a withdrawal that was sent in one turn and answered in another, nobody
 * knows where it belongs. */
static void
probe_withdrawn(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);
	bool flooded = is_flooded(cl->run, a->sent_ns);

	if (got_withdrawn(cl, a) && flooded == is_flooded(cl->run, a->at_ns))
		run_count(cl->run, flooded ? KIND_FLOODED : KIND_ALONE,
		    a->sent_ns, a);
	probe_begin(cl);
}

static void
probe_token(struct conn *c, const struct answer *a)
{
	if (got_token(client_of(c), a))
		ask_withdraw(client_of(c), true, probe_withdrawn);
	else
		probe_begin(client_of(c));
}

static void
probe_begin(struct client *cl)
{
	if (!run_goes_on(cl->run))
		return;
	/* anybody but the first user */
	client_is(cl,
	    cl->run->opt->first_user + 1 +
		(int64_t)(run_random(cl->run) % (cl->run->opt->users - 1)));
	run_new_order(cl->run, cl->order);
	ask_token(cl, probe_token);
}

/* --- the flood -------------------------------------------------------------
 */

static void flood_answered(struct conn *c, const struct answer *a);

static void
flood_ask(struct client *cl)
{
	cl->run->fig->flood_sent++;
	ask_withdraw(cl, false, flood_answered);
}

static void
flood_next(struct client *cl, int64_t now)
{
	if (run_goes_on(cl->run) && is_flooded(cl->run, now))
		flood_ask(cl);
}

/* The duplicate is replayed; or nginx says that it is one too many. */
static void
flood_answered(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (is_problem(a, "rate-limited"))
		cl->run->fig->refused++;
	else if (!got_replay(cl, a))
		return;
	run_count(cl->run, KIND_FLOOD, a->sent_ns, a);
	flood_next(cl, a->at_ns);
}

static void
flood_withdrawn(struct conn *c, const struct answer *a)
{
	got_withdrawn(client_of(c), a);
}

static void
flood_token(struct conn *c, const struct answer *a)
{
	if (got_token(client_of(c), a))
		ask_withdraw(client_of(c), true, flood_withdrawn);
}

static void
sleep_until(int64_t ns)
{
	const struct timespec t = {
	    .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}

/* The order is finished, told to all, and go is written when it may begin. */
static void
flood_open(struct run *r)
{
	unsigned i;

	client_is(&r->clients[0], r->opt->first_user);
	run_new_order(r, r->clients[0].order);
	ask_token(&r->clients[0], flood_token);
	http_run(&r->http);
	for (i = 1; i < r->http.nconns; i++) {
		client_is(&r->clients[i], r->opt->first_user);
		memcpy(r->clients[i].order, r->clients[0].order, UUID_TEXT);
	}
}

static void
flood_turns(struct run *r)
{
	int64_t turn = (int64_t)(r->opt->turn * 1e9), at;
	unsigned i;

	for (at = start_ns + turn; at < r->end_ns; at += 2 * turn) {
		/* refusals are slow: the last ones may take a turn or more */
		if (now_ns() >= r->end_ns)
			break;
		if (!is_flooded(r, now_ns()) && now_ns() > at)
			continue;
		sleep_until(at);
		for (i = 0; i < r->http.nconns; i++)
			flood_ask(&r->clients[i]);
		http_run(&r->http);
	}
}

/* --- both ------------------------------------------------------------------
 */

static void
transfer(int fd, void *data, size_t len, bool out)
{
	char *p = data;
	ssize_t n;

	while (len > 0) {
		n = out ? write(fd, p, len) : read(fd, p, len);
		if (n <= 0)
			errx(COULD_NOT, "the flood ended by itself");
		p += n;
		len -= (size_t)n;
	}
}

static _Noreturn void
flood_process(const struct options *opt, int in, int out)
{
	static struct figures fig;
	struct run r;

	run_open(&r, opt, &fig, opt->connections);
	flood_open(&r);
	transfer(out, &fig.bad, sizeof(fig.bad), true); /* ready */
	transfer(in, &start_ns, sizeof(start_ns), false);
	run_clock(&r);
	r.begin_ns = start_ns;
	r.end_ns = start_ns + (int64_t)(opt->seconds * 1e9);
	if (fig.bad == 0)
		flood_turns(&r);
	run_close(&r);
	transfer(out, &fig, sizeof(fig), true);
	_exit(0);
}

/* The flood's figures, added to those of the probe. */
static void
add_flood(struct figures *fig, const struct figures *flood)
{
	fig->kind[KIND_FLOOD] = flood->kind[KIND_FLOOD];
	fig->debits += flood->debits;
	fig->refused += flood->refused;
	fig->bad += flood->bad;
	fig->flood_sent = flood->flood_sent;
	fig->flood_cpu = flood->cpu > 0 ? flood->cpu : 0;
}

void
mode_flood(const struct options *opt, struct figures *fig)
{
	static struct figures flood;
	int to[2], from[2];
	struct run r;
	pid_t child;

	if (opt->users < 2)
		errx(COULD_NOT, "a flood needs another user: --users=2");
	if (pipe(to) != 0 || pipe(from) != 0 || (child = fork()) < 0)
		err(COULD_NOT, "could not start the flood");
	if (child == 0) {
		close(to[1]);
		close(from[0]);
		flood_process(opt, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	run_open(&r, opt, fig, 1);
	transfer(from[0], &flood.bad, sizeof(flood.bad), false);
	run_clock(&r);
	start_ns = r.begin_ns;
	transfer(to[1], &start_ns, sizeof(start_ns), true);
	probe_begin(&r.clients[0]);
	http_run(&r.http);
	transfer(from[0], &flood, sizeof(flood), false);
	if (waitpid(child, NULL, 0) != child)
		err(COULD_NOT, "waitpid");
	add_flood(fig, &flood);
}
