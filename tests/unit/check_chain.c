/* check_chain.c: the hash of an entry is the one that sql/002 documents.
 *
 * The hashes here come from elsewhere: sha256sum over the fields, written one
 * behind the other as sql/002 lists them. */
#include <string.h>

#include "reconcile/chain.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The bytes of a string literal, without its NUL. */
#define BYTES(text)                                                            \
	{                                                                      \
		(const unsigned char *)(text), sizeof(text) - 1                \
	}

#define USER "\0\0\0\0\0\0\x03\xe9"           /* 1001 */
#define AT   "\0\x02\xea\x32\xed\x12\xe2\x40" /* microseconds since 2000 */

/* Postgres' wire: digits, weight, sign, scale; then digits of 4 decimals. */
#define HUNDRED          "\0\1\0\0\0\0\0\2\0\x64"
#define MINUS_FORTY_HALF "\0\2\0\0\x40\0\0\2\0\x28\x13\x88"
#define FIFTY_NINE_HALF  "\0\2\0\0\0\0\0\2\0\x3b\x13\x88"
#define FIVE             "\0\1\0\0\0\0\0\2\0\5"
#define SIXTY_FOUR_HALF  "\0\2\0\0\0\0\0\2\0\x40\x13\x88"

#define FIRST_HASH                                                             \
	"\x6f\xf7\xd1\xe6\x01\x78\xe1\x99\x10\x68\x7c\x4a\x02\x42\x26\xa9"     \
	"\x44\x1d\x91\xd1\x7f\xb9\xe8\x41\x39\x06\xf1\x15\x4f\xb6\xac\x5e"
#define SECOND_HASH                                                            \
	"\x74\xeb\xc1\xfa\x4c\x5b\xb2\x8f\xae\xf2\xe5\x9c\x89\xb8\xd2\x1f"     \
	"\x72\x21\x39\xbb\x02\x04\xaa\x81\x5b\xf2\x43\x63\x8e\xfa\x55\x62"
#define THIRD_HASH                                                             \
	"\x5e\x29\x6e\x5d\x1a\x9d\x2c\xf9\xb0\x68\xeb\xb1\x7b\xd1\x1a\x50"     \
	"\x85\x26\x08\xd6\x85\x66\xd0\xa2\x6b\x92\xcd\x54\x1c\xa0\x30\xf5"

/* A journal: opened with 100.00, 40.50 withdrawn, 5.00 added with a note. */
static const struct {
	struct chain_entry entry;
	struct chain_bytes hash;
} journal[] = {
    {{.user = BYTES(USER),
	 .version = BYTES("\0\0\0\0\0\0\0\1"),
	 .at = BYTES(AT),
	 .delta = BYTES(HUNDRED),
	 .balance_after = BYTES(HUNDRED),
	 .kind = BYTES("open")},
	BYTES(FIRST_HASH)},
    {{.prev_hash = BYTES(FIRST_HASH),
	 .user = BYTES(USER),
	 .version = BYTES("\0\0\0\0\0\0\0\2"),
	 .at = BYTES(AT),
	 .order = BYTES("\x0a\x1b\x2c\x3d\x4e\x5f\x40\x71"
			"\x82\x93\xa4\xb5\xc6\xd7\xe8\xf9"),
	 .delta = BYTES(MINUS_FORTY_HALF),
	 .balance_after = BYTES(FIFTY_NINE_HALF),
	 .kind = BYTES("withdraw")},
	BYTES(SECOND_HASH)},
    {{.prev_hash = BYTES(SECOND_HASH),
	 .user = BYTES(USER),
	 .version = BYTES("\0\0\0\0\0\0\0\3"),
	 .at = BYTES(AT),
	 .delta = BYTES(FIVE),
	 .balance_after = BYTES(SIXTY_FOUR_HALF),
	 .kind = BYTES("adjust"),
	 .note = BYTES("f\xc3\xbcr \xc3\x84")},
	BYTES(THIRD_HASH)},
};

