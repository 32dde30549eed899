/* program.h: another of our programs in place of this one. */
#ifndef CTL_PROGRAM_H
#define CTL_PROGRAM_H

#include "ctl/command.h"

/* Becomes the program of that name: the one beside this one, or in the sbin
 * beside its bin, or in PATH. argv[0] is replaced by name. Returns only if it
 * could not be run, which stderr has been told. */
enum ctl_exit ctl_program_run(const char *name, char *argv[]);

#endif
