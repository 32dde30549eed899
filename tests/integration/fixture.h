/*
 * What every test case has around each of its tests: the default servers
 * before it; after it the servers put back and the promises of the ledger
 * checked for each user that the test opened.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <check.h>

/* A test case with that around it; the limit is for a test that hangs. */
TCase *fixture_case(Suite *suite, const char *name);
/* The same for faults put everywhere (make faults), with a limit of its own. */
TCase *fixture_struck_case(Suite *suite, const char *name, double limit_s);

#endif
