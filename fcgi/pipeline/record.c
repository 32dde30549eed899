/* record.c: see record.h. */
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"

/* Fields of both forms, in the order of withdraw_find()'s columns. The cached
 * form has the last one only where there is something in it: answers that an
 * older version recorded are read, too. */
enum field {
	F_ORDER,
	F_STATUS,
	F_AMOUNT,
	F_CURRENCY,
	F_REASON,
	F_BALANCE,
	F_VERSION,
	F_CREATED,
	F_RESETS
};

_Static_assert(F_RESETS + 1 == RECORD_FIELDS, "the columns of withdraw_find()");

static bool
parse_int(const char *s, int64_t *v_r)
{
	size_t len = strlen(s);

	if (len == 0 || len > 18 || strspn(s, "0123456789") != len)
		return false;
	*v_r = strtoll(s, NULL, 10);
	return true;
}

static bool
copy_text(char *out, size_t room, const char *s)
{
	size_t len = strlen(s);

	if (len >= room || strchr(s, '|') != NULL)
		return false;
	memcpy(out, s, len + 1);
	return true;
}

/* Only such a reason comes with a time when it ends, and always. */
static bool
is_daily_limit(const char *reason)
{
	return strncmp(reason, "daily-", strlen("daily-")) == 0;
}

/* NULL and "" both stand for a missing value. */
static bool
read_fields(const char *const f[RECORD_FIELDS], struct record *r)
{
	int64_t status;

	if (f[F_ORDER] == NULL || f[F_STATUS] == NULL ||
	    f[F_CURRENCY] == NULL || f[F_CREATED] == NULL ||
	    !uuid_text_parse(f[F_ORDER], strlen(f[F_ORDER]), r->order) ||
	    !parse_int(f[F_STATUS], &status) ||
	    !copy_text(r->currency, sizeof(r->currency), f[F_CURRENCY]) ||
	    !parse_int(f[F_CREATED], &r->created_us))
		return false;
	r->has_resets = f[F_RESETS] != NULL && *f[F_RESETS] != '\0';
	if (r->has_resets && !parse_int(f[F_RESETS], &r->resets_us))
		return false;
	r->has_amount = f[F_AMOUNT] != NULL && *f[F_AMOUNT] != '\0';
	if (r->has_amount && !money_parse_numeric(f[F_AMOUNT], &r->amount))
		return false;
	if (!copy_text(
		r->reason, sizeof(r->reason), f[F_REASON] ? f[F_REASON] : ""))
		return false;
	switch (status) {
	case RECORD_VOID:
		r->status = RECORD_VOID;
		return !r->has_resets;
	case RECORD_SUCCEEDED:
	case RECORD_DECLINED:
		r->status = (enum record_status)status;
		return r->has_amount && f[F_BALANCE] != NULL &&
		    f[F_VERSION] != NULL &&
		    money_parse_numeric(f[F_BALANCE], &r->balance_after) &&
		    parse_int(f[F_VERSION], &r->version) &&
		    (r->status == RECORD_DECLINED) == (r->reason[0] != '\0') &&
		    r->has_resets == is_daily_limit(r->reason);
	default:
		return false;
	}
}

bool
record_from_fields(
    const char *const f[RECORD_FIELDS], int64_t user, struct record *r)
{
	*r = (struct record){.user = user};
	return read_fields(f, r);
}

void
record_encode(const struct record *r, char out[RECORD_TEXT])
{
	char amount[MONEY_TEXT] = "", balance[MONEY_TEXT] = "";
	char resets[24] = "";

	if (r->has_amount)
		money_format(r->amount, amount);
	if (r->status != RECORD_VOID)
		money_format(r->balance_after, balance);
	if (r->has_resets)
		snprintf(resets, sizeof(resets), "|%" PRId64, r->resets_us);
	snprintf(out, RECORD_TEXT,
	    "1|%" PRId64 "|%s|%d|%s|%s|%s|%s|%" PRId64 "|%" PRId64 "%s",
	    r->user, r->order, (int)r->status, amount, r->currency, r->reason,
	    balance, r->version, r->created_us, resets);
}

bool
record_decode(
    const char *text, int64_t user, const char *order, struct record *r)
{
	char copy[RECORD_TEXT], again[RECORD_TEXT], prefix[32];
	const char *f[RECORD_FIELDS];
	char *rest = copy;
	size_t n;
	int i;

	if (!(strlen(text) < sizeof(copy)))
		return false;
	n = (size_t)snprintf(prefix, sizeof(prefix), "1|%" PRId64 "|", user);
	if (strncmp(text, prefix, n) != 0)
		return false;
	strcpy(copy, text + n);
	for (i = 0; i < RECORD_FIELDS; i++)
		f[i] = strsep(&rest, "|");
	*r = (struct record){.user = user};
	if (rest != NULL || f[F_CREATED] == NULL || !read_fields(f, r) ||
	    strcmp(r->order, order) != 0)
		return false;
	/* another spelling of a record was not written by us */
	record_encode(r, again);
	return strcmp(again, text) == 0;
}
