/*
 * Requests to the service through nginx, one or many at the same instant,
 * each on a connection of its own. Connections are kept from one batch to
 * the next, as browsers do. Nothing here judges an answer.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>

struct http_request {
	const char *method;   /* NULL: GET */
	const char *path;     /* with its query */
	const char *user;     /* user_id, signed in as userID; NULL: nobody */
	const char *password; /* NULL: the right one */
	const char *key;      /* the Idempotency-Key; NULL: none */
	const char *content_type; /* NULL: JSON, where there is a body */
	const char *body;         /* NULL: none */
	size_t body_len;          /* 0: up to the NUL */
	const char *headers[4];   /* "Name: value" */
	const char *from;         /* the client's address; NULL: any */
};

struct http_response {
	int status;        /* 0: no answer, see error */
	const char *error; /* what the client library said */
	const char *headers;
	const char *body; /* NUL-terminated */
	size_t body_len;
	long ms; /* until all of it was there */
};

/* One request; what is returned lives until the end of the test. */
struct http_response http_send(const struct http_request *request);

/* n requests at once, in the background. The requests may be forgotten when
 * http_begin returns. http_done says how many have been answered so far;
 * http_finish waits for all and returns the answers in order. */
struct http_batch;
struct http_batch *http_begin(const struct http_request *requests, size_t n);
size_t http_done(struct http_batch *batch);
struct http_response *http_finish(struct http_batch *batch);

/* n requests at once, all answered. */
struct http_response *http_send_all(
    const struct http_request *requests, size_t n);

/* The value of a header, NULL where the answer has none; fails the test where
 * it has two of the name. */
const char *http_header(const struct http_response *response, const char *name);

/* Waits for what a failed test has left under way. */
void http_finish_all(void);
/* Closes the kept connections. */
void http_close_idle(void);

#endif
