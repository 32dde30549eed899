/* check.c: see check.h. */
#include "check.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ctl/output.h"

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
ctl_check_delta(const char *text, char delta_r[MONEY_TEXT])
{
	const char *digits = text + (*text == '-' || *text == '+');
	int64_t minor;

	if (!money_parse(digits, strlen(digits), &minor) || minor == 0) {
		ctl_complain("the adjustment is \"%s\": it must be written as "
			     "-5.00 or +5.00, and not be zero",
		    text);
		return false;
	}
	money_format(*text == '-' ? -minor : minor, delta_r);
	return true;
}

bool
ctl_check_limit(const struct ctl_args *args, const char *fallback, int most,
    const char **limit_r)
{
	const char *text = args->option[CTL_LIMIT];
	int64_t n;

	*limit_r = text ? text : fallback;
	/* a user id and a limit are written alike */
	if (text == NULL ||
	    (user_id_parse(text, &n) && (most == 0 || n <= most)))
		return true;
	if (most == 0)
		ctl_complain("the limit is \"%s\": it must be a whole number "
			     "above zero",
		    text);
	else
		ctl_complain("the limit is \"%s\": it must be a whole number "
			     "from 1 to %d",
		    text, most);
	return false;
}

bool
ctl_check_word(
    const struct ctl_args *args, enum ctl_option option, const char *words)
{
	const char *text = args->option[option];
	const char *p;

	if (words == NULL)
		words = ctl_options[option].words;
	p = words;

	if (text == NULL)
		return true;
	for (; *text != '\0' && *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (strlen(text) == len && strncmp(p, text, len) == 0)
			return true;
		p += len;
	}
	ctl_complain("--%s is \"%s\": it must be one of: %s",
	    ctl_options[option].name, text, words);
	return false;
}

bool
ctl_check_number(const struct ctl_args *args, enum ctl_option option)
{
	const char *text = args->option[option];
	int64_t n;

	if (text == NULL || user_id_parse(text, &n))
		return true;
	ctl_complain("--%s is \"%s\": it must be a whole number above zero",
	    ctl_options[option].name, text);
	return false;
}

bool
ctl_check_whose(const struct ctl_args *args, char order_r[UUID_TEXT])
{
	const char *user = args->option[CTL_USER];
	const char *order = args->option[CTL_ORDER];

	order_r[0] = '\0';
	return (user == NULL || ctl_check_user(user)) &&
	    (order == NULL || ctl_check_order(order, order_r));
}

bool
ctl_check_given(
    const struct ctl_args *args, enum ctl_option option, const char *why)
{
	const char *text = args->option[option];

	if (text != NULL && *text != '\0')
		return true;
	ctl_complain("%s needs --%s", why, ctl_options[option].name);
	return false;
}
