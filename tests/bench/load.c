/* load.c: drives load at a service of withdrawals over HTTP, and says how fast
 * it was answered. One thread, one epoll (load/http.c); load/modes.c has what
 * the clients do. Every answer is checked. */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/load.h"

enum { ALL_WELL = 0, BAD_ANSWERS = 1, COULD_NOT = 2 };

static const struct mode {
	const char *name;
	void (*run)(const struct options *opt, struct figures *fig);
	enum kind main; /* what per_second counts */
} modes[] = {
    {"pairs", mode_pairs, KIND_WITHDRAW},
    {"hot", mode_hot, KIND_WITHDRAW},
    {"replays", mode_replays, KIND_REPLAY},
    {"storm", mode_storm, KIND_ROUND},
    {"mix", mode_mix, KIND_WITHDRAW},
    {"people", mode_people, KIND_WITHDRAW},
    {"get", mode_get, KIND_GET},
    {"flood", mode_flood, KIND_FLOOD},
};

static const char *const kind_names[NKINDS] = {[KIND_WITHDRAW] = "withdraw",
    [KIND_PAIR] = "pair",
    [KIND_TOKEN] = "token",
    [KIND_REPLAY] = "replay",
    [KIND_ROUND] = "round",
    [KIND_HISTORY] = "history",
    [KIND_ACCOUNT] = "account",
    [KIND_SESSION] = "session",
    [KIND_SHOW] = "show",
    [KIND_VOID] = "void",
    [KIND_DECLINED] = "declined",
    [KIND_MISMATCH] = "mismatch",
    [KIND_TOKENLESS] = "tokenless",
    [KIND_MALFORMED] = "malformed",
    [KIND_UNKNOWN] = "unknown",
    [KIND_GET] = "get",
    [KIND_ALONE] = "alone",
    [KIND_FLOODED] = "flooded",
    [KIND_FLOOD] = "flood"};

static void
usage(FILE *f)
{
	fputs(
	    "usage: load [OPTION...] MODE http://127.0.0.1:PORT\n"
	    "\n"
	    "modes:\n"
	    "  pairs    a token and a withdrawal, of random users\n"
	    "  hot      the same, all of the first user\n"
	    "  replays  finished orders again\n"
	    "  storm    all clients send one order, until all have the answer\n"
	    "  mix      withdrawals, histories and balances: 2 : 1 : 1\n"
	    "  people   all that a page asks, of clients who are signed in\n"
	    "           (--cookies), and what is refused: of sixteen, four\n"
	    "           withdrawals, two replays, and of each other kind one\n"
	    "  get      GET of a path\n"
	    "  flood    another user's withdrawals, while the first user sends\n"
	    "           duplicates, and while not, in turns\n"
	    "\n"
	    "options:\n"
	    "  --connections=32   clients; each has one request under way\n"
	    "  --seconds=5        that are measured\n"
	    "  --warmup=1         seconds before\n"
	    "  --requests=N       in place of seconds, of people\n"
	    "  --first-user=1, --users=10000\n"
	    "                     whose withdrawals; no two clients are one\n"
	    "                     user at a time, but in hot, storm and flood\n"
	    "  --amount=0.01      of each withdrawal\n"
	    "  --user-header=X-Bench-User\n"
	    "                     says who is calling\n"
	    "  --cookies=FILE     instead of it, line n is the cookie of client n,\n"
	    "                     who has to be user first-user + n - 1\n"
	    "  --path=/, --expect=200\n"
	    "                     what is got, and the status of the answer\n"
	    "  --orders=1000      how many are replayed\n"
	    "  --turn=0.5         seconds of a turn of flood\n"
	    "  --timeout=10       seconds without any answer, until it is bad\n"
	    "  --json             the figures, one a line\n"
	    "\n"
	    "Times are microseconds. cpu_share: of one core, by the driver itself,\n"
	    "while measuring; near 1 it would measure itself.\n"
	    "\n"
	    "exit codes: 0 all answers as they must be, 1 some were not, 2 could\n"
	    "not run\n",
	    f);
}

/* --- the command line ------------------------------------------------------
 */

static double
number(const char *name, const char *text, double least, double most)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v >= least && v <= most))
		errx(COULD_NOT, "--%s: \"%s\" is no number from %g to %g", name,
		    text, least, most);
	return v;
}

