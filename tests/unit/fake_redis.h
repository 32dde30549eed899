/* fake_redis.h: a Redis that greets as it should, and for the rest says what
 * the test has it say. */
#ifndef FAKE_REDIS_H
#define FAKE_REDIS_H

#include <stdbool.h>
#include <stddef.h>

#include "peer.h"

extern struct peer fake_redis;

/* What it says to each command of the greeting that is not SCRIPT LOAD. */
extern const char *fake_redis_greeting;

void fake_redis_open(void);
void fake_redis_close(void);

/* Takes what came; answers the greeting. Returns false if nothing came. */
bool fake_redis_serve(void);

/* The oldest script that was asked for and is not answered: how many are
 * there, and its arguments behind the sha and the number of keys. */
size_t fake_redis_asked(void);
const char *fake_redis_arg(size_t i);
/* Answers it: with its number, and these, up to NULL. */
void fake_redis_items(const char *a, const char *b, const char *c);
/* Answers it with those bytes. */
void fake_redis_raw(const char *text);

#endif
