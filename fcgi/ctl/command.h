/* command.h: what main hands to a command of withdrawctl, and gets back. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>

/* The exit codes of all our commands (design, section 7). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_WRONG = 1,  /* the data are wrong, or what was named is not there */
	CTL_FAILED = 2, /* could not do its work, or does not know if it did */
};

/* The command line, in text: the commands check what they use of it. */
struct ctl_args {
	const char *operand[2];
	const char *user;  /* --user, or NULL */
	const char *limit; /* --limit, or NULL */
	bool json;
};

/* Each checks its arguments before it connects, and has told stderr what is
 * amiss when it does not return CTL_OK. */
enum ctl_exit ctl_account_open(const struct ctl_args *args);
enum ctl_exit ctl_account_credit(const struct ctl_args *args);
enum ctl_exit ctl_account_show(const struct ctl_args *args);
enum ctl_exit ctl_withdrawals_list(const struct ctl_args *args);
enum ctl_exit ctl_withdrawals_show(const struct ctl_args *args);

#endif
