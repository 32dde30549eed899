/* peer.c: see peer.h. */
#include "peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
peer_open(struct peer *p, const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	strcpy(p->folder, "/tmp/withdraw-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/%s", p->folder, name);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", p->folder, name);
	p->listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(p->listener, 0);
	ck_assert_int_eq(
	    bind(p->listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(p->listener, 16), 0);
	p->fd = -1;
}

void
peer_close(struct peer *p)
{
	peer_hang_up(p);
	peer_deaf(p);
	rmdir(p->folder);
}

bool
peer_accept(struct peer *p)
{
	int fd = p->listener < 0
	    ? -1
	    : accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return false;
	peer_hang_up(p);
	p->fd = fd;
	return true;
}

void
peer_hang_up(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void
peer_deaf(struct peer *p)
{
	if (p->listener >= 0)
		close(p->listener);
	p->listener = -1;
	unlink(p->path);
}

size_t
peer_read(struct peer *p, char *out, size_t room)
{
	ssize_t n = p->fd < 0 ? 0 : recv(p->fd, out, room, MSG_DONTWAIT);

	return n < 0 ? 0 : (size_t)n;
}

void
peer_say(struct peer *p, const void *data, size_t len)
{
	ck_assert_int_ge(p->fd, 0);
	ck_assert_int_eq(
	    send(p->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT), (ssize_t)len);
}
