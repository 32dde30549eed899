/* withdrawctl under test: see ctl.h. */
#include "ctl.h"

#include <check.h>
#include <string.h>

#include "json.h"
#include "ledger.h"
#include "order.h"

struct command_end
run(struct command command)
{
	return command_run(&command);
}

const char *
expect_done(struct command_end end)
{
	ck_assert_msg(end.code == 0, "exit code %d: %s", end.code, end.err);
	ck_assert_str_eq(end.err, "");
	return end.out;
}

void
expect_complaint(struct command_end end, int code, const char *word)
{
	ck_assert_msg(end.code == code, "exit code %d instead of %d: %s",
	    end.code, code, end.err);
	ck_assert_msg(
	    strncmp(end.err, "withdrawctl: ", strlen("withdrawctl: ")) == 0 &&
		strstr(end.err, word) != NULL,
	    "does not say \"%s\": %s", word, end.err);
}

void
expect_refused(struct command_end end, int code, const char *word)
{
	expect_complaint(end, code, word);
	ck_assert_str_eq(end.out, "");
}

const char *
new_user(void)
{
	return ledger_sql("SELECT greatest(max(user_id), 7000000) + 1 "
			  "FROM ledger_entry",
	    NULL);
}

const char *
journal(const char *user)
{
	return ledger_sql("SELECT coalesce(string_agg(concat_ws(' ', kind, "
			  "delta, balance_after), ', ' ORDER BY version), '') "
			  "FROM ledger_entry WHERE user_id = $1::bigint",
	    user, NULL);
}

void
expect_untouched(const char *user, const char *balance)
{
	ck_assert_str_eq(
	    journal(user), keep_format("open %s %s", balance, balance));
	ck_assert_str_eq(ledger_balance(user), balance);
}

const char *
decide(const char *user, const char *amount)
{
	const char *order = order_id();

	ck_assert_ptr_nonnull(ledger_sql(
	    "SELECT status FROM withdraw_execute($1::bigint, $2::uuid, "
	    "$3::numeric, 'CNY', NULL, NULL)",
	    user, order, amount, NULL));
	return order;
}

void
expect_member(const char *body, const char *key, const char *value)
{
	const char *found = json_get(body, key);

	ck_assert_msg(found != NULL && strcmp(found, value) == 0,
	    "%s: %s expected: %s", key, value, body);
}

void
expect_item(const char *body, const char *array, size_t i, const char *key,
    const char *value)
{
	const char *found = json_item(body, array, i, key);

	ck_assert_msg(found != NULL && strcmp(found, value) == 0,
	    "%s of %zu: %s expected: %s", key, i, value, body);
}
