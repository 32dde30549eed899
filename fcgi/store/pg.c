/* pg.c: see pg.h. */
#include "pg.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"

#define CONNECT_TIMEOUT 3.0 /* seconds, with the set-up */
#define RETRY_FIRST     0.1 /* seconds between tries, doubled up to */
#define RETRY_LAST      1.0
#define TRIES           10 /* of one call; its deadline ends it sooner */
/* Batches on the wire at a time: while they are, the next one fills. Two keep
 * the server busy; with more, each has fewer calls in it. */
#define BATCHES       2
#define PG_ITEM_TEXT  40 /* of a value in a batch, and its separator */
#define PG_ARRAY_TEXT (PG_BATCH_MAX * PG_ITEM_TEXT + 2)

enum conn_state {
	CONN_DOWN,
	CONN_CONNECTING,
	CONN_SETUP,
	CONN_IDLE,
	CONN_BUSY
};

/* What one statement on the wire is for: a call, or a batch of them. */
struct load {
	struct pg_call *call[PG_BATCH_MAX];
	int n;
	bool many; /* by statement->many, also where it has one call */
};

struct pg_conn {
	struct pg *pg;
	PGconn *c;
	char epoch[48];
	enum conn_state state;
	ev_io io;
	ev_timer timer;  /* connecting: its end; down: the next try */
	size_t prepared; /* how many of the statements, while setting up */
	struct load load;
	PGresult *result;    /* the rows, or the first error */
	bool commit_warning; /* the server was not sure of its commit */
};

struct pg {
	struct ev_loop *loop;
	const struct config *cfg;
	char setup[512]; /* SQL that checks a server and sets a session up */
	const struct pg_statement *const *statements;
	size_t nstatements;
	struct pg_conn *conns;
	int nconns, nready;
	bool failing; /* the last try to connect failed */
	bool unfit;
	double delay;
	struct pg_call *head, *tail; /* the queue */
	ev_prepare pump; /* never started, only fed: queue to connections */
	char problem[256];
	char epoch[48];
};

/* A view on a PGresult, so that callers do not see libpq: rows from first on,
 * columns from column on. */
struct pg_rows {
	const PGresult *result;
	int first, count, column;
};

static void conn_connect(struct pg_conn *k);
static void on_conn_io(struct ev_loop *loop, ev_io *io, int revents);

/* --- the queue ---------------------------------------------------------- */

/* Before the loop waits again, not here: who submits is not called back from
 * inside of it. */
static void
pump_soon(struct pg *pg)
{
	ev_feed_event(pg->loop, &pg->pump, EV_CUSTOM);
}

static void
queue_push(struct pg *pg, struct pg_call *call)
{
	call->next = NULL;
	call->prev = pg->tail;
	if (pg->tail != NULL)
		pg->tail->next = call;
	else
		pg->head = call;
	pg->tail = call;
	pump_soon(pg);
}

static void
queue_remove(struct pg *pg, struct pg_call *call)
{
	*(call->prev ? &call->prev->next : &pg->head) = call->next;
	*(call->next ? &call->next->prev : &pg->tail) = call->prev;
	call->prev = call->next = NULL;
}

static void
call_done(struct pg_call *call, enum pg_verdict v, const struct pg_rows *rows)
{
	ev_timer_stop(call->pg->loop, &call->deadline);
	call->done(call, v, rows);
}

static void
call_failed(struct pg_call *call)
{
	call_done(call, call->uncertain ? PG_UNCERTAIN : PG_FAILED, NULL);
}

/* Back into the queue, or done if there is no sense in another try. */
static void
call_again(struct pg_call *call)
{
	if (call->tries < TRIES)
		queue_push(call->pg, call);
	else
		call_failed(call);
}

/* All of a batch that came to nothing, each by itself from now on: what made
 * it fail is then felt only by the call that it belongs to. */
static void
load_again(const struct load *load, bool uncertain)
{
	int i;

	for (i = 0; i < load->n; i++) {
		struct pg_call *call = load->call[i];

		call->alone = call->alone || load->many;
		call->uncertain = call->uncertain || uncertain;
		call_again(call);
	}
}

/* --- connections -------------------------------------------------------- */

static void
conn_watch(struct pg_conn *k, int events)
{
	ev_io_stop(k->pg->loop, &k->io);
	ev_io_set(&k->io, PQsocket(k->c), events);
	ev_io_start(k->pg->loop, &k->io);
}

