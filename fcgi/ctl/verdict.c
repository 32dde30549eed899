/* verdict.c: see verdict.h. */
#include "verdict.h"

#include <stddef.h>
#include <string.h>

const char *
ctl_verdict_problem(const char *verdict)
{
	static const struct {
		const char *verdict, *problem;
	} problems[] = {
	    {"moved", NULL},
	    {"already", NULL},
	    {"other-state", "it was marked otherwise before"},
	    {"other-reference",
		"it was marked so before, with another reference"},
	    {"not-succeeded",
		"it did not succeed: there is nothing to pay out"},
	    {"unknown", "there is no such order"},
	};
	size_t i;

	for (i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		if (strcmp(problems[i].verdict, verdict) == 0)
			return problems[i].problem;
	return "the ledger's verdict is not understood: is sql/ of this "
	       "version?";
}
