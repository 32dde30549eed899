/* check.c: did the promises hold? Knows the history and the final tables, and
 * nothing else.
 *
 *   torture-check [-l] [-g SECONDS] [-f SECONDS] DIR
 *
 *   -l  an order need not become final (a Redis that lies may say "busy" for
 *       ever)
 *   -g  how long after its answer a request may still be at work somewhere
 *       (20): see check_none()
 *   -f  how soon after the last fault every order must be final (30)
 *
 * DIR has history and credits (history.h), and the tables account (user_id,
 * balance, version, state), entry (user_id, version, kind, delta,
 * balance_after, order_id, created_at in us) and record (order_id, user_id,
 * amount, status, reason, balance_after, version, created_at in us), as COPY
 * writes them, and finding (kind, user_id, order_id, what), which is what
 * withdraw-reconcile has found meanwhile. Prints what was found out, "count
 * NAME N" for who wants to know whether there was anything to find, and last "N
 * passed, N failed".
 *
 * Exit status: 0 all rules hold, 1 some do not, 2 it could not look. */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "rules.h"
#include "tables.h"

enum { FAILED = 2, CLOCK_SLACK_US = 1000 };

struct event {
	int64_t sent, received, user;
	const char *order, *kind, *asked, *state, *code, *safe, *record;
	const char *named, *body;
	int64_t amount, balance, version;
	int status;
	bool replayed;
};

static struct event *events;
static size_t nevents;
static struct event *credits;
static size_t ncredits;
static int64_t calm_at, grace_us = 20000000, final_us = 30000000;
static bool need_final = true;

static struct {
	size_t requests, orders, final, succeeded, declined, voided, busy;
	size_t twins, replayed, token_invalid, mismatch, unknown, silent;
	size_t uncertain, listed;
	size_t foreign, none, conflicts, credits, running_after;
} count;

/* --- reading ------------------------------------------------------------ */

static struct event
event_of(const char *const c[])
{
	return (struct event){.sent = lines_int(c[0]),
	    .received = lines_int(c[1]),
	    .user = lines_int(c[3]),
	    .order = c[4],
	    .kind = c[5],
	    .asked = c[6],
	    .status = (int)lines_int(c[7]),
	    .state = c[8],
	    .code = c[9],
	    .safe = c[10],
	    .replayed = strcmp(c[11], "true") == 0,
	    .record = c[12],
	    .amount = lines_money(c[13]),
	    .balance = lines_money(c[14]),
	    .version = lines_int(c[15]),
	    .named = c[16],
	    .body = c[17]};
}

static void
history_row(const char *const c[])
{
	if (strcmp(c[5], "calm") == 0) {
		calm_at = lines_int(c[0]);
		return;
	}
	events = lines_grow(events, nevents, sizeof(*events));
	events[nevents++] = event_of(c);
}

static void
credit_row(const char *const c[])
{
	credits = lines_grow(credits, ncredits, sizeof(*credits));
	credits[ncredits++] = event_of(c);
}

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* By order, its users, time. */
static int
by_order(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int c = strcmp(x->order, y->order);

	if (c != 0)
		return c;
	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return (x->sent > y->sent) - (x->sent < y->sent);
}

static int
by_received(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return (x->received > y->received) - (x->received < y->received);
}

/* --- what an answer says ------------------------------------------------ */

/* The final state that it tells of its order, or 0. */
static int
told(const struct event *e)
{
	const char *said =
	    e->status == 200 || e->status == 201 ? e->record : e->state;

	if (is(said, "succeeded"))
		return SUCCEEDED;
	if (is(said, "declined"))
		return DECLINED;
	return is(said, "void") ? VOID : 0;
}

/* May it have made the record r, had it been carried out? */
static bool
could_make(const struct event *e, const struct record *r)
{
	if (r->status == VOID)
		return is(e->kind, "void");
	return is(e->kind, "withdraw") && lines_money(e->asked) == r->amount;
}

/* --- rules about one answer --------------------------------------------- */