/* Closes it; the calls on it, if any, are the caller's to go on with. */
static struct load
conn_close(struct pg_conn *k)
{
	struct load load = k->load;
	struct pg *pg = k->pg;
	int i;

	if (k->state == CONN_IDLE || k->state == CONN_BUSY)
		pg->nready--;
	k->state = CONN_DOWN;
	ev_io_stop(pg->loop, &k->io);
	ev_timer_stop(pg->loop, &k->timer);
	PQclear(k->result);
	k->result = NULL;
	PQfinish(k->c);
	k->c = NULL;
	k->load.n = 0;
	for (i = 0; i < load.n; i++)
		load.call[i]->conn = NULL;
	return load;
}

static void
conn_timer(struct pg_conn *k, double delay) /* must not be running */
{
	ev_timer_set(&k->timer, delay, 0);
	ev_timer_start(k->pg->loop, &k->timer);
}

/* The first line of libpq's message, which has several. */
static void
first_line(char *out, size_t room, const char *message)
{
	snprintf(out, room, "%.*s", (int)strcspn(message, "\n"), message);
}

/* A try to connect came to nothing. */
static void
conn_failed(struct pg_conn *k, const char *message)
{
	struct pg *pg = k->pg;
	char why[256];

	first_line(why, sizeof(why), message);
	if (strcmp(pg->problem, why) != 0)
		log_warnx("postgres: %s; trying again", why);
	snprintf(pg->problem, sizeof(pg->problem), "%s", why);
	pg->failing = true;
	conn_close(k);
	conn_timer(k, pg->delay);
	pg->delay *= 2;
	if (pg->delay > RETRY_LAST)
		pg->delay = RETRY_LAST;
	pump_soon(pg); /* those who need not wait for a connection */
}

/* " during request ID", " and 3 others", for the log. */
static const char *
load_name(const struct load *load, char *out, size_t room)
{
	out[0] = '\0';
	if (load->n == 1)
		snprintf(
		    out, room, " during request %s", load->call[0]->request);
	else if (load->n > 1)
		snprintf(out, room, " during request %s and %d others",
		    load->call[0]->request, load->n - 1);
	return out;
}

/* A working connection broke, at rest or with calls on it. Whether that was
 * committed nobody can say: it is sent again. A look-up would not do: it
 * cannot see a commit that is still under way; the statement waits for it. */
static void
conn_lost(struct pg_conn *k, const char *message)
{
	struct load load;
	char why[256], whose[80];

	first_line(why, sizeof(why), message);
	log_warnx("postgres connection lost%s: %s",
	    load_name(&k->load, whose, sizeof(whose)), why);
	load = conn_close(k);
	conn_timer(k, 0);
	load_again(&load, true);
}

static void
conn_ready(struct pg_conn *k)
{
	struct pg *pg = k->pg;

	ev_timer_stop(pg->loop, &k->timer);
	k->state = CONN_IDLE;
	pg->nready++;
	pg->delay = RETRY_FIRST;
	pg->unfit = false;
	if (pg->failing)
		log_info("postgres is up again");
	pg->failing = false;
	pg->problem[0] = '\0';
	conn_watch(k, EV_READ);
	pump_soon(pg);
}

/* --- set-up: is the server fit, and then make the session ready --------- */

static void
check_server(struct pg_conn *k, const PGresult *r)
{
	static const char *const names[] = {
	    "fsync", "full_page_writes", "synchronous_commit"};
	char why[200];
	int i;

	for (i = 0; i < 3; i++) {
		const char *value = PQgetvalue(r, 0, i);

		if (strcmp(value, "on") == 0 ||
		    (i == 2 && strcmp(value, "remote_apply") == 0))
			continue;
		snprintf(why, sizeof(why),
		    "the server has %s = %s and could "
		    "lose a commit that it acknowledged; set it to on",
		    names[i], value);
		k->pg->unfit = true;
		conn_failed(k, why);
		return;
	}
	snprintf(k->epoch, sizeof(k->epoch), "%s", PQgetvalue(r, 0, 3));
	memcpy(k->pg->epoch, k->epoch, sizeof(k->epoch));
}

static void
setup_refused(struct pg_conn *k, const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	char line[160], why[256];

	first_line(line, sizeof(line), PQresultErrorMessage(r));
	/* class 42: a function or table is not there, or not for this role */
	k->pg->unfit = state != NULL && strncmp(state, "42", 2) == 0;
	snprintf(why, sizeof(why), "%s%s", line,
	    k->pg->unfit ? " (apply sql/*.sql in order, and connect as a role "
			   "that may use it: withdraw_service)"
			 : "");
	conn_failed(k, why);
}

