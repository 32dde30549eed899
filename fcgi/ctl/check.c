/* check.c: see check.h. */
#include "check.h"

#include <stdint.h>
#include <string.h>

#include "ctl/output.h"

#define LIMIT_MAX 1000 /* a page for people; more is a job for SQL */

bool
ctl_check_user(const char *text)
{
	int64_t user;

	if (user_id_parse(text, &user))
		return true;
	ctl_complain("the user id is \"%s\": it must be a whole number above "
		     "zero, without leading zeros, such as 1001",
	    text);
	return false;
}

bool
ctl_check_amount(const char *text, int64_t least, char amount_r[MONEY_TEXT])
{
	int64_t minor;

	if (!money_parse(text, strlen(text), &minor)) {
		ctl_complain(
		    "the amount is \"%s\": it must be written as "
		    "100.00, with 13 digits at most before the point and 2 "
		    "after it",
		    text);
		return false;
	}
	if (minor < least) {
		ctl_complain("the amount is \"%s\": it must be at least %s",
		    text, money_format(least, amount_r));
		return false;
	}
	money_format(minor, amount_r);
	return true;
}

bool
ctl_check_order(const char *text, char order_r[UUID_TEXT])
{
	if (uuid_text_parse(text, strlen(text), order_r))
		return true;
	ctl_complain("the order id is \"%s\": it must be a UUID such as "
		     "123e4567-e89b-42d3-a456-426614174000",
	    text);
	return false;
}

bool
ctl_check_limit(const char *text, const char *fallback, const char **limit_r)
{
	int64_t n;

	*limit_r = text ? text : fallback;
	/* a user id and a limit are written alike */
	if (user_id_parse(*limit_r, &n) && n <= LIMIT_MAX)
		return true;
	ctl_complain("the limit is \"%s\": it must be a whole number from 1 to "
		     "%d",
	    text, LIMIT_MAX);
	return false;
}
