/* tables.c: see tables.h. */
#include "tables.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "rules.h"

static struct account *accounts;
static struct entry *entries;
static struct record *records;
static const struct entry **debits; /* by order */
static size_t naccounts, nentries, nrecords, ndebits;

/* --- reading ------------------------------------------------------------ */

static void
account_row(const char *const c[])
{
	accounts = lines_grow(accounts, naccounts, sizeof(*accounts));
	accounts[naccounts++] = (struct account){.user = lines_int(c[0]),
	    .balance = lines_money(c[1]),
	    .version = lines_int(c[2]),
	    .state = c[3]};
}

static void
entry_row(const char *const c[])
{
	entries = lines_grow(entries, nentries, sizeof(*entries));
	entries[nentries++] = (struct entry){.user = lines_int(c[0]),
	    .version = lines_int(c[1]),
	    .kind = c[2],
	    .delta = lines_money(c[3]),
	    .balance = lines_money(c[4]),
	    .order = c[5],
	    .created = lines_int(c[6])};
}

static void
record_row(const char *const c[])
{
	records = lines_grow(records, nrecords, sizeof(*records));
	records[nrecords++] = (struct record){.order = c[0],
	    .user = lines_int(c[1]),
	    .amount = lines_money(c[2]),
	    .status = (int)lines_int(c[3]),
	    .reason = c[4],
	    .balance = lines_money(c[5]),
	    .version = lines_int(c[6]),
	    .created = lines_int(c[7])};
}

