/* pipeline.pml: the withdrawal pipeline with everything that may fail.
 *
 * One user, two orders of 1 each, a balance of 1. Steps have the names of the
 * functions that they stand for: fcgi/pipeline/*.c, fcgi/store/pg.c,
 * fcgi/reconcile/, sql/101-withdrawal.sql. What a step cannot be interrupted
 * in is one d_step: one script of Redis, one statement that one backend
 * runs, one round of a worker's loop. README.md says what is left out.
 *
 * Clicks, crashes, losses, credits up to CREDITS: nobody counts them, they may
 * happen at any step and any number of times. Only with LIVE there is an end
 * of faults (FAULTS). Names in capitals without a value are switches of
 * run.sh: a weakening each. */

#include "names.h"

#ifndef CREDITS
#define CREDITS 1	/* of 1 each, at most */
#endif
#ifndef BALANCE
#define BALANCE 1	/* to begin with */
#endif

/* --- ghosts: what the invariants are told in ------------------------------ */

byte told[2];	/* the final answer that somebody was given, 0: none */
byte debits[2];	/* entries of the order in the journal */
byte sum = BALANCE;	/* of the journal */
byte head = 1;	/* its last version */
/* A statement of this request may have been committed, or may yet be, and its
 * reply was not taken. EXACT knows whether it was: a weakening is only refuted
 * by a claim that is false; the sound model does not even make it by luck. */
bit lost[SLOTS];

/* Names in what pan prints; always 0. */
hidden byte inv1, inv2, inv3, inv4, inv5, inv6;

#if !defined(ONLY) || ONLY == 1
#define INV1(c) assert(inv1 || (c))
#else
#define INV1(c) skip
#endif
#if !defined(ONLY) || ONLY == 2
#define INV2(c) assert(inv2 || (c))
#else
#define INV2(c) skip
#endif
#if !defined(ONLY) || ONLY == 3
#define INV3(c) assert(inv3 || (c))
#else
#define INV3(c) skip
#endif
#if !defined(ONLY) || ONLY == 4
#define INV4(c) assert(inv4 || (c))
#else
#define INV4(c) skip
#endif
#if !defined(ONLY) || ONLY == 5
#define INV5(c) assert(inv5 || (c))
#else
#define INV5(c) skip
#endif
#if !defined(ONLY) || ONLY == 6
#define INV6(c) assert(inv6 || (c))
#else
#define INV6(c) skip
#endif

/* Paths that must be reached, counted outside of the state. */
c_decl {
	\#include "reached.h"
};
/* Ends each step: search.c exchanges the state for an equal one. */
#if defined(LIVE) || defined(NO_SYMMETRY)
#define SAME_AS skip
#else
#define SAME_AS c_code { canonical(); }
#endif

#define REACHED(name) c_code { reached_count(REACHED_##name); }

/* --- the ledger: what is committed ---------------------------------------- */

#define SUCCEEDED 1
#define DECLINED  2
#define VOID	  3
#define RECORD(status, version) ((status) * 8 + (version))
#define STATUS(record)		((record) >> 3)
#define VERSION(record)		((record) & 7)

byte rec[2];	/* withdraw_record by order, 0: no row */
byte balance = BALANCE, version = 1;	/* account */
byte credits;

/* locks of transactions under way */
byte rec_holder[2] = NOBODY;	/* has inserted the key */
byte acct_holder = NOBODY;

/* --- statements in the server --------------------------------------------- */

#define B_SENT	   1	/* received, or still on its way: not begun */
#define B_READ	   2	/* account read, decided */
#define B_INSERTED 3	/* record inserted, account to be updated */
#define B_MOVED	   4	/* no row: somebody moved first */
#define B_COMMIT   5	/* rows were sent, COMMIT is next */
#define B_REPLY	   6	/* committed, reply not taken */
#define B_REFUSED  7	/* rolled back, error not taken */

byte st[BACKENDS];
byte bo[BACKENDS];	/* order */
byte bval[BACKENDS];	/* the record to write; with B_REPLY, the rows */
byte after[BACKENDS];	/* v_after */
bit moves[BACKENDS];	/* holds the account, will commit a debit */
byte by[BACKENDS] = NOBODY; /* the request that sent it, while it lives */

/* --- requests --------------------------------------------------------------- */

#define ADMIT  1
#define LOOKUP 2
#define WAIT   3
#define QUEUE  4	/* pg_submit: not on the wire */
#define WIRE   5
#define SETTLE 6

