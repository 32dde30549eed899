/* token.h: minting the one-time tickets that step 1 spends. */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ident.h"
#include "store/redis.h"

struct service;

struct token_call {
	const struct service *service;
	int64_t user;
	char order[UUID_TEXT];
	void (*done)(struct token_call *call);

	/* the answer: "" if none could be had: Redis is down, and the setting
	 * is to refuse then */
	char token[UUID_TEXT];
	struct redis_call redis_call;
};

extern struct redis_script token_script;

/* Mints a token for (user, order). Where no one will ask for it (the guard is
 * off, or Redis is down and the ledger goes on alone) it is not kept. */
void token_mint(struct token_call *call);

#endif
