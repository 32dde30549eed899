/*
 * The ledger as the tests see it: straight in Postgres, as its superuser.
 * Users are named by their decimal user_id, which is how they sign in too
 * ("2001" signs in as user2001). A query that fails fails the test.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>

/* A user with an account that holds this much and was never withdrawn from,
 * another one at each call; ledger_check will look at it. */
const char *ledger_open(const char *balance);
void ledger_credit(const char *user, const char *amount);
void ledger_freeze(const char *user);
void ledger_unfreeze(const char *user);

/* One of the demo sign-ins for whom no account is ever opened. */
const char *ledger_stranger(void);

/* Runs a query with its parameters as text, up to a NULL; the first column of
 * the first row, or NULL where there is no row or it is SQL's NULL. */
__attribute__((sentinel)) const char *ledger_sql(const char *query, ...);
__attribute__((sentinel)) long ledger_number(const char *query, ...);

/* The record of an order: "succeeded", "declined", "void", "none". */
const char *ledger_status(const char *order);
/* How often the order was debited. */
long ledger_debits(const char *order);
/* How many of the user's records have succeeded. */
long ledger_succeeded(const char *user);
const char *ledger_balance(const char *user);

/* Locks the user's account from a connection of the test's own, so that a
 * withdrawal that reaches the ledger stays there until ledger_release, which
 * a test that fails need not call. "7,8" are two users. */
void ledger_hold(const char *user);
void ledger_release(void);

/* How many of the service's connections wait for a lock, and go on waiting: not
 * a batch, which gives up soon, so that each call in it is sent by itself. */
long ledger_blocked(void);
/* Ends the service's connections, or those of them that wait for a lock. */
void ledger_terminate_all(void);
void ledger_terminate_blocked(void);

/* Changes a setting of the server (NULL: back to its default) and waits until
 * new connections see it. */
void ledger_configure(const char *name, const char *value);

/* Waits for no standby any more. Made to be an unchecked teardown, which also
 * runs where the test died: it leaves no connection behind in the process that
 * forks the tests. */
void ledger_give_up_standby(void);

/* Before Postgres is stopped: the next query connects anew. */
void ledger_disconnect(void);

/* The promises of the ledger for each user that this test opened. */
void ledger_check(void);

/* Applies sql/ to a database, as that role, by psql; a word of complaint fails
 * the test. */
void ledger_apply(const char *role, const char *database);

/* Forgets the test's users and disconnects. */
void ledger_reset(void);

#endif
