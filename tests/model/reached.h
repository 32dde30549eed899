/* lists of X(name), which it would break anew each time */
/* clang-format off */
/* reached.h: counts the paths of pipeline.pml that a search went, outside of
 * its states, and prints them when pan ends. A model that never withdraws
 * anything is safe, too: run.sh wants all of them above zero. */
#ifndef REACHED_H
#define REACHED_H

#define REACHED_PATHS(X)                                                       \
	X(success)                                                             \
	X(decline) X(void) X(replay_cache) X(replay_insert) X(replay_lookup)   \
	    X(twin_told) X(twin_look) X(your_turn) X(still_running) X(         \
		in_progress) X(busy) X(token_invalid) X(no_redis) X(refused)   \
		X(garbled) X(unavailable) X(outcome_unknown) X(reply_lost)     \
		    X(stuck) X(resent_and_answered) X(refused_and_sent_again)  \
			X(commit_unseen) X(moved_and_succeeded)                \
			    X(moved_and_declined) X(void_finds_success)        \
				X(withdrawal_finds_void) X(lock_released)      \
				    X(journal_key) X(debit_key)                \
					X(reconcile_repairs)                   \
					    X(reconcile_deletes)               \
						X(reconcile_fills_in)

#define REACHED_ENUM(name) REACHED_##name,
enum { REACHED_PATHS(REACHED_ENUM) REACHED_N };

#define REACHED_NAME(name) #name,
static const char *const reached_names[] = {REACHED_PATHS(REACHED_NAME)};

static void canonical(void); /* of search.c */

static unsigned long path_count[REACHED_N];

#define reached_count(path) (path_count[path]++)

static void
reached_print(void)
{
	int i;

	for (i = 0; i < REACHED_N; i++)
		printf("reached %s %lu\n", reached_names[i], path_count[i]);
}

static void
reached_begin(void)
{
	static int begun;

	if (!begun++)
		atexit(reached_print);
}

#endif
