/* fuzz.h: what all targets share.
 *
 * A target is a file that gives bytes to the project's own code and says what
 * must hold of the outcome: its oracle. It has its own copy of no code, and
 * knows the contract from elsewhere: a pattern, a slower way, an inverse.
 * With libFuzzer it searches (make fuzz); with replay.c it repeats what is in
 * corpus/ (make check-fuzz). */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target. Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Called when an oracle says no: says where, and ends the process. */
__attribute__((noreturn)) void fuzz_wrong(
    const char *file, int line, const char *what);

/* Must hold, with NDEBUG too. */
#define HOLDS(what) ((what) ? (void)0 : fuzz_wrong(__FILE__, __LINE__, #what))

/* A copy of its own size, so that the sanitizers see a byte too much; with a
 * NUL behind it, which is not counted. For free(). */
char *fuzz_copy(const void *data, size_t size);

/* Is text, all of it, of the form of an extended regular expression? Each
 * place that asks has a pattern of its own, which is a constant. */
struct fuzz_pattern {
	const char *text;
	void *compiled;
};
bool fuzz_matches(struct fuzz_pattern *pattern, const char *text);

/* A UUID that can be an order: by the pattern, and not nil. */
bool fuzz_is_uuid(const char *text);
/* A user id; its value. */
bool fuzz_is_user(const char *text, int64_t *user_r);

/* The parts of an input, taken from its front. */
struct fuzz_input {
	const uint8_t *at, *end;
};
uint8_t fuzz_byte(struct fuzz_input *in); /* 0 at its end */
uint64_t fuzz_number(struct fuzz_input *in, size_t bytes);
/* Up to the next line feed, or all that is left; for free(). NULL at its
 * end. */
char *fuzz_line(struct fuzz_input *in, size_t *len_r);

/* What the project's code writes to stderr does not get there. It must be
 * whole lines of printable ASCII, which is looked at for all targets; the last
 * is kept here. */
extern char fuzz_log[4096];
extern size_t fuzz_logged; /* lines so far */

#endif
