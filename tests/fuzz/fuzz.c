/* fuzz.c: see fuzz.h. */
#include "fuzz.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

char fuzz_log[4096];
size_t fuzz_logged;

/* ld's --wrap leads the project's write() here. */
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __real_write(int fd, const void *data, size_t len);

void
fuzz_wrong(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	const char *text = data;
	size_t i;

	if (fd != STDERR_FILENO)
		return __real_write(fd, data, len);
	HOLDS(len > 0 && len < sizeof(fuzz_log));
	HOLDS(text[len - 1] == '\n');
	for (i = 0; i + 1 < len; i++)
		HOLDS(text[i] >= ' ' && text[i] <= '~');
	memcpy(fuzz_log, text, len - 1);
	fuzz_log[len - 1] = '\0';
	fuzz_logged++;
	return (ssize_t)len;
}

char *
fuzz_copy(const void *data, size_t size)
{
	char *copy = malloc(size + 1);

	HOLDS(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

bool
fuzz_matches(struct fuzz_pattern *pattern, const char *text)
{
	regmatch_t all;

	if (pattern->compiled == NULL) {
		pattern->compiled = malloc(sizeof(regex_t));
		HOLDS(pattern->compiled != NULL);
		HOLDS(regcomp(pattern->compiled, pattern->text, REG_EXTENDED) ==
		    0);
	}
	/* a $ would match before a line feed with other flags: look oneself */
	return regexec(pattern->compiled, text, 1, &all, 0) == 0 &&
	    all.rm_so == 0 && (size_t)all.rm_eo == strlen(text);
}

bool
fuzz_is_uuid(const char *text)
{
	static struct fuzz_pattern form = {
	    .text = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-"
		    "[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"};

	return fuzz_matches(&form, text) &&
	    strcmp(text, "00000000-0000-0000-0000-000000000000") != 0;
}

bool
fuzz_is_user(const char *text, int64_t *user_r)
{
	static struct fuzz_pattern form = {.text = "^[1-9][0-9]{0,18}$"};

	if (!fuzz_matches(&form, text) ||
	    (strlen(text) == 19 && strcmp(text, "9223372036854775807") > 0))
		return false;
	for (*user_r = 0; *text != '\0'; text++)
		*user_r = *user_r * 10 + (*text - '0');
	return true;
}

uint8_t
fuzz_byte(struct fuzz_input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

uint64_t
fuzz_number(struct fuzz_input *in, size_t bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | fuzz_byte(in);
	return v;
}

char *
fuzz_line(struct fuzz_input *in, size_t *len_r)
{
	size_t left = (size_t)(in->end - in->at);
	const uint8_t *feed;
	char *line;

	if (left == 0)
		return NULL;
	feed = memchr(in->at, '\n', left);
	*len_r = feed != NULL ? (size_t)(feed - in->at) : left;
	line = fuzz_copy(in->at, *len_r);
	in->at += *len_r + (feed != NULL);
	return line;
}
