/* help.c: see help.h. */
#include "help.h"

#include <stdio.h>

#include "ctl/output.h"

static void
print_option(const char *name, const char *value, const char *summary)
{
	char both[40];

	snprintf(
	    both, sizeof(both), "--%s%s%s", name, *value ? " " : "", value);
	printf("      %-19s %s\n", both, summary);
}

static void
print_options(unsigned options)
{
	int i;

	printf("\nOptions:\n");
	for (i = 0; i < CTL_OPTIONS; i++)
		if (options & (1U << i))
			print_option(ctl_options[i].name, ctl_options[i].value,
			    ctl_options[i].summary);
	print_option("json", "", "print one JSON object");
	print_option("yes", "", "ask nothing where money moves");
	printf("  -h, --help              print this help\n"
	       "  -V, --version           print the version\n");
}

enum ctl_exit
ctl_help(const char *group)
{
	size_t i;

	printf(
	    "Usage: withdrawctl %s%sCOMMAND [OPTION]...\n"
	    "Looks after the ledger of the withdrawal service.\n\nCommands:\n",
	    group ? group : "", group ? " " : "");
	for (i = 0; i < ctl_ncommands; i++)
		if (ctl_commands[i].summary != NULL &&
		    ctl_in_group(&ctl_commands[i], group))
			printf("  %-32s  %s\n", ctl_commands[i].usage,
			    ctl_commands[i].summary);
	printf("\n\"withdrawctl COMMAND --help\" tells more of each.\n");
	print_options(0);
	printf(
	    "\nPGHOST, PGPORT, PGDATABASE, PGUSER and libpq's other "
	    "variables say where the ledger\nis; the role is "
	    "withdraw_operator. Exit codes: 0 all well, 1 the data are wrong "
	    "or\nwhat was named is not there, 2 could not do its work.\n");
	return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
}

enum ctl_exit
ctl_help_command(const struct ctl_command *c)
{
	printf("Usage: withdrawctl %s%s\n%s", c->usage,
	    c->options != 0 ? " [OPTION]..." : "", c->help);
	print_options(c->options);
	return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
}
