/* admit.c: see admit.h. */
#include "admit.h"

#include <string.h>

#include "base/config.h"
#include "base/ident.h"
#include "base/log.h"
#include "pipeline/keys.h"
#include "pipeline/service.h"
#include "pipeline/withdraw.h"

/* KEYS result, lock, token; ARGV order, owner, lease in ms, guards, number.
 * The order in which it looks is the contract's (design, section 5). */
struct redis_script admit_script = {.keys = 3,
    .text =
	"local order, owner, lease, guards, n = unpack(ARGV)\n"
	"local on = function(g) return string.find(guards, g, 1, true) end\n"
	"if on('c') then\n"
	"  local r = redis.call('GET', KEYS[1])\n"
	"  if r then return {n, 'recorded', r} end\n"
	"end\n"
	"if on('l') then\n"
	"  local held = redis.call('GET', KEYS[2])\n"
	"  if held then\n"
	"    if string.sub(held, 1, 36) == order then return {n, 'twin'} end\n"
	"    return {n, 'busy'}\n"
	"  end\n"
	"end\n"
	"if on('t') then\n"
	"  if redis.call('GET', KEYS[3]) ~= order then return {n, 'no-token'} end\n"
	"  redis.call('DEL', KEYS[3])\n"
	"end\n"
	"if on('l') then\n"
	"  redis.call('SET', KEYS[2], order .. ' ' .. owner, 'PX', lease)\n"
	"end\n"
	"return {n, 'go'}\n"};

/* One that no other request has, here or elsewhere. A UUID for each of them
 * would be seven system calls in libuuid. */
static void
owner_new(char out[OWNER_TEXT])
{
	static char worker[UUID_TEXT];
	static uint64_t requests;

	if (worker[0] == '\0')
		uuid_text_new(worker);
	snprintf(out, OWNER_TEXT, "%s.%" PRIu64, worker, ++requests);
}

static struct withdrawal *
of_call(struct redis_call *call)
{
	return (struct withdrawal *)((char *)call -
	    offsetof(struct withdrawal, redis_call));
}

static enum admission
read_recorded(struct withdrawal *w, const char *text)
{
	if (record_decode(text, w->user, w->order, &w->result.record))
		return ADMIT_RECORDED;
	log_warnx("request %s: the answer that redis has for order %s is not "
		  "one; asking the ledger",
	    w->request, w->order);
	return ADMIT_GARBLED;
}

static enum admission
read_reply(struct withdrawal *w, const struct redis_reply_items *items)
{
	static const struct {
		const char *word;
		enum admission admission;
	} words[] = {{"go", ADMIT_GO}, {"twin", ADMIT_TWIN},
	    {"busy", ADMIT_BUSY}, {"no-token", ADMIT_NO_TOKEN}};
	size_t i;

	if (items == NULL)
		return ADMIT_NO_REDIS;
	if (items->n == 3 && strcmp(items->text[1], "recorded") == 0)
		return read_recorded(w, items->text[2]);
	for (i = 0; items->n == 2 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(items->text[1], words[i].word) == 0)
			return words[i].admission;
	log_warnx("request %s: redis answered the admission with something "
		  "else",
	    w->request);
	return ADMIT_NO_REDIS;
}

static void
on_reply(struct redis_call *call, const struct redis_reply_items *items)
{
	struct withdrawal *w = of_call(call);

	w->admission = read_reply(w, items);
	/* without a reply the lock may be ours all the same: the owner stays,
	 * and settling gives it back */
	if (w->admission != ADMIT_GO && items != NULL)
		w->owner[0] = '\0';
	w->next(w);
}

void
admit(struct withdrawal *w, void (*next)(struct withdrawal *w))
{
	const struct service *s = w->service;
	const struct config *cfg = s->cfg;
	char result[KEY_TEXT], lock[KEY_TEXT], token[KEY_TEXT], lease[16];
	char guards[4] = "";

	w->next = next;
	if (cfg->guards == 0) {
		w->admission = ADMIT_GO;
		next(w);
		return;
	}
	/* an answer is only believed if it is of the present history */
	if ((cfg->guards & GUARD_CACHE) && !w->distrust_cache &&
	    *pg_epoch(s->pg) != '\0')
		strcat(guards, "c");
	if (cfg->guards & GUARD_LOCK)
		strcat(guards, "l");
	if (cfg->guards & GUARD_TOKEN)
		strcat(guards, "t");
	key_result(result, w->user, pg_epoch(s->pg), w->order);
	key_lock(lock, w->user);
	key_token(token, w->user, w->token);
	snprintf(lease, sizeof(lease), "%d", cfg->lock_ttl_ms);
	owner_new(w->owner);
	w->redis_call.done = on_reply;
	if (!redis_call(s->redis, &w->redis_call, &admit_script,
		(const char *[]){
		    result, lock, token, w->order, w->owner, lease, guards},
		7)) {
		w->owner[0] = '\0';
		w->admission = ADMIT_NO_REDIS;
		next(w);
	}
}