#define R_NONE	   0
#define R_RECORD   1	/* succeeded, declined, void */
#define R_BUSY	   2
#define R_PROGRESS 3
#define R_TOKEN	   4	/* token-invalid, order_state none */
#define R_UNAVAIL  5	/* unavailable: this request surely did not run */
#define R_UNKNOWN  6	/* outcome-unknown */

byte pc[SLOTS];
byte ord[SLOTS];
byte res[SLOTS];
byte val[SLOTS];		/* result.record */
byte bk[SLOTS] = NOBODY;	/* its backend, while connected */
bit voids[SLOTS];		/* orders_void, not a withdrawal */
bit own[SLOTS];			/* w->owner: the lock may be ours */
bit flight[SLOTS];		/* twin_begin() gave it the flight */
bit distrust[SLOTS];		/* w->distrust_cache */
bit uncertain[SLOTS];		/* call->uncertain */

/* --- Redis ------------------------------------------------------------------- */

#define GARBLED 1	/* a value that record_decode() refuses */

byte cache[2];		/* recorded answer, 0: none */
byte ever[2];		/* one that was sent at some time */
byte lock;		/* 0: free, order + 1 */
byte lock_owner = NOBODY;
#ifdef LIVE
bit token[2];		/* a valid token for the order */
#define token_found(o)	token[o]
#define token_spent(o)	token[o] = 0
#define TOKEN_THERE
#else
/* Tokens may be minted, end, be forgotten and be back from an older state at
 * any moment: whether one is there is chosen when it is asked for. */
hidden byte token_there;
#define token_found(o)	token_there
#define token_spent(o)
#define TOKEN_THERE	token_there = 1;
#endif

hidden byte j, k, slot;	/* of loops */

#ifdef ONE_ORDER
#define OFFERED(o) ((o) == 0)
#else
#define OFFERED(o) true
#endif
#ifdef LIVE	/* an order is sent again until its answer is final */
byte faults = FAULTS;
#define MAY_FAIL  (faults > 0)
#define FAULT	  faults--
#define WANTED(o) (OFFERED(o) && told[o] == 0)
#else
#define MAY_FAIL  true
#define FAULT	  skip
#define WANTED(o) OFFERED(o)
#endif

/* ============================================================================ */
/* twin.c, inside of one worker */

#define SAME(a, b) ((a) / PER_WORKER == (b) / PER_WORKER)
#define RUNS(i, k, o) (SAME(i, k) && flight[k] && ord[k] == (o))
#define LANE(i, k) (!SAME(i, k) || pc[k] != WIRE)
#if SLOTS == 1
#define twin_running(i, o) RUNS(i, 0, o)
#define lane_free(i) LANE(i, 0)
#elif SLOTS == 2
#define twin_running(i, o) (RUNS(i, 0, o) || RUNS(i, 1, o))
#define lane_free(i) (LANE(i, 0) && LANE(i, 1))
#elif SLOTS == 3
#define twin_running(i, o) (RUNS(i, 0, o) || RUNS(i, 1, o) || RUNS(i, 2, o))
#define lane_free(i) (LANE(i, 0) && LANE(i, 1) && LANE(i, 2))
#endif
#if BACKENDS == 2
#define backend_free (st[0] == B_FREE || st[1] == B_FREE)
#elif BACKENDS == 3
#define backend_free (st[0] == B_FREE || st[1] == B_FREE || st[2] == B_FREE)
#elif BACKENDS == 4
#define backend_free \
	(st[0] == B_FREE || st[1] == B_FREE || st[2] == B_FREE || \
	 st[3] == B_FREE)
#endif

/* What is seen of a final answer, by whoever asked. */
inline tell(o, v)
{
	/* exactly one record, and one entry if it succeeded */
	INV3(rec[o] == v && (STATUS(v) == SUCCEEDED) == (debits[o] == 1));
	INV5(told[o] == 0 || told[o] == v);
	told[o] = v
}

/* Who waits for i's order in this worker is given its result, and goes. */
inline flight_tell(i)
{
	k = 0;
	do
	:: k < SLOTS ->
		if
		:: k != i && SAME(i, k) && pc[k] == WAIT && ord[k] == ord[i] ->
			REACHED(twin_told);
			if
			:: res[i] == R_RECORD -> tell(ord[i], val[i])
			:: else
			fi;
			pc[k] = IDLE;
			ord[k] = 0;
			distrust[k] = 0
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0
}

