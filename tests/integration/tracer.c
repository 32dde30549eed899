/* strace on a process of the service: see tracer.h. */
#include "tracer.h"

#include <check.h>
#include <ctype.h>
#include <signal.h>
#include <string.h>

#include "stack.h"
#include "support.h"

/* Is it in a call, the first that it has entered under strace? */
static bool
is_attached(const struct tracer *tracer)
{
	if (*read_file(tracer->record) != '\0')
		return true;
	if (command_ended(&tracer->command)) {
		struct command copy = tracer->command;

		ck_abort_msg("strace ended: %s", command_wait(&copy).err);
	}
	return false;
}

struct tracer
tracer_start(pid_t pid, const struct syscall_point *kill)
{
	struct tracer tracer = {
	    .record = keep_format("%s/strace", stack_folder()),
	    .command = {.argv = {"strace", "-f", "-p",
			    keep_format("%ld", (long)pid), "-o"}},
	};

	tracer.command.argv[5] = tracer.record;
	if (kill != NULL) {
		tracer.command.argv[6] = "-e";
		tracer.command.argv[7] = keep_format(
		    "inject=%s:signal=KILL:when=%d", kill->name, kill->nth);
	}
	command_start(&tracer.command);
	WAIT_UNTIL(is_attached(&tracer));
	return tracer;
}

void
tracer_stop(struct tracer *tracer)
{
	/* it is our child until it was waited for */
	if (!command_ended(&tracer->command))
		kill(tracer->command.pid, SIGINT);
	command_wait(&tracer->command);
}

/* "1234  read(4, ...": the name in it; NULL for the other lines. */
static const char *
name_in(const char *line)
{
	size_t len;

	while (isdigit((unsigned char)*line) || *line == ' ')
		line++;
	len = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
	return len > 0 && line[len] == '(' ? keep_text(line, len) : NULL;
}

size_t
tracer_calls(
    const struct tracer *tracer, struct syscall_point *calls, size_t max)
{
	const char *line = read_file(tracer->record);
	size_t n = 0;

	for (; *line != '\0' && n < max;
	     line += strcspn(line, "\n"), line += *line != '\0') {
		const char *name = name_in(line);

		if (name == NULL)
			continue;
		calls[n] = (struct syscall_point){.name = name, .nth = 1};
		for (size_t i = 0; i < n; i++)
			if (strcmp(calls[i].name, name) == 0)
				calls[n].nth++;
		n++;
	}
	return n;
}
