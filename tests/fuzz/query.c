/* query.c: query strings, cut at '&' and '=' by another way, and the cursors
 * in them: one that is read and written again is the same place. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "web/reply.h"
#include "web/request.h"

enum { ROOM = 16 };

static void
look_at_name(const struct request *r, const char *wanted)
{
	char out[ROOM], *copy = strdup(r->query), *rest = copy, *pair, *value;
	char *first = NULL;
	int n = 0, found;

	HOLDS(copy != NULL);
	while ((pair = strsep(&rest, "&")) != NULL) {
		value = pair;
		pair = strsep(&value, "=");
		if (strcmp(pair, wanted) != 0 || (*pair == '\0' && !value))
			continue;
		n++;
		first = first != NULL ? first : value != NULL ? value : "";
	}
	found = request_query(r, wanted, out, sizeof(out));
	if (n == 0)
		HOLDS(found == 0);
	else if (n > 1 || strlen(first) >= ROOM)
		HOLDS(found == -1);
	else
		HOLDS(found == 1 && strcmp(out, first) == 0);
	free(copy);
}

static void
look_for_unknown(const struct request *r)
{
	static const char *const names[] = {"limit", "before", NULL};
	char *copy = strdup(r->query), *rest = copy, *pair, *name;
	bool unknown = false;

	HOLDS(copy != NULL);
	while ((pair = strsep(&rest, "&")) != NULL) {
		/* nothing behind the last '&' is no parameter */
		if (*pair == '\0' && rest == NULL)
			continue;
		name = strsep(&pair, "=");
		unknown = unknown ||
		    (strcmp(name, "limit") != 0 && strcmp(name, "before") != 0);
	}
	HOLDS(request_query_unknown(r, names) == unknown);
	free(copy);
}

static void
as_a_cursor(const char *text)
{
	static struct fuzz_pattern form = {.text = "^[0-9]{1,17}\\..*$"};
	char order[UUID_TEXT], back[UUID_TEXT], again[CURSOR_TEXT];
	const char *dot = strchr(text, '.');
	int64_t us = -1, us_back = -1;
	struct record r = {0};
	bool is = cursor_parse(text, &us, order);

	HOLDS(is == (fuzz_matches(&form, text) && fuzz_is_uuid(dot + 1)));
	if (!is)
		return;
	HOLDS(us == atoll(text) && strcasecmp(order, dot + 1) == 0);
	memcpy(r.order, order, sizeof(order));
	r.created_us = us;
	cursor_format(&r, again);
	HOLDS(cursor_parse(again, &us_back, back));
	HOLDS(us_back == us && strcmp(back, order) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	struct request r = {.query = text};

	look_at_name(&r, "limit");
	look_at_name(&r, "before");
	look_at_name(&r, "everywhere");
	look_for_unknown(&r);
	as_a_cursor(strncmp(text, "before=", 7) == 0 ? text + 7 : text);
	free(text);
	return 0;
}
