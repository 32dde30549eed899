/* strace on a process of the service: what it asks of the kernel, and its death
 * at a chosen one of these calls. Needs the right to trace: root's, or a kernel
 * without Yama's ptrace_scope. */
#ifndef TRACER_H
#define TRACER_H

#include <stddef.h>
#include <sys/types.h>

#include "command.h"

/* A call of the kernel: the nth of its name since the tracing began. */
struct syscall_point {
	const char *name;
	int nth;
};

struct tracer {
	struct command command;
	const char *record;
};

/* Traces a process that waits for something to do, and returns when that is so
 * again. kill: the process dies by SIGKILL as it enters that call, which is
 * then not carried out; NULL: it only looks on. */
struct tracer tracer_start(pid_t pid, const struct syscall_point *kill);
/* Lets the process go on without being traced, if it still is there. */
void tracer_stop(struct tracer *tracer);

/* The calls so far, in order; up to max of them. */
size_t tracer_calls(
    const struct tracer *tracer, struct syscall_point *calls, size_t max);

#endif
