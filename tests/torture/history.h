/* history.h: what was asked and what was answered, a line an exchange.
 *
 * A line is made of columns between tabs, in this order; a value that was not
 * there is "-". Times are microseconds since 1970.
 *
 *    0 sent      when the request left
 *    1 received  when its answer was there, or was given up
 *    2 client    the tab, or whoever it was
 *    3 user
 *    4 order
 *    5 kind      token, withdraw, show, void, account, list, credit; listed: an
 *                order in the answer to a list; calm: no request, but from
 *                here on no fault is injected
 *    6 asked     the amount that was asked for
 *    7 status    of HTTP; 0: no answer
 *    8 state     order_state of a problem document
 *    9 code      the last part of its type
 *   10 safe      safe_new_order: true, false
 *   11 replayed  Idempotent-Replayed: true, false
 *   12 record    "status" of a record: succeeded, declined, void
 *   13 amount    as told
 *   14 balance   balance_after, or balance of an account
 *   15 version   of an account
 *   16 named     order_id of the answer; of an account, user_id
 *   17 body      as it came, its tabs and line ends as blanks; to the end
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct answer {
	int status; /* 0: none */
	bool replayed;
	int retry_after; /* seconds */
	const char *body;
	size_t len;
	/* members of the body, "-" where there is none */
	char state[16], code[40], safe[8], record[16], amount[32], balance[32];
	char version[24], named[40], token[40];
};

/* Reads the members of body; what is no JSON object has none. */
void answer_read(struct answer *a);

/* The answer is a record that stands: 201, 200 with a record, or a refusal
 * whose order_state is final. */
bool answer_is_final(const struct answer *a);

int64_t history_now(void);
void history_line(FILE *out, int64_t sent, int client, int64_t user,
    const char *order, const char *kind, const char *asked,
    const struct answer *a);

/* A line for each order in the answer to a list. */
void history_listed(FILE *out, int64_t sent, int client, int64_t user,
    const struct answer *list);

#endif
