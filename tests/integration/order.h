/*
 * What the page does with an order: fetch a token, withdraw, ask again until
 * the answer is final. And the judgement of answers that all tests share.
 */
#ifndef ORDER_H
#define ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"

struct order {
	const char *id;
	const char *user;
	const char *amount;
};

/* A fresh random UUID, which the page would make. */
const char *order_id(void);
/* A new order of the user. */
struct order order_new(const char *user, const char *amount);

/* A valid token for the order; an answer other than 201 fails the test. */
const char *order_token(const struct order *order);

/* The request for a token. */
struct http_request order_token_request(const struct order *order);
/* The request that withdraws; token NULL: without one. */
struct http_request order_request(const struct order *order, const char *token);
/* GET of the record, and the void. */
struct http_request order_get_request(const struct order *order);
struct http_request order_void_request(const struct order *order);

/* Token and withdraw, once. */
struct http_response order_send(const struct order *order);
/* Withdraw with this token (NULL: none), once. */
struct http_response order_send_with(
    const struct order *order, const char *token);
struct http_response order_get(const struct order *order);
struct http_response order_void(const struct order *order);

/* The same order again, with fresh tokens, until the answer is final, as the
 * page does it. An answer that is neither final nor retryable fails the
 * test. */
struct http_response order_settle(const struct order *order);
/* The same for an answer that is there already. */
struct http_response order_settle_from(
    const struct order *order, const struct http_response *first);

/* The code of a problem document ("busy"); "" for any other answer. */
const char *answer_code(const struct http_response *answer);
bool answer_is_final(const struct http_response *answer);
bool answer_is_retryable(const struct http_response *answer);
bool answer_same(const struct http_response *a, const struct http_response *b);

/* Fails the test unless the answer is a whole and honest problem document of
 * that status and code; state NULL: any that is honest. */
void expect_problem(const struct http_response *answer, int status,
    const char *code, const char *state);
/* Fails the test unless the answer is this order's success, in every member.
 */
void expect_success(
    const struct http_response *answer, const struct order *order);
/* Fails the test unless the status is that; shows the answer. */
void expect_status(const struct http_response *answer, int status);
/* JSON that no cache may keep. */
void expect_json(const struct http_response *answer);

/* The amount with two decimals, as answers have it. */
const char *two_decimals(const char *amount);

#endif
