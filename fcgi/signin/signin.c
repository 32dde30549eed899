/* signin.c: see signin.h.
 *
 *   enter     count, by each of the limits -> ledger -> password -> take the
 *             counts back, end the session before -> begin
 *   identify  session -> now and then, the ledger: does it still stand?
 *   leave     session -> (everywhere: ledger) -> end
 */
#include "signin.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/ident.h"
#include "base/log.h"
#include "pipeline/ledger.h"
#include "pipeline/service.h"

#define OF(member, p)                                                          \
	((struct signin_call *)(void *)((char *)(p)-offsetof(                  \
	    struct signin_call, member)))

static void
end(struct signin_call *c, enum signin_verdict verdict)
{
	c->verdict = verdict;
	explicit_bzero(c->password.text, sizeof(c->password.text));
	c->done(c);
}

static void
on_redis(struct redis_call *call, const struct redis_reply_items *items)
{
	struct signin_call *c = OF(redis, call);

	c->next(c, items);
}

/* Prepares the next call to Redis. */
static struct redis_call *
then(struct signin_call *c,
    void (*next)(struct signin_call *, const struct redis_reply_items *))
{
	c->next = next;
	c->redis.done = on_redis;
	return &c->redis;
}

static struct redis *
redis_of(const struct signin_call *c)
{
	return c->service->redis;
}

static bool
has_redis(const struct signin_call *c)
{
	return c->service->redis != NULL && redis_up(c->service->redis);
}

static void
ask_ledger(struct signin_call *c, const struct pg_statement *statement,
    int nparams,
    void (*done)(struct pg_call *, enum pg_verdict, const struct pg_rows *))
{
	snprintf(
	    c->user_text, sizeof(c->user_text), "%" PRId64, c->session.user);
	c->pg.statement = statement;
	c->pg.param[0] = c->name;
	c->pg.param[1] = c->user_text;
	c->pg.param[2] = c->generation;
	c->pg.nparams = nparams;
	c->pg.timeout = c->service->cfg->ledger_timeout_ms / 1000.0;
	c->pg.request = c->request;
	c->pg.done = done;
	pg_submit(c->service->pg, &c->pg);
}

/* --- enter ---------------------------------------------------------------- */

static void
begun(struct signin_call *c, const struct redis_reply_items *items)
{
	end(c, items != NULL ? SIGNIN_OK : SIGNIN_UNAVAILABLE);
}

static void
begin(struct signin_call *c, const struct redis_reply_items *items)
{
	(void)items; /* the one before ends by itself in the worst case */
	c->user = c->session.user;
	session_make(c->user, &c->session, c->cookie);
	if (!session_begin(redis_of(c), then(c, begun), c->service->cfg,
		&c->session, c->name, c->generation))
		end(c, SIGNIN_UNAVAILABLE);
}

/* A new id at each sign-in: the session that came along is over. */
static void
end_before(struct signin_call *c)
{
	struct session before;

	if (!session_parse(c->presented, &before) ||
	    !session_end(
		redis_of(c), then(c, begin), c->service->cfg, &before, false))
		begin(c, NULL);
}

/* Takes back what was counted, the last first. Where Redis is gone, so are the
 * counts, or they stay: an attempt too many is no harm. */
static void
take_back(struct signin_call *c, const struct redis_reply_items *items)
{
	(void)items;
	while (c->ncounted > 0)
		if (attempt_back(redis_of(c), then(c, take_back),
			&c->attempts[--c->ncounted], c->verdict == SIGNIN_OK))
			return;
	if (c->verdict == SIGNIN_OK)
		end_before(c);
	else
		end(c, c->verdict);
}

/* No password was looked at: it was no attempt. */
static void
give_up(struct signin_call *c, enum signin_verdict verdict)
{
	c->verdict = verdict;
	take_back(c, NULL);
}

static void
judged(struct password_call *call)
{
	struct signin_call *c = OF(password, call);

	if (!call->right) {
		/* a name that is none may be a password */
		log_info("request=%s sign-in of \"%s\" from %s: refused",
		    c->request, *call->hash ? c->name : "nobody", c->address);
		end(c, SIGNIN_NO);
		return;
	}
	c->verdict = SIGNIN_OK;
	take_back(c, NULL);
}

/* Nobody's password takes as long as somebody's. */
static void
found(struct pg_call *call, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct signin_call *c = OF(pg, call);

	if (verdict != PG_ROWS) {
		give_up(c, SIGNIN_UNAVAILABLE);
		return;
	}
	c->password.hash[0] = '\0';
	if (pg_rows_count(rows) == 1 &&
	    user_id_parse(pg_rows_text(rows, 0, 0), &c->session.user)) {
		snprintf(c->password.hash, sizeof(c->password.hash), "%s",
		    pg_rows_text(rows, 0, 1));
		snprintf(c->generation, sizeof(c->generation), "%s",
		    pg_rows_text(rows, 0, 2));
	}
	c->password.done = judged;
	if (!password_ask(c->service->password, &c->password))
		give_up(c, SIGNIN_UNAVAILABLE);
}

