/* report.c: see report.h. */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/json.h"
#include "ctl/output.h"

struct report {
	yajl_gen json; /* NULL: text */
	bool full, dry_run;
	int64_t fresh, known;
};

struct report *
report_open(bool json, bool full, bool dry_run)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->full = full;
	r->dry_run = dry_run;
	if (!json)
		return r;
	r->json = ctl_json_open();
	ctl_json_put(r->json, "mode", full ? "full" : "incremental");
	ctl_json_put_bool(r->json, "dry_run", dry_run);
	ctl_json_string(r->json, "findings");
	ctl_json_must(yajl_gen_array_open(r->json));
	return r;
}

static void
text_finding(const struct finding *f)
{
	printf("%-24s", f->kind);
	if (f->user != NULL)
		printf(" user %s", f->user);
	if (f->order != NULL)
		printf(" order %s", f->order);
	printf(": %s: %s", f->what, f->action);
	if (f->before != NULL && f->after != NULL &&
	    strcmp(f->before, f->after) != 0)
		printf(" (%s -> %s)", f->before, f->after);
	puts(f->fresh ? "" : ", in an earlier run");
}

static void
json_finding(yajl_gen g, const struct finding *f)
{
	ctl_json_must(yajl_gen_map_open(g));
	ctl_json_put(g, "kind", f->kind);
	ctl_json_put_number(g, "user_id", f->user);
	ctl_json_put(g, "order_id", f->order);
	ctl_json_put(g, "what", f->what);
	ctl_json_put(g, "before", f->before);
	ctl_json_put(g, "after", f->after);
	ctl_json_put(g, "action", f->action);
	ctl_json_put_bool(g, "new", f->fresh);
	ctl_json_must(yajl_gen_map_close(g));
}

void
report_finding(struct report *r, const struct finding *finding)
{
	if (finding->fresh)
		r->fresh++;
	else
		r->known++;
	if (r->json != NULL)
		json_finding(r->json, finding);
	else
		text_finding(finding);
}

int64_t
report_fresh(const struct report *r)
{
	return r->fresh;
}

/* --- totals -------------------------------------------------------------- */

#define SUM_TEXT 48

/* A sum of money with its two decimals. */
static const char *
sum_text(look_sum sum, char out[SUM_TEXT])
{
	bool negative = sum < 0;
	char text[SUM_TEXT] = "";
	char *p = &text[SUM_TEXT];
	int i;

	*--p = '\0';
	for (i = 0; i < 3 || sum != 0; i++) {
		int digit = (int)(sum % 10);

		if (i == 2)
			*--p = '.';
		*--p = (char)('0' + (negative ? -digit : digit));
		sum /= 10;
	}
	if (negative)
		*--p = '-';
	return memcpy(out, p, strlen(p) + 1);
}

static bool
conserved(const struct look *l)
{
	return l->opened + l->credited + l->returned + l->adjusted -
	    l->withdrawn ==
	    l->balances;
}

static void
text_answers(const struct report_answers *a)
{
	if (a->looked)
		printf("\nredis: looked at %" PRId64 " answers, %" PRId64
		       " filled in, and %" PRId64 " locks",
		    a->answers, a->filled, a->locks);
	else
		printf("\nredis: not looked at");
}

static void
text_totals(const struct report *r, const struct look *l,
    const struct report_answers *answers)
{
	char a[SUM_TEXT] = "", b[SUM_TEXT] = "", c[SUM_TEXT] = "";
	char d[SUM_TEXT] = "", e[SUM_TEXT] = "", f[SUM_TEXT] = "";

	printf("looked at %" PRId64 " entries, %" PRId64 " records", l->entries,
	    l->records);
	if (r->full) {
		printf(", %" PRId64 " accounts\n", l->accounts);
		printf("money: opened %s + credited %s + returned %s + "
		       "adjusted %s - withdrawn %s %s balances %s",
		    sum_text(l->opened, a), sum_text(l->credited, b),
		    sum_text(l->returned, c), sum_text(l->adjusted, d),
		    sum_text(l->withdrawn, e), conserved(l) ? "=" : "is NOT",
		    sum_text(l->balances, f));
	}
	text_answers(answers);
	printf("\nfindings: %" PRId64 " new, %" PRId64 " open since earlier "
	       "runs%s\n",
	    r->fresh, r->known,
	    r->dry_run ? "; dry run: nothing was changed" : "");
}

static void
put_sum(yajl_gen g, const char *key, look_sum sum)
{
	char text[SUM_TEXT] = "";

	ctl_json_put(g, key, sum_text(sum, text));
}

/* null: not looked at. */
static void
json_answers(yajl_gen g, const struct report_answers *a)
{
	if (!a->looked) {
		ctl_json_put_number(g, "answers", NULL);
		ctl_json_put_number(g, "filled", NULL);
		ctl_json_put_number(g, "locks", NULL);
		return;
	}
	ctl_json_put_count(g, "answers", a->answers);
	ctl_json_put_count(g, "filled", a->filled);
	ctl_json_put_count(g, "locks", a->locks);
}

static void
json_totals(const struct report *r, const struct look *l,
    const struct report_answers *answers)
{
	yajl_gen g = r->json;

	ctl_json_put_count(g, "entries", l->entries);
	ctl_json_put_count(g, "records", l->records);
	if (r->full) {
		ctl_json_put_count(g, "accounts", l->accounts);
		put_sum(g, "opened", l->opened);
		put_sum(g, "credited", l->credited);
		put_sum(g, "returned", l->returned);
		put_sum(g, "adjusted", l->adjusted);
		put_sum(g, "withdrawn", l->withdrawn);
		put_sum(g, "balances", l->balances);
		ctl_json_put_bool(g, "conserved", conserved(l));
	}
	json_answers(g, answers);
	ctl_json_put_count(g, "found", r->fresh);
	ctl_json_put_count(g, "known", r->known);
}

int
report_close(struct report **report, const struct look *look, bool whole,
    const struct report_answers *answers)
{
	struct report *r = *report;
	bool failed;

	if (r->json != NULL) {
		ctl_json_must(yajl_gen_array_close(r->json));
		ctl_json_put_bool(r->json, "complete", whole);
		json_totals(r, look, answers);
		ctl_json_close(&r->json);
	} else if (whole) {
		text_totals(r, look, answers);
	}
	free(r);
	*report = NULL;
	errno = 0;
	failed = fflush(stdout) != 0 || ferror(stdout) != 0;
	if (failed)
		ctl_complain(
		    "could not write to standard output: %s", strerror(errno));
	return failed ? -1 : 0;
}
