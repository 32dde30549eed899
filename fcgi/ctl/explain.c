/* explain.c: withdrawctl explain: the whole story of one order, in the order
 * of time. The ledger knows most of it; Redis, what it has not forgotten yet,
 * whose times are worked out from what is left of each lease. Reads only. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/config.h"
#include "base/log.h"
#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/db.h"
#include "ctl/json.h"
#include "ctl/output.h"
#include "ctl/query.h"
#include "ctl/redis.h"
#include "ctl/sql.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

struct story {
	const char *order;
	const char *epoch; /* the present one */
	const struct config *cfg;
	struct ctl_redis *redis;
	yajl_gen events;    /* what Redis knows, as JSON for the query below */
	char seen[16][200]; /* keys: SCAN may name one twice */
	int nseen;
};

/* --- what Redis knows ----------------------------------------------------- */

static void
add_event(struct story *s, int64_t left_ms, int64_t life_ms, const char *what,
    const char *detail)
{
	struct timespec now;
	char text[256], digits[24];
	int64_t at;

	clock_gettime(CLOCK_REALTIME, &now);
	at = now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (left_ms >= 0 && left_ms <= life_ms)
		at -= life_ms - left_ms;
	if (left_ms >= 0)
		snprintf(text, sizeof(text), "%s; expires in %" PRId64 " ms",
		    detail, left_ms);
	else
		snprintf(text, sizeof(text), "%s; never expires", detail);
	snprintf(digits, sizeof(digits), "%" PRId64, at);
	ctl_json_must(yajl_gen_map_open(s->events));
	ctl_json_string(s->events, "at_ms");
	ctl_json_value(s->events, digits, true);
	ctl_json_string(s->events, "what");
	ctl_json_string(s->events, what);
	ctl_json_string(s->events, "detail");
	ctl_json_string(s->events, text);
	ctl_json_must(yajl_gen_map_close(s->events));
}

/* Its value into out, "" if it has none that is a text; *left_r: ms. */
static bool
read_key(
    struct story *s, const char *key, char *out, size_t room, int64_t *left_r)
{
	redisReply *value, *left;
	bool there = false;

	ctl_redis_append(s->redis, 2, (const char *[]){"GET", key}, NULL);
	ctl_redis_append(s->redis, 2, (const char *[]){"PTTL", key}, NULL);
	value = ctl_redis_reply(s->redis);
	left = ctl_redis_reply(s->redis);
	out[0] = '\0';
	if (value != NULL && left != NULL &&
	    left->type == REDIS_REPLY_INTEGER && left->integer != -2) {
		there = true;
		*left_r = left->integer;
		if (value->type == REDIS_REPLY_STRING)
			snprintf(out, room, "%s", value->str);
	}
	freeReplyObject(value);
	freeReplyObject(left);
	return there;
}

static bool
seen_before(struct story *s, const char *text)
{
	int i;

	for (i = 0; i < s->nseen; i++)
		if (strcmp(s->seen[i], text) == 0)
			return true;
	if (s->nseen < COUNT(s->seen))
		snprintf(s->seen[s->nseen++], sizeof(s->seen[0]), "%s", text);
	return false;
}

static void
on_key(void *arg, const char *text)
{
	struct story *s = arg;
	struct ctl_key key;
	char value[300], detail[160];
	int64_t left;

	ctl_key_parse(text, &key);
	if (key.kind == CTL_KEY_OTHER ||
	    (key.kind == CTL_KEY_ANSWER && strcmp(key.order, s->order) != 0) ||
	    !read_key(s, text, value, sizeof(value), &left) ||
	    (key.kind != CTL_KEY_ANSWER &&
		strncmp(value, s->order, strlen(s->order)) != 0) ||
	    seen_before(s, text))
		return;
	if (key.kind == CTL_KEY_TOKEN) {
		snprintf(detail, sizeof(detail),
		    "a token for user %" PRId64 ", not used so far", key.user);
		add_event(s, left, s->cfg->token_ttl_ms, "token", detail);
	} else if (key.kind == CTL_KEY_LOCK) {
		snprintf(detail, sizeof(detail),
		    "user %" PRId64 " is locked for this order", key.user);
		add_event(s, left, s->cfg->lock_ttl_ms, "lock", detail);
	} else {
		snprintf(detail, sizeof(detail),
		    "an answer for user %" PRId64 " is recorded%s", key.user,
		    strcmp(key.epoch, s->epoch) == 0
			? ""
			: ", in another history of the ledger: not used");
		add_event(s, left, (int64_t)s->cfg->result_ttl_s * 1000,
		    "answer", detail);
	}
}

/* Whom the ledger knows with this order: a row for each, with the epoch; one
 * without a user if there is nobody. */
static const char users_sql[] =
    "SELECT u.user_id, withdraw_epoch() FROM (SELECT 1) one LEFT JOIN ("
    "SELECT user_id FROM withdraw_record WHERE order_id = $1::uuid "
    "UNION SELECT user_id FROM withdraw_foreign_void "
    "WHERE order_id = $1::uuid UNION SELECT user_id FROM ledger_entry "
    "WHERE order_id = $1::uuid AND kind = 'withdraw') u ON true";

