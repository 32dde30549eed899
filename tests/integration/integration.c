/*
 * The integration tests: the real withdrawd behind the real nginx, with a
 * private Postgres and Redis. tests/run.sh starts those and then this program
 * with the names of suites; CK_RUN_SUITE and CK_RUN_CASE select from them.
 */
#include <curl/curl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SUITE(name)                                                            \
	{                                                                      \
#name, name##_suite                                            \
	}

static const struct {
	const char *name;
	Suite *(*make)(void);
} suites[] = {
    SUITE(contract),
    SUITE(identity),
    SUITE(protocol),
    SUITE(input),
    SUITE(once),
    SUITE(final),
    SUITE(twins),
    SUITE(batch),
    SUITE(faults),
    SUITE(replies),
    SUITE(process),
    SUITE(start),
    SUITE(limits),
    SUITE(site),
    SUITE(signin),
    SUITE(operator),
    SUITE(operations),
    SUITE(schema),
    SUITE(payouts),
    SUITE(days),
    SUITE(exports),
    SUITE(reconcile),
    SUITE(conserved),
    SUITE(running),
    SUITE(points),
    SUITE(calls),
    SUITE(commits),
    SUITE(privileges),
    SUITE(attack),
};

static bool
add(SRunner *runner, const char *name)
{
	for (size_t i = 0; i < COUNT(suites); i++)
		if (strcmp(suites[i].name, name) == 0) {
			srunner_add_suite(runner, suites[i].make());
			return true;
		}
	fprintf(stderr, "there is no suite \"%s\": see --list\n", name);
	return false;
}

/* Names of suites, or none for all; --list prints them. */
int
main(int argc, char *argv[])
{
	SRunner *runner;
	int failed;

	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < COUNT(suites); i++)
			puts(suites[i].name);
		return EXIT_SUCCESS;
	}
	runner = srunner_create(NULL);
	signal(SIGPIPE, SIG_IGN);
	/* how many sign-ins there are; tests that start nginx anew say it
	 * to tests/servers.sh again */
	setenv("EXTRA_USERS", "200", 0);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 2;
	for (int i = 1; i < argc; i++)
		if (!add(runner, argv[i]))
			return 2;
	for (size_t i = 0; argc < 2 && i < COUNT(suites); i++)
		add(runner, suites[i].name);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	curl_global_cleanup();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
