/* verify.c: withdrawctl verify: the chain of hashes of one journal, computed
 * anew, outside of the server. Reads only. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/json.h"
#include "ctl/output.h"
#include "reconcile/chain.h"
#include "reconcile/entry.h"
#include "reconcile/snapshot.h"

#define HASH_TEXT HEX_TEXT(CHAIN_HASH)

struct verify {
	struct chain *chain;
	int64_t entries, version; /* of the head so far */
	unsigned char hash[CHAIN_HASH];
	char broken[128]; /* the first thing that does not hold; "" */

	bool has_account;
	int64_t account_version;
	char account_hash[HASH_TEXT];

	/* --head: the one that was kept, and whether it was met */
	int64_t kept_version;
	char kept_hash[HASH_TEXT];
	bool kept_met;
};

static void __attribute__((format(printf, 2, 3)))
breaks(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	if (v->broken[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(v->broken, sizeof(v->broken), fmt, ap);
	va_end(ap);
}

/* --- the journal --------------------------------------------------------- */

static void
on_entry(void *arg, const struct snapshot_row *row)
{
	struct verify *v = arg;
	struct chain_entry entry = entry_of_row(row);
	int64_t version = snapshot_int(row, E_VERSION);
	unsigned char hash[CHAIN_HASH];
	char text[HASH_TEXT];

	/* what was computed, not what the row says */
	entry.prev_hash =
	    (struct chain_bytes){v->hash, v->entries > 0 ? CHAIN_HASH : 0};
	if (version != v->version + 1)
		breaks(v, "entry %" PRId64 " follows entry %" PRId64, version,
		    v->version);
	if (!chain_holds(v->chain, &entry, row->field[E_HASH]))
		breaks(v,
		    "entry %" PRId64 " does not have the hash that "
		    "follows from it and the entry before it",
		    version);
	chain_hash(v->chain, &entry, hash);
	memcpy(v->hash, hash, sizeof(hash));
	v->version = version;
	v->entries++;
	hex_text(hash, sizeof(hash), text);
	if (version == v->kept_version && strcmp(text, v->kept_hash) == 0)
		v->kept_met = true;
}

static void
on_account(void *arg, const struct snapshot_row *row)
{
	struct verify *v = arg;
	const struct chain_bytes *hash = &row->field[1];

	v->has_account = true;
	v->account_version = snapshot_int(row, 0);
	hex_text(hash->data, hash->len < CHAIN_HASH ? hash->len : CHAIN_HASH,
	    v->account_hash);
}

static int
read_chain(struct verify *v, const char *user)
{
	char entries[320], account[128];
	const struct snapshot_query queries[] = {
	    {entries, on_entry, v}, {account, on_account, v}};
	struct snapshot *snapshot;
	int64_t watermark;
	int read = -1;

	/* the user was checked: digits alone */
	snprintf(entries, sizeof(entries),
	    "(SELECT " ENTRY_COLUMNS " FROM ledger_entry "
	    "WHERE user_id = %s ORDER BY version)",
	    user);
	snprintf(account, sizeof(account),
	    "(SELECT version, head_hash FROM account WHERE user_id = %s)",
	    user);
	snapshot = snapshot_open(2, &watermark);
	if (snapshot != NULL)
		read = snapshot_read(snapshot, queries, 2);
	snapshot_close(&snapshot);
	return read;
}

/* --- the verdict --------------------------------------------------------- */

static void
judge(struct verify *v, const char head[HASH_TEXT])
{
	if (!v->has_account)
		breaks(v, "the journal has no account");
	else if (v->account_version != v->version ||
	    strcmp(v->account_hash, head) != 0)
		breaks(v,
		    "the account names another head than its journal "
		    "has");
	if (v->kept_version > 0 && !v->kept_met)
		breaks(v, "the head that was kept is not part of the chain");
}

static void
print_text(const struct verify *v, const char *user, const char *head)
{
	printf("user_id  %s\nentries  %" PRId64 "\nhead     %" PRId64
	       ":%s\nchain    %s%s\n",
	    user, v->entries, v->version, head,
	    v->broken[0] == '\0' ? "holds" : "broken: ", v->broken);
}

static void
print_json(const struct verify *v, const char *user, const char *head)
{
	char text[24 + HASH_TEXT];
	yajl_gen g = ctl_json_open();

	snprintf(text, sizeof(text), "%" PRId64 ":%s", v->version, head);
	ctl_json_put_number(g, "user_id", user);
	ctl_json_put_count(g, "entries", v->entries);
	ctl_json_put(g, "head", text);
	ctl_json_put_bool(g, "holds", v->broken[0] == '\0');
	ctl_json_put(g, "problem", v->broken[0] != '\0' ? v->broken : NULL);
	ctl_json_close(&g);
}

/* --- the command --------------------------------------------------------- */

/* VERSION:HASH, as this command prints it; NULL is none. */
static bool
read_head(const char *text, struct verify *v)
{
	const char *hash = text != NULL ? strchr(text, ':') : NULL;
	char version[24];

	if (text == NULL)
		return true;
	if (hash != NULL && hash - text < (int)sizeof(version) &&
	    strlen(hash + 1) == HASH_TEXT - 1 &&
	    strspn(hash + 1, "0123456789abcdef") == HASH_TEXT - 1) {
		snprintf(
		    version, sizeof(version), "%.*s", (int)(hash - text), text);
		snprintf(v->kept_hash, sizeof(v->kept_hash), "%s", hash + 1);
		if (user_id_parse(version, &v->kept_version))
			return true;
	}
	ctl_complain("the head is \"%s\": it must be VERSION:HASH, as "
		     "\"withdrawctl verify\" printed it",
	    text);
	return false;
}

enum ctl_exit
ctl_verify(const struct ctl_args *args)
{
	const char *user = args->operand[0];
	struct verify v = {.version = 0};
	char head[HASH_TEXT];
	int read;

	if (!ctl_check_user(user) || !read_head(args->option[CTL_HEAD], &v))
		return CTL_FAILED;
	v.chain = chain_open();
	read = read_chain(&v, user);
	chain_close(&v.chain);
	if (read != 0)
		return CTL_FAILED;
	if (v.entries == 0 && !v.has_account) {
		ctl_complain("there is no account %s", user);
		return CTL_WRONG;
	}
	hex_text(v.hash, v.entries > 0 ? CHAIN_HASH : 0, head);
	judge(&v, head);
	if (args->json)
		print_json(&v, user, head);
	else
		print_text(&v, user, head);
	if (v.broken[0] != '\0')
		ctl_complain(
		    "the journal of account %s is broken: %s", user, v.broken);
	if (ctl_stdout_close(NULL) != 0)
		return CTL_FAILED;
	return v.broken[0] != '\0' ? CTL_WRONG : CTL_OK;
}
