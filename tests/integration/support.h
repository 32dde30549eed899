/*
 * What every test file needs and nobody owns: memory that lives as long as
 * the test, bounded waiting for a condition, the environment.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Memory that is freed when the test is over; never NULL. Thread-safe. */
void *keep(size_t size);
char *keep_text(const void *data, size_t len);
__attribute__((format(printf, 1, 2))) char *keep_format(
    const char *format, ...);
void keep_free_all(void);

/* The value of an environment variable that tests/run.sh exports; its
 * absence fails the test. */
const char *setting(const char *name);

/* Waits until the condition holds; after 30 s the test fails and names it. */
#define WAIT_UNTIL(condition)                                                  \
	do {                                                                   \
		struct wait wait_ = wait_begin();                              \
		while (!(condition))                                           \
			wait_again(&wait_, #condition, __FILE__, __LINE__);    \
	} while (0)

struct wait {
	long long deadline_ms;
};
struct wait wait_begin(void);
void wait_again(
    struct wait *wait, const char *what, const char *file, int line);

/* The path of a program under test: in $BUILD, or build. */
const char *program(const char *name);

/* Fails the test unless the text has that word in it; shows the text. */
void expect_said(const char *text, const char *word);

/* Fails the test for a log of withdrawd with a sanitizer's finding in it, or
 * with an end other than a good one after the first `said` bytes, when it was
 * told to stop. Workers look for their leaks when they end, not when killed. */
void expect_stopped_well(const char *log, size_t said);

long long now_ms(void);

/* A clock that stands still while this machine does: the time for which a
 * thread that wants to run each 10 ms was kept waiting is not in it. What must
 * be so within seconds is measured by it. */
long long working_ms(void);

/* A number that an environment variable may set: a limit that a slow machine
 * can raise, how many there are of something. */
long number_of(const char *name, long otherwise);

/* The whole of a file as text; "" where there is none. */
char *read_file(const char *path);

#endif