/* The session is checked and set up; then the statements are prepared, one
 * after the other. */
static void
setup_next(struct pg_conn *k)
{
	const struct pg *pg = k->pg;
	const struct pg_statement *s;

	if (k->prepared == pg->nstatements) {
		conn_ready(k);
		return;
	}
	s = pg->statements[k->prepared++];
	if (!PQsendPrepare(k->c, s->name, s->sql, 0, NULL))
		conn_failed(k, PQerrorMessage(k->c));
	else
		conn_watch(k, EV_READ | EV_WRITE);
}

static void
setup_results(struct pg_conn *k)
{
	while (k->state == CONN_SETUP && !PQisBusy(k->c)) {
		PGresult *r = PQgetResult(k->c);

		if (r == NULL) {
			setup_next(k);
			return;
		}
		if (PQresultStatus(r) == PGRES_TUPLES_OK)
			check_server(k, r);
		else if (PQresultStatus(r) != PGRES_COMMAND_OK)
			setup_refused(k, r);
		PQclear(r);
	}
}

static void
conn_setup(struct pg_conn *k)
{
	k->state = CONN_SETUP;
	k->prepared = 0;
	if (PQsetnonblocking(k->c, 1) != 0 ||
	    !PQsendQuery(k->c, k->pg->setup)) {
		conn_failed(k, PQerrorMessage(k->c));
		return;
	}
	conn_watch(k, EV_READ | EV_WRITE);
}

static void
connect_poll(struct pg_conn *k)
{
	switch (PQconnectPoll(k->c)) {
	case PGRES_POLLING_READING:
		conn_watch(k, EV_READ); /* the socket may be another now */
		break;
	case PGRES_POLLING_WRITING:
		conn_watch(k, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		conn_setup(k);
		break;
	case PGRES_POLLING_ACTIVE:
	case PGRES_POLLING_FAILED:
		conn_failed(k, PQerrorMessage(k->c));
		break;
	}
}

/* "canceling wait for synchronous replication", and its like: a warning that
 * comes with a commit that looks like any other. */
static void
on_notice(void *arg, const PGresult *r)
{
	struct pg_conn *k = arg;
	const char *severity =
	    PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (severity == NULL || strcmp(severity, "WARNING") != 0)
		return;
	k->commit_warning = true;
	log_warnx("postgres warns: %s", text ? text : "");
}

static void
on_conn_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct pg_conn *k = t->data;

	(void)loop, (void)revents;
	if (k->state == CONN_DOWN)
		conn_connect(k);
	else
		conn_failed(k, "no connection in time");
}

static void
conn_connect(struct pg_conn *k)
{
	/* libpq's own environment says where to; these are only defaults */
	const char *const keys[] = {"fallback_application_name",
	    "target_session_attrs", "keepalives_idle", "tcp_user_timeout",
	    NULL};
	const char *attrs = getenv("PGTARGETSESSIONATTRS");
	const char *const values[] = {
	    "withdrawd", attrs ? attrs : "read-write", "10", "10000", NULL};

	k->c = PQconnectStartParams(keys, values, 0);
	if (k->c == NULL)
		fatalx("out of memory");
	k->state = CONN_CONNECTING;
	if (PQstatus(k->c) == CONNECTION_BAD) {
		conn_failed(k, PQerrorMessage(k->c));
		return;
	}
	PQsetNoticeReceiver(k->c, on_notice, k);
	conn_timer(k, CONNECT_TIMEOUT);
	conn_watch(k, EV_WRITE);
}

/* --- one call on a connection ------------------------------------------- */

static void
conn_flush(struct pg_conn *k)
{
	int rc = PQflush(k->c);

	if (rc < 0)
		conn_lost(k, PQerrorMessage(k->c));
	else if (rc > 0)
		conn_watch(k, EV_READ | EV_WRITE);
}

/* The values of one parameter of a batch, as an array: "{1001,1002}". They are
 * numbers and identifiers, which need no quotes. */
static const char *
array_of(const struct load *load, int param, char out[PG_ARRAY_TEXT])
{
	size_t n = 0;
	int i;

	for (i = 0; i < load->n; i++) {
		const char *value = load->call[i]->param[param];

		assert(value[strcspn(value, "{},\"\\ ")] == '\0' && *value &&
		    strlen(value) < PG_ITEM_TEXT);
		n += (size_t)snprintf(out + n, PG_ARRAY_TEXT - n, "%c%s",
		    i == 0 ? '{' : ',', value);
	}
	snprintf(out + n, PG_ARRAY_TEXT - n, "}");
	return out;
}

