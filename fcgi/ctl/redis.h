/* redis.h: what the commands ask of Redis: blocking, through hiredis.
 *
 * A connection on which anything went wrong is done with: every later call
 * fails, and nothing that came late is taken for an answer. */
#ifndef CTL_REDIS_H
#define CTL_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ident.h"

struct config;
struct ctl_redis;

/* The settings of withdrawd, from the environment: REDIS_URL, and how long
 * what is in Redis lives. Returns false if they are wrong, and stderr has been
 * told. */
bool ctl_config(struct config *cfg_r);

/* Where REDIS_URL says. A connection for ctl_redis_close() in any case;
 * ctl_redis_problem() says whether it is one. */
struct ctl_redis *ctl_redis_open(const struct config *cfg);
void ctl_redis_close(struct ctl_redis **redis);

/* Why it is of no use any more, in one line; "" if it is well. */
const char *ctl_redis_problem(const struct ctl_redis *redis);

/* Sends a command later, or now; lens NULL: the arguments are strings. Its
 * reply is the next one that nobody has taken yet. */
void ctl_redis_append(struct ctl_redis *redis, int argc,
    const char *const argv[], const size_t lens[]);

/* Waits for that reply, for freeReplyObject(); it may be an error's. NULL: the
 * connection is of no use. */
redisReply *ctl_redis_reply(struct ctl_redis *redis);

/* Calls each for every key that matches a glob: once, or more often. */
void ctl_redis_scan(struct ctl_redis *redis, const char *match,
    void (*each)(void *arg, const char *key), void *arg);

/* An error reply that is not about one key, such as that of a replica. Makes
 * the connection of no use. */
void ctl_redis_refused(struct ctl_redis *redis, const redisReply *reply);

/* --- our keys ------------------------------------------------------------- */

enum ctl_key_kind {
	CTL_KEY_OTHER,
	CTL_KEY_TOKEN,
	CTL_KEY_LOCK,
	CTL_KEY_ANSWER
};

struct ctl_key {
	enum ctl_key_kind kind;
	int64_t user;
	char epoch[48];        /* of an answer */
	char order[UUID_TEXT]; /* of an answer */
};

/* Takes a key apart (pipeline/keys.h makes them). What is spelled in another
 * way than ours is CTL_KEY_OTHER. */
void ctl_key_parse(const char *text, struct ctl_key *key_r);

#endif
