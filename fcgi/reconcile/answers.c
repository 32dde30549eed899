/* answers.c: see answers.h: which answers there are, and which there should
 * be. What is done about them is in recorded.c. */
#include "answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "ctl/redis.h"
#include "pipeline/keys.h"
#include "pipeline/record.h"
#include "reconcile/recorded.h"
#include "reconcile/snapshot.h"

/* The columns of record_from_fields(), as text. */
#define RECORD_SQL                                                             \
	"r.order_id::text, r.status::text, r.amount::text, r.currency, "       \
	"r.reason, r.balance_after::text, r.version::text, "                   \
	"(extract(epoch FROM r.created_at) * 1000000)::bigint::text, "         \
	"(extract(epoch FROM r.resets_at) * 1000000)::bigint::text"

/* --- the keys that are there --------------------------------------------- */

static const char find_sql[] =
    "SELECT " RECORD_SQL " FROM unnest($1::bigint[], $2::uuid[]) "
    "WITH ORDINALITY k(user_id, order_id, n) LEFT JOIN LATERAL ("
    "SELECT w.order_id, w.status, w.amount, w.currency, w.reason, "
    "w.balance_after, w.version, w.created_at, w.resets_at "
    "FROM withdraw_record w WHERE w.order_id = k.order_id "
    "AND w.user_id = k.user_id UNION ALL "
    "SELECT f.order_id, 3, NULL, f.currency, NULL, NULL, NULL, f.created_at, "
    "NULL FROM withdraw_foreign_void f WHERE f.order_id = k.order_id "
    "AND f.user_id = k.user_id) r ON true ORDER BY k.n";

/* Two arrays for the query: of users and of orders. */
static void
name_batch(const struct recorded *r, char **users_r, char **orders_r)
{
	size_t room = r->n * (UUID_TEXT + 1) + 3, i, u = 1, o = 1;
	char *users = xcalloc(1, room), *orders = xcalloc(1, room);

	users[0] = orders[0] = '{';
	for (i = 0; i < r->n; i++) {
		u += (size_t)snprintf(users + u, room - u, "%s%" PRId64,
		    i > 0 ? "," : "", r->batch[i].user);
		o += (size_t)snprintf(orders + o, room - o, "%s%s",
		    i > 0 ? "," : "", r->batch[i].order);
	}
	users[u] = orders[o] = '}';
	*users_r = users;
	*orders_r = orders;
}

static void
encode_row(const struct ctl_rows *rows, size_t row, struct answer *w)
{
	const char *field[RECORD_FIELDS];
	struct record record;
	int i;

	for (i = 0; i < RECORD_FIELDS; i++)
		field[i] = ctl_rows_text(rows, row, i);
	w->right[0] = '\0';
	if (field[0] != NULL && record_from_fields(field, w->user, &record))
		record_encode(&record, w->right);
}

static void
check_found(struct recorded *r)
{
	char *users, *orders;
	const char *params[2];
	struct ctl_rows *rows;
	size_t i;

	recorded_read(r);
	name_batch(r, &users, &orders);
	params[0] = users;
	params[1] = orders;
	if (ctl_db_run(r->a->db, find_sql, params, 2, &rows) == CTL_DB_ROWS &&
	    ctl_rows_count(rows) == r->n) {
		for (i = 0; i < r->n; i++)
			encode_row(rows, i, &r->batch[i]);
		recorded_settle(r);
	} else {
		ctl_complain(
		    "could not read the records: %s", ctl_db_problem(r->a->db));
		r->failed = true;
		recorded_drop(r);
	}
	ctl_rows_free(&rows);
	free(users);
	free(orders);
}

static void
on_key(void *arg, const char *text)
{
	struct recorded *r = arg;
	struct ctl_key key;
	struct answer *w;

	ctl_key_parse(text, &key);
	if (key.kind == CTL_KEY_LOCK && !r->failed)
		recorded_lock(r, text, key.user);
	if (key.kind != CTL_KEY_ANSWER || r->failed ||
	    strcmp(key.epoch, r->epoch) != 0)
		return;
	w = &r->batch[r->n++];
	*w = (struct answer){
	    .user = key.user, .left_s = r->a->cfg->result_ttl_s};
	snprintf(w->key, sizeof(w->key), "%s", text);
	memcpy(w->order, key.order, sizeof(w->order));
	if (r->n == RECORDED_BATCH)
		check_found(r);
}

/* --- the records that should be there ------------------------------------ */

/* The ledger was read first here: what is missing may have been recorded since,
 * and what is there was recorded from the very record. */
static void
check_expected(struct recorded *r)
{
	recorded_read(r);
	recorded_settle(r);
}

static void
on_record(void *arg, const struct snapshot_row *row)
{
	struct recorded *r = arg;
	char text[RECORD_FIELDS][64], key[KEY_TEXT];
	const char *field[RECORD_FIELDS];
	struct record record;
	struct answer *w;
	int i;

	for (i = 0; i < RECORD_FIELDS; i++) {
		const struct chain_bytes *bytes = &row->field[2 + i];

		field[i] = bytes->data != NULL ? text[i] : NULL;
		snprintf(text[i], sizeof(text[i]), "%.*s", (int)bytes->len,
		    bytes->data != NULL ? (const char *)bytes->data : "");
	}
	if (r->failed ||
	    !record_from_fields(field, snapshot_int(row, 0), &record))
		return; /* what is wrong with it, the look has found */
	w = &r->batch[r->n++];
	*w = (struct answer){.user = record.user,
	    .left_s = snapshot_int(row, 1),
	    .expected = true};
	memcpy(w->order, record.order, sizeof(w->order));
	key_result(key, record.user, r->epoch, record.order);
	memcpy(w->key, key, sizeof(w->key));
	record_encode(&record, w->right);
	if (r->n == RECORDED_BATCH)
		check_expected(r);
}

