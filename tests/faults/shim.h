/*
 * Calls that fail when told to: what the preloaded library (shim.c) and the
 * test that steers it (tests/integration/calls.c) share, which is a file that
 * both have mapped. The library counts the calls of one process by their names,
 * and lets one of them go wrong.
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdatomic.h>

/* The file's path; without it the library only passes calls on. */
#define FAULT_FILE "FAULT_FILE"

/* Every call of a withdrawal that can fail, but those whose failure nobody
 * could act on (what lets go: PQfinish, redisFree, FCGX_Free, close) and those
 * that fail only where one of these has: PQsocket, and what reads a result or
 * an error. */
#define FAULT_CALLS(X)                                                         \
	X(PQconnectStartParams)                                                \
	X(PQconnectPoll)                                                       \
	X(PQsetnonblocking)                                                    \
	X(PQsendQuery)                                                         \
	X(PQsendPrepare)                                                       \
	X(PQsendQueryPrepared)                                                 \
	X(PQflush)                                                             \
	X(PQconsumeInput)                                                      \
	X(PQisBusy)                                                            \
	X(PQgetResult)                                                         \
	X(PQstatus)                                                            \
	X(PQtransactionStatus)                                                 \
	X(redisConnectUnixNonBlock)                                            \
	X(redisConnectNonBlock)                                                \
	X(redisAppendCommandArgv)                                              \
	X(redisBufferRead)                                                     \
	X(redisBufferWrite)                                                    \
	X(redisReaderGetReply)                                                 \
	X(FCGX_Init)                                                           \
	X(FCGX_InitRequest)                                                    \
	X(FCGX_Accept_r)                                                       \
	X(FCGX_GetChar)                                                        \
	X(FCGX_GetStr)                                                         \
	X(FCGX_PutStr)                                                         \
	X(FCGX_Finish_r)                                                       \
	X(malloc)                                                              \
	X(calloc)                                                              \
	X(realloc)                                                             \
	X(read)                                                                \
	X(recv)                                                                \
	X(write)                                                               \
	X(send)                                                                \
	X(socket)                                                              \
	X(connect)                                                             \
	X(accept4)                                                             \
	X(setsockopt)                                                          \
	X(getsockopt)                                                          \
	X(getsockname)                                                         \
	X(fcntl)                                                               \
	X(epoll_create1)                                                       \
	X(epoll_ctl)                                                           \
	X(epoll_wait)

#define FAULT_NUMBER(name) CALL_##name,
enum fault_call { FAULT_CALLS(FAULT_NUMBER) CALLS };
#undef FAULT_NUMBER

enum fault_kind {
	KIND_FAIL,  /* does nothing, and says that it failed */
	KIND_DONE,  /* does it, and says that it failed */
	KIND_SHORT, /* moves one byte only, and says so */
	KIND_EMPTY, /* says that there is nothing: end of file, no event, NULL
		     */
	KIND_ERROR, /* PQgetResult: an error that the server never sent */
};

/* In place of a process: whichever makes the call. */
#define FAULT_ANYBODY (-1)

/* Steered by the test, which writes `process` last; counted by the library. */
struct fault_board {
	atomic_int process; /* whose calls count; 0: nobody's */
	atomic_int spared;  /* not this one (the master); 0: only `process` */
	atomic_int call;    /* which is to fail; CALLS: none */
	atomic_int kind;
	atomic_int error; /* errno, where the call has one */
	atomic_int nth;
	atomic_int struck;
	atomic_int counts[CALLS];
};

#endif
