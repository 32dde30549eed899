/* pg.h: the pool of Postgres connections that all requests of a worker share.
 *
 * A call is one prepared statement, in a transaction of its own: a round trip.
 * Its verdict says what is known of the commit, and no more:
 *   - rows are only reported once the server said, after its commit, that it
 *     is ready for the next statement, with no error and no warning about the
 *     commit in between (the rows alone are sent before it commits);
 *   - when a reply is lost, the connection is given up and the statement is
 *     sent again on another, until its deadline. Every statement here must
 *     therefore be safe to send any number of times.
 * A connection is used for nothing any more after any error on it.
 *
 * Calls that wait for a connection may share a transaction, where the statement
 * has a form for many. To a caller that makes no difference: a batch in which
 * anything goes wrong is undone by the server, whole, and each of its calls is
 * sent again by itself. */
#ifndef PG_H
#define PG_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct pg;
struct pg_conn;
struct pg_rows;

struct pg_statement {
	const char *name;
	const char *sql; /* with $1, $2, ...; types as the server infers them */
	/* A statement that does the same for many calls in one transaction, by
	 * its name, or NULL. Its first nvaried parameters are arrays, and its
	 * first column tells whose the row is, from 1 on: at most one a call.
	 * The other parameters are the same for all calls there are. */
	const char *many;
	int nvaried;
};

enum pg_verdict {
	PG_ROWS = 1,       /* committed; here are the rows, perhaps none */
	PG_FAILED = -1,    /* surely not committed */
	PG_UNCERTAIN = -2, /* may be committed, now or in a moment */
};

#define PG_PARAMS    6
#define PG_BATCH_MAX 64

/* A call; the caller's, who keeps it and what it points at until done. */
struct pg_call {
	const struct pg_statement *statement;
	const char *param[PG_PARAMS]; /* text; NULL is SQL's NULL */
	int nparams;
	/* At most one call of a lane (a user) is on the wire at a time: those
	 * who would only wait for each other's row do not use up the pool.
	 * 0: no lane. */
	int64_t lane;
	double timeout; /* seconds, from pg_submit() to done */
	void (*done)(struct pg_call *call, enum pg_verdict verdict,
	    const struct pg_rows *rows);
	const char *request; /* id, for the log */

	/* With PG_ROWS, until done returns: the history that the rows are of
	 * (withdraw_epoch()), which may be another than pg_epoch() by now. */
	const char *epoch;

	/* pg.c's own */
	struct pg *pg;
	struct pg_call *prev, *next;
	struct pg_conn *conn;
	ev_timer deadline;
	int tries;
	bool uncertain;
	bool alone; /* not in a batch any more */
};

/* Starts to connect cfg->pg_pool connections. statements: all that will be
 * called; they stay the caller's. */
struct pg *pg_open(struct ev_loop *loop, const struct config *cfg,
    const struct pg_statement *const statements[], size_t n);

/* Closes all connections. No call may be under way. */
void pg_free(struct pg **pg);

/* Is there a connection that can be used? */
bool pg_up(const struct pg *pg);

/* Why not, for people; "" before the first try ended. */
const char *pg_problem(const struct pg *pg);

/* The server was reached, and would lose commits that it acknowledged, or has
 * no ledger, or one of another version: an error of the set-up. */
bool pg_unfit(const struct pg *pg);

/* The history that the newest connection is of, "" if none was made so far. */
const char *pg_epoch(const struct pg *pg);

/* Runs the call; done is called once, never before this returns. Without any
 * connection, and none expected, it fails at once rather than at its time. */
void pg_submit(struct pg *pg, struct pg_call *call);

size_t pg_rows_count(const struct pg_rows *rows);

/* A value as text, NULL for SQL's NULL; valid until done returns. */
const char *pg_rows_text(const struct pg_rows *rows, size_t row, int column);

#endif
