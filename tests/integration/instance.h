/*
 * A withdrawd of the test's own, beside the one behind nginx: for how it
 * starts, refuses to start and ends. It uses the same Postgres and Redis and
 * listens on a socket of its own, to be spoken to by fcgi_client.h.
 */
#ifndef INSTANCE_H
#define INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>

struct instance {
	pid_t pid;
	const char *socket;
	const char *log; /* the file with all that it has said */
};

/* Starts build/withdrawd with the flag (NULL: none) and settings
 * {"NAME=value", …, NULL}; does not wait for it to serve. */
struct instance instance_start(const char *flag, const char *const *settings);
/* The same on a socket that the test chooses. */
struct instance instance_start_on(
    const char *socket, const char *flag, const char *const *settings);
/* Started by spawn-fcgi, which hands over the listening socket as fd 0. */
struct instance instance_start_spawned(void);

/* With one worker, and a full device for all that it says. */
struct instance instance_start_speechless(void);

/* Waits until it serves; fails the test where it has ended instead. */
void instance_wait_ready(struct instance *instance);
/* Waits for its end: its exit code, or 128 + the signal that ended it. */
int instance_wait(struct instance *instance);
bool instance_ended(const struct instance *instance);
/* Asks it to stop, and waits: it and its workers end well, and no sanitizer has
 * found anything in what they did, nor in what they left. */
void instance_stop_well(struct instance *instance);

/* Kills those that a failed test has left. */
void instance_stop_all(void);

#endif
