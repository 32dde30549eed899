/* limits.c: withdrawctl limits ...: what a withdrawal may be, and how many a
 * day. */
#include <stdio.h>
#include <string.h>

#include "ctl/actor.h"
#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "ctl/query.h"
#include "ctl/sql.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* --- show ---------------------------------------------------------------- */

static const struct ctl_field limit_fields[] = {
    {"whose", CTL_TEXT},
    {"min", CTL_AMOUNT},
    {"max", CTL_AMOUNT},
    {"daily_count", CTL_AMOUNT},
    {"daily_sum", CTL_AMOUNT},
    {"time_zone", CTL_TEXT},
};

#define LIMIT_SQL                                                              \
	"CASE l.user_id WHEN 0 THEN 'all' ELSE l.user_id::text END, "          \
	"l.min_amount, l.max_amount, l.daily_count, l.daily_sum, l.time_zone "

static const char all_sql[] =
    "SELECT " LIMIT_SQL "FROM withdraw_limit l ORDER BY l.user_id";

/* What holds, and what the day has had so far. */
static const char user_sql[] =
    "SELECT a.user_id, coalesce(l.min_amount, g.min_amount), "
    "coalesce(l.max_amount, g.max_amount), "
    "coalesce(l.daily_count, g.daily_count), "
    "coalesce(l.daily_sum, g.daily_sum), z.zone, "
    "to_char(t.began" CTL_SQL_UTC ", d.n, d.total, "
    "to_char(t.ends" CTL_SQL_UTC " "
    "FROM account a LEFT JOIN withdraw_limit g ON g.user_id = 0 "
    "LEFT JOIN withdraw_limit l ON l.user_id = a.user_id, "
    "LATERAL (SELECT coalesce(g.time_zone, 'UTC') AS zone) z, "
    "LATERAL (SELECT date_trunc('day', now() AT TIME ZONE z.zone) AS day) c, "
    "LATERAL (SELECT withdraw_midnight(c.day, z.zone) AS began, "
    "withdraw_midnight(c.day + interval '1 day', z.zone) AS ends) t, "
    "LATERAL (SELECT count(*) AS n, coalesce(sum(r.amount), 0.00) AS total "
    "FROM withdraw_record r WHERE r.user_id = a.user_id "
    "AND r.created_at >= t.began AND r.status = 1) d "
    "WHERE a.user_id = $1::bigint";

static const struct ctl_field user_fields[] = {
    {"user_id", CTL_NUMBER},
    {"min", CTL_AMOUNT},
    {"max", CTL_AMOUNT},
    {"daily_count", CTL_AMOUNT},
    {"daily_sum", CTL_AMOUNT},
    {"time_zone", CTL_TEXT},
    {"day_began", CTL_TEXT},
    {"count_today", CTL_NUMBER},
    {"sum_today", CTL_AMOUNT},
    {"resets_at", CTL_TEXT},
};

static enum ctl_exit
show_user(const struct ctl_args *args, const struct ctl_rows *rows)
{
	struct ctl_output *out;

	if (ctl_rows_count(rows) == 0) {
		ctl_complain("there is no account %s", args->operand[0]);
		return CTL_WRONG;
	}
	out = ctl_output_open(args->json);
	ctl_output_record(out, user_fields, COUNT(user_fields), rows, 0, 0);
	return ctl_output_close(&out, NULL) == 0 ? CTL_OK : CTL_FAILED;
}

enum ctl_exit
ctl_limits_show(const struct ctl_args *args)
{
	const char *params[] = {args->operand[0]};
	struct ctl_rows *rows;
	enum ctl_exit code;

	if (params[0] == NULL)
		return ctl_read_list(args, "limits", limit_fields,
		    COUNT(limit_fields), all_sql, NULL, 0);
	if (!ctl_check_user(params[0]))
		return CTL_FAILED;
	rows = ctl_read("the limits", user_sql, params, COUNT(params));
	if (rows == NULL)
		return CTL_FAILED;
	code = show_user(args, rows);
	ctl_rows_free(&rows);
	return code;
}

