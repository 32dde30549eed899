/* hello.c: the least that a FastCGI service can do, the way withdrawd does it:
 * through the same file (fcgi/web/server.c), event-driven, on kept
 * connections, a worker a core. What is left of a withdrawal's time beyond
 * this is what the withdrawal itself takes.
 *
 *   hello SOCKET WORKERS
 *
 * Runs until it is killed; the workers end with it. */
#include <err.h>
#include <ev.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.h"
#include "process/listen.h"
#include "web/server.h"

#define COULD_NOT 2

static const char body[] =
    "{\"order_id\":\"01234567-89ab-4cde-8f01-23456789abcd\",\"status\":"
    "\"succeeded\",\"amount\":\"100.00\",\"currency\":\"CNY\","
    "\"balance_after\":\"999900.00\",\"created_at\":"
    "\"2026-01-02T03:04:05.678901Z\"}";
static char head[160];
static size_t head_len;

static void
start(struct exchange *x)
{
	exchange_answer(x, head, head_len, body, sizeof(body) - 1);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static _Noreturn void
work(int fd)
{
	static const struct server_hooks hooks = {
	    .start = start, .served = nothing, .drained = nothing};
	struct ev_loop *loop = ev_default_loop(0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (loop == NULL || FCGX_Init() != 0)
		errx(COULD_NOT, "could not begin");
	server_open(loop, fd, NULL, &hooks);
	ev_run(loop, 0);
	_exit(COULD_NOT);
}

int
main(int argc, char *argv[])
{
	struct config cfg = {0};
	int fd, i, n;

	if (argc != 3 || (n = atoi(argv[2])) < 1)
		errx(COULD_NOT, "usage: hello SOCKET WORKERS");
	/* as large as the answer to a withdrawal */
	head_len = (size_t)snprintf(head, sizeof(head),
	    "Status: 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\n\r\n",
	    sizeof(body) - 1);
	cfg.socket = argv[1];
	fd = listen_open(&cfg);
	for (i = 0; i < n; i++) {
		switch (fork()) {
		case -1:
			err(COULD_NOT, "fork");
		case 0:
			work(fd);
		default:
			break;
		}
	}
	while (wait(NULL) > 0)
		continue;
	return COULD_NOT;
}