static void counted(
    struct signin_call *c, const struct redis_reply_items *items);

static void
count(struct signin_call *c)
{
	if (!attempt_count(
		redis_of(c), then(c, counted), &c->attempts[c->ncounted]))
		end(c, SIGNIN_UNAVAILABLE);
}

static void
counted(struct signin_call *c, const struct redis_reply_items *items)
{
	long wait = attempt_wait_ms(&c->attempts[c->ncounted], items);

	if (wait != 0) {
		c->wait_s = (int)((wait + 999) / 1000);
		give_up(c, wait < 0 ? SIGNIN_UNAVAILABLE : SIGNIN_SLOW);
	} else if (++c->ncounted < SIGNIN_COUNTS) {
		count(c);
	} else {
		ask_ledger(c, &statement_sign_in, 1, found);
	}
}

void
signin_enter(struct signin_call *c)
{
	char network[64];

	if (!has_redis(c)) {
		end(c, SIGNIN_UNAVAILABLE);
		return;
	}
	attempt_network(c->address, network);
	attempt_set(&c->attempts[0], &attempt_by_network, "", network);
	attempt_set(&c->attempts[1], &attempt_by_pair, c->name, network);
	attempt_set(&c->attempts[2], &attempt_by_name, c->name, "");
	count(c);
}

/* --- identify ------------------------------------------------------------- */

static void
touched(struct signin_call *c, const struct redis_reply_items *items)
{
	(void)items;
	end(c, SIGNIN_OK);
}

static void
ended(struct signin_call *c, const struct redis_reply_items *items)
{
	(void)items; /* at the latest it is found out at the next question */
	end(c, SIGNIN_NO);
}

/* Without an answer of the ledger nobody is let in, and nobody signed out. */
static void
stands(
    struct pg_call *call, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct signin_call *c = OF(pg, call);

	if (verdict != PG_ROWS)
		end(c, SIGNIN_UNAVAILABLE);
	else if (pg_rows_count(rows) == 1) {
		if (!session_touch(redis_of(c), then(c, touched), &c->session))
			end(c, SIGNIN_OK);
	} else if (!session_end(redis_of(c), then(c, ended), c->service->cfg,
		       &c->session, false))
		end(c, SIGNIN_NO);
}

static void
checked(struct signin_call *c, const struct redis_reply_items *items)
{
	c->user = c->session.user;
	switch (session_read(items, c->name, c->generation)) {
	case SESSION_NONE:
		end(c, SIGNIN_NO);
		break;
	case SESSION_GOOD:
		end(c, SIGNIN_OK);
		break;
	case SESSION_ASK:
		ask_ledger(c, &statement_stands, 3, stands);
		break;
	case SESSION_UNKNOWN:
		end(c, SIGNIN_UNAVAILABLE);
		break;
	}
}

void
signin_identify(struct signin_call *c)
{
	if (!session_parse(c->presented, &c->session))
		end(c, SIGNIN_NO);
	else if (!has_redis(c) ||
	    !session_check(redis_of(c), then(c, checked), c->service->cfg,
		&c->session, !c->background))
		end(c, SIGNIN_UNAVAILABLE);
}

/* --- leave ---------------------------------------------------------------- */

static void
gone(struct signin_call *c, const struct redis_reply_items *items)
{
	end(c, items != NULL ? SIGNIN_OK : SIGNIN_UNAVAILABLE);
}

static void
leave(struct signin_call *c)
{
	if (!session_end(redis_of(c), then(c, gone), c->service->cfg,
		&c->session, c->all))
		end(c, SIGNIN_UNAVAILABLE);
}

/* The ledger first: what Redis forgets, it remembers. */
static void
left_all(
    struct pg_call *call, enum pg_verdict verdict, const struct pg_rows *rows)
{
	struct signin_call *c = OF(pg, call);

	if (verdict != PG_ROWS) {
		end(c, SIGNIN_UNAVAILABLE);
		return;
	}
	/* a session of an older generation has no say about the others */
	c->all = pg_rows_count(rows) == 1;
	leave(c);
}

static void
known(struct signin_call *c, const struct redis_reply_items *items)
{
	switch (session_read(items, c->name, c->generation)) {
	case SESSION_NONE:
		end(c, SIGNIN_OK); /* it is over already */
		break;
	case SESSION_GOOD:
	case SESSION_ASK:
		if (c->all)
			ask_ledger(c, &statement_leave, 3, left_all);
		else
			leave(c);
		break;
	case SESSION_UNKNOWN:
		end(c, SIGNIN_UNAVAILABLE);
		break;
	}
}

void
signin_leave(struct signin_call *c)
{
	if (!session_parse(c->presented, &c->session))
		end(c, SIGNIN_OK);
	else if (!has_redis(c) ||
	    !session_check(redis_of(c), then(c, known), c->service->cfg,
		&c->session, false))
		end(c, SIGNIN_UNAVAILABLE);
}
