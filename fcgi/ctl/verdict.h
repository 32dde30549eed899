/* verdict.h: what payout_mark() (sql/103) says of an order, in words. */
#ifndef CTL_VERDICT_H
#define CTL_VERDICT_H

/* Why the payout is not what was asked for; NULL if it is, now or since
 * before. */
const char *ctl_verdict_problem(const char *verdict);

#endif
