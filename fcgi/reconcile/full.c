/* full.c: the full look (look.h): journal and records are read once, side by
 * side, then the accounts, and folded together (fold.h). The hash of each
 * entry is computed anew here. Memory does not grow with the ledger. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "reconcile/chain.h"
#include "reconcile/entry.h"
#include "reconcile/fold.h"
#include "reconcile/look.h"
#include "reconcile/numeric.h"
#include "reconcile/snapshot.h"

#define TELL_EVERY 65536 /* rows between two words of progress */

struct full {
	struct look *look;
	const struct look_progress *progress;
	struct fold *fold;
	struct chain *chain;
	int64_t rows, about; /* read so far, and how many there may be */
};

static void
count_row(struct full *full, int64_t *counter)
{
	(*counter)++;
	if (++full->rows % TELL_EVERY == 0)
		full->progress->tell(
		    full->progress->arg, full->rows, full->about);
}

static bool
is(struct chain_bytes bytes, const char *word)
{
	return bytes.len == strlen(word) &&
	    memcmp(bytes.data, word, bytes.len) == 0;
}

/* --- the journal --------------------------------------------------------- */

static const char entry_rows[] = "ledger_entry (" ENTRY_COLUMNS ")";

static bool
hash_holds(const struct full *full, const struct snapshot_row *row)
{
	const struct chain_entry entry = entry_of_row(row);

	return chain_holds(full->chain, &entry, row->field[E_HASH]);
}

/* Adds to the sum of its kind; says what it is to its order. */
static enum fold_kind
sum_kind(struct look *look, struct chain_bytes kind, int64_t delta)
{
	if (is(kind, "withdraw")) {
		look->withdrawn -= delta;
		return FOLD_WITHDRAW;
	}
	if (is(kind, "return")) {
		look->returned += delta;
		return FOLD_RETURN;
	}
	if (is(kind, "open"))
		look->opened += delta;
	else if (is(kind, "credit"))
		look->credited += delta;
	else
		look->adjusted += delta;
	return FOLD_OTHER;
}

static void
on_entry(void *arg, const struct snapshot_row *row)
{
	struct full *full = arg;
	int64_t user = snapshot_int(row, E_USER);
	struct fold_state from = {.version = snapshot_int(row, E_VERSION) - 1,
	    .hash = row->field[E_PREV_HASH]};
	struct fold_state to = {
	    .version = from.version + 1, .hash = row->field[E_HASH]};
	int64_t delta;
	enum fold_kind kind;

	count_row(full, &full->look->entries);
	if (!numeric_minor(row->field[E_DELTA], &delta) ||
	    !numeric_minor(row->field[E_BALANCE], &to.balance) ||
	    !hash_holds(full, row))
		fold_suspect(full->fold, user);
	from.balance = to.balance - delta;
	kind = sum_kind(full->look, row->field[E_KIND], delta);
	fold_entry(full->fold, user, &from, &to, kind, row->field[E_ORDER]);
}

/* --- records ------------------------------------------------------------- */

static const char record_rows[] =
    "withdraw_record (user_id, order_id, status, amount, version, "
    "balance_after, payout_state)";

enum record_column {
	R_USER,
	R_ORDER,
	R_STATUS,
	R_AMOUNT,
	R_VERSION,
	R_BALANCE,
	R_PAYOUT,
};

/* withdraw_record.status: only a success moves money. */
enum status { SUCCEEDED = 1, DECLINED, VOID };

static void
on_record(void *arg, const struct snapshot_row *row)
{
	struct full *full = arg;
	int64_t user = snapshot_int(row, R_USER);
	int64_t status = snapshot_int(row, R_STATUS);
	int64_t amount = 0, balance = 0;

	count_row(full, &full->look->records);
	if (status < SUCCEEDED || status > VOID)
		fold_suspect(full->fold, user);
	if (status == SUCCEEDED) {
		if (!numeric_minor(row->field[R_AMOUNT], &amount) ||
		    !numeric_minor(row->field[R_BALANCE], &balance))
			fold_suspect(full->fold, user);
		fold_debit(full->fold, user, row->field[R_ORDER], amount,
		    snapshot_int(row, R_VERSION), balance);
	}
	if (is(row->field[R_PAYOUT], "returned")) {
		if (!numeric_minor(row->field[R_AMOUNT], &amount))
			fold_suspect(full->fold, user);
		fold_return(full->fold, user, row->field[R_ORDER], amount);
	}
}

