/* audit.c: withdrawctl audit, withdrawctl findings: who changed what, and what
 * reconcile found. Reads only. */
#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/output.h"
#include "ctl/query.h"
#include "ctl/sql.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct ctl_field audit_fields[] = {
    {"at", CTL_TEXT},
    {"actor", CTL_TEXT},
    {"role", CTL_TEXT},
    {"command", CTL_TEXT},
    {"user_id", CTL_NUMBER},
    {"order_id", CTL_TEXT},
    {"detail", CTL_TEXT},
    {"reason", CTL_TEXT},
};

/* "" is no order: NULL. */
static const char *
or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

enum ctl_exit
ctl_audit(const struct ctl_args *args)
{
	static const char sql[] =
	    "SELECT to_char(a.at" CTL_SQL_UTC ", a.actor, a.role, a.command, "
	    "a.user_id, a.order_id, a.detail, a.reason FROM operator_audit a "
	    "WHERE ($1::bigint IS NULL OR a.user_id = $1::bigint) "
	    "AND ($2::uuid IS NULL OR a.order_id = $2::uuid) "
	    "AND ($3::timestamptz IS NULL OR a.at >= $3::timestamptz) "
	    "AND ($4::timestamptz IS NULL OR a.at < $4::timestamptz) "
	    "ORDER BY a.id DESC LIMIT $5::bigint";
	char order[UUID_TEXT];
	const char *params[] = {args->option[CTL_USER], NULL,
	    args->option[CTL_SINCE], args->option[CTL_UNTIL], NULL};

	if (!ctl_check_whose(args, order) ||
	    !ctl_check_limit(args, "20", CTL_LIMIT_MAX, &params[4]))
		return CTL_FAILED;
	params[1] = or_null(order);
	return ctl_read_list(args, "changes", audit_fields, COUNT(audit_fields),
	    sql, params, COUNT(params));
}

static const struct ctl_field finding_fields[] = {
    {"found_at", CTL_TEXT},
    {"kind", CTL_TEXT},
    {"user_id", CTL_NUMBER},
    {"order_id", CTL_TEXT},
    {"action", CTL_TEXT},
    {"before", CTL_TEXT},
    {"after", CTL_TEXT},
    {"resolved_at", CTL_TEXT},
    {"what", CTL_TEXT},
};

enum ctl_exit
ctl_findings(const struct ctl_args *args)
{
	static const char sql[] =
	    "SELECT to_char(f.found_at" CTL_SQL_UTC ", f.kind, f.user_id, "
	    "f.order_id, f.action, f.before, f.after, "
	    "to_char(f.resolved_at" CTL_SQL_UTC ", f.what "
	    "FROM reconcile_finding f "
	    "WHERE ($1::bigint IS NULL OR f.user_id = $1::bigint) "
	    "AND ($2::uuid IS NULL OR f.order_id = $2::uuid) "
	    "AND ($3::text IS NULL OR "
	    "(f.resolved_at IS NULL) = ($3::text = 'open')) "
	    "ORDER BY f.id DESC LIMIT $4::bigint";
	char order[UUID_TEXT];
	const char *params[] = {
	    args->option[CTL_USER], NULL, args->option[CTL_STATE], NULL};

	if (!ctl_check_whose(args, order) ||
	    !ctl_check_word(args, CTL_STATE, "open resolved") ||
	    !ctl_check_limit(args, "20", CTL_LIMIT_MAX, &params[3]))
		return CTL_FAILED;
	params[1] = or_null(order);
	return ctl_read_list(args, "findings", finding_fields,
	    COUNT(finding_fields), sql, params, COUNT(params));
}
