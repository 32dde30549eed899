/* rules.c: see rules.h. */
#include "rules.h"

#include <stdarg.h>
#include <stdio.h>

enum { SAID_MAX = 10 };

/* The numbers are those of the promises in README.md. */
static const char *const texts[RULES] = {
    [ONE_DEBIT] = "1 an order is debited at most once",
    [CHAIN] = "2 entries are numbered without gap, each balance is the sum",
    [HEAD] = "2 each account is the head of its journal",
    [RECORD_AND_ENTRY] =
	"3 a record of a success has its entry, and the other way",
    [DECLINED_RIGHTLY] = "4 what was declined for want of money had too little",
    [NOT_FROZEN] = "2 withdraw-reconcile found no journal to freeze",
    [NOTHING_FOUND] = "2 withdraw-reconcile had nothing to repair",
    [SENT_BY_SOMEBODY] = "8 nothing is recorded that its user has not sent",
    [TOLD_STANDS] = "3 a final answer that was told is what the ledger has",
    [TOLD_THE_SAME] = "5 final answers to an order are the same, byte by byte",
    [FIRST_ONCE] = "5 all of them but one say that they are replayed",
    [NONE_AFTER_FINAL] = "4 nobody is told \"none\" after a final answer",
    [NONE_AND_RECORDED] = "6 nobody is told \"none\" of what is recorded",
    [SAFE_NEW_ORDER] = "6 a new order is called safe only after a refusal",
    [FAILURE_IS_UNKNOWN] = "6 a failure is an unknown outcome",
    [UNKNOWN_UNLESS_LOOKED] = "6 who has not looked says that it is unknown",
    [FOREIGN] = "8 nobody learns anything of another user's order",
    [OWN_ANSWER] = "8 each answer is about what was asked",
    [NO_REPROACH] = "  no request that is right is told to be wrong",
    [ACCOUNT_TOLD] = "2 each balance that was told was in the journal",
    [ACCOUNT_NOT_OLD] = "2 no balance is older than one told before",
    [CREDITS] = "2 each credit is there once",
    [FINAL_IN_TIME] = "  every order is final soon after the faults have ended",
};

static unsigned long broken[RULES];

void
rule_broken(enum rule rule, const char *format, ...)
{
	va_list args;

	if (broken[rule]++ >= SAID_MAX)
		return;
	printf("  violation of %s: ", texts[rule]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

size_t
rules_print(const int left_out[RULES], size_t *passed_r)
{
	size_t failed = 0, passed = 0, i;

	for (i = 0; i < RULES; i++) {
		if (left_out[i])
			continue;
		if (broken[i] == 0)
			printf("ok    %s\n", texts[i]);
		else
			printf("FAIL  %s: %lu times\n", texts[i], broken[i]);
		broken[i] == 0 ? passed++ : failed++;
	}
	*passed_r = passed;
	return failed;
}
