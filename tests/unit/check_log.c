/* check_log.c: a message is a line, whatever is in it. */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "suites.h"

/* stderr while it is caught, and what was there before. */
static int caught[2], real_stderr;
static char text[16384];

static void
catch_stderr(void)
{
	ck_assert_int_eq(pipe2(caught, O_CLOEXEC), 0);
	real_stderr = dup(STDERR_FILENO);
	ck_assert_int_ge(real_stderr, 0);
	ck_assert_int_ge(dup2(caught[1], STDERR_FILENO), 0);
}

/* Puts stderr back; what was written is in text. A pipe holds 64 KiB: nobody
 * waits. */
static void
release_stderr(void)
{
	ssize_t n;

	ck_assert_int_ge(dup2(real_stderr, STDERR_FILENO), 0);
	close(real_stderr);
	close(caught[1]);
	n = read(caught[0], text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(caught[0]);
}

static void
assert_matches(const char *pattern)
{
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&re, text, 0, NULL, 0) == 0,
	    "\"%s\" does not match %s", text, pattern);
	regfree(&re);
}

/* One line, of printable ASCII. */
static void
assert_one_line(void)
{
	size_t len = strlen(text), i;

	ck_assert_uint_gt(len, 0);
	for (i = 0; i + 1 < len; i++)
		ck_assert_msg(text[i] >= ' ' && text[i] <= '~',
		    "byte %d at %zu", (unsigned char)text[i], i);
	ck_assert_int_eq(text[len - 1], '\n');
}

static void
plain(void)
{
	unsetenv("JOURNAL_STREAM");
	log_init("test");
}

START_TEST(lines)
{
	catch_stderr();
	log_info("order %d of %s", 7, "alice");
	release_stderr();
	assert_one_line();
	assert_matches("^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:"
		       "[0-6][0-9]\\.[0-9]{3}Z test\\[[0-9]+\\] "
		       "order 7 of alice\n$");
	catch_stderr();
	log_warnx("almost %s", "full");
	release_stderr();
	assert_one_line();
	assert_matches("Z test\\[[0-9]+\\] warning: almost full\n$");
	catch_stderr();
	errno = ENOENT;
	log_warn("could not open file \"%s\"", "x");
	release_stderr();
	assert_one_line();
	assert_matches("warning: could not open file \"x\": No such file or "
		       "directory\n$");
}
END_TEST

START_TEST(journal)
{
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "8:1", 1), 0);
	log_init("test");
	catch_stderr();
	log_info("hello");
	release_stderr();
	assert_matches("^<6>test\\[[0-9]+\\] hello\n$");
	catch_stderr();
	log_warnx("careful");
	release_stderr();
	assert_matches("^<4>test\\[[0-9]+\\] warning: careful\n$");
}
END_TEST

/* No input can begin a line of its own, or speak to a terminal. */
START_TEST(nothing_forged)
{
	char bytes[256];
	int i;

	for (i = 0; i < 255; i++)
		bytes[i] = (char)(i + 1);
	bytes[255] = '\0';
	catch_stderr();
	log_info("%s", bytes);
	release_stderr();
	assert_one_line();
	catch_stderr();
	log_info("a\r\nb\x1b[31mc\x7f\xc3\xa9");
	release_stderr();
	assert_one_line();
	assert_matches(
	    " a\\\\x0d\\\\x0ab\\\\x1b\\[31mc\\\\x7f\\\\xc3\\\\xa9\n$");
}
END_TEST

START_TEST(long_messages)
{
	static const char fill[] = {'a', '\n', '\x01', '\xff'};
	char *big = malloc(10000);
	size_t i;

	ck_assert_ptr_nonnull(big);
	for (i = 0; i < sizeof(fill); i++) {
		memset(big, fill[i], 9999);
		big[9999] = '\0';
		catch_stderr();
		log_info("%s", big);
		release_stderr();
		assert_one_line();
		catch_stderr();
		errno = EIO;
		log_warn("%s", big);
		release_stderr();
		assert_one_line();
	}
	free(big);
}
END_TEST

START_TEST(errno_is_kept)
{
	int error;

	catch_stderr();
	errno = EAGAIN;
	log_info("x");
	log_warn("x");
	log_warnx("x");
	error = errno;
	release_stderr();
	ck_assert_int_eq(error, EAGAIN);
}
END_TEST

START_TEST(errno_is_kept_without_stderr)
{
	int kept = dup(STDERR_FILENO), error;

	ck_assert_int_ge(kept, 0);
	close(STDERR_FILENO);
	errno = EAGAIN;
	log_info("x");
	error = errno;
	ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
	close(kept);
	ck_assert_int_eq(error, EAGAIN);
}
END_TEST

/* In a child of its own, so that it works with CK_FORK=no too. */
static int
status_of(void (*run)(void))
{
	int status;
	pid_t pid;

	fflush(NULL); /* or the child writes it once more */
	catch_stderr();
	pid = fork();
	if (pid == 0) {
		run();
		_exit(99);
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	release_stderr();
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
run_fatal(void)
{
	errno = EACCES;
	fatal("could not bind \"%s\"", "/x");
}

static void
run_fatalx(void)
{
	fatalx("no %s", "way");
}

START_TEST(fatal_ends_with_2)
{
	ck_assert_int_eq(status_of(run_fatal), 2);
	assert_one_line();
	assert_matches("could not bind \"/x\": Permission denied\n$");
	ck_assert_int_eq(status_of(run_fatalx), 2);
	assert_one_line();
	assert_matches("no way\n$");
}
END_TEST

START_TEST(memory_is_zero)
{
	unsigned char *p = xcalloc(1000, 7);
	size_t i;

	for (i = 0; i < 7000; i++)
		ck_assert_int_eq(p[i], 0);
	free(p);
}
END_TEST

Suite *
log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");

	tcase_add_checked_fixture(t, plain, plain);
	tcase_add_test(t, lines);
	tcase_add_test(t, journal);
	tcase_add_test(t, nothing_forged);
	tcase_add_test(t, long_messages);
	tcase_add_test(t, errno_is_kept);
	tcase_add_test(t, errno_is_kept_without_stderr);
	tcase_add_test(t, fatal_ends_with_2);
	tcase_add_test(t, memory_is_zero);
	suite_add_tcase(s, t);
	return s;
}
