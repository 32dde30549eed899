/* A stub of the site's login: see login.h. */
#include "login.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi_client.h"
#include "support.h"

static struct {
	bool running;
	pthread_t thread;
	int listener;
	struct fcgi_bytes heard; /* the thread's until it has ended */
} login;

static const struct {
	const char *who;
	const char *status;
} refusals[] = {
    {"forbidden", "403 Forbidden"},
    {"broken", "500 Internal Server Error"},
    {"nameless", "204 No Content"},
};

static const char *
answer_to(const char *request)
{
	static const char cookie[] = "who=";
	const char *who = strstr(request, cookie);
	size_t digits;

	if (who == NULL)
		return "HTTP/1.1 401 Unauthorized\r\n\r\n";
	who += strlen(cookie);
	for (int i = 0; i < COUNT(refusals); i++)
		if (strncmp(who, refusals[i].who, strlen(refusals[i].who)) == 0)
			return keep_format(
			    "HTTP/1.1 %s\r\n\r\n", refusals[i].status);
	digits = strspn(who, "0123456789");
	if (digits == 0)
		return "HTTP/1.1 401 Unauthorized\r\n\r\n";
	return keep_format(
	    "HTTP/1.1 204 No Content\r\nX-Withdraw-User: %.*s\r\n\r\n",
	    (int)digits, who);
}

/* Reads until nginx closes, which it does after the answer: a body that came
 * along would be heard too. */
static void
converse(int fd)
{
	struct fcgi_bytes request = {0};
	bool answered = false;
	char data[4096];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0) {
		fcgi_append(&request, data, (size_t)n);
		if (!answered &&
		    memmem(request.data, request.len, "\r\n\r\n", 4) != NULL) {
			const char *answer =
			    answer_to(keep_text(request.data, request.len));

			answered = true;
			if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
				break;
			shutdown(fd, SHUT_WR);
		}
	}
	fcgi_append(&login.heard, request.data, request.len);
	close(fd);
}

static void *
serve(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(login.listener, NULL, NULL)) >= 0)
		converse(fd);
	return NULL;
}

int
login_start(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	ck_assert(!login.running);
	login.heard = (struct fcgi_bytes){0};
	login.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(login.listener, 0);
	ck_assert_int_eq(
	    bind(login.listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(login.listener, SOMAXCONN), 0);
	ck_assert_int_eq(
	    getsockname(login.listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(pthread_create(&login.thread, NULL, serve, NULL), 0);
	login.running = true;
	return ntohs(address.sin_port);
}

const char *
login_stop(void)
{
	if (login.running) {
		/* wakes accept, which then fails */
		shutdown(login.listener, SHUT_RDWR);
		pthread_join(login.thread, NULL);
		close(login.listener);
		login.running = false;
	}
	return keep_text(login.heard.data, login.heard.len);
}
