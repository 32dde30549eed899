/* row.h: the record of an order out of a row of the ledger. */
#ifndef ROW_H
#define ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg_rows;
struct record;

/* A row as withdraw_find() gives it, from column on. Returns false if it is
 * not a record: a ledger of another version. */
bool record_from_row(const struct pg_rows *rows, size_t row, int column,
    int64_t user, struct record *r);

#endif
