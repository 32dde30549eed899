/* sandbox.c: see sandbox.h. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define CALL(name) SCMP_SYS(name)

/* Whatever their arguments. Beyond what withdrawd itself calls there is what
 * its libraries may: other versions, TLS, other ways to look up a name. */
static const int allowed[] = {
    /* what is open */
    CALL(read), CALL(readv), CALL(pread64), CALL(write), CALL(writev),
    CALL(recvfrom), CALL(recvmsg), CALL(recvmmsg), CALL(sendto), CALL(sendmsg),
    CALL(sendmmsg), CALL(close), CALL(lseek), CALL(fcntl), CALL(dup),
    CALL(shutdown),
    /* sockets, but no new one to listen on */
    CALL(connect), CALL(accept), CALL(accept4), CALL(getsockopt),
    CALL(setsockopt), CALL(getsockname), CALL(getpeername),
    /* looking at files */
    CALL(fstat), CALL(stat), CALL(lstat), CALL(newfstatat), CALL(statx),
    CALL(access), CALL(faccessat), CALL(faccessat2), CALL(readlink),
    CALL(readlinkat), CALL(getcwd), CALL(getdents64), CALL(statfs),
    CALL(fstatfs),
    /* waiting */
    CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_create),
    CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait),
    CALL(eventfd2), CALL(pipe2), CALL(timerfd_create), CALL(timerfd_settime),
    CALL(nanosleep), CALL(clock_nanosleep), CALL(restart_syscall),
    /* memory; mmap and mprotect: see below */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise),
    /* threads and signals; clone: see below */
    CALL(futex), CALL(set_robust_list), CALL(set_tid_address), CALL(rseq),
    CALL(sched_yield), CALL(sched_getaffinity), CALL(membarrier),
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn),
    CALL(sigaltstack), CALL(exit), CALL(exit_group),
    /* what it is, and what time */
    CALL(getpid), CALL(getppid), CALL(gettid), CALL(getuid), CALL(geteuid),
    CALL(getgid), CALL(getegid), CALL(uname), CALL(sysinfo), CALL(getrusage),
    CALL(getrlimit), CALL(times), CALL(getrandom), CALL(getcpu),
    CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time)};

/* A call with an argument: `bits` of argument `n` are `value`. */
struct narrow {
	int call;
	unsigned n;
	scmp_datum_t bits, value;
};

#define WRITES   (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)
#define ALL_BITS UINT32_MAX

static const struct narrow narrow[] = {
    {CALL(open), 1, WRITES, 0},
    {CALL(openat), 2, WRITES, 0},
    /* memory that is written is never run */
    {CALL(mmap), 2, PROT_WRITE | PROT_EXEC, 0},
    {CALL(mmap), 2, PROT_WRITE | PROT_EXEC, PROT_WRITE},
    {CALL(mmap), 2, PROT_WRITE | PROT_EXEC, PROT_EXEC}, /* a library */
    {CALL(mprotect), 2, PROT_EXEC, 0},
    /* a thread, not a process; clone3, which cannot be looked into, fails,
     * and the C library takes this one */
    {CALL(clone), 0, CLONE_THREAD, CLONE_THREAD},
    {CALL(socket), 0, ALL_BITS, AF_UNIX},
    {CALL(socket), 0, ALL_BITS, AF_INET},
    {CALL(socket), 0, ALL_BITS, AF_INET6},
    {CALL(ioctl), 1, ALL_BITS, FIONREAD},
    {CALL(ioctl), 1, ALL_BITS, FIONBIO},
    {CALL(ioctl), 1, ALL_BITS, TCGETS}, /* isatty(), of stderr */
    /* passwords are hashed with less priority */
    {CALL(setpriority), 0, ALL_BITS, PRIO_PROCESS},
    /* limits are looked at, not set */
    {CALL(prlimit64), 2, UINT64_MAX, 0},
};

static void
add(scmp_filter_ctx filter, uint32_t action, const struct narrow *r)
{
	const struct scmp_arg_cmp arg =
	    SCMP_CMP64(r->n, SCMP_CMP_MASKED_EQ, r->bits, r->value);
	int error;

	error =
	    seccomp_rule_add_array(filter, action, r->call, r->bits != 0, &arg);
	if (error != 0) {
		errno = -error;
		fatal("could not make the filter of system calls");
	}
}

static void
refuse_writing(scmp_filter_ctx filter)
{
	static const struct {
		int call;
		unsigned n;
	} opens[] = {{CALL(open), 1}, {CALL(openat), 2}};
	static const unsigned flags[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
	size_t i, k;

	/* what asks for it, libraries above all, understands this error */
	for (i = 0; i < sizeof(opens) / sizeof(opens[0]); i++)
		for (k = 0; k < sizeof(flags) / sizeof(flags[0]); k++)
			add(filter, SCMP_ACT_ERRNO(EPERM),
			    &(struct narrow){
				opens[i].call, opens[i].n, flags[k], flags[k]});
}

void
sandbox_no_new_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fatal("could not give up new privileges");
}

void
sandbox_enter(void)
{
	/* ENOSYS: the C library falls back on an older call where it can */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	size_t i;
	int error;

	if (filter == NULL)
		fatalx("could not make the filter of system calls");
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		add(filter, SCMP_ACT_ALLOW,
		    &(struct narrow){allowed[i], 0, 0, 0});
	for (i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		add(filter, SCMP_ACT_ALLOW, &narrow[i]);
	/* abort() */
	add(filter, SCMP_ACT_ALLOW,
	    &(struct narrow){
		CALL(tgkill), 0, ALL_BITS, (scmp_datum_t)getpid()});
	refuse_writing(filter);
	/* nothing of ours does: whoever does has taken the worker over */
	add(filter, SCMP_ACT_KILL_PROCESS,
	    &(struct narrow){CALL(execve), 0, 0, 0});
	add(filter, SCMP_ACT_KILL_PROCESS,
	    &(struct narrow){CALL(execveat), 0, 0, 0});
	error = seccomp_load(filter);
	seccomp_release(filter);
	if (error != 0) {
		errno = -error;
		fatal("could not set the filter of system calls; see "
		      "WITHDRAW_SANDBOX");
	}
}
