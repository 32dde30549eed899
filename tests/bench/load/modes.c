/* modes.c: what the clients do, all but the flood; see load.h.
 *
 * Each client has one request under way, and sends the next when it has the
 * answer (a closed loop). */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define COULD_NOT 2

static void pair_begin(struct client *cl);

static void
each_client(struct run *r, void (*begin)(struct client *cl))
{
	unsigned i;

	for (i = 0; i < r->http.nconns; i++)
		begin(&r->clients[i]);
}

/* --- pairs: a token, and the withdrawal ---------------------------------- */

static void
pair_withdrawn(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (got_withdrawn(cl, a)) {
		run_count(cl->run, KIND_WITHDRAW, a->sent_ns, a);
		run_count(cl->run, KIND_PAIR, cl->began_ns, a);
	}
	pair_begin(cl);
}

static void
pair_token(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (!got_token(cl, a)) {
		pair_begin(cl);
		return;
	}
	run_count(cl->run, KIND_TOKEN, a->sent_ns, a);
	cl->began_ns = a->sent_ns;
	ask_withdraw(cl, true, pair_withdrawn);
}

static void
pair_begin(struct client *cl)
{
	if (!run_goes_on(cl->run))
		return;
	client_is_anybody(cl);
	run_new_order(cl->run, cl->order);
	ask_token(cl, pair_token);
}

void
mode_pairs(const struct options *opt, struct figures *fig)
{
	struct run r;

	run_open(&r, opt, fig, opt->connections);
	run_clock(&r);
	each_client(&r, pair_begin);
	http_run(&r.http);
}

/* --- asking again ------------------------------------------------------- */

/* A client that is refused for now asks again, but not for ever: returns
 * whether it still may. */
static bool
may_again(struct client *cl, const struct answer *a, int64_t since_ns)
{
	if (a->at_ns - since_ns <
	    cl->run->opt->timeout_s * INT64_C(1000000000)) {
		cl->run->fig->refused++;
		return true;
	}
	client_bad(cl, a, "a final answer in time");
	return false;
}

/* --- hot: all on one account --------------------------------------------- */

static void hot_begin(struct client *cl);
static void hot_token(struct conn *c, const struct answer *a);

/* From the first try of the withdrawal to its final answer. */
static void
hot_answered(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (is_problem(a, "busy")) {
		/* with bad luck it takes as long as the run */
		if (may_again(cl, a, cl->run->end_ns))
			ask_withdraw(cl, true, hot_answered);
	} else if (is_problem(a, "token-invalid")) {
		if (may_again(cl, a, cl->run->end_ns))
			ask_token(cl, hot_token);
	} else {
		if (got_withdrawn(cl, a))
			run_count(cl->run, KIND_WITHDRAW, cl->began_ns, a);
		hot_begin(cl);
	}
}

static void
hot_token(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (!got_token(cl, a)) {
		hot_begin(cl);
		return;
	}
	if (cl->began_ns == 0)
		cl->began_ns = a->at_ns;
	ask_withdraw(cl, true, hot_answered);
}

static void
hot_begin(struct client *cl)
{
	if (!run_goes_on(cl->run))
		return;
	cl->began_ns = 0;
	client_is(cl, cl->run->opt->first_user);
	run_new_order(cl->run, cl->order);
	ask_token(cl, hot_token);
}

void
mode_hot(const struct options *opt, struct figures *fig)
{
	struct run r;

	run_open(&r, opt, fig, opt->connections);
	run_clock(&r);
	each_client(&r, hot_begin);
	http_run(&r.http);
}

/* --- replays: finished orders again -------------------------------------- */

static void finish_another(struct client *cl);
static void finish_token(struct conn *c, const struct answer *a);

/* All clients begin at once, for which a slow service needs longer than a
 * token lives. */
static void
finished(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (is_problem(a, "token-invalid")) {
		if (may_again(cl, a, cl->began_ns))
			ask_token(cl, finish_token);
		return;
	}
	if (!got_withdrawn(cl, a))
		return;
	memcpy(cl->finished[cl->nfinished++], cl->order, UUID_TEXT);
	finish_another(cl);
}

