/* actor.c: see actor.h. */
#include "actor.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *
ctl_actor(void)
{
	static char actor[160];
	const struct passwd *user = getpwuid(getuid());
	const char *before = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	char name[64];

	if (user != NULL)
		snprintf(name, sizeof(name), "%s", user->pw_name);
	else
		snprintf(name, sizeof(name), "uid %u", (unsigned)getuid());
	if (before != NULL && *before != '\0')
		snprintf(actor, sizeof(actor), "%.64s (as %s)", before, name);
	else
		snprintf(actor, sizeof(actor), "%s", name);
	return actor;
}
