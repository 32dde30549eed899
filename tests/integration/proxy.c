/*
 * The fault proxy: see proxy.h. One thread moves the bytes; the mutex keeps
 * the orders of the test apart from a move. Within a move the sockets block
 * on writing only: both ends read what they are sent.
 */
#include "proxy.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"
#include "usock.h"

enum {
	LINKS_MAX = 64,
	CHUNK_MAX = 65536,
	NEEDLE_MAX = 128,
	PROXIES_MAX = 4,
	TICK_MS = 1000,
};

enum mode { MODE_PASS, MODE_STALL, MODE_CLOSE };

struct needle {
	unsigned char data[NEEDLE_MAX];
	size_t len;
};

struct link {
	int client; /* -1: free */
	int server;
	bool swallowing;
	bool cut;
};

struct proxy {
	pthread_t thread;
	pthread_mutex_t mutex;
	const char *target;
	int listener;
	int wake[2];
	bool stopping;
	enum mode mode;
	struct needle trigger;
	struct needle until;
	struct needle extra;
	struct needle cutter;
	enum proxy_way cut_way;
	size_t cut_left;
	bool cut_silent;
	size_t cuts;
	size_t passed;
	size_t swallowed;
	size_t injected;
	struct link links[LINKS_MAX];
};

/* Those that the test has started. */
static struct proxy *proxies[PROXIES_MAX];
static size_t proxy_count;

static void
set_needle(struct needle *needle, const void *data, size_t len)
{
	ck_assert_uint_le(len, NEEDLE_MAX);
	if (len > 0)
		memcpy(needle->data, data, len);
	needle->len = len;
}

static bool
contains(const struct needle *needle, const unsigned char *data, size_t len)
{
	return needle->len > 0 &&
	    memmem(data, len, needle->data, needle->len) != NULL;
}

static void
close_link(struct link *link)
{
	if (link->client >= 0) {
		close(link->client);
		close(link->server);
	}
	*link = (struct link){.client = -1, .server = -1};
}

