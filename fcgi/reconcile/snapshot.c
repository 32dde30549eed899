/* snapshot.c: see snapshot.h. */
#include "snapshot.h"

#include <endian.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/output.h"

struct snapshot {
	int n;
	PGconn *conn[SNAPSHOT_QUERIES];
};

/* --- opening -------------------------------------------------------------- */

static void
complain(const PGconn *c, const char *what)
{
	const char *why = PQerrorMessage(c);

	ctl_complain("could not %s: %.*s", what, (int)strcspn(why, "\n"), why);
}

/* The first value of a query's first row, or NULL; for free(). */
static char *
ask(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);
	char *value = NULL;

	if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1 &&
	    !PQgetisnull(r, 0, 0))
		value = strdup(PQgetvalue(r, 0, 0));
	PQclear(r);
	return value;
}

static bool
run(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);
	bool done = PQresultStatus(r) == PGRES_COMMAND_OK;

	PQclear(r);
	return done;
}

static PGconn *
begin(void)
{
	static const char *const keys[] = {
	    "fallback_application_name", "client_encoding", NULL};
	/* what is hashed is UTF-8 */
	const char *const values[] = {ctl_program, "UTF8", NULL};
	PGconn *c = PQconnectdbParams(keys, values, 0);

	/* a journal of any length is read to its end, and one connection may
	 * have nothing to do while the other reads */
	if (PQstatus(c) == CONNECTION_OK &&
	    run(c, "SET statement_timeout = 0") &&
	    run(c, "SET idle_in_transaction_session_timeout = 0") &&
	    run(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
		return c;
	complain(c, "begin to read the ledger");
	PQfinish(c);
	return NULL;
}

/* Lets the other connections see what the first one sees. */
static bool
share(struct snapshot *s)
{
	char *name = ask(s->conn[0], "SELECT pg_export_snapshot()");
	bool shared = name != NULL;
	int i;

	for (i = 1; i < s->n && shared; i++) {
		char sql[128];

		s->conn[i] = begin();
		snprintf(
		    sql, sizeof(sql), "SET TRANSACTION SNAPSHOT '%s'", name);
		shared = s->conn[i] != NULL && run(s->conn[i], sql);
	}
	free(name);
	return shared;
}

struct snapshot *
snapshot_open(int queries, int64_t *watermark_r)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	char *watermark = NULL;

	s->n = queries;
	s->conn[0] = begin();
	if (s->conn[0] != NULL && share(s))
		watermark = ask(s->conn[0],
		    "SELECT pg_snapshot_xmin(pg_current_snapshot())");
	if (watermark == NULL) {
		if (s->conn[0] != NULL)
			complain(s->conn[0], "take a snapshot of the ledger");
		snapshot_close(&s);
		return NULL;
	}
	*watermark_r = strtoll(watermark, NULL, 10);
	free(watermark);
	return s;
}

void
snapshot_close(struct snapshot **s)
{
	int i;

	if (*s == NULL)
		return;
	for (i = 0; i < (*s)->n; i++)
		PQfinish((*s)->conn[i]);
	free(*s);
	*s = NULL;
}

/* --- rows ---------------------------------------------------------------- */

/* COPY's binary format: a signature, flags, an extension; then tuples, each a
 * count of fields (-1: the end) and for each its length (-1: NULL) and bytes.
 * The server sends whole tuples in a message. */
static const char signature[11] = "PGCOPY\n\377\r\n\0";

struct reading {
	const struct snapshot_query *query;
	PGconn *conn;
	bool begun, ended, failed;
};

static bool
take(const char **p, const char *end, size_t n, const char **out)
{
	if ((size_t)(end - *p) < n)
		return false;
	*out = *p;
	*p += n;
	return true;
}

static bool
take_int32(const char **p, const char *end, int32_t *v_r)
{
	const char *bytes;
	uint32_t v;

	if (!take(p, end, sizeof(v), &bytes))
		return false;
	memcpy(&v, bytes, sizeof(v));
	*v_r = (int32_t)be32toh(v);
	return true;
}

static bool
take_count(const char **p, const char *end, int *n_r)
{
	const char *bytes;
	uint16_t v;

	if (!take(p, end, sizeof(v), &bytes))
		return false;
	memcpy(&v, bytes, sizeof(v));
	*n_r = (int16_t)be16toh(v);
	return true;
}

static bool
take_header(const char **p, const char *end)
{
	const char *bytes;
	int32_t flags, extension;

	return take(p, end, sizeof(signature), &bytes) &&
	    memcmp(bytes, signature, sizeof(signature)) == 0 &&
	    take_int32(p, end, &flags) && take_int32(p, end, &extension) &&
	    flags == 0 && extension >= 0 &&
	    take(p, end, (size_t)extension, &bytes);
}

static bool
take_field(const char **p, const char *end, struct chain_bytes *field_r)
{
	const char *bytes;
	int32_t len;

	if (!take_int32(p, end, &len) || len < -1)
		return false;
	*field_r = (struct chain_bytes){0};
	if (len == -1)
		return true;
	if (!take(p, end, (size_t)len, &bytes))
		return false;
	*field_r =
	    (struct chain_bytes){(const unsigned char *)bytes, (size_t)len};
	return true;
}

/* Hands on all tuples of a message. Returns false if it is not understood. */
static bool
read_message(struct reading *r, const char *p, const char *end)
{
	if (!r->begun && !take_header(&p, end))
		return false;
	r->begun = true;
	while (p < end) {
		struct snapshot_row row;
		int i;

		if (!take_count(&p, end, &row.n))
			return false;
		if (row.n == -1)
			return p == end;
		if (row.n < 0 ||
		    (size_t)row.n > sizeof(row.field) / sizeof(row.field[0]))
			return false;
		for (i = 0; i < row.n; i++)
			if (!take_field(&p, end, &row.field[i]))
				return false;
		r->query->row(r->query->arg, &row);
	}
	return true;
}

static void
end_reading(struct reading *r)
{
	PGresult *result;

	r->ended = true;
	while ((result = PQgetResult(r->conn)) != NULL) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			r->failed = true;
		PQclear(result);
	}
	if (r->failed)
		complain(r->conn, "read all of the ledger");
}

