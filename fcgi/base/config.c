/* config.c: see config.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "money.h"

/* One setting: its variable, its flag (--workers=2 or --workers 2), the
 * default, how it is read, and a line of help. */
struct setting {
	const char *variable;
	const char *flag;
	const char *fallback;
	bool (*read)(const struct setting *s, const char *value,
	    struct config *c, char *error, size_t room);
	size_t offset;
	int min, max;
	const char *help;
};

/* What looks like a URL is not repeated: it may be Redis', which has a
 * password, and be in the wrong place. */
static bool
wrong(const struct setting *s, const char *value, const char *wanted,
    char *error, size_t room)
{
	if (strstr(value, "://") != NULL)
		snprintf(error, room, "%s is a URL: it must be %s", s->variable,
		    wanted);
	else
		snprintf(error, room, "%s is \"%s\": it must be %s",
		    s->variable, value, wanted);
	return false;
}

static bool
read_int(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	char wanted[96];
	char *end;
	long v;

	errno = 0;
	v = strtol(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end != '\0' || errno != 0 ||
	    v < s->min || v > s->max) {
		snprintf(wanted, sizeof(wanted), "a whole number from %d to %d",
		    s->min, s->max);
		return wrong(s, value, wanted, error, room);
	}
	*(int *)((char *)c + s->offset) = (int)v;
	return true;
}

static bool
read_path(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	if (strstr(value, "://") != NULL)
		return wrong(s, value, "a path", error, room);
	*(const char **)((char *)c + s->offset) = *value ? value : NULL;
	return true;
}

static bool
read_money(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	int64_t v = -1;

	if (*value != '\0' &&
	    (!money_parse(value, strlen(value), &v) || v == 0))
		return wrong(s, value, "an amount above zero such as 10.00",
		    error, room);
	*(int64_t *)((char *)c + s->offset) = v;
	return true;
}

static bool
read_currency(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	if (strlen(value) != 3 ||
	    strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		return wrong(s, value,
		    "a currency of three capital letters such as CNY", error,
		    room);
	c->currency = value;
	return true;
}

static bool
read_guards(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {{"token", GUARD_TOKEN}, {"lock", GUARD_LOCK},
	    {"cache", GUARD_CACHE}, {"none", 0}};
	const char *p = value;

	c->guards = 0;
	while (*p != '\0') {
		size_t len = strcspn(p, ","), i;

		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strlen(names[i].name) == len &&
			    memcmp(names[i].name, p, len) == 0)
				break;
		if (i == sizeof(names) / sizeof(names[0]))
			return wrong(s, value,
			    "a list out of token,lock,cache, or none", error,
			    room);
		c->guards |= names[i].bit;
		p += len;
		p += *p == ',';
	}
	return true;
}

static bool
read_redis_down(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	if (strcmp(value, "refuse") != 0 && strcmp(value, "ledger-only") != 0)
		return wrong(s, value, "ledger-only or refuse", error, room);
	c->redis_refuse = strcmp(value, "refuse") == 0;
	return true;
}

static bool
read_https(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	if (strcmp(value, "always") != 0 && strcmp(value, "auto") != 0)
		return wrong(s, value, "auto or always", error, room);
	c->https = strcmp(value, "always") == 0;
	return true;
}

static bool
read_sandbox(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return wrong(s, value, "on or off", error, room);
	c->sandbox = strcmp(value, "on") == 0;
	return true;
}

/* %41 -> A, in place. */
static bool
percent_decode(char *s)
{
	char *out = s;

	while (*s != '\0') {
		if (*s != '%') {
			*out++ = *s++;
			continue;
		}
		if (!isxdigit((unsigned char)s[1]) ||
		    !isxdigit((unsigned char)s[2]))
			return false;
		char hex[3] = {s[1], s[2], '\0'};
		*out = (char)strtol(hex, NULL, 16);
		if (*out++ == '\0')
			return false; /* would end the text unseen */
		s += 3;
	}
	*out = '\0';
	return true;
}

