/* command.h: the commands of withdrawctl: the table of them and of their
 * options, and what main hands to one and gets back. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* The exit codes of all our commands (design, section 7). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_WRONG = 1,  /* the data are wrong, or what was named is not there */
	CTL_FAILED = 2, /* could not do its work, or does not know if it did */
};

/* Options with a value. --json, --yes, --help and --version are everywhere. */
enum ctl_option {
	CTL_USER,
	CTL_ORDER,
	CTL_STATE,
	CTL_STATUS,
	CTL_PAYOUT,
	CTL_BATCH,
	CTL_SINCE,
	CTL_UNTIL,
	CTL_AFTER,
	CTL_LIMIT,
	CTL_REASON,
	CTL_REFERENCE,
	CTL_MIN,
	CTL_MAX,
	CTL_DAILY_COUNT,
	CTL_DAILY_SUM,
	CTL_TIME_ZONE,
	CTL_HEAD,
	CTL_OPTIONS,
};

struct ctl_option_text {
	const char *name;    /* without the dashes */
	const char *value;   /* what stands for it in the help */
	const char *summary; /* for the help */
	const char *words;   /* the values that it may have, or NULL */
};
extern const struct ctl_option_text ctl_options[CTL_OPTIONS];

/* The command line, in text: the commands check what they use of it. */
struct ctl_args {
	const char *operand[3];
	const char *option[CTL_OPTIONS]; /* NULL: not given */
	bool json;
	bool yes; /* ask nothing */
};

struct ctl_command {
	const char *name;  /* one word, or a group and a word */
	const char *usage; /* the name and its operands */
	int least, most;   /* how many operands */
	unsigned options;  /* 1 << enum ctl_option, or-ed */
	enum ctl_exit (*run)(const struct ctl_args *args);
	const char *summary; /* NULL: an older name, which help leaves out */
	const char *help;
};
extern const struct ctl_command ctl_commands[];
extern const size_t ctl_ncommands;

/* Is that command one of that group? The group may be NULL, and be written in
 * the singular or the plural. */
bool ctl_in_group(const struct ctl_command *command, const char *group);

/* Each checks its arguments before it connects, and has told stderr what is
 * amiss when it does not return CTL_OK. */
enum ctl_exit ctl_account_open(const struct ctl_args *args);
enum ctl_exit ctl_account_credit(const struct ctl_args *args);
enum ctl_exit ctl_account_adjust(const struct ctl_args *args);
enum ctl_exit ctl_account_freeze(const struct ctl_args *args);
enum ctl_exit ctl_account_unfreeze(const struct ctl_args *args);
enum ctl_exit ctl_account_show(const struct ctl_args *args);
enum ctl_exit ctl_account_list(const struct ctl_args *args);
enum ctl_exit ctl_withdrawals_list(const struct ctl_args *args);
enum ctl_exit ctl_withdrawals_show(const struct ctl_args *args);
enum ctl_exit ctl_explain(const struct ctl_args *args);
enum ctl_exit ctl_payouts_export(const struct ctl_args *args);
enum ctl_exit ctl_payouts_import(const struct ctl_args *args);
enum ctl_exit ctl_payouts_mark(const struct ctl_args *args);
enum ctl_exit ctl_payouts_batches(const struct ctl_args *args);
enum ctl_exit ctl_limits_show(const struct ctl_args *args);
enum ctl_exit ctl_limits_set(const struct ctl_args *args);
enum ctl_exit ctl_limits_clear(const struct ctl_args *args);
enum ctl_exit ctl_user_add(const struct ctl_args *args);
enum ctl_exit ctl_user_passwd(const struct ctl_args *args);
enum ctl_exit ctl_user_disable(const struct ctl_args *args);
enum ctl_exit ctl_user_enable(const struct ctl_args *args);
enum ctl_exit ctl_user_list(const struct ctl_args *args);
enum ctl_exit ctl_verify(const struct ctl_args *args);
enum ctl_exit ctl_findings(const struct ctl_args *args);
enum ctl_exit ctl_audit(const struct ctl_args *args);
enum ctl_exit ctl_completion(const struct ctl_args *args);

#endif
