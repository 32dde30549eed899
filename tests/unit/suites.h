/* suites.h: the suites of the unit tests, one a file check_<module>.c. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *attempt_suite(void);
Suite *body_suite(void);
Suite *chain_suite(void);
Suite *config_suite(void);
Suite *credentials_suite(void);
Suite *cursor_suite(void);
Suite *fold_suite(void);
Suite *frame_suite(void);
Suite *histogram_suite(void);
Suite *ident_suite(void);
Suite *log_suite(void);
Suite *money_suite(void);
Suite *numeric_suite(void);
Suite *orders_suite(void);
Suite *outcome_suite(void);
Suite *password_suite(void);
Suite *record_suite(void);
Suite *pg_suite(void);
Suite *redis_suite(void);
Suite *request_suite(void);
Suite *results_suite(void);
Suite *routes_suite(void);
Suite *sandbox_suite(void);
Suite *session_suite(void);
Suite *twin_suite(void);
Suite *withdraw_suite(void);

#endif