static void
ask_redis(struct story *s, const struct ctl_rows *users)
{
	size_t i;

	s->epoch = ctl_rows_text(users, 0, 1);
	s->redis = ctl_redis_open(s->cfg);
	for (i = 0; i < ctl_rows_count(users); i++) {
		const char *user = ctl_rows_text(users, i, 0);
		char match[64];

		snprintf(match, sizeof(match), "withdraw:{%s}:*",
		    user != NULL ? user : "*");
		ctl_redis_scan(s->redis, match, on_key, s);
	}
	if (*ctl_redis_problem(s->redis) != '\0')
		ctl_complain("Redis was not asked: %s; REDIS_URL says where "
			     "it is. What follows is the ledger's",
		    ctl_redis_problem(s->redis));
	ctl_redis_close(&s->redis);
}

/* --- all of it ------------------------------------------------------------ */

static const char story_sql[] =
    "WITH event(at, place, what, detail) AS ("
    "SELECT 'epoch'::timestamptz + e.at_ms * interval '1 ms', 0, e.what, "
    "e.detail FROM jsonb_to_recordset($2::jsonb) "
    "AS e(at_ms bigint, what text, detail text) "
    "UNION ALL SELECT r.created_at, 1, CASE r.status WHEN 1 THEN 'succeeded' "
    "WHEN 2 THEN 'declined' WHEN 3 THEN 'void' ELSE 'record' END, "
    "concat_ws(', ', 'user ' || r.user_id, r.amount || ' ' || r.currency, "
    "r.reason, 'balance ' || r.balance_after, 'version ' || r.version) "
    "FROM withdraw_record r WHERE r.order_id = $1::uuid "
    "UNION ALL SELECT f.created_at, 1, 'void', format('for user %s, who asked "
    "for this order of somebody else', f.user_id) "
    "FROM withdraw_foreign_void f WHERE f.order_id = $1::uuid "
    "UNION ALL SELECT e.created_at, 2, 'entry', format("
    "'%s of account %s: %s %s, balance %s -> %s', e.version, e.user_id, "
    "e.kind, e.delta, e.balance_after - e.delta, e.balance_after) "
    "FROM (SELECT * FROM ledger_entry WHERE order_id = $1::uuid "
    "AND kind = 'withdraw' UNION ALL SELECT * FROM ledger_entry "
    "WHERE order_id = $1::uuid AND kind = 'return') e "
    "UNION ALL SELECT b.created_at, 3, 'exported', "
    "format('in batch %s, by %s', b.batch, b.created_by) "
    "FROM withdraw_record r JOIN payout_batch b ON b.batch = r.payout_batch "
    "WHERE r.order_id = $1::uuid "
    "UNION ALL SELECT r.payout_at, 4, r.payout_state, "
    "'reference ' || r.payout_reference "
    "FROM withdraw_record r WHERE r.order_id = $1::uuid "
    "AND r.payout_at IS NOT NULL "
    "UNION ALL SELECT f.found_at, 5, 'finding', concat(f.kind, ': ', f.what, "
    "': ', f.action, ' (' || f.before || ' -> ' || f.after || ')') "
    "FROM reconcile_finding f WHERE f.order_id = $1::uuid "
    "UNION ALL SELECT f.resolved_at, 6, 'resolved', f.kind || ': ' || f.what "
    "FROM reconcile_finding f WHERE f.order_id = $1::uuid "
    "AND f.resolved_at IS NOT NULL AND f.action <> 'repaired' "
    "UNION ALL SELECT a.at, 7, 'operator', concat(a.actor, ': ', a.command, "
    "': ' || a.detail, ' (' || a.reason || ')') "
    "FROM operator_audit a WHERE a.order_id = $1::uuid) "
    "SELECT to_char(at" CTL_SQL_UTC ", what, detail FROM event "
    "ORDER BY at, place";

static const struct ctl_field event_fields[] = {
    {"at", CTL_TEXT},
    {"what", CTL_TEXT},
    {"detail", CTL_TEXT},
};

static enum ctl_exit
tell(const struct ctl_args *args, const struct story *s)
{
	const unsigned char *events;
	size_t len;
	const char *params[] = {s->order, NULL};
	struct ctl_rows *rows;
	struct ctl_output *out;

	ctl_json_must(yajl_gen_get_buf(s->events, &events, &len));
	params[1] = (const char *)events;
	rows = ctl_read("the story of the order", story_sql, params, 2);
	if (rows == NULL)
		return CTL_FAILED;
	if (ctl_rows_count(rows) == 0) {
		ctl_rows_free(&rows);
		ctl_complain("nothing is known of order %s: it was not "
			     "withdrawn so far",
		    s->order);
		return CTL_WRONG;
	}
	out = ctl_output_open(args->json);
	ctl_output_list(out, "events", event_fields, COUNT(event_fields), rows,
	    ctl_rows_count(rows), 0);
	ctl_rows_free(&rows);
	return ctl_output_close(&out, NULL) == 0 ? CTL_OK : CTL_FAILED;
}

enum ctl_exit
ctl_explain(const struct ctl_args *args)
{
	char order[UUID_TEXT];
	const char *params[] = {order};
	struct config cfg;
	struct story s = {.order = order, .cfg = &cfg};
	struct ctl_rows *users;
	enum ctl_exit code;

	if (!ctl_check_order(args->operand[0], order) || !ctl_config(&cfg))
		return CTL_FAILED;
	users = ctl_read("the users of the order", users_sql, params, 1);
	if (users == NULL)
		return CTL_FAILED;
	s.events = yajl_gen_alloc(NULL);
	if (s.events == NULL)
		fatalx("out of memory");
	ctl_json_must(yajl_gen_array_open(s.events));
	ask_redis(&s, users);
	ctl_json_must(yajl_gen_array_close(s.events));
	code = tell(args, &s);
	yajl_gen_free(s.events);
	ctl_rows_free(&users);
	return code;
}
