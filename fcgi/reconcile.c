/* reconcile.c: withdraw-reconcile, which compares the ledger with itself: the
 * command line, and when to run. What a run does is in reconcile/. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/ident.h"
#include "base/log.h"
#include "ctl/command.h"
#include "ctl/output.h"
#include "ctl/redis.h"
#include "reconcile/round.h"

#ifndef WITHDRAW_VERSION
#define WITHDRAW_VERSION "development"
#endif

enum { ROUNDS_APART_MAX = 86400, NUMBER_MAX = 100000 };

struct request {
	struct round_options options;
	const char *every; /* seconds, or NULL: once */
	bool help, version;
};

static const char help[] =
    "Usage: withdraw-reconcile [OPTION]...\n"
    "Checks that accounts, journal, records and payouts fit together, in one\n"
    "snapshot, while withdrawals go on. Sets right what is safe (an account\n"
    "that differs from its intact journal); freezes an account whose journal\n"
    "is broken, for a person to look at. Compares what Redis has recorded with\n"
    "the ledger, and sets that right. Keeps each finding in\n"
    "reconcile_finding. May be killed at any moment and run again.\n"
    "\n"
    "Options:\n"
    "      --dry-run        change nothing, only tell\n"
    "      --incremental    look only at what was written since the last\n"
    "                       clean run; at all of it if there was no clean\n"
    "                       full run for some time:\n"
    "      --full-every H   in hours (24)\n"
    "      --overdue DAYS   a payout that was exported and not settled for\n"
    "                       so long is a finding (7)\n"
    "      --every SECONDS  run again and again, so long apart\n"
    "      --json           print one JSON object a run\n"
    "  -h, --help           print this help\n"
    "  -V, --version        print the version\n"
    "\n"
    "PGHOST, PGPORT, PGDATABASE, PGUSER and libpq's other variables say where\n"
    "the ledger is; the role is withdraw_reconcile. REDIS_URL and the settings\n"
    "WITHDRAW_... should be withdrawd's. Exit codes: 0 all well,\n"
    "1 found something wrong (new in this run), 2 could not do its work.\n";

static const struct option longs[] = {
    {"dry-run", no_argument, NULL, 'd'},
    {"incremental", no_argument, NULL, 'i'},
    {"full-every", required_argument, NULL, 'f'},
    {"overdue", required_argument, NULL, 'o'},
    {"every", required_argument, NULL, 'e'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

/* A number above zero, kept as text. */
static bool
read_number(const char *name, int most, const char **text_r)
{
	int64_t n;

	if (user_id_parse(optarg, &n) && n <= most) {
		*text_r = optarg;
		return true;
	}
	ctl_complain("--%s is \"%s\": it must be a whole number from 1 to %d",
	    name, optarg, most);
	return false;
}

/* Says the name of an option that is not right, and no more of it: it goes to
 * the journal, and what is behind a name may be Redis' URL. */
static bool
refuse(const char *arg, const char *why)
{
	ctl_complain("the option \"%.*s\" %s; see \"withdraw-reconcile "
		     "--help\"",
	    (int)strcspn(arg, "=:"), arg, why);
	return false;
}

static bool
read_option(int option, const char *arg, struct request *r)
{
	switch (option) {
	case 'd':
		return r->options.dry_run = true;
	case 'i':
		return r->options.incremental = true;
	case 'j':
		return r->options.json = true;
	case 'h':
		return r->help = true;
	case 'V':
		return r->version = true;
	case 'f':
		return read_number(
		    "full-every", NUMBER_MAX, &r->options.full_every);
	case 'o':
		return read_number("overdue", NUMBER_MAX, &r->options.overdue);
	case 'e':
		return read_number("every", ROUNDS_APART_MAX, &r->every);
	case ':':
		return refuse(arg, "needs a value");
	default:
		return refuse(arg,
		    optopt != 0 && strchr(arg, '=') != NULL ? "takes no value"
							    : "is not known");
	}
}

static bool
read_line(int argc, char *argv[], struct request *r)
{
	const char *arg = argv[1];
	int option;

	opterr = 0; /* getopt's own words would repeat all of it */
	while ((option = getopt_long(argc, argv, "+:hV", longs, NULL)) != -1) {
		if (!read_option(option, arg, r))
			return false;
		arg = argv[optind];
	}
	if (optind == argc)
		return true;
	ctl_complain("argument %d is no option; see \"withdraw-reconcile "
		     "--help\"",
	    optind);
	return false;
}

int
main(int argc, char *argv[])
{
	struct request r = {.options = {.full_every = "24", .overdue = "7"}};
	struct config cfg;
	enum ctl_exit code;

	ctl_program = "withdraw-reconcile";
	log_init(ctl_program);
	/* a reader that went away is a write error like any other */
	signal(SIGPIPE, SIG_IGN);
	if (!ctl_stdio_guard() || !read_line(argc, argv, &r))
		return CTL_FAILED;
	if (r.help || r.version) {
		if (r.help)
			fputs(help, stdout);
		else
			printf("withdraw-reconcile %s\n", WITHDRAW_VERSION);
		return ctl_stdout_close(NULL) == 0 ? CTL_OK : CTL_FAILED;
	}
	if (!ctl_config(&cfg))
		return CTL_FAILED;
	r.options.cfg = &cfg;
	for (;;) {
		code = round_run(&r.options);
		if (r.every == NULL)
			return (int)code;
		sleep((unsigned)strtoul(r.every, NULL, 10));
	}
}
