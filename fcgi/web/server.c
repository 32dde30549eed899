/* server.c: see server.h. */
#include "server.h"

#include <errno.h>
#include <ev.h>
#include <fcgiapp.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "web/frame.h"

#define PARTIAL_FIRST                                                          \
	0.002 /* seconds between looks at an unfinished request                \
	       */
#define PARTIAL_LAST   0.05
#define PARTIAL_LIMIT  5    /* a request must be there whole within this */
#define DRAIN_IDLE     0.25 /* idle connections are closed this late */
#define ACCEPT_PAUSE   0.1  /* after running out of descriptors */
#define SOCKET_LIMIT_S 5    /* a peer that does not read its answer */

enum conn_state { CONN_IDLE, CONN_PARTIAL, CONN_SERVING };

struct conn {
	struct server *server;
	struct conn *prev, *next;
	enum conn_state state;
	FCGX_Request fcgi;
	ev_io readable; /* started as a rule: to stop and start it costs */
	ev_timer again; /* partial: the next look */
	int64_t first_byte_us;
	struct exchange exchange;
};

struct server {
	struct ev_loop *loop;
	int listen_fd;
	const struct service *service;
	const struct server_hooks *hooks;
	ev_io acceptable;
	ev_timer pause, idle_limit;
	int64_t accept_warned_us; /* said every 10 s at most */
	struct conn *conns;
	bool draining;
};

static void on_readable(struct ev_loop *loop, ev_io *io, int revents);
static void on_again(struct ev_loop *loop, ev_timer *t, int revents);

/* --- a connection's life ------------------------------------------------ */

static void
conn_free(struct conn *c)
{
	struct server *s = c->server;

	ev_io_stop(s->loop, &c->readable);
	ev_timer_stop(s->loop, &c->again);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	FCGX_Free(&c->fcgi, 1); /* closes the socket if it is open still */
	explicit_bzero(c, sizeof(*c));
	free(c);
	if (s->draining && s->conns == NULL)
		s->hooks->drained(s->hooks->arg);
}

static void
conn_open(struct server *s, int fd)
{
	const struct timeval limit = {.tv_sec = SOCKET_LIMIT_S};
	struct conn *c = xcalloc(1, sizeof(*c));

	/* never reached as long as frame.c is right, and no answer is larger
	 * than a socket's buffer; a peer must not be able to stop a worker */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		log_warn("could not set the timeouts of a connection");
	c->server = s;
	FCGX_InitRequest(&c->fcgi, -1, 0); /* -1: never accepts by itself */
	c->fcgi.ipcFd = fd;
	/* without the first, FCGX_Accept_r() closes what it finds open; without
	 * the second, closing waits up to 2 s for the peer */
	c->fcgi.keepConnection = 1;
	FCGX_Detach(&c->fcgi);
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_timer_init(&c->again, on_again, 0, 0);
	c->readable.data = c->again.data = c;
	c->next = s->conns;
	if (c->next != NULL)
		c->next->prev = c;
	s->conns = c;
	ev_io_start(s->loop, &c->readable);
}

/* Ready for the next request on the same connection. */
static void
conn_idle(struct conn *c)
{
	c->state = CONN_IDLE;
	ev_io_start(c->server->loop, &c->readable);
}

/* A whole request is there: libfcgi may read it. */
static void
conn_serve(struct conn *c)
{
	struct exchange *x = &c->exchange;

	if (FCGX_Accept_r(&c->fcgi) < 0) {
		conn_free(c);
		return;
	}
	c->state = CONN_SERVING;
	x->service = c->server->service;
	x->began_us = clock_us();
	request_read(c->fcgi.envp, &x->request);
	c->server->hooks->start(x);
}

/* Looks at what is there, without taking it. */
static void
conn_look(struct conn *c)
{
	static unsigned char buf[FRAME_MAX];
	struct server *s = c->server;
	ssize_t n =
	    recv(c->fcgi.ipcFd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	int64_t now = clock_us();
	enum frame_verdict verdict;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		conn_idle(c);
		return;
	}
	if (n <= 0) {
		conn_free(c); /* the peer closed it */
		return;
	}
	verdict = frame_check(buf, (size_t)n);
	explicit_bzero(buf, (size_t)n); /* there may be a password in it */
	switch (verdict) {
	case FRAME_WHOLE:
		conn_serve(c);
		return;
	case FRAME_BAD:
		log_warnx("closed a connection that does not speak FastCGI as "
			  "a web server does");
		conn_free(c);
		return;
	case FRAME_PARTIAL:
		break;
	}
	/* what is there stays there, so the loop would wake up at once: look
	 * again after a pause */
	ev_io_stop(s->loop, &c->readable);
	if (c->state != CONN_PARTIAL) {
		c->state = CONN_PARTIAL;
		c->first_byte_us = now;
		c->again.repeat = PARTIAL_FIRST;
	} else if (now - c->first_byte_us > INT64_C(1000000) * PARTIAL_LIMIT) {
		log_warnx("closed a connection: its request did not come whole "
			  "in %d s",
		    PARTIAL_LIMIT);
		conn_free(c);
		return;
	} else if (c->again.repeat < PARTIAL_LAST) {
		c->again.repeat *= 2;
	}
	ev_timer_again(s->loop, &c->again);
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct conn *c = io->data;

	(void)revents;
	if (c->state == CONN_IDLE)
		conn_look(c);
	else
		ev_io_stop(loop, io); /* for after the answer */
}

