/*
 * A program that is run to its end, with what it has said and its exit code.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
	const char *argv[32]; /* NULL behind the last; argv[0] by PATH */
	const char *env[8];   /* "NAME=value", beside the test's own */
	const char *in;       /* what it reads; NULL: nothing */
	const char *out_path; /* where stdout goes; NULL: to be looked at */
	bool out_closed;      /* without a stdout at all */
	pid_t pid;
	int out, err;
};

/* What it has said lives until the end of the test. */
struct command_end {
	int code; /* or 128 + the signal that ended it */
	const char *out;
	const char *err;
};

/* Starts it in the background; has it ended? Waits for its end. */
void command_start(struct command *command);
bool command_ended(const struct command *command);
struct command_end command_wait(struct command *command);

struct command_end command_run(struct command *command);

#endif