static bool
parse_db(const char *s, int *db_r)
{
	char *end;
	long v;

	if (*s == '\0') {
		*db_r = 0;
		return true;
	}
	v = strtol(s, &end, 10);
	if (!isdigit((unsigned char)*s) || *end != '\0' || v > 9999)
		return false;
	*db_r = (int)v;
	return true;
}

/* unix:///path?db=0 */
static bool
parse_redis_unix(char *path, struct config *c)
{
	char *query = strchr(path, '?');

	if (query != NULL) {
		*query++ = '\0';
		if (strncmp(query, "db=", 3) != 0 ||
		    !parse_db(query + 3, &c->redis_db))
			return false;
	}
	if (path[0] != '/' || !percent_decode(path))
		return false;
	c->redis_path = path;
	return true;
}

/* redis://[:password@]host[:port][/db] */
static bool
parse_redis_tcp(char *rest, struct config *c)
{
	char *at = strrchr(rest, '@'), *slash, *colon, *end;
	long port = 6379;

	if (at != NULL) {
		*at = '\0';
		if (*rest != ':' || !percent_decode(rest + 1))
			return false;
		c->redis_password = rest + 1;
		rest = at + 1;
	}
	slash = strchr(rest, '/');
	if (slash != NULL) {
		*slash++ = '\0';
		if (!parse_db(slash, &c->redis_db))
			return false;
	}
	colon = strrchr(rest, ':');
	if (colon != NULL) {
		*colon++ = '\0';
		port = strtol(colon, &end, 10);
		if (!isdigit((unsigned char)*colon) || *end != '\0' ||
		    port < 1 || port > 65535)
			return false;
	}
	if (*rest == '\0')
		return false;
	c->redis_host = rest;
	c->redis_port = (int)port;
	return true;
}

static bool
read_redis_url(const struct setting *s, const char *value, struct config *c,
    char *error, size_t room)
{
	char *copy = c->redis_text;
	bool ok = false;

	if (strlen(value) < sizeof(c->redis_text)) {
		strcpy(copy, value);
		if (strncmp(copy, "unix://", 7) == 0)
			ok = parse_redis_unix(copy + 7, c);
		else if (strncmp(copy, "redis://", 8) == 0)
			ok = parse_redis_tcp(copy + 8, c);
	}
	if (!ok) /* the value may hold a password: it is not repeated */
		snprintf(error, room,
		    "%s must be redis://[:password@]host:port/db or "
		    "unix:///path?db=0, and below %zu bytes",
		    s->variable, sizeof(c->redis_text));
	return ok;
}

#define AT(field) offsetof(struct config, field)

