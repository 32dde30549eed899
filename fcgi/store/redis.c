/* redis.c: see redis.h. */
#include "redis.h"

#include <assert.h>
#include <ev.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"

#define RETRY_FIRST 0.05 /* seconds between tries to connect, doubled up to */
#define RETRY_LAST  1.0
#define REPLY_MAX   (1 << 20) /* bytes unread: no script of ours says so much */

enum link { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_UP };

/* A command on the wire. It outlives its caller. */
struct redis_entry {
	struct redis_entry *next;
	struct redis_call *call; /* NULL: greeting, or forgotten */
	uint64_t number;
	int64_t sent_at_us;
};

struct redis {
	struct ev_loop *loop;
	const struct config *cfg;
	struct redis_script *const *scripts;
	size_t nscripts;

	enum link link;
	redisContext *c;
	ev_io readable, writable;
	ev_prepare flush; /* never started, only fed: one write for all that
			   * a round of the loop wants to send */
	ev_timer silence; /* looks at the oldest entry */
	ev_timer retry;
	double delay;
	bool unwell; /* it is there, and refuses: reconnect later */
	struct redis_entry *head, **tail;
	uint64_t number;
	char problem[160];
};

static void link_connect(struct redis *r);

static void *(*create_any_array)(const redisReadTask *, int); /* hiredis' own */

/* --- the line of commands under way ------------------------------------- */

static struct redis_entry *
entry_push(struct redis *r, struct redis_call *call)
{
	struct redis_entry *e = xcalloc(1, sizeof(*e));

	e->call = call;
	e->number = ++r->number;
	e->sent_at_us = clock_us();
	*r->tail = e;
	r->tail = &e->next;
	if (!ev_is_active(&r->silence)) {
		r->silence.repeat = r->cfg->redis_timeout_ms / 1000.0;
		ev_timer_again(r->loop, &r->silence);
	}
	if (call != NULL)
		call->entry = e;
	return e;
}

static struct redis_entry *
entry_shift(struct redis *r)
{
	struct redis_entry *e = r->head;

	r->head = e->next;
	if (r->head == NULL)
		r->tail = &r->head;
	return e;
}

static void
entry_done(struct redis_entry *e, const struct redis_reply_items *items)
{
	struct redis_call *call = e->call;

	free(e);
	if (call != NULL) {
		call->entry = NULL;
		call->done(call, items);
	}
}

/* --- the connection ----------------------------------------------------- */

static void
link_close(struct redis *r)
{
	struct redis_entry *e = r->head;

	r->link = LINK_DOWN;
	ev_io_stop(r->loop, &r->readable);
	ev_io_stop(r->loop, &r->writable);
	ev_timer_stop(r->loop, &r->silence);
	if (r->c != NULL)
		redisFree(r->c); /* never used again after an error */
	r->c = NULL;
	/* the line is emptied first: a caller may come back with a new call,
	 * which is refused, as the link is down */
	r->head = NULL;
	r->tail = &r->head;
	while (e != NULL) {
		struct redis_entry *next = e->next;

		entry_done(e, NULL);
		e = next;
	}
}

static void
link_lost(struct redis *r, const char *why)
{
	bool was_up = r->link == LINK_UP;

	/* say it once: not again at each try that fails in the same way */
	if (was_up || strcmp(r->problem, why) != 0)
		log_warnx("redis is down: %s; going on %s, trying again", why,
		    r->cfg->redis_refuse ? "with refusals" : "without it");
	snprintf(r->problem, sizeof(r->problem), "%s", why);
	if (was_up)
		r->delay = r->unwell ? RETRY_LAST : 0;
	r->unwell = false;
	ev_timer_stop(r->loop, &r->retry);
	ev_timer_set(&r->retry, r->delay, 0);
	ev_timer_start(r->loop, &r->retry);
	r->delay = r->delay == 0 ? RETRY_FIRST : r->delay * 2;
	if (r->delay > RETRY_LAST)
		r->delay = RETRY_LAST;
	link_close(r);
}

static void
on_retry(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)revents;
	link_connect(t->data);
}

static void
on_silence(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct redis *r = t->data;
	double limit = r->cfg->redis_timeout_ms / 1000.0, age;

	(void)revents;
	if (r->link == LINK_CONNECTING) {
		link_lost(r, "no connection in time");
		return;
	}
	if (r->head == NULL) {
		ev_timer_stop(loop, t);
		return;
	}
	age = (double)(clock_us() - r->head->sent_at_us) / 1e6;
	if (age >= limit) {
		link_lost(r, "no reply in time");
		return;
	}
	t->repeat = limit - age;
	ev_timer_again(loop, t);
}

static void
link_append(
    struct redis *r, struct redis_call *call, size_t argc, const char *argv[])
{
	size_t len[REDIS_ARGS + 4], i;