static int
sign(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
by_user(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	return sign(x->user, y->user);
}

static int
by_version(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->user != y->user ? sign(x->user, y->user)
				  : sign(x->version, y->version);
}

static int
by_record_order(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return strcmp(x->order, y->order);
}

static int
by_debit_order(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return strcmp((*x)->order, (*y)->order);
}

void
tables_read(const char *dir)
{
	size_t i;

	lines_read(dir, "account", 4, account_row);
	lines_read(dir, "entry", 7, entry_row);
	lines_read(dir, "record", 8, record_row);
	qsort(accounts, naccounts, sizeof(*accounts), by_user);
	qsort(entries, nentries, sizeof(*entries), by_version);
	qsort(records, nrecords, sizeof(*records), by_record_order);
	for (i = 0; i < nentries; i++) {
		if (strcmp(entries[i].kind, "withdraw") != 0)
			continue;
		debits = lines_grow(debits, ndebits, sizeof(const void *));
		debits[ndebits++] = &entries[i];
	}
	if (ndebits > 0)
		qsort(debits, ndebits, sizeof(const void *), by_debit_order);
}

/* --- finding ------------------------------------------------------------ */

const struct account *
tables_account(int64_t user)
{
	const struct account key = {.user = user};

	return bsearch(&key, accounts, naccounts, sizeof(key), by_user);
}

const struct entry *
tables_entry(int64_t user, int64_t version)
{
	const struct entry key = {.user = user, .version = version};

	return bsearch(&key, entries, nentries, sizeof(key), by_version);
}

const struct record *
tables_record(const char *order)
{
	const struct record key = {.order = order};

	return bsearch(&key, records, nrecords, sizeof(key), by_record_order);
}

const struct entry *
tables_debit(const char *order)
{
	const struct entry key = {.order = order}, *pointer = &key;
	const struct entry **found = NULL;
	size_t i;

	if (ndebits > 0)
		found = bsearch(
		    &pointer, debits, ndebits, sizeof(pointer), by_debit_order);
	if (found == NULL)
		return NULL;
	i = (size_t)(found - debits);
	if ((i > 0 && strcmp(debits[i - 1]->order, order) == 0) ||
	    (i + 1 < ndebits && strcmp(debits[i + 1]->order, order) == 0))
		return NULL;
	return *found;
}

const struct record *
tables_records(size_t *n_r)
{
	*n_r = nrecords;
	return records;
}

const struct entry *
tables_entries(size_t *n_r)
{
	*n_r = nentries;
	return entries;
}

/* --- what they say by themselves ---------------------------------------- */

/* It repairs within seconds what nobody would see afterwards. Of a lock that
 * outlives its lease it is the clock of Redis that is to blame. */
static void
finding_row(const char *const c[])
{
	if (strcmp(c[0], "lock-outlives-lease") != 0)
		rule_broken(NOTHING_FOUND, "%s, user %s, order %s: %s", c[0],
		    c[1], c[2], c[3]);
}

/* An index forbids it, too: should it be gone, this says so. */
static void
check_debits(void)
{
	size_t i;

	for (i = 1; i < ndebits; i++)
		if (strcmp(debits[i - 1]->order, debits[i]->order) == 0)
			rule_broken(ONE_DEBIT, "order %s has two entries",
			    debits[i]->order);
}

/* Of entry i: the one before it in the journal is the one before it here. */
static void
check_entry(size_t i)
{
	const struct entry *e = &entries[i], *before = NULL;

	if (i > 0 && entries[i - 1].user == e->user)
		before = &entries[i - 1];
	if (e->version != (before != NULL ? before->version + 1 : 1))
		rule_broken(CHAIN,
		    "user %" PRId64 ": entry %" PRId64 " follows %" PRId64,
		    e->user, e->version, before != NULL ? before->version : 0);
	if (e->balance < 0 ||
	    e->balance != (before != NULL ? before->balance : 0) + e->delta)
		rule_broken(CHAIN,
		    "user %" PRId64 ", entry %" PRId64
		    ": the balance is not the sum",
		    e->user, e->version);
	if (tables_account(e->user) == NULL)
		rule_broken(HEAD, "user %" PRId64 " has entries and no account",
		    e->user);
}

static void
check_account(const struct account *a)
{
	const struct entry *head = tables_entry(a->user, a->version);

	if (head == NULL || head->balance != a->balance ||
	    tables_entry(a->user, a->version + 1) != NULL)
		rule_broken(HEAD,
		    "user %" PRId64 ": version %" PRId64
		    " and its balance are not the journal's last",
		    a->user, a->version);
	if (strcmp(a->state, "active") != 0)
		rule_broken(
		    NOT_FROZEN, "user %" PRId64 " is %s", a->user, a->state);
}

static void
check_record(const struct record *r)
{
	const struct entry *e = tables_debit(r->order);

	if (r->status != SUCCEEDED) {
		if (e != NULL)
			rule_broken(RECORD_AND_ENTRY,
			    "order %s has an entry, and did not succeed",
			    r->order);
	} else if (e == NULL || e->user != r->user || e->delta != -r->amount ||
	    e->balance != r->balance || e->version != r->version) {
		rule_broken(RECORD_AND_ENTRY,
		    "order %s succeeded, and its entry is not there or differs",
		    r->order);
	}
	if (r->status != DECLINED ||
	    strcmp(r->reason, "insufficient-funds") != 0)
		return;
	e = tables_entry(r->user, r->version);
	if (e == NULL || e->balance != r->balance || r->amount <= r->balance)
		rule_broken(DECLINED_RIGHTLY,
		    "order %s: there was enough, or never such a balance",
		    r->order);
}

void
tables_check(const char *dir)
{
	size_t i;

	check_debits();
	for (i = 0; i < nentries; i++)
		check_entry(i);
	for (i = 0; i < naccounts; i++)
		check_account(&accounts[i]);
	for (i = 0; i < nrecords; i++)
		check_record(&records[i]);
	lines_read(dir, "finding", 4, finding_row);
	for (i = 0; i < ndebits; i++) {
		const struct record *r = tables_record(debits[i]->order);

		if (r == NULL || r->status != SUCCEEDED)
			rule_broken(RECORD_AND_ENTRY,
			    "order %s has an entry and no record of success",
			    debits[i]->order);
	}
}
