/* credit.c: money that comes in while people withdraw.
 *
 *   torture-credit HISTORY SEED FIRST_USER USERS PER_S
 *
 * Calls account_credit(), as withdrawctl does, on a connection of its own
 * (PGHOST ...), until TERM. Users of odd numbers get something only when there
 * is little left: of however few orders a slow machine makes, some are
 * declined. A credit whose fate is not known is not tried again. A line each in
 * HISTORY: status 201 it was committed, 422 it surely was not, 0 nobody knows.
 *
 * Exit status: 0, or 2 if it could not work. */
#include <err.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history.h"
#include "random.h"

enum { FAILED = 2 };

static volatile sig_atomic_t stop_came;

static void
on_signal(int signal)
{
	(void)signal;
	stop_came = 1;
}

static void
nap(long ns)
{
	const struct timespec t = {.tv_nsec = ns};

	nanosleep(&t, NULL);
}

/* The server said no, on a connection that lives on. */
static bool
was_refused(PGconn *conn, const PGresult *result)
{
	return PQresultStatus(result) == PGRES_FATAL_ERROR &&
	    PQstatus(conn) == CONNECTION_OK &&
	    PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL;
}

static void
credit(PGconn *conn, FILE *history, int64_t user, int cents)
{
	char who[24], amount[32];
	const char *params[] = {who, amount};
	struct answer a = {.state = "-",
	    .code = "-",
	    .safe = "-",
	    .record = "-",
	    .amount = "-",
	    .balance = "-",
	    .version = "-",
	    .named = "-"};
	int64_t sent = history_now();
	PGresult *result;

	snprintf(who, sizeof(who), "%" PRId64, user);
	snprintf(amount, sizeof(amount), "%d.%02d", cents / 100, cents % 100);
	result = PQexecParams(conn,
	    "SELECT c.balance, c.version FROM account a CROSS JOIN LATERAL "
	    "account_credit(a.user_id, $2, 'torture', 'payday') c "
	    "WHERE a.user_id = $1 AND (a.user_id % 2 = 0 OR a.balance < 20)",
	    2, NULL, params, NULL, NULL, 0);
	if (PQresultStatus(result) == PGRES_TUPLES_OK &&
	    PQntuples(result) == 1) {
		a.status = 201;
		snprintf(a.balance, sizeof(a.balance), "%s",
		    PQgetvalue(result, 0, 0));
		snprintf(a.version, sizeof(a.version), "%s",
		    PQgetvalue(result, 0, 1));
	} else if (was_refused(conn, result)) {
		a.status = 422;
		a.body = PQresultErrorMessage(result);
		a.len = strlen(a.body);
	}
	/* no row, and no error: the user has enough */
	if (PQresultStatus(result) != PGRES_TUPLES_OK || a.status == 201)
		history_line(history, sent, 0, user, "-", "credit", amount, &a);
	PQclear(result);
}

int
main(int argc, char *argv[])
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct random dice;
	PGconn *conn = NULL;
	FILE *history;
	long pause;

	if (argc != 6)
		errx(FAILED,
		    "usage: torture-credit HISTORY SEED FIRST_USER "
		    "USERS PER_S");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	dice.state =
	    strtoull(argv[2], NULL, 10) * 40503U + 4101842887655102017U;
	history = fopen(argv[1], "w");
	if (history == NULL)
		err(FAILED, "%s", argv[1]);
	pause = 1000000000L / atoi(argv[5]);
	if (pause >= 1000000000L)
		pause = 999999999L;
	while (!stop_came) {
		if (conn == NULL)
			conn = PQconnectdb("connect_timeout=2");
		if (PQstatus(conn) == CONNECTION_OK)
			credit(conn, history,
			    strtoll(argv[3], NULL, 10) +
				random_int(&dice, 0, atoi(argv[4]) - 1),
			    random_int(&dice, 500, 5000));
		if (PQstatus(conn) != CONNECTION_OK) {
			PQfinish(conn);
			conn = NULL;
		}
		nap(pause);
	}
	PQfinish(conn);
	if (fclose(history) != 0)
		err(FAILED, "%s", argv[1]);
	return 0;
}