static void
finish_token(struct conn *c, const struct answer *a)
{
	if (got_token(client_of(c), a))
		ask_withdraw(client_of(c), true, finished);
}

static void
finish_another(struct client *cl)
{
	const struct options *opt = cl->run->opt;

	if (cl->nfinished >=
	    (opt->orders + opt->connections - 1) / opt->connections)
		return;
	cl->began_ns = now_ns();
	run_new_order(cl->run, cl->order);
	ask_token(cl, finish_token);
}

static void
replay(struct client *cl)
{
	memcpy(cl->order, cl->finished[run_random(cl->run) % cl->nfinished],
	    UUID_TEXT);
}

static void
replayed(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (got_replay(cl, a))
		run_count(cl->run, KIND_REPLAY, a->sent_ns, a);
	if (!run_goes_on(cl->run))
		return;
	replay(cl);
	ask_withdraw(cl, false, replayed);
}

static void
replay_begin(struct client *cl)
{
	replay(cl);
	ask_withdraw(cl, false, replayed);
}

static void
get_ready(struct client *cl)
{
	const struct options *opt = cl->run->opt;

	cl->finished =
	    calloc(opt->orders / opt->connections + 1, sizeof(*cl->finished));
	if (cl->finished == NULL)
		err(COULD_NOT, "out of memory");
	client_is_anybody(cl); /* and stays it */
	finish_another(cl);
}

void
mode_replays(const struct options *opt, struct figures *fig)
{
	struct run r;

	run_open(&r, opt, fig, opt->connections);
	each_client(&r, get_ready);
	http_run(&r.http);
	if (fig->bad > 0)
		return; /* there is nothing to replay */
	run_clock(&r);
	each_client(&r, replay_begin);
	http_run(&r.http);
}

/* --- storm: one order, all clients --------------------------------------- */

static struct {
	struct answer first; /* what all others have to be like */
	char body[512];
	unsigned debits, finals;
	int64_t began_ns;
} storm;

static void
storm_answered(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (is_problem(a, "in-progress") || is_problem(a, "busy") ||
	    is_problem(a, "token-invalid")) {
		if (may_again(cl, a, storm.began_ns))
			ask_withdraw(cl, true, storm_answered);
		return;
	}
	storm.debits += !a->replayed;
	if (a->replayed ? !got_replay(cl, a) : !got_withdrawn(cl, a))
		return;
	if (storm.finals++ == 0) {
		strncpy(storm.body, a->body, sizeof(storm.body) - 1);
	} else if (strncmp(storm.body, a->body, sizeof(storm.body) - 1) != 0) {
		client_bad(cl, a, storm.body);
		return;
	}
	storm.first = *a; /* in the end it is the last */
}

static void
storm_token(struct conn *c, const struct answer *a)
{
	got_token(client_of(c), a);
}

/* Returns whether it was as it has to be. */
static bool
storm_round(struct run *r, int64_t user)
{
	struct client *cl = &r->clients[0];
	uint64_t bad = r->fig->bad;
	unsigned i;

	client_is(cl, user);
	run_new_order(r, cl->order);
	ask_token(cl, storm_token);
	http_run(&r->http);
	if (r->fig->bad != bad)
		return false;
	storm.debits = storm.finals = 0;
	storm.began_ns = now_ns();
	for (i = 0; i < r->http.nconns; i++) {
		client_is(&r->clients[i], user);
		memcpy(r->clients[i].order, cl->order, UUID_TEXT);
		memcpy(r->clients[i].token, cl->token, UUID_TEXT);
		ask_withdraw(&r->clients[i], true, storm_answered);
	}
	http_run(&r->http);
	if (r->fig->bad != bad)
		return false;
	if (storm.debits != 1) {
		client_bad(cl, &storm.first, "one debit, not none or two");
		return false;
	}
	run_count(r, KIND_ROUND, storm.began_ns, &storm.first);
	return true;
}

void
mode_storm(const struct options *opt, struct figures *fig)
{
	struct run r;

	run_open(&r, opt, fig, opt->connections);
	run_clock(&r);
	while (run_goes_on(&r))
		if (!storm_round(&r,
			opt->first_user +
			    (int64_t)(run_random(&r) % opt->users)))
			break;
}

