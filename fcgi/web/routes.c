/* routes.c: see routes.h. */
#include "routes.h"

#include <string.h>

static const char get[] = "GET, HEAD", post[] = "POST";
static const char session[] = "GET, HEAD, POST, DELETE";

/* {} stands for an order. allow: all methods of the path. */
static const struct {
	const char *path;
	enum call call;
	enum method method; /* GET stands for HEAD as well */
	const char *allow;
} table[] = {
    {"/api/token", CALL_TOKEN, METHOD_POST, post},
    {"/api/withdraw", CALL_WITHDRAW, METHOD_POST, post},
    {"/api/withdrawals", CALL_LIST, METHOD_GET, get},
    {"/api/withdrawals/{}", CALL_SHOW, METHOD_GET, get},
    {"/api/withdrawals/{}/void", CALL_VOID, METHOD_POST, post},
    {"/api/account", CALL_ACCOUNT, METHOD_GET, get},
    {"/api/health", CALL_HEALTH, METHOD_GET, get},
    {"/api/session", CALL_SESSION, METHOD_GET, session},
    {"/api/session", CALL_SIGN_IN, METHOD_POST, session},
    {"/api/session", CALL_SIGN_OUT, METHOD_DELETE, session},
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
	enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
	enum route_verdict verdict = ROUTE_NO_PATH;
	size_t i, len = 0;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *segment = NULL;

		if (!match(table[i].path, path, &segment, &len))
			continue;
		*allow_r = table[i].allow;
		*call_r = table[i].call;
		verdict = ROUTE_NO_METHOD;
		if (table[i].method != wanted)
			continue;
		if (segment != NULL && !uuid_text_parse(segment, len, order))
			return ROUTE_BAD_ORDER;
		return ROUTE_FOUND;
	}
	return verdict;
}