inline twin_begin(i)
{
	if
	:: !twin_running(i, ord[i]) -> flight[i] = 1
	:: else
	fi
}

inline twin_end(i)
{
	if
	:: flight[i] ->
		flight[i] = 0;
		flight_tell(i)
	:: else
	fi
}

/* ============================================================================ */
/* withdraw.c */

inline backend_ends(b)
{
	st[b] = B_FREE;
	bo[b] = 0;
	bval[b] = 0;
	after[b] = 0;
	moves[b] = 0;
	by[b] = NOBODY
}

inline lock_is_not_ours(i)
{
	own[i] = 0;
	if
	:: lock_owner == i -> lock_owner = STALE
	:: else
	fi
}

/* The request is over, or died: nobody knows of it but the ledger and Redis. */
inline forget_request(i)
{
	lock_is_not_ours(i);
	pc[i] = IDLE;
	ord[i] = 0;
	res[i] = R_NONE;
	val[i] = 0;
	voids[i] = 0;
	flight[i] = 0;
	distrust[i] = 0;
	uncertain[i] = 0;
	lost[i] = 0;
	j = 0;
	do
	:: j < BACKENDS ->
		if
		:: by[j] == i ->
			by[j] = NOBODY;
			if
			:: st[j] == B_REPLY || st[j] == B_REFUSED ->
				backend_ends(j)
			:: else
			fi
		:: else
		fi;
		j++
	:: else -> break
	od;
	bk[i] = NOBODY;
	j = 0
}

/* The answer goes out. What the browser does not get, it asks for again. */
inline finish(i)
{
	if
	:: res[i] == R_RECORD ->
		tell(ord[i], val[i]);
		if
		:: !voids[i] -> flight_tell(i)
		:: else
		fi
	:: res[i] == R_UNAVAIL || res[i] == R_TOKEN ->
		/* it says that this request surely did not run: nothing of it
		 * was committed, nothing of it is under way */
		j = 0;
		do
		:: j < BACKENDS ->
			INV6(by[j] != i || st[j] == B_FREE);
			j++
		:: else -> break
		od;
		j = 0;
		INV6(!lost[i])
	:: else
	fi;
	forget_request(i)
}

inline step_settle(i)
{
	if
	:: !voids[i] && (res[i] == R_RECORD || own[i]) -> pc[i] = SETTLE
	:: else -> finish(i)
	fi
}

inline step_ledger(i)
{
	twin_begin(i);
	pc[i] = QUEUE
}

inline judge_record(i, v)
{
	res[i] = R_RECORD;
	val[i] = v
}

inline after_ledger(i)
{
	uncertain[i] = 0;
	bk[i] = NOBODY;
	twin_end(i);
	step_settle(i)
}

/* pg.c: call_failed(), with what is known of the tries so far. */
inline call_failed(i)
{
	if
#ifndef TIMEOUT_FAILED
	:: uncertain[i] ->
		REACHED(outcome_unknown);
		res[i] = R_UNKNOWN;
#ifndef UNKNOWN_UNLOCKS
		lock_is_not_ours(i)
#endif
#endif
	:: else ->
		REACHED(unavailable);
		res[i] = R_UNAVAIL
	fi;
	after_ledger(i)
}

inline withdraw_start(i, o)
{
	ord[i] = o;
	if
	:: twin_running(i, o) -> pc[i] = WAIT
	:: else -> pc[i] = ADMIT
	fi
}

inline after_admit_no_redis(i)
{
	REACHED(no_redis);
	step_ledger(i)
}

/* admit.c's script. Sets found, the word that it answers. */
#define W_GO	   0
#define W_RECORDED 1
#define W_TWIN	   2
#define W_BUSY	   3
#define W_NO_TOKEN 4
hidden byte word;

inline admit_script(i)
{
	lock_is_not_ours(i);	/* a fresh owner each time */
	word = W_GO;
#ifndef NO_CACHE
	if
	:: !distrust[i] && cache[ord[i]] != 0 -> word = W_RECORDED
	:: else
	fi;
#endif
#ifndef NO_LOCK
	if
	:: word == W_GO && lock != 0 ->
		if
		:: lock == ord[i] + 1 -> word = W_TWIN
		:: else -> word = W_BUSY
		fi
	:: else
	fi;
#endif
#ifndef NO_TOKEN
	if
	:: word == W_GO ->
		if
		:: !token_found(ord[i]) -> word = W_NO_TOKEN
		:: else -> token_spent(ord[i])
		fi
	:: else
	fi;
#endif
#ifndef NO_LOCK
	if
	:: word == W_GO ->
		lock = ord[i] + 1;
		lock_owner = i
	:: else
	fi
#endif
}

