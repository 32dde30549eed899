/* fake_pg.h: a Postgres that takes sessions as it should, and for the rest says
 * what the test has it say, message by message, through libpq's own protocol.
 * It serves one connection at a time. */
#ifndef FAKE_PG_H
#define FAKE_PG_H

#include <stdbool.h>
#include <stddef.h>

#include "peer.h"

extern struct peer fake_pg;

/* What the set-up finds: fsync, full_page_writes, synchronous_commit, and the
 * epoch. */
extern const char *fake_pg_settings[4];
/* Not NULL: it refuses the set-up so, "" without a state. */
extern const char *fake_pg_refusal;
/* Not NULL: called in the middle of each message. */
extern void (*fake_pg_torn)(void);

/* Listens, and sets libpq's variables. */
void fake_pg_open(void);
void fake_pg_close(void);

/* Takes what came; answers the set-up. Returns false if nothing came. */
bool fake_pg_serve(void);

/* The statement that it was asked for and that has no end yet, "" if none, and
 * its parameters; NULL is SQL's. */
const char *fake_pg_statement(void);
const char *fake_pg_param(int i);

/* The parts of a reply. */
void fake_pg_rows(int ncolumns, int nrows, const char *const cells[]);
void fake_pg_complete(void); /* the statement's end, before its commit */
void fake_pg_ready(char transaction);
/* NULL leaves the field out. */
void fake_pg_error(const char *severity, const char *state, const char *text);
void fake_pg_notice(const char *severity, const char *text);

/* Rows, their end, and ready. */
void fake_pg_answer(int ncolumns, int nrows, const char *const cells[]);
/* An error of the statement, and ready. */
void fake_pg_refuse(const char *state);

#endif
