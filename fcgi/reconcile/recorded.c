/* recorded.c: see recorded.h.
 *
 * Nothing is filled in that was not committed for good: a statement that
 * writes is committed before, and waits for a standby, if there is one to wait
 * for, that then has all that was read before it. */
#include "recorded.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "ctl/db.h"
#include "ctl/output.h"

#define SHOWN  200 /* of a value, in a finding */
#define ANSWER "cached-answer-differs"
#define STALE  "lock-outlives-lease"

/* --- Redis ---------------------------------------------------------------- */

/* KEYS what; ARGV the value that was found, the right one ('' for none), its
 * life in s. What has changed since is left alone; what is no string never has
 * a right to be there. Returns 1 if it did something. */
static const char replace_script[] =
    "local t = redis.call('TYPE', KEYS[1]).ok\n"
    "if t == 'none' or (t == 'string' and\n"
    "    redis.call('GET', KEYS[1]) ~= ARGV[1]) then return 0 end\n"
    "if ARGV[2] == '' then redis.call('DEL', KEYS[1])\n"
    "else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end\n"
    "return 1\n";

/* Frees the reply; an error in it is the end of the connection. Returns the
 * number that it is, or -1. */
static long long
take_number(struct ctl_redis *redis, redisReply *reply)
{
	long long n = -1;

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		ctl_redis_refused(redis, reply);
	else if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
		n = reply->integer;
	freeReplyObject(reply);
	return n;
}

/* The value of a key. An error is the end of the connection, but for the one
 * that says that it is no string. */
static redisReply *
take_value(struct ctl_redis *redis)
{
	redisReply *reply = ctl_redis_reply(redis);

	if (reply == NULL || reply->type != REDIS_REPLY_ERROR ||
	    strncmp(reply->str, "WRONGTYPE", strlen("WRONGTYPE")) == 0)
		return reply;
	ctl_redis_refused(redis, reply);
	freeReplyObject(reply);
	return NULL;
}

/* Returns 1 if it did so, 0 if it was something else by now, -1 if Redis did
 * not do it. */
static long long
replace(struct recorded *r, const char *key, const redisReply *found,
    const char *right, int64_t life_s)
{
	bool text = found->type == REDIS_REPLY_STRING;
	char life[24];
	const char *argv[] = {"EVAL", replace_script, "1", key,
	    text ? found->str : "", right, life};
	size_t lens[7];
	int i;

	snprintf(life, sizeof(life), "%" PRId64, life_s);
	for (i = 0; i < 7; i++)
		lens[i] = strlen(argv[i]);
	if (text)
		lens[4] = found->len;
	ctl_redis_append(r->redis, 7, argv, lens);
	return take_number(r->redis, ctl_redis_reply(r->redis));
}

/* A value as a finding can show it. */
static const char *
shown(const redisReply *value, char out[SHOWN])
{
	size_t i;

	if (value->type != REDIS_REPLY_STRING)
		return "(no string)";
	for (i = 0; i < value->len && i < SHOWN - 1; i++)
		out[i] = value->str[i] >= ' ' && value->str[i] < 0x7f
		    ? value->str[i]
		    : '?';
	out[i] = '\0';
	return out;
}

/* Is it still what was found? SCAN may name a key twice, and a value may have
 * been set right meanwhile. */
static bool
still_there(struct recorded *r, const char *key, const redisReply *found)
{
	redisReply *now;
	bool same;

	ctl_redis_append(r->redis, 2, (const char *[]){"GET", key}, NULL);
	now = take_value(r->redis);
	same = now != NULL && now->type == found->type &&
	    now->len == found->len &&
	    (found->type != REDIS_REPLY_STRING ||
		memcmp(now->str, found->str, found->len) == 0);
	freeReplyObject(now);
	return same;
}

/* --- findings ------------------------------------------------------------- */

static bool
tell_ledger(struct recorded *r, const char *sql, const char *const params[],
    int nparams, bool *fresh_r)
{
	struct ctl_rows *rows;

	if (ctl_db_run(r->a->db, sql, params, nparams, &rows) == CTL_DB_ROWS) {
		if (fresh_r != NULL)
			*fresh_r = *ctl_rows_text(rows, 0, 0) == 't';
		ctl_rows_free(&rows);
		return true;
	}
	ctl_complain("could not keep a finding: %s", ctl_db_problem(r->a->db));
	r->failed = true;
	return false;
}

/* Keeps the finding as one that is open, repairs it, and then says so there:
 * what Redis refuses, or what this process does not live to see, stays open. */
static void
repair(struct recorded *r, struct finding *f, const char *key,
    const redisReply *found, int64_t life_s)
{
	const struct answers *a = r->a;
	const char *report[] = {a->run, f->kind, f->user, f->order, f->what,
	    f->before, NULL, "reported", a->actor};
	const char *settle[] = {f->kind, f->user, f->order, f->after, NULL};
	long long done;

	f->fresh = true;
	f->action = "would be repaired";
	if (!a->dry_run) {
		if (!tell_ledger(r,
			"SELECT reconcile_report($1::bigint, $2, $3::bigint, "
			"$4::uuid, $5, $6, $7, $8, $9)",
			report, 9, &f->fresh))
			return;
		done = replace(
		    r, key, found, f->after != NULL ? f->after : "", life_s);
		f->action = done == 1 ? "repaired" : "reported";
		f->fresh = f->fresh || done == 1;
		settle[4] = f->action;
		if (done >= 0 &&
		    !tell_ledger(r,
			"SELECT reconcile_settle($1, $2::bigint, $3::uuid, $4, "
			"$5)",
			settle, 5, NULL))
			return;
	}
	report_finding(a->report, f);
}

