/* listen.c: see listen.h. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

#define INHERITED 0 /* FCGI_LISTENSOCK_FILENO */

static int
socket_new(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fatal("could not make a socket");
	return fd;
}

/* Does a server answer there? */
static bool
is_alive(const struct sockaddr_un *address)
{
	int fd = socket_new();
	bool alive = connect(fd, (const struct sockaddr *)address,
			 sizeof(*address)) == 0 ||
	    errno == EAGAIN;

	close(fd);
	return alive;
}

/* The workers of a master that was killed close it as soon as they notice. */
static bool
stays_alive(const struct sockaddr_un *address)
{
	int tries;

	for (tries = 0; tries < 20; tries++) {
		if (!is_alive(address))
			return false;
		usleep(100000);
	}
	return true;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		fatalx("WITHDRAW_SOCKET is %zu bytes long and must be below "
		       "%zu: choose a shorter path",
		    strlen(path), sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			fatalx("WITHDRAW_SOCKET \"%s\" exists and is not a "
			       "socket: remove it, or choose another path",
			    path);
		if (stays_alive(&address))
			fatalx("another server listens on \"%s\": stop it, or "
			       "choose another WITHDRAW_SOCKET",
			    path);
		if (unlink(path) != 0)
			fatal("could not remove the old socket \"%s\"", path);
	}
	fd = socket_new();
	/* never open to others, not even for a moment: the library behind it
	 * trusts whoever may connect */
	mask = umask(0117);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		fatal(
		    "could not make the socket \"%s\"; does its folder exist, "
		    "and may this user write to it?",
		    path);
	umask(mask);
	if (listen(fd, SOMAXCONN) != 0)
		fatal("could not listen on \"%s\"", path);
	return fd;
}

static int
listen_inherited(void)
{
	int on = 0, flags;
	socklen_t len = sizeof(on);

	if (getsockopt(INHERITED, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) != 0 ||
	    !on)
		fatalx("no socket to listen on: set WITHDRAW_SOCKET to a path, "
		       "or start with a listening socket on file descriptor 0 "
		       "(spawn-fcgi, systemd)");
	flags = fcntl(INHERITED, F_GETFL);
	if (flags < 0 || fcntl(INHERITED, F_SETFL, flags | O_NONBLOCK) != 0)
		fatal("could not make the inherited socket non-blocking");
	return INHERITED;
}

int
listen_open(const struct config *cfg)
{
	return cfg->socket ? listen_at(cfg->socket) : listen_inherited();
}

void
listen_close(const struct config *cfg, int fd)
{
	close(fd);
	if (cfg->socket != NULL && unlink(cfg->socket) != 0 && errno != ENOENT)
		log_warn("could not remove the socket \"%s\"", cfg->socket);
}
