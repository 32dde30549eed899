/* check_frame.c: only a whole, well-formed FastCGI request may reach libfcgi,
 * which trusts what it reads. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"
#include "web/frame.h"

/* Records of the FastCGI specification, section 8. */
enum { BEGIN = 1, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES };

/* A request under construction. */
static unsigned char *buf;
static size_t len;

static void
setup(void)
{
	buf = malloc(4 * FRAME_MAX);
	ck_assert_ptr_nonnull(buf);
	len = 0;
}

static void
teardown(void)
{
	free(buf);
	buf = NULL;
}

static void
add(const void *bytes, size_t n)
{
	memcpy(buf + len, bytes, n);
	len += n;
}

static void
add_padded(int type, int id, const void *content, size_t n, size_t padding)
{
	const unsigned char header[8] = {1, (unsigned char)type,
	    (unsigned char)(id >> 8), (unsigned char)id,
	    (unsigned char)(n >> 8), (unsigned char)n, (unsigned char)padding};

	ck_assert_uint_le(n, 65535);
	add(header, sizeof(header));
	add(content, n);
	memset(buf + len, 0xee, padding);
	len += padding;
}

static void
add_record(int type, const void *content, size_t n)
{
	add_padded(type, 1, content, n, 0);
}

static void
add_begin(void)
{
	static const unsigned char body[8] = {0, 1, 1}; /* responder, kept */

	add_record(BEGIN, body, sizeof(body));
}

/* One parameter of lengths below 128. */
#define PARAM "\x0e\x03REQUEST_METHODGET"

static void
add_end_of(int type)
{
	add_record(type, "", 0);
}

static void
add_request(void)
{
	add_begin();
	add_record(PARAMS, PARAM, sizeof(PARAM) - 1);
	add_end_of(PARAMS);
	add_end_of(STDIN);
}

/* The verdict on a copy of its own size: not a byte more may be looked at. */
static enum frame_verdict
check_bytes(const unsigned char *bytes, size_t n)
{
	unsigned char *copy = malloc(n > 0 ? n : 1);
	enum frame_verdict v;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	v = frame_check(copy, n);
	free(copy);
	return v;
}

static enum frame_verdict
check(void)
{
	return check_bytes(buf, len);
}

/* --- whole -------------------------------------------------------------- */

START_TEST(minimal)
{
	add_begin();
	add_end_of(PARAMS);
	add_end_of(STDIN);
	ck_assert_int_eq(check(), FRAME_WHOLE);
}
END_TEST

START_TEST(with_body)
{
	add_begin();
	add_padded(PARAMS, 1, PARAM, sizeof(PARAM) - 1, 7);
	add_end_of(PARAMS);
	add_padded(STDIN, 1, "{\"amount\":", 10, 255);
	add_record(STDIN, "\"1\"}", 4);
	add_end_of(STDIN);
	ck_assert_int_eq(check(), FRAME_WHOLE);
}
END_TEST

START_TEST(any_id)
{
	static const int ids[] = {1, 2, 255, 256, 65535};
	static const unsigned char body[8] = {0, 1};
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		len = 0;
		add_padded(BEGIN, ids[i], body, sizeof(body), 0);
		add_padded(PARAMS, ids[i], "", 0, 0);
		add_padded(STDIN, ids[i], "", 0, 0);
		ck_assert_int_eq(check(), FRAME_WHOLE);
	}
}
END_TEST

/* A parameter may lie across records in any way: nginx splits them too. */
START_TEST(params_in_pieces)
{
	size_t i;

	add_begin();
	for (i = 0; i < sizeof(PARAM) - 1; i++)
		add_record(PARAMS, &PARAM[i], 1);
	add_end_of(PARAMS);
	add_end_of(STDIN);
	ck_assert_int_eq(check(), FRAME_WHOLE);
}
END_TEST

/* Lengths of 1 byte and of 4, around the border between them. */
START_TEST(param_lengths)
{
	static const size_t lengths[] = {0, 1, 126, 127, 128, 255, 256, 5000};
	static const size_t count = sizeof(lengths) / sizeof(lengths[0]);
	unsigned char *pair = calloc(1, 16384);
	size_t i, j, at, wide;

	ck_assert_ptr_nonnull(pair);
	for (i = 0; i < count; i++)
		for (j = 0; j < count; j++) {
			size_t sizes[2] = {lengths[i], lengths[j]}, k;

			for (k = at = 0; k < 2; k++) {
				/* a short one may be written long */
				wide = sizes[k] > 127 || i % 2 == 0;
				if (wide) {
					pair[at++] = 0x80;
					pair[at++] = 0;
					pair[at++] =
					    (unsigned char)(sizes[k] >> 8);
				}
				pair[at++] = (unsigned char)sizes[k];
			}
			at += sizes[0] + sizes[1];
			len = 0;
			add_begin();
			add_record(PARAMS, pair, at);
			add_end_of(PARAMS);
			add_end_of(STDIN);
			ck_assert_int_eq(check(), FRAME_WHOLE);
			/* a byte less, or more, and they do not fit */
			len = 0;
			add_begin();
			add_record(PARAMS, pair, at - 1);
			add_end_of(PARAMS);
			ck_assert_int_eq(check(), FRAME_BAD);
			len = 0;
			add_begin();
			pair[at] = 1;
			add_record(PARAMS, pair, at + 1);
			pair[at] = 0;
			add_end_of(PARAMS);
			ck_assert_int_eq(check(), FRAME_BAD);
		}
	free(pair);
}
END_TEST

