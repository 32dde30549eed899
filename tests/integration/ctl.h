/*
 * withdrawctl under test, as the operator, and what tests expect of it.
 */
#ifndef CTL_H
#define CTL_H

#include <stddef.h>

#include "command.h"
#include "support.h"

/* withdrawctl with these arguments, and no questions. */
#define CTL(...) CTL_ASKS("--yes", __VA_ARGS__)

/* The same with questions. */
#define CTL_ASKS(...)                                                          \
	((struct command){.argv = {program("withdrawctl"), __VA_ARGS__},       \
	    .env = {"PGUSER=withdraw_operator"}})

struct command_end run(struct command command);

/* It did its work, and has nothing to complain of: what it printed. */
const char *expect_done(struct command_end end);

/* It ends with that code, and complains in words that have `word` in them. */
void expect_complaint(struct command_end end, int code, const char *word);

/* The same, and nothing was printed that looks like a result. */
void expect_refused(struct command_end end, int code, const char *word);

/* A user without an account, out of the way of the sign-ins. */
const char *new_user(void);

/* The whole journal of a user: "open 100.00 100.00, credit …". */
const char *journal(const char *user);
void expect_untouched(const char *user, const char *balance);

/* The user's order, decided. */
const char *decide(const char *user, const char *amount);

void expect_member(const char *body, const char *key, const char *value);
void expect_item(const char *body, const char *array, size_t i, const char *key,
    const char *value);

#endif
