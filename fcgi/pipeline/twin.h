/* twin.h: the waiting room for twins: requests for an order that is under way
 * already, here or in another worker.
 *
 * Twins of an order that runs in this worker are told its result the moment it
 * is known. Of those whose first one runs elsewhere (or died), one at a time
 * asks Redis again, and when their time is over one of them looks in the
 * ledger for all: a hundred twins cost what one costs. Nothing here decides
 * anything; who waits holds no connection. */
#ifndef TWIN_H
#define TWIN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct result;
struct twin_flight;
struct twin_room;

enum twin_news {
	TWIN_TOLD,          /* here is the result of the first one */
	TWIN_YOUR_TURN,     /* to ask Redis again */
	TWIN_STILL_RUNNING, /* time is over; it runs in this worker */
	TWIN_LOOK,          /* time is over; look in the ledger, for all of us:
			     * twin_looked() must follow */
};

/* One who waits; embedded in the request. woken is called once a wait, with
 * the seat already left; result only with TWIN_TOLD. */
struct twin_seat {
	void (*woken)(struct twin_seat *seat, enum twin_news news,
	    const struct result *result);
	struct twin_seat *prev, *next;
	struct twin_flight *flight; /* NULL: not seated */
	ev_timer expiry;
	double delay;
	int64_t until_us; /* 0: never sat yet; then it waits its whole time */
	bool expired;
};

struct twin_room *twin_room_new(struct ev_loop *loop, const struct config *cfg);
void twin_room_free(struct twin_room **room);

/* Does this worker run that order? */
bool twin_running(struct twin_room *room, int64_t user, const char *order);

/* This worker runs the order from now on. NULL if it runs it already. */
struct twin_flight *twin_begin(
    struct twin_room *room, int64_t user, const char *order);

/* The run is over; all who wait are told. *flight may be NULL; is NULLed. */
void twin_end(struct twin_room *room, struct twin_flight **flight,
    const struct result *result);

/* Wait; when sat down again, for what is left of the first time. */
void twin_wait(struct twin_room *room, struct twin_seat *seat, int64_t user,
    const char *order);

/* One request found the record of the order: all who wait for it are told. */
void twin_tell(struct twin_room *room, int64_t user, const char *order,
    const struct result *result);

/* What the look after TWIN_LOOK found. */
void twin_looked(struct twin_room *room, int64_t user, const char *order,
    const struct result *result);

#endif
