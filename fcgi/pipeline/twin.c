/* twin.c: see twin.h. */
#include "twin.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/ident.h"
#include "base/log.h"
#include "pipeline/result.h"

#define POLL_FIRST                                                             \
	0.005 /* seconds between questions to Redis, doubled up to             \
	       */
#define POLL_LAST 0.1

/* An order with twins. Lives while it runs here, somebody waits, or somebody
 * looks for those who wait. */
struct twin_flight {
	int64_t user;
	char order[UUID_TEXT];
	struct twin_room *room;
	bool running, looking;
	struct twin_seat *first, *last;
	ev_timer poll;
	double delay;
};

struct twin_room {
	struct ev_loop *loop;
	double wait;   /* seconds */
	void *flights; /* a tree, see tsearch(3) */
};

static int
compare(const void *a, const void *b)
{
	const struct twin_flight *x = a, *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return strcmp(x->order, y->order);
}

static struct twin_flight
flight_key(int64_t user, const char *order)
{
	struct twin_flight key = {.user = user};

	memcpy(key.order, order, sizeof(key.order));
	return key;
}

static struct twin_flight *
flight_find(struct twin_room *room, int64_t user, const char *order)
{
	struct twin_flight key = flight_key(user, order);
	void *node = tfind(&key, &room->flights, compare);

	return node ? *(struct twin_flight **)node : NULL;
}

static void seat_leave(struct twin_seat *seat);

static void
on_poll(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct twin_flight *f = t->data;
	struct twin_seat *seat = f->first;

	(void)loop, (void)revents;
	/* those whose time is over only wait for the look */
	while (seat != NULL && seat->expired)
		seat = seat->next;
	if (seat == NULL)
		return;
	f->delay = f->delay * 2 < POLL_LAST ? f->delay * 2 : POLL_LAST;
	seat->delay = f->delay; /* a lone one takes the flight's with it */
	if (seat->next != NULL) {
		ev_timer_set(&f->poll, f->delay, 0);
		ev_timer_start(f->room->loop, &f->poll);
	}
	seat_leave(seat);
	seat->woken(seat, TWIN_YOUR_TURN, NULL);
}

static struct twin_flight *
flight_get(struct twin_room *room, int64_t user, const char *order)
{
	struct twin_flight *f = flight_find(room, user, order);

	if (f != NULL)
		return f;
	f = xcalloc(1, sizeof(*f));
	*f = flight_key(user, order);
	f->room = room;
	f->delay = POLL_FIRST;
	ev_timer_init(&f->poll, on_poll, 0, 0);
	f->poll.data = f;
	if (tsearch(f, &room->flights, compare) == NULL)
		fatalx("out of memory");
	return f;
}

static void
flight_release(struct twin_flight *f)
{
	if (f->running || f->looking || f->first != NULL)
		return;
	ev_timer_stop(f->room->loop, &f->poll);
	tdelete(f, &f->room->flights, compare);
	free(f);
}

static void
seat_leave(struct twin_seat *seat)
{
	struct twin_flight *f = seat->flight;

	ev_timer_stop(f->room->loop, &seat->expiry);
	*(seat->prev ? &seat->prev->next : &f->first) = seat->next;
	*(seat->next ? &seat->next->prev : &f->last) = seat->prev;
	seat->flight = NULL;
	flight_release(f);
}

static void
on_expiry(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct twin_seat *seat = t->data;
	struct twin_flight *f = seat->flight;

	(void)loop, (void)revents;
	if (f->running) {
		seat_leave(seat);
		seat->woken(seat, TWIN_STILL_RUNNING, NULL);
	} else if (f->looking) {
		seat->expired = true;
	} else {
		f->looking = true;
		seat_leave(seat);
		seat->woken(seat, TWIN_LOOK, NULL);
	}
}

/* Tells all, or only those whose time is over. Who is told may start something
 * new, and even sit down again: only those who sit here now are told. */
static void
flight_tell(struct twin_flight *f, bool all, const struct result *result)
{
	struct twin_seat *told = NULL, **tail = &told, *seat, *next;

	for (seat = f->first; seat != NULL; seat = next) {
		next = seat->next;
		if (!all && !seat->expired)
			continue;
		ev_timer_stop(f->room->loop, &seat->expiry);
		*(seat->prev ? &seat->prev->next : &f->first) = seat->next;
		*(seat->next ? &seat->next->prev : &f->last) = seat->prev;
		seat->flight = NULL;
		seat->next = NULL;
		*tail = seat;
		tail = &seat->next;
	}
	flight_release(f);
	for (seat = told; seat != NULL; seat = next) {
		next = seat->next;
		seat->woken(seat, TWIN_TOLD, result);
	}
}

struct twin_room *
twin_room_new(struct ev_loop *loop, const struct config *cfg)
{
	struct twin_room *room = xcalloc(1, sizeof(*room));

	room->loop = loop;
	room->wait = cfg->twin_wait_ms / 1000.0;
	return room;
}

void
twin_room_free(struct twin_room **room)
{
	free(*room); /* nobody waits any more when a worker ends */
	*room = NULL;
}

bool
twin_running(struct twin_room *room, int64_t user, const char *order)
{
	const struct twin_flight *f = flight_find(room, user, order);

	return f != NULL && f->running;
}

struct twin_flight *
twin_begin(struct twin_room *room, int64_t user, const char *order)
{
	struct twin_flight *f = flight_get(room, user, order);

	if (f->running)
		return NULL;
	f->running = true;
	ev_timer_stop(room->loop, &f->poll);
	return f;
}

void
twin_end(struct twin_room *room, struct twin_flight **flight,
    const struct result *result)
{
	struct twin_flight *f = *flight;

	(void)room;
	*flight = NULL;
	if (f == NULL)
		return;
	f->running = false;
	flight_tell(f, true, result);
}

void
twin_wait(struct twin_room *room, struct twin_seat *seat, int64_t user,
    const char *order)
{
	struct twin_flight *f = flight_get(room, user, order);
	int64_t now = clock_us();
	double left;

	if (seat->until_us == 0)
		seat->until_us = now + (int64_t)(room->wait * 1e6);
	left = (double)(seat->until_us - now) / 1e6;
	seat->flight = f;
	seat->expired = false;
	seat->next = NULL;
	if (f->delay < seat->delay)
		f->delay = seat->delay;
	seat->prev = f->last;
	*(f->last ? &f->last->next : &f->first) = seat;
	f->last = seat;
	ev_timer_init(&seat->expiry, on_expiry, left > 0 ? left : 0, 0);
	/* an answer that is there counts before the clock does */
	ev_set_priority(&seat->expiry, EV_MINPRI);
	seat->expiry.data = seat;
	ev_timer_start(room->loop, &seat->expiry);
	if (!f->running && !ev_is_active(&f->poll)) {
		ev_timer_set(&f->poll, f->delay, 0);
		ev_timer_start(room->loop, &f->poll);
	}
}

void
twin_tell(struct twin_room *room, int64_t user, const char *order,
    const struct result *result)
{
	struct twin_flight *f = flight_find(room, user, order);

	if (f != NULL)
		flight_tell(f, true, result);
}

void
twin_looked(struct twin_room *room, int64_t user, const char *order,
    const struct result *result)
{
	struct twin_flight *f = flight_find(room, user, order);

	if (f == NULL)
		return;
	f->looking = false;
	flight_tell(f, result->has_record, result);
}
