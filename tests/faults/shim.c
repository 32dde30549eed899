/*
 * A library that is preloaded into withdrawd and lets one call of one process
 * fail, in the way in which that call fails: see shim.h. It stands before what
 * withdrawd calls, and before what its libraries call of the C library.
 *
 * Memory comes from the C library by its inner names: looking the outer ones
 * up would ask for memory. Under AddressSanitizer, which has to be loaded
 * first, memory therefore never fails.
 */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fault_board *board;

__attribute__((constructor)) static void
map_board(void)
{
	const char *path = getenv(FAULT_FILE);
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (path == NULL)
		return;
	map = mmap(
	    NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror(path);
		_exit(127);
	}
	close(fd);
	board = map;
}

/* Counts the call; is it the one? */
static bool
strikes(enum fault_call call)
{
	int process, self, n;

	if (board == NULL || (process = atomic_load(&board->process)) == 0)
		return false;
	self = getpid();
	if (process != self && process != FAULT_ANYBODY &&
	    (atomic_load(&board->spared) == 0 ||
		atomic_load(&board->spared) == self))
		return false;
	n = atomic_fetch_add(&board->counts[call], 1) + 1;
	if (atomic_load(&board->call) != (int)call ||
	    atomic_load(&board->nth) != n)
		return false;
	atomic_store(&board->struck, 1);
	return true;
}

static bool
is_kind(enum fault_kind kind)
{
	return atomic_load(&board->kind) == (int)kind;
}

