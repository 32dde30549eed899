/* check.h: is an argument what it should be? Each tells stderr if it is not,
 * and what it should be; the text itself then goes to Postgres. */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <stdbool.h>

#include "base/ident.h"
#include "base/money.h"

bool ctl_check_user(const char *text);

/* least: the smallest amount allowed, in minor units. */
bool ctl_check_amount(
    const char *text, int64_t least, char amount_r[MONEY_TEXT]);

bool ctl_check_order(const char *text, char order_r[UUID_TEXT]);

/* text may be NULL: *limit_r is then fallback. */
bool ctl_check_limit(
    const char *text, const char *fallback, const char **limit_r);

#endif
