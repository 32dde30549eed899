/* log.c: see log.h. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE 2048

static const char *role = "withdraw";
static int journal;
static int pid;

void
log_init(const char *r)
{
	role = r;
	pid = (int)getpid();
	journal = getenv("JOURNAL_STREAM") != NULL;
}

/* Copies in to out with every byte outside of printable ASCII as \xNN. */
static size_t
escape(const char *in, char *out, size_t room)
{
	size_t n = 0;

	for (; *in != '\0' && n + 5 < room; in++) {
		if (*in >= ' ' && *in <= '~')
			out[n++] = *in;
		else
			n += (size_t)snprintf(
			    out + n, room - n, "\\x%02x", (unsigned char)*in);
	}
	return n;
}

/* The time as ISO 8601 has it; all but the milliseconds is written once for
 * the lines of a second. */
static size_t
stamp(char *out, size_t room)
{
	static time_t second = -1;
	static char text[32];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second) {
		gmtime_r(&now.tv_sec, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		second = now.tv_sec;
	}
	return (size_t)snprintf(
	    out, room, "%s.%03ldZ ", text, now.tv_nsec / 1000000);
}

static void
vlog(int priority, const char *error, const char *fmt, va_list ap)
{
	char text[LINE], line[LINE + 128];
	int saved = errno;
	size_t n;

	if (pid == 0)
		pid = (int)getpid();
	vsnprintf(text, sizeof(text), fmt, ap);
	if (journal)
		n = (size_t)snprintf(line, sizeof(line), "<%d>", priority);
	else
		n = stamp(line, sizeof(line));
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s[%d] %s", role,
	    pid, priority <= LOG_WARNING ? "warning: " : "");
	n += escape(text, line + n, sizeof(line) - n - 1);
	if (error != NULL && n + 3 < sizeof(line)) {
		memcpy(line + n, ": ", 2);
		n += 2;
		n += escape(error, line + n, sizeof(line) - n - 1);
	}
	line[n++] = '\n';
	/* one write a line: lines of several processes do not mix. There is
	 * nowhere to report that the log itself cannot be written. */
	if (write(STDERR_FILENO, line, n) < 0)
		errno = saved;
	errno = saved;
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_INFO, NULL, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_WARNING, strerror(errno), fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_WARNING, NULL, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_ERR, strerror(errno), fmt, ap);
	va_end(ap);
	exit(2);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_ERR, NULL, fmt, ap);
	va_end(ap);
	exit(2);
}

void *
xcalloc(unsigned long n, unsigned long size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		fatalx("out of memory");
	return p;
}
