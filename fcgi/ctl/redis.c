/* redis.c: see redis.h. */
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/config.h"
#include "base/log.h"
#include "ctl/output.h"
#include "pipeline/keys.h"

#define SCAN_COUNT "1000" /* keys that the server looks at in one go */

/* An operator can wait longer than a request for a server that is busy. */
#define TIMEOUT_S 5

struct ctl_redis {
	redisContext *c;
	char problem[256];
};

static void
fail(struct ctl_redis *r, const char *why)
{
	if (r->problem[0] == '\0')
		snprintf(r->problem, sizeof(r->problem), "%.*s",
		    (int)strcspn(why, "\r\n"), why);
}

/* One command of the connection's beginning: its reply is OK. */
static void
begin_with(struct ctl_redis *r, const char *word, const char *value)
{
	redisReply *reply;

	ctl_redis_append(r, 2, (const char *[]){word, value}, NULL);
	reply = ctl_redis_reply(r);
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		ctl_redis_refused(r, reply);
	freeReplyObject(reply);
}

bool
ctl_config(struct config *cfg_r)
{
	char name[] = "", error[512];
	char *const argv[] = {name, NULL};

	if (config_read(1, argv, cfg_r, error, sizeof(error)) == CONFIG_OK)
		return true;
	ctl_complain("%s", error);
	return false;
}

struct ctl_redis *
ctl_redis_open(const struct config *cfg)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	struct ctl_redis *r = xcalloc(1, sizeof(*r));
	char db[16];

	r->c = cfg->redis_path != NULL
	    ? redisConnectUnixWithTimeout(cfg->redis_path, timeout)
	    : redisConnectWithTimeout(
		  cfg->redis_host, cfg->redis_port, timeout);
	if (r->c == NULL)
		fatalx("out of memory");
	if (r->c->err != 0)
		fail(r, r->c->errstr);
	else if (redisSetTimeout(r->c, timeout) != REDIS_OK)
		fail(r, "could not set a timeout");
	if (cfg->redis_password != NULL)
		begin_with(r, "AUTH", cfg->redis_password);
	snprintf(db, sizeof(db), "%d", cfg->redis_db);
	begin_with(r, "SELECT", db);
	return r;
}

void
ctl_redis_close(struct ctl_redis **r)
{
	if (*r == NULL)
		return;
	redisFree((*r)->c);
	free(*r);
	*r = NULL;
}

const char *
ctl_redis_problem(const struct ctl_redis *r)
{
	return r->problem;
}

void
ctl_redis_append(struct ctl_redis *r, int argc, const char *const argv[],
    const size_t lens[])
{
	/* hiredis takes pointers that it does not write through */
	const char *args[8];
	int i;

	for (i = 0; i < argc && i < 8; i++)
		args[i] = argv[i];
	if (r->problem[0] == '\0' &&
	    redisAppendCommandArgv(r->c, argc, args, lens) != REDIS_OK)
		fail(r, r->c->errstr);
}

redisReply *
ctl_redis_reply(struct ctl_redis *r)
{
	void *reply = NULL;

	if (r->problem[0] != '\0')
		return NULL;
	if (redisGetReply(r->c, &reply) == REDIS_OK && reply != NULL)
		return reply;
	fail(r, *r->c->errstr != '\0' ? r->c->errstr : "no reply");
	return NULL;
}

void
ctl_redis_refused(struct ctl_redis *r, const redisReply *reply)
{
	fail(r, reply->str != NULL ? reply->str : "an error without words");
}

void
ctl_redis_scan(struct ctl_redis *r, const char *match,
    void (*each)(void *arg, const char *key), void *arg)
{
	char cursor[32] = "0";

	do {
		redisReply *reply, *keys;
		size_t i;

		ctl_redis_append(r, 6,
		    (const char *[]){
			"SCAN", cursor, "MATCH", match, "COUNT", SCAN_COUNT},
		    NULL);
		reply = ctl_redis_reply(r);
		if (reply == NULL)
			return;
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		    reply->element[0]->type != REDIS_REPLY_STRING ||
		    reply->element[0]->len >= sizeof(cursor) ||
		    reply->element[1]->type != REDIS_REPLY_ARRAY) {
			fail(r,
			    reply->type == REDIS_REPLY_ERROR
				? reply->str
				: "its answer to SCAN is not understood");
			freeReplyObject(reply);
			return;
		}
		strcpy(cursor, reply->element[0]->str);
		keys = reply->element[1];
		for (i = 0; i < keys->elements; i++)
			if (keys->element[i]->type == REDIS_REPLY_STRING)
				each(arg, keys->element[i]->str);
		freeReplyObject(reply);
	} while (strcmp(cursor, "0") != 0);
}

/* --- our keys ------------------------------------------------------------- */

void
ctl_key_parse(const char *text, struct ctl_key *key_r)
{
	char again[KEY_TEXT], user[24], rest[112], *order;

	*key_r = (struct ctl_key){.kind = CTL_KEY_OTHER};
	if (sscanf(text, "withdraw:{%23[0-9]}:%111s", user, rest) != 2 ||
	    !user_id_parse(user, &key_r->user))
		return;
	if (strncmp(rest, "token:", 6) == 0) {
		key_token(again, key_r->user, rest + 6);
		if (strcmp(again, text) == 0)
			key_r->kind = CTL_KEY_TOKEN;
		return;
	}
	key_lock(again, key_r->user);
	if (strcmp(again, text) == 0) {
		key_r->kind = CTL_KEY_LOCK;
		return;
	}
	order = strrchr(rest, ':');
	if (strncmp(rest, "result:", 7) != 0 || order == rest + 6 ||
	    !uuid_text_parse(order + 1, strlen(order + 1), key_r->order))
		return;
	*order = '\0';
	snprintf(key_r->epoch, sizeof(key_r->epoch), "%.47s", rest + 7);
	key_result(again, key_r->user, key_r->epoch, key_r->order);
	if (strcmp(again, text) == 0)
		key_r->kind = CTL_KEY_ANSWER;
}