static void
on_again(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct conn *c = t->data;

	(void)revents;
	ev_timer_stop(loop, t);
	conn_look(c);
}

/* --- accepting ---------------------------------------------------------- */

static void
on_pause_over(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct server *s = t->data;

	(void)revents;
	if (!s->draining)
		ev_io_start(loop, &s->acceptable);
}

/* One a round, so that the workers share the connections. */
static void
on_acceptable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct server *s = io->data;
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	(void)revents;
	if (fd >= 0) {
		conn_open(s, fd);
		return;
	}
	switch (errno) {
	case EAGAIN: /* another worker was faster */
	case EINTR:
	case ECONNABORTED:
		return;
	default:
		/* descriptors or memory: the connection waits in the socket's
		 * queue; trying at once would only burn the processor */
		if (clock_us() - s->accept_warned_us > 10000000) {
			log_warn("could not accept a connection, pausing; is "
				 "the limit of open files too low?");
			s->accept_warned_us = clock_us();
		}
		ev_io_stop(loop, io);
		ev_timer_set(&s->pause, ACCEPT_PAUSE, 0);
		ev_timer_start(loop, &s->pause);
	}
}

struct server *
server_open(struct ev_loop *loop, int listen_fd, const struct service *service,
    const struct server_hooks *hooks)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->listen_fd = listen_fd;
	s->service = service;
	s->hooks = hooks;
	ev_io_init(&s->acceptable, on_acceptable, listen_fd, EV_READ);
	ev_timer_init(&s->pause, on_pause_over, 0, 0);
	s->acceptable.data = s->pause.data = s;
	ev_io_start(loop, &s->acceptable);
	return s;
}

/* --- stopping ----------------------------------------------------------- */

/* Under load the connections have been closed by now, each after its answer.
 * Those still idle: nginx may be sending a request on one this very moment; if
 * it is here it is served, otherwise nginx sees the connection closed and
 * sends it again elsewhere, which it may, as every POST is safe to repeat. */
static void
on_idle_limit(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct server *s = t->data;
	struct conn *c, *next;
	char byte;

	(void)loop, (void)revents;
	for (c = s->conns; c != NULL; c = next) {
		next = c->next;
		if (c->state == CONN_IDLE &&
		    recv(c->fcgi.ipcFd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
			conn_free(c);
	}
}

void
server_drain(struct server *s)
{
	if (s->draining)
		return;
	s->draining = true;
	ev_io_stop(s->loop, &s->acceptable);
	ev_timer_stop(s->loop, &s->pause);
	/* this process' copy: as long as it is open, the socket seems served */
	close(s->listen_fd);
	if (s->conns == NULL) {
		s->hooks->drained(s->hooks->arg);
		return;
	}
	ev_timer_init(&s->idle_limit, on_idle_limit, DRAIN_IDLE, 0);
	s->idle_limit.data = s;
	ev_timer_start(s->loop, &s->idle_limit);
}

void
server_free(struct server **sp)
{
	struct server *s = *sp;

	if (s == NULL)
		return;
	ev_io_stop(s->loop, &s->acceptable);
	ev_timer_stop(s->loop, &s->pause);
	if (s->draining)
		ev_timer_stop(s->loop, &s->idle_limit);
	free(s);
	*sp = NULL;
}

/* --- an exchange -------------------------------------------------------- */

static struct conn *
conn_of(struct exchange *x)
{
	return (struct conn *)((char *)x - offsetof(struct conn, exchange));
}

size_t
exchange_body(struct exchange *x, char *buf, size_t room)
{
	FCGX_Stream *in = conn_of(x)->fcgi.in;
	size_t n = 0;
	int byte;

	/* what was read is wiped in libfcgi's buffer: it may be a password */
	while (n < room && (byte = FCGX_GetChar(in)) != EOF) {
		buf[n++] = (char)byte;
		in->rdNext[-1] = '\0';
	}
	return n;
}

/* Takes what is left of the request, which is all there. Bytes that stayed on
 * the connection would be looked at as the next request, and the client chose
 * them: it could say who it is. */
static void
drain_body(struct conn *c)
{
	char sink[4096];

	while (FCGX_GetStr(sink, sizeof(sink), c->fcgi.in) == (int)sizeof(sink))
		continue;
	explicit_bzero(sink, sizeof(sink));
}

/* libfcgi frees the parameters as they are: our cookie is not left in them. */
static void
forget_cookie(const struct request *r)
{
	const char *const kept[] = {r->session, r->host_session};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (*kept[i] != '\0')
			explicit_bzero(
			    (char *)(uintptr_t)kept[i], strlen(kept[i]));
}

void
exchange_answer(struct exchange *x, const char *head, size_t head_len,
    const char *body, size_t body_len)
{
	struct conn *c = conn_of(x);
	struct server *s = c->server;
	bool whole;

	drain_body(c);
	/* An error here is a peer that is gone; what was done stays done. An
	 * answer of which a part is missing is none. */
	whole = FCGX_PutStr(head, (int)head_len, c->fcgi.out) >= 0 &&
	    FCGX_PutStr(body, (int)body_len, c->fcgi.out) >= 0;
	if (s->draining)
		c->fcgi.keepConnection = 0;
	forget_cookie(&x->request);
	explicit_bzero(x, sizeof(*x)); /* ready for the next one */
	if (whole)
		FCGX_Finish_r(&c->fcgi);
	if (!whole || c->fcgi.ipcFd < 0)
		conn_free(c);
	else
		conn_idle(c);
	s->hooks->served(s->hooks->arg);
}
