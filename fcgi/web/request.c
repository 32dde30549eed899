/* request.c: see request.h. */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An id for the log that nobody can write lines with. */
static void
read_id(const char *value, char out[40])
{
	size_t len = strlen(value);

	if (len > 0 && len < 40 &&
	    strspn(value, "0123456789abcdefABCDEF-") == len)
		memcpy(out, value, len + 1);
}

static enum method
read_method(const char *value)
{
	if (strcmp(value, "GET") == 0)
		return METHOD_GET;
	if (strcmp(value, "HEAD") == 0)
		return METHOD_HEAD;
	if (strcmp(value, "POST") == 0)
		return METHOD_POST;
	if (strcmp(value, "DELETE") == 0)
		return METHOD_DELETE;
	return METHOD_OTHER;
}

static int64_t
read_length(const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return LENGTH_UNSAID;
	if (len > 18 || strspn(value, "0123456789") != len)
		return LENGTH_BAD;
	return strtoll(value, NULL, 10);
}

/* What comes twice is neither the one nor the other: no guard takes "" for
 * good. */
static void
take_once(const char **field, const char *value)
{
	*field = *field == NULL ? value : "";
}

void
request_read(char *const *envp, struct request *r)
{
	unsigned nusers = 0;

	*r = (struct request){.method = METHOD_OTHER,
	    .method_text = "",
	    .path = "",
	    .query = "",
	    .content_length = LENGTH_UNSAID,
	    .content_type = "",
	    .address = "",
	    .session = "",
	    .host_session = ""};
	for (; *envp != NULL; envp++) {
		const char *eq = strchr(*envp, '='), *v;
		size_t n;

		if (eq == NULL)
			continue;
		n = (size_t)(eq - *envp);
		v = eq + 1;
#define IS(name) (n == sizeof(name) - 1 && memcmp(*envp, name, n) == 0)
		if (IS("REQUEST_METHOD")) {
			r->method_text = v;
			r->method = read_method(v);
		} else if (IS("DOCUMENT_URI")) {
			r->path = v;
		} else if (IS("QUERY_STRING")) {
			r->query = v;
		} else if (IS("CONTENT_TYPE")) {
			r->content_type = v;
		} else if (IS("CONTENT_LENGTH")) {
			r->content_length = read_length(v);
		} else if (IS("REQUEST_ID")) {
			read_id(v, r->id);
		} else if (IS("REMOTE_ADDR")) {
			r->address = v;
		} else if (IS("HTTPS")) {
			r->https = strcmp(v, "on") == 0;
		} else if (IS("WITHDRAW_SESSION")) {
			r->session = v;
		} else if (IS("WITHDRAW_HOST_SESSION")) {
			r->host_session = v;
		} else if (IS("WITHDRAW_BACKGROUND")) {
			r->background = strcmp(v, "1") == 0;
		} else if (IS("HTTP_ORIGIN")) {
			take_once(&r->origin, v);
		} else if (IS("HTTP_SEC_FETCH_SITE")) {
			take_once(&r->fetch_site, v);
		} else if (IS("HTTP_HOST")) {
			r->host = v;
		} else if (IS("HTTP_WITHDRAW_EXPECT_USER")) {
			take_once(&r->expected_user, v);
		} else if (IS("HTTP_IDEMPOTENCY_KEY")) {
			r->key = v;
			r->nkeys++;
		} else if (IS("WITHDRAW_USER")) {
			if (++nusers > 1 || !user_id_parse(v, &r->user))
				r->user = 0;
		}
#undef IS
	}
	if (r->id[0] == '\0')
		uuid_text_new(r->id);
}

const char *
request_session(const struct request *r)
{
	return r->https ? r->host_session : r->session;
}

/* "https://pay.example:443" -> "pay.example": the host, and the port unless it
 * is the scheme's own. */
static bool
same_authority(const char *origin, const char *host)
{
	const char *a = strstr(origin, "://"), *default_port;
	size_t len, hlen = strlen(host);

	if (a == NULL || hlen == 0)
		return false;
	default_port = strncmp(origin, "https:", 6) == 0 ? ":443" : ":80";
	a += 3;
	len = strlen(a);
	if (len > strlen(default_port) &&
	    strcmp(a + len - strlen(default_port), default_port) == 0)
		len -= strlen(default_port);
	if (hlen > strlen(default_port) &&
	    strcmp(host + hlen - strlen(default_port), default_port) == 0)
		hlen -= strlen(default_port);
	return len == hlen && strncasecmp(a, host, len) == 0;
}

bool
request_other_user(const struct request *r)
{
	int64_t expected;

	return r->expected_user != NULL &&
	    (!user_id_parse(r->expected_user, &expected) ||
		expected != r->user);
}

bool
request_cross_site(const struct request *r)
{
	if (r->fetch_site != NULL &&
	    strcmp(r->fetch_site, "same-origin") != 0 &&
	    strcmp(r->fetch_site, "none") != 0)
		return true;
	return r->origin != NULL &&
	    (r->host == NULL || !same_authority(r->origin, r->host));
}

bool
request_is_json(const struct request *r)
{
	static const char type[] = "application/json";
	const char *p = r->content_type;

	if (strncasecmp(p, type, sizeof(type) - 1) != 0)
		return false;
	p += sizeof(type) - 1;
	p += strspn(p, " \t");
	if (*p == '\0')
		return true;
	if (*p++ != ';')
		return false;
	p += strspn(p, " \t");
	return strcasecmp(p, "charset=utf-8") == 0 ||
	    strcasecmp(p, "charset=\"utf-8\"") == 0;
}

/* The next "name=value" of a query; false at its end. */
static bool
next_pair(const char **p, const char **name, size_t *nlen, const char **value,
    size_t *vlen)
{
	size_t len, eq;

	if (**p == '\0')
		return false;
	len = strcspn(*p, "&");
	eq = strcspn(*p, "=&");
	*name = *p;
	*nlen = eq;
	*value = *p + (eq < len ? eq + 1 : len);
	*vlen = len - (size_t)(*value - *p);
	*p += len;
	*p += **p == '&';
	return true;
}

int
request_query(
    const struct request *r, const char *wanted, char *out, size_t room)
{
	const char *p = r->query, *name, *value;
	size_t nlen, vlen;
	int found = 0;

	while (next_pair(&p, &name, &nlen, &value, &vlen)) {
		if (nlen != strlen(wanted) || memcmp(name, wanted, nlen) != 0)
			continue;
		if (found != 0 || vlen >= room)
			return -1;
		memcpy(out, value, vlen);
		out[vlen] = '\0';
		found = 1;
	}
	return found;
}

bool
request_query_unknown(const struct request *r, const char *const *names)
{
	const char *p = r->query, *name, *value;
	size_t nlen, vlen, i;

	while (next_pair(&p, &name, &nlen, &value, &vlen)) {
		for (i = 0; names[i] != NULL; i++)
			if (nlen == strlen(names[i]) &&
			    memcmp(name, names[i], nlen) == 0)
				break;
		if (names[i] == NULL)
			return true;
	}
	return false;
}