/* --- partial ------------------------------------------------------------ */

START_TEST(every_beginning)
{
	size_t n;

	add_begin();
	add_padded(PARAMS, 1, PARAM, sizeof(PARAM) - 1, 5);
	add_end_of(PARAMS);
	add_padded(STDIN, 1, "{}", 2, 6);
	add_end_of(STDIN);
	for (n = 0; n < len; n++)
		ck_assert_msg(check_bytes(buf, n) == FRAME_PARTIAL,
		    "%zu bytes of %zu", n, len);
	ck_assert_int_eq(check(), FRAME_WHOLE);
}
END_TEST

/* --- bad ---------------------------------------------------------------- */

/* libfcgi would read the next record out of the padding. */
START_TEST(padding_that_libfcgi_reads)
{
	static const unsigned char responder[8] = {0, 1, 1};

	add_padded(BEGIN, 1, responder, sizeof(responder), 1);
	add_end_of(PARAMS);
	add_end_of(STDIN);
	ck_assert_int_eq(check(), FRAME_BAD);
	len = 0;
	add_begin();
	add_padded(PARAMS, 1, "", 0, 8);
	ck_assert_int_eq(check(), FRAME_BAD);
	len = 0;
	add_begin();
	add_end_of(PARAMS);
	add_record(STDIN, "{}", 2);
	add_padded(STDIN, 1, "", 0, 1);
	ck_assert_int_eq(check(), FRAME_BAD);
}
END_TEST

START_TEST(more_than_one)
{
	add_request();
	add("", 1);
	ck_assert_int_eq(check(), FRAME_BAD);
	len--;
	add("\x01", 1); /* the beginning of a second */
	ck_assert_int_eq(check(), FRAME_BAD);
	len--;
	add_request();
	ck_assert_int_eq(check(), FRAME_BAD);
}
END_TEST

START_TEST(other_protocols)
{
	static const char *const bytes[] = {"GET / HTTP/1.1\r\n\r\n",
	    "\x16\x03", "PING\r\n", "{", "\x02", "\xff\xff\xff\xff"};
	unsigned char first;
	int i;

	for (i = 0; i < (int)(sizeof(bytes) / sizeof(bytes[0])); i++) {
		len = 0;
		add(bytes[i], strlen(bytes[i]));
		ck_assert_int_eq(check(), FRAME_BAD);
	}
	/* seen at the first byte: it is not waited for more */
	for (i = 0; i < 256; i++) {
		first = (unsigned char)i;
		ck_assert_int_eq(
		    check_bytes(&first, 1), i == 1 ? FRAME_PARTIAL : FRAME_BAD);
	}
}
END_TEST

/* Every type where another is due. FCGI_GET_VALUES is among them, which
 * overruns a buffer of libfcgi's. */
START_TEST(other_types)
{
	int type;

	for (type = 0; type < 256; type++) {
		len = 0;
		add_record(type, "\0\1\0\0\0\0\0\0", 8);
		ck_assert_int_eq(
		    check(), type == BEGIN ? FRAME_PARTIAL : FRAME_BAD);
		len = 0;
		add_begin();
		add_record(type, PARAM, sizeof(PARAM) - 1);
		ck_assert_int_eq(
		    check(), type == PARAMS ? FRAME_PARTIAL : FRAME_BAD);
		len = 0;
		add_begin();
		add_end_of(PARAMS);
		add_record(type, "x", 1);
		ck_assert_int_eq(
		    check(), type == STDIN ? FRAME_PARTIAL : FRAME_BAD);
		len = 0;
		add_begin();
		add_end_of(PARAMS);
		add_record(STDIN, "x", 1);
		add_end_of(type);
		ck_assert_int_eq(
		    check(), type == STDIN ? FRAME_WHOLE : FRAME_BAD);
	}
}
END_TEST

