/* fake_pg.c: see fake_pg.h. */
#include "fake_pg.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1 << 17, PARAMS = 8, PARAM_TEXT = 4096 };

struct peer fake_pg;
const char *fake_pg_settings[4];
const char *fake_pg_refusal;
void (*fake_pg_torn)(void);

static char in[BYTES], out[BYTES];
static size_t nin, nout;
static bool started;
static char statement[64];
static char param[PARAMS][PARAM_TEXT];
static bool null[PARAMS];

/* --- what it says --------------------------------------------------------- */

static void
put(const void *data, size_t len)
{
	ck_assert_uint_le(nout + len, BYTES);
	memcpy(out + nout, data, len);
	nout += len;
}

static void
put16(int v)
{
	uint16_t n = htons((uint16_t)v);

	put(&n, sizeof(n));
}

static void
put32(int v)
{
	uint32_t n = htonl((uint32_t)v);

	put(&n, sizeof(n));
}

static void
put_text(const char *s)
{
	put(s, strlen(s) + 1);
}

/* A message: its type, a length that message_end() fills in, and what is
 * put in between. */
static void
message(char type)
{
	nout = 0;
	put(&type, 1);
	put32(0);
}

static void
message_end(void)
{
	uint32_t len = htonl((uint32_t)(nout - 1));

	memcpy(out + 1, &len, sizeof(len));
	if (fake_pg_torn == NULL) {
		peer_say(&fake_pg, out, nout);
		return;
	}
	peer_say(&fake_pg, out, nout / 2);
	fake_pg_torn();
	peer_say(&fake_pg, out + nout / 2, nout - nout / 2);
}

static void
say_empty(char type)
{
	message(type);
	message_end();
}

static void
say_parameter(const char *name, const char *value)
{
	message('S');
	put_text(name);
	put_text(value);
	message_end();
}

void
fake_pg_rows(int ncolumns, int nrows, const char *const cells[])
{
	int i, j;

	message('T');
	put16(ncolumns);
	for (i = 0; i < ncolumns; i++) {
		put_text("column");
		put32(0);
		put16(0);
		put32(25); /* text */
		put16(-1);
		put32(-1);
		put16(0);
	}
	message_end();
	for (j = 0; j < nrows; j++) {
		message('D');
		put16(ncolumns);
		for (i = 0; i < ncolumns; i++) {
			const char *cell = cells[j * ncolumns + i];

			put32(cell != NULL ? (int)strlen(cell) : -1);
			if (cell != NULL)
				put(cell, strlen(cell));
		}
		message_end();
	}
}

void
fake_pg_complete(void)
{
	message('C');
	put_text("SELECT 1");
	message_end();
}

void
fake_pg_ready(char transaction)
{
	message('Z');
	put(&transaction, 1);
	message_end();
	statement[0] = '\0';
}

static void
put_field(char name, const char *value)
{
	if (value == NULL)
		return;
	put(&name, 1);
	put_text(value);
}

static void
say_diagnosis(
    char type, const char *severity, const char *state, const char *text)
{
	message(type);
	put_field('S', severity);
	put_field('V', severity);
	put_field('C', state);
	put_field('M', text);
	put("", 1);
	message_end();
}

void
fake_pg_error(const char *severity, const char *state, const char *text)
{
	say_diagnosis('E', severity, state, text);
}

void
fake_pg_notice(const char *severity, const char *text)
{
	say_diagnosis('N', severity, "01000", text);
}

void
fake_pg_answer(int ncolumns, int nrows, const char *const cells[])
{
	fake_pg_rows(ncolumns, nrows, cells);
	fake_pg_complete();
	fake_pg_ready('I');
}

void
fake_pg_refuse(const char *state)
{
	fake_pg_error("ERROR", state, "refused");
	fake_pg_ready('I');
}

/* --- what it is asked ----------------------------------------------------- */

static void
greet(void)
{
	message('R');
	put32(0);
	message_end();
	say_parameter("server_version", "15.0");
	say_parameter("client_encoding", "UTF8");
	say_parameter("in_hot_standby", "off");
	say_parameter("default_transaction_read_only", "off");
	fake_pg_ready('I');
	started = true;
}