static bool
write_all(int fd, const unsigned char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* What is left to pass of a connection that is cut, and then its end. */
static bool
pass_rest(struct proxy *proxy, int to, const unsigned char *data, size_t len)
{
	size_t n = len < proxy->cut_left ? len : proxy->cut_left;

	proxy->cut_left -= n;
	proxy->passed += n;
	return write_all(to, data, n) &&
	    (proxy->cut_silent || proxy->cut_left > 0);
}

static bool
from_client(struct proxy *proxy, struct link *link)
{
	unsigned char data[CHUNK_MAX];
	ssize_t n = recv(link->client, data, sizeof(data), 0);

	if (n <= 0)
		return false;
	if (contains(&proxy->trigger, data, (size_t)n)) {
		proxy->trigger.len = 0;
		link->swallowing = true;
	}
	if (contains(&proxy->cutter, data, (size_t)n)) {
		proxy->cutter.len = 0;
		proxy->cuts++;
		link->cut = true;
	}
	if (link->cut && proxy->cut_way == PROXY_REQUEST)
		return pass_rest(proxy, link->server, data, (size_t)n);
	return write_all(link->server, data, (size_t)n);
}

static bool
from_server(struct proxy *proxy, struct link *link)
{
	unsigned char data[CHUNK_MAX];
	ssize_t n = recv(link->server, data, sizeof(data), 0);

	if (n <= 0)
		return false;
	if (link->cut && proxy->cut_way == PROXY_REPLY)
		return pass_rest(proxy, link->client, data, (size_t)n);
	if (link->cut && proxy->cut_left == 0)
		return true; /* to what was not asked whole */
	if (link->swallowing) {
		if (proxy->until.len == 0) {
			proxy->swallowed = 1;
			return true;
		}
		if (!contains(&proxy->until, data, (size_t)n))
			return true;
		proxy->swallowed++;
		return false;
	}
	if (proxy->extra.len > 0) {
		size_t len = proxy->extra.len;

		proxy->extra.len = 0;
		proxy->injected++;
		if (!write_all(link->client, proxy->extra.data, len))
			return false;
	}
	return write_all(link->client, data, (size_t)n);
}

static struct link *
free_link(struct proxy *proxy)
{
	for (size_t i = 0; i < LINKS_MAX; i++)
		if (proxy->links[i].client < 0)
			return &proxy->links[i];
	return NULL;
}

static void
accept_link(struct proxy *proxy)
{
	int client = accept(proxy->listener, NULL, NULL);
	struct link *link = free_link(proxy);
	int server = -1;

	if (client < 0)
		return;
	if (proxy->mode != MODE_CLOSE && link != NULL)
		server = usock_connect(proxy->target);
	if (server < 0)
		close(client); /* as the server itself would, were it down */
	else
		*link = (struct link){.client = client, .server = server};
}

static void
serve_links(struct proxy *proxy, const struct pollfd *polls)
{
	for (size_t i = 0; i < LINKS_MAX; i++) {
		struct link *link = &proxy->links[i];

		if (link->client >= 0 && proxy->mode == MODE_CLOSE)
			close_link(link);
		if (link->client < 0 || proxy->mode == MODE_STALL)
			continue;
		if (polls[2 * i].fd == link->client &&
		    polls[2 * i].revents != 0 && !from_client(proxy, link))
			close_link(link);
		else if (polls[2 * i + 1].fd == link->server &&
		    polls[2 * i + 1].revents != 0 && !from_server(proxy, link))
			close_link(link);
	}
}

static void *
serve(void *arg)
{
	struct proxy *proxy = arg;
	struct pollfd polls[2 * LINKS_MAX + 2];
	char drop[64];
	bool stopping = false;

	while (!stopping) {
		pthread_mutex_lock(&proxy->mutex);
		for (size_t i = 0; i < LINKS_MAX; i++) {
			bool mute = proxy->mode == MODE_STALL;
			const struct link *link = &proxy->links[i];

			polls[2 * i] = (struct pollfd){
			    .fd = mute ? -1 : link->client, .events = POLLIN};
			polls[2 * i + 1] = (struct pollfd){
			    .fd = mute ? -1 : link->server, .events = POLLIN};
		}
		pthread_mutex_unlock(&proxy->mutex);
		polls[2 * LINKS_MAX] =
		    (struct pollfd){.fd = proxy->listener, .events = POLLIN};
		polls[2 * LINKS_MAX + 1] =
		    (struct pollfd){.fd = proxy->wake[0], .events = POLLIN};
		if (poll(polls, 2 * LINKS_MAX + 2, TICK_MS) < 0)
			continue;
		if (polls[2 * LINKS_MAX + 1].revents != 0 &&
		    read(proxy->wake[0], drop, sizeof(drop)) <= 0)
			return NULL;
		pthread_mutex_lock(&proxy->mutex);
		serve_links(proxy, polls);
		if (polls[2 * LINKS_MAX].revents != 0)
			accept_link(proxy);
		stopping = proxy->stopping;
		pthread_mutex_unlock(&proxy->mutex);
	}
	return NULL;
}

static struct proxy *
start(int listener, const char *target_path)
{
	struct proxy *proxy = keep(sizeof(*proxy));

	pthread_mutex_init(&proxy->mutex, NULL);
	proxy->target = target_path;
	for (size_t i = 0; i < LINKS_MAX; i++)
		proxy->links[i] = (struct link){.client = -1, .server = -1};
	ck_assert_int_eq(pipe(proxy->wake), 0);
	proxy->listener = listener;
	ck_assert_uint_lt(proxy_count, PROXIES_MAX);
	ck_assert_int_eq(pthread_create(&proxy->thread, NULL, serve, proxy), 0);
	proxies[proxy_count++] = proxy;
	return proxy;
}

struct proxy *
proxy_start(const char *listen_path, const char *target_path)
{
	int listener = usock_listen(listen_path);

	ck_assert_msg(listener >= 0, "could not listen on %s: %s", listen_path,
	    strerror(errno));
	return start(listener, target_path);
}

struct proxy *
proxy_start_tcp(const char *target_path, unsigned *port_r)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* port 0: the kernel chooses one that is free */
	ck_assert_msg(listener >= 0 &&
		bind(listener, (struct sockaddr *)&address, len) == 0 &&
		listen(listener, LINKS_MAX) == 0 &&
		getsockname(listener, (struct sockaddr *)&address, &len) == 0,
	    "could not listen on a port: %s", strerror(errno));
	*port_r = ntohs(address.sin_port);
	return start(listener, target_path);
}

