/* request.c: the parameters of a request, a line each ("NAME=value"), and what
 * is made of them: who is calling, the order, the path. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "web/request.h"
#include "web/routes.h"

enum { PARAMS = 64 };

/* The value of the last line of that name, NULL: none; and how many. */
static const char *
value_of(char *const *envp, const char *name, unsigned *n_r)
{
	const char *value = NULL;
	unsigned n = 0;

	for (; *envp != NULL; envp++)
		if (strncmp(*envp, name, strlen(name)) == 0 &&
		    (*envp)[strlen(name)] == '=') {
			value = *envp + strlen(name) + 1;
			n++;
		}
	if (n_r != NULL)
		*n_r = n;
	return value;
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Who is calling is the only thing that keeps accounts apart. */
static void
look_at_user(char *const *envp, const struct request *r)
{
	unsigned n;
	const char *text = value_of(envp, "WITHDRAW_USER", &n);
	int64_t user = 0, expected = 0;

	if (n != 1 || !fuzz_is_user(text, &user))
		user = 0;
	HOLDS(r->user == user);
	/* said twice it is nobody */
	text = value_of(envp, "HTTP_WITHDRAW_EXPECT_USER", &n);
	HOLDS(request_other_user(r) ==
	    (n > 1 ||
		(n == 1 &&
		    (!fuzz_is_user(text, &expected) || expected != user))));
}

/* A UUID, bare or in quotes, and nothing around it. */
static void
look_at_key(char *const *envp, const struct request *r)
{
	char order[UUID_TEXT] = "untouched", *bare;
	unsigned n;
	const char *key = value_of(envp, "HTTP_IDEMPOTENCY_KEY", &n);
	size_t len;

	HOLDS(r->nkeys == n && same(r->key, key));
	if (key == NULL)
		return;
	bare = strdup(key);
	HOLDS(bare != NULL);
	len = strlen(bare);
	if (len >= 2 && bare[0] == '"' && bare[len - 1] == '"') {
		memmove(bare, bare + 1, len - 2);
		bare[len - 2] = '\0';
	}
	if (order_id_parse(key, order)) {
		HOLDS(fuzz_is_uuid(bare) && strcasecmp(order, bare) == 0);
		HOLDS(strpbrk(order, "ABCDEF") == NULL);
	} else {
		HOLDS(!fuzz_is_uuid(bare) && strcmp(order, "untouched") == 0);
	}
	free(bare);
}

static void
look_at_rest(char *const *envp, const struct request *r)
{
	static struct fuzz_pattern id = {.text = "^[0-9a-fA-F-]{1,39}$"};
	static struct fuzz_pattern digits = {.text = "^[0-9]{1,18}$"};
	static struct fuzz_pattern json = {
	    .text = "^[Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]/"
		    "[Jj][Ss][Oo][Nn][ \t]*(;[ \t]*[Cc][Hh][Aa][Rr][Ss][Ee][Tt]"
		    "=(\"[Uu][Tt][Ff]-8\"|[Uu][Tt][Ff]-8))?$"};
	const char *length = value_of(envp, "CONTENT_LENGTH", NULL);
	const char *type = value_of(envp, "CONTENT_TYPE", NULL);
	const char *site = value_of(envp, "HTTP_SEC_FETCH_SITE", NULL);
	const char *method = value_of(envp, "REQUEST_METHOD", NULL);

	HOLDS(fuzz_matches(&id, r->id)); /* goes to the log */
	if (length == NULL || *length == '\0')
		HOLDS(r->content_length == LENGTH_UNSAID);
	else if (fuzz_matches(&digits, length))
		HOLDS(r->content_length == atoll(length));
	else
		HOLDS(r->content_length == LENGTH_BAD);
	HOLDS(
	    request_is_json(r) == (type != NULL && fuzz_matches(&json, type)));
	HOLDS((r->method == METHOD_POST) ==
	    (method != NULL && strcmp(method, "POST") == 0));
	if (site != NULL && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		HOLDS(request_cross_site(r));
}

/* An origin is ours only if it is scheme, "://" and our host, where either may
 * name the scheme's own port. */
static void
look_at_origin(const struct request *r)
{
	struct request plain = *r;
	bool https;
	const char *rest, *port;
	size_t a, b;

	plain.fetch_site = NULL;
	if (r->origin == NULL) {
		HOLDS(!request_cross_site(&plain));
		return;
	}
	if (request_cross_site(&plain))
		return;
	rest = strstr(r->origin, "://");
	HOLDS(rest != NULL && r->host != NULL && *r->host != '\0');
	https = strncmp(r->origin, "https:", 6) == 0;
	port = https ? ":443" : ":80";
	rest += 3;
	/* one is the beginning of the other, and what is more is the port */
	a = strlen(rest);
	b = strlen(r->host);
	HOLDS(strncasecmp(rest, r->host, a < b ? a : b) == 0);
	HOLDS(a == b || strcmp(a < b ? r->host + a : rest + b, port) == 0);
}

/* The path by another way: cut at its slashes. */
static void
look_at_path(const struct request *r)
{
	static const char *const plain[] = {
	    "token", "withdraw", "withdrawals", "account", "health", "session"};
	char *path = strdup(r->path), *rest = path, *part[5] = {0};
	char order[UUID_TEXT] = "";
	const char *allow = NULL;
	enum call call = CALL_HEALTH;
	enum route_verdict v = route(r->method, r->path, &call, order, &allow);
	bool known = false, names = false;
	size_t i, n = 0;

	HOLDS(path != NULL);
	while (n < 5 && rest != NULL)
		part[n++] = strsep(&rest, "/");
	if (n >= 3 && rest == NULL && *part[0] == '\0' &&
	    strcmp(part[1], "api") == 0) {
		for (i = 0; n == 3 && i < sizeof(plain) / sizeof(plain[0]); i++)
			known = known || strcmp(part[2], plain[i]) == 0;
		names = n >= 4 && strcmp(part[2], "withdrawals") == 0 &&
		    *part[3] != '\0' &&
		    (n == 4 || strcmp(part[4], "void") == 0);
	}
	HOLDS((v == ROUTE_NO_PATH) == !(known || names));
	HOLDS(v == ROUTE_NO_PATH || (allow != NULL && *allow != '\0'));
	if (v == ROUTE_FOUND && names)
		HOLDS(fuzz_is_uuid(part[3]) && strcasecmp(order, part[3]) == 0);
	if (v == ROUTE_BAD_ORDER)
		HOLDS(names && !fuzz_is_uuid(part[3]) && *order == '\0');
	/* nothing is done by a GET, and no money moves without its own path */
	if (v == ROUTE_FOUND && call == CALL_WITHDRAW)
		HOLDS(r->method == METHOD_POST &&
		    strcmp(r->path, "/api/withdraw") == 0);
	if (v == ROUTE_FOUND && call == CALL_VOID)
		HOLDS(r->method == METHOD_POST && n == 5);
	free(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	char *envp[PARAMS + 1] = {0};
	struct request r;
	size_t n = 0, len, i;

	while (n < PARAMS && (envp[n] = fuzz_line(&in, &len)) != NULL)
		n++;
	envp[n] = NULL;
	memset(&r, 0x55, sizeof(r));
	request_read(envp, &r);
	look_at_user(envp, &r);
	look_at_key(envp, &r);
	look_at_rest(envp, &r);
	look_at_origin(&r);
	look_at_path(&r);
	for (i = 0; i < n; i++)
		free(envp[i]);
	return 0;
}
