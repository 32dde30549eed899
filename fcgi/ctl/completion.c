/* completion.c: withdrawctl completion bash: a shell function that completes
 * commands, options and the words that an option may have. */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/output.h"

/* How many words of the line before the cursor are no options, and which. */
static const char head[] =
    "_withdrawctl() {\n"
    "\tlocal current=${COMP_WORDS[COMP_CWORD]} words='' word given='' skip=''\n"
    "\tlocal previous=${COMP_WORDS[COMP_CWORD-1]}\n"
    "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
    "\t\tif [ -n \"$skip\" ]; then\n"
    "\t\t\tskip=''\n"
    "\t\t\tcontinue\n"
    "\t\tfi\n"
    "\t\tcase $word in\n"
    "\t\t--json | --yes | --help | --version | -h | -V | --*=*) ;;\n"
    "\t\t--*) skip=1 ;;\n"
    "\t\t*) given=\"$given $word\" ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\tcase $previous in\n";

static const char tail[] =
    "\tesac\n"
    "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
    "}\n"
    "complete -o default -F _withdrawctl withdrawctl\n";

/* Words that an operand may have, and the options of another program. */
static const struct {
	const char *name, *words;
} more_words[] = {
    {"completion", "bash "},
    {"payouts mark", "paid returned "},
    {"limits set", "all "},
    {"limits clear", "all "},
    {"reconcile", "--dry-run --incremental --full-every --overdue --every "},
};

static void
print_options(const struct ctl_command *c)
{
	size_t n;
	int i;

	for (n = 0; n < sizeof(more_words) / sizeof(more_words[0]); n++)
		if (strcmp(more_words[n].name, c->name) == 0)
			fputs(more_words[n].words, stdout);
	if (c->run == NULL) {
		printf("--json --help");
		return;
	}

	for (i = 0; i < CTL_OPTIONS; i++)
		if (c->options & (1U << i))
			printf("--%s ", ctl_options[i].name);
	printf("--json --yes --help");
}

/* The last words of all that begin so: the next word of the line. */
static void
print_next_words(const char *group)
{
	char last[32] = "";
	size_t i;

	for (i = 0; i < ctl_ncommands; i++) {
		const char *name = ctl_commands[i].name;
		size_t len = strcspn(name, " ");
		char word[32];

		if (ctl_commands[i].summary == NULL ||
		    (group != NULL && !ctl_in_group(&ctl_commands[i], group)))
			continue;
		if (group != NULL)
			snprintf(word, sizeof(word), "%s", name + len + 1);
		else
			snprintf(word, sizeof(word), "%.*s", (int)len, name);
		if (strcmp(word, last) != 0)
			printf("%s ", word);
		strcpy(last, word);
	}
}

/* What may follow the words given so far. First the groups, since "withdrawals"
 * is a command as well; operands may follow a whole command. */
static void
print_cases(void)
{
	char group[32], last[32] = "";
	size_t i;

	for (i = 0; i < ctl_ncommands; i++) {
		const char *name = ctl_commands[i].name;

		snprintf(group, sizeof(group), "%.*s", (int)strcspn(name, " "),
		    name);
		if (strchr(name, ' ') == NULL || strcmp(group, last) == 0)
			continue;
		strcpy(last, group);
		/* in the singular as well */
		printf("\t\" %s\" | \" %.*s\") words='", group,
		    (int)(strlen(group) - (group[strlen(group) - 1] == 's')),
		    group);
		print_next_words(group);
		printf("--help' ;;\n");
	}
	for (i = 0; i < ctl_ncommands; i++) {
		const char *name = ctl_commands[i].name;

		printf("\t\" %s\" | \" %s \"*) words='", name, name);
		print_options(&ctl_commands[i]);
		printf("' ;;\n");
	}
	printf("\t'') words='");
	print_next_words(NULL);
	printf("--help --version' ;;\n");
}

enum ctl_exit
ctl_completion(const struct ctl_args *args)
{
	int i;

	if (strcmp(args->operand[0], "bash") != 0) {
		ctl_complain("there is no completion for \"%s\": it must be "
			     "bash",
		    args->operand[0]);
		return CTL_FAILED;
	}
	fputs(head, stdout);
	for (i = 0; i < CTL_OPTIONS; i++)
		if (ctl_options[i].words != NULL)
			printf("\t--%s)\n\t\tmapfile -t COMPREPLY < <(compgen "
			       "-W '%s' -- \"$current\")\n\t\treturn\n\t\t;;\n",
			    ctl_options[i].name, ctl_options[i].words);
	printf("\tesac\n\tcase $given in\n");
	print_cases();
	fputs(tail, stdout);
	return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
}