	for (i = 0; i < argc; i++)
		len[i] = strlen(argv[i]);
	if (redisAppendCommandArgv(r->c, (int)argc, argv, len) != REDIS_OK)
		fatalx("out of memory"); /* the only way it can fail */
	entry_push(r, call);
	ev_feed_event(r->loop, &r->flush, EV_CUSTOM);
}

/* Connected: say who we are and leave the scripts there. Not up before all of
 * it was answered: a Redis that accepts and is silent is down. */
static void
link_greet(struct redis *r)
{
	char db[16];
	size_t i;

	r->link = LINK_GREETING;
	for (i = 0; i < r->nscripts; i++)
		r->scripts[i]->sha[0] = '\0';
	if (r->cfg->redis_password != NULL)
		link_append(r, NULL, 2,
		    (const char *[]){"AUTH", r->cfg->redis_password});
	if (r->cfg->redis_db != 0) {
		snprintf(db, sizeof(db), "%d", r->cfg->redis_db);
		link_append(r, NULL, 2, (const char *[]){"SELECT", db});
	}
	/* one that is full, or a replica, can be read and not be written to:
	 * tokens could not be kept, and nobody would find theirs */
	link_append(r, NULL, 5,
	    (const char *[]){"SET", "withdraw:{0}:probe", "1", "PX", "1"});
	for (i = 0; i < r->nscripts; i++)
		link_append(r, NULL, 3,
		    (const char *[]){"SCRIPT", "LOAD", r->scripts[i]->text});
}

static void
on_flush(struct ev_loop *loop, ev_prepare *p, int revents)
{
	struct redis *r = p->data;
	int done = 0;

	(void)revents;
	if (r->c == NULL || ev_is_active(&r->writable))
		return;
	if (redisBufferWrite(r->c, &done) != REDIS_OK)
		link_lost(r, r->c->errstr);
	else if (!done)
		ev_io_start(loop, &r->writable);
}

static void
on_writable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct redis *r = io->data;

	ev_io_stop(loop, io);
	on_flush(loop, &r->flush, revents);
}

/* The greeting's replies come in order; any error ends it. */
static bool
greeting_reply(struct redis *r, const redisReply *reply)
{
	char why[160];

	if (reply->type == REDIS_REPLY_ERROR) {
		snprintf(why, sizeof(why), "it refused the greeting: %s",
		    reply->str);
		link_lost(r, why);
		return false;
	}
	/* SCRIPT LOAD answers the name to call it by */
	if (reply->type == REDIS_REPLY_STRING && reply->len == 40)
		for (size_t i = 0; i < r->nscripts; i++)
			if (r->scripts[i]->sha[0] == '\0') {
				memcpy(r->scripts[i]->sha, reply->str, 41);
				break;
			}
	free(entry_shift(r));
	if (r->head == NULL) {
		if (r->problem[0] != '\0')
			log_info("redis is up again");
		r->problem[0] = '\0';
		r->delay = RETRY_FIRST;
		r->link = LINK_UP;
	}
	return true;
}

/* Does reply name the oldest call, and is it of the form that scripts have? */
static bool
reply_items(const struct redis *r, const redisReply *reply,
    struct redis_reply_items *items_r)
{
	char number[24];
	size_t i;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
	    reply->elements > REDIS_ITEMS)
		return false;
	for (i = 0; i < reply->elements; i++) {
		const redisReply *item = reply->element[i];

		if (item->type != REDIS_REPLY_STRING)
			return false;
		/* No script of ours says a NUL. What is before one could pass
		 * for something that was not said; "" means nothing to any. */
		items_r->text[i] =
		    strlen(item->str) == (size_t)item->len ? item->str : "";
	}
	items_r->n = reply->elements;
	snprintf(number, sizeof(number), "%" PRIu64, r->head->number);
	return strcmp(items_r->text[0], number) == 0;
}

/* Returns false when the connection is gone. */
static bool
take_reply(struct redis *r, const redisReply *reply)
{
	struct redis_reply_items items;
	char why[160];

	if (r->head == NULL) {
		link_lost(r, "it sent a reply that nobody asked for");
		return false;
	}
	if (r->link == LINK_GREETING)
		return greeting_reply(r, reply);
	if (reply->type == REDIS_REPLY_ERROR) {
		/* Scripts flushed: greeting it anew leaves them there again.
		 * Anything else takes a while: not at once, then. */
		r->unwell = strncmp(reply->str, "NOSCRIPT", 8) != 0;
		snprintf(why, sizeof(why), "it answered: %s", reply->str);
		link_lost(r, why);
		return false;
	}
	if (!reply_items(r, reply, &items)) {
		link_lost(r, "it sent a reply to something else");
		return false;
	}
	entry_done(entry_shift(r), &items);
	return r->c != NULL;
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct redis *r = io->data;
	void *reply = NULL;

	(void)loop, (void)revents;
	if (redisBufferRead(r->c) != REDIS_OK) {
		link_lost(r, r->c->errstr);
		return;
	}
	for (;;) {
		bool alive;

		if (redisReaderGetReply(r->c->reader, &reply) != REDIS_OK) {
			link_lost(r, r->c->reader->errstr);
			return;
		}
		if (reply == NULL)
			break;
		alive = take_reply(r, reply);
		freeReplyObject(reply);
		if (!alive)
			return;
	}
	if (r->c->reader->len > REPLY_MAX)
		link_lost(r, "its reply is too long");
}

