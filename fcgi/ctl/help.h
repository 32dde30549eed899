/* help.h: what --help prints. */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include "ctl/command.h"

/* Of all commands, or of those of a group. */
enum ctl_exit ctl_help(const char *group);

enum ctl_exit ctl_help_command(const struct ctl_command *command);

#endif
