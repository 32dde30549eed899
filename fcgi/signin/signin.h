/* signin.h: signing in and out, and who a session is: each a chain of steps,
 * a function a step, as the pipeline has it. */
#ifndef SIGNIN_H
#define SIGNIN_H

#include <stdbool.h>
#include <stdint.h>

#include "signin/attempt.h"
#include "signin/password.h"
#include "signin/session.h"
#include "store/pg.h"
#include "store/redis.h"

struct service;

enum signin_verdict {
	SIGNIN_OK,
	SIGNIN_NO,          /* wrong, or no session */
	SIGNIN_SLOW,        /* wait_s first */
	SIGNIN_UNAVAILABLE, /* a store is down, or too many at once */
};

/* By network, by name and network, by name. */
#define SIGNIN_COUNTS 3

/* The caller's, who zeroes it, sets the upper part, and keeps it until done. */
struct signin_call {
	const struct service *service;
	const char *request;     /* id, for the log */
	char name[SESSION_NAME]; /* to sign in; later of the session */
	const char *address;     /* of the client */
	const char *presented;   /* the cookie that came along, or "" */
	bool background;         /* nobody is at it: no use of the session */
	bool all;                /* to sign out: everywhere */
	void (*done)(struct signin_call *call);

	/* the answer */
	enum signin_verdict verdict;
	int64_t user;
	int wait_s;
	char cookie[SESSION_COOKIE]; /* of the new session */

	/* the password to sign in with goes into password.text; the rest is
	 * the steps' own */
	struct password_call password;
	struct redis_call redis;
	void (*next)(
	    struct signin_call *call, const struct redis_reply_items *items);
	struct pg_call pg;
	struct session session;
	char generation[24], user_text[24];
	struct attempt attempts[SIGNIN_COUNTS];
	int ncounted; /* of them, so far */
};

/* A name as it is kept: in lower case. Returns false if it is none. */
bool signin_name(const char *text, char out[SESSION_NAME]);

void signin_enter(struct signin_call *call);
void signin_leave(struct signin_call *call);
void signin_identify(struct signin_call *call);

#endif
