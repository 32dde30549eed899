/* scripts.c: how fast is Redis at what a withdrawal asks of it? Runs the
 * service's own scripts (token, admit, settle), one after the other for each
 * withdrawal, each client on a connection of its own.
 *
 *   scripts [--connections=8] [--seconds=3] SOCKET
 *
 * Figures go to stdout, one a line as JSON; times are microseconds. Exit codes:
 * 0 measured, 2 could not. */
#include <err.h>
#include <ev.h>
#include <getopt.h>
#include <hiredis/adapters/libev.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/ident.h"
#include "load/histogram.h"
#include "load/http.h"
#include "pipeline/admit.h"
#include "pipeline/keys.h"
#include "pipeline/record.h"
#include "pipeline/settle.h"
#include "pipeline/token.h"
#include "pipeline/withdraw.h"

#define COULD_NOT 2
#define WARMUP_NS 300000000
#define ARGS      12
#define USERS     10000
#define EPOCH     "5ea51ab1e.1"

enum step { STEP_TOKEN, STEP_ADMIT, STEP_SETTLE, STEP_ALL, NSTEPS };

static const char *const names[NSTEPS] = {[STEP_TOKEN] = "token",
    [STEP_ADMIT] = "admit",
    [STEP_SETTLE] = "settle",
    [STEP_ALL] = "all"};

struct client {
	redisAsyncContext *redis;
	int64_t user;
	char order[UUID_TEXT], token[UUID_TEXT], owner[OWNER_TEXT];
	int64_t began_ns, sent_ns;
};

static struct ev_loop *loop;
static struct histogram took[NSTEPS];
static char sha[STEP_ALL][41];
static int64_t begin_ns, end_ns;
static unsigned nclients = 8, running;

static void token(struct client *cl);
static void admit_it(struct client *cl);
static void settle_it(struct client *cl);

/* Any UUID will do that an earlier run has not had; uuid_generate() would be
 * half of what is measured. */
static void
new_id(char out[UUID_TEXT])
{
	static unsigned long number;

	if (number == 0)
		number = ((unsigned long)now_ns() >> 10) & 0xffffffffff;
	snprintf(out, UUID_TEXT, "%08lx-0000-4000-8000-%012lx",
	    number * 2654435761 & 0xffffffff, number);
	number++;
}

static void
eval(struct client *cl, enum step step, redisCallbackFn *then, int keys,
    const char *const args[], int nargs)
{
	char nkeys[8];
	const char *argv[ARGS] = {"EVALSHA", sha[step], nkeys};
	int i;

	snprintf(nkeys, sizeof(nkeys), "%d", keys);
	for (i = 0; i < nargs; i++)
		argv[3 + i] = args[i];
	cl->sent_ns = now_ns();
	if (redisAsyncCommandArgv(cl->redis, then, cl, 3 + nargs, argv, NULL) !=
	    REDIS_OK)
		errx(COULD_NOT, "redis: %s", cl->redis->errstr);
}

/* Exits on anything but a reply of that many items. */
static void
note(struct client *cl, enum step step, const redisReply *reply, size_t items)
{
	int64_t now = now_ns();

	if (reply == NULL)
		errx(COULD_NOT, "redis: %s", cl->redis->errstr);
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != items ||
	    (step == STEP_ADMIT && strcmp(reply->element[1]->str, "go") != 0))
		errx(COULD_NOT, "redis answered \"%s\" with something else: %s",
		    names[step], reply->str != NULL ? reply->str : "");
	if (now < begin_ns || now >= end_ns)
		return;
	histogram_add(&took[step], now - cl->sent_ns);
	if (step == STEP_SETTLE)
		histogram_add(&took[STEP_ALL], now - cl->began_ns);
}

static void
on_token(redisAsyncContext *c, void *reply, void *arg)
{
	(void)c;
	note(arg, STEP_TOKEN, reply, 1);
	admit_it(arg);
}

static void
on_admitted(redisAsyncContext *c, void *reply, void *arg)
{
	(void)c;
	note(arg, STEP_ADMIT, reply, 2);
	settle_it(arg);
}

static void
on_settled(redisAsyncContext *c, void *reply, void *arg)
{
	(void)c;
	note(arg, STEP_SETTLE, reply, 1);
	if (now_ns() < end_ns)
		token(arg);
	else if (--running == 0)
		ev_break(loop, EVBREAK_ALL);
}

/* As long as the service's: a worker's UUID, and the number of a request. */
static void
own_it(struct client *cl)
{
	static unsigned long requests;

	snprintf(cl->owner, sizeof(cl->owner), "%s.%lu", cl->token, ++requests);
}