static int
send_load(struct pg_conn *k)
{
	static char array[PG_PARAMS][PG_ARRAY_TEXT]; /* copied by libpq */
	const struct load *load = &k->load;
	const struct pg_call *first = load->call[0];
	const struct pg_statement *s = first->statement;
	const char *param[PG_PARAMS];
	int i;

	for (i = 0; i < first->nparams; i++)
		param[i] = load->many && i < s->nvaried
		    ? array_of(load, i, array[i])
		    : first->param[i];
	return PQsendQueryPrepared(k->c, load->many ? s->many : s->name,
	    first->nparams, param, NULL, NULL, 0);
}

static void
conn_send(struct pg_conn *k, const struct load *load)
{
	int i;

	k->state = CONN_BUSY;
	k->load = *load;
	k->commit_warning = false;
	for (i = 0; i < load->n; i++) {
		load->call[i]->conn = k;
		load->call[i]->tries++;
	}
	if (!send_load(k)) {
		conn_lost(k, PQerrorMessage(k->c));
		return;
	}
	conn_flush(k);
}

/* The server refused, and is fit to go on: surely nothing was committed by
 * this try. Some refusals end with another try. */
static void
call_refused(struct pg_conn *k)
{
	const char *state = PQresultErrorField(k->result, PG_DIAG_SQLSTATE);
	bool again = state != NULL &&
	    (strcmp(state, "40001") == 0 ||
		strcmp(state, "40P01") == 0 || /* serialization, deadlock */
		strcmp(state, "25006") ==
		    0 || /* a standby now: another may do */
		strcmp(state, "26000") == 0); /* a pooler lost the statement */
	char line[200], whose[80];
	struct load load;

	first_line(line, sizeof(line), PQresultErrorMessage(k->result));
	log_warnx("postgres refused%s: %s %s",
	    load_name(&k->load, whose, sizeof(whose)), state ? state : "",
	    line);
	load = conn_close(k); /* replaced after any error */
	conn_timer(k, 0);
	if (again || load.many)
		load_again(&load, false);
	else
		call_failed(load.call[0]);
}

/* Which row of a batch's result is whose; -1: none. Returns false if the rows
 * do not fit the calls. */
static bool
rows_of_load(const PGresult *r, const struct load *load, int row[PG_BATCH_MAX])
{
	int i;

	for (i = 0; i < load->n; i++)
		row[i] = -1;
	for (i = 0; i < PQntuples(r); i++) {
		long item = strtol(PQgetvalue(r, i, 0), NULL, 10);

		if (item < 1 || item > load->n || row[item - 1] >= 0)
			return false;
		row[item - 1] = i;
	}
	return true;
}

/* Gives each call its rows. */
static void
load_done(const struct load *load, const PGresult *r, const int *row)
{
	int i;

	for (i = 0; i < load->n; i++) {
		struct pg_rows rows = {r, 0, PQntuples(r), 0};

		if (load->many)
			rows =
			    (struct pg_rows){r, row[i], row[i] < 0 ? 0 : 1, 1};
		call_done(load->call[i], PG_ROWS, &rows);
	}
}

/* The server is ready for the next statement: now the outcome is known. */
static void
call_finished(struct pg_conn *k)
{
	PGresult *r = k->result;
	struct load load = k->load;
	int row[PG_BATCH_MAX], i;
	const char *severity;

	if (r != NULL && PQresultStatus(r) == PGRES_FATAL_ERROR) {
		severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
		/* FATAL: the backend ended, perhaps after its commit */
		if (severity != NULL && strcmp(severity, "ERROR") == 0 &&
		    PQstatus(k->c) == CONNECTION_OK)
			call_refused(k);
		else
			conn_lost(k, PQresultErrorMessage(r));
		return;
	}
	if (r == NULL || PQresultStatus(r) != PGRES_TUPLES_OK ||
	    PQtransactionStatus(k->c) != PQTRANS_IDLE || k->commit_warning) {
		conn_lost(k, "the outcome of the statement is not certain");
		return;
	}
	if (load.many && !rows_of_load(r, &load, row)) {
		conn_lost(k, "the rows are not those of the batch");
		return;
	}
	k->result = NULL;
	k->load.n = 0;
	k->state = CONN_IDLE;
	for (i = 0; i < load.n; i++) {
		load.call[i]->conn = NULL;
		load.call[i]->epoch = k->epoch;
	}
	pump_soon(k->pg);
	load_done(&load, r, row);
	PQclear(r);
}

