/* reply.h: answers: status, headers, JSON, and the line in the log.
 * Each function answers the exchange, which is invalid after it. */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>

#include "pipeline/orders.h"
#include "web/problem.h"
#include "web/server.h"

/* A refusal before any look at the order: its state is unknown. detail may be
 * NULL for the problem's own; allow is the header's value, or NULL. */
void reply_refusal(
    struct exchange *x, enum problem p, const char *detail, const char *allow);

/* A refusal that knows the state of the order. */
void reply_problem(struct exchange *x, enum problem p, enum order_state state);

/* What became of a withdrawal. */
void reply_result(struct exchange *x, const struct result *r);

void reply_token(struct exchange *x, const char *token, int expires_in_ms);
/* A record that closes the matter: the same however often, so no payout. */
void reply_record(struct exchange *x, const struct record *r, bool replayed);
/* An order as it stands, with its payout. */
void reply_item(struct exchange *x, const struct orders_item *item);
void reply_list(
    struct exchange *x, const struct orders_item *list, size_t n, bool more);
/* limits may be NULL: the account without them. */
void reply_account(struct exchange *x, int64_t balance, int64_t version,
    const struct orders_limits *limits);
/* The sign-in: with the cookie that was made; without it; who it is, with the
 * header that nginx' auth_request reads; and what is slowed down. */
void reply_signed_in(struct exchange *x, const struct signin_call *c);
void reply_signed_out(struct exchange *x);
void reply_session(struct exchange *x, const struct signin_call *c);
void reply_slow(struct exchange *x, int wait_s);

/* redis: "up", "down" or "off". */
void reply_health(
    struct exchange *x, bool ok, bool postgres_up, const char *redis);

/* "MICROSECONDS.UUID": where the next page of a list begins. */
#define CURSOR_TEXT 64
void cursor_format(const struct record *last, char out[CURSOR_TEXT]);
bool cursor_parse(const char *text, int64_t *us_r, char order[UUID_TEXT]);

#endif
