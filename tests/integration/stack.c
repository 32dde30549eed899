/*
 * The servers under test: see stack.h. What a test has changed is remembered
 * in a file of RUN_DIR, not in memory: a test that fails in a process of its
 * own takes its memory with it.
 */
#include "stack.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"
#include "support.h"

static const char *
run_file(const char *name)
{
	return keep_format("%s/%s", setting("RUN_DIR"), name);
}

static void
shell(const char *command)
{
	const char *log = run_file("log/tests.log");
	int status = system(keep_format("{ %s; } >>%s 2>&1", command, log));

	ck_assert_msg(status == 0, "%s: failed, see %s", command, log);
}

/* In the order in which they need each other. */
static const char *const servers[] = {
    "postgres", "redis", "withdrawd", "nginx"};

static const char *
mark_of(const char *server)
{
	return run_file(keep_format("changed.%s", server));
}

void
stack_remember(const char *server)
{
	FILE *file = fopen(mark_of(server), "we");

	ck_assert_ptr_nonnull(file);
	fclose(file);
}

void
stack_stop(const char *server)
{
	stack_remember(server);
	shell(keep_format("tests/servers.sh stop %s", server));
}

void
stack_start(const char *server)
{
	shell(keep_format("tests/servers.sh start %s", server));
}

void
stack_restart(const char *server, const char *settings)
{
	stack_stop(server);
	shell(
	    keep_format("env %s tests/servers.sh start %s", settings, server));
	http_close_idle();
}

pid_t
stack_pid(const char *server)
{
	const char *text = read_file(run_file(keep_format("%s.pid", server)));
	long pid = strtol(text, NULL, 10);

	ck_assert_msg(pid > 1, "no pid in %s.pid", server);
	return (pid_t)pid;
}

/* A sanitizer's shadow is far larger, and has nothing of ours. */
enum { REGION_MAX = 256 << 20 };

static bool
region_has(int mem, unsigned long from, unsigned long to, const char *text)
{
	char *data;
	ssize_t n;
	bool found;

	if (to - from > REGION_MAX)
		return false;
	data = malloc(to - from);
	ck_assert_ptr_nonnull(data);
	/* what is not readable, or gone again, has nothing of ours either */
	n = pread(mem, data, to - from, (off_t)from);
	found = n > 0 && memmem(data, (size_t)n, text, strlen(text)) != NULL;
	free(data);
	return found;
}

bool
process_remembers(pid_t pid, const char *text, bool *looked_r)
{
	int mem =
	    open(keep_format("/proc/%ld/mem", (long)pid), O_RDONLY | O_CLOEXEC);
	const char *line = read_file(keep_format("/proc/%ld/maps", (long)pid));
	unsigned long from, to;
	char rights[5];
	bool found = false;

	*looked_r = mem >= 0;
	if (mem < 0) {
		ck_assert_int_eq(errno, EACCES);
		return false;
	}
	ck_assert_str_ne(line, "");
	for (; !found && *line != '\0'; line += strcspn(line, "\n") + 1)
		if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3 &&
		    rights[1] == 'w')
			found = region_has(mem, from, to, text);
	close(mem);
	return found;
}

/* The state letter of a process in /proc; '\0' where there is none. */
static char
process_state(pid_t pid)
{
	const char *stat = read_file(keep_format("/proc/%ld/stat", (long)pid));
	const char *end = strrchr(stat, ')');

	return end != NULL && end[1] == ' ' ? end[2] : '\0';
}

bool
process_alive(pid_t pid)
{
	char state = process_state(pid);

	return state != '\0' && state != 'Z' && state != 'X';
}

struct workers
process_children(pid_t master)
{
	const char *list = read_file(keep_format(
	    "/proc/%ld/task/%ld/children", (long)master, (long)master));
	struct workers workers = {0};
	char *end;

	for (;;) {
		long pid = strtol(list, &end, 10);

		if (end == list)
			return workers;
		list = end;
		if (!process_alive((pid_t)pid))
			continue;
		ck_assert_uint_lt(workers.n, WORKERS_MAX);
		workers.pids[workers.n++] = (pid_t)pid;
	}
}