START_TEST(management)
{
	static const char names[] = "\x0e\0FCGI_MAX_CONNS\x0e\0FCGI_MAX_CONNS"
				    "\x0e\0FCGI_MAX_CONNS\x0e\0FCGI_MAX_CONNS";

	add_padded(GET_VALUES, 0, names, sizeof(names) - 1, 0);
	ck_assert_int_eq(check(), FRAME_BAD);
	/* in the midst of a request too */
	len = 0;
	add_begin();
	add_padded(GET_VALUES, 0, names, sizeof(names) - 1, 0);
	ck_assert_int_eq(check(), FRAME_BAD);
}
END_TEST

START_TEST(ids)
{
	static const unsigned char body[8] = {0, 1};

	add_padded(BEGIN, 0, body, sizeof(body), 0);
	ck_assert_int_eq(check(), FRAME_BAD);
	len = 0;
	add_begin();
	add_padded(PARAMS, 2, PARAM, sizeof(PARAM) - 1, 0);
	ck_assert_int_eq(check(), FRAME_BAD);
	len = 0;
	add_begin();
	add_padded(PARAMS, 0, PARAM, sizeof(PARAM) - 1, 0);
	ck_assert_int_eq(check(), FRAME_BAD);
	len = 0;
	add_begin();
	add_end_of(PARAMS);
	add_padded(STDIN, 257, "", 0, 0);
	ck_assert_int_eq(check(), FRAME_BAD);
}
END_TEST

START_TEST(begin_bodies)
{
	static const unsigned char roles[][8] = {
	    {0, 0}, {0, 2}, {0, 3}, {1, 1}, {1, 0}, {0xff, 0xff}};
	static const unsigned char responder[16] = {0, 1};
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		len = 0;
		add_record(BEGIN, roles[i], 8);
		ck_assert_int_eq(check(), FRAME_BAD);
	}
	for (i = 0; i < 16; i++) {
		len = 0;
		add_record(BEGIN, responder, i);
		ck_assert_int_eq(check(), i == 8 ? FRAME_PARTIAL : FRAME_BAD);
	}
}
END_TEST

/* Lengths that abort libfcgi 2.4.2, or make its sums overflow. */
START_TEST(huge_lengths)
{
	static const struct {
		const char *bytes;
		size_t n;
	} pairs[] = {
	    {"\xc0\0\0\0\xc0\0\0\0", 8},             /* 0x40000000, twice */
	    {"\xff\xff\xff\xff\xff\xff\xff\xff", 8}, /* INT_MAX, twice */
	    {"\xff\xff\xff\xff\x80\0\0\1x", 9},
	    {"\x80\0\0\1\xff\xff\xff\xffx", 9},
	    {"\xff\xff\xff\xfe\x80\0\0\2xy", 10},
	    {"\x80\x01\0\0\0", 5}, /* 65536, and it is not there */
	    {"\x01\x01x", 3},
	    {"\x01", 1},
	    {"\x80", 1},
	    {"\x80\0\0", 3},
	    {"\x01\x80\0\0", 4},
	    {"\x7f\x7f", 2},
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		len = 0;
		add_begin();
		add_record(PARAMS, pairs[i].bytes, pairs[i].n);
		add_end_of(PARAMS);
		add_end_of(STDIN);
		ck_assert_msg(check() == FRAME_BAD, "pair %zu", i);
		/* behind a good one */
		len = 0;
		add_begin();
		add_record(PARAMS, PARAM, sizeof(PARAM) - 1);
		add_record(PARAMS, pairs[i].bytes, pairs[i].n);
		add_end_of(PARAMS);
		add_end_of(STDIN);
		ck_assert_msg(check() == FRAME_BAD, "second pair %zu", i);
	}
}
END_TEST

/* --- the limit ---------------------------------------------------------- */

/* A request of a given size, all but 32 bytes in a body. */
static void
add_request_of(size_t size)
{
	static const unsigned char zeros[65535];
	size_t rest = size - 32, piece;

	len = 0;
	add_begin();        /* 16 */
	add_end_of(PARAMS); /* 8 */
	for (; rest > 0; rest -= piece + 8) {
		piece = rest - 8 < 30000 ? rest - 8 : 30000;
		if (rest - piece - 8 > 0 && rest - piece - 8 < 16)
			piece -= 16;
		add_record(STDIN, zeros, piece);
	}
	add_end_of(STDIN); /* 8 */
	ck_assert_uint_eq(len, size);
}

