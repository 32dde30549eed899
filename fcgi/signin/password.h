/* password.h: is that the password? On a thread of its own, at a lower
 * priority: a hash that protects takes a tenth of a second, in which a worker
 * serves hundreds of requests. */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>

struct ev_loop;
struct password;

/* What crypt(3) takes at most, and its NUL; and room for a hash. */
#define PASSWORD_TEXT 512
#define PASSWORD_HASH 384

/* A question; the caller's, who keeps it until done. */
struct password_call {
	char text[PASSWORD_TEXT]; /* wiped when it was hashed */
	char hash[PASSWORD_HASH]; /* "": of nobody, and no password is right;
				   * takes as long as any other */
	bool right;               /* the answer */
	void (*done)(struct password_call *call);
	struct password_call *next; /* password.c's own */
};

/* The thread begins with the first question. */
struct password *password_open(struct ev_loop *loop);

/* done is called later, from the loop. Returns false, and never calls it, if
 * too many questions are waiting. */
bool password_ask(struct password *password, struct password_call *call);

#endif
