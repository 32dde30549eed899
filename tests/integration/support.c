/* Memory of a test, bounded waiting, the environment: see support.h. */
#include "support.h"

#include <check.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WAIT_LIMIT_MS = 30000,
	WAIT_STEP_NS = 10 * 1000 * 1000,
};

struct kept {
	struct kept *next;
	max_align_t data[];
};

static struct kept *kept_all;
static pthread_mutex_t kept_mutex = PTHREAD_MUTEX_INITIALIZER;

void *
keep(size_t size)
{
	struct kept *kept = calloc(1, sizeof(*kept) + size);

	if (kept == NULL)
		abort();
	pthread_mutex_lock(&kept_mutex);
	kept->next = kept_all;
	kept_all = kept;
	pthread_mutex_unlock(&kept_mutex);
	return kept->data;
}

char *
keep_text(const void *data, size_t len)
{
	char *text = keep(len + 1);

	if (len > 0)
		memcpy(text, data, len);
	return text;
}

char *
keep_format(const char *format, ...)
{
	va_list args;
	char *text;
	char *kept;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	kept = keep_text(text, strlen(text));
	free(text);
	return kept;
}

void
keep_free_all(void)
{
	while (kept_all != NULL) {
		struct kept *next = kept_all->next;

		free(kept_all);
		kept_all = next;
	}
}

const char *
setting(const char *name)
{
	const char *value = getenv(name);

	ck_assert_msg(value != NULL,
	    "%s is not set: run these tests by tests/run.sh, which starts "
	    "the servers and exports what RUN_DIR/env says",
	    name);
	return value;
}

/* How long this process was kept waiting, since the first look. */
static _Atomic long long kept_waiting_ms;

static void *
watch_the_machine(void *unused)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
	long long before = now_ms();

	(void)unused;
	for (;;) {
		long long late;

		nanosleep(&step, NULL);
		late = now_ms() - before - WAIT_STEP_NS / 1000000;
		before += late + WAIT_STEP_NS / 1000000;
		/* less is what any waiting costs */
		if (late > WAIT_STEP_NS / 1000000)
			kept_waiting_ms += late;
	}
	return NULL;
}

static void
begin_to_watch(void)
{
	pthread_t watcher;

	if (pthread_create(&watcher, NULL, watch_the_machine, NULL) != 0)
		abort();
}

long long
working_ms(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, begin_to_watch);
	return now_ms() - kept_waiting_ms;
}

long
number_of(const char *name, long otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtol(value, NULL, 10) : otherwise;
}

long long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

struct wait
wait_begin(void)
{
	return (struct wait){.deadline_ms = now_ms() + WAIT_LIMIT_MS};
}

void
wait_again(struct wait *wait, const char *what, const char *file, int line)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_NS};

	ck_assert_msg(now_ms() < wait->deadline_ms,
	    "%s:%d: waited %d s in vain for: %s", file, line,
	    WAIT_LIMIT_MS / 1000, what);
	nanosleep(&step, NULL);
}

char *
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	char *kept;

	if (file == NULL)
		return keep_text("", 0);
	len = getdelim(&text, &size, EOF, file);
	kept = keep_text(text, len > 0 ? (size_t)len : 0);
	free(text);
	fclose(file);
	return kept;
}

const char *
program(const char *name)
{
	const char *build = getenv("BUILD");

	return keep_format("%s/%s", build != NULL ? build : "build", name);
}

void
expect_said(const char *out, const char *word)
{
	ck_assert_msg(
	    strstr(out, word) != NULL, "does not say \"%s\": %s", word, out);
}

/* A message may not be as long as a log: the rest of it from there. */
static void
expect_unsaid(const char *log, const char *word)
{
	const char *found = strstr(log, word);

	ck_assert_msg(found == NULL, "%.1500s", found);
}

void
expect_stopped_well(const char *log, size_t said)
{
	static const char *const findings[] = {"ERROR: AddressSanitizer",
	    "ERROR: LeakSanitizer", "LeakSanitizer has encountered",
	    "runtime error:"};
	static const char *const bad_ends[] = {
	    " was killed by signal ", " exited with status ", " does not stop"};

	for (int i = 0; i < COUNT(findings); i++)
		expect_unsaid(log, findings[i]);
	ck_assert_uint_ge(strlen(log), said);
	for (int i = 0; i < COUNT(bad_ends); i++)
		expect_unsaid(log + said, bad_ends[i]);
	expect_said(log + said, "stopped");
}