inline after_admit(i)
{
	if
	:: word == W_GO ->
		own[i] = 1;
		step_ledger(i)
	:: word == W_RECORDED && cache[ord[i]] == GARBLED ->
		REACHED(garbled);
		distrust[i] = 1	/* and step_admit again */
	:: word == W_RECORDED && cache[ord[i]] != GARBLED ->
		REACHED(replay_cache);
		judge_record(i, cache[ord[i]]);
		finish(i)
	:: word == W_TWIN -> pc[i] = WAIT
	:: word == W_BUSY ->
		REACHED(busy);
		res[i] = R_BUSY;
		finish(i)
	:: word == W_NO_TOKEN ->
#ifdef TOKEN_FINAL
		judge_record(i, RECORD(VOID, 0));
		finish(i)
#else
		pc[i] = LOOKUP
#endif
	fi
}

/* ledger_find, at one moment; the answer may be later. */
inline after_lookup(i)
{
	if
	:: twin_running(i, ord[i]) -> pc[i] = WAIT
	:: !twin_running(i, ord[i]) && rec[ord[i]] != 0 ->
		REACHED(replay_lookup);
		judge_record(i, rec[ord[i]]);
		step_settle(i)
	:: else ->
		REACHED(token_invalid);
#ifdef LOOKUP_FINAL
		judge_record(i, RECORD(VOID, 0));
		finish(i)
#else
		res[i] = R_TOKEN;
		step_settle(i)
#endif
	fi
}

inline after_look(i)
{
	if
	:: rec[ord[i]] != 0 ->
		REACHED(twin_look);
		judge_record(i, rec[ord[i]]);
		flight_tell(i);
		step_settle(i)
	:: else ->
		REACHED(in_progress);
		res[i] = R_PROGRESS;
		step_settle(i)
	fi
}

/* settle.c's script, at its time. What was sent may also run later: see
 * restored below. */
inline settle_script(i)
{
	if
	:: res[i] == R_RECORD ->
#ifndef NO_CACHE
		cache[ord[i]] = val[i];
		ever[ord[i]] = val[i];
#endif
		skip
	:: else
	fi;
	if
#ifdef LOCK_ANYONE
	:: own[i] ->
#else
	:: own[i] && lock == ord[i] + 1 && lock_owner == i ->
#endif
		REACHED(lock_released);
		lock = 0;
		lock_owner = NOBODY
	:: else
	fi
}

/* pg.c: on_pump, conn_send */
inline conn_send(i)
{
	slot = 0;
	do
	:: st[slot] != B_FREE -> slot++
	:: else -> break
	od;
	st[slot] = B_SENT;
	bo[slot] = ord[i];
	by[slot] = i;
	bk[i] = slot;
	bval[slot] = (voids[i] -> RECORD(VOID, 0) : 0);
	pc[i] = WIRE;
	slot = 0
}

/* pg.c: the connection is closed; what runs there may go on. */
inline conn_close(i)
{
	if
	:: st[bk[i]] == B_REPLY ->
		REACHED(reply_lost);
		lost[i] = 1;
		backend_ends(bk[i])
	:: st[bk[i]] == B_REFUSED ->
#ifndef EXACT
		lost[i] = 1;
#endif
		backend_ends(bk[i])
	:: else ->
		REACHED(stuck);
#ifndef EXACT
		lost[i] = 1;
		by[bk[i]] = NOBODY
#endif
	fi;
	bk[i] = NOBODY
}

