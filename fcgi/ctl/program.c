/* program.c: see program.h. */
#include "program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/output.h"

/* Runs FOLDER/between/name. Returns if there is no such program. */
static void
run_in(const char *folder, const char *between, const char *name, char *argv[])
{
	char path[PATH_MAX + 64];

	if (snprintf(path, sizeof(path), "%s%s/%s", folder, between, name) <
	    (int)sizeof(path))
		execv(path, argv);
}

enum ctl_exit
ctl_program_run(const char *name, char *argv[])
{
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char own_name[64];
	char *slash;

	/* argv's strings are not const, and nobody writes to them */
	snprintf(own_name, sizeof(own_name), "%s", name);
	argv[0] = own_name;
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL)
			*slash = '\0';
		run_in(self, "", name, argv);
		run_in(self, "/../sbin", name, argv);
	}
	execvp(name, argv);
	ctl_complain("could not run %s: %s; it is installed beside withdrawctl",
	    name, strerror(errno));
	return CTL_FAILED;
}