static void
read_server(const char *url, struct sockaddr_in *server)
{
	char host[64];
	unsigned port;

	*server = (struct sockaddr_in){.sin_family = AF_INET};
	if (sscanf(url, "http://%63[0-9.]:%u", host, &port) != 2 ||
	    port > 65535 || inet_pton(AF_INET, host, &server->sin_addr) != 1)
		errx(COULD_NOT, "\"%s\" is no http://ADDRESS:PORT", url);
	server->sin_port = htons((uint16_t)port);
}

enum {
	OPT_CONNECTIONS = 256,
	OPT_SECONDS,
	OPT_WARMUP,
	OPT_REQUESTS,
	OPT_FIRST,
	OPT_USERS,
	OPT_AMOUNT,
	OPT_HEADER,
	OPT_COOKIES,
	OPT_PATH,
	OPT_EXPECT,
	OPT_ORDERS,
	OPT_TURN,
	OPT_TIMEOUT,
	OPT_JSON
};

static const struct option long_options[] = {
    {"connections", required_argument, NULL, OPT_CONNECTIONS},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"requests", required_argument, NULL, OPT_REQUESTS},
    {"first-user", required_argument, NULL, OPT_FIRST},
    {"users", required_argument, NULL, OPT_USERS},
    {"amount", required_argument, NULL, OPT_AMOUNT},
    {"user-header", required_argument, NULL, OPT_HEADER},
    {"cookies", required_argument, NULL, OPT_COOKIES},
    {"path", required_argument, NULL, OPT_PATH},
    {"expect", required_argument, NULL, OPT_EXPECT},
    {"orders", required_argument, NULL, OPT_ORDERS},
    {"turn", required_argument, NULL, OPT_TURN},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void
read_option(struct options *o, int which, const char *name, const char *arg)
{
	switch (which) {
	case OPT_CONNECTIONS:
		o->connections = (unsigned)number(name, arg, 1, 20000);
		break;
	case OPT_SECONDS:
		o->seconds = number(name, arg, 0.1, 86400);
		break;
	case OPT_WARMUP:
		o->warmup = number(name, arg, 0, 3600);
		break;
	case OPT_REQUESTS:
		o->requests = (unsigned)number(name, arg, 1, 1e9);
		break;
	case OPT_FIRST:
		o->first_user = (int64_t)number(name, arg, 1, 1e15);
		break;
	case OPT_USERS:
		o->users = (unsigned)number(name, arg, 1, 1e9);
		break;
	case OPT_AMOUNT:
		o->amount = arg;
		break;
	case OPT_HEADER:
		o->user_header = arg;
		break;
	case OPT_COOKIES:
		o->cookies = arg;
		break;
	case OPT_PATH:
		o->path = arg;
		break;
	case OPT_EXPECT:
		o->expect = (int)number(name, arg, 100, 599);
		break;
	case OPT_ORDERS:
		o->orders = (unsigned)number(name, arg, 1, 1e7);
		break;
	case OPT_TURN:
		o->turn = number(name, arg, 0.01, 3600);
		break;
	case OPT_TIMEOUT:
		o->timeout_s = (int)number(name, arg, 1, 3600);
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case 'h':
		usage(stdout);
		exit(ALL_WELL);
	default:
		usage(stderr);
		exit(COULD_NOT);
	}
}

static const struct mode *
find_mode(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	errx(COULD_NOT, "there is no mode \"%s\"; see --help", name);
}

static const struct mode *
read_command_line(int argc, char *argv[], struct options *o)
{
	const struct mode *mode;
	int c, at = 0;

	while ((c = getopt_long(argc, argv, "h", long_options, &at)) != -1)
		read_option(o, c, long_options[at].name, optarg);
	if (argc - optind != 2) {
		usage(stderr);
		exit(COULD_NOT);
	}
	mode = find_mode(argv[optind]);
	read_server(argv[optind + 1], &o->server);
	if (strlen(o->path) > 400 || strlen(o->user_header) > 60 ||
	    strlen(o->amount) > 20)
		errx(COULD_NOT, "an option is too long");
	if (o->requests != 0)
		o->warmup = 0;
	if (mode->run == mode_people && o->cookies == NULL)
		errx(COULD_NOT, "people need --cookies");
	if (o->cookies != NULL)
		o->users = o->connections;
	if (o->users < o->connections && mode->run != mode_hot &&
	    mode->run != mode_storm && mode->run != mode_flood)
		errx(COULD_NOT, "there are less users than connections");
	return mode;
}

