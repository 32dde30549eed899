/* settle.c: see settle.h. */
#include "settle.h"

#include "base/config.h"
#include "pipeline/keys.h"
#include "pipeline/service.h"
#include "pipeline/withdraw.h"

/* KEYS result, lock; ARGV value ('' for none), life in s, what the lock must
 * hold to be ours ('' for none), number. */
struct redis_script settle_script = {.keys = 2,
    .text =
	"local value, life, mine, n = unpack(ARGV)\n"
	"if value ~= '' then redis.call('SET', KEYS[1], value, 'EX', life) end\n"
	"if mine ~= '' and redis.call('GET', KEYS[2]) == mine then\n"
	"  redis.call('DEL', KEYS[2])\n"
	"end\n"
	"return {n}\n"};

static void
on_settled(struct redis_call *call, const struct redis_reply_items *items)
{
	struct withdrawal *w = (struct withdrawal *)((char *)call -
	    offsetof(struct withdrawal, redis_call));

	(void)items; /* no reply: the lock ends with its lease */
	ev_timer_stop(w->service->loop, &w->settle_bound);
	w->next(w);
}

static void
on_bound(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct withdrawal *w = t->data;

	(void)loop, (void)revents;
	redis_forget(&w->redis_call);
	w->next(w);
}

void
settle(struct withdrawal *w, void (*next)(struct withdrawal *w))
{
	const struct service *s = w->service;
	char result[KEY_TEXT], lock[KEY_TEXT], value[RECORD_TEXT] = "";
	char mine[UUID_TEXT + OWNER_TEXT] = "", life[16];

	if (w->result.has_record && (s->cfg->guards & GUARD_CACHE) &&
	    *w->epoch != '\0')
		record_encode(&w->result.record, value);
	if ((s->cfg->guards & GUARD_LOCK) && w->owner[0] != '\0')
		snprintf(mine, sizeof(mine), "%s %s", w->order, w->owner);
	key_result(result, w->user, w->epoch, w->order);
	key_lock(lock, w->user);
	snprintf(life, sizeof(life), "%d", s->cfg->result_ttl_s);
	w->next = next;
	w->redis_call.done = on_settled;
	if ((*value == '\0' && *mine == '\0') ||
	    !redis_call(s->redis, &w->redis_call, &settle_script,
		(const char *[]){result, lock, value, life, mine}, 5)) {
		next(w);
		return;
	}
	ev_timer_init(&w->settle_bound, on_bound, SETTLE_WAIT_MS / 1000.0, 0);
	ev_set_priority(&w->settle_bound, EV_MINPRI);
	w->settle_bound.data = w;
	ev_timer_start(s->loop, &w->settle_bound);
}
