/* token.c: see token.h. */
#include "token.h"

#include <stddef.h>

#include "base/config.h"
#include "pipeline/keys.h"
#include "pipeline/service.h"

/* KEYS token; ARGV order, life in ms, number. */
struct redis_script token_script = {.keys = 1,
    .text = "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
	    "return {ARGV[3]}\n"};

static void
unkept(struct token_call *call)
{
	const struct config *cfg = call->service->cfg;

	if ((cfg->guards & GUARD_TOKEN) && cfg->redis_refuse)
		call->token[0] = '\0';
	call->done(call);
}

static void
on_kept(struct redis_call *rc, const struct redis_reply_items *items)
{
	struct token_call *call = (struct token_call *)((char *)rc -
	    offsetof(struct token_call, redis_call));

	if (items == NULL)
		unkept(call);
	else
		call->done(call);
}

void
token_mint(struct token_call *call)
{
	const struct service *s = call->service;
	char key[KEY_TEXT], life[16];

	uuid_text_new(call->token);
	key_token(key, call->user, call->token);
	snprintf(life, sizeof(life), "%d", s->cfg->token_ttl_ms);
	call->redis_call.done = on_kept;
	if (!(s->cfg->guards & GUARD_TOKEN) ||
	    !redis_call(s->redis, &call->redis_call, &token_script,
		(const char *[]){key, call->order, life}, 3))
		unkept(call);
}
