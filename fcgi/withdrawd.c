/* withdrawd.c: main of the service: settings, checks, then the master. */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "process/check.h"
#include "process/listen.h"
#include "process/master.h"
#include "process/sandbox.h"

#ifndef WITHDRAW_VERSION
#define WITHDRAW_VERSION "unknown"
#endif

/* Exit status after something was printed: a full disk is not a success. */
static int
printed(void)
{
	if (fclose(stdout) == 0)
		return 0;
	log_warn("could not write to the standard output");
	return 2;
}

static int
help(void)
{
	puts(
	    "usage: withdrawd [-t] [--OPTION VALUE ...]\n"
	    "\n"
	    "The withdrawal service: a FastCGI application for nginx. It stays "
	    "in the\nforeground and logs to stderr.\n"
	    "\n"
	    "  -t             check the settings and both connections, and "
	    "exit\n"
	    "  -s PATH        the same as --socket PATH\n"
	    "  -h, --help     this text\n"
	    "  -V, --version  the version\n"
	    "\n"
	    "Each setting is an option or a variable; the option wins. In "
	    "parentheses:\nthe default.\n");
	config_help(stdout);
	puts("\nPostgres: PGHOST, PGPORT, PGUSER, PGDATABASE, PGSERVICE, "
	     "PGPASSFILE and the\nothers that libpq knows.\n"
	     "\n"
	     "Signals: TERM and INT stop, answering what is under way (twice: "
	     "at once); HUP\nreplaces the workers without refusing a request.\n"
	     "Exit status: 0 all well, 2 could not do its work.");
	return printed();
}

/* Every connection is a descriptor: as many as the system lets us have, and not
 * fewer than the stores and some clients need. */
static void
raise_descriptors(const struct config *cfg)
{
	rlim_t needed = (rlim_t)cfg->pg_pool + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		fatal("could not read the limit of open files");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn("could not raise the limit of open files");
	if (limit.rlim_max < needed)
		fatalx("the limit of open files is %llu and must be at least "
		       "%llu: raise it (ulimit -n, LimitNOFILE=), or make "
		       "WITHDRAW_PG_POOL smaller",
		    (unsigned long long)limit.rlim_max,
		    (unsigned long long)needed);
}

/* Passwords and sessions go through a worker: they have no place in a file.
 * Not PR_SET_DUMPABLE, which would also take /proc/PID from the service's own
 * user, and so from who looks after it. */
static void
forbid_cores(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		fatal("could not forbid core dumps");
}

/* Nothing here needs root, and a fault would be root's. */
static void
warn_of_root(void)
{
	if (geteuid() == 0)
		log_warnx("serving as root: start it as a user of its own "
			  "(User= in systemd's unit, spawn-fcgi -u, setpriv)");
}

int
main(int argc, char *argv[])
{
	static struct config cfg;
	char error[512];
	int fd;

	log_init("withdrawd");
	switch (config_read(argc, argv, &cfg, error, sizeof(error))) {
	case CONFIG_HELP:
		return help();
	case CONFIG_VERSION:
		puts("withdrawd " WITHDRAW_VERSION);
		return printed();
	case CONFIG_BAD:
		fatalx("%s", error);
	case CONFIG_OK:
		break;
	}
	forbid_cores();
	sandbox_no_new_privileges();
	signal(SIGPIPE, SIG_IGN);
	if (cfg.test_only) {
		if (check_stores(&cfg) != CHECK_OK)
			fatalx("the check failed");
		fprintf(stderr, "the settings and both connections are fine\n");
		return 0;
	}
	warn_of_root();
	raise_descriptors(&cfg);
	if (FCGX_Init() != 0)
		fatalx("could not initialise libfcgi");
	if (check_stores_apart(&cfg) == CHECK_UNFIT)
		fatalx("not starting: the ledger would not be safe");
	fd = listen_open(&cfg);
	log_init("master");
	return master_run(&cfg, fd);
}