/* --- mix: withdrawals, with people who look ------------------------------- */

static void mix_next(struct client *cl);

static void
mix_withdrawn(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (got_withdrawn(cl, a))
		run_count(cl->run, KIND_WITHDRAW, a->sent_ns, a);
	mix_next(cl);
}

static void
mix_token(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (got_token(cl, a)) {
		run_count(cl->run, KIND_TOKEN, a->sent_ns, a);
		ask_withdraw(cl, true, mix_withdrawn);
	} else {
		mix_next(cl);
	}
}

static void
mix_history(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (got_json(cl, a, "withdrawals"))
		run_count(cl->run, KIND_HISTORY, a->sent_ns, a);
	mix_next(cl);
}

static void
mix_account(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (got_json(cl, a, "balance"))
		run_count(cl->run, KIND_ACCOUNT, a->sent_ns, a);
	mix_next(cl);
}

/* Half of it withdrawals, a quarter histories, a quarter balances. */
static void
mix_next(struct client *cl)
{
	if (!run_goes_on(cl->run))
		return;
	client_is_anybody(cl);
	switch (run_random(cl->run) >> 62) {
	case 0:
		ask_get(cl, "/api/withdrawals?limit=20", mix_history);
		break;
	case 1:
		ask_get(cl, "/api/account", mix_account);
		break;
	default:
		run_new_order(cl->run, cl->order);
		ask_token(cl, mix_token);
	}
}

void
mode_mix(const struct options *opt, struct figures *fig)
{
	struct run r;

	run_open(&r, opt, fig, opt->connections);
	run_clock(&r);
	each_client(&r, mix_next);
	http_run(&r.http);
}

/* --- people: all that a page asks, of clients who are signed in ------------
 */

#define REMEMBERED 64           /* orders of a client that may be sent again */
#define TOO_MUCH   "2000000.00" /* nobody has had as much */

static void people_next(struct client *cl);

/* The answer was as it has to be, or not; and what is next. */
static void
people_counted(
    struct client *cl, const struct answer *a, enum kind kind, bool good)
{
	if (good)
		run_count(cl->run, kind, a->sent_ns, a);
	people_next(cl);
}

static void
people_withdrawn(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (got_withdrawn(cl, a)) {
		run_count(cl->run, KIND_WITHDRAW, a->sent_ns, a);
		memcpy(cl->finished[cl->nfinished++ % REMEMBERED], cl->order,
		    UUID_TEXT);
	}
	people_next(cl);
}

static void
people_token(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (!got_token(cl, a)) {
		people_next(cl);
		return;
	}
	run_count(cl->run, KIND_TOKEN, a->sent_ns, a);
	ask_withdraw(cl, true, people_withdrawn);
}

static void
people_replayed(struct conn *c, const struct answer *a)
{
	people_counted(
	    client_of(c), a, KIND_REPLAY, got_replay(client_of(c), a));
}

static void
people_history(struct conn *c, const struct answer *a)
{
	people_counted(client_of(c), a, KIND_HISTORY,
	    got_json(client_of(c), a, "withdrawals"));
}

static void
people_account(struct conn *c, const struct answer *a)
{
	people_counted(client_of(c), a, KIND_ACCOUNT,
	    got_json(client_of(c), a, "balance"));
}

static void
people_session(struct conn *c, const struct answer *a)
{
	people_counted(client_of(c), a, KIND_SESSION,
	    got_json(client_of(c), a, "user_id"));
}

static void
people_shown(struct conn *c, const struct answer *a)
{
	people_counted(client_of(c), a, KIND_SHOW,
	    got_state(client_of(c), a, "succeeded"));
}

static void
people_voided(struct conn *c, const struct answer *a)
{
	people_counted(
	    client_of(c), a, KIND_VOID, got_state(client_of(c), a, "void"));
}

static void
people_refused(struct conn *c, const struct answer *a, enum kind kind,
    int status, const char *code)
{
	people_counted(
	    client_of(c), a, kind, got_problem(client_of(c), a, status, code));
}

static void
people_declined(struct conn *c, const struct answer *a)
{
	people_refused(c, a, KIND_DECLINED, 402, "insufficient-funds");
}

