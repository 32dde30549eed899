/* orders.h: what a user may ask of orders and account besides withdrawing:
 * show one, list them, close one for good, show the balance, and the limits.
 * One statement each, no Redis. */
#ifndef ORDERS_H
#define ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/record.h"
#include "store/pg.h"

struct service;

#define ORDERS_PAGE_MAX 100

/* Room for the reference of a payout, at most 200 characters, and its NUL. */
#define PAYOUT_REFERENCE 801

/* How far the money of an order is on its way to the user. */
struct payout {
	const char *state; /* "due", "paid", "returned"; NULL: no payout */
	bool has_moved;    /* paid or returned: then there are */
	int64_t moved_us;  /* microseconds since 1970, UTC */
	char reference[PAYOUT_REFERENCE];
};

/* An order as its user sees it. */
struct orders_item {
	struct record record;
	struct payout payout;
};

/* What may be withdrawn, as far as can be said beforehand. Texts as Postgres
 * writes them; NULL: no such limit. */
struct orders_limits {
	const char *state; /* of the account */
	const char *min_amount, *max_amount;
	const char *daily_count, *daily_count_left;
	const char *daily_sum, *daily_sum_left;
	bool has_resets; /* there is a daily limit, whose day ends then */
	int64_t resets_us;
};

struct orders_call {
	/* the request */
	const struct service *service;
	const char *request; /* id, for the log */
	int64_t user;
	char order[UUID_TEXT]; /* find, void; list: page after it, or "" */
	int64_t before_us;     /* list: with order */
	int limit;             /* list: at most ORDERS_PAGE_MAX */
	void (*done)(struct orders_call *call);

	/* the answer */
	enum pg_verdict verdict;
	bool found;    /* find, void, account, overview */
	bool replayed; /* void: the record was there before */
	struct orders_item item;
	struct orders_item *list; /* list: nlist, call's until done returns */
	size_t nlist;
	bool more;                   /* list: there are older ones */
	int64_t balance, version;    /* account, overview */
	struct orders_limits limits; /* overview: until done returns */

	struct pg_call pg_call;
	char text[3][24];
};

/* Each calls done once, not before it returns. */
void orders_find(struct orders_call *call);
void orders_list(struct orders_call *call);
/* Inserts a void record unless the order has one: what stands is final. */
void orders_void(struct orders_call *call);
void orders_account(struct orders_call *call);
/* The account with the limits that hold for it. */
void orders_overview(struct orders_call *call);
/* Is the ledger there? Only verdict is set. */
void orders_health(struct orders_call *call);

#endif