START_TEST(size_limit)
{
	add_request_of(FRAME_MAX - 1);
	ck_assert_int_eq(check(), FRAME_WHOLE);
	add_request_of(FRAME_MAX);
	ck_assert_int_eq(check(), FRAME_WHOLE);
	ck_assert_int_eq(check_bytes(buf, FRAME_MAX - 1), FRAME_PARTIAL);
	/* with a byte to come it is too long: nobody waits for that byte */
	add_request_of(FRAME_MAX + 1);
	ck_assert_int_eq(check_bytes(buf, FRAME_MAX - 1), FRAME_PARTIAL);
	ck_assert_int_eq(check_bytes(buf, FRAME_MAX), FRAME_BAD);
	ck_assert_int_eq(check(), FRAME_BAD);
}
END_TEST

/* More parameters than any buffer for them is long. */
START_TEST(too_many_params)
{
	static unsigned char pairs[60000]; /* of two empty strings each */

	add_begin();
	add_record(PARAMS, pairs, sizeof(pairs));
	ck_assert_int_eq(check(), FRAME_PARTIAL);
	add_record(PARAMS, pairs, sizeof(pairs));
	ck_assert_int_eq(check_bytes(buf, FRAME_MAX), FRAME_BAD);
	ck_assert_int_eq(check(), FRAME_BAD);
	add_end_of(PARAMS);
	add_end_of(STDIN);
	ck_assert_int_eq(check(), FRAME_BAD);
}
END_TEST

/* --- damage ------------------------------------------------------------- */

/* Every byte in turn set to every value. No byte outside is looked at (the
 * sanitizers), and only bytes that are not framing may be anything. */
START_TEST(every_byte_changed)
{
	/* add_request(): four records of 8 bytes and their content. Free are
	 * the reserved byte of each header, flags and reserved bytes of the
	 * first one's body, and the parameter's text. */
	static const struct {
		size_t from, to;
	} free_bytes[] = {
	    {7, 7}, {10, 15}, {23, 23}, {26, 42}, {50, 50}, {58, 58}};
	size_t i, j;
	int value;

	add_request();
	ck_assert_uint_eq(len, 59);
	for (i = 0; i < len; i++) {
		unsigned char was = buf[i];
		bool is_free = false;

		for (j = 0; j < sizeof(free_bytes) / sizeof(free_bytes[0]); j++)
			is_free |=
			    i >= free_bytes[j].from && i <= free_bytes[j].to;
		for (value = 0; value < 256; value++) {
			enum frame_verdict v;

			buf[i] = (unsigned char)value;
			v = check();
			if (value == was || is_free)
				ck_assert_int_eq(v, FRAME_WHOLE);
			else if (i == 24 || i == 25)
				/* the two lengths, still of the same sum */
				ck_assert_int_ne(v, FRAME_PARTIAL);
			else
				ck_assert_msg(v != FRAME_WHOLE,
				    "byte %zu may be %d", i, value);
		}
		buf[i] = was;
	}
}
END_TEST

/* Random records: the verdict is one of the three, and stands when asked
 * again with the same bytes. */
START_TEST(noise)
{
	uint64_t seed = 88172645463325252;
	unsigned char junk[64];
	size_t i, n;
	int round;

	for (round = 0; round < 20000; round++) {
		enum frame_verdict v;

		len = 0;
		if (round % 2 == 0)
			add_begin();
		for (i = 0; i < sizeof(junk); i++) {
			seed ^= seed << 13; /* xorshift: as on every run */
			seed ^= seed >> 7;
			seed ^= seed << 17;
			junk[i] = (unsigned char)(seed >> 32);
		}
		n = seed % sizeof(junk);
		add_record(round % 3 == 0 ? junk[0] : PARAMS, junk, n);
		add_end_of(PARAMS);
		add_end_of(STDIN);
		v = check();
		ck_assert(
		    v == FRAME_WHOLE || v == FRAME_PARTIAL || v == FRAME_BAD);
		ck_assert_int_eq(check(), v);
	}
}
END_TEST

Suite *
frame_suite(void)
{
	Suite *s = suite_create("frame");
	TCase *t = tcase_create("frame");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, minimal);
	tcase_add_test(t, with_body);
	tcase_add_test(t, any_id);
	tcase_add_test(t, params_in_pieces);
	tcase_add_test(t, param_lengths);
	tcase_add_test(t, every_beginning);
	tcase_add_test(t, padding_that_libfcgi_reads);
	tcase_add_test(t, more_than_one);
	tcase_add_test(t, other_protocols);
	tcase_add_test(t, other_types);
	tcase_add_test(t, management);
	tcase_add_test(t, ids);
	tcase_add_test(t, begin_bodies);
	tcase_add_test(t, huge_lengths);
	tcase_add_test(t, size_limit);
	tcase_add_test(t, too_many_params);
	tcase_add_test(t, every_byte_changed);
	tcase_add_test(t, noise);
	suite_add_tcase(s, t);
	return s;
}
