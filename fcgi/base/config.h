/* config.h: the settings of withdrawd.
 *
 * Flags override the environment, which overrides the defaults; one table in
 * config.c says all three, the limits and the help. Postgres' own settings
 * (PGHOST and so on) are libpq's and are not looked at here. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum guard {
	GUARD_TOKEN = 1 << 0,
	GUARD_LOCK = 1 << 1,
	GUARD_CACHE = 1 << 2,
};

/* How long an answer may wait for Redis to acknowledge (design, section 5). */
#define SETTLE_WAIT_MS 50

struct config {
	const char *socket; /* path of the listening socket, or NULL: fd 0 */
	int workers;
	int pg_pool;       /* Postgres connections of a worker */
	int pg_batch;      /* withdrawals that may share a transaction */
	unsigned guards;   /* enum guard, or-ed */
	bool redis_refuse; /* Redis down: refuse, not ledger-only */
	int token_ttl_ms;
	int lock_ttl_ms;
	int ledger_timeout_ms; /* the ledger step, with all its tries */
	int result_ttl_s;
	int twin_wait_ms;
	int redis_timeout_ms; /* no reply for so long: connection dropped */
	int read_timeout_ms;  /* what nginx's fastcgi_read_timeout is */
	int page_timeout_ms;  /* what the page waits for an answer */
	int max_requests;     /* a worker recycles after these; 0: never */
	int session_idle_s;   /* a session that is not used ends */
	int session_max_s;    /* and any does */
	int session_check_s;  /* the ledger is asked about it so often */
	bool https;           /* clients come by it, whatever nginx says */
	bool sandbox;         /* workers may call only what they need */
	const char *currency; /* three capital letters */
	int64_t min, max;     /* of one withdrawal; -1: no limit */

	/* REDIS_URL, taken apart; the parts point into redis_text */
	char redis_text[512];
	const char *redis_path; /* unix socket, or NULL */
	const char *redis_host;
	int redis_port;
	int redis_db;
	const char *redis_password; /* or NULL */

	bool test_only; /* -t */
};

/* The server ends a statement at this age, before the ledger step's own
 * deadline: then the answer is known, and not only guessed. In ms. */
int config_statement_timeout_ms(const struct config *c);

enum config_verdict { CONFIG_OK, CONFIG_BAD, CONFIG_HELP, CONFIG_VERSION };

/* Reads environment and flags into *c_r. CONFIG_BAD: what is wrong, and what
 * to do, is in error. argv's strings must live as long as *c_r. */
enum config_verdict config_read(
    int argc, char *const argv[], struct config *c_r, char *error, size_t room);

/* The table of settings, for --help. */
void config_help(FILE *out);

#endif
