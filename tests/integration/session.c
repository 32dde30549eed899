/* Connections of a test's own to the ledger: see session.h. */
#include "session.h"

#include <check.h>
#include <libpq-fe.h>
#include <stddef.h>

#include "ledger.h"
#include "support.h"

enum { SESSIONS_MAX = 8 };

struct session {
	PGconn *conn;
	const char *query; /* the last one */
};

static struct session sessions[SESSIONS_MAX];
static size_t session_count;

struct session *
session_open_in(const char *database, const char *role)
{
	const char *const keys[] = {
	    "dbname", "user", "connect_timeout", "options", NULL};
	const char *const values[] = {
	    database, role, "10", "-c client_min_messages=warning", NULL};
	struct session *session;

	ck_assert_uint_lt(session_count, SESSIONS_MAX);
	session = &sessions[session_count++];
	session->conn = PQconnectdbParams(keys, values, 0);
	ck_assert_msg(PQstatus(session->conn) == CONNECTION_OK,
	    "could not connect as %s: %s", role, PQerrorMessage(session->conn));
	return session;
}

struct session *
session_open(const char *role)
{
	return session_open_in(NULL, role);
}

void
session_send(struct session *session, const char *query)
{
	session->query = query;
	ck_assert_msg(PQsendQuery(session->conn, query) == 1, "%s\n%s", query,
	    PQerrorMessage(session->conn));
}

static bool
answered(struct session *session)
{
	ck_assert_msg(PQconsumeInput(session->conn) == 1, "%s\n%s",
	    session->query, PQerrorMessage(session->conn));
	return PQisBusy(session->conn) == 0;
}

/* The only result of what was sent; a text of several statements is refused,
 * since it would be one transaction. */
static PGresult *
take_result(struct session *session)
{
	PGresult *result;

	WAIT_UNTIL(answered(session));
	result = PQgetResult(session->conn);
	ck_assert_ptr_nonnull(result);
	WAIT_UNTIL(answered(session));
	ck_assert_msg(PQgetResult(session->conn) == NULL,
	    "more than one statement: %s", session->query);
	return result;
}

const char *
session_result(struct session *session)
{
	PGresult *result = take_result(session);
	ExecStatusType status = PQresultStatus(result);
	const char *text = NULL;

	ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK,
	    "%s\n%s", session->query, PQresultErrorMessage(result));
	if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
		text = keep_format("%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return text;
}

const char *
session_run(struct session *session, const char *query)
{
	session_send(session, query);
	return session_result(session);
}

const char *
session_state(struct session *session, const char *query)
{
	PGresult *result;
	const char *state;

	session_send(session, query);
	result = take_result(session);
	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	state = keep_format("%s", state != NULL ? state : "");
	PQclear(result);
	return state;
}

static bool
notified(struct session *session, PGnotify **notification_r)
{
	ck_assert_msg(PQconsumeInput(session->conn) == 1, "%s",
	    PQerrorMessage(session->conn));
	*notification_r = PQnotifies(session->conn);
	return *notification_r != NULL;
}

const char *
session_notification(struct session *session)
{
	PGnotify *notification;
	const char *text;

	WAIT_UNTIL(notified(session, &notification));
	text = keep_format("%s", notification->extra);
	PQfreemem(notification);
	return text;
}

bool
session_waits_for(const struct session *session, const struct session *other)
{
	return ledger_number("SELECT count(*) WHERE $2::int = "
			     "ANY (pg_blocking_pids($1::int))",
		   keep_format("%d", PQbackendPID(session->conn)),
		   keep_format("%d", PQbackendPID(other->conn)), NULL) == 1;
}

void
session_close_all(void)
{
	while (session_count > 0)
		PQfinish(sessions[--session_count].conn);
}
