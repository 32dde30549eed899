/* check_sandbox.c: what a worker may ask of the system, and what not.
 *
 * Each attempt is made by a child of its own that has entered the sandbox. It
 * exits with the errno of the attempt, 0 if it succeeded. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/sandbox.h"
#include "suites.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static char folder[] = "/tmp/withdraw-sandbox.XXXXXX";
static char file[64], other[64];

static int
wait_for(pid_t pid)
{
	int status;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* errno, or 0; -signal of what has ended it. */
static int
outcome(int (*attempt)(void), void (*enter)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		if (enter != NULL)
			enter();
		errno = 0;
		_exit(attempt() < 0 ? errno : 0);
	}
	return wait_for(pid);
}

static void
set_up(void)
{
	int fd;

	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
tear_down(void)
{
	unlink(file);
	unlink(other);
	rmdir(other);
	rmdir(folder);
}

/* --- what is refused ----------------------------------------------------- */

static int
write_file(void)
{
	return open(file, O_WRONLY);
}

static int
read_write_file(void)
{
	return open(file, O_RDWR);
}

static int
append_file(void)
{
	return open(file, O_WRONLY | O_APPEND);
}

static int
truncate_file(void)
{
	return open(file, O_RDONLY | O_TRUNC);
}

static int
create_file(void)
{
	return open(other, O_RDONLY | O_CREAT, 0600);
}

static int
unnamed_file(void)
{
	return open(folder, O_TMPFILE | O_WRONLY, 0600);
}

static int
old_open(void)
{
#ifdef SYS_open
	return (int)syscall(SYS_open, file, O_WRONLY);
#else
	errno = ENOSYS;
	return -1;
#endif
}

static int
new_open(void)
{
	const struct {
		unsigned long long flags, mode, resolve;
	} how = {.flags = O_WRONLY};

	return (int)syscall(SYS_openat2, AT_FDCWD, file, &how, sizeof(how));
}

static int
remove_file(void)
{
	return unlink(file);
}

static int
rename_file(void)
{
	return rename(file, other);
}

static int
link_file(void)
{
	return link(file, other);
}

static int
link_symbolically(void)
{
	return symlink(file, other);
}

static int
make_folder(void)
{
	return mkdir(other, 0700);
}

static int
change_mode(void)
{
	return chmod(file, 0777);
}

static int
change_owner(void)
{
	return chown(file, getuid(), getgid());
}

static int
cut_file(void)
{
	return truncate(file, 0);
}

static int
listen_anew(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, other);
	return bind(fd, (const struct sockaddr *)&address, sizeof(address));
}

static int
other_family(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int
start_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
signal_another(void)
{
	return kill(getppid(), 0);
}

static int
trace_another(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
look_into_memory(void)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {file, 1};

	return (int)process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static int
become_another(void)
{
	return setuid(getuid());
}

static int
raise_a_limit(void)
{
	struct rlimit limit = {16, 16};

	return setrlimit(RLIMIT_NOFILE, &limit);
}

static int
run_what_is_written(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int
run_what_was_written(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static const struct attempt {
	const char *name;
	int (*make)(void);
	int error;
} refused[] = {
    {"open for writing", write_file, EPERM},
    {"open for reading and writing", read_write_file, EPERM},
    {"open for appending", append_file, EPERM},
    {"open and truncate", truncate_file, EPERM},
    {"open and create", create_file, EPERM},
    {"open without a name", unnamed_file, EPERM},
    {"the old call", old_open, EPERM},
    {"the new call", new_open, ENOSYS},
    {"unlink", remove_file, ENOSYS},
    {"rename", rename_file, ENOSYS},
    {"link", link_file, ENOSYS},
    {"symlink", link_symbolically, ENOSYS},
    {"mkdir", make_folder, ENOSYS},
    {"chmod", change_mode, ENOSYS},
    {"chown", change_owner, ENOSYS},
    {"truncate", cut_file, ENOSYS},
    {"bind", listen_anew, ENOSYS},
    {"a netlink socket", other_family, ENOSYS},
    {"fork", start_process, ENOSYS},
    {"kill", signal_another, ENOSYS},
    {"ptrace", trace_another, ENOSYS},
    {"process_vm_readv", look_into_memory, ENOSYS},
    {"setuid", become_another, ENOSYS},
    {"setrlimit", raise_a_limit, ENOSYS},
    {"memory to write and run", run_what_is_written, ENOSYS},
    {"memory to run after writing", run_what_was_written, ENOSYS},
};

/* What fails in any case would prove nothing: each is tried outside too. */
START_TEST(refused_within_alone)
{
	const struct attempt *a = &refused[_i];
	int within = outcome(a->make, sandbox_enter);
	int outside = outcome(a->make, NULL);

	ck_assert_msg(within == a->error, "%s: %d (%s), not %s", a->name,
	    within, within >= 0 ? strerror(within) : "a signal",
	    strerror(a->error));
	ck_assert_msg(
	    outside == 0, "%s fails outside as well: %d", a->name, outside);
}
END_TEST

static int
start_program(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

START_TEST(starting_a_program_kills)
{
	ck_assert_int_eq(outcome(start_program, NULL), 0);
	ck_assert_int_eq(outcome(start_program, sandbox_enter), -SIGSYS);
}
END_TEST

/* --- what has to go on ---------------------------------------------------- */

static int
read_file(void)
{
	char byte;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	return read(fd, &byte, 1) == 1 ? close(fd) : -1;
}

static int
connect_somewhere(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, other);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    0)
		return -1;
	return errno == ENOENT ? 0 : -1;
}

static void *
thread(void *arg)
{
	return arg;
}

static int
start_thread(void)
{
	pthread_t t;
	void *result = NULL;

	errno = pthread_create(&t, NULL, thread, file);
	if (errno != 0)
		return -1;
	errno = pthread_join(t, &result);
	return result == file ? 0 : -1;
}

static int
much_memory(void)
{
	size_t size = 64 << 20;
	char *p = malloc(size);

	if (p == NULL)
		return -1;
	memset(p, 1, size);
	free(p);
	return 0;
}

static int
less_priority(void)
{
	return setpriority(PRIO_PROCESS, (id_t)gettid(), 10);
}

static const struct attempt bearable[] = {
    {"read a file", read_file, 0},
    {"connect", connect_somewhere, 0},
    {"a thread", start_thread, 0},
    {"memory", much_memory, 0},
    {"less priority", less_priority, 0},
};

START_TEST(service_goes_on)
{
	int error = outcome(bearable[_i].make, sandbox_enter);

	ck_assert_msg(
	    error == 0, "%s fails within: %d", bearable[_i].name, error);
}
END_TEST

/* An assertion that fails has to be seen as such. */
static int
give_up(void)
{
	abort();
}

START_TEST(abort_is_an_abort)
{
	ck_assert_int_eq(outcome(give_up, sandbox_enter), -SIGABRT);
}
END_TEST

Suite *
sandbox_suite(void)
{
	Suite *suite = suite_create("sandbox");
	TCase *tcase = tcase_create("worker");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, refused_within_alone, 0, COUNT(refused));
	tcase_add_test(tcase, starting_a_program_kills);
	tcase_add_loop_test(tcase, service_goes_on, 0, COUNT(bearable));
	tcase_add_test(tcase, abort_is_an_abort);
	suite_add_tcase(suite, tcase);
	return suite;
}