proctype request(byte i)
{
	do
	/* the client: any order, again and again */
	:: d_step { pc[i] == IDLE && WANTED(0) -> withdraw_start(i, 0); SAME_AS }
	:: d_step { pc[i] == IDLE && WANTED(1) -> withdraw_start(i, 1); SAME_AS }
#ifndef NO_VOID
	:: d_step { pc[i] == IDLE && WANTED(0) ->
		ord[i] = 0;
		voids[i] = 1;
		pc[i] = QUEUE; SAME_AS }
	:: d_step { pc[i] == IDLE && WANTED(1) ->
		ord[i] = 1;
		voids[i] = 1;
		pc[i] = QUEUE; SAME_AS }
#endif
	/* step_admit: answered; or it ran, or not, and nobody knows; or down */
	:: d_step { pc[i] == ADMIT -> TOKEN_THERE
		admit_script(i); after_admit(i); SAME_AS }
#ifndef LIVE
	:: d_step { pc[i] == ADMIT -> token_there = 0;
		admit_script(i); after_admit(i); SAME_AS }
#endif
	:: d_step { pc[i] == ADMIT && MAY_FAIL -> FAULT; TOKEN_THERE
		admit_script(i);
		own[i] = 1;
		after_admit_no_redis(i); SAME_AS }
	:: d_step { pc[i] == ADMIT && MAY_FAIL -> FAULT;
		lock_is_not_ours(i);
		after_admit_no_redis(i); SAME_AS }
	:: d_step { pc[i] == ADMIT && MAY_FAIL -> FAULT;	/* redis_refuse */
		lock_is_not_ours(i);
		REACHED(refused);
		res[i] = R_UNAVAIL;
		step_settle(i); SAME_AS }

	/* step_lookup */
	:: d_step { pc[i] == LOOKUP -> after_lookup(i); SAME_AS }
	:: d_step { pc[i] == LOOKUP && MAY_FAIL -> FAULT;
		res[i] = R_UNAVAIL;
		step_settle(i); SAME_AS }

	/* step_wait, on_woken: see also flight_tell() */
	:: d_step { pc[i] == WAIT && !twin_running(i, ord[i]) ->
		REACHED(your_turn);
		pc[i] = ADMIT; SAME_AS }
	:: d_step { pc[i] == WAIT && twin_running(i, ord[i]) ->
		REACHED(still_running);
		res[i] = R_PROGRESS;
		finish(i); SAME_AS }
	:: d_step { pc[i] == WAIT && !twin_running(i, ord[i]) -> after_look(i); SAME_AS }

	/* ledger_withdraw and orders_void on their way, in pg.c */
#ifdef SELECT_RESOLVES
#define RESENDS(i) !uncertain[i]
	:: d_step { pc[i] == QUEUE && uncertain[i] ->
		if
		:: rec[ord[i]] != 0 -> judge_record(i, rec[ord[i]])
		:: else -> res[i] = R_UNAVAIL
		fi;
		after_ledger(i); SAME_AS }
#else
#define RESENDS(i) true
#endif
	:: d_step { pc[i] == QUEUE && lane_free(i) && backend_free &&
		RESENDS(i) -> conn_send(i); SAME_AS }
	:: d_step { pc[i] == QUEUE && MAY_FAIL -> FAULT; call_failed(i); SAME_AS }
	:: d_step { pc[i] == WIRE && st[bk[i]] == B_REPLY ->
		judge_record(i, bval[bk[i]]);
		if
		:: uncertain[i] -> REACHED(resent_and_answered)
		:: else
		fi;
		backend_ends(bk[i]);
		after_ledger(i); SAME_AS }
	:: d_step { pc[i] == WIRE && st[bk[i]] == B_REFUSED ->	/* call_again */
		REACHED(refused_and_sent_again);
		backend_ends(bk[i]);
		bk[i] = NOBODY;
		pc[i] = QUEUE; SAME_AS }
	:: d_step { pc[i] == WIRE && st[bk[i]] == B_REFUSED ->
		backend_ends(bk[i]);
		call_failed(i); SAME_AS }
	:: d_step { pc[i] == WIRE && MAY_FAIL -> FAULT;
		/* conn_lost; on_deadline, when the queue gives up next */
		conn_close(i);
		uncertain[i] = 1;
		pc[i] = QUEUE; SAME_AS }
#ifdef CACHE_EARLY
	:: d_step { pc[i] == WIRE && st[bk[i]] == B_COMMIT ->
		cache[ord[i]] = bval[bk[i]];
		ever[ord[i]] = cache[ord[i]]; SAME_AS }
#endif
#ifdef ROWS_EARLY
	:: d_step { pc[i] == WIRE && st[bk[i]] == B_COMMIT ->
		judge_record(i, bval[bk[i]]);
		after_ledger(i); SAME_AS }
#endif

	/* settle: it ran, or not in time */
	:: d_step { pc[i] == SETTLE -> settle_script(i); finish(i); SAME_AS }
	:: d_step { pc[i] == SETTLE && MAY_FAIL -> FAULT;
		if
		:: res[i] == R_RECORD -> ever[ord[i]] = val[i]
		:: else
		fi;
		finish(i); SAME_AS }

	od
}

