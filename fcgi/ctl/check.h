/* check.h: is an argument what it should be? Each tells stderr if it is not,
 * and what it should be; the text itself then goes to Postgres. */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <stdbool.h>

#include "base/ident.h"
#include "base/money.h"
#include "ctl/command.h"

bool ctl_check_user(const char *text);

/* least: the smallest amount allowed, in minor units. */
bool ctl_check_amount(
    const char *text, int64_t least, char amount_r[MONEY_TEXT]);

/* An amount other than zero with an optional sign. */
bool ctl_check_delta(const char *text, char delta_r[MONEY_TEXT]);

bool ctl_check_order(const char *text, char order_r[UUID_TEXT]);

/* The option --limit: *limit_r is fallback if it was not given, which may be
 * NULL. most 0: as many as there are. */
bool ctl_check_limit(const struct ctl_args *args, const char *fallback,
    int most, const char **limit_r);

#define CTL_LIMIT_MAX 1000 /* a page for people */

/* Is it one of the words, or not given? words NULL: those of the option. */
bool ctl_check_word(
    const struct ctl_args *args, enum ctl_option option, const char *words);

/* Is the option a whole number above zero, or not given? */
bool ctl_check_number(const struct ctl_args *args, enum ctl_option option);

/* --user and --order, where they are given. order_r: "" if it is not. */
bool ctl_check_whose(const struct ctl_args *args, char order_r[UUID_TEXT]);

/* Was the option given, and not as ""? why: for what it is needed. */
bool ctl_check_given(
    const struct ctl_args *args, enum ctl_option option, const char *why);

#endif
