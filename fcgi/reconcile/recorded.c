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

/* Frees the reply; an error in it is the end of the connection. */
static void
expect_done(struct ctl_redis *redis, redisReply *reply)
{
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		ctl_redis_refused(redis, reply);
	freeReplyObject(reply);
}

static void
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
	expect_done(r->redis, ctl_redis_reply(r->redis));
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
	now = ctl_redis_reply(r->redis);
	same = now != NULL && now->type == found->type &&
	    now->len == found->len &&
	    (found->type != REDIS_REPLY_STRING ||
		memcmp(now->str, found->str, found->len) == 0);
	freeReplyObject(now);
	return same;
}

/* --- findings ------------------------------------------------------------- */

/* Keeps it and tells of it. Returns false if it could not be kept: then
 * nothing is repaired either. */
static bool
find(struct recorded *r, struct finding *finding)
{
	struct answers *a = r->a;
	const char *params[] = {a->run, finding->kind, finding->user,
	    finding->order, finding->what, finding->before, finding->after,
	    "repaired", a->actor};
	struct ctl_rows *rows;

	finding->fresh = true;
	finding->action = a->dry_run ? "would be repaired" : "repaired";
	if (!a->dry_run) {
		if (ctl_db_run(a->db,
			"SELECT reconcile_report($1::bigint, $2, $3::bigint, "
			"$4::uuid, $5, $6, $7, $8, $9)",
			params, 9, &rows) != CTL_DB_ROWS) {
			ctl_complain("could not keep a finding: %s",
			    ctl_db_problem(a->db));
			r->failed = true;
			return false;
		}
		ctl_rows_free(&rows);
	}
	report_finding(a->report, finding);
	return true;
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
	if (find(r, &finding) && !r->a->dry_run)
		replace(r, w->key, found, w->right, w->left_s);
}

static void
fill_in(struct recorded *r, const struct answer *w)
{
	char life[24];

	snprintf(life, sizeof(life), "%" PRId64, w->left_s);
	ctl_redis_append(r->redis, 6,
	    (const char *[]){"SET", w->key, w->right, "EX", life, "NX"}, NULL);
	expect_done(r->redis, ctl_redis_reply(r->redis));
	r->a->seen.filled++;
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
		r->found[i] = ctl_redis_reply(r->redis);
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
	held = ctl_redis_reply(r->redis);
	left = ctl_redis_reply(r->redis);
	r->a->seen.locks++;
	if (left != NULL && left->type == REDIS_REPLY_INTEGER &&
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
		if (find(r, &finding) && !r->a->dry_run)
			replace(r, key, held, "", 0);
	}
	freeReplyObject(held);
	freeReplyObject(left);
}