/* ============================================================================ */
/* sql/101-withdrawal.sql: one backend, one transaction after the other. Others
 * of a batch add waits and roll-backs, which may happen here at any step. */

/* Is the worker that sent it still connected? */
#define connected(b) (by[b] != NOBODY && bk[by[b]] == (b))

inline replies(b)
{
	if
	:: connected(b) ->
		st[b] = B_REPLY;
		after[b] = 0;
		moves[b] = 0
	:: else -> backend_ends(b)
	fi
}

inline locks_end(b)
{
	if
	:: rec_holder[bo[b]] == b -> rec_holder[bo[b]] = NOBODY
	:: else
	fi;
	if
	:: acct_holder == b -> acct_holder = NOBODY
	:: else
	fi
}

inline roll_back(b)
{
	locks_end(b);
	if
	:: connected(b) ->
		st[b] = B_REFUSED;
		bval[b] = 0;
		after[b] = 0;
		moves[b] = 0
	:: else -> backend_ends(b)
	fi
}

/* insufficient-funds, or not: what the statement's snapshot says. */
inline withdraw_decision(b)
{
	if
	:: balance >= 1 ->
		after[b] = balance - 1;
		bval[b] = RECORD(SUCCEEDED, version + 1)
	:: else ->
		after[b] = 0;
		bval[b] = RECORD(DECLINED, version)
	fi
}

/* entry, of withdraw_batch: its keys are fences, too. */
inline insert_entry(b)
{
	if
#ifndef NO_JOURNAL_KEY
	:: head >= VERSION(bval[b]) ->
		REACHED(journal_key);
		roll_back(b)
#endif
#ifndef NO_DEBIT_KEY
	:: debits[bo[b]] > 0 ->
		REACHED(debit_key);
		roll_back(b)
#endif
	:: else ->
		moves[b] = 1;
		st[b] = B_COMMIT
	fi
}

/* record, of withdraw_batch, and withdraw_void: once no other holds the key. A
 * conflict gives withdraw_standing(), in a statement of its own. */
inline insert_record(b)
{
	if
	:: rec[bo[b]] != 0 ->
		REACHED(replay_insert);
		if
		:: STATUS(bval[b]) == VOID && STATUS(rec[bo[b]]) == SUCCEEDED ->
			REACHED(void_finds_success)
		:: STATUS(bval[b]) != VOID && STATUS(rec[bo[b]]) == VOID ->
			REACHED(withdrawal_finds_void)
		:: else
		fi;
		bval[b] = rec[bo[b]];
		replies(b)
	:: else ->
#ifndef NO_ORDER_KEY
		rec_holder[bo[b]] = b;
#endif
		st[b] = (STATUS(bval[b]) == SUCCEEDED -> B_INSERTED : B_COMMIT);
#ifdef VOID_LOOKUP
		if
		:: STATUS(bval[b]) == VOID ->
			rec_holder[bo[b]] = NOBODY;
			replies(b)
		:: else
		fi
#endif
	fi
}

/* debit, of withdraw_batch: it meets the row as it is now, whatever the
 * snapshot was. */
inline update_account(b)
{
	if
#ifdef NO_VERSION
	:: balance >= 1 ->
#else
	:: version == VERSION(bval[b]) - 1 && balance >= 1 ->
#endif
		acct_holder = b;
		insert_entry(b)
	:: else -> st[b] = B_MOVED
	fi
}

/* FOR UPDATE, and the second decision, which is the last. */
inline withdraw_redecide(b)
{
	acct_holder = b;
	withdraw_decision(b);
	if
	:: STATUS(bval[b]) == SUCCEEDED ->
		REACHED(moved_and_succeeded);
		insert_entry(b)
	:: else ->
		REACHED(moved_and_declined);
		st[b] = B_COMMIT
	fi
}

inline commit_record(b)
{
	if
	:: STATUS(bval[b]) == SUCCEEDED -> REACHED(success)
	:: STATUS(bval[b]) == DECLINED -> REACHED(decline)
	:: STATUS(bval[b]) == VOID -> REACHED(void)
	fi;
	if
	:: !connected(b) -> REACHED(commit_unseen)
	:: else
	fi;
	INV4(rec[bo[b]] == 0);
	rec[bo[b]] = bval[b];
	if
	:: moves[b] ->
		INV1(debits[bo[b]] == 0);
		INV4(told[bo[b]] == 0 || STATUS(told[bo[b]]) == SUCCEEDED);
		/* the chain: the next version, the balance after it */
		INV2(VERSION(bval[b]) == head + 1 && after[b] == sum - 1 &&
		    sum >= 1);
		debits[bo[b]]++;
		sum--;
		head = VERSION(bval[b]);
		balance = after[b];
		version = head
	:: else
	fi
}

