/* look.h: the first look: whom to suspect. Two ways to the same end: a full
 * look reads all of the ledger once (full.c), an incremental one only what was
 * written since the last clean run (since.c). A suspicion may be unfounded. */
#ifndef LOOK_H
#define LOOK_H

#include <stddef.h>
#include <stdint.h>

struct snapshot;

/* Sums of money in minor units, of all accounts: wider than one amount. */
__extension__ typedef __int128 look_sum;

struct look {
	int64_t *suspect; /* users, each once or more often */
	size_t nsuspects, room;

	int64_t entries, records, accounts; /* how many were looked at */

	/* full only: what the journal moved, by kind, and what there is */
	look_sum opened, credited, withdrawn, returned, adjusted, balances;
};

/* Told how far a full look has come, now and then. */
struct look_progress {
	void (*tell)(void *arg, int64_t rows, int64_t about);
	void *arg;
};

/* Both: 0, or -1 if not all was read, which stderr has been told. */
int look_full(struct snapshot *snapshot, const struct look_progress *progress,
    struct look *look_r) __attribute__((warn_unused_result));
int look_since(struct snapshot *snapshot, int64_t since, struct look *look_r)
    __attribute__((warn_unused_result));

/* For both: one suspect more. Afterwards: the list is let go. */
void look_suspect(struct look *look, int64_t user);
void look_free(struct look *look);

#endif
