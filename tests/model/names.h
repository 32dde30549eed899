/* lists of X(name), which it would break anew each time */
/* clang-format off */
/* names.h: the values that pipeline.pml and search.c share. */
#ifndef NAMES_H
#define NAMES_H

#ifndef SLOTS
#define SLOTS 2 /* requests at once */
#endif
#ifndef PER_WORKER
#define PER_WORKER 1 /* of them in one worker process */
#endif
#ifndef BACKENDS
#define BACKENDS 2 /* statements at once, with those that are stuck */
#endif

#define NOBODY 7
#define STALE  6 /* the owner of a lock whose request is over */

#define B_FREE 0 /* a backend that runs nothing */
#define IDLE   0 /* no request */

#define T_IDLE   0 /* withdraw-reconcile, not at work */
#define T_HANDLE 4 /* RECONCILE_BLIND: the journal was read, unlocked */

#endif