/* --- set and clear ------------------------------------------------------- */

/* "all" is user 0 of the table. NULL: neither that nor a user. */
static const char *
whose(const struct ctl_args *args)
{
	if (strcmp(args->operand[0], "all") == 0)
		return "0";
	return ctl_check_user(args->operand[0]) ? args->operand[0] : NULL;
}

/* One limit as limit_set() takes it: NaN keeps what stands, NULL forgets it,
 * Infinity (0 for the minimum) lifts it. */
static bool
read_limit(const struct ctl_args *args, enum ctl_option option,
    char room[MONEY_TEXT], const char **value_r)
{
	const char *text = args->option[option];
	int64_t n;

	*value_r = text;
	if (text == NULL)
		*value_r = "NaN";
	else if (strcmp(text, "default") == 0)
		*value_r = NULL;
	else if (strcmp(text, "none") == 0)
		*value_r = option == CTL_MIN ? "0" : "Infinity";
	else if (option != CTL_DAILY_COUNT) {
		*value_r = room;
		return ctl_check_amount(text, 0, room);
	} else if (strcmp(text, "0") != 0 && !user_id_parse(text, &n)) {
		ctl_complain("--daily-count is \"%s\": it must be a whole "
			     "number, none or default",
		    text);
		return false;
	}
	return true;
}

static bool
read_limits(
    const struct ctl_args *args, char room[4][MONEY_TEXT], const char *value[4])
{
	static const enum ctl_option options[] = {
	    CTL_MIN, CTL_MAX, CTL_DAILY_COUNT, CTL_DAILY_SUM};
	bool given = args->option[CTL_TIME_ZONE] != NULL;
	int i;

	for (i = 0; i < COUNT(options); i++) {
		if (!read_limit(args, options[i], room[i], &value[i]))
			return false;
		given = given || args->option[options[i]] != NULL;
	}
	if (!given)
		ctl_complain("which limit? Give --min, --max, --daily-count, "
			     "--daily-sum or --time-zone");
	return given;
}

enum ctl_exit
ctl_limits_set(const struct ctl_args *args)
{
	char room[4][MONEY_TEXT], subject[64];
	const char *params[8] = {NULL};
	const struct ctl_change change = {
	    "SELECT " LIMIT_SQL "FROM limit_set($1::bigint, $2::numeric, "
	    "$3::numeric, $4::numeric, $5::numeric, $6, $7, $8) l",
	    params, COUNT(params), subject, "set", "", false, "limits show"};
	struct ctl_rows *rows;
	enum ctl_exit code;

	params[0] = whose(args);
	if (params[0] == NULL || !read_limits(args, room, &params[1]))
		return CTL_FAILED;
	params[5] = args->option[CTL_TIME_ZONE];
	params[6] = ctl_actor();
	params[7] = args->option[CTL_REASON];
	snprintf(subject, sizeof(subject), "what limits %s", args->operand[0]);
	code = ctl_apply(&change, &rows);
	if (code != CTL_OK)
		return code;
	return ctl_print_changed(
	    args, &change, limit_fields, COUNT(limit_fields), &rows);
}

enum ctl_exit
ctl_limits_clear(const struct ctl_args *args)
{
	static const struct ctl_field fields[] = {{"cleared", CTL_BOOL}};
	const char *params[] = {
	    whose(args), ctl_actor(), args->option[CTL_REASON]};
	char subject[64];
	const struct ctl_change change = {
	    "SELECT limit_clear($1::bigint, $2, $3)", params, COUNT(params),
	    subject, "cleared", "", false, "limits show"};
	struct ctl_rows *rows;
	enum ctl_exit code;

	if (params[0] == NULL)
		return CTL_FAILED;
	snprintf(subject, sizeof(subject), "what limits %s", args->operand[0]);
	code = ctl_apply(&change, &rows);
	if (code != CTL_OK)
		return code;
	return ctl_print_changed(args, &change, fields, COUNT(fields), &rows);
}
