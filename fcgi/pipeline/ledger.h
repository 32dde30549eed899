/* ledger.h: step 3, the only one that decides: the transaction in Postgres.
 * sql/101-withdrawal.sql is what runs there. */
#ifndef LEDGER_H
#define LEDGER_H

#include "store/pg.h"

struct withdrawal;

/* All statements of the service, for pg_open(). */
extern const struct pg_statement *const ledger_statements[];
extern const unsigned ledger_nstatements;

extern const struct pg_statement statement_withdraw, statement_find,
    statement_show, statement_list, statement_void, statement_account,
    statement_overview, statement_health, statement_sign_in, statement_stands,
    statement_leave;

/* Debit once and record it, or return what is recorded already; sent as often
 * as it takes until the deadline. Then next(w), with w->verdict set and the
 * record, if there is one, in w->result. No record with PG_ROWS: there is no
 * such account. */
void ledger_withdraw(struct withdrawal *w, void (*next)(struct withdrawal *w));

/* Look the order up, change nothing; results as above. No record with
 * PG_ROWS: there was none at that moment, so far. */
void ledger_find(struct withdrawal *w, void (*next)(struct withdrawal *w));

#endif
