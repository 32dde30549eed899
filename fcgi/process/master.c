/* master.c: see master.h. */
#include "master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/listen.h"
#include "process/notify.h"
#include "process/worker.h"

#define SECOND      INT64_C(1000000) /* in microseconds, like all times here */
#define THROTTLE    (1 * SECOND)
#define START_LIMIT (10 * SECOND) /* a replacement that is never ready */

struct child {
	pid_t pid; /* 0: there is none */
	int news;  /* the read end of its pipe */
	bool ready, served, tired;
	int64_t started;
};

/* A place for one worker. next is the one that is about to take over. */
struct seat {
	struct child now, next;
	bool renew;         /* replace now by another */
	int64_t not_before; /* throttled */
};

/* Told to stop, and not gone yet. */
struct leaver {
	pid_t pid;
	int64_t deadline;
	struct leaver *next;
};

struct master {
	const struct config *cfg;
	pid_t pid;
	int listen_fd, signals;
	int nseats;
	struct seat *seats;
	struct leaver *leavers;
	struct pollfd *polls;
	bool stopping, told_ready;
};

/* --- children ----------------------------------------------------------- */

/* In a worker: what belongs to the master is not its business. */
static void
forget_master(const struct master *m)
{
	int i;

	close(m->signals);
	for (i = 0; i < m->nseats; i++) {
		if (m->seats[i].now.pid != 0)
			close(m->seats[i].now.news);
		if (m->seats[i].next.pid != 0)
			close(m->seats[i].next.news);
	}
}

static struct child
child_start(const struct master *m)
{
	struct child c = {.started = clock_us()};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		log_warn("could not make a pipe for a worker");
		return c;
	}
	c.pid = fork();
	if (c.pid == 0) {
		close(fds[0]);
		forget_master(m);
		worker_run(m->cfg, m->listen_fd, fds[1], m->pid);
	}
	close(fds[1]);
	if (c.pid < 0) {
		log_warn("could not start a worker");
		close(fds[0]);
		c.pid = 0;
		return c;
	}
	c.news = fds[0];
	log_info("worker %d started", (int)c.pid);
	return c;
}

static void
child_forget(struct child *c)
{
	if (c->pid != 0)
		close(c->news);
	*c = (struct child){0};
}

/* TERM, and KILL if it takes longer than any request may. */
static void
child_leave(struct master *m, struct child *c)
{
	struct leaver *l;

	if (c->pid == 0)
		return;
	l = xcalloc(1, sizeof(*l));
	l->pid = c->pid;
	l->deadline =
	    clock_us() + (int64_t)m->cfg->read_timeout_ms * 1000 + SECOND;
	l->next = m->leavers;
	m->leavers = l;
	kill(c->pid, SIGTERM);
	child_forget(c);
}

static void
log_end(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_warnx("worker %d was killed by signal %d", (int)pid,
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_warnx("worker %d exited with status %d", (int)pid,
		    WEXITSTATUS(status));
	else
		log_info("worker %d ended", (int)pid);
}

/* One that never served a request may never serve one: not at once again. */
static void
seat_throttle(struct seat *s, const struct child *dead)
{
	if (!dead->served)
		s->not_before = clock_us() + THROTTLE;
}

static void
child_ended(struct master *m, pid_t pid, int status)
{
	struct leaver **l;
	int i;

	for (l = &m->leavers; *l != NULL; l = &(*l)->next)
		if ((*l)->pid == pid) {
			struct leaver *gone = *l;

			*l = gone->next;
			free(gone);
			log_end(pid, status);
			return;
		}
	for (i = 0; i < m->nseats; i++) {
		struct seat *s = &m->seats[i];

		if (s->now.pid == pid) {
			seat_throttle(s, &s->now);
			child_forget(&s->now);
			/* its successor, if there is one, is not waited for */
			s->now = s->next;
			s->next = (struct child){0};
			log_end(pid, status);
			return;
		}
		if (s->next.pid == pid) {
			seat_throttle(s, &s->next);
			child_forget(&s->next);
			log_end(pid, status);
			return;
		}
	}
}

static void
reap(struct master *m)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(m, pid, status);
}

/* --- what children say -------------------------------------------------- */

static void
child_listen(struct child *c)
{
	char news[16];
	ssize_t n, i;

	if (c->pid == 0)
		return;
	n = read(c->news, news, sizeof(news));
	for (i = 0; i < n; i++)
		switch ((enum worker_news)news[i]) {
		case WORKER_READY:
			c->ready = true;
			break;
		case WORKER_SERVED:
			c->served = true;
			break;
		case WORKER_TIRED:
			c->tired = true;
			break;
		}
}

/* --- keeping the seats taken -------------------------------------------- */

