/* confirm.h: a question before money moves. */
#ifndef CTL_CONFIRM_H
#define CTL_CONFIRM_H

#include <stdbool.h>

#include "ctl/command.h"

/* Asks on stderr and reads a line of stdin: true for y or yes, or if --yes was
 * given. Otherwise stderr has been told that nothing was done. */
bool ctl_confirm(const struct ctl_args *args, const char *question, ...)
    __attribute__((format(printf, 2, 3)));

#endif