/* Collects results until there are no more. The rows come before the commit:
 * an error that follows them takes their place. */
static void
call_results(struct pg_conn *k)
{
	while (!PQisBusy(k->c)) {
		PGresult *r = PQgetResult(k->c);

		if (r == NULL) {
			call_finished(k);
			return;
		}
		if (k->result != NULL &&
		    PQresultStatus(k->result) == PGRES_FATAL_ERROR) {
			PQclear(r); /* the first error stands */
			continue;
		}
		PQclear(k->result);
		k->result = r;
	}
}

static void
on_conn_io(struct ev_loop *loop, ev_io *io, int revents)
{
	struct pg_conn *k = io->data;
	int rc;

	(void)loop;
	if (k->state == CONN_CONNECTING) {
		connect_poll(k);
		return;
	}
	if (revents & EV_WRITE) {
		rc = PQflush(k->c);
		if (rc == 0)
			conn_watch(k, EV_READ);
		/* an error shows below, with what the server said of it */
	}
	if (!PQconsumeInput(k->c)) {
		if (k->state == CONN_SETUP)
			conn_failed(k, PQerrorMessage(k->c));
		else
			conn_lost(k, PQerrorMessage(k->c));
		return;
	}
	switch (k->state) {
	case CONN_SETUP:
		setup_results(k);
		break;
	case CONN_BUSY:
		call_results(k);
		break;
	case CONN_IDLE:
		/* a server that speaks unasked is about to end it */
		conn_lost(k, "the server spoke unasked");
		break;
	case CONN_DOWN:
	case CONN_CONNECTING:
		break;
	}
}

/* --- from the queue to the wire ----------------------------------------- */

static bool
load_has_lane(const struct load *load, int64_t lane)
{
	int i;

	for (i = 0; i < load->n; i++)
		if (load->call[i]->lane == lane)
			return true;
	return false;
}

static bool
lane_busy(const struct pg *pg, int64_t lane)
{
	int i;

	if (lane == 0)
		return false;
	for (i = 0; i < pg->nconns; i++)
		if (load_has_lane(&pg->conns[i].load, lane))
			return true;
	return false;
}

static bool
batchable(const struct pg *pg, const struct pg_call *call)
{
	return pg->cfg->pg_batch > 1 && call->statement->many != NULL &&
	    !call->alone;
}

static int
batches_under_way(const struct pg *pg)
{
	int n = 0, i;

	for (i = 0; i < pg->nconns; i++)
		n += pg->conns[i].load.n > 0 && pg->conns[i].load.many;
	return n;
}

/* Takes the call from the queue, and whatever may go with it: calls of other
 * lanes that wait for the same statement. */
static struct load
load_take(struct pg *pg, struct pg_call *call)
{
	struct load load = {.n = 0, .many = batchable(pg, call)};
	struct pg_call *next;

	for (; call != NULL; call = next) {
		next = call->next;
		if (load.n > 0 &&
		    (call->statement != load.call[0]->statement ||
			!batchable(pg, call) || lane_busy(pg, call->lane) ||
			load_has_lane(&load, call->lane)))
			continue;
		queue_remove(pg, call);
		load.call[load.n++] = call;
		if (!load.many || load.n == pg->cfg->pg_batch)
			break;
	}
	return load;
}

static struct pg_conn *
idle_conn(struct pg *pg)
{
	int i;

	for (i = 0; i < pg->nconns; i++)
		if (pg->conns[i].state == CONN_IDLE)
			return &pg->conns[i];
	return NULL;
}

static void
on_pump(struct ev_loop *loop, ev_prepare *p, int revents)
{
	struct pg *pg = p->data;
	struct pg_call *call, *next;

	(void)loop, (void)revents;
	for (call = pg->head; call != NULL; call = next) {
		struct pg_conn *k;

		next = call->next;
		/* the cheap question first: all that queue are asked */
		if ((batchable(pg, call) && batches_under_way(pg) >= BATCHES) ||
		    lane_busy(pg, call->lane))
			continue;
		k = idle_conn(pg);
		if (k != NULL) {
			const struct load load = load_take(pg, call);

			conn_send(k, &load);
		} else if (pg->nready > 0 || !pg->failing) {
			break;
		} else if (call->uncertain) {
			/* down, but this may have committed: it waits on, for
			 * the true answer */
			continue;
		} else {
			queue_remove(pg, call);
			call_failed(call);
		}
		/* conn_send() or done may have changed the queue anywhere */
		next = pg->head;
	}
}

