/* A withdrawd of the test's own: see instance.h. */
#include "instance.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "stack.h"
#include "support.h"
#include "usock.h"

enum { INSTANCES_MAX = 16 };

static pid_t running[INSTANCES_MAX];
static size_t running_count;

/* In the child: all that it says goes to the log. */
__attribute__((noreturn)) static void
execute(const char *log, const char *const *settings, char *const *argv)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    dup2(fd, STDERR_FILENO) < 0)
		_exit(127);
	for (; settings != NULL && *settings != NULL; settings++)
		if (putenv(keep_text(*settings, strlen(*settings))) != 0)
			_exit(127);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static struct instance
start(const char *socket, const char *const *settings, char *const *argv)
{
	struct instance instance = {
	    .socket = socket,
	    .log = keep_format("%s/log", stack_folder()),
	};

	ck_assert_uint_lt(running_count, INSTANCES_MAX);
	instance.pid = fork();
	ck_assert_int_ge(instance.pid, 0);
	if (instance.pid == 0)
		execute(instance.log, settings, argv);
	running[running_count++] = instance.pid;
	return instance;
}

struct instance
instance_start_on(
    const char *socket, const char *flag, const char *const *settings)
{
	char *argv[] = {keep_format("%s", program("withdrawd")),
	    flag != NULL ? keep_format("%s", flag) : NULL, NULL};
	const char *all[32] = {"PGUSER=withdraw_service",
	    keep_format("WITHDRAW_SOCKET=%s", socket)};
	size_t n = 2;

	for (; settings != NULL && *settings != NULL; settings++) {
		ck_assert_uint_lt(n, sizeof(all) / sizeof(all[0]) - 1);
		all[n++] = *settings;
	}
	return start(socket, all, argv);
}

struct instance
instance_start(const char *flag, const char *const *settings)
{
	return instance_start_on(
	    keep_format("%s/socket", stack_folder()), flag, settings);
}

struct instance
instance_start_spawned(void)
{
	const char *socket = keep_format("%s/socket", stack_folder());
	const char *settings[] = {"PGUSER=withdraw_service", NULL};
	/* the test's own WITHDRAW_SOCKET would come before fd 0 */
	char *argv[] = {keep_format("env"), keep_format("-u"),
	    keep_format("WITHDRAW_SOCKET"), keep_format("spawn-fcgi"),
	    keep_format("-n"), keep_format("-s"), keep_format("%s", socket),
	    keep_format("--"), keep_format("%s", program("withdrawd")), NULL};

	return start(socket, settings, argv);
}

struct instance
instance_start_speechless(void)
{
	const char *socket = keep_format("%s/socket", stack_folder());
	const char *settings[] = {"PGUSER=withdraw_service",
	    keep_format("WITHDRAW_SOCKET=%s", socket), "WITHDRAW_WORKERS=1",
	    NULL};
	char *argv[] = {keep_format("sh"), keep_format("-c"),
	    keep_format("exec \"$0\" >/dev/full 2>&1"),
	    keep_format("%s", program("withdrawd")), NULL};

	return start(socket, settings, argv);
}

static bool
answers(const struct instance *instance)
{
	struct fcgi_bytes params =
	    fcgi_params("GET", "/api/health", NULL, NULL, NULL);
	int fd = usock_connect(instance->socket);

	ck_assert_msg(!instance_ended(instance), "withdrawd ended: %s",
	    read_file(instance->log));
	if (fd < 0)
		return false;
	close(fd);
	return fcgi_ask(instance->socket, &params, NULL).status == 200;
}

void
instance_wait_ready(struct instance *instance)
{
	WAIT_UNTIL(answers(instance));
}

bool
instance_ended(const struct instance *instance)
{
	siginfo_t info = {0};

	ck_assert_int_eq(waitid(P_PID, (id_t)instance->pid, &info,
			     WEXITED | WNOHANG | WNOWAIT),
	    0);
	return info.si_pid == instance->pid;
}

static void
forget(pid_t pid)
{
	for (size_t i = 0; i < running_count; i++)
		if (running[i] == pid)
			running[i] = running[--running_count];
}

int
instance_wait(struct instance *instance)
{
	int status;

	WAIT_UNTIL(instance_ended(instance));
	ck_assert_int_eq(waitpid(instance->pid, &status, 0), instance->pid);
	forget(instance->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
instance_stop_well(struct instance *instance)
{
	size_t said = strlen(read_file(instance->log));

	ck_assert_int_eq(kill(instance->pid, SIGTERM), 0);
	ck_assert_int_eq(instance_wait(instance), 0);
	expect_stopped_well(read_file(instance->log), said);
}

void
instance_stop_all(void)
{
	while (running_count > 0) {
		pid_t pid = running[--running_count];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}
