/* liar.c: a Redis that must not be believed.
 *
 *   torture-liar LISTEN HOW
 *
 * It greets withdrawd as a Redis does. After that each answer is of the right
 * form, with the right number, and a lie, by HOW:
 *
 *   yes      every token is valid, every lock is free, nothing is recorded
 *   nil      nil to everything
 *   shifted  each call gets the answer of the call before it
 *   numbered the same, but under the number of the call that is answered
 *   garbage  bytes that are none of the protocol
 *   old      to every second who asks: what was recorded first, for any order;
 *            that he is a twin; that the user is busy; that there is no token
 *   late     the truth of a Redis that was just emptied, 0 to 800 ms late
 *   silent   takes every call, and never answers
 *
 * On TERM it says how many scripts it was asked for, and how often it lied, and
 * ends. */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../integration/usock.h"

enum {
	PEERS_MAX = 64,
	ROOM = 1 << 18,
	WORDS_MAX = 24,
	REPLY_MAX = 512,
	LATEST_MS = 800,
	FAILED = 2,
};

enum how { YES, NIL, SHIFTED, NUMBERED, GARBAGE, OLD, LATE, SILENT, HOWS };

static const char *const names[HOWS] = {
    "yes", "nil", "shifted", "numbered", "garbage", "old", "late", "silent"};

struct peer {
	int fd; /* -1: free */
	size_t len;
	char in[ROOM];
	char held[REPLY_MAX]; /* the answer that the next call gets */
	long long due;        /* a late answer may leave then */
	size_t out_len;
	char out[ROOM];
};

static struct peer *peers[PEERS_MAX];
static enum how how;
static char admit_sha[41];
static char recorded[256]; /* the first one */
static unsigned turn, asked, lies;
static volatile sig_atomic_t stop_came;

static void
on_signal(int signal)
{
	(void)signal;
	stop_came = 1;
}

static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
say(struct peer *p, const char *text)
{
	size_t len = strlen(text);

	if (len > ROOM - p->out_len)
		errx(FAILED, "nobody reads the answers");
	memcpy(p->out + p->out_len, text, len);
	p->out_len += len;
}

/* An array of bulk strings. */
static void
array(char out[REPLY_MAX], const char *const item[], size_t n)
{
	size_t len = (size_t)snprintf(out, REPLY_MAX, "*%zu\r\n", n), i;

	for (i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, REPLY_MAX - len,
		    "$%zu\r\n%s\r\n", strlen(item[i]), item[i]);
}

/* What an emptied Redis says to a script: an admission goes on, all else is
 * done. number is the last argument of each. */
static void
honest(char out[REPLY_MAX], bool admission, const char *number)
{
	const char *item[] = {number, "go"};

	array(out, item, admission ? 2 : 1);
}

static void
old(char out[REPLY_MAX], bool admission, const char *number)
{
	static const char *const told[] = {
	    "recorded", "twin", "busy", "no-token"};
	unsigned now = admission ? turn++ : 0;
	const char *item[] = {number, told[now / 2 % 4], recorded};
	bool record = now / 2 % 4 == 0;

	if (now % 2 == 0 || (record && recorded[0] == '\0')) {
		honest(out, admission, number);
		return;
	}
	array(out, item, record ? 3 : 2);
	lies++;
}

static void
shifted(struct peer *p, bool admission, const char *number, char out[REPLY_MAX])
{
	snprintf(out, REPLY_MAX, "%s", p->held);
	honest(p->held, admission, number);
	if (out[0] == '\0') /* nobody was before the first */
		snprintf(out, REPLY_MAX, "%s", p->held);
	else
		lies++;
}

/* Was it an admission before, it is one now, whatever was asked. */
static void
numbered(
    struct peer *p, bool admission, const char *number, char out[REPLY_MAX])
{
	honest(out, p->held[0] == 'a', number);
	lies += admission != (p->held[0] == 'a');
	p->held[0] = admission ? 'a' : '-';
}

static void
answer_script(struct peer *p, char *const word[], size_t n)
{
	bool admission = strcmp(word[1], admit_sha) == 0;
	const char *number = word[n - 1];
	char out[REPLY_MAX] = "";

	if (admit_sha[0] == '\0')
		errx(FAILED, "no script is known as the admission");
	asked++;
	/* settling: KEYS result, lock; the first argument is the value */
	if (recorded[0] == '\0' && n > 6 && strncmp(word[5], "1|", 2) == 0)
		snprintf(recorded, sizeof(recorded), "%s", word[5]);
	switch (how) {
	case YES:
		honest(out, admission, number);
		lies += admission;
		break;
	case LATE:
		honest(out, admission, number);
		if (p->out_len == 0)
			p->due = now_ms() + rand() % LATEST_MS;
		lies++;
		break;
	case NIL:
		lies++;
		snprintf(out, sizeof(out), "$-1\r\n");
		break;
	case SHIFTED:
		shifted(p, admission, number, out);
		break;
	case NUMBERED:
		numbered(p, admission, number, out);
		break;
	case GARBAGE:
		snprintf(out, sizeof(out), "%c%d\r\n%s",
		    "*$:+-%\001Z"[rand() % 8], rand(), number);
		lies++;
		break;
	case OLD:
		old(out, admission, number);
		break;
	case SILENT:
		lies++;
		return;
	case HOWS:
		return;
	}
	say(p, out);
}