inline commit(b)
{
#ifdef NO_TOMBSTONE
	if
	:: STATUS(bval[b]) != DECLINED -> commit_record(b)
	:: else
	fi;
#else
	commit_record(b);
#endif
	locks_end(b);
	if
	:: by[b] != NOBODY && !connected(b) -> lost[by[b]] = 1
	:: else
	fi;
	replies(b)
}

proctype backend(byte b)
{
	do
	:: d_step { st[b] == B_SENT && STATUS(bval[b]) != VOID ->
		withdraw_decision(b);
		st[b] = B_READ; SAME_AS }
	:: d_step { st[b] == B_SENT && STATUS(bval[b]) == VOID &&
		rec_holder[bo[b]] == NOBODY -> insert_record(b); SAME_AS }
	:: d_step { st[b] == B_READ && rec_holder[bo[b]] == NOBODY ->
		insert_record(b); SAME_AS }
	:: d_step { st[b] == B_INSERTED && acct_holder == NOBODY ->
		update_account(b); SAME_AS }
	:: d_step { st[b] == B_MOVED && acct_holder == NOBODY ->
		withdraw_redecide(b); SAME_AS }
	:: d_step { st[b] == B_COMMIT -> commit(b); SAME_AS }
	/* statement_timeout, a kill, a crash of the server, a COMMIT that does
	 * not apply, a statement that never arrives */
	:: d_step { st[b] >= B_SENT && st[b] <= B_COMMIT && MAY_FAIL ->
		FAULT; roll_back(b); SAME_AS }
	od
}

/* ============================================================================ */
/* account_credit of 102-account.sql */
proctype operator()
{
	do
	:: d_step { credits < CREDITS && acct_holder == NOBODY ->
		INV2(balance == sum && version == head);
		credits++;
		balance++;
		version++;
		sum++;
		head++; SAME_AS }
	od
}

/* ============================================================================ */
/* Redis: leases and tokens end, keys are forgotten, an older state is back (or
 * a script that was sent long ago runs now). All keys at once is one after the
 * other. */
proctype leases()
{
	do
#ifndef NO_LEASE
	:: d_step { lock != 0 -> lock = 0; lock_owner = NOBODY; SAME_AS }
#endif
#ifdef LIVE
	/* POST /api/token */
	:: d_step { !token[0] && WANTED(0) -> token[0] = 1; SAME_AS }
	:: d_step { !token[1] && WANTED(1) -> token[1] = 1; SAME_AS }
#endif
	od
}

#if defined(LIVE) || defined(RESTORE) || !defined(NO_CACHE)
#define REDIS_FORGETS
proctype redis()
{
	do
#ifdef LIVE
	:: d_step { token[0] && MAY_FAIL -> FAULT; token[0] = 0; SAME_AS }
	:: d_step { token[1] && MAY_FAIL -> FAULT; token[1] = 0; SAME_AS }
#endif
#ifndef NO_CACHE
	:: d_step { cache[0] != 0 && MAY_FAIL -> FAULT; cache[0] = 0; SAME_AS }
	:: d_step { cache[1] != 0 && MAY_FAIL -> FAULT; cache[1] = 0; SAME_AS }
	:: d_step { cache[0] != ever[0] && MAY_FAIL -> FAULT;
		cache[0] = ever[0]; SAME_AS }
	:: d_step { cache[1] != ever[1] && MAY_FAIL -> FAULT;
		cache[1] = ever[1]; SAME_AS }
#ifdef GARBLE
	:: d_step { cache[0] != GARBLED && MAY_FAIL -> FAULT;
		cache[0] = GARBLED; SAME_AS }
	:: d_step { cache[1] != GARBLED && WANTED(1) && MAY_FAIL -> FAULT;
		cache[1] = GARBLED; SAME_AS }
#endif
#endif
#ifdef RESTORE
	:: d_step { lock != 1 && MAY_FAIL -> FAULT;
		lock = 1; lock_owner = STALE; SAME_AS }
	:: d_step { lock != 2 && WANTED(1) && MAY_FAIL -> FAULT;
		lock = 2; lock_owner = STALE; SAME_AS }
#endif
	od
}
#endif

