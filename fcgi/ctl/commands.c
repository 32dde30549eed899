/* commands.c: the table of commands and of their options (command.h). */
#include "command.h"

#include <string.h>

#define OPTION(name) (1U << (name))

const struct ctl_option_text ctl_options[CTL_OPTIONS] = {
    [CTL_USER] = {"user", "U", "only of user U", NULL},
    [CTL_ORDER] = {"order", "O", "only of order O", NULL},
    [CTL_STATE] = {"state", "S",
	"only in state S: active or frozen; of "
	"findings: open or resolved",
	"active frozen open resolved"},
    [CTL_STATUS] = {"status", "S", "only succeeded, declined or void",
	"succeeded declined void"},
    [CTL_PAYOUT] = {"payout", "P", "only with payout due, paid or returned",
	"due paid returned"},
    [CTL_BATCH] = {"batch", "N", "of payment run N", NULL},
    [CTL_SINCE] = {"since", "T",
	"only from T on, such as 2026-01-02 or 2026-01-02T03:04:05Z", NULL},
    [CTL_UNTIL] = {"until", "T", "only before T", NULL},
    [CTL_AFTER] = {"after", "U", "only user ids above U: the next page", NULL},
    [CTL_LIMIT] = {"limit", "N", "at most N lines", NULL},
    [CTL_REASON] = {"reason", "TEXT", "why, for the audit", NULL},
    [CTL_REFERENCE] = {"reference", "TEXT",
	"the reference of the payment system", NULL},
    [CTL_MIN] = {"min", "A", "least amount of one withdrawal", NULL},
    [CTL_MAX] = {"max", "A", "greatest amount of one withdrawal", NULL},
    [CTL_DAILY_COUNT] = {"daily-count", "N", "withdrawals a day", NULL},
    [CTL_DAILY_SUM] = {"daily-sum", "A", "money a day", NULL},
    [CTL_TIME_ZONE] = {"time-zone", "Z",
	"whose days they are, such as Asia/Shanghai (for all)", NULL},
    [CTL_HEAD] = {"head", "H", "the head that was kept elsewhere", NULL},
};

