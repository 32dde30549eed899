/* tables.h: the ledger's tables as they are in the end. */
#ifndef TABLES_H
#define TABLES_H

#include <stddef.h>
#include <stdint.h>

struct account {
	int64_t user, balance, version;
	const char *state;
};

struct entry {
	int64_t user, version;
	const char *kind;
	int64_t delta, balance;
	const char *order; /* "\N" where there is none */
	int64_t created;
};

enum { SUCCEEDED = 1, DECLINED = 2, VOID = 3 };

struct record {
	const char *order;
	int64_t user, amount;
	int status;
	const char *reason;
	int64_t balance, version, created;
};

/* Reads account, entry, record and foreign in dir. */
void tables_read(const char *dir);

/* NULL where there is none. */
const struct account *tables_account(int64_t user);
const struct entry *tables_entry(int64_t user, int64_t version);
const struct record *tables_record(const char *order);
/* The only debit of the order; NULL: none, or several. */
const struct entry *tables_debit(const char *order);

const struct record *tables_records(size_t *n_r);
const struct entry *tables_entries(size_t *n_r);

/* What the tables say by themselves; the rules are at the functions. */
void tables_check(const char *dir);

#endif