static void
refuse_setup(void)
{
	fake_pg_error("ERROR", *fake_pg_refusal ? fake_pg_refusal : NULL,
	    "not so\nand more of it");
	fake_pg_ready('I');
}

/* The set-up's statements, of which only the first has a row. */
static void
set_up(void)
{
	int i;

	if (fake_pg_refusal != NULL) {
		refuse_setup();
		return;
	}
	fake_pg_rows(4, 1, fake_pg_settings);
	for (i = 0; i < 5; i++)
		fake_pg_complete();
	fake_pg_ready('I');
}

static int
take16(const char **p)
{
	uint16_t n;

	memcpy(&n, *p, sizeof(n));
	*p += sizeof(n);
	return ntohs(n);
}

static int32_t
take32(const char **p)
{
	uint32_t n;

	memcpy(&n, *p, sizeof(n));
	*p += sizeof(n);
	return (int32_t)ntohl(n);
}

/* Bind: portal, statement, formats, values, formats of the result. */
static void
bind_values(const char *p)
{
	int i, n, len;

	p += strlen(p) + 1;
	ck_assert_uint_lt(strlen(p), sizeof(statement));
	strcpy(statement, p);
	p += strlen(p) + 1;
	n = take16(&p);
	p += 2 * n;
	n = take16(&p);
	ck_assert_int_le(n, PARAMS);
	for (i = 0; i < n; i++) {
		len = take32(&p);
		null[i] = len < 0;
		if (null[i])
			continue;
		ck_assert_int_lt(len, PARAM_TEXT);
		memcpy(param[i], p, (size_t)len);
		param[i][len] = '\0';
		p += len;
	}
	say_empty('2');
}

static void
take(char type, const char *content)
{
	switch (type) {
	case 'Q':
		set_up();
		break;
	case 'P':
		say_empty('1');
		break;
	case 'B':
		bind_values(content);
		break;
	case 'S':
		if (statement[0] == '\0') /* of a statement to prepare */
			fake_pg_ready('I');
		break;
	default: /* Describe, Execute, Terminate */
		break;
	}
}

/* Takes one message. Returns false if it is not all there. */
static bool
take_one(void)
{
	size_t head = started ? 1 : 0, whole;
	const char *p = in + head;

	if (nin < head + 4)
		return false;
	whole = head + (size_t)take32(&p);
	if (nin < whole)
		return false;
	if (started)
		take(in[0], p);
	else
		greet();
	nin -= whole;
	memmove(in, in + whole, nin);
	return true;
}

void
fake_pg_open(void)
{
	static const char *const names[] = {"PGSERVICE", "PGHOSTADDR",
	    "PGPASSWORD", "PGTARGETSESSIONATTRS", "PGOPTIONS", "PGSSLMODE"};
	size_t i;

	peer_open(&fake_pg, ".s.PGSQL.5432");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	setenv("PGHOST", fake_pg.folder, 1);
	setenv("PGPORT", "5432", 1);
	setenv("PGUSER", "withdraw", 1);
	setenv("PGDATABASE", "withdraw", 1);
	for (i = 0; i < 3; i++)
		fake_pg_settings[i] = "on";
	fake_pg_settings[3] = "7.1";
	fake_pg_refusal = NULL;
	fake_pg_torn = NULL;
	statement[0] = '\0';
}

void
fake_pg_close(void)
{
	peer_close(&fake_pg);
}

bool
fake_pg_serve(void)
{
	bool any = peer_accept(&fake_pg);
	size_t n;

	if (any) {
		nin = 0;
		started = false;
		statement[0] = '\0';
	}
	while ((n = peer_read(&fake_pg, in + nin, sizeof(in) - nin)) > 0) {
		any = true;
		nin += n;
		while (take_one())
			;
	}
	return any;
}

const char *
fake_pg_statement(void)
{
	return statement;
}

const char *
fake_pg_param(int i)
{
	return null[i] ? NULL : param[i];
}