static struct chain *chain;

static void
set_up(void)
{
	chain = chain_open();
}

static void
tear_down(void)
{
	chain_close(&chain);
	ck_assert_ptr_null(chain);
	chain_close(&chain);
}

START_TEST(hashes_what_is_documented)
{
	unsigned char hash[CHAIN_HASH];

	chain_hash(chain, &journal[_i].entry, hash);
	ck_assert_mem_eq(hash, journal[_i].hash.data, CHAIN_HASH);
	ck_assert(chain_holds(chain, &journal[_i].entry, journal[_i].hash));
}
END_TEST

/* The fields of an entry, by number. */
enum { FIELDS = 9 };

static struct chain_bytes *
field_of(struct chain_entry *entry, int i)
{
	struct chain_bytes *const fields[FIELDS] = {&entry->prev_hash,
	    &entry->user, &entry->version, &entry->at, &entry->order,
	    &entry->delta, &entry->balance_after, &entry->kind, &entry->note};

	return fields[i];
}

static bool
holds_with(size_t at, int field, struct chain_bytes bytes)
{
	struct chain_entry entry = journal[at].entry;

	*field_of(&entry, field) = bytes;
	return chain_holds(chain, &entry, journal[at].hash);
}

/* Each bit of each field, and what is cut off it or put behind it. */
START_TEST(holds_nothing_that_was_altered)
{
	size_t at;
	int flipped = 0;

	for (at = 0; at < COUNT(journal); at++) {
		struct chain_entry entry = journal[at].entry;
		struct chain_bytes old = *field_of(&entry, _i);
		unsigned char other[64] = {0};
		struct chain_bytes altered = {other, old.len};
		size_t bit;

		ck_assert_uint_lt(old.len, sizeof(other));
		if (old.len > 0)
			memcpy(other, old.data, old.len);
		for (bit = 0; bit < 8 * old.len; bit++, flipped++) {
			other[bit / 8] ^= (unsigned char)(1 << bit % 8);
			ck_assert(!holds_with(at, _i, altered));
			other[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
		ck_assert(holds_with(at, _i, altered));
		other[old.len] = 'x';
		altered.len = old.len + 1;
		ck_assert(!holds_with(at, _i, altered));
		if (old.len > 0) {
			altered.len = old.len - 1;
			ck_assert(!holds_with(at, _i, altered));
			ck_assert(!holds_with(at, _i, (struct chain_bytes){0}));
		}
	}
	ck_assert_int_gt(flipped, 0);
}
END_TEST

START_TEST(holds_no_other_hash)
{
	unsigned char hash[CHAIN_HASH + 1] = {0};
	const struct chain_entry *entry = &journal[1].entry;
	int i;

	memcpy(hash, journal[1].hash.data, CHAIN_HASH);
	ck_assert(
	    chain_holds(chain, entry, (struct chain_bytes){hash, CHAIN_HASH}));
	for (i = 0; i <= CHAIN_HASH + 1; i++)
		ck_assert(chain_holds(chain, entry,
			      (struct chain_bytes){hash, (size_t)i}) ==
		    (i == CHAIN_HASH));
	ck_assert(!chain_holds(chain, entry, (struct chain_bytes){0}));
	for (i = 0; i < CHAIN_HASH; i++) {
		hash[i] ^= 1;
		ck_assert(!chain_holds(
		    chain, entry, (struct chain_bytes){hash, CHAIN_HASH}));
		hash[i] ^= 1;
	}
}
END_TEST

Suite *
chain_suite(void)
{
	Suite *s = suite_create("chain");
	TCase *t = tcase_create("chain");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(
	    t, hashes_what_is_documented, 0, (int)COUNT(journal));
	tcase_add_loop_test(t, holds_nothing_that_was_altered, 0, FIELDS);
	tcase_add_test(t, holds_no_other_hash);
	suite_add_tcase(s, t);
	return s;
}