/* Up to where Redis has been seen to have all answers: a transaction number,
 * kept there, so that a Redis that forgets its answers forgets that too. */
static void
marker_key(const struct recorded *r, char out[KEY_TEXT])
{
	snprintf(out, KEY_TEXT, "withdraw:{reconcile}:answers:%s", r->epoch);
}

/* 0: from the beginning. */
static int64_t
read_marker(struct recorded *r)
{
	char key[KEY_TEXT];
	redisReply *reply;
	int64_t since = 0;

	marker_key(r, key);
	ctl_redis_append(r->redis, 2, (const char *[]){"GET", key}, NULL);
	reply = ctl_redis_reply(r->redis);
	if (reply != NULL && reply->type == REDIS_REPLY_STRING &&
	    !user_id_parse(reply->str, &since))
		since = 0;
	freeReplyObject(reply);
	return since;
}

static void
write_marker(struct recorded *r, int64_t watermark)
{
	char key[KEY_TEXT], mark[24], life[24];
	redisReply *reply;

	marker_key(r, key);
	snprintf(mark, sizeof(mark), "%" PRId64, watermark);
	snprintf(life, sizeof(life), "%d", r->a->cfg->result_ttl_s);
	ctl_redis_append(
	    r->redis, 5, (const char *[]){"SET", key, mark, "EX", life}, NULL);
	reply = ctl_redis_reply(r->redis);
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		ctl_redis_refused(r->redis, reply);
	freeReplyObject(reply);
}

/* Records whose answers Redis should still have: in a full look all of them,
 * otherwise those of transactions that it was not seen to have. */
static void
check_records(struct recorded *r)
{
	char sql[1024];
	const struct snapshot_query query = {sql, on_record, r};
	int64_t since = r->a->full ? 0 : read_marker(r), watermark;
	struct snapshot *snapshot;

	snprintf(sql, sizeof(sql),
	    "(SELECT r.user_id, greatest(1, %d + ceil(extract(epoch FROM "
	    "r.created_at - now())))::bigint, " RECORD_SQL
	    " FROM withdraw_record r WHERE r.txid >= %" PRId64
	    " AND r.created_at > now() - %d * interval '1 s' "
	    "AND r.status IN (1, 2, 3))",
	    r->a->cfg->result_ttl_s, since, r->a->cfg->result_ttl_s);
	snapshot = snapshot_open(1, &watermark);
	if (snapshot == NULL || snapshot_read(snapshot, &query, 1) != 0)
		r->failed = true;
	snapshot_close(&snapshot);
	if (!r->failed)
		check_expected(r);
	if (!r->failed && !r->a->dry_run)
		write_marker(r, watermark);
}

/* What was found in Redis before, and is not there any more, is over. */
static void
forget_findings(struct recorded *r)
{
	const char *params[] = {r->a->run};
	struct ctl_rows *rows;

	if (ctl_db_run(r->a->db, "SELECT reconcile_forget($1::bigint)", params,
		1, &rows) != CTL_DB_ROWS) {
		ctl_complain(
		    "could not resolve findings: %s", ctl_db_problem(r->a->db));
		r->failed = true;
	}
	ctl_rows_free(&rows);
}

/* --- all of it ------------------------------------------------------------ */

/* NULL: stderr was told. Rows whose first value it is. */
static struct ctl_rows *
read_epoch(struct ctl_db *db)
{
	struct ctl_rows *rows;

	if (ctl_db_run(db, "SELECT withdraw_epoch()", NULL, 0, &rows) ==
	    CTL_DB_ROWS)
		return rows;
	ctl_complain("could not read the epoch: %s", ctl_db_problem(db));
	return NULL;
}

static void
look(struct recorded *r, bool cache)
{
	ctl_redis_scan(r->redis,
	    r->a->full && cache ? "withdraw:{*}:*" : "withdraw:{*}:lock",
	    on_key, r);
	if (r->n > 0 && !r->failed)
		check_found(r);
	if (cache && !r->failed && *ctl_redis_problem(r->redis) == '\0')
		check_records(r);
	if (r->a->full && cache && !r->a->dry_run && !r->failed &&
	    *ctl_redis_problem(r->redis) == '\0')
		forget_findings(r);
}

int
answers_check(struct answers *a)
{
	bool cache = (a->cfg->guards & GUARD_CACHE) != 0;
	bool lock = (a->cfg->guards & GUARD_LOCK) != 0;
	struct ctl_rows *epoch;
	struct recorded *r;

	a->seen = (struct report_answers){.looked = false};
	if (!cache && !lock)
		return 0;
	epoch = read_epoch(a->db);
	if (epoch == NULL)
		return -1;
	r = xcalloc(1, sizeof(*r));
	r->a = a;
	r->epoch = ctl_rows_text(epoch, 0, 0);
	r->redis = ctl_redis_open(a->cfg);
	look(r, cache);
	if (*ctl_redis_problem(r->redis) != '\0') {
		ctl_complain("could not look at all of Redis: %s; REDIS_URL "
			     "says where it is. The ledger was looked at",
		    ctl_redis_problem(r->redis));
		r->failed = true;
	}
	a->seen.looked = !r->failed;
	ctl_redis_close(&r->redis);
	free(r);
	ctl_rows_free(&epoch);
	return a->seen.looked ? 0 : -1;
}