/* The call that this one stands before; a function for each, of its type. */
#define NEXT(name)                                                             \
	static __typeof__(name) *next;                                         \
                                                                               \
	if (next == NULL)                                                      \
		*(void **)&next = dlsym(RTLD_NEXT, #name);                     \
	if (next == NULL)                                                      \
	abort()

/* A call that returns `failed` when it fails. */
#define FAULTY(type, name, params, args, failed)                               \
	type name params                                                       \
	{                                                                      \
		NEXT(name);                                                    \
                                                                               \
		if (!strikes(CALL_##name))                                     \
			return next args;                                      \
		if (is_kind(KIND_DONE))                                        \
			(void)next args;                                       \
		errno = atomic_load(&board->error);                            \
		return failed;                                                 \
	}

/* One that moves up to `len` bytes. */
#define MOVING(name, params, args, one)                                        \
	ssize_t name params                                                    \
	{                                                                      \
		NEXT(name);                                                    \
                                                                               \
		if (!strikes(CALL_##name))                                     \
			return next args;                                      \
		if (is_kind(KIND_SHORT))                                       \
			return len > 0 ? next one : 0;                         \
		if (is_kind(KIND_EMPTY))                                       \
			return 0;                                              \
		if (is_kind(KIND_DONE))                                        \
			(void)!next args;                                      \
		errno = atomic_load(&board->error);                            \
		return -1;                                                     \
	}

/* --- libpq ---------------------------------------------------------------- */

/* It says so when memory is short, and lets go of what it had begun. */
PGconn *
PQconnectStartParams(
    const char *const *keys, const char *const *values, int expand)
{
	NEXT(PQconnectStartParams);

	if (!strikes(CALL_PQconnectStartParams))
		return next(keys, values, expand);
	if (is_kind(KIND_DONE))
		PQfinish(next(keys, values, expand));
	return NULL;
}

FAULTY(PostgresPollingStatusType, PQconnectPoll, (PGconn * conn), (conn),
    PGRES_POLLING_FAILED)
FAULTY(int, PQsetnonblocking, (PGconn * conn, int on), (conn, on), -1)
FAULTY(int, PQsendQuery, (PGconn * conn, const char *sql), (conn, sql), 0)
FAULTY(int, PQsendPrepare,
    (PGconn * conn, const char *name, const char *sql, int n, const Oid *types),
    (conn, name, sql, n, types), 0)
FAULTY(int, PQsendQueryPrepared,
    (PGconn * conn, const char *name, int n, const char *const *values,
	const int *lengths, const int *formats, int format),
    (conn, name, n, values, lengths, formats, format), 0)
FAULTY(int, PQflush, (PGconn * conn), (conn), -1)
FAULTY(int, PQconsumeInput, (PGconn * conn), (conn), 0)
FAULTY(int, PQisBusy, (PGconn * conn), (conn), 1)
FAULTY(ConnStatusType, PQstatus, (const PGconn *conn), (conn), CONNECTION_BAD)
FAULTY(PGTransactionStatusType, PQtransactionStatus, (const PGconn *conn),
    (conn), PQTRANS_UNKNOWN)

PGresult *
PQgetResult(PGconn *conn)
{
	NEXT(PQgetResult);

	if (!strikes(CALL_PQgetResult))
		return next(conn);
	/* what the server has said is lost */
	if (is_kind(KIND_DONE))
		PQclear(next(conn));
	return is_kind(KIND_EMPTY)
	    ? NULL
	    : PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR);
}

/* --- hiredis -------------------------------------------------------------- */

/* As hiredis itself leaves a context after an error. */
static int
spoil(int *err, char *text, size_t room)
{
	*err = REDIS_ERR_IO;
	snprintf(text, room, "%s", "a fault on purpose");
	return REDIS_ERR;
}

/* A connection that was not made: it has no descriptor. One that was made, and
 * went wrong after that, has one. */
static redisContext *
spoil_connection(redisContext *context)
{
	if (context == NULL)
		return NULL;
	spoil(&context->err, context->errstr, sizeof(context->errstr));
	if (is_kind(KIND_FAIL) && context->fd >= 0) {
		close(context->fd);
		context->fd = -1;
	}
	return context;
}

redisContext *
redisConnectUnixNonBlock(const char *path)
{
	NEXT(redisConnectUnixNonBlock);

	if (!strikes(CALL_redisConnectUnixNonBlock))
		return next(path);
	return is_kind(KIND_EMPTY) ? NULL : spoil_connection(next(path));
}

redisContext *
redisConnectNonBlock(const char *host, int port)
{
	NEXT(redisConnectNonBlock);

	if (!strikes(CALL_redisConnectNonBlock))
		return next(host, port);
	return is_kind(KIND_EMPTY) ? NULL : spoil_connection(next(host, port));
}

int
redisBufferRead(redisContext *context)
{
	NEXT(redisBufferRead);

	if (!strikes(CALL_redisBufferRead))
		return next(context);
	if (is_kind(KIND_DONE))
		(void)next(context);
	return spoil(&context->err, context->errstr, sizeof(context->errstr));
}

int
redisBufferWrite(redisContext *context, int *done)
{
	NEXT(redisBufferWrite);

	if (!strikes(CALL_redisBufferWrite))
		return next(context, done);
	if (is_kind(KIND_DONE))
		(void)next(context, done);
	return spoil(&context->err, context->errstr, sizeof(context->errstr));
}

int
redisReaderGetReply(redisReader *reader, void **reply)
{
	NEXT(redisReaderGetReply);

	if (!strikes(CALL_redisReaderGetReply))
		return next(reader, reply);
	/* what Redis has said is lost */
	if (is_kind(KIND_DONE) && next(reader, reply) == REDIS_OK) {
		freeReplyObject(*reply);
		*reply = NULL;
	}
	return spoil(&reader->err, reader->errstr, sizeof(reader->errstr));
}

FAULTY(int, redisAppendCommandArgv,
    (redisContext * context, int n, const char **words, const size_t *lengths),
    (context, n, words, lengths), REDIS_ERR)

/* --- libfcgi -------------------------------------------------------------- */

FAULTY(int, FCGX_Init, (void), (), -1)
FAULTY(int, FCGX_InitRequest, (FCGX_Request * request, int fd, int flags),
    (request, fd, flags), -1)

/* libfcgi takes the parameters by FCGX_GetChar, too. They are all there, or the
 * service would not have accepted; only the body can come short. */
static bool accepting;

int
FCGX_Accept_r(FCGX_Request *request)
{
	bool struck = strikes(CALL_FCGX_Accept_r);
	int rc = -1;
	NEXT(FCGX_Accept_r);

	accepting = true;
	if (!struck || is_kind(KIND_DONE))
		rc = next(request);
	accepting = false;
	return struck ? -1 : rc;
}

int
FCGX_GetChar(FCGX_Stream *stream)
{
	NEXT(FCGX_GetChar);

	if (accepting || !strikes(CALL_FCGX_GetChar))
		return next(stream);
	if (is_kind(KIND_DONE))
		(void)next(stream); /* the byte is lost */
	return EOF;
}

FAULTY(int, FCGX_GetStr, (char *data, int n, FCGX_Stream *stream),
    (data, n, stream), 0)
FAULTY(int, FCGX_PutStr, (const char *data, int n, FCGX_Stream *stream),
    (data, n, stream), -1)

/* It has no word for an error: what is left of the answer is not sent, and the
 * connection is closed. */
void
FCGX_Finish_r(FCGX_Request *request)
{
	NEXT(FCGX_Finish_r);

	if (!strikes(CALL_FCGX_Finish_r)) {
		next(request);
		return;
	}
	FCGX_Free(request, 1);
}

/* --- memory --------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static void *
no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *
malloc(size_t size)
{
	return strikes(CALL_malloc) ? no_memory() : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return strikes(CALL_calloc) ? no_memory() : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	return strikes(CALL_realloc) ? no_memory() : __libc_realloc(old, size);
}

/* --- the kernel ----------------------------------------------------------- */

MOVING(read, (int fd, void *data, size_t len), (fd, data, len), (fd, data, 1))
MOVING(recv, (int fd, void *data, size_t len, int flags),
    (fd, data, len, flags), (fd, data, 1, flags))
MOVING(write, (int fd, const void *data, size_t len), (fd, data, len),
    (fd, data, 1))

/* A connection on which sending failed is broken: a kernel says so, and ends
 * it. libpq relies on that, and goes on reading. */
ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	NEXT(send);

	if (!strikes(CALL_send))
		return next(fd, data, len, flags);
	if (is_kind(KIND_SHORT))
		return len > 0 ? next(fd, data, 1, flags) : 0;
	if (is_kind(KIND_DONE)) {
		(void)!next(fd, data, len, flags);
		shutdown(fd, SHUT_RDWR);
	}
	errno = atomic_load(&board->error);
	return -1;
}

FAULTY(int, socket, (int domain, int type, int protocol),
    (domain, type, protocol), -1)
FAULTY(int, connect, (int fd, const struct sockaddr *address, socklen_t len),
    (fd, address, len), -1)
FAULTY(int, setsockopt,
    (int fd, int level, int name, const void *value, socklen_t len),
    (fd, level, name, value, len), -1)
FAULTY(int, getsockopt,
    (int fd, int level, int name, void *restrict value,
	socklen_t *restrict len),
    (fd, level, name, value, len), -1)
FAULTY(int, getsockname,
    (int fd, struct sockaddr *restrict address, socklen_t *restrict len),
    (fd, address, len), -1)
FAULTY(int, epoll_create1, (int flags), (flags), -1)
FAULTY(int, epoll_ctl, (int fd, int op, int target, struct epoll_event *event),
    (fd, op, target, event), -1)

/* A connection that was accepted and is not told of would never be closed: no
 * kernel does that. */
FAULTY(int, accept4,
    (int fd, struct sockaddr *restrict address, socklen_t *restrict len,
	int flags),
    (fd, address, len, flags), -1)

int
epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	NEXT(epoll_wait);

	if (!strikes(CALL_epoll_wait))
		return next(fd, events, max, timeout);
	if (is_kind(KIND_EMPTY))
		return 0;
	errno = atomic_load(&board->error);
	return -1;
}

/* Under a name of ours here: <fcntl.h> may have given this one to another. */
int inner_fcntl(int fd, int command, ...) __asm__("fcntl");

int
inner_fcntl(int fd, int command, ...)
{
	static __typeof__(inner_fcntl) *next;
	va_list args;
	void *arg;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "fcntl");
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	if (!strikes(CALL_fcntl))
		return next(fd, command, arg);
	errno = atomic_load(&board->error);
	return -1;
}
