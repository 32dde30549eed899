/* server.c: the connections of a worker, through libfcgi: bytes as a peer
 * sends them, whole or cut, to the real server. Only one whole request leads
 * to a call, with exactly its parameters and body; nothing of it is taken for
 * another. */
#include <errno.h>
#include <ev.h>
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "records.h"
#include "web/server.h"

static struct ev_loop *loop;
static struct sockaddr_un address;
static socklen_t address_len;

/* What the present input should lead to, and has led to. */
static const struct records *expected;
static unsigned started, served;
static bool after; /* the input was sent: this is the good one behind it */

static const char answer[] = "Status: 200 OK\r\n\r\n";

/* The value of the last variable of that name, "" if there is none: variables
 * are "NAME=value", up to a NUL, as libfcgi hands them on. For free(). */
static char *
value_of(const char *name)
{
	char *value = fuzz_copy("", 0);
	struct records_param p;
	size_t at = 0, len = strlen(name);

	while (records_param(expected, &at, &p)) {
		char *variable = malloc(p.nname + p.nvalue + 2);

		HOLDS(variable != NULL);
		memcpy(variable, p.name, p.nname);
		variable[p.nname] = '=';
		memcpy(variable + p.nname + 1, p.value, p.nvalue);
		variable[p.nname + 1 + p.nvalue] = '\0';
		if (strncmp(variable, name, len) == 0 && variable[len] == '=') {
			free(value);
			value = strdup(variable + len + 1);
		}
		free(variable);
	}
	return value;
}

static void
compare(struct exchange *x)
{
	char *body = malloc(RECORDS_MAX), *path = value_of("DOCUMENT_URI");
	char *query = value_of("QUERY_STRING");
	size_t n;

	HOLDS(body != NULL);
	HOLDS(strcmp(x->request.path, path) == 0);
	HOLDS(strcmp(x->request.query, query) == 0);
	n = exchange_body(x, body, RECORDS_MAX);
	HOLDS(n == expected->nbody && memcmp(body, expected->body, n) == 0);
	free(body);
	free(path);
	free(query);
}

static void
on_start(struct exchange *x)
{
	started++;
	if (after)
		HOLDS(strcmp(x->request.path, "/after") == 0);
	else if (expected->nbody % 4 != 0) /* or its body is not read */
		compare(x);
	exchange_answer(x, answer, sizeof(answer) - 1, "", 0);
}

static void
on_served(void *arg)
{
	(void)arg;
	served++;
}

static void
on_drained(void *arg)
{
	(void)arg;
}

static void
set_up(void)
{
	static const struct server_hooks hooks = {
	    .start = on_start, .served = on_served, .drained = on_drained};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	HOLDS(FCGX_Init() == 0);
	address.sun_family = AF_UNIX;
	address_len = sizeof(address.sun_family); /* the kernel finds a name */
	HOLDS(fd >= 0 &&
	    bind(fd, (struct sockaddr *)&address, address_len) == 0 &&
	    listen(fd, 8) == 0);
	address_len = sizeof(address);
	HOLDS(getsockname(fd, (struct sockaddr *)&address, &address_len) == 0);
	loop = ev_loop_new(EVFLAG_NOENV);
	HOLDS(loop != NULL);
	HOLDS(server_open(loop, fd, NULL, &hooks) != NULL);
}

static void
turn(int times)
{
	while (times-- > 0)
		ev_run(loop, EVRUN_NOWAIT);
}

static void
send_all(int fd, const uint8_t *data, size_t size)
{
	HOLDS(size == 0 ||
	    send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) ==
		(ssize_t)size ||
	    errno == EPIPE || errno == ECONNRESET);
}

/* Returns true if the peer has closed. */
static bool
receive_all(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		continue;
	return n == 0 || errno == ECONNRESET;
}

static void
send_good(int fd)
{
	static const uint8_t request[] =
	    "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
	    "\1\4\0\1\0\24\0\0\14\6DOCUMENT_URI/after"
	    "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0";

	after = true;
	send_all(fd, request, sizeof(request) - 1);
	turn(2);
}

/* A new one must be served, whatever came on the others. */
static void
serve_another(void)
{
	unsigned before = served;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	HOLDS(fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, address_len) == 0);
	turn(1);
	send_good(fd);
	HOLDS(served == before + 1);
	close(fd);
	turn(2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t too_much[RECORDS_MAX];
	struct records r;
	enum records_verdict v;
	size_t cut;
	bool closed;
	int fd;

	if (loop == NULL)
		set_up();
	if (size < 1 || size > RECORDS_MAX)
		return 0;
	cut = data[0] & 0x80 ? (size - 1) * (data[0] & 0x7f) / 0x80 : size - 1;
	data++;
	size--;
	v = records_read(data, size, &r);
	expected = &r;
	started = served = 0;
	after = false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	HOLDS(fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, address_len) == 0);
	turn(1);
	/* cut: the rest never comes, as what is unfinished is only looked at
	 * again after a while */
	send_all(fd, data, cut);
	turn(2);
	if (cut == size) {
		HOLDS(started == (v == RECORDS_WHOLE) && served == started);
		closed = receive_all(fd);
		HOLDS(v != RECORDS_BAD || closed);
		HOLDS(v != RECORDS_PARTIAL || !closed);
		if (v == RECORDS_WHOLE && r.keep) {
			HOLDS(!closed);
			send_good(fd);
			HOLDS(started == 2 && served == 2);
		}
	} else {
		HOLDS(started == 0 || v == RECORDS_BAD);
	}
	/* what is unfinished would be kept, and looked at, for seconds: make it
	 * too long, so that it ends at the next look */
	if (started == 0)
		send_all(fd, too_much, sizeof(too_much));
	close(fd);
	turn(2);
	after = true;
	serve_another();
	records_free(&r);
	return 0;
}