static const struct setting settings[] = {
    {"WITHDRAW_SOCKET", "socket", "", read_path, AT(socket), 0, 0,
	"path of the listening socket; without it, file descriptor 0"},
    {"WITHDRAW_WORKERS", "workers", NULL, read_int, AT(workers), 1, 1024,
	"worker processes; without it, one a core"},
    {"WITHDRAW_PG_POOL", "pg-pool", "8", read_int, AT(pg_pool), 1, 256,
	"Postgres connections of each worker"},
    {"WITHDRAW_PG_BATCH", "pg-batch", "16", read_int, AT(pg_batch), 1, 64,
	"withdrawals that may share a transaction; 1: each has its own"},
    {"REDIS_URL", "redis-url", "redis://127.0.0.1:6379/0", read_redis_url, 0, 0,
	0, "redis://[:password@]host:port/db or unix:///path?db=0"},
    {"WITHDRAW_GUARDS", "guards", "token,lock,cache", read_guards, 0, 0, 0,
	"which of token,lock,cache are on; none: the ledger alone"},
    {"WITHDRAW_REDIS_DOWN", "redis-down", "ledger-only", read_redis_down, 0, 0,
	0, "without Redis: go on ledger-only, or refuse with 503"},
    {"WITHDRAW_TOKEN_TTL_MS", "token-ttl-ms", "5000", read_int,
	AT(token_ttl_ms), 1, 86400000, "life of a token"},
    {"WITHDRAW_LOCK_TTL_MS", "lock-ttl-ms", "10000", read_int, AT(lock_ttl_ms),
	1, 86400000, "lease of a user's lock"},
    {"WITHDRAW_LEDGER_TIMEOUT_MS", "ledger-timeout-ms", "5000", read_int,
	AT(ledger_timeout_ms), 10, 3600000,
	"the ledger step, with all its tries"},
    {"WITHDRAW_RESULT_TTL_S", "result-ttl-s", "3600", read_int,
	AT(result_ttl_s), 1, 31536000, "life of a recorded answer"},
    {"WITHDRAW_TWIN_WAIT_MS", "twin-wait-ms", "1000", read_int,
	AT(twin_wait_ms), 0, 3600000,
	"how long a twin waits for the first one's answer"},
    {"WITHDRAW_REDIS_TIMEOUT_MS", "redis-timeout-ms", "500", read_int,
	AT(redis_timeout_ms), 10, 60000,
	"a Redis that does not reply for so long is taken for down"},
    {"WITHDRAW_READ_TIMEOUT_MS", "read-timeout-ms", "15000", read_int,
	AT(read_timeout_ms), 1, INT_MAX,
	"what fastcgi_read_timeout is in nginx"},
    {"WITHDRAW_PAGE_TIMEOUT_MS", "page-timeout-ms", "20000", read_int,
	AT(page_timeout_ms), 1, INT_MAX, "what the page waits"},
    {"WITHDRAW_MAX_REQUESTS", "max-requests", "100000", read_int,
	AT(max_requests), 0, INT_MAX,
	"a worker is replaced after so many requests; 0: never"},
    {"WITHDRAW_SESSION_IDLE_S", "session-idle-s", "1800", read_int,
	AT(session_idle_s), 1, 31536000,
	"a session of our sign-in ends when it is not used for so long"},
    {"WITHDRAW_SESSION_MAX_S", "session-max-s", "43200", read_int,
	AT(session_max_s), 1, 31536000, "and after so long in any case"},
    {"WITHDRAW_SESSION_CHECK_S", "session-check-s", "30", read_int,
	AT(session_check_s), 1, 86400,
	"a password that was changed ends sessions after so long at most"},
    {"WITHDRAW_HTTPS", "https", "auto", read_https, 0, 0, 0,
	"always: clients come by https, which ends in front of nginx"},
    {"WITHDRAW_SANDBOX", "sandbox", "on", read_sandbox, 0, 0, 0,
	"off: workers may make any system call"},
    {"WITHDRAW_CURRENCY", "currency", "CNY", read_currency, 0, 0, 0,
	"the currency of all accounts"},
    {"WITHDRAW_MIN", "min", "", read_money, AT(min), 0, 0,
	"the smallest withdrawal; without it, any"},
    {"WITHDRAW_MAX", "max", "", read_money, AT(max), 0, 0,
	"the largest withdrawal; without it, any"},
};

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

void
config_help(FILE *out)
{
	size_t i;

	for (i = 0; i < NSETTINGS; i++) {
		const struct setting *s = &settings[i];

		fprintf(
		    out, "  --%-18s %-27s %s", s->flag, s->variable, s->help);
		if (s->fallback != NULL && *s->fallback != '\0')
			fprintf(out, " (%s)", s->fallback);
		fputc('\n', out);
	}
}

int
config_statement_timeout_ms(const struct config *c)
{
	int t = c->ledger_timeout_ms / 5 * 4;

	return t > 0 ? t : 1;
}

/* The ladder (design, section 5): each rung must end before the next, or an
 * answer is lost on its way up. */
