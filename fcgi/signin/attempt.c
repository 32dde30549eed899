/* attempt.c: see attempt.h. */
#include "attempt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attempt_limit {
	const char *what;
	const char *free, *first_ms, *most_ms;
	/* the count is forgotten so long after its last attempt, or, "fixed",
	 * after its first: who goes on slowly does not add up for ever */
	const char *window_ms, *counted_from;
	bool forgets; /* at the right password, altogether */
};

const struct attempt_limit attempt_by_network = {
    "network", "30", "1000", "300000", "900000", "last", false};
const struct attempt_limit attempt_by_pair = {
    "name", "5", "1000", "300000", "900000", "last", true};
const struct attempt_limit attempt_by_name = {
    "name", "50", "1000", "60000", "3600000", "fixed", false};

/* The value of a count: how many, when there may be another, and when the count
 * began, in microseconds, which tells it from another one of the same key. */
#define READ                                                                   \
	"local count, till, born = string.match(\n"                            \
	"  redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%d+)$')\n"

/* KEYS count; ARGV free, first, most, window, 'last' or 'fixed', number. */
struct redis_script attempt_script = {.keys = 1,
    .text = READ
    "local free, first, most, window, from, n = unpack(ARGV)\n"
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "if count and tonumber(till) > now then\n"
    "  return {n, 'wait', string.format('%.0f', till - now)}\n"
    "end\n"
    "local left = redis.call('PTTL', KEYS[1])\n"
    "if from == 'last' or not count or left <= 0 then left = window end\n"
    "born = born or string.format('%.0f', t[1] * 1000000 + t[2])\n"
    "count = (count or 0) + 1\n"
    "till = '0'\n"
    "if count > tonumber(free) then\n"
    "  till = string.format('%.0f', now + math.min(tonumber(most),\n"
    "    first * 2 ^ math.min(30, count - free - 1)))\n"
    "end\n"
    "redis.call('SET', KEYS[1], string.format('%.0f %s %s', count, till,\n"
    "  born), 'PX', left)\n"
    "return {n, 'go', till, born}\n"};

/* KEYS count; ARGV till, born, 'all' or 'one', number. A wait that somebody
 * began later stays. */
struct redis_script attempt_back_script = {.keys = 1,
    .text = READ
    "local mine, of, what, n = unpack(ARGV)\n"
    "if not count or (what == 'one' and born ~= of) then return {n} end\n"
    "if what == 'all' or tonumber(count) <= 1 then\n"
    "  redis.call('DEL', KEYS[1])\n"
    "  return {n}\n"
    "end\n"
    "if till == mine then till = '0' end\n"
    "redis.call('SET', KEYS[1], string.format('%.0f %s %s', count - 1, till,\n"
    "  born), 'KEEPTTL')\n"
    "return {n}\n"};

#define KEY_ROOM 224

static void
count_key(char out[KEY_ROOM], const struct attempt *a)
{
	snprintf(out, KEY_ROOM, "withdraw:{sign-in %s %s}:attempts",
	    a->limit->what, a->who);
}

void
attempt_network(const char *address, char out[64])
{
	struct in6_addr a;
	const unsigned char *b = a.s6_addr;

	if (inet_pton(AF_INET6, address, &a) != 1)
		snprintf(out, 64, "%.63s", address);
	else if (IN6_IS_ADDR_V4MAPPED(&a))
		snprintf(out, 64, "%d.%d.%d.%d", b[12], b[13], b[14], b[15]);
	else
		snprintf(out, 64, "%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64",
		    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
}

void
attempt_set(struct attempt *a, const struct attempt_limit *limit,
    const char *name, const char *network)
{
	a->limit = limit;
	snprintf(a->who, sizeof(a->who), "%s%s%s", name,
	    *name != '\0' && *network != '\0' ? " from " : "", network);
}

bool
attempt_count(
    struct redis *redis, struct redis_call *call, const struct attempt *a)
{
	const struct attempt_limit *l = a->limit;
	char key[KEY_ROOM];

	count_key(key, a);
	return redis_call(redis, call, &attempt_script,
	    (const char *[]){key, l->free, l->first_ms, l->most_ms,
		l->window_ms, l->counted_from},
	    6);
}

static bool
is_number(const char *text, size_t most)
{
	size_t len = strlen(text);

	return len > 0 && len <= most && strspn(text, "0123456789") == len;
}

/* A wait that is none, or is longer than any of ours, is no answer: it must
 * not be one that lets go on. */
static long
read_wait(const char *text)
{
	if (!is_number(text, 9) || text[0] == '0')
		return -1;
	return strtol(text, NULL, 10);
}

long
attempt_wait_ms(struct attempt *a, const struct redis_reply_items *items)
{
	if (items == NULL || items->n < 3)
		return -1;
	if (items->n == 3 && strcmp(items->text[1], "wait") == 0)
		return read_wait(items->text[2]);
	if (items->n != 4 || strcmp(items->text[1], "go") != 0 ||
	    !is_number(items->text[2], sizeof(a->till) - 1) ||
	    !is_number(items->text[3], sizeof(a->born) - 1))
		return -1;
	snprintf(a->till, sizeof(a->till), "%s", items->text[2]);
	snprintf(a->born, sizeof(a->born), "%s", items->text[3]);
	return 0;
}

bool
attempt_back(struct redis *redis, struct redis_call *call,
    const struct attempt *a, bool right)
{
	char key[KEY_ROOM];

	count_key(key, a);
	return redis_call(redis, call, &attempt_back_script,
	    (const char *[]){key, a->till, a->born,
		right && a->limit->forgets ? "all" : "one"},
	    4);
}
