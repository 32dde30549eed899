/* attempt.c: see attempt.h. */
#include "attempt.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counts are forgotten so long after the last attempt. */
#define WINDOW_MS "900000"

/* Many people may share an address; few share a name. Somebody else can slow
 * down whoever owns the name, but not by more than a minute. */
const struct attempt_limit attempt_by_name = {"name", "5", "1000", "60000"};
const struct attempt_limit attempt_by_address = {
    "address", "30", "1000", "300000"};

/* KEYS count; ARGV free, first, most, window, number. The value: how many
 * there were, and before when there may be no other. */
struct redis_script attempt_script = {.keys = 1,
    .text =
	"local free, first, most, window, n = unpack(ARGV)\n"
	"local t = redis.call('TIME')\n"
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
	"local count, till = string.match(redis.call('GET', KEYS[1]) or '',\n"
	"  '^(%d+) (%d+)$')\n"
	"count, till = tonumber(count or 0), tonumber(till or 0)\n"
	"if till > now then\n"
	"  return {n, 'wait', string.format('%.0f', till - now)}\n"
	"end\n"
	"count = count + 1\n"
	"till = 0\n"
	"if count > tonumber(free) then\n"
	"  till = now + math.min(tonumber(most),\n"
	"    first * 2 ^ math.min(30, count - free - 1))\n"
	"end\n"
	"redis.call('SET', KEYS[1], string.format('%.0f %.0f', count, till),\n"
	"  'PX', window)\n"
	"return {n, 'go'}\n"};

/* KEYS count; ARGV 'all' or 'one', window, number. */
struct redis_script forgive_script = {.keys = 1,
    .text = "local count = string.match(redis.call('GET', KEYS[1]) or '',\n"
	    "  '^(%d+) ')\n"
	    "if ARGV[1] == 'all' or tonumber(count or 0) <= 1 then\n"
	    "  redis.call('DEL', KEYS[1])\n"
	    "else\n"
	    "  redis.call('SET', KEYS[1], string.format('%.0f 0', count - 1),\n"
	    "    'PX', ARGV[2])\n"
	    "end\n"
	    "return {ARGV[3]}\n"};

#define KEY_ROOM 192

static void
name_key(char out[KEY_ROOM], const struct attempt_limit *limit, const char *who)
{
	snprintf(out, KEY_ROOM, "withdraw:{sign-in %s %s}:attempts",
	    limit->what, who);
}

bool
attempt_count(struct redis *redis, struct redis_call *call,
    const struct attempt_limit *limit, const char *who)
{
	char key[KEY_ROOM];

	name_key(key, limit, who);
	return redis_call(redis, call, &attempt_script,
	    (const char *[]){
		key, limit->free, limit->first_ms, limit->most_ms, WINDOW_MS},
	    5);
}

/* A wait that is none, or is longer than any of ours, is no answer: it must
 * not be one that lets go on. */
static long
read_wait(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 9 || strspn(text, "0123456789") != len ||
	    text[0] == '0')
		return -1;
	return strtol(text, NULL, 10);
}

long
attempt_wait_ms(const struct redis_reply_items *items)
{
	if (items == NULL || items->n < 2)
		return -1;
	if (items->n == 3 && strcmp(items->text[1], "wait") == 0)
		return read_wait(items->text[2]);
	return items->n == 2 && strcmp(items->text[1], "go") == 0 ? 0 : -1;
}

bool
attempt_forgive(struct redis *redis, struct redis_call *call,
    const struct attempt_limit *limit, const char *who)
{
	char key[KEY_ROOM];

	name_key(key, limit, who);
	return redis_call(redis, call, &forgive_script,
	    (const char *[]){
		key, limit == &attempt_by_name ? "all" : "one", WINDOW_MS},
	    3);
}

void
attempt_address(const char *text, char out[64])
{
	struct in6_addr in6;
	const unsigned char *a = in6.s6_addr;

	/* an IPv4 address may be written as one, too */
	if (inet_pton(AF_INET6, text, &in6) == 1 && !IN6_IS_ADDR_V4MAPPED(&in6))
		snprintf(out, 64, "%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64",
		    a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
	else
		snprintf(out, 64, "%.63s", text);
}