static bool
check_ladder(const struct config *c, char *error, size_t room)
{
	const struct {
		const char *name;
		int ms;
	} rungs[] = {
	    {"the statement timeout (4/5 of WITHDRAW_LEDGER_TIMEOUT_MS)",
		config_statement_timeout_ms(c)},
	    {"WITHDRAW_LEDGER_TIMEOUT_MS", c->ledger_timeout_ms},
	    {"WITHDRAW_LOCK_TTL_MS", c->lock_ttl_ms},
	    {"WITHDRAW_READ_TIMEOUT_MS (nginx's fastcgi_read_timeout)",
		c->read_timeout_ms},
	    {"WITHDRAW_PAGE_TIMEOUT_MS", c->page_timeout_ms},
	};
	int64_t worst = (int64_t)c->redis_timeout_ms + c->twin_wait_ms +
	    c->redis_timeout_ms + c->ledger_timeout_ms + SETTLE_WAIT_MS;
	size_t i;

	for (i = 1; i < sizeof(rungs) / sizeof(rungs[0]); i++)
		if (rungs[i - 1].ms >= rungs[i].ms) {
			snprintf(error, room,
			    "the ladder of timeouts is "
			    "broken: %s is %d ms and must be below %s, which "
			    "is %d ms",
			    rungs[i - 1].name, rungs[i - 1].ms, rungs[i].name,
			    rungs[i].ms);
			return false;
		}
	if (worst >= c->read_timeout_ms) {
		snprintf(error, room,
		    "the ladder of timeouts is broken: the "
		    "longest request (a twin's wait, the ledger step and what "
		    "Redis may take) is %lld ms and must be below "
		    "WITHDRAW_READ_TIMEOUT_MS (nginx's fastcgi_read_timeout), "
		    "which is %d ms",
		    (long long)worst, c->read_timeout_ms);
		return false;
	}
	return true;
}

static const struct setting *
find_flag(const char *arg, size_t len)
{
	size_t i;

	for (i = 0; i < NSETTINGS; i++)
		if (strlen(settings[i].flag) == len &&
		    memcmp(settings[i].flag, arg, len) == 0)
			return &settings[i];
	return NULL;
}

/* Fills value[] from the flags; values of settings without a flag stay. */
static enum config_verdict
read_flags(int argc, char *const argv[], const char *value[NSETTINGS],
    struct config *c, char *error, size_t room)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *arg = argv[i];
		const struct setting *s = NULL;
		size_t len;

		if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0)
			return CONFIG_HELP;
		if (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0)
			return CONFIG_VERSION;
		if (strcmp(arg, "-t") == 0) {
			c->test_only = true;
			continue;
		}
		if (strcmp(arg, "-s") == 0)
			arg = "--socket";
		len = strcspn(arg, "=");
		if (strncmp(arg, "--", 2) == 0)
			s = find_flag(arg + 2, len - 2);
		if (s == NULL) {
			/* what is no option may be a URL, which may hold a
			 * password, and so may what is behind "=", or behind an
			 * option that lacks it */
			if (*arg == '-')
				snprintf(error, room,
				    "there is no option \"%.*s\"; see --help",
				    (int)strcspn(arg, "=:"), arg);
			else
				snprintf(error, room,
				    "argument %d is no option; see --help", i);
			return CONFIG_BAD;
		}
		if (arg[len] != '=' && ++i == argc) {
			snprintf(error, room, "the option --%s needs a value",
			    s->flag);
			return CONFIG_BAD;
		}
		value[s - settings] = arg[len] == '=' ? arg + len + 1 : argv[i];
	}
	return CONFIG_OK;
}

enum config_verdict
config_read(
    int argc, char *const argv[], struct config *c_r, char *error, size_t room)
{
	const char *value[NSETTINGS];
	char cores[16];
	enum config_verdict v;
	size_t i;

	*c_r = (struct config){.min = -1, .max = -1};
	snprintf(cores, sizeof(cores), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	for (i = 0; i < NSETTINGS; i++) {
		value[i] = getenv(settings[i].variable);
		if (value[i] == NULL)
			value[i] = settings[i].fallback;
		if (value[i] == NULL)
			value[i] = cores;
	}
	v = read_flags(argc, argv, value, c_r, error, room);
	if (v != CONFIG_OK)
		return v;
	for (i = 0; i < NSETTINGS; i++)
		if (!settings[i].read(&settings[i], value[i], c_r, error, room))
			return CONFIG_BAD;
	if (c_r->min > 0 && c_r->max > 0 && c_r->min > c_r->max) {
		snprintf(error, room,
		    "WITHDRAW_MIN is above WITHDRAW_MAX: "
		    "nothing could be withdrawn");
		return CONFIG_BAD;
	}
	return check_ladder(c_r, error, room) ? CONFIG_OK : CONFIG_BAD;
}