static void
on_deadline(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct pg_call *call = t->data;

	(void)loop, (void)revents;
	if (call->conn != NULL) {
		struct pg_conn *k = call->conn;
		struct load load;
		int i;

		log_warnx("postgres gave no answer to request %s in time",
		    call->request);
		load = conn_close(k);
		conn_timer(k, 0);
		call->uncertain = true;
		/* the others of its batch have time left */
		for (i = 0; i < load.n; i++)
			if (load.call[i] == call)
				load.call[i] = load.call[--load.n];
		load_again(&load, true);
	} else {
		queue_remove(call->pg, call);
	}
	call_failed(call);
}

/* --- public ------------------------------------------------------------- */

/* The checks come first, so that what they see is the server's own setting.
 * Sessions are set up by SQL, not by libpq's "options", which poolers refuse.
 * Warnings must be sent, as on_notice() looks for one. */
static void
setup_sql(struct pg *pg)
{
	snprintf(pg->setup, sizeof(pg->setup),
	    "SELECT current_setting('fsync'),"
	    " current_setting('full_page_writes'),"
	    /* pinned for the session: a reload cannot weaken it */
	    " set_config('synchronous_commit',"
	    " current_setting('synchronous_commit'), false), withdraw_epoch();"
	    "SET statement_timeout = %d;"
	    "SET client_connection_check_interval = 1000;"
	    "SET default_transaction_isolation = 'read committed';"
	    "SET client_min_messages = warning",
	    config_statement_timeout_ms(pg->cfg));
}

struct pg *
pg_open(struct ev_loop *loop, const struct config *cfg,
    const struct pg_statement *const statements[], size_t n)
{
	struct pg *pg = xcalloc(1, sizeof(*pg));
	int i;

	pg->loop = loop;
	pg->cfg = cfg;
	pg->statements = statements;
	pg->nstatements = n;
	setup_sql(pg);
	pg->nconns = cfg->pg_pool;
	pg->conns = xcalloc((size_t)pg->nconns, sizeof(*pg->conns));
	ev_prepare_init(&pg->pump, on_pump);
	pg->pump.data = pg;
	pg->delay = RETRY_FIRST;
	for (i = 0; i < pg->nconns; i++) {
		struct pg_conn *k = &pg->conns[i];

		k->pg = pg;
		ev_io_init(&k->io, on_conn_io, -1, EV_READ);
		ev_timer_init(&k->timer, on_conn_timer, 0, 0);
		k->io.data = k->timer.data = k;
		conn_connect(k);
	}
	return pg;
}

void
pg_free(struct pg **pgp)
{
	struct pg *pg = *pgp;
	int i;

	if (pg == NULL)
		return;
	for (i = 0; i < pg->nconns; i++)
		conn_close(&pg->conns[i]);
	ev_clear_pending(pg->loop, &pg->pump);
	free(pg->conns);
	free(pg);
	*pgp = NULL;
}

bool
pg_up(const struct pg *pg)
{
	return pg->nready > 0;
}

const char *
pg_problem(const struct pg *pg)
{
	return pg->problem;
}

bool
pg_unfit(const struct pg *pg)
{
	return pg->unfit;
}

const char *
pg_epoch(const struct pg *pg)
{
	return pg->epoch;
}

void
pg_submit(struct pg *pg, struct pg_call *call)
{
	call->pg = pg;
	call->conn = NULL;
	call->tries = 0;
	call->uncertain = false;
	call->alone = false;
	ev_timer_init(&call->deadline, on_deadline, call->timeout, 0);
	/* a result that is there counts before the clock does */
	ev_set_priority(&call->deadline, EV_MINPRI);
	call->deadline.data = call;
	ev_timer_start(pg->loop, &call->deadline);
	queue_push(pg, call);
}

size_t
pg_rows_count(const struct pg_rows *rows)
{
	return (size_t)rows->count;
}

const char *
pg_rows_text(const struct pg_rows *rows, size_t row, int column)
{
	int at = rows->first + (int)row;

	column += rows->column;
	if (PQgetisnull(rows->result, at, column))
		return NULL;
	return PQgetvalue(rows->result, at, column);
}
