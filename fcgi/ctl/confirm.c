/* confirm.c: see confirm.h. */
#include "confirm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ctl/output.h"

bool
ctl_confirm(const struct ctl_args *args, const char *question, ...)
{
	char line[16] = "";
	va_list ap;

	if (args->yes)
		return true;
	va_start(ap, question);
	vfprintf(stderr, question, ap);
	va_end(ap);
	fputs(" [y/N] ", stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		fputc('\n', stderr);
	line[strcspn(line, "\r\n")] = '\0';
	if (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0)
		return true;
	ctl_complain("nothing was done: the answer was not yes (--yes says so "
		     "beforehand)");
	return false;
}
