/* The suites, one a file of that name; CK_RUN_SUITE selects one. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *contract_suite(void);
Suite *identity_suite(void);
Suite *protocol_suite(void);
Suite *input_suite(void);
Suite *once_suite(void);
Suite *final_suite(void);
Suite *batch_suite(void);
Suite *faults_suite(void);
Suite *replies_suite(void);
Suite *twins_suite(void);
Suite *privileges_suite(void);
Suite *process_suite(void);
Suite *start_suite(void);
Suite *limits_suite(void);
Suite *site_suite(void);
Suite *signin_suite(void);
Suite *operator_suite(void);
Suite *operations_suite(void);
Suite *schema_suite(void);
Suite *payouts_suite(void);
Suite *days_suite(void);
Suite *exports_suite(void);
Suite *reconcile_suite(void);
Suite *conserved_suite(void);
Suite *running_suite(void);
Suite *points_suite(void);
Suite *calls_suite(void);
Suite *commits_suite(void);
Suite *attack_suite(void);

#endif