static void
on_connected(struct ev_loop *loop, ev_io *io, int revents)
{
	struct redis *r = io->data;

	(void)revents;
	ev_io_stop(loop, io);
	ev_set_cb(io, on_writable);
	link_greet(r);
	ev_io_start(loop, &r->readable);
}

static void *
create_array(const redisReadTask *task, int elements)
{
	/* NULL ends the connection */
	return elements > REDIS_ITEMS ? NULL : create_any_array(task, elements);
}

/* hiredis makes room for as many elements as an array announces, before it has
 * seen one: a billion would stop the worker for seconds. */
static void
limit_arrays(redisReader *reader)
{
	static redisReplyObjectFunctions limited;

	create_any_array = reader->fn->createArray;
	limited = *reader->fn;
	limited.createArray = create_array;
	reader->fn = &limited;
}

static void
link_connect(struct redis *r)
{
	const struct config *cfg = r->cfg;

	if (cfg->redis_path != NULL)
		r->c = redisConnectUnixNonBlock(cfg->redis_path);
	else
		r->c = redisConnectNonBlock(cfg->redis_host, cfg->redis_port);
	if (r->c == NULL)
		fatalx("out of memory");
	if (r->c->err != 0) {
		link_lost(r, r->c->errstr);
		return;
	}
	limit_arrays(r->c->reader);
	r->link = LINK_CONNECTING;
	ev_io_set(&r->readable, r->c->fd, EV_READ);
	ev_io_set(&r->writable, r->c->fd, EV_WRITE);
	ev_set_cb(&r->writable, on_connected);
	ev_io_start(r->loop, &r->writable);
	r->silence.repeat = cfg->redis_timeout_ms / 1000.0;
	ev_timer_again(r->loop, &r->silence);
}

/* --- public ------------------------------------------------------------- */

struct redis *
redis_open(struct ev_loop *loop, const struct config *cfg,
    struct redis_script *const scripts[], size_t nscripts)
{
	struct redis *r = xcalloc(1, sizeof(*r));

	r->loop = loop;
	r->cfg = cfg;
	r->scripts = scripts;
	r->nscripts = nscripts;
	r->tail = &r->head;
	r->delay = RETRY_FIRST;
	ev_io_init(&r->readable, on_readable, -1, EV_READ);
	ev_io_init(&r->writable, on_writable, -1, EV_WRITE);
	ev_prepare_init(&r->flush, on_flush);
	ev_timer_init(&r->silence, on_silence, 0, 0);
	ev_timer_init(&r->retry, on_retry, 0, 0);
	/* a reply that is there counts before the clock does: this process may
	 * have been stopped for a while */
	ev_set_priority(&r->silence, EV_MINPRI);
	/* after all else of a round */
	ev_set_priority(&r->flush, EV_MINPRI);
	r->readable.data = r->writable.data = r->flush.data = r;
	r->silence.data = r->retry.data = r;
	link_connect(r);
	return r;
}

void
redis_free(struct redis **redis)
{
	struct redis *r = *redis;

	if (r == NULL)
		return;
	link_close(r);
	ev_timer_stop(r->loop, &r->retry);
	ev_clear_pending(r->loop, &r->flush);
	free(r);
	*redis = NULL;
}

bool
redis_up(const struct redis *r)
{
	return r->link == LINK_UP;
}

const char *
redis_problem(const struct redis *r)
{
	return r->problem;
}

bool
redis_call(struct redis *r, struct redis_call *call,
    const struct redis_script *script, const char *const args[], size_t nargs)
{
	const char *argv[REDIS_ARGS + 4];
	char keys[16], number[24];
	size_t n = 0, i;

	assert(nargs <= REDIS_ARGS);
	if (r->link != LINK_UP)
		return false;
	snprintf(keys, sizeof(keys), "%d", script->keys);
	snprintf(number, sizeof(number), "%" PRIu64, r->number + 1);
	argv[n++] = "EVALSHA";
	argv[n++] = script->sha;
	argv[n++] = keys;
	for (i = 0; i < nargs; i++)
		argv[n++] = args[i];
	argv[n++] = number;
	link_append(r, call, n, argv);
	return true;
}

void
redis_forget(struct redis_call *call)
{
	if (call->entry != NULL)
		call->entry->call = NULL;
	call->entry = NULL;
}
