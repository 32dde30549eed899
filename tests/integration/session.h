/*
 * Connections of a test's own to the ledger, as any role, several at once,
 * so that one can wait for another. Each is a plain session of Postgres: what
 * it begins stays uncommitted until it says COMMIT.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>

struct session;

struct session *session_open(const char *role);
/* The same in another database. */
struct session *session_open_in(const char *database, const char *role);

/* Runs a statement that must succeed: the first column of its first row, or
 * NULL. */
const char *session_run(struct session *session, const char *query);
/* The same in two halves: nothing else may be run between them. */
void session_send(struct session *session, const char *query);
const char *session_result(struct session *session);

/* Runs a statement that may be refused: its SQLSTATE, "" if it was not. */
const char *session_state(struct session *session, const char *query);

/* What the next notification says, of those that it has said LISTEN for; waits
 * for it. They come in the order of the commits. */
const char *session_notification(struct session *session);

/* Does it wait for a lock that the other one holds? */
bool session_waits_for(
    const struct session *session, const struct session *other);

/* Rolls back what is open; whoever waits for that goes on. */
void session_close_all(void);

#endif
