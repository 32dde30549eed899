/* routes.c: see routes.h. */
#include "routes.h"

#include <string.h>

static const char get[] = "GET, HEAD", post[] = "POST";

/* {} stands for an order. */
static const struct {
	const char *path;
	enum call call;
	const char *allow;
} table[] = {
    {"/api/token", CALL_TOKEN, post},
    {"/api/withdraw", CALL_WITHDRAW, post},
    {"/api/withdrawals", CALL_LIST, get},
    {"/api/withdrawals/{}", CALL_SHOW, get},
    {"/api/withdrawals/{}/void", CALL_VOID, post},
    {"/api/account", CALL_ACCOUNT, get},
    {"/api/health", CALL_HEALTH, get},
};

/* Does path have the form of pattern? The segment for {} is *segment_r. */
static bool
match(const char *pattern, const char *path, const char **segment_r,
    size_t *len_r)
{
	size_t fixed = strcspn(pattern, "{");

	if (strncmp(pattern, path, fixed) != 0)
		return false;
	if (pattern[fixed] == '\0')
		return path[fixed] == '\0';
	*segment_r = path + fixed;
	*len_r = strcspn(path + fixed, "/");
	return *len_r > 0 &&
	    strcmp(pattern + fixed + 2, path + fixed + *len_r) == 0;
}

enum route_verdict
route(enum method method, const char *path, enum call *call_r,
    char order[UUID_TEXT], const char **allow_r)
{
	size_t i, len = 0;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *segment = NULL;
		bool allowed;

		if (!match(table[i].path, path, &segment, &len))
			continue;
		allowed = table[i].allow == post
		    ? method == METHOD_POST
		    : method == METHOD_GET || method == METHOD_HEAD;
		*allow_r = table[i].allow;
		*call_r = table[i].call;
		if (!allowed)
			return ROUTE_NO_METHOD;
		if (segment != NULL && !uuid_text_parse(segment, len, order))
			return ROUTE_BAD_ORDER;
		return ROUTE_FOUND;
	}
	return ROUTE_NO_PATH;
}