/* A worker process dies, at any step, with all its requests. */
inline dies(w)
{
	slot = 0;
	do
	:: slot < SLOTS ->
		if
		:: slot / PER_WORKER == w -> forget_request(slot)
		:: else
		fi;
		slot++
	:: else -> break
	od;
	slot = 0
}

proctype crashes()
{
	do
	:: d_step { MAY_FAIL -> FAULT; dies(0); SAME_AS }
#if (SLOTS - 1) / PER_WORKER >= 1
	:: d_step { MAY_FAIL -> FAULT; dies(1); SAME_AS }
#endif
#if (SLOTS - 1) / PER_WORKER >= 2
	:: d_step { MAY_FAIL -> FAULT; dies(2); SAME_AS }
#endif
	od
}

/* ============================================================================ */
/* fcgi/reconcile: round after round; killed at any step */
#ifdef RECONCILE
#define T_FOUND	 1	/* check_found: Redis was read */
#define T_RIGHT	 2	/* and then the ledger */
#define T_EXPECT 3	/* check_records: the ledger was read */

byte t_st, t_o, t_found, t_right;

inline round_ends()
{
	t_st = T_IDLE;
	t_o = 0;
	t_found = 0;
	t_right = 0
}

/* recorded.c: replace_script; what has changed since is left alone */
inline replace()
{
	if
	:: cache[t_o] == t_found && t_found != t_right ->
		if
		:: t_right == 0 -> REACHED(reconcile_deletes)
		:: else -> REACHED(reconcile_repairs)
		fi;
		cache[t_o] = t_right;
		if
		:: t_right != 0 -> ever[t_o] = t_right
		:: else
		fi
	:: else
	fi;
	round_ends()
}

inline found(o)
{
	t_o = o;
	t_found = cache[o];
	t_st = T_FOUND
}

inline expected(o)
{
	t_o = o;
	t_right = rec[o];
	t_st = T_EXPECT
}

proctype reconcile()
{
	do
#ifndef NO_CACHE
	:: d_step { t_st == T_IDLE && cache[0] != 0 -> found(0); SAME_AS }
	:: d_step { t_st == T_IDLE && cache[1] != 0 -> found(1); SAME_AS }
	:: d_step { t_st == T_FOUND -> t_right = rec[t_o]; t_st = T_RIGHT; SAME_AS }
	:: d_step { t_st == T_RIGHT -> replace(); SAME_AS }
	:: d_step { t_st == T_IDLE && rec[0] != 0 -> expected(0); SAME_AS }
	:: d_step { t_st == T_IDLE && rec[1] != 0 -> expected(1); SAME_AS }
	:: d_step { t_st == T_EXPECT && cache[t_o] != 0 ->
		t_found = cache[t_o]; t_st = T_RIGHT; SAME_AS }
	:: d_step { t_st == T_EXPECT && cache[t_o] == 0 ->
		/* fill_in: SET NX */
		REACHED(reconcile_fills_in);
		cache[t_o] = t_right;
		ever[t_o] = t_right;
		round_ends(); SAME_AS }
	:: d_step { t_st != T_IDLE && MAY_FAIL -> FAULT; round_ends(); SAME_AS }
#endif
	/* reconcile_handle: with the account locked */
#ifdef RECONCILE_BLIND
	:: d_step { t_st == T_IDLE ->
		t_found = sum; t_right = head; t_st = T_HANDLE; SAME_AS }
	:: d_step { t_st == T_HANDLE && acct_holder == NOBODY ->
		balance = t_found; version = t_right; round_ends(); SAME_AS }
#else
	:: d_step { t_st == T_IDLE && acct_holder == NOBODY &&
		(balance != sum || version != head) ->
		balance = sum; version = head; SAME_AS }
#endif
	od
}
#endif

init
{
	c_code { reached_begin(); };
	atomic {
		run request(0);
#if SLOTS > 1
		run request(1);
#endif
#if SLOTS > 2
		run request(2);
#endif
		run backend(0);
		run backend(1);
#if BACKENDS > 2
		run backend(2);
#endif
#if BACKENDS > 3
		run backend(3);
#endif
#if CREDITS > 0
		run operator();
#endif
		run leases();
#ifdef REDIS_FORGETS
		run redis();
#endif
		run crashes();
#ifdef RECONCILE
		run reconcile();
#endif
	}
}

#ifdef LIVE
ltl all_final { <> (told[0] != 0 && (told[1] != 0 || !OFFERED(1))) }
#endif
