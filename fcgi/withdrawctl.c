/* withdrawctl.c: the operator's command: one table of subcommands, the
 * reading of the command line and the help. What they do is in ctl/. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/command.h"
#include "ctl/output.h"

#ifndef WITHDRAW_VERSION
#define WITHDRAW_VERSION "development"
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum option_bit {
	OPTION_USER = 1 << 0,
	OPTION_LIMIT = 1 << 1,
};

struct command {
	const char *name; /* one word, or a group and a word */
	const char *usage;
	int noperands;
	unsigned options; /* enum option_bit, or-ed; --json is everywhere */
	enum ctl_exit (*run)(const struct ctl_args *args);
	const char *summary;
	const char *help;
};

static const struct command commands[] = {
    {"account open", "account open USER AMOUNT", 2, 0, ctl_account_open,
	"open an account with a first amount",
	"Opens the account of USER with AMOUNT, such as 100.00 or 0, as "
	"the first entry of\nits journal. An account that exists is left "
	"alone (exit code 1).\n"},
    {"account credit", "account credit USER AMOUNT", 2, 0, ctl_account_credit,
	"put money into an account",
	"Adds AMOUNT, above zero, to the account of USER. Each run adds "
	"it once more: after\nan unknown outcome look at \"account show\" "
	"first.\n"},
    {"account show", "account show USER", 1, OPTION_LIMIT, ctl_account_show,
	"show an account and the end of its journal",
	"Prints the account of USER and the latest entries of its journal, "
	"10 or --limit,\nand checks that the two agree.\n"},
    {"withdrawals", "withdrawals", 0, OPTION_USER | OPTION_LIMIT,
	ctl_withdrawals_list, "list decided orders, newest first",
	"Prints the latest decided orders of one user or of all, 20 or "
	"--limit. Without\n--user the whole table is read.\n"},
    {"show", "show ORDER", 1, 0, ctl_withdrawals_show,
	"show the record of an order and its journal entry",
	"Prints what was decided about ORDER, a UUID, and the entry of its "
	"debit, and checks\nthat the two agree.\n"},
};

struct request {
	const char *word[4]; /* all that is no option */
	int nwords;
	bool help, version;
	unsigned options; /* enum option_bit, those given */
	struct ctl_args args;
};

/* --- help --------------------------------------------------------------- */

/* Is name a command of that group? */
static bool
in_group(const char *name, const char *group)
{
	size_t len = strlen(group);

	return strncmp(name, group, len) == 0 && name[len] == ' ';
}

static void
print_options(unsigned options)
{
	printf("\nOptions:\n"
	       "      --json       print one JSON object\n");
	if (options & OPTION_USER)
		printf("      --user U     only the orders of user U\n");
	if (options & OPTION_LIMIT)
		printf("      --limit N    at most N lines, 1 to 1000\n");
	printf("  -h, --help       print this help\n"
	       "  -V, --version    print the version\n");
}

/* group NULL: all commands. */
static enum ctl_exit
print_help(const char *group)
{
	size_t i;

	printf(
	    "Usage: withdrawctl %s%sCOMMAND [OPTION]...\n"
	    "Looks after the ledger of the withdrawal service.\n\nCommands:\n",
	    group ? group : "", group ? " " : "");
	for (i = 0; i < COUNT(commands); i++)
		if (group == NULL || in_group(commands[i].name, group))
			printf("  %-27s  %s\n", commands[i].usage,
			    commands[i].summary);
	printf("\n\"withdrawctl COMMAND --help\" tells more of each.\n");
	print_options(0);
	printf(
	    "\nPGHOST, PGPORT, PGDATABASE, PGUSER and libpq's other "
	    "variables say where the ledger\nis; the role is "
	    "withdraw_operator. Exit codes: 0 all well, 1 the data are wrong "
	    "or\nwhat was named is not there, 2 could not do its work.\n");
	return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
}

static enum ctl_exit
print_command_help(const struct command *c)
{
	printf("Usage: withdrawctl %s [OPTION]...\n%s", c->usage, c->help);
	print_options(c->options);
	return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
}

static enum ctl_exit
print_version(void)
{
	printf("withdrawctl %s\n", WITHDRAW_VERSION);
	return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
}

/* --- the command line --------------------------------------------------- */

/* --name VALUE or --name=VALUE. Returns 1 if argv[*i] is that option, -1 if
 * its value is missing, else 0. */
static int
read_value(const char *name, int argc, char *const argv[], int *i,
    const char **value_r)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return 0;
	if (argv[*i][len] == '=') {
		*value_r = argv[*i] + len + 1;
		return 1;
	}
	if (argv[*i][len] != '\0')
		return 0;
	if (*i + 1 == argc) {
		ctl_complain("the option %s needs a value", name);
		return -1;
	}
	*value_r = argv[++*i];
	return 1;
}

