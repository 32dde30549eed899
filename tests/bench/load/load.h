/* load.h: what the modes of the load driver share: the options, the clients,
 * the figures, and the calls of the service, each with its answer checked. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ident.h"
#include "histogram.h"
#include "http.h"

struct options {
	struct sockaddr_in server;
	unsigned connections;
	double seconds, warmup, turn;
	unsigned requests; /* in place of seconds; 0: as the clock says */
	int64_t first_user;
	unsigned users;
	const char *amount;
	const char *user_header;
	const char *cookies; /* a file, or NULL */
	const char *path;
	int expect;      /* status of get */
	unsigned orders; /* finished ones, to replay */
	int timeout_s;
	bool json;
};

/* What is measured. */
enum kind {
	KIND_WITHDRAW,
	KIND_PAIR, /* the token and the withdrawal together */
	KIND_TOKEN,
	KIND_REPLAY,
	KIND_ROUND,   /* a storm, until the last client has its answer */
	KIND_HISTORY, /* GET /api/withdrawals */
	KIND_ACCOUNT,
	KIND_SESSION, /* GET /api/session */
	KIND_SHOW,    /* GET of one order */
	KIND_VOID,
	KIND_DECLINED,  /* for want of money */
	KIND_MISMATCH,  /* a finished order with another amount */
	KIND_TOKENLESS, /* a new order without a token */
	KIND_MALFORMED,
	KIND_UNKNOWN, /* GET of an order that is none */
	KIND_GET,
	KIND_ALONE,   /* another user's withdrawal, without a flood */
	KIND_FLOODED, /* and during one */
	KIND_FLOOD,   /* the flood's own requests */
	NKINDS
};

struct figures {
	struct histogram kind[NKINDS];
	uint64_t debits;  /* of all the run, not only while measuring */
	uint64_t refused; /* asked too early or too often, and asked again */
	uint64_t bad;     /* answers that must not be */
	double seconds;   /* that were measured */
	double cpu;       /* seconds of it that the driver used */
	double flood_cpu; /* and the flood's driver */
	unsigned long flood_sent; /* its requests, also those told too late */
};

struct run;

struct client {
	struct conn *conn;
	struct run *run;
	int64_t user;
	char order[UUID_TEXT], token[UUID_TEXT];
	char identity[256];          /* the header's line */
	bool final;                  /* storm: has the answer */
	int64_t began_ns;            /* the first try of the withdrawal */
	char (*finished)[UUID_TEXT]; /* orders to replay */
	unsigned nfinished;          /* of people: also those forgotten */
};

struct run {
	const struct options *opt;
	struct http http;
	struct client *clients; /* the one of conns[i] is clients[i] */
	struct figures *fig;
	uint64_t random[2];
	int64_t begin_ns, end_ns; /* what is answered between is measured */
	bool begun, ended;
	unsigned sent; /* requests, of all clients */
};

/* --- the run (run.c) ---------------------------------------------------- */

/* Clients, connections and random numbers; exits on failure. */
void run_open(struct run *r, const struct options *opt, struct figures *fig,
    unsigned connections);

/* Measuring begins after the warm-up, counted from now. */
void run_clock(struct run *r);

/* What was begun is over: for runs that end before the clock says so. */
void run_close(struct run *r);

/* May another round begin? */
bool run_goes_on(const struct run *r);

/* Counts the answer's duration, from began_ns on, if it is time to measure. */
void run_count(
    struct run *r, enum kind kind, int64_t began_ns, const struct answer *a);

uint64_t run_random(struct run *r);
void run_new_order(struct run *r, char out[UUID_TEXT]);

struct client *client_of(struct conn *c);
void client_is(struct client *cl, int64_t user);

/* A random user of the range, but never one whom another client may be. */
void client_is_anybody(struct client *cl);

/* An answer that must not be: counted, and the first one shown. */
void client_bad(
    struct client *cl, const struct answer *a, const char *expected);

/* --- the calls (calls.c) ------------------------------------------------ */

void ask_token(struct client *cl, http_answered *then);
void ask_withdraw(struct client *cl, bool with_token, http_answered *then);
/* The same with another amount; with a body of the caller's. */
void ask_withdraw_amount(struct client *cl, const char *amount, bool with_token,
    http_answered *then);
void ask_withdraw_body(
    struct client *cl, const char *body, http_answered *then);
void ask_show(struct client *cl, http_answered *then);
void ask_void(struct client *cl, http_answered *then);
void ask_get(struct client *cl, const char *path, http_answered *then);

/* Each returns whether the answer is what it has to be, and has told the run
 * otherwise. The first keeps the token. */
bool got_token(struct client *cl, const struct answer *a);
bool got_withdrawn(struct client *cl, const struct answer *a);
bool got_replay(struct client *cl, const struct answer *a);
bool got_json(struct client *cl, const struct answer *a, const char *key);
/* 200, and what the order is by now. */
bool got_state(struct client *cl, const struct answer *a, const char *state);
bool got_problem(
    struct client *cl, const struct answer *a, int status, const char *code);

/* A refusal with that code: "busy"? */
bool is_problem(const struct answer *a, const char *code);

/* --- the modes (modes.c, flood.c) --------------------------------------- */

void mode_pairs(const struct options *opt, struct figures *fig);
void mode_hot(const struct options *opt, struct figures *fig);
void mode_replays(const struct options *opt, struct figures *fig);
void mode_storm(const struct options *opt, struct figures *fig);
void mode_mix(const struct options *opt, struct figures *fig);
void mode_people(const struct options *opt, struct figures *fig);
void mode_get(const struct options *opt, struct figures *fig);
void mode_flood(const struct options *opt, struct figures *fig);

#endif
