/* request.h: what the service reads of a request's FastCGI parameters. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ident.h"

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_DELETE,
	METHOD_OTHER
};

/* Not said, as where a body comes in chunks; and not a number. */
#define LENGTH_UNSAID (-1)
#define LENGTH_BAD    (-2)

struct request {
	char id[40]; /* nginx's $request_id, or one of our own */
	enum method method;
	const char *method_text;
	const char *path;                       /* decoded by nginx */
	const char *query;                      /* not decoded */
	const char *content_type;               /* "" if there is none */
	int64_t content_length;                 /* or a LENGTH_ of below */
	const char *origin, *fetch_site, *host; /* NULL if absent */
	const char *key; /* Idempotency-Key as sent, NULL if absent */
	unsigned nkeys;  /* how many there were */

	/* For the sign-in alone: the client's address, whether it came by
	 * https, and the values of the session's cookies: that of http, and
	 * that of https (__Host-…); "" if not there. */
	const char *address;
	bool https;
	const char *session, *host_session;

	/* The page asks by itself, with nobody at it. A client that does not
	 * say so only keeps its own session. */
	bool background;

	/* Withdraw-Expect-User: whom the client takes itself for, NULL if it
	 * does not say. Only compared with user: it proves nothing. */
	const char *expected_user;

	/* The one thing that says who is calling: WITHDRAW_USER. 0 where it is
	 * absent, empty, malformed or there twice. */
	int64_t user;
};

/* Reads envp ("NAME=value" strings, as libfcgi gives them) into *r, which
 * points into it. */
void request_read(char *const *envp, struct request *r);

/* The session's cookie that counts. By https that is the one which no other
 * host, and nobody on a line without TLS, can have put into the browser. */
const char *request_session(const struct request *r);

/* Does the client take itself for somebody else than it is? A page that one
 * user loaded must not act for the next who signs in on the same browser. */
bool request_other_user(const struct request *r);

/* Does the browser say that another site made this request? (Sec-Fetch-Site,
 * and Origin against Host.) Programs, which send neither, may pass. */
bool request_cross_site(const struct request *r);

/* Is the content type application/json, with no parameter but a charset of
 * UTF-8? */
bool request_is_json(const struct request *r);

/* The value of a query parameter, taken as it is: none of ours has a character
 * that would be escaped. Returns 1 and fills out; 0 if it is absent; -1 if it
 * is there twice or too long. */
int request_query(
    const struct request *r, const char *name, char *out, size_t room);

/* Does the query have a parameter that is not in names (NULL-terminated)? */
bool request_query_unknown(const struct request *r, const char *const *names);

#endif
