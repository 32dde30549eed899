/* proxy.c: goes between withdrawd and a store, and wrong when told to.
 *
 *   torture-proxy LISTEN TARGET CONTROL
 *
 * LISTEN and TARGET are unix sockets, CONTROL is a FIFO with a command a line:
 *
 *   reset       closes all connections
 *   refuse MS   closes all, and new ones for a while
 *   stall MS    nothing passes, in neither direction, for a while
 *   cut N       of the next reply on each connection N bytes pass, at most all
 *               but one, then it is closed
 *   swallow     the next request on each connection passes, its reply does
 *               not: the connection is closed instead
 *   garbage     the next reply on each connection begins with something else
 *
 * Says the command's word on stdout, a line each time that something has come
 * of it: a connection was closed, or held something back. Ends on TERM. */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../integration/usock.h"

enum {
	LINKS_MAX = 400,
	CHUNK_MAX = 65536,
	FAILED = 2,
	TICK_MS = 500,
	STALLED_MS = 10
};

enum wrong { PASS, CUT, SWALLOW, SWALLOWING, GARBAGE };

struct link {
	int client, server; /* -1: free */
	enum wrong wrong;
};

static struct link links[LINKS_MAX];
static int listener, control;
static const char *target;
static long long stalled_until, refused_until; /* ms */
static size_t cut_at;
static bool held_back; /* by this stall */

static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
tell(const char *word)
{
	puts(word);
}

static void
close_link(struct link *l)
{
	if (l->client >= 0) {
		close(l->client);
		close(l->server);
	}
	*l = (struct link){.client = -1, .server = -1};
}

static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
from_client(struct link *l)
{
	char data[CHUNK_MAX];
	ssize_t n = recv(l->client, data, sizeof(data), 0);

	if (n <= 0)
		return false;
	if (l->wrong == SWALLOW)
		l->wrong = SWALLOWING;
	return write_all(l->server, data, (size_t)n);
}

static bool
from_server(struct link *l)
{
	static const char garbage[] = "\0\377$-7\r\n+PONG\r\nZ\0\0\0\5I";
	char data[CHUNK_MAX];
	ssize_t n = recv(l->server, data, sizeof(data), 0);
	size_t len = (size_t)n;

	if (n <= 0)
		return false;
	switch (l->wrong) {
	case CUT:
		if (cut_at < len)
			len = cut_at;
		else
			len--;
		write_all(l->client, data, len);
		tell("cut");
		return false;
	case SWALLOWING:
		tell("swallow");
		return false;
	case GARBAGE:
		tell("garbage");
		l->wrong = PASS;
		if (!write_all(l->client, garbage, sizeof(garbage) - 1))
			return false;
		break;
	case PASS:
	case SWALLOW:
		break;
	}
	return write_all(l->client, data, len);
}

static void
accept_link(void)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC), server = -1;
	size_t i = 0;

	if (client < 0)
		return;
	while (i < LINKS_MAX && links[i].client >= 0)
		i++;
	if (i < LINKS_MAX && now_ms() >= refused_until)
		server = usock_connect(target);
	if (server < 0)
		close(client); /* as the store itself, were it down */
	else
		links[i] = (struct link){.client = client, .server = server};
}

static void
close_all(const char *word)
{
	for (size_t i = 0; i < LINKS_MAX; i++)
		if (links[i].client >= 0) {
			close_link(&links[i]);
			tell(word);
		}
}

static void
set_all(enum wrong wrong)
{
	for (size_t i = 0; i < LINKS_MAX; i++)
		links[i].wrong = wrong;
}

static void
obey(const char *line)
{
	char word[16];
	long value = 0;

	if (sscanf(line, "%15s %ld", word, &value) < 1)
		return;
	if (strcmp(word, "reset") == 0) {
		close_all(word);
	} else if (strcmp(word, "refuse") == 0) {
		refused_until = now_ms() + value;
		close_all(word);
	} else if (strcmp(word, "stall") == 0) {
		stalled_until = now_ms() + value;
		held_back = false;
	} else if (strcmp(word, "cut") == 0) {
		cut_at = (size_t)value;
		set_all(CUT);
	} else if (strcmp(word, "swallow") == 0) {
		set_all(SWALLOW);
	} else if (strcmp(word, "garbage") == 0) {
		set_all(GARBAGE);
	} else {
		warnx("there is no command \"%s\"", word);
	}
}

/* Has a link something to pass on, while nothing passes? */
static void
look_held_back(const struct pollfd *waiting)
{
	struct pollfd now[2 * LINKS_MAX];

	if (held_back)
		return;
	memcpy(now, waiting, sizeof(now));
	if (poll(now, 2 * LINKS_MAX, 0) > 0) {
		held_back = true;
		tell("stall");
	}
}

static void
read_commands(void)
{
	char text[1024], *line, *rest = text;
	ssize_t n = read(control, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		obey(line);
}

/* One round: whatever can be read now. */
static void
serve(void)
{
	struct pollfd polls[2 * LINKS_MAX + 2];
	long long left = stalled_until - now_ms();
	bool stalled = left > 0;
	size_t i;

	for (i = 0; i < LINKS_MAX; i++) {
		polls[2 * i] =
		    (struct pollfd){.fd = links[i].client, .events = POLLIN};
		polls[2 * i + 1] =
		    (struct pollfd){.fd = links[i].server, .events = POLLIN};
	}
	if (stalled) {
		look_held_back(polls);
		for (i = 0; i < 2 * LINKS_MAX; i++)
			polls[i].fd = -1;
	}
	polls[2 * LINKS_MAX] =
	    (struct pollfd){.fd = listener, .events = POLLIN};
	polls[2 * LINKS_MAX + 1] =
	    (struct pollfd){.fd = control, .events = POLLIN};
	if (poll(polls, 2 * LINKS_MAX + 2,
		!stalled        ? TICK_MS
		    : held_back ? (int)left
				: STALLED_MS) <= 0)
		return;
	for (i = 0; i < LINKS_MAX; i++) {
		struct link *l = &links[i];

		if (polls[2 * i].revents != 0 && !from_client(l))
			close_link(l);
		else if (polls[2 * i + 1].revents != 0 && !from_server(l))
			close_link(l);
	}
	if (polls[2 * LINKS_MAX].revents != 0)
		accept_link();
	if (polls[2 * LINKS_MAX + 1].revents != 0)
		read_commands();
}

int
main(int argc, char *argv[])
{
	if (argc != 4)
		errx(FAILED, "usage: torture-proxy LISTEN TARGET CONTROL");
	target = argv[2];
	for (size_t i = 0; i < LINKS_MAX; i++)
		links[i] = (struct link){.client = -1, .server = -1};
	setvbuf(stdout, NULL, _IOLBF, 0);
	unlink(argv[1]);
	listener = usock_listen(argv[1]);
	if (listener < 0)
		err(FAILED, "%s", argv[1]);
	/* for writing too: it has no end when a writer leaves */
	control = open(argv[3], O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (control < 0)
		err(FAILED, "%s", argv[3]);
	for (;;)
		serve();
}
