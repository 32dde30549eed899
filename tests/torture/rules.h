/* rules.h: what has to hold, and whether it did. */
#ifndef RULES_H
#define RULES_H

#include <stddef.h>

enum rule {
	ONE_DEBIT,
	CHAIN,
	HEAD,
	RECORD_AND_ENTRY,
	DECLINED_RIGHTLY,
	NOT_FROZEN,
	NOTHING_FOUND,
	SENT_BY_SOMEBODY,
	TOLD_STANDS,
	TOLD_THE_SAME,
	FIRST_ONCE,
	NONE_AFTER_FINAL,
	NONE_AND_RECORDED,
	SAFE_NEW_ORDER,
	FAILURE_IS_UNKNOWN,
	UNKNOWN_UNLESS_LOOKED,
	FOREIGN,
	OWN_ANSWER,
	NO_REPROACH,
	ACCOUNT_TOLD,
	ACCOUNT_NOT_OLD,
	CREDITS,
	FINAL_IN_TIME,
	RULES
};

/* The rule does not hold; says why, for the first few times. */
void rule_broken(enum rule rule, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line for each but those that were left out; returns how many failed. */
size_t rules_print(const int left_out[RULES], size_t *passed_r);

#endif
