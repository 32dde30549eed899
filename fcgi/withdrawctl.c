/* withdrawctl.c: the operator's command: the reading of the command line. The
 * commands are in ctl/: commands.c has the table of them. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ctl/command.h"
#include "ctl/help.h"
#include "ctl/output.h"
#include "ctl/program.h"

#ifndef WITHDRAW_VERSION
#define WITHDRAW_VERSION "development"
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct request {
	const char *word[4]; /* all that is no option */
	int nwords;
	bool help, version;
	struct ctl_args args;
};

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

	if (strncmp(argv[*i], "--", 2) != 0 ||
	    strncmp(argv[*i] + 2, name, len) != 0)
		return 0;
	if (argv[*i][2 + len] == '=') {
		*value_r = argv[*i] + 2 + len + 1;
		return 1;
	}
	if (argv[*i][2 + len] != '\0')
		return 0;
	if (*i + 1 == argc) {
		ctl_complain("the option --%s needs a value", name);
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
	int found, option;

	if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0)
		return r->help = true;
	if (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0)
		return r->version = true;
	if (strcmp(arg, "--json") == 0)
		return r->args.json = true;
	if (strcmp(arg, "--yes") == 0)
		return r->args.yes = true;
	for (option = 0; option < CTL_OPTIONS; option++) {
		found = read_value(ctl_options[option].name, argc, argv, i,
		    &r->args.option[option]);
		if (found != 0)
			return found;
	}
	/* -5 is an amount, and - is standard input */
	if (arg[0] != '-' || arg[1] == '\0' || (arg[1] >= '0' && arg[1] <= '9'))
		return 0;
	/* no more than its name: what is behind it may be a secret */
	ctl_complain("there is no option \"%.*s\"; see \"withdrawctl --help\"",
	    (int)strcspn(arg, "=:"), arg);
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
words_naming(const struct ctl_command *c, const struct request *r)
{
	const char *second = strchr(c->name, ' ');

	if (second == NULL)
		return r->nwords > 0 && strcmp(c->name, r->word[0]) == 0;
	return r->nwords > 1 && ctl_in_group(c, r->word[0]) &&
		strcmp(second + 1, r->word[1]) == 0
	    ? 2
	    : 0;
}

/* The command that the line names with most words, or NULL. */
static const struct ctl_command *
find_command(const struct request *r, int *words_r)
{
	const struct ctl_command *found = NULL;
	size_t i;

	*words_r = 0;
	for (i = 0; i < ctl_ncommands; i++) {
		int words = words_naming(&ctl_commands[i], r);

		if (words > *words_r) {
			*words_r = words;
			found = &ctl_commands[i];
		}
	}
	return found;
}

static enum ctl_exit
run_command(const struct ctl_command *c, struct request *r, int words)
{
	int i, noperands = r->nwords - words;

	if (c->run == NULL) {
		ctl_complain("\"%s\" comes first on the line, and its options "
			     "after it",
		    c->name);
		return CTL_FAILED;
	}
	if (r->help)
		return ctl_help_command(c);
	for (i = 0; i < CTL_OPTIONS; i++) {
		if (r->args.option[i] == NULL || (c->options & (1U << i)))
			continue;
		ctl_complain("\"%s\" has no option --%s; see \"withdrawctl %s "
			     "--help\"",
		    c->name, ctl_options[i].name, c->name);
		return CTL_FAILED;
	}
	if (noperands < c->least || noperands > c->most) {
		ctl_complain("usage: withdrawctl %s", c->usage);
		return CTL_FAILED;
	}
	for (i = 0; i < noperands; i++)
		r->args.operand[i] = r->word[words + i];
	return c->run(&r->args);
}

/* The first word, if it is a group of commands; else NULL. */
static const char *
group_of(const struct request *r)
{
	size_t i;

	for (i = 0; i < ctl_ncommands && r->nwords > 0; i++)
		if (ctl_in_group(&ctl_commands[i], r->word[0]))
			return r->word[0];
	return NULL;
}

/* The line names no command: help for a group or for all, or a complaint. */
static enum ctl_exit
without_command(const struct request *r, const char *group)
{
	int known = group != NULL;

	if (r->nwords > known) {
		ctl_complain("there is no command \"%s%s%s\"; see "
			     "\"withdrawctl --help\"",
		    group ? group : "", group ? " " : "", r->word[known]);
		return CTL_FAILED;
	}
	if (r->help)
		return ctl_help(group);
	ctl_complain("which command? See \"withdrawctl %s%s--help\"",
	    group ? group : "", group ? " " : "");
	return CTL_FAILED;
}

/* --- main --------------------------------------------------------------- */

static enum ctl_exit
dispatch(struct request *r)
{
	const char *group = group_of(r);
	const struct ctl_command *command;
	int words;

	if (r->version)
		return print_version();
	command = find_command(r, &words);
	if (command == NULL || (group != NULL && words == 1 && r->help))
		return without_command(r, group);
	return run_command(command, r, words);
}

int
main(int argc, char *argv[])
{
	struct request r = {0};

	log_init("withdrawctl");
	/* a reader that went away is a write error like any other */
	signal(SIGPIPE, SIG_IGN);
	if (!ctl_stdio_guard())
		return CTL_FAILED;
	/* it reads its own line */
	if (argc > 1 && strcmp(argv[1], "reconcile") == 0)
		return (int)ctl_program_run("withdraw-reconcile", argv + 1);
	if (!read_line(argc, argv, &r))
		return CTL_FAILED;
	return (int)dispatch(&r);
}
