/* session.c: what a browser presents as its session, and who is slowed down:
 * cookies, names and addresses against patterns. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "signin/attempt.h"
#include "signin/signin.h"

static void
as_a_cookie(const char *text)
{
	static struct fuzz_pattern form = {
	    .text = "^[1-9][0-9]{0,18}\\.[0-9a-f]{64}$"};
	struct session s = {0};
	char again[SESSION_COOKIE], *user = strdup(text);
	int64_t number = 0;
	bool is = fuzz_matches(&form, text);

	HOLDS(user != NULL);
	user[strcspn(user, ".")] = '\0';
	is = is && fuzz_is_user(user, &number);
	HOLDS(session_parse(text, &s) == is);
	if (is) {
		HOLDS(s.user == number);
		snprintf(
		    again, sizeof(again), "%" PRId64 ".%s", s.user, s.secret);
		HOLDS(strcmp(again, text) == 0);
	}
	free(user);
}

static void
as_a_name(const char *text)
{
	static struct fuzz_pattern form = {
	    .text = "^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$"};
	char name[SESSION_NAME], again[SESSION_NAME];

	HOLDS(signin_name(text, name) == fuzz_matches(&form, text));
	if (!fuzz_matches(&form, text))
		return;
	HOLDS(strcasecmp(name, text) == 0);
	HOLDS(signin_name(name, again) && strcmp(name, again) == 0);
}

/* Of IPv6, all of a network are one, however they are written. */
static void
as_an_address(const char *text)
{
	unsigned char bytes[16];
	char out[64], other[64], respelled[INET6_ADDRSTRLEN];

	memset(out, 'x', sizeof(out));
	attempt_network(text, out);
	HOLDS(memchr(out, '\0', sizeof(out)) != NULL);
	if (inet_pton(AF_INET6, text, bytes) != 1) {
		HOLDS(strncmp(out, text, 63) == 0);
		return;
	}
	if (memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
		/* an IPv4 address within IPv6 */
		HOLDS(inet_ntop(AF_INET, bytes + 12, other, sizeof(other)));
		HOLDS(strcmp(out, other) == 0);
		return;
	}
	bytes[15] ^= 1;
	bytes[8] |= 1; /* and not within ::ffff:0:0/96, which is IPv4's */
	HOLDS(inet_ntop(AF_INET6, bytes, respelled, sizeof(respelled)));
	attempt_network(respelled, other);
	HOLDS(strcmp(out, other) == 0);
	bytes[7] ^= 1;
	HOLDS(inet_ntop(AF_INET6, bytes, respelled, sizeof(respelled)));
	attempt_network(respelled, other);
	HOLDS(strcmp(out, other) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	char *text = fuzz_copy(data, size), cookie[SESSION_COOKIE];
	struct session made, back;
	int64_t user = (int64_t)(fuzz_number(&in, 8) >> 1);

	as_a_cookie(text);
	as_a_name(text);
	as_an_address(text);
	free(text);
	if (user > 0) {
		session_make(user, &made, cookie);
		HOLDS(session_parse(cookie, &back) && back.user == user &&
		    strcmp(back.secret, made.secret) == 0);
	}
	return 0;
}