/* Returns 1 if argv[*i] is an option, 0 if it is not, -1 if it is wrong. */
static int
read_option(int argc, char *const argv[], int *i, struct request *r)
{
	const char *arg = argv[*i];
	int found;

	if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0)
		return r->help = true;
	if (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0)
		return r->version = true;
	if (strcmp(arg, "--json") == 0)
		return r->args.json = true;
	found = read_value("--user", argc, argv, i, &r->args.user);
	if (found != 0) {
		r->options |= OPTION_USER;
		return found;
	}
	found = read_value("--limit", argc, argv, i, &r->args.limit);
	if (found != 0) {
		r->options |= OPTION_LIMIT;
		return found;
	}
	/* -5 is no option, but an amount that is refused with its reason */
	if (arg[0] != '-' || (arg[1] >= '0' && arg[1] <= '9'))
		return 0;
	ctl_complain(
	    "there is no option \"%s\"; see \"withdrawctl --help\"", arg);
	return -1;
}

static bool
read_line(int argc, char *const argv[], struct request *r)
{
	int i;

	for (i = 1; i < argc; i++) {
		int found = read_option(argc, argv, &i, r);

		if (found < 0)
			return false;
		if (found > 0)
			continue;
		if (r->nwords == COUNT(r->word)) {
			ctl_complain("\"%s\" is one argument too many; see "
				     "\"withdrawctl --help\"",
			    argv[i]);
			return false;
		}
		r->word[r->nwords++] = argv[i];
	}
	return true;
}

/* How many words of the line name the command: 0 if it is not this one. */
static int
words_naming(const struct command *c, const struct request *r)
{
	char two[64];

	if (r->nwords > 0 && strcmp(c->name, r->word[0]) == 0)
		return 1;
	if (r->nwords < 2)
		return 0;
	snprintf(two, sizeof(two), "%s %s", r->word[0], r->word[1]);
	return strcmp(c->name, two) == 0 ? 2 : 0;
}

static enum ctl_exit
run_command(const struct command *c, struct request *r, int words)
{
	unsigned foreign = r->options & ~c->options;
	int i;

	if (r->help)
		return print_command_help(c);
	if (foreign != 0) {
		ctl_complain("\"%s\" has no option --%s; see \"withdrawctl %s "
			     "--help\"",
		    c->name, foreign & OPTION_USER ? "user" : "limit", c->name);
		return CTL_FAILED;
	}
	if (r->nwords != words + c->noperands) {
		ctl_complain("usage: withdrawctl %s", c->usage);
		return CTL_FAILED;
	}
	for (i = 0; i < c->noperands; i++)
		r->args.operand[i] = r->word[words + i];
	return c->run(&r->args);
}

/* The line names no command: help for a group or for all, or a complaint. */
static enum ctl_exit
without_command(const struct request *r)
{
	const char *group = NULL;
	int known;
	size_t i;

	for (i = 0; i < COUNT(commands) && r->nwords > 0; i++)
		if (in_group(commands[i].name, r->word[0]))
			group = r->word[0];
	known = group != NULL;
	if (r->nwords > known) {
		ctl_complain("there is no command \"%s%s%s\"; see "
			     "\"withdrawctl --help\"",
		    group ? group : "", group ? " " : "", r->word[known]);
		return CTL_FAILED;
	}
	if (r->help)
		return print_help(group);
	ctl_complain("which command? See \"withdrawctl %s%s--help\"",
	    group ? group : "", group ? " " : "");
	return CTL_FAILED;
}

/* --- main --------------------------------------------------------------- */

/* A closed descriptor would be given to the connection to Postgres, and what
 * is printed would go into it. Nothing is begun without a place to say how it
 * ended. */
static bool
guard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		if (fd == STDOUT_FILENO) {
			ctl_complain("standard output is closed: nothing was "
				     "done");
			return false;
		}
		if (open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

static enum ctl_exit
dispatch(struct request *r)
{
	size_t i;

	if (r->version)
		return print_version();
	for (i = 0; i < COUNT(commands); i++) {
		int words = words_naming(&commands[i], r);

		if (words > 0)
			return run_command(&commands[i], r, words);
	}
	return without_command(r);
}

int
main(int argc, char *argv[])
{
	struct request r = {0};

	log_init("withdrawctl");
	/* a reader that went away is a write error like any other */
	signal(SIGPIPE, SIG_IGN);
	if (!guard_descriptors() || !read_line(argc, argv, &r))
		return CTL_FAILED;
	return (int)dispatch(&r);
}