static void
check_failure(const struct event *e)
{
	if (e->status >= 500 &&
	    (!is(e->state, "unknown") || !is(e->safe, "false") ||
		!is(e->record, "-")))
		rule_broken(FAILURE_IS_UNKNOWN,
		    "order %s: status %d says %s, safe_new_order %s", e->order,
		    e->status, e->state, e->safe);
	if (is(e->state, "none") && !is(e->code, "token-invalid") &&
	    !is(e->code, "order-unknown"))
		rule_broken(UNKNOWN_UNLESS_LOOKED, "order %s: %s says none",
		    e->order, e->code);
	/* these come without a look in the ledger */
	if ((is(e->code, "busy") || is(e->code, "rate-limited") ||
		is(e->code, "unauthenticated") || is(e->code, "malformed")) &&
	    (!is(e->state, "unknown") || !is(e->safe, "false")))
		rule_broken(UNKNOWN_UNLESS_LOOKED,
		    "order %s: %s says %s, safe_new_order %s", e->order,
		    e->code, e->state, e->safe);
	/* all users have an account */
	if (is(e->code, "account-unknown"))
		rule_broken(UNKNOWN_UNLESS_LOOKED,
		    "user %" PRId64 " is told to have no account", e->user);
}

/* The clients ask rightly, each for itself. */
static void
check_asked(const struct event *e)
{
	static const char *const codes[] = {"token-invalid", "in-progress",
	    "busy", "rate-limited", "order-unknown", "order-mismatch",
	    "order-void", "insufficient-funds"};
	bool about_account = is(e->kind, "account") && e->status == 200;
	size_t i;

	if (about_account ? lines_int(e->named) != e->user
			  : !is(e->named, "-") && !is(e->named, e->order))
		rule_broken(OWN_ANSWER,
		    "user %" PRId64 " asked for order %s: %d %s", e->user,
		    e->order, e->status, e->body);
	if (e->status < 400 || e->status >= 500)
		return;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (is(e->code, codes[i]))
			return;
	rule_broken(NO_REPROACH, "user %" PRId64 ", %s of order %s: %d %s",
	    e->user, e->kind, e->order, e->status, e->body);
}

/* To e's user, who has no such order: only that it does not exist, or is
 * void. */
static void
check_foreign(const struct event *e)
{
	int state = told(e);

	count.foreign++;
	if (state == SUCCEEDED || state == DECLINED || e->amount != NO_MONEY ||
	    e->balance != NO_MONEY || is(e->code, "order-mismatch") ||
	    is(e->state, "running"))
		rule_broken(FOREIGN,
		    "user %" PRId64 " asked for order %s: %d %s", e->user,
		    e->order, e->status, e->body);
}

/* A final answer is what the ledger has. */
static void
check_told(const struct event *e, const struct record *r)
{
	int state = told(e);

	if (is(e->safe, "true") &&
	    (state == 0 || r == NULL ||
		(r->user == e->user && r->status == SUCCEEDED)))
		rule_broken(SAFE_NEW_ORDER,
		    "order %s: %s, and a new order is called safe", e->order,
		    e->code);
	if (state == 0)
		return;
	if (r == NULL) {
		rule_broken(TOLD_STANDS, "order %s was told %s%s: no record",
		    e->order, e->record, e->state);
		return;
	}
	if (r->user != e->user)
		return; /* void for good: check_foreign */
	if (state != r->status)
		rule_broken(TOLD_STANDS,
		    "order %s was told %s%s: the record has status %d",
		    e->order, e->record, e->state, r->status);
	if ((e->amount != NO_MONEY && e->amount != r->amount) ||
	    ((e->status == 200 || e->status == 201) && state != VOID &&
		e->balance != r->balance))
		rule_broken(TOLD_STANDS,
		    "order %s: other members than the record's: %s", e->order,
		    e->body);
	if (e->status == 201 && lines_money(e->asked) != r->amount)
		rule_broken(TOLD_STANDS,
		    "order %s: asked for %s, told of another amount", e->order,
		    e->asked);
}

/* --- rules about all answers of one user to one order ------------------- */

/* Finals to the same question are the same bytes: by call, and for withdraw by
 * amount. And whatever the call: one state. */
