/* history.c: see history.h. */
#include "history.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_tree.h>

/* The text of a member: a string, a number as written, a truth. */
static void
member(yajl_val object, const char *name, char *out, size_t room)
{
	const char *path[] = {name, NULL};
	yajl_val v = yajl_tree_get(object, path, yajl_t_any);
	const char *text = "-";

	if (YAJL_IS_STRING(v))
		text = YAJL_GET_STRING(v);
	else if (YAJL_IS_NUMBER(v))
		text = YAJL_GET_NUMBER(v);
	else if (YAJL_IS_TRUE(v))
		text = "true";
	else if (YAJL_IS_FALSE(v))
		text = "false";
	snprintf(out, room, "%s", *text != '\0' ? text : "-");
}

static void
read_members(yajl_val v, struct answer *a)
{
	char type[64], status[16];
	const char *slash;

	member(v, "type", type, sizeof(type));
	slash = strrchr(type, '/');
	snprintf(a->code, sizeof(a->code), "%.39s",
	    slash != NULL ? slash + 1 : type);
	member(v, "status", status, sizeof(status));
	/* of a problem it is a number, the status of HTTP once more */
	snprintf(a->record, sizeof(a->record), "%s",
	    status[0] >= '0' && status[0] <= '9' ? "-" : status);
	member(v, "order_state", a->state, sizeof(a->state));
	member(v, "safe_new_order", a->safe, sizeof(a->safe));
	member(v, "amount", a->amount, sizeof(a->amount));
	member(v, "balance_after", a->balance, sizeof(a->balance));
	if (strcmp(a->balance, "-") == 0)
		member(v, "balance", a->balance, sizeof(a->balance));
	member(v, "version", a->version, sizeof(a->version));
	member(v, "order_id", a->named, sizeof(a->named));
	if (strcmp(a->named, "-") == 0)
		member(v, "user_id", a->named, sizeof(a->named));
	member(v, "token", a->token, sizeof(a->token));
}

void
answer_read(struct answer *a)
{
	yajl_val v = a->len > 0 ? yajl_tree_parse(a->body, NULL, 0) : NULL;

	read_members(v, a);
	yajl_tree_free(v);
}

bool
answer_is_final(const struct answer *a)
{
	const char *said =
	    a->status == 200 || a->status == 201 ? a->record : a->state;

	return strcmp(said, "succeeded") == 0 ||
	    strcmp(said, "declined") == 0 || strcmp(said, "void") == 0;
}

int64_t
history_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
history_line(FILE *out, int64_t sent, int client, int64_t user,
    const char *order, const char *kind, const char *asked,
    const struct answer *a)
{
	size_t i;

	fprintf(out,
	    "%" PRId64 "\t%" PRId64 "\t%d\t%" PRId64
	    "\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t",
	    sent, history_now(), client, user, order, kind, asked, a->status,
	    a->state, a->code, a->safe, a->replayed ? "true" : "false",
	    a->record, a->amount, a->balance, a->version, a->named);
	for (i = 0; i < a->len; i++)
		putc_unlocked(
		    (unsigned char)a->body[i] < ' ' ? ' ' : a->body[i], out);
	putc_unlocked('\n', out);
}

void
history_listed(FILE *out, int64_t sent, int client, int64_t user,
    const struct answer *list)
{
	const char *path[] = {"withdrawals", NULL};
	yajl_val v =
	    list->len > 0 ? yajl_tree_parse(list->body, NULL, 0) : NULL;
	yajl_val items = yajl_tree_get(v, path, yajl_t_array);
	size_t i;

	for (i = 0; YAJL_IS_ARRAY(items) && i < items->u.array.len; i++) {
		struct answer item = {.status = list->status};

		read_members(items->u.array.values[i], &item);
		history_line(
		    out, sent, client, user, item.named, "listed", "-", &item);
	}
	yajl_tree_free(v);
}
