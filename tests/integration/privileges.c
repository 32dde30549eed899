/*
 * With how little the service runs: no root, no capability, no way to more,
 * nothing to write to but its sockets and its log. That the filter of system
 * calls refuses what it has to is the unit tests' (check_sandbox.c).
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "instance.h"
#include "stack.h"
#include "suites.h"
#include "support.h"

/* A line of /proc/PID/status, without its name. */
static const char *
status_of(pid_t pid, const char *name)
{
	const char *text =
	    read_file(keep_format("/proc/%ld/status", (long)pid));
	const char *line = strstr(text, keep_format("\n%s:", name));

	ck_assert_msg(line != NULL, "no %s of pid %ld", name, (long)pid);
	line += strlen(name) + 2;
	line += strspn(line, "\t ");
	return keep_format("%.*s", (int)strcspn(line, "\n"), line);
}

static void
expect_status_of(pid_t pid, const char *name, const char *value)
{
	const char *is = status_of(pid, name);

	ck_assert_msg(strcmp(is, value) == 0, "%s of pid %ld is %s, not %s",
	    name, (long)pid, is, value);
}

static void
expect_powerless(pid_t pid)
{
	static const char *const sets[] = {
	    "CapInh", "CapPrm", "CapEff", "CapAmb"};
	char *at = keep_format("%s", status_of(pid, "Uid"));

	/* real, effective, saved, of the file system */
	for (int i = 0; i < 4; i++)
		ck_assert_msg(strtol(at, &at, 10) != 0,
		    "pid %ld runs as root: %s", (long)pid,
		    status_of(pid, "Uid"));
	for (int i = 0; i < COUNT(sets); i++)
		expect_status_of(pid, sets[i], "0000000000000000");
	expect_status_of(pid, "NoNewPrivs", "1");
}

START_TEST(servers_have_no_power)
{
	static const char *const servers[] = {
	    "postgres", "redis", "withdrawd", "nginx"};
	struct workers workers = stack_workers();

	for (int i = 0; i < COUNT(servers); i++)
		expect_powerless(stack_pid(servers[i]));
	ck_assert_uint_gt(workers.n, 0);
	for (size_t i = 0; i < workers.n; i++)
		expect_powerless(workers.pids[i]);
}
END_TEST

static pid_t
only_worker(const struct instance *instance)
{
	struct workers workers = process_children(instance->pid);

	ck_assert_uint_eq(workers.n, 1);
	return workers.pids[0];
}

/* By itself, whoever starts it. */
START_TEST(workers_are_filtered)
{
	static const struct {
		const char *setting, *seccomp;
	} cases[] = {
	    {"WITHDRAW_SANDBOX=on", "2"}, {"WITHDRAW_SANDBOX=off", "0"}};
	const char *settings[] = {
	    "WITHDRAW_WORKERS=1", cases[_i].setting, NULL};
	struct instance instance = instance_start(NULL, settings);

	instance_wait_ready(&instance);
	expect_status_of(instance.pid, "NoNewPrivs", "1");
	expect_status_of(only_worker(&instance), "NoNewPrivs", "1");
	expect_status_of(only_worker(&instance), "Seccomp", cases[_i].seccomp);
}
END_TEST

static bool
open_for_writing(pid_t pid, const char *fd)
{
	const char *text =
	    read_file(keep_format("/proc/%ld/fdinfo/%s", (long)pid, fd));
	const char *flags = strstr(text, "flags:");

	ck_assert_ptr_nonnull(flags);
	return (strtol(flags + strlen("flags:"), NULL, 8) & O_ACCMODE) !=
	    O_RDONLY;
}

/* Files that it has open for writing, but the log. */
static void
expect_no_file_to_write_to(pid_t pid, const char *log)
{
	DIR *dir = opendir(keep_format("/proc/%ld/fd", (long)pid));
	struct dirent *entry;
	int sockets = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *path =
		    keep_format("/proc/%ld/fd/%s", (long)pid, entry->d_name);
		char target[PATH_MAX] = "";
		struct stat status;

		if (entry->d_name[0] == '.' || stat(path, &status) != 0)
			continue;
		sockets += S_ISSOCK(status.st_mode);
		if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) &&
		    !S_ISBLK(status.st_mode))
			continue;
		ck_assert_int_gt(
		    (int)readlink(path, target, sizeof(target) - 1), 0);
		ck_assert_msg(strcmp(target, log) == 0 ||
			!open_for_writing(pid, entry->d_name) ||
			/* anonymous: no name, no file */
			strncmp(target, "anon_inode:", 11) == 0,
		    "pid %ld may write to %s by descriptor %s", (long)pid,
		    target, entry->d_name);
	}
	closedir(dir);
	ck_assert_int_gt(sockets, 2);
}

START_TEST(worker_has_no_file_to_write_to)
{
	struct workers workers = stack_workers();
	char *log = realpath(
	    keep_format("%s/log/withdrawd.log", setting("RUN_DIR")), NULL);

	ck_assert_ptr_nonnull(log);
	ck_assert_uint_gt(workers.n, 0);
	for (size_t i = 0; i < workers.n; i++)
		expect_no_file_to_write_to(workers.pids[i], log);
	free(log);
}
END_TEST

START_TEST(root_is_warned)
{
	struct instance instance = instance_start(NULL, NULL);
	bool warned;

	instance_wait_ready(&instance);
	warned = strstr(read_file(instance.log), "serving as root") != NULL;
	ck_assert_int_eq(warned, geteuid() == 0);
}
END_TEST

Suite *
privileges_suite(void)
{
	Suite *suite = suite_create("privileges");
	TCase *tcase = fixture_case(suite, "privileges");

	tcase_add_test(tcase, servers_have_no_power);
	tcase_add_loop_test(tcase, workers_are_filtered, 0, 2);
	tcase_add_test(tcase, worker_has_no_file_to_write_to);
	tcase_add_test(tcase, root_is_warned);
	return suite;
}