static void
check_same(const struct event *e, size_t n)
{
	const struct event *first[4] = {NULL};
	static const char *const kinds[] = {"withdraw", "show", "void"};
	size_t i, k, firsts = 0;
	int state = 0;

	for (i = 0; i < n; i++) {
		int now = told(&e[i]);

		if (now == 0)
			continue;
		if (state != 0 && now != state)
			rule_broken(TOLD_THE_SAME,
			    "order %s was told two states", e[i].order);
		state = now;
		if (!e[i].replayed && !is(e[i].kind, "show") &&
		    !is(e[i].kind, "listed") &&
		    !is(e[i].code, "order-mismatch") && ++firsts > 1)
			rule_broken(FIRST_ONCE,
			    "order %s: two answers are not replayed",
			    e[i].order);
		if (is(e[i].kind, "listed"))
			continue; /* a part of an answer */
		k = 3;            /* a mismatch is about the record, too */
		if (!is(e[i].code, "order-mismatch"))
			for (k = 0; k < 3 && !is(kinds[k], e[i].kind); k++)
				;
		if (k > 3)
			continue;
		if (first[k] == NULL)
			first[k] = &e[i];
		else if (first[k]->status != e[i].status ||
		    !is(first[k]->body, e[i].body))
			rule_broken(TOLD_THE_SAME, "order %s: %d %s and %d %s",
			    e[i].order, first[k]->status, first[k]->body,
			    e[i].status, e[i].body);
	}
}

/* "none" means: looked in the ledger, and no record of this order so far. It
 * is said of a moment between the question, s, and the answer, r, and it is
 * false if the record could be seen then:
 *
 * 1. A final answer was received before s. Records are never deleted, so
 *    whoever looked after that would have found it. No exception.
 *
 * 2. There is a record in the end, and nobody sent anything that could have
 *    made it later than the look: then it was there. "Sent" is the point. A
 *    request that was sent after s may debit after r, and so may one that was
 *    at work during the look: its worker may be stopped, its statement may
 *    wait in a Postgres that is stopped, and nginx may have sent a copy to
 *    another worker, whose answer says nothing of the first. So a request
 *    counts as over only `grace` after its answer, or after its client has
 *    left: the ledger's deadline, the lock's lease and the longest stop of the
 *    schedule together. If all that could have made the record was over before
 *    s, and nothing of the kind was sent since, the money left, or was to
 *    leave, while "none" was said: by something that nobody would have sent
 *    again.
 *
 * "none" is no licence for a new order, it comes with safe_new_order false:
 * what is still at work may end either way. safe_new_order true knows no
 * moment and no grace: such an order must never be debited (check_told). */
static void
check_none(const struct event *e, size_t n, const struct record *r)
{
	int64_t first_final = INT64_MAX, last_over = INT64_MIN;
	size_t i;

	for (i = 0; i < n; i++) {
		if (told(&e[i]) != 0 && e[i].received < first_final)
			first_final = e[i].received;
		if (r != NULL && could_make(&e[i], r) &&
		    e[i].received > last_over)
			last_over = e[i].received;
	}
	for (i = 0; i < n; i++) {
		if (is(e[i].state, "running") && e[i].sent > first_final)
			count.running_after++;
		if (!is(e[i].state, "none"))
			continue;
		count.none++;
		if (e[i].sent > first_final)
			rule_broken(NONE_AFTER_FINAL,
			    "order %s: %s, after a final answer", e[i].order,
			    e[i].code);
		else if (r != NULL && r->user == e[i].user &&
		    last_over < e[i].sent - grace_us)
			rule_broken(NONE_AND_RECORDED,
			    "order %s: %s, and it is recorded though nobody "
			    "sent it since",
			    e[i].order, e[i].code);
	}
}

static void
check_final(const struct event *e, size_t n)
{
	int64_t first_final = INT64_MAX;
	size_t i;

	for (i = 0; i < n; i++)
		if (told(&e[i]) != 0 && e[i].received < first_final)
			first_final = e[i].received;
	count.orders++;
	if (first_final != INT64_MAX)
		count.final++;
	if (first_final == INT64_MAX || first_final > calm_at + final_us)
		rule_broken(FINAL_IN_TIME, "order %s is not final, or late",
		    e[0].order);
}

