/* http.h: many kept HTTP/1.1 connections to one server, a request at a time on
 * each, in one thread.
 *
 * Only what a load driver needs: status, body, and whether the answer says
 * that it is a replay. Anything that is not an answer, or none in time, is an
 * answer with status 0 and the reason as its body. */
#ifndef HTTP_H
#define HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_MAX 2048

struct conn;
struct http;

struct answer {
	int status;
	bool replayed;    /* Idempotent-Replayed: true */
	const char *body; /* with a NUL at its end; valid during the call */
	size_t body_len;
	int64_t sent_ns, at_ns;
};

/* Called for each answer; may send the next request on c. */
typedef void http_answered(struct conn *c, const struct answer *a);

struct conn {
	struct http *http;
	int fd; /* -1: not open */
	bool waiting;
	int64_t sent_ns;
	char *in;
	size_t in_len, in_room;
	char out[REQUEST_MAX];
	size_t out_len; /* of the request in out */
	http_answered *answered;
};

struct http {
	int epoll;
	struct sockaddr_in server;
	int timeout_s;
	unsigned waiting; /* connections that wait for an answer */
	struct conn *conns;
	unsigned nconns;
	void (*tick)(void *arg, int64_t now_ns); /* after each round */
	void *arg;
};

int64_t now_ns(void);

/* Room for nconns connections, closed to begin with; exits on failure. */
void http_open(struct http *h, const struct sockaddr_in *server,
    unsigned nconns, int timeout_s);

/* Sends what is in c->out. An answer will be told, in any case; not from
 * within this call. */
void http_send(struct conn *c, http_answered *answered);

/* Until no connection waits any more. */
void http_run(struct http *h);

#endif
