/*
 * The integration tests: the real withdrawd behind the real nginx, with a
 * private Postgres and Redis. tests/run.sh starts those and then this
 * program; CK_RUN_SUITE and CK_RUN_CASE select from it.
 */
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(contract_suite());
	int failed;

	signal(SIGPIPE, SIG_IGN);
	/* how many sign-ins there are; tests that start nginx anew say it
	 * to tests/servers.sh again */
	setenv("EXTRA_USERS", "200", 0);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 2;
	srunner_add_suite(runner, identity_suite());
	srunner_add_suite(runner, protocol_suite());
	srunner_add_suite(runner, input_suite());
	srunner_add_suite(runner, once_suite());
	srunner_add_suite(runner, final_suite());
	srunner_add_suite(runner, twins_suite());
	srunner_add_suite(runner, batch_suite());
	srunner_add_suite(runner, faults_suite());
	srunner_add_suite(runner, replies_suite());
	srunner_add_suite(runner, process_suite());
	srunner_add_suite(runner, start_suite());
	srunner_add_suite(runner, limits_suite());
	srunner_add_suite(runner, site_suite());
	srunner_add_suite(runner, signin_suite());
	srunner_add_suite(runner, operator_suite());
	srunner_add_suite(runner, operations_suite());
	srunner_add_suite(runner, schema_suite());
	srunner_add_suite(runner, payouts_suite());
	srunner_add_suite(runner, days_suite());
	srunner_add_suite(runner, exports_suite());
	srunner_add_suite(runner, reconcile_suite());
	srunner_add_suite(runner, conserved_suite());
	srunner_add_suite(runner, running_suite());
	srunner_add_suite(runner, points_suite());
	srunner_add_suite(runner, calls_suite());
	srunner_add_suite(runner, commits_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	curl_global_cleanup();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
