/* http.c: see http.h. */
#include "http.h"

#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROOM_FIRST 4096
#define ROOM_LAST  (1 << 20)
#define EVENTS     256
#define COULD_NOT  2

int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
http_open(struct http *h, const struct sockaddr_in *server, unsigned nconns,
    int timeout_s)
{
	unsigned i;

	h->server = *server;
	h->timeout_s = timeout_s;
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->conns = calloc(nconns, sizeof(*h->conns));
	if (h->epoll < 0 || h->conns == NULL)
		err(COULD_NOT, "could not begin");
	h->nconns = nconns;
	for (i = 0; i < nconns; i++) {
		struct conn *c = &h->conns[i];

		c->http = h;
		c->fd = -1;
		c->in_room = ROOM_FIRST;
		c->in = malloc(c->in_room);
		if (c->in == NULL)
			err(COULD_NOT, "out of memory");
	}
}

/* --- a connection ------------------------------------------------------- */

static void
hang_up(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd); /* epoll forgets it */
	c->fd = -1;
}

/* Waits for the connect, which takes no time where load is driven; a server
 * that is not there is an error of the whole run. */
static void
dial(struct conn *c)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		err(COULD_NOT, "socket");
	if (connect(c->fd, (struct sockaddr *)&c->http->server,
		sizeof(c->http->server)) != 0)
		err(COULD_NOT, "could not connect to port %d",
		    ntohs(c->http->server.sin_port));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(c->http->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		err(COULD_NOT, "epoll_ctl");
}

void
http_send(struct conn *c, http_answered *answered)
{
	ssize_t n;

	if (c->fd < 0)
		dial(c);
	c->answered = answered;
	c->waiting = true;
	c->http->waiting++;
	c->in_len = 0;
	c->sent_ns = now_ns();
	n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
	/* a request is much smaller than a socket's buffer; a peer that is
	 * gone is noticed when its answer is read */
	if (n >= 0 && (size_t)n != c->out_len)
		errx(COULD_NOT, "a request was sent in part");
}

static void
tell(struct conn *c, struct answer *a)
{
	a->sent_ns = c->sent_ns;
	a->at_ns = now_ns();
	c->waiting = false;
	c->http->waiting--;
	c->answered(c, a);
}

static void
fail(struct conn *c, const char *why)
{
	struct answer a = {.body = why, .body_len = strlen(why)};

	hang_up(c);
	tell(c, &a);
}

/* --- an answer ---------------------------------------------------------- */

struct head {
	int status;
	size_t len; /* of the head */
	size_t body_len;
	bool chunked, close, replayed;
};

/* name has its colon. Returns the value, without blanks, or NULL. */
static const char *
header(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(line, name, n) != 0
	    ? NULL
	    : line + n + strspn(line + n, " ");
}

/* in is terminated. False: the head is not there whole. */
static bool
read_head(const char *in, struct head *h)
{
	const char *line, *end = strstr(in, "\r\n\r\n"), *v;

	if (end == NULL)
		return false;
	*h = (struct head){.len = (size_t)(end - in) + 4};
	if (strncmp(in, "HTTP/1.1 ", 9) == 0)
		h->status = atoi(in + 9);
	for (line = strstr(in, "\r\n") + 2; line < end;
	     line = strstr(line, "\r\n") + 2) {
		switch (*line | 0x20) {
		case 'c':
			if ((v = header(line, "Content-Length:")) != NULL)
				h->body_len = strtoul(v, NULL, 10);
			else if ((v = header(line, "Connection:")) != NULL)
				h->close = strncasecmp(v, "close", 5) == 0;
			break;
		case 't':
			if ((v = header(line, "Transfer-Encoding:")) != NULL)
				h->chunked = strncasecmp(v, "chunked", 7) == 0;
			break;
		case 'i':
			if ((v = header(line, "Idempotent-Replayed:")) != NULL)
				h->replayed = strncasecmp(v, "true", 4) == 0;
			break;
		default:
			break;
		}
	}
	return true;
}

/* Puts the chunks together at the body's beginning, if they are all there;
 * before that it changes nothing. */
static bool
join_chunks(char *body, size_t len, size_t *len_r)
{
	size_t in, out = 0, n;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (in = out = 0;;) {
			char *end = memmem(body + in, len - in, "\r\n", 2);

			if (end == NULL)
				return false;
			n = strtoul(body + in, NULL, 16);
			in = (size_t)(end - body) + 2;
			if (in + n + 2 > len)
				return false;
			if (pass == 1)
				memmove(body + out, body + in, n);
			in += n + 2;
			out += n;
			if (n == 0)
				break;
		}
	}
	*len_r = out;
	return true;
}

/* Tells the answer if it is there whole. */
static void
look(struct conn *c)
{
	struct answer a = {0};
	struct head h;

	c->in[c->in_len] = '\0';
	if (!read_head(c->in, &h))
		return;
	if (h.chunked) {
		if (!join_chunks(c->in + h.len, c->in_len - h.len, &h.body_len))
			return;
	} else if (c->in_len < h.len + h.body_len) {
		return;
	} else if (c->in_len > h.len + h.body_len) {
		fail(c, "more than one answer came");
		return;
	}
	c->in[h.len + h.body_len] = '\0';
	a.status = h.status;
	a.replayed = h.replayed;
	a.body = c->in + h.len;
	a.body_len = h.body_len;
	if (h.close)
		hang_up(c);
	tell(c, &a);
}

static void
take(struct conn *c)
{
	ssize_t n;

	if (c->in_room - c->in_len < ROOM_FIRST / 2) {
		c->in_room *= 2;
		c->in = realloc(c->in, c->in_room);
		if (c->in == NULL || c->in_room > ROOM_LAST)
			errx(COULD_NOT, "an answer is too large");
	}
	n = recv(
	    c->fd, c->in + c->in_len, c->in_room - c->in_len - 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (!c->waiting) {
		hang_up(c); /* the server has waited long enough */
	} else if (n <= 0) {
		fail(c, n == 0 ? "the connection was closed" : strerror(errno));
	} else {
		c->in_len += (size_t)n;
		look(c);
	}
}

/* All that still wait have waited too long: nothing came for anybody. */
static void
give_up(struct http *h)
{
	unsigned i;

	for (i = 0; i < h->nconns; i++)
		if (h->conns[i].waiting)
			fail(&h->conns[i], "no answer in time");
}

void
http_run(struct http *h)
{
	struct epoll_event events[EVENTS];
	int i, n;

	while (h->waiting > 0) {
		n = epoll_wait(h->epoll, events, EVENTS, h->timeout_s * 1000);
		if (n < 0 && errno != EINTR)
			err(COULD_NOT, "epoll_wait");
		for (i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c->fd >= 0)
				take(c);
		}
		if (n == 0)
			give_up(h);
		if (h->tick != NULL)
			h->tick(h->arg, now_ns());
	}
}
