/* password.c: see password.h. */
#include "password.h"

#include <crypt.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

#define WAITING_MAX 8  /* about a second's worth */
#define NICENESS    10 /* withdrawals first */

struct queue {
	struct password_call *first, **end;
};

struct password {
	struct ev_loop *loop;
	ev_async answered;
	bool started;
	char nobody[PASSWORD_HASH]; /* a hash that no password has */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t asked;
	struct queue waiting, done;
	int nwaiting;
};

static void
push(struct queue *q, struct password_call *call)
{
	call->next = NULL;
	*q->end = call;
	q->end = &call->next;
}

static struct password_call *
pop(struct queue *q)
{
	struct password_call *call = q->first;

	if (call == NULL)
		return NULL;
	q->first = call->next;
	if (q->first == NULL)
		q->end = &q->first;
	return call;
}

/* Equal, in a time that does not depend on where they differ. */
static bool
equal(const char *a, const char *b)
{
	size_t len = strlen(a), i;
	unsigned char differ = len != strlen(b);

	for (i = 0; i < len && !(differ && i >= strlen(b)); i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

static void
hash(const struct password *p, struct password_call *call,
    struct crypt_data *data)
{
	bool somebody = call->hash[0] != '\0';
	const char *setting = somebody ? call->hash : p->nobody;
	const char *made = crypt_r(call->text, setting, data);

	/* libcrypt tells of an error by a hash that begins with a star */
	call->right =
	    made != NULL && made[0] != '*' && equal(made, setting) && somebody;
	explicit_bzero(call->text, sizeof(call->text));
	explicit_bzero(data, sizeof(*data));
}

static void *
run(void *arg)
{
	struct password *p = arg;
	struct crypt_data *data = xcalloc(1, sizeof(*data));

	/* of this thread alone, on Linux */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
	for (;;) {
		struct password_call *call;

		pthread_mutex_lock(&p->lock);
		while ((call = pop(&p->waiting)) == NULL)
			pthread_cond_wait(&p->asked, &p->lock);
		pthread_mutex_unlock(&p->lock);
		hash(p, call, data);
		pthread_mutex_lock(&p->lock);
		push(&p->done, call);
		pthread_mutex_unlock(&p->lock);
		ev_async_send(p->loop, &p->answered);
	}
	return NULL;
}

static void
on_answered(struct ev_loop *loop, ev_async *async, int revents)
{
	struct password *p = async->data;
	struct password_call *call;

	(void)loop, (void)revents;
	for (;;) {
		pthread_mutex_lock(&p->lock);
		call = pop(&p->done);
		p->nwaiting -= call != NULL;
		pthread_mutex_unlock(&p->lock);
		if (call == NULL)
			return;
		call->done(call);
	}
}

/* Signals are for the loop. */
static void
start(struct password *p)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, run, p) != 0)
		fatal("could not start the thread of passwords");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_detach(thread);
	p->started = true;
}

struct password *
password_open(struct ev_loop *loop)
{
	struct password *p = xcalloc(1, sizeof(*p));
	char *nobody = crypt_gensalt_ra("$y$", 0, NULL, 0);

	if (nobody == NULL || strlen(nobody) >= sizeof(p->nobody))
		fatal("could not set up the hashing of passwords");
	strcpy(p->nobody, nobody);
	free(nobody);
	p->loop = loop;
	p->waiting.end = &p->waiting.first;
	p->done.end = &p->done.first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->asked, NULL);
	ev_async_init(&p->answered, on_answered);
	p->answered.data = p;
	ev_async_start(loop, &p->answered);
	return p;
}

bool
password_ask(struct password *p, struct password_call *call)
{
	bool room;

	if (!p->started)
		start(p);
	pthread_mutex_lock(&p->lock);
	room = p->nwaiting < WAITING_MAX;
	if (room) {
		p->nwaiting++;
		push(&p->waiting, call);
		pthread_cond_signal(&p->asked);
	}
	pthread_mutex_unlock(&p->lock);
	return room;
}
