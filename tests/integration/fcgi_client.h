/*
 * A FastCGI client of our own, for what nginx would never send: talks to the
 * application's socket directly, in whole requests or byte by byte.
 */
#ifndef FCGI_CLIENT_H
#define FCGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

enum {
	FCGI_BEGIN_REQUEST = 1,
	FCGI_END_REQUEST = 3,
	FCGI_PARAMS = 4,
	FCGI_STDIN = 5,
	FCGI_STDOUT = 6,
	FCGI_GET_VALUES = 9,
};

/* Bytes to be sent; start from {0}. They live until the end of the test. */
struct fcgi_bytes {
	unsigned char *data;
	size_t len;
};

void fcgi_append(struct fcgi_bytes *bytes, const void *data, size_t len);
/* One record; its padding is none. */
void fcgi_record(
    struct fcgi_bytes *bytes, int type, int id, const void *data, size_t len);
/* One name and value in the encoding of FCGI_PARAMS. */
void fcgi_param(struct fcgi_bytes *params, const char *name, const char *value);
/* The params of a request that nginx would make; extra ones are appended by
 * the caller. user NULL: without WITHDRAW_USER. */
struct fcgi_bytes fcgi_params(const char *method, const char *path,
    const char *user, const char *key, const char *body);
/* BEGIN_REQUEST, PARAMS, STDIN with their ends. */
struct fcgi_bytes fcgi_request(
    const struct fcgi_bytes *params, const char *body, bool keep);

int fcgi_connect(const char *path);
void fcgi_send(int fd, const struct fcgi_bytes *bytes);
/* Reads one whole response; status 0 where the peer closed instead. Fails the
 * test where neither happens. */
struct http_response fcgi_receive(int fd);
/* Waits until the peer has closed, ignoring what it sends. */
void fcgi_wait_closed(int fd);

/* The response of one request on a connection of its own. */
struct http_response fcgi_ask(
    const char *path, const struct fcgi_bytes *params, const char *body);

#endif
