/* fake_redis.c: see fake_redis.h. A command has the form of a reply: hiredis
 * reads it. */
#include "fake_redis.h"

#include <check.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { WAITING = 16, BEFORE_ARGS = 3 };

struct peer fake_redis;
const char *fake_redis_greeting;

static redisReader *reader;
static redisReply *asked[WAITING];
static size_t nasked;

static void
forget(void)
{
	while (nasked > 0)
		freeReplyObject(asked[--nasked]);
	if (reader != NULL)
		redisReaderFree(reader);
	reader = redisReaderCreate();
}

void
fake_redis_open(void)
{
	peer_open(&fake_redis, "redis");
	fake_redis_greeting = "+OK\r\n";
	forget();
}

void
fake_redis_close(void)
{
	forget();
	redisReaderFree(reader);
	reader = NULL;
	peer_close(&fake_redis);
}

static void
take(redisReply *command)
{
	const char *name = command->element[0]->str;

	if (strcmp(name, "EVALSHA") == 0) {
		ck_assert_uint_lt(nasked, WAITING);
		asked[nasked++] = command;
		return;
	}
	if (strcmp(name, "SCRIPT") == 0)
		fake_redis_raw("$40\r\n"
			       "0123456789012345678901234567890123456789\r\n");
	else
		fake_redis_raw(fake_redis_greeting);
	freeReplyObject(command);
}

bool
fake_redis_serve(void)
{
	char bytes[65536];
	bool any = peer_accept(&fake_redis);
	void *command = NULL;
	size_t n;

	if (any)
		forget();
	while ((n = peer_read(&fake_redis, bytes, sizeof(bytes))) > 0) {
		any = true;
		ck_assert_int_eq(redisReaderFeed(reader, bytes, n), REDIS_OK);
	}
	while (redisReaderGetReply(reader, &command) == REDIS_OK &&
	    command != NULL)
		take(command);
	return any;
}

size_t
fake_redis_asked(void)
{
	return nasked;
}

const char *
fake_redis_arg(size_t i)
{
	ck_assert_uint_gt(nasked, 0);
	ck_assert_uint_lt(BEFORE_ARGS + i, asked[0]->elements);
	return asked[0]->element[BEFORE_ARGS + i]->str;
}

static void
answered(void)
{
	freeReplyObject(asked[0]);
	memmove(asked, asked + 1, --nasked * sizeof(asked[0]));
}

void
fake_redis_items(const char *a, const char *b, const char *c)
{
	const char *items[] = {NULL, a, b, c};
	char text[1024];
	size_t n = 1, i, len;

	ck_assert_uint_gt(nasked, 0);
	items[0] = asked[0]->element[asked[0]->elements - 1]->str;
	while (n < 4 && items[n] != NULL)
		n++;
	len = (size_t)snprintf(text, sizeof(text), "*%zu\r\n", n);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "$%zu\r\n%s\r\n", strlen(items[i]), items[i]);
	peer_say(&fake_redis, text, len);
	answered();
}

void
fake_redis_raw(const char *text)
{
	peer_say(&fake_redis, text, strlen(text));
	if (nasked > 0)
		answered();
}