/* All that has arrived on one connection. */
static void
read_arrived(struct reading *r)
{
	char *message;
	int n = 0;

	if (PQconsumeInput(r->conn) == 0) {
		complain(r->conn, "read all of the ledger");
		r->ended = r->failed = true;
		return;
	}
	while (!r->failed && (n = PQgetCopyData(r->conn, &message, 1)) > 0) {
		if (!read_message(r, message, message + n)) {
			ctl_complain("the ledger sent rows that are not "
				     "understood");
			r->ended = r->failed = true;
		}
		PQfreemem(message);
	}
	if (!r->failed && n < 0)
		end_reading(r);
}

static bool
start_reading(struct reading *r)
{
	size_t room = strlen(r->query->rows) + 64;
	char *sql = xcalloc(1, room);
	PGresult *result;

	snprintf(
	    sql, room, "COPY %s TO STDOUT (FORMAT binary)", r->query->rows);
	result = PQexec(r->conn, sql);
	r->failed = PQresultStatus(result) != PGRES_COPY_OUT;
	PQclear(result);
	free(sql);
	if (r->failed)
		complain(r->conn, "read the ledger");
	return !r->failed;
}

int
snapshot_read(struct snapshot *s, const struct snapshot_query queries[], int n)
{
	struct reading reading[SNAPSHOT_QUERIES] = {0};
	bool failed = false;
	int i, open;

	for (i = 0; i < n; i++) {
		reading[i].query = &queries[i];
		reading[i].conn = s->conn[i];
		if (!start_reading(&reading[i]))
			return -1;
	}
	for (;;) {
		struct pollfd ready[SNAPSHOT_QUERIES];

		/* before waiting: the first rows came with the reply */
		for (i = open = 0; i < n; i++) {
			if (!reading[i].ended)
				read_arrived(&reading[i]);
			ready[i] = (struct pollfd){.fd = -1, .events = POLLIN};
			if (reading[i].ended)
				continue;
			ready[i].fd = PQsocket(s->conn[i]);
			open++;
		}
		if (open == 0)
			break;
		if (poll(ready, (nfds_t)n, -1) < 0 && errno != EINTR)
			fatal("poll");
	}
	for (i = 0; i < n; i++)
		failed = failed || reading[i].failed;
	return failed ? -1 : 0;
}

/* --- values -------------------------------------------------------------- */

int64_t
snapshot_int(const struct snapshot_row *row, int field)
{
	const unsigned char *data = row->field[field].data;
	uint64_t eight;
	uint16_t two;

	switch (row->field[field].len) {
	case sizeof(eight):
		memcpy(&eight, data, sizeof(eight));
		return (int64_t)be64toh(eight);
	case sizeof(two):
		memcpy(&two, data, sizeof(two));
		return (int16_t)be16toh(two);
	default:
		return 0;
	}
}
