/* run.c: the clients of a run, its clock and its figures; see load.h. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "load.h"

#define COULD_NOT 2

/* --- random numbers ------------------------------------------------------ */

/* xorshift128+: orders must not repeat, and nobody has to be unable to guess
 * them. */
uint64_t
run_random(struct run *r)
{
	uint64_t a = r->random[0], b = r->random[1];

	r->random[0] = b;
	a ^= a << 23;
	r->random[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
	return r->random[1] + b;
}

void
run_new_order(struct run *r, char out[UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t bits = 0;
	unsigned i;

	for (i = 0; i < 36; i++) {
		if (i % 18 == 0)
			bits = run_random(r);
		out[i] = digits[bits & 15];
		bits >>= 4;
		/* more than 16 digits of it are used up */
		if (i % 18 == 15)
			bits = run_random(r);
	}
	out[8] = out[13] = out[18] = out[23] = '-';
	out[14] = '4';
	out[19] = "89ab"[run_random(r) & 3];
	out[36] = '\0';
}

/* --- the clock ----------------------------------------------------------- */

static double
own_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
on_tick(void *arg, int64_t now)
{
	struct run *r = arg;

	if (!r->begun && r->begin_ns != 0 && now >= r->begin_ns) {
		r->begun = true;
		r->fig->cpu = -own_cpu();
	}
	if (r->begun && !r->ended && now >= r->end_ns) {
		r->ended = true;
		r->fig->cpu += own_cpu();
	}
}

void
run_clock(struct run *r)
{
	r->begin_ns = now_ns() + (int64_t)(r->opt->warmup * 1e9);
	r->end_ns = r->opt->requests != 0
	    ? INT64_MAX
	    : r->begin_ns + (int64_t)(r->opt->seconds * 1e9);
	r->fig->seconds = r->opt->seconds;
}

void
run_close(struct run *r)
{
	if (r->opt->requests != 0)
		r->fig->seconds = (double)(now_ns() - r->begin_ns) / 1e9;
	on_tick(r, INT64_MAX);
}

bool
run_goes_on(const struct run *r)
{
	if (r->opt->requests != 0)
		return r->sent < r->opt->requests;
	return !r->ended;
}

void
run_count(
    struct run *r, enum kind kind, int64_t began_ns, const struct answer *a)
{
	if (r->begin_ns != 0 && a->at_ns >= r->begin_ns && a->at_ns < r->end_ns)
		histogram_add(&r->fig->kind[kind], a->at_ns - began_ns);
}

/* --- the clients --------------------------------------------------------- */

struct client *
client_of(struct conn *c)
{
	struct run *r = c->http->arg;

	return &r->clients[c - c->http->conns];
}

void
client_is(struct client *cl, int64_t user)
{
	cl->user = user;
	if (cl->run->opt->cookies == NULL)
		snprintf(cl->identity, sizeof(cl->identity), "%s: %lld\r\n",
		    cl->run->opt->user_header, (long long)user);
}

/* Client i is one of the users i, i + n, i + 2n, ... of the range. */
void
client_is_anybody(struct client *cl)
{
	struct run *r = cl->run;
	unsigned n = r->http.nconns, i = (unsigned)(cl - r->clients);
	unsigned users = r->opt->users;
	unsigned mine = (users - i + n - 1) / n;

	client_is(
	    cl, r->opt->first_user + i + (int64_t)(run_random(r) % mine) * n);
}

void
client_bad(struct client *cl, const struct answer *a, const char *expected)
{
	if (cl->run->fig->bad++ > 0)
		return;
	fprintf(stderr,
	    "load: a bad answer, to user %lld, order %s: expected %s, got "
	    "status %d%s: %.600s\nload: the request was: %.*s\n",
	    (long long)cl->user, cl->order, expected, a->status,
	    a->replayed ? " (replayed)" : "", a->body, (int)cl->conn->out_len,
	    cl->conn->out);
}

/* A line of the file is the cookie of a client, who is one user. */
static void
read_cookies(struct run *r)
{
	FILE *f = fopen(r->opt->cookies, "r");
	char line[200];
	unsigned i;

	if (f == NULL)
		err(COULD_NOT, "%s", r->opt->cookies);
	for (i = 0; i < r->http.nconns; i++) {
		if (fgets(line, sizeof(line), f) == NULL)
			errx(COULD_NOT, "%s has less cookies than clients",
			    r->opt->cookies);
		line[strcspn(line, "\r\n")] = '\0';
		snprintf(r->clients[i].identity, sizeof(r->clients[i].identity),
		    "Cookie: %s\r\n", line);
	}
	fclose(f);
}

void
run_open(struct run *r, const struct options *opt, struct figures *fig,
    unsigned connections)
{
	unsigned i;

	*r = (struct run){.opt = opt, .fig = fig};
	if (getrandom(r->random, sizeof(r->random), 0) !=
	    (ssize_t)sizeof(r->random))
		err(COULD_NOT, "getrandom");
	r->http.tick = on_tick;
	r->http.arg = r;
	http_open(&r->http, &opt->server, connections, opt->timeout_s);
	r->clients = calloc(connections, sizeof(*r->clients));
	if (r->clients == NULL)
		err(COULD_NOT, "out of memory");
	for (i = 0; i < connections; i++) {
		r->clients[i].conn = &r->http.conns[i];
		r->clients[i].run = r;
	}
	if (opt->cookies != NULL)
		read_cookies(r);
}