/* --- what it says -----------------------------------------------------------
 */

static double
us(int64_t ns)
{
	return (double)ns / 1000;
}

static void
print_json(
    const struct mode *m, const struct options *o, const struct figures *f)
{
	const struct histogram *h;
	int i;

	printf("{\n  \"mode\": \"%s\",\n  \"connections\": %u,\n"
	       "  \"seconds\": %.3f,\n  \"per_second\": %.1f,\n",
	    m->name, o->connections, f->seconds,
	    (double)f->kind[m->main].n / f->seconds);
	for (i = 0; i < NKINDS; i++) {
		h = &f->kind[i];
		if (h->n == 0)
			continue;
		printf("  \"%s_n\": %llu,\n", kind_names[i],
		    (unsigned long long)h->n);
		printf("  \"%s_mean\": %.1f,\n", kind_names[i],
		    us(h->sum) / (double)h->n);
		printf("  \"%s_p50\": %.1f,\n", kind_names[i],
		    us(histogram_at(h, 0.5)));
		printf("  \"%s_p99\": %.1f,\n", kind_names[i],
		    us(histogram_at(h, 0.99)));
		printf("  \"%s_p999\": %.1f,\n", kind_names[i],
		    us(histogram_at(h, 0.999)));
		printf("  \"%s_max\": %.1f,\n", kind_names[i], us(h->max));
	}
	printf("  \"debits\": %llu,\n  \"refused\": %llu,\n  \"bad\": %llu,\n"
	       "  \"cpu_share\": %.3f,\n  \"flood_cpu_share\": %.3f,\n"
	       "  \"flood_sent\": %lu\n}\n",
	    (unsigned long long)f->debits, (unsigned long long)f->refused,
	    (unsigned long long)f->bad, f->cpu / f->seconds,
	    f->flood_cpu / f->seconds, f->flood_sent);
}

static void
print_text(
    const struct mode *m, const struct options *o, const struct figures *f)
{
	const struct histogram *h;
	int i;

	printf("%s, %u connections, %.1f s: %.0f a second\n", m->name,
	    o->connections, f->seconds,
	    (double)f->kind[m->main].n / f->seconds);
	printf("  %-10s %10s %9s %9s %9s %9s %9s\n", "us", "n", "mean", "p50",
	    "p99", "p99.9", "max");
	for (i = 0; i < NKINDS; i++) {
		h = &f->kind[i];
		if (h->n == 0)
			continue;
		printf("  %-10s %10llu %9.0f %9.0f %9.0f %9.0f %9.0f\n",
		    kind_names[i], (unsigned long long)h->n,
		    us(h->sum) / (double)h->n, us(histogram_at(h, 0.5)),
		    us(histogram_at(h, 0.99)), us(histogram_at(h, 0.999)),
		    us(h->max));
	}
	printf(
	    "  debits %llu, refused %llu, bad %llu; the driver's CPU: %.0f %%",
	    (unsigned long long)f->debits, (unsigned long long)f->refused,
	    (unsigned long long)f->bad, 100 * f->cpu / f->seconds);
	if (f->flood_cpu > 0)
		printf(", of the flood's %.0f %%",
		    100 * f->flood_cpu / f->seconds);
	printf(" of a core\n");
}

int
main(int argc, char *argv[])
{
	static struct figures fig;
	struct options opt = {.connections = 32,
	    .seconds = 5,
	    .warmup = 1,
	    .turn = 0.5,
	    .first_user = 1,
	    .users = 10000,
	    .amount = "0.01",
	    .user_header = "X-Bench-User",
	    .path = "/",
	    .expect = 200,
	    .orders = 1000,
	    .timeout_s = 10};
	const struct mode *mode = read_command_line(argc, argv, &opt);

	mode->run(&opt, &fig);
	if (opt.json)
		print_json(mode, &opt, &fig);
	else
		print_text(mode, &opt, &fig);
	if (fig.bad > 0) {
		fprintf(stderr, "load: %llu answers were bad\n",
		    (unsigned long long)fig.bad);
		return BAD_ANSWERS;
	}
	return ALL_WELL;
}