/* Answers of one user to one order, in the order of time. */
static void
check_view(const struct event *e, size_t n)
{
	const struct record *r = tables_record(e[0].order);
	bool own = false, foreign = r != NULL && r->user != e[0].user;
	size_t i;

	for (i = 0; i < n; i++) {
		/* others only look before there is a record */
		own = own || (!foreign && !is(e[i].kind, "show"));
		if (foreign)
			check_foreign(&e[i]);
		check_told(&e[i], r);
	}
	check_same(e, n);
	check_none(e, n, r);
	if (own)
		check_final(e, n);
}

static void
check_orders(void)
{
	size_t from, to;

	qsort(events, nevents, sizeof(*events), by_order);
	for (from = 0; from < nevents; from = to) {
		for (to = from + 1; to < nevents &&
		     events[to].user == events[from].user &&
		     is(events[to].order, events[from].order);)
			to++;
		if (!is(events[from].order, "-"))
			check_view(&events[from], to - from);
	}
}

/* Every record was sent, by its user, for its amount, before it was made. */
static void
check_senders(void)
{
	size_t n, i, k;
	const struct record *r = tables_records(&n);

	for (i = 0; i < n; i++) {
		const struct event key = {
		    .order = r[i].order, .user = r[i].user};
		size_t low = 0, high = nevents;
		bool found = false;

		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (by_order(&events[middle], &key) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		for (k = low;
		     k < nevents && !found && is(events[k].order, r[i].order) &&
		     events[k].user == r[i].user;
		     k++)
			found = could_make(&events[k], &r[i]) &&
			    events[k].sent <= r[i].created + CLOCK_SLACK_US;
		if (!found)
			rule_broken(SENT_BY_SOMEBODY,
			    "order %s of user %" PRId64, r[i].order, r[i].user);
	}
}

/* --- rules about accounts ----------------------------------------------- */

static void
check_credits(void)
{
	size_t n, i, known = 0, open = 0, there = 0;
	const struct entry *e = tables_entries(&n);

	for (i = 0; i < ncredits; i++) {
		const struct event *c = &credits[i];
		const struct entry *found;

		if (c->status != 201) {
			open += c->status == 0;
			continue;
		}
		known++;
		found = tables_entry(c->user, c->version);
		if (found == NULL || !is(found->kind, "credit") ||
		    found->delta != lines_money(c->asked) ||
		    found->balance != c->balance)
			rule_broken(CREDITS,
			    "user %" PRId64 ": entry %" PRId64
			    " is not the credit that was acknowledged",
			    c->user, c->version);
	}
	for (i = 0; i < n; i++)
		there += is(e[i].kind, "credit");
	count.credits = there;
	if (there < known || there > known + open)
		rule_broken(CREDITS,
		    "%zu entries; %zu were acknowledged, of %zu more nobody "
		    "knows",
		    there, known, open);
}

/* The version of the account that an answer shows, or 0. */
static int64_t
shown(const struct event *e)
{
	const struct record *r;

	if (is(e->kind, "account"))
		return e->status == 200 ? e->version : 0;
	if (is(e->kind, "credit"))
		return e->status == 201 ? e->version : 0;
	r = e->status == 201 && told(e) == SUCCEEDED ? tables_record(e->order)
						     : NULL;
	return r != NULL && r->user == e->user ? r->version : 0;
}

/* A balance is of a moment after the question: not older than any version that
 * was told before it. */
static void
check_accounts(void)
{
	int64_t *newest = NULL;
	size_t i, k;

	for (i = 0; i < ncredits; i++) {
		events = lines_grow(events, nevents, sizeof(*events));
		events[nevents++] = credits[i];
	}
	qsort(events, nevents, sizeof(*events), by_received);
	newest = calloc(nevents + 1, sizeof(*newest));
	if (newest == NULL)
		errx(FAILED, "out of memory");
	for (i = 0; i < nevents; i++) {
		const struct event *e = &events[i];
		const struct entry *entry;

		newest[i] = shown(e);
		if (is(e->kind, "account") && e->status == 200) {
			entry = tables_entry(e->user, e->version);
			if (entry == NULL || entry->balance != e->balance)
				rule_broken(ACCOUNT_TOLD,
				    "user %" PRId64 ": %s", e->user, e->body);
			for (k = i; k > 0 && events[k - 1].user == e->user &&
			     events[k - 1].received >= e->sent;)
				k--;
			if (k > 0 && events[k - 1].user == e->user &&
			    newest[k - 1] > e->version)
				rule_broken(ACCOUNT_NOT_OLD,
				    "user %" PRId64 ": version %" PRId64
				    ", after %" PRId64,
				    e->user, e->version, newest[k - 1]);
		}
		if (i > 0 && events[i - 1].user == e->user &&
		    newest[i - 1] > newest[i])
			newest[i] = newest[i - 1];
	}
	free(newest);
}

/* --- was there anything to find? ---------------------------------------- */

/* An entry that began before the one that it follows had read an account that
 * then moved: its first try met another version. */
static void
count_conflicts(void)
{
	size_t n, i;
	const struct entry *e = tables_entries(&n);

	for (i = 1; i < n; i++)
		if (e[i].user == e[i - 1].user &&
		    e[i].created < e[i - 1].created &&
		    is(e[i].kind, "withdraw"))
			count.conflicts++;
}

static void
count_answers(void)
{
	size_t i;

	count.requests = nevents;
	for (i = 0; i < nevents; i++) {
		const struct event *e = &events[i];

		check_failure(e);
		check_asked(e);
		count.busy += is(e->code, "busy");
		count.twins += is(e->code, "in-progress");
		count.replayed += e->replayed;
		count.token_invalid += is(e->code, "token-invalid");
		count.mismatch += is(e->code, "order-mismatch");
		count.listed += is(e->kind, "listed");
		count.unknown += e->status >= 500;
		count.uncertain += is(e->code, "outcome-unknown");
		count.silent += e->status == 0;
	}
}

static void
count_records(void)
{
	size_t n, i;
	const struct record *r = tables_records(&n);

	for (i = 0; i < n; i++) {
		count.succeeded += r[i].status == SUCCEEDED;
		count.declined += r[i].status == DECLINED;
		count.voided += r[i].status == VOID;
	}
}

static void
print_counts(void)
{
	const struct {
		const char *name;
		size_t n;
	} rows[] = {{"requests", count.requests}, {"orders", count.orders},
	    {"final", count.final}, {"succeeded", count.succeeded},
	    {"declined", count.declined}, {"void", count.voided},
	    {"replayed", count.replayed}, {"twins", count.twins},
	    {"busy", count.busy}, {"token-invalid", count.token_invalid},
	    {"mismatch", count.mismatch}, {"unknown", count.unknown},
	    {"outcome-unknown", count.uncertain}, {"no-answer", count.silent},
	    {"none", count.none}, {"listed", count.listed},
	    {"running-after-final", count.running_after},
	    {"foreign", count.foreign}, {"credits", count.credits},
	    {"version-conflicts", count.conflicts}};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("count %-20s %zu\n", rows[i].name, rows[i].n);
}

static void
read_options(int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "lg:f:")) != -1) {
		switch (option) {
		case 'l':
			need_final = false;
			break;
		case 'g':
			grace_us = (int64_t)(atof(optarg) * 1e6);
			break;
		case 'f':
			final_us = (int64_t)(atof(optarg) * 1e6);
			break;
		default:
			exit(FAILED);
		}
	}
	if (optind + 1 != argc)
		errx(FAILED,
		    "usage: torture-check [-l] [-g SECONDS] "
		    "[-f SECONDS] DIR");
}

int
main(int argc, char *argv[])
{
	int left_out[RULES] = {0};
	size_t passed, failed;

	read_options(argc, argv);
	lines_read(argv[optind], "history", 18, history_row);
	lines_read(argv[optind], "credits", 18, credit_row);
	tables_read(argv[optind]);
	if (calm_at == 0 && need_final)
		errx(FAILED, "the history does not say when the faults ended");
	tables_check(argv[optind]);
	count_answers();
	check_orders();
	check_senders();
	check_credits();
	check_accounts();
	count_records();
	count_conflicts();
	print_counts();
	left_out[FINAL_IN_TIME] = !need_final;
	failed = rules_print(left_out, &passed);
	printf("%zu passed, %zu failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
