/* session.c: see session.h. */
#include "session.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/config.h"
#include "base/hex.h"
#include "base/ident.h"
#include "base/log.h"

/* A session's value: name, generation, when it began, when the ledger was
 * asked last, both in ms of Redis' clock. A new one is asked about at its first
 * use: the password may have been changed while it was looked at. */
#define NOW                                                                    \
	"local t = redis.call('TIME')\n"                                       \
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
#define READ                                                                   \
	"local name, generation, began, asked = string.match(\n"               \
	"  redis.call('GET', KEYS[1]) or '', '^(%S+) (%d+) (%d+) (%d+)$')\n"

/* KEYS session; ARGV name, generation, idle and longest time in ms, number. */
struct redis_script session_begin_script = {.keys = 1,
    .text = NOW "redis.call('SET', KEYS[1], string.format('%s %s %.0f 0',\n"
		"  ARGV[1], ARGV[2], now), 'PX',\n"
		"  math.min(ARGV[3], ARGV[4]))\n"
		"return {ARGV[5]}\n"};

/* KEYS session, when all were ended; ARGV idle ('': this is no use of it),
 * longest, time between two questions to the ledger, number. */
struct redis_script session_check_script = {.keys = 2,
    .text = NOW READ
    "local idle, longest, every, n = unpack(ARGV)\n"
    "if not name then return {n, 'none'} end\n"
    "local left = began + longest - now\n"
    "if left <= 0 or\n"
    "    tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(began) then\n"
    "  redis.call('DEL', KEYS[1])\n"
    "  return {n, 'none'}\n"
    "end\n"
    "if idle ~= '' then\n"
    "  redis.call('PEXPIRE', KEYS[1], string.format('%.0f',\n"
    "    math.min(idle, left)))\n"
    "end\n"
    "if now - asked >= tonumber(every) then\n"
    "  return {n, 'ask', name, generation}\n"
    "end\n"
    "return {n, 'good', name, generation}\n"};

/* KEYS session; ARGV number. */
struct redis_script session_touch_script = {.keys = 1,
    .text = NOW READ
    "local left = redis.call('PTTL', KEYS[1])\n"
    "if name and left > 0 then\n"
    "  redis.call('SET', KEYS[1], string.format('%s %s %s %.0f', name,\n"
    "    generation, began, now), 'PX', left)\n"
    "end\n"
    "return {ARGV[1]}\n"};

/* KEYS session, when all were ended; ARGV longest ('' : this one alone),
 * number. */
struct redis_script session_end_script = {.keys = 2,
    .text = NOW
    "redis.call('DEL', KEYS[1])\n"
    "if ARGV[1] ~= '' then\n"
    "  redis.call('SET', KEYS[2], string.format('%.0f', now), 'PX', ARGV[1])\n"
    "end\n"
    "return {ARGV[2]}\n"};

#define KEY_ROOM 128

static void
session_key(char out[KEY_ROOM], const struct session *s)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char hex[SESSION_SECRET];

	SHA256((const unsigned char *)s->secret, strlen(s->secret), hash);
	hex_text(hash, sizeof(hash), hex);
	snprintf(
	    out, KEY_ROOM, "withdraw:{%" PRId64 "}:session:%s", s->user, hex);
}

static void
all_key(char out[KEY_ROOM], const struct session *s)
{
	snprintf(out, KEY_ROOM, "withdraw:{%" PRId64 "}:signed-out", s->user);
}

static const char *
ms_text(int seconds, char out[24])
{
	snprintf(out, 24, "%" PRId64, (int64_t)seconds * 1000);
	return out;
}

void
session_make(
    int64_t user, struct session *session_r, char cookie[SESSION_COOKIE])
{
	unsigned char secret[32];

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		fatal("could not have random bytes");
	session_r->user = user;
	hex_text(secret, sizeof(secret), session_r->secret);
	snprintf(
	    cookie, SESSION_COOKIE, "%" PRId64 ".%s", user, session_r->secret);
}

bool
session_parse(const char *cookie, struct session *session_r)
{
	const char *dot = strchr(cookie, '.');
	char user[24];

	if (dot == NULL || dot - cookie >= (int)sizeof(user) ||
	    strlen(dot + 1) != SESSION_SECRET - 1 ||
	    strspn(dot + 1, "0123456789abcdef") != SESSION_SECRET - 1)
		return false;
	snprintf(user, sizeof(user), "%.*s", (int)(dot - cookie), cookie);
	memcpy(session_r->secret, dot + 1, SESSION_SECRET);
	return user_id_parse(user, &session_r->user);
}

bool
session_begin(struct redis *redis, struct redis_call *call,
    const struct config *cfg, const struct session *session, const char *name,
    const char *generation)
{
	char key[KEY_ROOM], idle[24], longest[24];

	session_key(key, session);
	return redis_call(redis, call, &session_begin_script,
	    (const char *[]){key, name, generation,
		ms_text(cfg->session_idle_s, idle),
		ms_text(cfg->session_max_s, longest)},
	    5);
}

bool
session_check(struct redis *redis, struct redis_call *call,
    const struct config *cfg, const struct session *session, bool use)
{
	char key[KEY_ROOM], all[KEY_ROOM], idle[24], longest[24], every[24];

	session_key(key, session);
	all_key(all, session);
	return redis_call(redis, call, &session_check_script,
	    (const char *[]){key, all,
		use ? ms_text(cfg->session_idle_s, idle) : "",
		ms_text(cfg->session_max_s, longest),
		ms_text(cfg->session_check_s, every)},
	    5);
}

/* Returns false where it does not fit, or is not there: Redis has been given
 * neither by us. */
static bool
take_text(char *out, size_t room, const char *text)
{
	return *text != '\0' && snprintf(out, room, "%s", text) < (int)room;
}

enum session_state
session_read(const struct redis_reply_items *items, char name[SESSION_NAME],
    char generation[24])
{
	if (items == NULL || items->n < 2)
		return SESSION_UNKNOWN;
	if (strcmp(items->text[1], "none") == 0)
		return SESSION_NONE;
	if (items->n != 4 || !take_text(name, SESSION_NAME, items->text[2]) ||
	    !take_text(generation, 24, items->text[3]))
		return SESSION_UNKNOWN;
	if (strcmp(items->text[1], "ask") == 0)
		return SESSION_ASK;
	return strcmp(items->text[1], "good") == 0 ? SESSION_GOOD
						   : SESSION_UNKNOWN;
}

bool
session_touch(
    struct redis *redis, struct redis_call *call, const struct session *session)
{
	char key[KEY_ROOM];

	session_key(key, session);
	return redis_call(
	    redis, call, &session_touch_script, (const char *[]){key}, 1);
}

bool
session_end(struct redis *redis, struct redis_call *call,
    const struct config *cfg, const struct session *session, bool all)
{
	char key[KEY_ROOM], ended[KEY_ROOM], longest[24] = "";

	session_key(key, session);
	all_key(ended, session);
	if (all)
		ms_text(cfg->session_max_s, longest);
	return redis_call(redis, call, &session_end_script,
	    (const char *[]){key, ended, longest}, 3);
}