static void
tell_ready(struct master *m)
{
	int i;

	for (i = 0; i < m->nseats; i++)
		if (!m->seats[i].now.ready)
			return;
	if (!m->told_ready) {
		m->told_ready = true;
		log_info("serving with %d workers", m->nseats);
		notify("READY=1");
	}
}

/* Starts what is missing, one replacement at a time; puts replacements that
 * are ready in their place. */
static void
keep_seats(struct master *m)
{
	int64_t now = clock_us();
	bool replacing = false;
	int i;

	for (i = 0; i < m->nseats; i++) {
		struct seat *s = &m->seats[i];

		if (s->next.ready) {
			child_leave(m, &s->now);
			s->now = s->next;
			s->next = (struct child){0};
			s->renew = false;
		}
		if (s->next.pid != 0) {
			replacing = true;
			if (now > s->next.started + START_LIMIT)
				kill(s->next.pid, SIGKILL);
		}
		if (s->now.pid == 0 && now >= s->not_before) {
			s->now = child_start(m);
			s->renew = false;
			if (s->now.pid == 0)
				s->not_before = now + THROTTLE;
		}
	}
	for (i = 0; i < m->nseats && !replacing; i++) {
		struct seat *s = &m->seats[i];

		if ((s->renew || s->now.tired) && s->now.pid != 0 &&
		    now >= s->not_before) {
			s->next = child_start(m);
			if (s->next.pid == 0)
				s->not_before = now + THROTTLE;
			replacing = true;
		}
	}
	tell_ready(m);
}

/* --- signals ------------------------------------------------------------ */

static void
kill_all(struct master *m)
{
	struct leaver *l;

	for (l = m->leavers; l != NULL; l = l->next)
		kill(l->pid, SIGKILL);
}

static void
stop(struct master *m)
{
	int i;

	if (m->stopping) {
		log_info("told to stop again: stopping at once");
		kill_all(m);
		return;
	}
	log_info("stopping");
	notify("STOPPING=1");
	listen_close(m->cfg, m->listen_fd);
	m->stopping = true;
	for (i = 0; i < m->nseats; i++) {
		child_leave(m, &m->seats[i].now);
		child_leave(m, &m->seats[i].next);
	}
}

static void
take_signals(struct master *m)
{
	struct signalfd_siginfo si;
	int i;

	while (read(m->signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		switch (si.ssi_signo) {
		case SIGCHLD:
			reap(m);
			break;
		case SIGHUP:
			log_info("replacing the workers");
			for (i = 0; i < m->nseats; i++)
				m->seats[i].renew = true;
			break;
		default:
			stop(m);
		}
}

static int
open_signals(void)
{
	static const int all[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		signal(all[i], SIG_DFL); /* a shell may have ignored them */
		sigaddset(&set, all[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		fatal("could not block the signals");
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		fatal("could not open a descriptor for signals");
	return fd;
}

/* --- the loop ----------------------------------------------------------- */

static void
kill_late(struct master *m)
{
	int64_t now = clock_us();
	struct leaver *l;

	for (l = m->leavers; l != NULL; l = l->next)
		if (now > l->deadline) {
			log_warnx(
			    "worker %d does not stop: killing it", (int)l->pid);
			kill(l->pid, SIGKILL);
			l->deadline = INT64_MAX;
		}
}

/* Waits for a signal or for news. Clocked as well, for throttles and
 * deadlines: a wakeup a second costs nothing. */
static void
wait_for_events(struct master *m)
{
	nfds_t n = 0;
	int i;

	m->polls[n++] = (struct pollfd){.fd = m->signals, .events = POLLIN};
	for (i = 0; i < m->nseats; i++) {
		const struct seat *s = &m->seats[i];

		if (s->now.pid != 0)
			m->polls[n++] = (struct pollfd){
			    .fd = s->now.news, .events = POLLIN};
		if (s->next.pid != 0)
			m->polls[n++] = (struct pollfd){
			    .fd = s->next.news, .events = POLLIN};
	}
	if (poll(m->polls, n, 500) < 0 && errno != EINTR)
		fatal("could not wait for events");
	for (i = 0; i < m->nseats; i++) {
		child_listen(&m->seats[i].now);
		child_listen(&m->seats[i].next);
	}
}

int
master_run(const struct config *cfg, int listen_fd)
{
	struct master m = {.cfg = cfg,
	    .listen_fd = listen_fd,
	    .nseats = cfg->workers,
	    .pid = getpid()};

	m.seats = xcalloc((size_t)m.nseats, sizeof(*m.seats));
	m.polls = xcalloc(2 * (size_t)m.nseats + 1, sizeof(*m.polls));
	m.signals = open_signals();
	while (!m.stopping || m.leavers != NULL) {
		if (!m.stopping)
			keep_seats(&m);
		wait_for_events(&m);
		take_signals(&m);
		kill_late(&m);
	}
	free(m.seats);
	free(m.polls);
	close(m.signals);
	log_info("stopped");
	return 0;
}
