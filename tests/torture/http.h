/* http.h: many requests at once, by libcurl. */
#ifndef TORTURE_HTTP_H
#define TORTURE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history.h"

enum kind {
	KIND_TOKEN,
	KIND_WITHDRAW,
	KIND_SHOW,
	KIND_VOID,
	KIND_ACCOUNT,
	KIND_LIST
};

struct http_call {
	enum kind kind;
	int client;
	int64_t user;
	char order[40];
	char asked[32]; /* "-": no amount */
	char token[40]; /* "": none */
	int timeout_ms;
	/* called once; the answer's body is gone after it */
	void (*done)(struct http_call *call, const struct answer *a);
	void *owner;
	int64_t sent;
};

/* Every exchange becomes a line in history. */
void http_start(const char *base_url, FILE *history);
void http_stop(void);

/* The call is copied. */
void http_send(const struct http_call *call);

/* Serves what is under way, for at most so long. */
void http_serve(int timeout_ms);

size_t http_under_way(void);
size_t http_sent(void);

#endif
