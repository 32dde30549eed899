/* Redis as the tests disturb it: see cache.h. */
#include "cache.h"

#include <check.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stack.h"
#include "support.h"

static const char scheme[] = "unix://";

const char *
cache_socket(void)
{
	const char *url = setting("REDIS_URL");

	ck_assert_msg(strncmp(url, scheme, strlen(scheme)) == 0,
	    "REDIS_URL is not of a unix socket: %s", url);
	url += strlen(scheme);
	return keep_text(url, strcspn(url, "?"));
}

/* One command on a connection of its own: no state from test to test. */
static redisReply *
command(int n, const char **words, const size_t *lens)
{
	redisContext *context = redisConnectUnix(cache_socket());
	redisReply *reply;

	ck_assert_msg(
	    context != NULL && context->err == 0, "could not connect to Redis");
	reply = redisCommandArgv(context, n, words, lens);
	ck_assert_msg(reply != NULL && reply->type != REDIS_REPLY_ERROR,
	    "Redis: %s: %s", words[0],
	    reply != NULL ? reply->str : context->errstr);
	redisFree(context);
	return reply;
}

void
cache_flush(void)
{
	const char *words[] = {"FLUSHALL"};

	freeReplyObject(command(1, words, NULL));
}

void
cache_hang_up(void)
{
	const char *words[] = {"CLIENT", "KILL", "TYPE", "normal"};

	freeReplyObject(command(4, words, NULL));
}

void
cache_limit(const char *bytes)
{
	const char *words[] = {"CONFIG", "SET", "maxmemory", bytes};

	stack_remember("redis");
	freeReplyObject(command(4, words, NULL));
}

/* Where it puts what it saves: a folder of that name is in its way. */
static const char *
saved(void)
{
	return keep_format("%s/redis/dump.rdb", setting("RUN_DIR"));
}

static bool
has_ended_saving(const char *status)
{
	const char *words[] = {"INFO", "persistence"};
	redisReply *reply = command(2, words, NULL);
	bool ended = strstr(reply->str, "rdb_bgsave_in_progress:0") != NULL &&
	    strstr(reply->str,
		keep_format("rdb_last_bgsave_status:%s\r", status)) != NULL;

	freeReplyObject(reply);
	return ended;
}

static void
save(const char *status)
{
	const char *words[] = {"BGSAVE"};

	freeReplyObject(command(1, words, NULL));
	WAIT_UNTIL(has_ended_saving(status));
}

void
cache_fail_to_save(void)
{
	const char *words[] = {"CONFIG", "SET", "save", "3600 1"};

	stack_remember("redis");
	ck_assert_int_eq(mkdir(saved(), 0755), 0);
	freeReplyObject(command(4, words, NULL));
	save("err");
}

void
cache_save(void)
{
	ck_assert_int_eq(rmdir(saved()), 0);
	save("ok");
}

static redisReply *
keys_of(const char *user, const char *word)
{
	const char *words[] = {
	    "KEYS", keep_format("withdraw:{%s}:*%s*", user, word)};

	return command(2, words, NULL);
}

size_t
cache_count(const char *user, const char *word)
{
	redisReply *keys = keys_of(user, word);
	size_t n = keys->elements;

	freeReplyObject(keys);
	return n;
}

size_t
cache_matches(const char *pattern)
{
	const char *words[] = {"KEYS", pattern};
	redisReply *keys = command(2, words, NULL);
	size_t n = keys->elements;

	freeReplyObject(keys);
	return n;
}

const char *
cache_get(const char *key)
{
	const char *words[] = {"GET", key};
	redisReply *reply = command(2, words, NULL);
	const char *value = reply->type == REDIS_REPLY_STRING
	    ? keep_text(reply->str, reply->len)
	    : NULL;

	freeReplyObject(reply);
	return value;
}

void
cache_set(const char *key, const char *value)
{
	const char *words[] = {"SET", key, value, "KEEPTTL"};

	freeReplyObject(command(4, words, NULL));
}