static void
begin_order(struct proxy *proxy)
{
	pthread_mutex_lock(&proxy->mutex);
}

/* Wakes the thread, which then looks at its orders anew. */
static void
end_order(struct proxy *proxy)
{
	pthread_mutex_unlock(&proxy->mutex);
	ck_assert_int_eq(write(proxy->wake[1], "", 1), 1);
}

static void
set_mode(struct proxy *proxy, enum mode mode)
{
	begin_order(proxy);
	proxy->mode = mode;
	end_order(proxy);
}

static void
stop(struct proxy *proxy)
{
	begin_order(proxy);
	proxy->stopping = true;
	end_order(proxy);
	pthread_join(proxy->thread, NULL);
	for (size_t i = 0; i < LINKS_MAX; i++)
		close_link(&proxy->links[i]);
	close(proxy->listener);
	close(proxy->wake[0]);
	close(proxy->wake[1]);
}

void
proxy_stop_all(void)
{
	while (proxy_count > 0)
		stop(proxies[--proxy_count]);
}

void
proxy_pass(struct proxy *proxy)
{
	set_mode(proxy, MODE_PASS);
}

void
proxy_stall(struct proxy *proxy)
{
	set_mode(proxy, MODE_STALL);
}

void
proxy_close(struct proxy *proxy)
{
	set_mode(proxy, MODE_CLOSE);
}

void
proxy_swallow(struct proxy *proxy, const void *trigger, size_t len,
    const void *until, size_t until_len)
{
	begin_order(proxy);
	set_needle(&proxy->trigger, trigger, len);
	set_needle(&proxy->until, until, until_len);
	proxy->swallowed = 0;
	end_order(proxy);
}

void
proxy_cut(struct proxy *proxy, const void *trigger, size_t len,
    enum proxy_way way, size_t bytes, bool silent)
{
	begin_order(proxy);
	set_needle(&proxy->cutter, trigger, len);
	proxy->cut_way = way;
	proxy->cut_left = bytes;
	proxy->cut_silent = silent;
	proxy->cuts = 0;
	proxy->passed = 0;
	end_order(proxy);
}

void
proxy_inject(struct proxy *proxy, const void *data, size_t len)
{
	begin_order(proxy);
	set_needle(&proxy->extra, data, len);
	proxy->injected = 0;
	end_order(proxy);
}

void
proxy_inject_now(struct proxy *proxy, const void *data, size_t len)
{
	begin_order(proxy);
	for (size_t i = 0; i < LINKS_MAX; i++)
		if (proxy->links[i].client >= 0 &&
		    !write_all(proxy->links[i].client, data, len))
			close_link(&proxy->links[i]);
	end_order(proxy);
}

static size_t
read_count(struct proxy *proxy, const size_t *count)
{
	size_t value;

	pthread_mutex_lock(&proxy->mutex);
	value = *count;
	pthread_mutex_unlock(&proxy->mutex);
	return value;
}

size_t
proxy_swallowed(struct proxy *proxy)
{
	return read_count(proxy, &proxy->swallowed);
}

size_t
proxy_cuts(struct proxy *proxy)
{
	return read_count(proxy, &proxy->cuts);
}

size_t
proxy_passed(struct proxy *proxy)
{
	return read_count(proxy, &proxy->passed);
}

size_t
proxy_injected(struct proxy *proxy)
{
	return read_count(proxy, &proxy->injected);
}

size_t
proxy_connections(struct proxy *proxy)
{
	size_t n = 0;

	pthread_mutex_lock(&proxy->mutex);
	for (size_t i = 0; i < LINKS_MAX; i++)
		if (proxy->links[i].client >= 0)
			n++;
	pthread_mutex_unlock(&proxy->mutex);
	return n;
}