/* --- accounts ------------------------------------------------------------ */

static const char account_rows[] =
    "account (user_id, version, balance, head_hash)";

enum account_column { A_USER, A_VERSION, A_BALANCE, A_HASH };

static void
on_account(void *arg, const struct snapshot_row *row)
{
	struct full *full = arg;
	int64_t user = snapshot_int(row, A_USER);
	struct fold_state now = {.version = snapshot_int(row, A_VERSION),
	    .hash = row->field[A_HASH]};

	count_row(full, &full->look->accounts);
	if (!numeric_minor(row->field[A_BALANCE], &now.balance))
		fold_suspect(full->fold, user);
	full->look->balances += now.balance;
	fold_account(full->fold, user, &now);
}

/* --- whom the sums accuse ------------------------------------------------ */

static void
on_suspect(void *arg, const struct snapshot_row *row)
{
	look_suspect(arg, snapshot_int(row, 0));
}

/* Every user that any table knows, whose bucket does not fit. */
static int
name_suspects(
    struct snapshot *snapshot, const struct fold *fold, struct look *look)
{
	struct snapshot_query query = {NULL, on_suspect, look};
	size_t bucket = 0, size = 0;
	char *sql = NULL;
	FILE *text;
	int read = 0;

	if (!fold_next(fold, &bucket))
		return 0;
	text = open_memstream(&sql, &size);
	if (text == NULL)
		fatal("open_memstream");
	fprintf(text,
	    "(SELECT DISTINCT user_id FROM (SELECT user_id FROM account "
	    "UNION ALL SELECT user_id FROM ledger_entry "
	    "UNION ALL SELECT user_id FROM withdraw_record) u "
	    "WHERE user_id & %d = ANY ('{",
	    FOLD_BUCKETS - 1);
	fprintf(text, "%zu", bucket);
	for (bucket++; fold_next(fold, &bucket); bucket++)
		fprintf(text, ",%zu", bucket);
	fprintf(text, "}'))");
	if (fclose(text) != 0)
		fatal("could not write to memory");
	query.rows = sql;
	read = snapshot_read(snapshot, &query, 1);
	free(sql);
	return read;
}

/* --- the look ------------------------------------------------------------ */

static const char about_rows[] =
    "(SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class WHERE oid IN "
    "('ledger_entry'::regclass, 'withdraw_record'::regclass, "
    "'account'::regclass))";

static void
on_about(void *arg, const struct snapshot_row *row)
{
	struct full *full = arg;

	full->about = snapshot_int(row, 0);
}

int
look_full(struct snapshot *snapshot, const struct look_progress *progress,
    struct look *look_r)
{
	struct full full = {.look = look_r,
	    .progress = progress,
	    .fold = fold_open(),
	    .chain = chain_open()};
	const struct snapshot_query about = {about_rows, on_about, &full};
	const struct snapshot_query moves[] = {
	    {entry_rows, on_entry, &full}, {record_rows, on_record, &full}};
	const struct snapshot_query accounts = {
	    account_rows, on_account, &full};
	int looked = -1;

	*look_r = (struct look){0};
	if (snapshot_read(snapshot, &about, 1) == 0 &&
	    snapshot_read(snapshot, moves, 2) == 0 &&
	    snapshot_read(snapshot, &accounts, 1) == 0)
		looked = name_suspects(snapshot, full.fold, look_r);
	chain_close(&full.chain);
	fold_close(&full.fold);
	return looked;
}