static void
people_token_of_too_much(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (!got_token(cl, a)) {
		people_next(cl);
		return;
	}
	run_count(cl->run, KIND_TOKEN, a->sent_ns, a);
	ask_withdraw_amount(cl, TOO_MUCH, true, people_declined);
}

static void
people_mismatched(struct conn *c, const struct answer *a)
{
	people_refused(c, a, KIND_MISMATCH, 422, "order-mismatch");
}

static void
people_tokenless(struct conn *c, const struct answer *a)
{
	people_refused(c, a, KIND_TOKENLESS, 409, "token-invalid");
}

static void
people_malformed(struct conn *c, const struct answer *a)
{
	people_refused(c, a, KIND_MALFORMED, 400, "malformed");
}

static void
people_unknown(struct conn *c, const struct answer *a)
{
	people_refused(c, a, KIND_UNKNOWN, 404, "order-unknown");
}

/* What is asked about an order that was carried out. */
static void
people_again(struct client *cl, unsigned what, unsigned known)
{
	memcpy(cl->order, cl->finished[run_random(cl->run) % known], UUID_TEXT);
	if (what == 3)
		ask_show(cl, people_shown);
	else if (what == 4)
		ask_withdraw_amount(cl, TOO_MUCH, false, people_mismatched);
	else
		ask_withdraw(cl, false, people_replayed);
}

/* What is asked with a new order, and debits nothing. */
static void
people_in_vain(struct client *cl, unsigned what)
{
	run_new_order(cl->run, cl->order);
	switch (what) {
	case 7:
		ask_void(cl, people_voided);
		break;
	case 8:
		ask_token(cl, people_token_of_too_much);
		break;
	case 9:
		ask_withdraw(cl, false, people_tokenless);
		break;
	case 10:
		ask_withdraw_body(cl, "{\"amount\":", people_malformed);
		break;
	default:
		ask_show(cl, people_unknown);
	}
}

/* Of sixteen: four withdrawals, two replays, and the others one each. */
static void
people_next(struct client *cl)
{
	unsigned known =
	    cl->nfinished < REMEMBERED ? cl->nfinished : REMEMBERED;
	unsigned what = (unsigned)(run_random(cl->run) >> 60);

	if (!run_goes_on(cl->run))
		return;
	client_is_anybody(cl);
	if (what == 0) {
		ask_get(cl, "/api/withdrawals?limit=20", people_history);
	} else if (what == 1) {
		ask_get(cl, "/api/account", people_account);
	} else if (what == 2) {
		ask_get(cl, "/api/session", people_session);
	} else if (what <= 6 && known > 0) {
		people_again(cl, what, known);
	} else if (what >= 7 && what <= 11) {
		people_in_vain(cl, what);
	} else {
		run_new_order(cl->run, cl->order);
		ask_token(cl, people_token);
	}
}

static void
people_begin(struct client *cl)
{
	cl->finished = calloc(REMEMBERED, sizeof(*cl->finished));
	if (cl->finished == NULL)
		err(COULD_NOT, "out of memory");
	people_next(cl);
}

void
mode_people(const struct options *opt, struct figures *fig)
{
	struct run r;

	run_open(&r, opt, fig, opt->connections);
	run_clock(&r);
	each_client(&r, people_begin);
	http_run(&r.http);
	run_close(&r);
}

/* --- get: the same path again and again ----------------------------------- */

static void get_next(struct client *cl);

static void
get_answered(struct conn *c, const struct answer *a)
{
	struct client *cl = client_of(c);

	if (a->status == cl->run->opt->expect)
		run_count(cl->run, KIND_GET, a->sent_ns, a);
	else
		client_bad(cl, a, "another status");
	get_next(cl);
}

static void
get_next(struct client *cl)
{
	if (run_goes_on(cl->run))
		ask_get(cl, cl->run->opt->path, get_answered);
}

static void
get_begin(struct client *cl)
{
	if (cl->run->opt->users > 0)
		client_is_anybody(cl);
	get_next(cl);
}

void
mode_get(const struct options *opt, struct figures *fig)
{
	struct run r;

	run_open(&r, opt, fig, opt->connections);
	run_clock(&r);
	each_client(&r, get_begin);
	http_run(&r.http);
}
