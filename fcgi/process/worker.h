/* worker.h: one worker process: the event loop with its stores and its
 * connections. */
#ifndef WORKER_H
#define WORKER_H

#include <sys/types.h>

#include "base/config.h"

/* What a worker writes to its master, a byte each. */
enum worker_news {
	WORKER_READY = 'R',  /* it accepts connections */
	WORKER_SERVED = 'S', /* its first request was answered */
	WORKER_TIRED = 'T',  /* it has served max_requests: replace it */
};

/* Runs until TERM (or the death of the master), then answers what is under way
 * and exits. news: a pipe to the master, non-blocking; master: its pid, taken
 * before the fork. */
_Noreturn void worker_run(
    const struct config *cfg, int listen_fd, int news, pid_t master);

#endif
