/* check_ident.c: UUIDs and user ids. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/ident.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define LOWER "0189abcd-ef01-4234-8567-89abcdef0123"
#define UPPER "0189ABCD-EF01-4234-8567-89ABCDEF0123"
#define NIL   "00000000-0000-0000-0000-000000000000"

START_TEST(uuid_has_one_spelling)
{
	char out[UUID_TEXT];

	ck_assert(uuid_text_parse(LOWER, 36, out));
	ck_assert_str_eq(out, LOWER);
	ck_assert(uuid_text_parse(UPPER, 36, out));
	ck_assert_str_eq(out, LOWER);
	ck_assert(uuid_text_parse(LOWER "/void", 36, out));
	ck_assert_str_eq(out, LOWER);
}
END_TEST

START_TEST(no_uuid)
{
	static const char *const bad[] = {"", "abc", NIL, LOWER "0", LOWER " ",
	    " " LOWER, "{" LOWER "}", "urn:uuid:" LOWER,
	    "0189abcdef0142348567"
	    "89abcdef0123",
	    "0189abcd_ef01-4234-8567-89abcdef0123",
	    "0189abcd-ef01-4234-8567-89abcdef012g",
	    "0189abcd-ef01-4234-8567-89abcdef012",
	    "0189abcde-f01-4234-8567-89abcdef0123",
	    "------------------------------------"};
	char out[UUID_TEXT];
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!uuid_text_parse(bad[i], strlen(bad[i]), out),
		    "\"%s\" was taken for a UUID", bad[i]);
	ck_assert(!uuid_text_parse(LOWER, 35, out));
	ck_assert(!uuid_text_parse(LOWER "\0", 37, out));
}
END_TEST

/* Every byte in every place: only a hexadecimal digit, or the dash, is one. */
START_TEST(uuid_bytes)
{
	char text[UUID_TEXT], out[UUID_TEXT];
	int place, byte;

	for (place = 0; place < 36; place++)
		for (byte = 0; byte < 256; byte++) {
			bool dash = LOWER[place] == '-', want;

			memcpy(text, LOWER, sizeof(text));
			text[place] = (char)byte;
			want = dash ? byte == '-'
				    : byte < 128 && isxdigit(byte) != 0;
			ck_assert_msg(uuid_text_parse(text, 36, out) == want,
			    "byte %d at %d", byte, place);
		}
}
END_TEST

START_TEST(uuid_without_end)
{
	char *heap = malloc(36), out[UUID_TEXT];

	ck_assert_ptr_nonnull(heap);
	memcpy(heap, LOWER, 36);
	ck_assert(uuid_text_parse(heap, 36, out));
	ck_assert_str_eq(out, LOWER);
	free(heap);
}
END_TEST

START_TEST(uuid_fresh)
{
	enum { MANY = 2000 };
	static char seen[MANY][UUID_TEXT];
	char out[UUID_TEXT];
	int i;

	for (i = 0; i < MANY; i++) {
		uuid_text_new(seen[i]);
		ck_assert(uuid_text_parse(seen[i], 36, out));
		ck_assert_str_eq(out, seen[i]);
		ck_assert_int_eq(seen[i][14], '4');
		ck_assert_ptr_nonnull(strchr("89ab", seen[i][19]));
	}
	qsort(
	    seen, MANY, UUID_TEXT, (int (*)(const void *, const void *))strcmp);
	for (i = 1; i < MANY; i++)
		ck_assert_str_ne(seen[i - 1], seen[i]);
}
END_TEST

START_TEST(order_headers)
{
	static const char *const good[] = {
	    LOWER, UPPER, "\"" LOWER "\"", "\"" UPPER "\""};
	static const char *const bad[] = {"", "\"", "\"\"", NIL, "\"" NIL "\"",
	    "\"" LOWER, LOWER "\"", "'" LOWER "'", "\"" LOWER "\";a=1",
	    "\"" LOWER "\" ", " " LOWER, "\" " LOWER "\"", LOWER ", " LOWER,
	    LOWER "," LOWER, "\"\"" LOWER "\"\"", "?" LOWER "?", "\"" LOWER "'",
	    LOWER "\r\nX: y"};
	char out[UUID_TEXT];
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		ck_assert_msg(
		    order_id_parse(good[i], out), "%s was refused", good[i]);
		ck_assert_str_eq(out, LOWER);
	}
	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!order_id_parse(bad[i], out),
		    "%s was taken for an order", bad[i]);
}
END_TEST

START_TEST(users)
{
	static const struct {
		const char *text;
		int64_t user;
	} good[] = {
	    {"1", 1},
	    {"1001", 1001},
	    {"9223372036854775807", INT64_MAX},
	};
	static const char *const bad[] = {"", "0", "00", "01", "-1", "+1", " 1",
	    "1 ", "1\n", "1.0", "1e3", "0x1", "abc", "1a", "a1",
	    "9223372036854775808", "18446744073709551617",
	    "99999999999999999999", "\xef\xbc\x91", "1,2"};
	int64_t user;
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		ck_assert_msg(user_id_parse(good[i].text, &user),
		    "\"%s\" was refused", good[i].text);
		ck_assert_int_eq(user, good[i].user);
	}
	for (i = 0; i < COUNT(bad); i++) {
		user = -77;
		ck_assert_msg(!user_id_parse(bad[i], &user),
		    "\"%s\" was taken for a user", bad[i]);
		ck_assert_int_eq(user, -77);
	}
}
END_TEST

Suite *
ident_suite(void)
{
	Suite *s = suite_create("ident");
	TCase *t = tcase_create("ident");

	tcase_add_test(t, uuid_has_one_spelling);
	tcase_add_test(t, no_uuid);
	tcase_add_test(t, uuid_bytes);
	tcase_add_test(t, uuid_without_end);
	tcase_add_test(t, uuid_fresh);
	tcase_add_test(t, order_headers);
	tcase_add_test(t, users);
	suite_add_tcase(s, t);
	return s;
}