/* --- answers -------------------------------------------------------------- */

static void
compare(struct recorded *r, const struct answer *w, const redisReply *found)
{
	char user[24], value[SHOWN];
	bool known = w->right[0] != '\0';
	struct finding finding = {.kind = ANSWER,
	    .user = user,
	    .order = w->order,
	    .what = known ? "the recorded answer is not what the ledger says"
			  : "an answer is recorded, and the ledger has no "
			    "record",
	    .after = known ? w->right : NULL};

	if (found->type == REDIS_REPLY_STRING && known &&
	    found->len == strlen(w->right) &&
	    memcmp(found->str, w->right, found->len) == 0)
		return;
	if (!still_there(r, w->key, found))
		return;
	snprintf(user, sizeof(user), "%" PRId64, w->user);
	finding.before = shown(found, value);
	repair(r, &finding, w->key, found, w->left_s);
}

static void
fill_in(struct recorded *r, const struct answer *w)
{
	char life[24];
	redisReply *reply;

	snprintf(life, sizeof(life), "%" PRId64, w->left_s);
	ctl_redis_append(r->redis, 6,
	    (const char *[]){"SET", w->key, w->right, "EX", life, "NX"}, NULL);
	reply = ctl_redis_reply(r->redis);
	r->a->seen.filled += reply != NULL && reply->type == REDIS_REPLY_STATUS;
	take_number(r->redis, reply);
}

/* A commit between what was read and what is filled in: see above. */
static bool
count(struct recorded *r)
{
	char answers[24];
	const char *params[] = {r->a->run, answers};
	struct ctl_rows *rows;

	snprintf(answers, sizeof(answers), "%" PRId64, r->a->seen.answers);
	if (ctl_db_run(r->a->db,
		"SELECT reconcile_count($1::bigint, $2::bigint)", params, 2,
		&rows) == CTL_DB_ROWS) {
		ctl_rows_free(&rows);
		return true;
	}
	ctl_complain(
	    "could not count the answers: %s", ctl_db_problem(r->a->db));
	r->failed = true;
	return false;
}

void
recorded_read(struct recorded *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		ctl_redis_append(r->redis, 2,
		    (const char *[]){"GET", r->batch[i].key}, NULL);
	for (i = 0; i < r->n; i++)
		r->found[i] = take_value(r->redis);
}

static bool
is_missing(const struct recorded *r, size_t i)
{
	return r->found[i] != NULL && r->found[i]->type == REDIS_REPLY_NIL &&
	    r->batch[i].expected;
}

void
recorded_settle(struct recorded *r)
{
	bool missing = false;
	size_t i;

	for (i = 0; i < r->n && !r->failed; i++) {
		if (r->found[i] == NULL)
			continue;
		r->a->seen.answers++;
		if (r->found[i]->type != REDIS_REPLY_NIL)
			compare(r, &r->batch[i], r->found[i]);
		missing = missing || is_missing(r, i);
	}
	if (missing && !r->a->dry_run && !r->failed && count(r))
		for (i = 0; i < r->n; i++)
			if (is_missing(r, i))
				fill_in(r, &r->batch[i]);
	recorded_drop(r);
}

void
recorded_drop(struct recorded *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		freeReplyObject(r->found[i]);
		r->found[i] = NULL;
	}
	r->n = 0;
}

/* --- locks ---------------------------------------------------------------- */

void
recorded_lock(struct recorded *r, const char *key, int64_t user)
{
	char text[24], what[96], value[SHOWN];
	struct finding finding = {
	    .kind = STALE, .user = text, .what = what, .after = NULL};
	redisReply *held, *left;

	ctl_redis_append(r->redis, 2, (const char *[]){"GET", key}, NULL);
	ctl_redis_append(r->redis, 2, (const char *[]){"PTTL", key}, NULL);
	held = take_value(r->redis);
	left = ctl_redis_reply(r->redis);
	r->a->seen.locks++;
	if (held != NULL && left != NULL && left->type == REDIS_REPLY_INTEGER &&
	    held->type != REDIS_REPLY_NIL && left->integer != -2 &&
	    (left->integer == -1 || left->integer > r->a->cfg->lock_ttl_ms ||
		held->type != REDIS_REPLY_STRING)) {
		snprintf(text, sizeof(text), "%" PRId64, user);
		if (left->integer == -1)
			snprintf(what, sizeof(what), "the lock never expires");
		else
			snprintf(what, sizeof(what),
			    "the lock expires in %lld ms, and is a lease of "
			    "%d ms",
			    left->integer, r->a->cfg->lock_ttl_ms);
		finding.before = shown(held, value);
		repair(r, &finding, key, held, 0);
	}
	freeReplyObject(held);
	freeReplyObject(left);
}