static void
token(struct client *cl)
{
	char key[KEY_TEXT];

	cl->user += nclients; /* no two clients are ever one user */
	if (cl->user >= USERS)
		cl->user %= nclients;
	new_id(cl->order);
	new_id(cl->token);
	own_it(cl);
	key_token(key, cl->user, cl->token);
	cl->began_ns = now_ns();
	eval(cl, STEP_TOKEN, on_token, 1,
	    (const char *[]){key, cl->order, "5000", "1"}, 4);
}

static void
admit_it(struct client *cl)
{
	char result[KEY_TEXT], lock[KEY_TEXT], key[KEY_TEXT];

	key_result(result, cl->user, EPOCH, cl->order);
	key_lock(lock, cl->user);
	key_token(key, cl->user, cl->token);
	eval(cl, STEP_ADMIT, on_admitted, 3,
	    (const char *[]){
		result, lock, key, cl->order, cl->owner, "10000", "clt", "1"},
	    8);
}

static void
settle_it(struct client *cl)
{
	char result[KEY_TEXT], lock[KEY_TEXT], value[RECORD_TEXT];
	char mine[UUID_TEXT + OWNER_TEXT];
	struct record r = {.user = cl->user,
	    .status = RECORD_SUCCEEDED,
	    .has_amount = true,
	    .amount = 1,
	    .currency = "CNY",
	    .balance_after = 99999900,
	    .version = 1000,
	    .created_us = INT64_C(1767322445678901)};

	memcpy(r.order, cl->order, UUID_TEXT);
	record_encode(&r, value);
	snprintf(mine, sizeof(mine), "%s %s", cl->order, cl->owner);
	key_result(result, cl->user, EPOCH, cl->order);
	key_lock(lock, cl->user);
	eval(cl, STEP_SETTLE, on_settled, 2,
	    (const char *[]){result, lock, value, "3600", mine, "1"}, 6);
}

/* --- the run -----------------------------------------------------------------
 */

static void
load_script(redisContext *c, const char *text, char out[41])
{
	redisReply *r = redisCommand(c, "SCRIPT LOAD %s", text);

	if (r == NULL || r->type != REDIS_REPLY_STRING)
		errx(COULD_NOT, "could not load a script");
	snprintf(out, 41, "%s", r->str);
	freeReplyObject(r);
}

static void
load_scripts(const char *socket)
{
	redisContext *c = redisConnectUnix(socket);

	if (c == NULL || c->err)
		errx(COULD_NOT, "could not connect to \"%s\"", socket);
	load_script(c, token_script.text, sha[STEP_TOKEN]);
	load_script(c, admit_script.text, sha[STEP_ADMIT]);
	load_script(c, settle_script.text, sha[STEP_SETTLE]);
	redisFree(c);
}

static void
run(const char *socket, double seconds)
{
	struct client *clients = calloc(nclients, sizeof(*clients));
	unsigned i;

	loop = ev_default_loop(0);
	if (clients == NULL || loop == NULL)
		errx(COULD_NOT, "could not begin");
	begin_ns = now_ns() + WARMUP_NS;
	end_ns = begin_ns + (int64_t)(seconds * 1e9);
	for (i = 0; i < nclients; i++) {
		clients[i].redis = redisAsyncConnectUnix(socket);
		if (clients[i].redis == NULL || clients[i].redis->err)
			errx(COULD_NOT, "could not connect");
		redisLibevAttach(loop, clients[i].redis);
		clients[i].user = i;
		running++;
		token(&clients[i]);
	}
	ev_run(loop, 0);
	free(clients); /* the connections end with the process */
}

static void
print(double seconds)
{
	int i;

	printf("{\n  \"connections\": %u,\n  \"per_second\": %.1f", nclients,
	    (double)took[STEP_ALL].n / seconds);
	for (i = 0; i < NSTEPS; i++)
		printf(",\n  \"%s_p50\": %.1f,\n  \"%s_p99\": %.1f", names[i],
		    (double)histogram_at(&took[i], 0.5) / 1000, names[i],
		    (double)histogram_at(&took[i], 0.99) / 1000);
	printf("\n}\n");
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
	    {"connections", required_argument, NULL, 'c'},
	    {"seconds", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
	double seconds = 3;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			nclients = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			seconds = strtod(optarg, NULL);
		else
			return COULD_NOT;
	}
	if (argc - optind != 1 || nclients < 1 || nclients > USERS ||
	    !(seconds > 0))
		errx(COULD_NOT,
		    "usage: scripts [--connections=8] "
		    "[--seconds=3] SOCKET");
	load_scripts(argv[optind]);
	run(argv[optind], seconds);
	print(seconds);
	return 0;
}