long
cache_scripts(void)
{
	static const char name[] = "cmdstat_evalsha:calls=";
	const char *words[] = {"INFO", "commandstats"};
	redisReply *reply = command(2, words, NULL);
	const char *found = strstr(reply->str, name);
	long n = found != NULL ? strtol(found + strlen(name), NULL, 10) : 0;

	freeReplyObject(reply);
	return n;
}

static const char *
only_key(const char *user, const char *word)
{
	redisReply *keys = keys_of(user, word);
	const char *key;

	ck_assert_msg(keys->elements == 1, "%zu keys of %s with %s",
	    keys->elements, user, word);
	key = keep_text(keys->element[0]->str, keys->element[0]->len);
	freeReplyObject(keys);
	return key;
}

const char *
cache_key_end(const char *user, const char *word)
{
	return strstr(only_key(user, word), word) + strlen(word);
}

long
cache_ttl_ms(const char *user, const char *word)
{
	const char *words[] = {"PTTL", only_key(user, word)};
	redisReply *reply = command(2, words, NULL);
	long ms = (long)reply->integer;

	freeReplyObject(reply);
	return ms;
}

void
cache_expire_ms(const char *user, const char *word, long ms)
{
	const char *words[] = {
	    "PEXPIRE", only_key(user, word), keep_format("%ld", ms)};

	freeReplyObject(command(3, words, NULL));
}

static void
poison_key(const char *key, const char *junk)
{
	const char *type_words[] = {"TYPE", key};
	redisReply *type = command(2, type_words, NULL);

	if (strcmp(type->str, "hash") == 0) {
		const char *fields_words[] = {"HKEYS", key};
		redisReply *fields = command(2, fields_words, NULL);

		for (size_t i = 0; i < fields->elements; i++) {
			const char *words[] = {
			    "HSET", key, fields->element[i]->str, junk};

			freeReplyObject(command(4, words, NULL));
		}
		freeReplyObject(fields);
	} else {
		const char *words[] = {"SET", key, junk, "KEEPTTL"};

		freeReplyObject(command(4, words, NULL));
	}
	freeReplyObject(type);
}

void
cache_poison(const char *user, const char *junk)
{
	redisReply *keys = keys_of(user, "");

	for (size_t i = 0; i < keys->elements; i++)
		poison_key(keys->element[i]->str, junk);
	freeReplyObject(keys);
}

/* The text with each occurrence of one word replaced by another. */
static const char *
replace(const char *text, const char *from, const char *to)
{
	const char *result = "";
	const char *found;

	while ((found = strstr(text, from)) != NULL) {
		result = keep_format(
		    "%s%.*s%s", result, (int)(found - text), text, to);
		text = found + strlen(from);
	}
	return keep_format("%s%s", result, text);
}

size_t
cache_copy(const char *from_user, const char *from_order, const char *to_user,
    const char *to_order)
{
	const char *from_tag = keep_format("{%s}", from_user);
	const char *to_tag = keep_format("{%s}", to_user);
	redisReply *keys = keys_of(from_user, from_order);
	size_t copied = 0;

	for (size_t i = 0; i < keys->elements; i++) {
		const char *key = keys->element[i]->str;
		const char *target = replace(
		    replace(key, from_tag, to_tag), from_order, to_order);
		const char *words[] = {"COPY", key, target, "REPLACE"};

		freeReplyObject(command(4, words, NULL));
		copied++;
	}
	freeReplyObject(keys);
	return copied;
}

const char *
cache_commands(void)
{
	/* an expiry that Redis comes across is a del or unlink of its own */
	static const char *const counted[] = {"evalsha", "get", "set", "del",
	    "pttl", "pexpire", "time", "script"};
	const char *words[] = {"INFO", "commandstats"};
	redisReply *reply = command(2, words, NULL);
	const char *text = "";

	for (int i = 0; i < COUNT(counted); i++) {
		const char *line = strstr(
		    reply->str, keep_format("cmdstat_%s:calls=", counted[i]));

		if (line != NULL)
			text = keep_format("%s%s %ld ", text, counted[i],
			    strtol(strchr(line, '=') + 1, NULL, 10));
	}
	freeReplyObject(reply);
	return text;
}
