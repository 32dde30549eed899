/* session.h: sessions of our sign-in, in Redis. What the browser keeps is
 * "USER.SECRET"; Redis has a hash of the secret, so that its contents are
 * nobody's way in. A session ends when it is not used, after its longest
 * time, and when it or all of its user's are ended. */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "store/redis.h"

struct config;

#define SESSION_NAME   65
#define SESSION_SECRET 65
#define SESSION_COOKIE 96

extern struct redis_script session_begin_script, session_check_script,
    session_touch_script, session_end_script;

struct session {
	int64_t user;
	char secret[SESSION_SECRET]; /* hexadecimal */
};

/* A new one of that user, and its cookie. */
void session_make(
    int64_t user, struct session *session_r, char cookie[SESSION_COOKIE]);

/* Returns false if the cookie is not one of ours. */
bool session_parse(const char *cookie, struct session *session_r);

/* Each returns false if Redis is down, and otherwise calls call->done. */

bool session_begin(struct redis *redis, struct redis_call *call,
    const struct config *cfg, const struct session *session, const char *name,
    const char *generation);

enum session_state { SESSION_NONE, SESSION_GOOD, SESSION_ASK, SESSION_UNKNOWN };

/* use: its idle time begins anew. session_read() reads the reply; SESSION_ASK:
 * it is good, and time to ask the ledger whether it still stands. */
bool session_check(struct redis *redis, struct redis_call *call,
    const struct config *cfg, const struct session *session, bool use);
enum session_state session_read(const struct redis_reply_items *items,
    char name[SESSION_NAME], char generation[24]);

/* The ledger said that it stands. */
bool session_touch(struct redis *redis, struct redis_call *call,
    const struct session *session);

/* all: every session of the user that began before now. */
bool session_end(struct redis *redis, struct redis_call *call,
    const struct config *cfg, const struct session *session, bool all);

#endif
