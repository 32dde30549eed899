/* server.h: the FastCGI connections of a worker, many at once, through
 * libfcgi.
 *
 * libfcgi is meant to be used blocking, a connection at a time. To serve many,
 * this file accepts connections itself, waits until a whole request is there
 * (frame.h), and only then lets FCGX_Accept_r() read it; for that it sets
 * fields of FCGX_Request that fcgiapp.h calls private. They are used in
 * server.c and nowhere else. */
#ifndef SERVER_H
#define SERVER_H

#include <stddef.h>

#include "pipeline/orders.h"
#include "pipeline/result.h"
#include "pipeline/token.h"
#include "pipeline/withdraw.h"
#include "signin/signin.h"
#include "web/request.h"

struct ev_loop;
struct server;
struct service;

/* One request and its answer. */
struct exchange {
	struct request request;
	const struct service *service;
	char order[UUID_TEXT]; /* "" as long as it is not known */
	int64_t began_us;
	union {
		struct withdrawal withdrawal;
		struct token_call token;
		struct orders_call orders;
		struct signin_call signin;
	} call;
};

struct server_hooks {
	void (*start)(struct exchange *x); /* must lead to exchange_answer() */
	void (*served)(void *arg);         /* after each answer */
	void (*drained)(void *arg);        /* the last connection is closed;
					    * must not free the server */
	void *arg;
};

/* Serves the connections of listen_fd, which must not block. hooks and service
 * must outlive it. Call FCGX_Init() before, once. */
struct server *server_open(struct ev_loop *loop, int listen_fd,
    const struct service *service, const struct server_hooks *hooks);

/* Stop accepting, and close listen_fd; requests under way are answered, then
 * connections closed, then drained is called. */
void server_drain(struct server *s);

/* Only when drained. */
void server_free(struct server **s);

/* The body of the request, at most room bytes; returns how many. Does not
 * block: it is all there. No other copy of it is left. */
size_t exchange_body(struct exchange *x, char *buf, size_t room);

/* Sends head and body, and is done with the exchange: x is invalid after, and
 * what was in it is wiped. */
void exchange_answer(struct exchange *x, const char *head, size_t head_len,
    const char *body, size_t body_len);

#endif
