/* A program that is run to its end: see command.h. */
#include "command.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* In the child. */
static bool
place_stdout(const struct command *command)
{
	int fd = command->out;

	if (command->out_closed)
		return close(STDOUT_FILENO) == 0;
	if (command->out_path != NULL)
		fd = open(command->out_path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0;
}

/* In the parent: a file with what it reads. */
static int
make_stdin(const char *text)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	if (text != NULL)
		ck_assert_int_eq(
		    write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What exec wants, made before the fork: afterwards there is one thread. */
struct words {
	char *argv[COUNT(((struct command *)0)->argv)];
	char *env[COUNT(((struct command *)0)->env)];
};

static struct words
make_words(const struct command *command)
{
	struct words words = {0};

	for (int i = 0; command->argv[i] != NULL; i++)
		words.argv[i] = keep_format("%s", command->argv[i]);
	for (int i = 0; command->env[i] != NULL; i++)
		words.env[i] = keep_format("%s", command->env[i]);
	return words;
}

__attribute__((noreturn)) static void
execute(const struct command *command, struct words *words, int in)
{
	for (int i = 0; words->env[i] != NULL; i++)
		if (putenv(words->env[i]) != 0)
			_exit(127);
	if (dup2(in, STDIN_FILENO) < 0 ||
	    dup2(command->err, STDERR_FILENO) < 0 || !place_stdout(command))
		_exit(127);
	execvp(words->argv[0], words->argv);
	perror(words->argv[0]);
	_exit(127);
}

void
command_start(struct command *command)
{
	struct words words = make_words(command);
	int in = make_stdin(command->in);

	command->out = memfd_create("stdout", MFD_CLOEXEC);
	command->err = memfd_create("stderr", MFD_CLOEXEC);
	ck_assert_int_ge(command->out, 0);
	ck_assert_int_ge(command->err, 0);
	command->pid = fork();
	ck_assert_int_ge(command->pid, 0);
	if (command->pid == 0)
		execute(command, &words, in);
	close(in);
}

bool
command_ended(const struct command *command)
{
	siginfo_t info = {0};

	ck_assert_int_eq(waitid(P_PID, (id_t)command->pid, &info,
			     WEXITED | WNOHANG | WNOWAIT),
	    0);
	return info.si_pid == command->pid;
}

static const char *
take_text(int fd)
{
	struct stat status;
	char *text;

	ck_assert_int_eq(fstat(fd, &status), 0);
	text = keep((size_t)status.st_size + 1);
	ck_assert_int_eq(
	    pread(fd, text, (size_t)status.st_size, 0), status.st_size);
	close(fd);
	return text;
}

struct command_end
command_wait(struct command *command)
{
	int status;

	WAIT_UNTIL(command_ended(command));
	ck_assert_int_eq(waitpid(command->pid, &status, 0), command->pid);
	return (struct command_end){
	    .code = WIFEXITED(status) ? WEXITSTATUS(status)
				      : 128 + WTERMSIG(status),
	    .out = take_text(command->out),
	    .err = take_text(command->err),
	};
}

struct command_end
command_run(struct command *command)
{
	command_start(command);
	return command_wait(command);
}
