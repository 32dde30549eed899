/* unit.c: runs the unit tests: those that need no server.
 *
 * libcheck's own variables choose: CK_RUN_SUITE, CK_RUN_CASE, CK_VERBOSITY,
 * and CK_FORK=no for sanitizers, valgrind and debuggers. */
#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *runner;
	int failed;

	/* libcheck's 4 seconds a test are no measure on a busy machine, nor
	 * under valgrind: this only ends what hangs */
	if (setenv("CK_DEFAULT_TIMEOUT", "300", 0) != 0)
		return EXIT_FAILURE;
	runner = srunner_create(money_suite());
	srunner_add_suite(runner, ident_suite());
	srunner_add_suite(runner, config_suite());
	srunner_add_suite(runner, log_suite());
	srunner_add_suite(runner, frame_suite());
	srunner_add_suite(runner, request_suite());
	srunner_add_suite(runner, routes_suite());
	srunner_add_suite(runner, body_suite());
	srunner_add_suite(runner, credentials_suite());
	srunner_add_suite(runner, record_suite());
	srunner_add_suite(runner, attempt_suite());
	srunner_add_suite(runner, session_suite());
	srunner_add_suite(runner, outcome_suite());
	srunner_add_suite(runner, cursor_suite());
	srunner_add_suite(runner, twin_suite());
	srunner_add_suite(runner, numeric_suite());
	srunner_add_suite(runner, fold_suite());
	srunner_add_suite(runner, results_suite());
	srunner_add_suite(runner, chain_suite());
	srunner_add_suite(runner, histogram_suite());
	srunner_add_suite(runner, password_suite());
	srunner_add_suite(runner, redis_suite());
	srunner_add_suite(runner, pg_suite());
	srunner_add_suite(runner, withdraw_suite());
	srunner_add_suite(runner, orders_suite());
	srunner_add_suite(runner, sandbox_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
