/* measure.c: runs a command and writes down what it took.
 *
 *   measure FILE COMMAND [ARGUMENT...]
 *
 * FILE gets one line: seconds by the clock, seconds of CPU, peak memory in
 * KiB. The exit status is that of the command; 127 if it could not be run. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COULD_NOT = 127 };

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Waits for the child; false: there is nothing to tell of it. */
static bool
await(pid_t child, int *status_r, struct rusage *usage_r)
{
	pid_t ended;

	do
		ended = wait4(child, status_r, 0, usage_r);
	while (ended == -1 && errno == EINTR);
	return ended == child;
}

static int
write_down(const char *path, double wall, const struct rusage *usage)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		perror(path);
		return -1;
	}
	fprintf(f, "%.3f %.3f %ld\n", wall,
	    seconds(usage->ru_utime) + seconds(usage->ru_stime),
	    usage->ru_maxrss);
	if (fclose(f) == 0)
		return 0;
	perror(path);
	return -1;
}

int
main(int argc, char *argv[])
{
	struct rusage usage;
	double begun = now();
	int status;
	pid_t child;

	if (argc < 3) {
		fputs("usage: measure FILE COMMAND [ARGUMENT...]\n", stderr);
		return COULD_NOT;
	}
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(COULD_NOT);
	}
	if (child == -1 || !await(child, &status, &usage)) {
		perror("measure");
		return COULD_NOT;
	}
	if (write_down(argv[1], now() - begun, &usage) != 0)
		return COULD_NOT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
