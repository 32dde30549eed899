/* record.c: the cached form of a record. The input is "USER ORDER" and a line
 * feed, and the value. Only what record_encode() writes for that user and
 * order may be taken for the answer, byte for byte. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "pipeline/record.h"

static void
must_be_canonical(const char *text, int64_t user, const char *order)
{
	char again[RECORD_TEXT];
	struct record r;

	if (!record_decode(text, user, order, &r))
		return;
	HOLDS(r.user == user && strcmp(r.order, order) == 0);
	record_encode(&r, again);
	HOLDS(strcmp(again, text) == 0);
	/* nobody else's, and no other order's */
	HOLDS(!record_decode(text, user ^ 1, order, &r));
	HOLDS(!record_decode(
		  text, user, "0189abcd-ef01-4234-8567-89abcdef0123", &r) ||
	    strcmp(order, "0189abcd-ef01-4234-8567-89abcdef0123") == 0);
}

/* The columns of a row, as the ledger would send them: what is read must come
 * back out of the cached form as it is. */
static void
from_fields(struct fuzz_input in, int64_t user)
{
	const char *fields[RECORD_FIELDS] = {0};
	char *lines[RECORD_FIELDS] = {0}, text[RECORD_TEXT];
	struct record r, back;
	size_t len, i;

	for (i = 0; i < RECORD_FIELDS; i++) {
		lines[i] = fuzz_line(&in, &len);
		fields[i] = lines[i] != NULL && *lines[i] ? lines[i] : NULL;
	}
	if (record_from_fields(fields, user, &r)) {
		record_encode(&r, text);
		HOLDS(record_decode(text, user, r.order, &back));
		HOLDS(back.status == r.status &&
		    back.has_amount == r.has_amount &&
		    back.amount == r.amount && back.version == r.version &&
		    back.balance_after == r.balance_after &&
		    back.created_us == r.created_us &&
		    back.has_resets == r.has_resets &&
		    back.resets_us == r.resets_us &&
		    strcmp(back.currency, r.currency) == 0 &&
		    strcmp(back.reason, r.reason) == 0);
	}
	for (i = 0; i < RECORD_FIELDS; i++)
		free(lines[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	char *who, *value, *order;
	size_t len;
	int64_t user;

	who = fuzz_line(&in, &len);
	if (who == NULL)
		return 0;
	value = fuzz_copy(in.at, (size_t)(in.end - in.at));
	order = strchr(who, ' ');
	if (order != NULL)
		*order++ = '\0';
	if (order != NULL && fuzz_is_user(who, &user)) {
		if (fuzz_is_uuid(order) &&
		    strpbrk(order, "ABCDEF") ==
			NULL) /* as the service has it */
			must_be_canonical(value, user, order);
		from_fields(in, user);
	}
	free(who);
	free(value);
	return 0;
}
