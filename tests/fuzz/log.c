/* log.c: a message is one line of printable ASCII (which fuzz.c looks at, for
 * all targets), and says what it was given, as far as there is room. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fuzz.h"

enum { ROOM = 2047 }; /* of a message; log.c's own */

/* Every byte that is not printable ASCII as \xNN; for free(). */
static char *
escaped(const char *text, size_t len)
{
	char *out = calloc(4, len + 1), *p = out;
	size_t i;

	HOLDS(out != NULL);
	for (i = 0; i < len; i++)
		if (text[i] >= ' ' && text[i] <= '~')
			*p++ = text[i];
		else
			p += sprintf(p, "\\x%02x", (unsigned char)text[i]);
	return out;
}

/* The line is a head, the message and a tail; what is cut was too long. */
static void
must_say(const char *text, const char *head, const char *tail)
{
	const char *message = strstr(fuzz_log, head);
	size_t len = strlen(text), same = 0;
	char *wanted = escaped(text, len < ROOM ? len : ROOM);

	HOLDS(message != NULL);
	message += strlen(head);
	while (wanted[same] != '\0' && wanted[same] == message[same])
		same++;
	if (wanted[same] == '\0' && strlen(message) < ROOM)
		HOLDS(strcmp(message + same, tail) == 0);
	else
		HOLDS(wanted[same] == '\0' || same >= ROOM);
	free(wanted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	uint8_t kind = fuzz_byte(&in);
	char *text = fuzz_copy(in.at, (size_t)(in.end - in.at));
	size_t lines = fuzz_logged;

	if (kind & 1)
		setenv("JOURNAL_STREAM", "8:1", 1);
	else
		unsetenv("JOURNAL_STREAM");
	log_init("test");
	errno = EACCES;
	if (kind & 2) {
		log_warn("%s", text);
		HOLDS(fuzz_logged == lines + 1);
		must_say(text, "] warning: ", ": Permission denied");
	} else {
		log_info("%s", text);
		HOLDS(fuzz_logged == lines + 1);
		must_say(text, "] ", "");
	}
	HOLDS(errno == EACCES);
	free(text);
	return 0;
}
