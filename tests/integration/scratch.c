/* A ledger of a test's own: see scratch.h. */
#include "scratch.h"

#include <check.h>
#include <libpq-fe.h>

#include "ledger.h"
#include "support.h"

/* All of sql/ once, to be copied. */
#define TEMPLATE "withdraw_test_template"

static PGconn *conn;

void
scratch_drop(void)
{
	PQfinish(conn);
	conn = NULL;
	ledger_sql("DROP DATABASE IF EXISTS " SCRATCH " WITH (FORCE)", NULL);
}

/* Under another name until it is whole: a test may end at any time. */
static void
make_template(void)
{
	ledger_sql("DROP DATABASE IF EXISTS " TEMPLATE "_new", NULL);
	ledger_sql("CREATE DATABASE " TEMPLATE "_new", NULL);
	ledger_apply("postgres", TEMPLATE "_new");
	ledger_sql("ALTER DATABASE " TEMPLATE "_new RENAME TO " TEMPLATE, NULL);
}

void
scratch_make(void)
{
	scratch_drop();
	if (ledger_number("SELECT count(*) FROM pg_database "
			  "WHERE datname = '" TEMPLATE "'",
		NULL) == 0)
		make_template();
	ledger_sql("CREATE DATABASE " SCRATCH " TEMPLATE " TEMPLATE, NULL);
}

/* What a result has: fields with a bar between, a line a row. */
static const char *
text_of(const PGresult *result)
{
	const char *text = "";

	for (int row = 0; row < PQntuples(result); row++)
		for (int field = 0; field < PQnfields(result); field++)
			text = keep_format("%s%s%s", text,
			    PQgetvalue(result, row, field),
			    field + 1 < PQnfields(result) ? "|" : "\n");
	return text;
}

const char *
scratch_sql(const char *statements)
{
	const char *text = "";
	PGresult *result;

	if (conn == NULL)
		conn = PQconnectdb("dbname=" SCRATCH " user=postgres "
				   "options='-c client_min_messages=warning'");
	ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s: %s", SCRATCH,
	    PQerrorMessage(conn));
	ck_assert_int_eq(PQsendQuery(conn, statements), 1);
	while ((result = PQgetResult(conn)) != NULL) {
		ExecStatusType status = PQresultStatus(result);

		ck_assert_msg(
		    status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK,
		    "%s\n%s", statements, PQresultErrorMessage(result));
		text = keep_format("%s%s", text, text_of(result));
		PQclear(result);
	}
	return text;
}
