/*
 * The servers under test, as tests/servers.sh runs them: stopping, starting,
 * killing and freezing them. Whoever changes anything need not put it back:
 * stack_restore, which runs before and after each test, does.
 */
#ifndef STACK_H
#define STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { WORKERS_MAX = 64 };

struct workers {
	pid_t pids[WORKERS_MAX];
	size_t n;
};

void stack_stop(const char *server);
void stack_start(const char *server);
/* Starts a server again with settings, "NAME=value NAME=value". */
void stack_restart(const char *server, const char *settings);
/* Some for withdrawd: the ladder is long enough for all that a test does while
 * a row is held. A statement that is given up, and sent anew, would come
 * second.
 */
#define LONG_LADDER "WITHDRAW_LEDGER_TIMEOUT_MS=9000 WITHDRAW_LOCK_TTL_MS=12000"

/* The process of a server, as its pid file has it. */
pid_t stack_pid(const char *server);
bool process_alive(pid_t pid);

/* The live workers of withdrawd (of any master), in the order of their age. */
struct workers stack_workers(void);
struct workers process_children(pid_t master);
bool workers_same(const struct workers *a, const struct workers *b);
/* No worker of a is one of b. */
bool workers_all_new(const struct workers *a, const struct workers *b);

void stack_kill(const char *server);
void stack_kill_workers(void);

/* Stops a server with its children by SIGSTOP, and waits until they have
 * stopped; lets them go on. */
void stack_freeze(const char *server);
void stack_thaw(const char *server);
/* withdrawd's workers without their master. */
void stack_freeze_workers(void);

/* Is that text in the memory of a process? Whoever may not look (another user
 * than root, on most systems) is told that it is not, and *looked_r false. */
bool process_remembers(pid_t pid, const char *text, bool *looked_r);

/* The log of a server so far. */
char *stack_log(const char *name);

/* A server has been changed in some other way: a new start mends it. */
void stack_remember(const char *server);

/* A folder for sockets that the servers' user can reach; removed with all in
 * it by stack_restore. */
const char *stack_folder(void);

/* The default servers with their default settings again, if a test has
 * changed anything. */
void stack_restore(void);

#endif