const struct ctl_command ctl_commands[] = {
    {"account open", "account open USER AMOUNT", 2, 2, OPTION(CTL_REASON),
	ctl_account_open, "open an account with a first amount",
	"Opens the account of USER with AMOUNT, such as 100.00 or 0, as "
	"the first entry of\nits journal. An account that exists is left "
	"alone (exit code 1).\n"},
    {"account credit", "account credit USER AMOUNT", 2, 2, OPTION(CTL_REASON),
	ctl_account_credit, "put money into an account",
	"Adds AMOUNT, above zero, to the account of USER. Each run adds "
	"it once more: after\nan unknown outcome look at \"account show\" "
	"first.\n"},
    {"account adjust", "account adjust USER DELTA", 2, 2, OPTION(CTL_REASON),
	ctl_account_adjust, "correct a balance, up or down",
	"Adds DELTA, such as -5.00 or +5.00, to the balance of USER, never "
	"to below zero.\n--reason is needed, and kept in the journal. Each "
	"run adjusts once more: after an\nunknown outcome look at "
	"\"account show\" first.\n"},
    {"account freeze", "account freeze USER", 1, 1, OPTION(CTL_REASON),
	ctl_account_freeze, "let nothing leave an account",
	"Freezes the account of USER: its withdrawals are declined, and its "
	"payouts are held\nback from export. --reason is needed. An account "
	"that is frozen stays as it is.\n"},
    {"account unfreeze", "account unfreeze USER", 1, 1, OPTION(CTL_REASON),
	ctl_account_unfreeze, "let a frozen account go on",
	"Lets the account of USER go on. --reason is needed.\n"},
    {"account show", "account show USER", 1, 1, OPTION(CTL_LIMIT),
	ctl_account_show, "show an account and the end of its journal",
	"Prints the account of USER and the latest entries of its journal, "
	"10 or --limit,\nand checks that the two agree.\n"},
    {"account list", "account list", 0, 0,
	OPTION(CTL_STATE) | OPTION(CTL_AFTER) | OPTION(CTL_LIMIT),
	ctl_account_list, "list accounts by user id",
	"Prints accounts in the order of their user ids, 20 or --limit. "
	"--after, with the\nlast user id of a page, gives the next one.\n"},
    {"withdrawals list", "withdrawals list", 0, 0,
	OPTION(CTL_USER) | OPTION(CTL_STATUS) | OPTION(CTL_PAYOUT) |
	    OPTION(CTL_BATCH) | OPTION(CTL_SINCE) | OPTION(CTL_UNTIL) |
	    OPTION(CTL_LIMIT),
	ctl_withdrawals_list, "list decided orders, newest first",
	"Prints the latest decided orders of one user or of all, 20 or "
	"--limit. Without\n--user or --batch the whole table is read.\n"},
    {"withdrawals show", "withdrawals show ORDER", 1, 1, 0,
	ctl_withdrawals_show, "show the record of an order and its entries",
	"Prints what was decided about ORDER, a UUID, how far its payout is, "
	"and the entries\nof its debit and its return, and checks that they "
	"agree.\n"},
    {"withdrawals", "withdrawals", 0, 0,
	OPTION(CTL_USER) | OPTION(CTL_STATUS) | OPTION(CTL_PAYOUT) |
	    OPTION(CTL_BATCH) | OPTION(CTL_SINCE) | OPTION(CTL_UNTIL) |
	    OPTION(CTL_LIMIT),
	ctl_withdrawals_list, NULL, "The same as \"withdrawals list\".\n"},
    {"show", "show ORDER", 1, 1, 0, ctl_withdrawals_show, NULL,
	"The same as \"withdrawals show\".\n"},
    {"explain", "explain ORDER", 1, 1, 0, ctl_explain,
	"tell the whole story of an order",
	"Prints all that is known of ORDER, in the order of time: token, lock "
	"and recorded\nanswer as far as Redis still has them, record, entries, "
	"payout, findings, and what\noperators did. REDIS_URL says where Redis "
	"is.\n"},
    {"payouts export", "payouts export", 0, 0,
	OPTION(CTL_LIMIT) | OPTION(CTL_BATCH) | OPTION(CTL_REASON),
	ctl_payouts_export, "take what is due into a payment run",
	"Takes the withdrawals whose payout is due, all or the --limit oldest, "
	"into a new\nbatch, and prints it as CSV, or with --json. Each order "
	"is in exactly one batch.\n--batch N prints batch N again, byte for "
	"byte. Orders of frozen accounts are held\nback.\n"},
    {"payouts import", "payouts import FILE", 1, 1, OPTION(CTL_REASON),
	ctl_payouts_import, "apply the results of a payment run",
	"Reads from FILE (-: standard input), which is CSV or JSON, what "
	"became of each order:\norder_id, state (paid or returned), reference. "
	"A returned one is put back into its\naccount, once. A line that "
	"cannot apply is reported (exit code 1), the rest goes\non; the same "
	"file may be imported again.\n"},
    {"payouts mark", "payouts mark ORDER paid|returned", 2, 2,
	OPTION(CTL_REFERENCE) | OPTION(CTL_REASON), ctl_payouts_mark,
	"say what became of one payout",
	"Marks the payout of ORDER as paid, or as returned, which puts the "
	"money back into\nits account. --reference is needed. A payout moves "
	"once; the same again changes\nnothing.\n"},
    {"payouts batches", "payouts batches", 0, 0, OPTION(CTL_LIMIT),
	ctl_payouts_batches, "list payment runs, newest first",
	"Prints the latest batches, 20 or --limit, and how many of their "
	"orders are settled.\n"},
    {"limits show", "limits show [USER]", 0, 1, 0, ctl_limits_show,
	"show the limits, or what holds for a user",
	"Without USER: all limits that were set. With USER: what holds for "
	"that user, and\nwhat today has had.\n"},
    {"limits set", "limits set USER|all", 1, 1,
	OPTION(CTL_MIN) | OPTION(CTL_MAX) | OPTION(CTL_DAILY_COUNT) |
	    OPTION(CTL_DAILY_SUM) | OPTION(CTL_TIME_ZONE) | OPTION(CTL_REASON),
	ctl_limits_set, "set limits of a user, or of all",
	"Sets those limits that are given; the others stay. \"none\" lifts a "
	"limit, \"default\"\nforgets it: a user then has what holds for all. "
	"WITHDRAW_MIN and WITHDRAW_MAX of\nwithdrawd hold besides.\n"},
    {"limits clear", "limits clear USER|all", 1, 1, OPTION(CTL_REASON),
	ctl_limits_clear, "forget limits of a user, or of all",
	"Forgets all limits that were set for USER, or for all.\n"},
    {"user add", "user add NAME USER", 2, 2, OPTION(CTL_REASON), ctl_user_add,
	"let somebody sign in as USER",
	"Lets somebody sign in by NAME as USER, for sites that use the "
	"sign-in of ours. The\npassword is asked for, or read as a line of "
	"standard input.\n"},
    {"user passwd", "user passwd NAME", 1, 1, OPTION(CTL_REASON),
	ctl_user_passwd, "change a password",
	"Changes the password of NAME, and ends all its sessions (within "
	"WITHDRAW_SESSION_CHECK_S).\n"},
    {"user disable", "user disable NAME", 1, 1, OPTION(CTL_REASON),
	ctl_user_disable, "let a name sign in no more",
	"Lets NAME sign in no more, and ends all its sessions (within "
	"WITHDRAW_SESSION_CHECK_S).\n"},
    {"user enable", "user enable NAME", 1, 1, OPTION(CTL_REASON),
	ctl_user_enable, "let a name sign in again",
	"Lets NAME sign in again.\n"},
    {"user list", "user list", 0, 0, OPTION(CTL_USER) | OPTION(CTL_LIMIT),
	ctl_user_list, "list names that may sign in",
	"Prints names, 20 or --limit, and whom they stand for.\n"},
    {"verify", "verify USER", 1, 1, OPTION(CTL_HEAD), ctl_verify,
	"compute the chain of hashes of a journal anew",
	"Reads the journal of USER, computes each hash anew, and prints the "
	"head of the chain,\nVERSION:HASH. Keep it elsewhere: --head, with one "
	"that was kept, checks that it is\nstill part of the chain.\n"},
    {"reconcile", "reconcile [OPTION]...", 0, 0, 0, NULL,
	"run withdraw-reconcile, with its options", NULL},
    {"findings", "findings", 0, 0,
	OPTION(CTL_USER) | OPTION(CTL_ORDER) | OPTION(CTL_STATE) |
	    OPTION(CTL_LIMIT),
	ctl_findings, "list what reconcile found, newest first",
	"Prints the latest findings of withdraw-reconcile, 20 or --limit, and "
	"what was done\nabout each.\n"},
    {"audit", "audit", 0, 0,
	OPTION(CTL_USER) | OPTION(CTL_ORDER) | OPTION(CTL_SINCE) |
	    OPTION(CTL_UNTIL) | OPTION(CTL_LIMIT),
	ctl_audit, "list who changed what, newest first",
	"Prints the latest changes by operators and by withdraw-reconcile, 20 "
	"or --limit: when,\nwho, what, and why.\n"},
    {"completion", "completion bash", 1, 1, 0, ctl_completion,
	"print the completion for a shell",
	"Prints what completes the words of withdrawctl in bash:\n"
	"    source <(withdrawctl completion bash)\n"},
};
const size_t ctl_ncommands = sizeof(ctl_commands) / sizeof(ctl_commands[0]);

bool
ctl_in_group(const struct ctl_command *command, const char *group)
{
	size_t words = strcspn(command->name, " ");
	size_t len;

	if (group == NULL)
		return true;
	if (command->name[words] == '\0')
		return false;
	len = strlen(group);
	if (command->name[words - 1] == 's')
		words--;
	if (len > 0 && group[len - 1] == 's')
		len--;
	return len == words && strncmp(command->name, group, len) == 0;
}