static void
answer(struct peer *p, char *const word[], size_t n)
{
	static unsigned loaded;
	char text[64];

	if (n >= 4 && strcmp(word[0], "EVALSHA") == 0) {
		answer_script(p, word, n);
	} else if (n == 3 && strcmp(word[0], "SCRIPT") == 0) {
		snprintf(text, sizeof(text), "$40\r\n%040x\r\n", ++loaded);
		say(p, text);
		if (strstr(word[2], "'recorded'") != NULL)
			snprintf(admit_sha, sizeof(admit_sha), "%040x", loaded);
	} else {
		say(p, "+OK\r\n");
	}
}

/* Takes one command from text; returns its length, 0: it is not whole. */
static size_t
parse(char *text, size_t len, char *word[WORDS_MAX], size_t *n_r)
{
	char *at = text, *end = text + len;
	long size[WORDS_MAX], words, i;

	if (memmem(at, len, "\r\n", 2) == NULL)
		return 0;
	words = strtol(at + 1, &at, 10);
	if (*text != '*' || words < 1 || words > WORDS_MAX)
		errx(FAILED, "withdrawd does not speak to us as to a redis");
	at += 2;
	for (i = 0; i < words; i++) {
		if (at >= end ||
		    memmem(at, (size_t)(end - at), "\r\n", 2) == NULL)
			return 0;
		size[i] = strtol(at + 1, &at, 10);
		at += 2;
		if (end - at < size[i] + 2)
			return 0;
		word[i] = at;
		at += size[i] + 2;
	}
	/* only now: what is not whole is read again later */
	for (i = 0; i < words; i++)
		word[i][size[i]] = '\0';
	*n_r = (size_t)words;
	return (size_t)(at - text);
}

static void
serve_peer(struct peer *p)
{
	char *word[WORDS_MAX];
	size_t used, n;
	ssize_t got = recv(p->fd, p->in + p->len, ROOM - p->len - 1, 0);

	if (got <= 0) {
		close(p->fd);
		p->fd = -1;
		return;
	}
	p->len += (size_t)got;
	p->in[p->len] = '\0';
	while ((used = parse(p->in, p->len, word, &n)) > 0) {
		answer(p, word, n);
		memmove(p->in, p->in + used, p->len - used);
		p->len -= used;
	}
}

static void
send_answers(struct peer *p)
{
	if (p->out_len == 0 || now_ms() < p->due)
		return;
	if (send(p->fd, p->out, p->out_len, MSG_NOSIGNAL) !=
	    (ssize_t)p->out_len) {
		close(p->fd);
		p->fd = -1;
	}
	p->out_len = 0;
}

static void
accept_peer(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	size_t i = 0;

	while (i < PEERS_MAX && peers[i] != NULL && peers[i]->fd >= 0)
		i++;
	if (fd < 0 || i == PEERS_MAX) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (peers[i] == NULL &&
	    (peers[i] = malloc(sizeof(struct peer))) == NULL)
		errx(FAILED, "out of memory");
	peers[i]->fd = fd;
	peers[i]->len = peers[i]->out_len = 0;
	peers[i]->held[0] = '\0';
	peers[i]->due = 0;
}

int
main(int argc, char *argv[])
{
	const struct sigaction action = {.sa_handler = on_signal};
	int listener;

	if (argc != 3)
		errx(FAILED, "usage: torture-liar LISTEN HOW");
	for (how = 0; how < HOWS && strcmp(names[how], argv[2]) != 0;)
		how++;
	if (how == HOWS)
		errx(FAILED, "nobody lies like \"%s\"", argv[2]);
	sigaction(SIGTERM, &action, NULL);
	unlink(argv[1]);
	listener = usock_listen(argv[1]);
	if (listener < 0)
		err(FAILED, "%s", argv[1]);
	while (!stop_came) {
		struct pollfd polls[PEERS_MAX + 1];
		size_t i;

		for (i = 0; i < PEERS_MAX; i++)
			polls[i] = (struct pollfd){
			    .fd = peers[i] != NULL ? peers[i]->fd : -1,
			    .events = POLLIN};
		polls[i] = (struct pollfd){.fd = listener, .events = POLLIN};
		if (poll(polls, PEERS_MAX + 1, how == LATE ? 5 : 500) < 0)
			continue;
		for (i = 0; i < PEERS_MAX; i++) {
			if (peers[i] == NULL || peers[i]->fd < 0)
				continue;
			if (polls[i].fd == peers[i]->fd &&
			    polls[i].revents != 0)
				serve_peer(peers[i]);
			if (peers[i]->fd >= 0)
				send_answers(peers[i]);
		}
		if (polls[PEERS_MAX].revents != 0)
			accept_peer(listener);
	}
	printf("%u %u\n", asked, lies);
	return 0;
}
