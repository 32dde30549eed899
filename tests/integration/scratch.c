/* A ledger of a test's own: see scratch.h. */
#include "scratch.h"

#include <check.h>

#include "command.h"
#include "ledger.h"

void
scratch_drop(void)
{
	ledger_sql("DROP DATABASE IF EXISTS " SCRATCH " WITH (FORCE)", NULL);
}

void
scratch_make(void)
{
	scratch_drop();
	ledger_sql("CREATE DATABASE " SCRATCH, NULL);
	ledger_apply("postgres", SCRATCH);
}

const char *
scratch_sql(const char *statements)
{
	struct command psql = {
	    .argv = {"psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", SCRATCH,
		"-c", statements},
	    .env = {"PGUSER=postgres"},
	};
	struct command_end end = command_run(&psql);

	ck_assert_msg(end.code == 0, "%s\n%s", statements, end.err);
	return end.out;
}