struct workers
stack_workers(void)
{
	return process_children(stack_pid("withdrawd"));
}

bool
workers_same(const struct workers *a, const struct workers *b)
{
	return a->n == b->n &&
	    memcmp(a->pids, b->pids, a->n * sizeof(a->pids[0])) == 0;
}

bool
workers_all_new(const struct workers *a, const struct workers *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (a->pids[i] == b->pids[j])
				return false;
	return true;
}

static void
signal_process(pid_t pid, int number)
{
	ck_assert_msg(kill(pid, number) == 0 || errno == ESRCH,
	    "could not signal process %ld: %s", (long)pid, strerror(errno));
}

void
stack_kill(const char *server)
{
	pid_t pid = stack_pid(server);

	stack_remember(server);
	signal_process(pid, SIGKILL);
	WAIT_UNTIL(!process_alive(pid));
}

void
stack_kill_workers(void)
{
	struct workers workers = stack_workers();

	ck_assert_uint_gt(workers.n, 0);
	for (size_t i = 0; i < workers.n; i++)
		signal_process(workers.pids[i], SIGKILL);
	for (size_t i = 0; i < workers.n; i++)
		WAIT_UNTIL(!process_alive(workers.pids[i]));
}

static void
freeze(pid_t pid)
{
	signal_process(pid, SIGSTOP);
	WAIT_UNTIL(process_state(pid) == 'T');
}

/* Children first: a master must not see them stop and wonder. */
void
stack_freeze(const char *server)
{
	pid_t pid = stack_pid(server);
	struct workers children = process_children(pid);

	stack_remember(server);
	for (size_t i = 0; i < children.n; i++)
		freeze(children.pids[i]);
	freeze(pid);
}

void
stack_thaw(const char *server)
{
	pid_t pid = stack_pid(server);
	struct workers children = process_children(pid);

	for (size_t i = 0; i < children.n; i++)
		signal_process(children.pids[i], SIGCONT);
	signal_process(pid, SIGCONT);
}

void
stack_freeze_workers(void)
{
	struct workers workers = stack_workers();

	stack_remember("withdrawd");
	for (size_t i = 0; i < workers.n; i++)
		freeze(workers.pids[i]);
}

char *
stack_log(const char *name)
{
	return read_file(run_file(keep_format("log/%s.log", name)));
}

const char *
stack_folder(void)
{
	char path[] = "/tmp/withdraw-test-XXXXXX";
	FILE *list = fopen(run_file("folders"), "ae");

	ck_assert_ptr_nonnull(list);
	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_int_eq(chmod(path, 0755), 0);
	fprintf(list, "%s\n", path);
	fclose(list);
	return keep_format("%s", path);
}

static bool
is_well(void)
{
	struct http_request health = {.path = "/api/health"};

	return http_send(&health).status == 200;
}

/* servers.sh stop also ends what is frozen or was killed. */
static void
restart_changed(void)
{
	const char *names = "";

	for (int i = 0; i < COUNT(servers); i++)
		if (access(mark_of(servers[i]), F_OK) == 0)
			names = keep_format("%s %s", names, servers[i]);
	if (*names == '\0')
		return;
	shell(keep_format("tests/servers.sh stop%s", names));
	shell(keep_format("tests/servers.sh start%s", names));
	http_close_idle();
	WAIT_UNTIL(is_well());
	for (int i = 0; i < COUNT(servers); i++)
		unlink(mark_of(servers[i]));
}

void
stack_restore(void)
{
	const char *folders = run_file("folders");

	if (access(folders, F_OK) == 0) {
		shell(keep_format("xargs rm -rf -- <%s", folders));
		ck_assert_int_eq(unlink(folders), 0);
	}
	restart_changed();
}
