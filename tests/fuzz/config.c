/* config.c: settings, an option a line. What is accepted is within the limits
 * of the README, and its timeouts are a ladder; what is refused is said why,
 * without the password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "fuzz.h"

enum { OPTIONS = 32 };

extern char **environ;

/* The last value of an option, "--name=value" or "--name" and a line; NULL:
 * it is not there. */
static const char *
value_of(char *const *argv, const char *name)
{
	const char *value = NULL;
	size_t len = strlen(name);

	for (argv++; *argv != NULL; argv++) {
		const char *arg = *argv, *eq = strchr(arg, '=');

		if (strcmp(arg, "-t") == 0)
			continue;
		if (strcmp(arg, "-s") == 0)
			arg = "--socket";
		if (eq == NULL && argv[1] == NULL)
			break;
		if (strncmp(arg, "--", 2) == 0 &&
		    strncmp(arg + 2, name, len) == 0 &&
		    (arg[2 + len] == '=' || arg[2 + len] == '\0'))
			value = eq != NULL ? eq + 1 : argv[1];
		argv += eq == NULL;
	}
	return value;
}

static void
is_number(char *const *argv, const char *name, int v, int min, int max)
{
	static struct fuzz_pattern digits = {.text = "^[0-9]+$"};
	const char *text = value_of(argv, name);

	HOLDS(v >= min && v <= max);
	if (text == NULL)
		return;
	HOLDS(fuzz_matches(&digits, text));
	while (*text == '0')
		text++;
	HOLDS(strlen(text) <= 10 && atoll(text) == v);
}

static void
is_redis(char *const *argv, const struct config *c)
{
	static struct fuzz_pattern tcp = {
	    .text = "^redis://(:.*@)?[^/@]+(/[0-9]*)?$"};
	static struct fuzz_pattern path = {
	    .text = "^unix:///[^?]*(\\?db=[0-9]*)?$"};
	const char *url = value_of(argv, "redis-url");

	HOLDS((c->redis_path == NULL) != (c->redis_host == NULL));
	HOLDS(c->redis_db >= 0 && c->redis_db <= 9999);
	if (c->redis_host != NULL)
		HOLDS(*c->redis_host != '\0' && c->redis_port >= 1 &&
		    c->redis_port <= 65535);
	else
		HOLDS(*c->redis_path == '/');
	if (url != NULL)
		HOLDS(fuzz_matches(c->redis_path != NULL ? &path : &tcp, url));
}

static void
is_ladder(const struct config *c)
{
	int64_t statement = config_statement_timeout_ms(c);

	HOLDS(0 < statement && statement < c->ledger_timeout_ms);
	HOLDS(c->ledger_timeout_ms < c->lock_ttl_ms);
	HOLDS(c->lock_ttl_ms < c->read_timeout_ms);
	HOLDS(c->read_timeout_ms < c->page_timeout_ms);
	/* the longest way of a request: it asks Redis, waits for a twin, asks
	 * again, and goes to the ledger */
	HOLDS((int64_t)2 * c->redis_timeout_ms + c->twin_wait_ms +
		c->ledger_timeout_ms <
	    c->read_timeout_ms);
}

static void
accepted(char *const *argv, const struct config *c)
{
	static struct fuzz_pattern currency = {.text = "^[A-Z]{3}$"};
	static struct fuzz_pattern money = {
	    .text = "^(0|[1-9][0-9]{0,12})(\\.[0-9]{1,2})?$"};
	static const char *const amounts[] = {"min", "max"};
	const int64_t minor[] = {c->min, c->max};
	const int day = 86400000, year = 31536000;
	size_t i;

	is_number(argv, "workers", c->workers, 1, 1024);
	is_number(argv, "pg-pool", c->pg_pool, 1, 256);
	is_number(argv, "token-ttl-ms", c->token_ttl_ms, 1, day);
	is_number(argv, "lock-ttl-ms", c->lock_ttl_ms, 1, day);
	is_number(argv, "ledger-timeout-ms", c->ledger_timeout_ms, 10, 3600000);
	is_number(argv, "result-ttl-s", c->result_ttl_s, 1, year);
	is_number(argv, "twin-wait-ms", c->twin_wait_ms, 0, 3600000);
	is_number(argv, "redis-timeout-ms", c->redis_timeout_ms, 10, 60000);
	is_number(argv, "read-timeout-ms", c->read_timeout_ms, 1, INT32_MAX);
	is_number(argv, "page-timeout-ms", c->page_timeout_ms, 1, INT32_MAX);
	is_number(argv, "max-requests", c->max_requests, 0, INT32_MAX);
	is_number(argv, "session-idle-s", c->session_idle_s, 1, year);
	is_number(argv, "session-max-s", c->session_max_s, 1, year);
	is_number(argv, "session-check-s", c->session_check_s, 1, 86400);
	is_redis(argv, c);
	is_ladder(c);
	HOLDS((c->guards &
		  ~(unsigned)(GUARD_TOKEN | GUARD_LOCK | GUARD_CACHE)) == 0);
	HOLDS(fuzz_matches(&currency, c->currency));
	HOLDS(c->min == -1 || c->max == -1 || c->min <= c->max);
	for (i = 0; i < 2; i++) {
		const char *text = value_of(argv, amounts[i]);

		if (text == NULL || *text == '\0')
			HOLDS(minor[i] == -1);
		else
			HOLDS(fuzz_matches(&money, text) && minor[i] > 0);
	}
}

/* A password must not be repeated, as stderr goes to logs: whatever is wrong
 * with a URL, the words are those about one that has none. */
static void
refused(char *const *argv, const char *error)
{
	static char *plain[] = {"withdrawd", "--redis-url=x", NULL};
	char about_plain[512];
	struct config c;

	HOLDS(*error != '\0');
	/* a URL in the place of something else */
	HOLDS(strncmp(error, "REDIS_URL", 9) == 0 ||
	    strstr(error, "://") == NULL);
	if (value_of(argv, "redis-url") == NULL ||
	    strncmp(error, "REDIS_URL", 9) != 0)
		return;
	HOLDS(config_read(2, plain, &c, about_plain, sizeof(about_plain)) ==
	    CONFIG_BAD);
	HOLDS(strcmp(error, about_plain) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *nothing[] = {NULL};
	struct fuzz_input in = {data, data + size};
	char *argv[OPTIONS + 2] = {fuzz_copy("withdrawd", 9)};
	char *error = malloc(512);
	struct config c;
	int argc = 1, i;
	size_t len;

	HOLDS(error != NULL);
	error[0] = '\0';
	environ = nothing;
	while (argc <= OPTIONS && (argv[argc] = fuzz_line(&in, &len)) != NULL)
		argc++;
	argv[argc] = NULL;
	memset(&c, 0x55, sizeof(c));
	switch (config_read(argc, argv, &c, error, 512)) {
	case CONFIG_OK:
		accepted(argv, &c);
		break;
	case CONFIG_BAD:
		refused(argv, error);
		break;
	case CONFIG_HELP:
	case CONFIG_VERSION:
		break;
	}
	for (i = 0; i < argc; i++)
		free(argv[i]);
	free(error);
	return 0;
}
