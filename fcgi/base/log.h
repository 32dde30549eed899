/* log.h: messages to stderr, a line each.
 *
 * Control bytes and everything that is not ASCII are escaped, so that no
 * input can forge a line. With $JOURNAL_STREAM each line has its sd-daemon(3)
 * priority, otherwise the time. Messages: lower case, no full stop. Never
 * give it a token or a password. errno is kept. */
#ifndef LOG_H
#define LOG_H

#define LOG_FORMAT(n) __attribute__((format(printf, (n), (n) + 1)))
#define LOG_ENDS      __attribute__((noreturn))

/* role: "master", "worker", ...; kept, not copied. To be called again after a
 * fork, since lines bear the process. */
void log_init(const char *role);

void log_info(const char *fmt, ...) LOG_FORMAT(1);
/* Adds ": strerror(errno)". */
void log_warn(const char *fmt, ...) LOG_FORMAT(1);
void log_warnx(const char *fmt, ...) LOG_FORMAT(1);

/* Log and exit with status 2: could not do its work. */
void fatal(const char *fmt, ...) LOG_FORMAT(1) LOG_ENDS;
void fatalx(const char *fmt, ...) LOG_FORMAT(1) LOG_ENDS;

/* Memory that is there, zeroed, or the end of the process: the master starts
 * another, and Postgres rolls back what was under way. Free with free(). */
void *xcalloc(unsigned long n, unsigned long size);

#endif
