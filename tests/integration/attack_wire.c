/*
 * Requests as no library sends them, byte by byte: who says in a header, or in
 * the cracks between two requests, that they are somebody else is not believed,
 * and what is in a body is never a request.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"
#include "fixture.h"
#include "ledger.h"
#include "order.h"
#include "site_server.h"
#include "support.h"

enum {
	ANSWER_MAX = 1 << 16,
	PATIENCE_S = 60,
};

static const char *attacker, *victim;
static const char *cookie; /* the attacker's, a whole header */

/* The secret half of a session. */
static const char *
secret_of(const char *header)
{
	return strchr(strchr(header, '=') + 3, '.') + 1;
}

/* %A: the attacker's cookie; %S: its secret; %a, %v: the two user ids; %o: an
 * order; %0: a NUL; %L: a long text. */
static size_t
fill(const char *text, char *out, size_t room)
{
	char *const start = out;
	char *long_text = keep(20001);

	memset(long_text, 'x', 20000);
	for (; *text != '\0'; text++) {
		const char *part = keep_text(text, 1);

		ck_assert_uint_lt((size_t)(out - start) + 20001, room);
		if (*text == '%') {
			switch (*++text) {
			case 'A':
				part = cookie;
				break;
			case 'S':
				part = secret_of(cookie);
				break;
			case 'a':
				part = attacker;
				break;
			case 'v':
				part = victim;
				break;
			case 'o':
				part = order_id();
				break;
			case 'L':
				part = long_text;
				break;
			case '%':
				break;
			case '0':
				*out++ = '\0';
				continue;
			default:
				ck_abort_msg("%%%c", *text);
			}
		}
		out = stpcpy(out, part);
	}
	return (size_t)(out - start);
}

static int
dial(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)strtol(setting("PORT"), NULL, 10)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			     sizeof(patience)),
	    0);
	return fd;
}

/* All that comes until nginx closes. */
static const char *
exchange(const char *text)
{
	char *out = keep(ANSWER_MAX), *in = keep(ANSWER_MAX);
	size_t len = fill(text, out, ANSWER_MAX), got = 0;
	int fd = dial();
	ssize_t n;

	ck_assert_int_eq(send(fd, out, len, MSG_NOSIGNAL), (ssize_t)len);
	while ((n = recv(fd, in + got, ANSWER_MAX - 1 - got, 0)) > 0)
		got += (size_t)n;
	close(fd);
	return in;
}

/* The statuses of all answers: "200 200". */
static const char *
statuses(const char *answers)
{
	static const char mark[] = "HTTP/1.1 ";
	const char *text = "";

	while ((answers = strstr(answers, mark)) != NULL) {
		answers += strlen(mark);
		text = keep_format(
		    "%s%s%.3s", text, *text != '\0' ? " " : "", answers);
	}
	return text;
}

#define ACCOUNT "GET /api/account HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define PAY                                                                    \
	"POST /api/withdraw HTTP/1.1\r\nHost: x\r\n"                           \
	"Content-Type: application/json\r\nIdempotency-Key: %o\r\n"
#define END  "\r\n\r\n"
#define BODY "{\"amount\": \"1.00\"}"

/* What is sent, and the statuses that it must be answered with. */
static const struct {
	const char *text;
	const char *statuses;
} requests[] = {
    /* it works at all, for the one who is signed in */
    {ACCOUNT "%A" END, "200"},
    {ACCOUNT "\r\n", "401"},
    /* headers that are parameters, nearly */
    {ACCOUNT "WITHDRAW_USER: %v\r\n%A" END, "200"},
    {ACCOUNT "WITHDRAW_USER: %v" END, "401"},
    {ACCOUNT "Withdraw-User: %v" END, "401"},
    {ACCOUNT "Withdraw-User: %v\r\n%A" END, "200"},
    {ACCOUNT "HTTP_WITHDRAW_USER: %v\r\n%A" END, "200"},
    {ACCOUNT "withdraw_session: %v.%S" END, "401"},
    {ACCOUNT "X-Withdraw-User: %v\r\nRemote-User: %v" END, "401"},
    /* names and values with something in them */
    {ACCOUNT "Withdraw-User : %v\r\n%A" END, "400"},
    {ACCOUNT "A: b\r\n WITHDRAW_USER: %v\r\n%A" END, "400"},
    {ACCOUNT "A: b%0WITHDRAW_USER: %v\r\n%A" END, "400"},
    {ACCOUNT "A: b\nWITHDRAW_USER: %v\n%A" END, "200"},
    {ACCOUNT "A: %L" END, "400"},
    /* cookies: another's id with one's own secret; two of them */
    {ACCOUNT "Cookie: withdraw_session=%v.%S" END, "401"},
    {ACCOUNT "Cookie: withdraw_session=%v.\r\n%A" END, "401"},
    {ACCOUNT "%A; withdraw_session=%v.%S" END, "200"},
    {ACCOUNT "Cookie: __Host-withdraw_session=%v.%S" END, "401"},
    {ACCOUNT "Cookie: withdraw_session=../%v.%S" END, "401"},
    {ACCOUNT "Cookie: withdraw_session=%v}.%S" END, "401"},
    /* two ways to sign in at once: dXNlcjE6eA== is user1:x */
    {ACCOUNT "%A\r\nAuthorization: Basic dXNlcjE6eA==" END, "200"},
    {ACCOUNT "Authorization: Basic dXNlcjE6eA==\r\n"
	     "Authorization: Basic dXNlcjE6eA==" END,
	"400"},
    {ACCOUNT "Authorization: Basic" END, "401"},
    {ACCOUNT "Authorization: Basic %v" END, "401"},
    {ACCOUNT "Authorization: Basic Og==" END, "401"},
    /* who is meant, twice */
    {ACCOUNT "%A\r\nWithdraw-Expect-User: %a\r\n"
	     "Withdraw-Expect-User: %v" END,
	"401"},
    {ACCOUNT "%A\r\nWithdraw-Expect-User: %v\r\n"
	     "Withdraw-Expect-User: %a" END,
	"401"},
    /* where the page is, twice */
    {"POST /api/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
     "Idempotency-Key: %o\r\n%A\r\nSec-Fetch-Site: cross-site\r\n"
     "Sec-Fetch-Site: same-origin" END,
	"403"},
    {"POST /api/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
     "Idempotency-Key: %o\r\n%A\r\nOrigin: http://evil.example\r\n"
     "Origin: http://x" END,
	"403"},
    /* where one body ends and the next request begins */
    {PAY "%A\r\nContent-Length: 5\r\nTransfer-Encoding: chunked" END "0" END
	 "" ACCOUNT "%A" END,
	"400"},
    {PAY "%A\r\nContent-Length: 5\r\nContent-Length: 50" END BODY, "400"},
    {PAY "%A\r\nContent-Length: +18" END BODY, "400"},
    {PAY "%A\r\nContent-Length: 18, 18" END BODY, "400"},
    {PAY "%A\r\nContent-Length: 0x12" END BODY, "400"},
    {PAY "%A\r\nTransfer-Encoding: xchunked" END BODY, "400"},
    {PAY "%A\r\nTransfer-Encoding: chunked\r\n"
	 "Transfer-Encoding: identity" END BODY,
	"400"},
    {PAY "%A\r\nTransfer-Encoding: chunked" END "-1\r\n" BODY, "400"},
    {PAY "%A\r\nTransfer-Encoding: chunked" END "ffffffffffffffff1\r\n" BODY,
	"400"},
    /* a trailer is no header */
    {PAY "%A\r\nConnection: close\r\nTransfer-Encoding: chunked" END
	 "12\r\n" BODY "\r\n0\r\nWITHDRAW_USER: %v" END,
	"409"},
    /* a request in a body is none, and the one behind it is one */
    {"GET /api/account HTTP/1.1\r\nHost: x\r\n%A\r\nContent-Length: 46" END
     "GET /api/account HTTP/1.1\r\nHost: localhost" END "" ACCOUNT "%A" END,
	"200 200"},
    /* other addresses and methods for the same thing */
    {"GET http://%v@x/api/account HTTP/1.1\r\nHost: y\r\n"
     "Connection: close" END,
	"400"},
    {"GET /api/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
     "X-Original-URL: /api/account\r\nX-Rewrite-URL: /api/account\r\n%A" END,
	"404"},
    {"GET /api/withdraw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
     "X-HTTP-Method-Override: POST\r\nX-Method-Override: POST\r\n%A" END,
	"405"},
    {"GET /_withdraw_session HTTP/1.1\r\nHost: x\r\n"
     "Connection: close\r\n%A" END,
	"404"},
    {"GET /api/../_withdraw_session HTTP/1.1\r\nHost: x\r\n"
     "Connection: close\r\n%A" END,
	"404"},
    {"GET /words/../api/account HTTP/1.1\r\nHost: x\r\n"
     "Connection: close" END,
	"401"},
    {"GET //api/account HTTP/1.1\r\nHost: x\r\nConnection: close" END, "401"},
    {"GET /words/%%2e%%2e/api/account HTTP/1.1\r\nHost: x\r\n"
     "Connection: close" END,
	"401"},
    {"GET /api/account?.css HTTP/1.1\r\nHost: x\r\nConnection: close" END,
	"401"},
    {"GET /api/account/a.css HTTP/1.1\r\nHost: x\r\nConnection: close" END,
	"401"},
    {"CONNECT /api/account HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%A" END,
	"405"},
    {"TRACE /api/account HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%A" END,
	"405"},
    {"POST\t/api/account HTTP/1.1\r\nHost: x" END, "400"},
    {"GET /api/account HTTP/1.1\r\nHost: x\r\nHost: y\r\n%A" END, "400"},
    {"GET /api/account HTTP/3.0\r\nHost: x\r\n%A" END, "505"},
};

static void
expect_nobody_else(const char *sent, const char *answers)
{
	ck_assert_msg(
	    strstr(answers, keep_format("\"user_id\":%s,", victim)) == NULL,
	    "the victim's account for\n%s\n%s", sent, answers);
}

START_TEST(what_is_sent_changes_nobody)
{
	attacker = ledger_open("100.00");
	victim = ledger_open("100.00");
	cookie = site_sign_in(attacker);
	for (int i = 0; i < COUNT(requests); i++) {
		const char *sent = requests[i].text;
		const char *answers = exchange(sent);

		ck_assert_msg(
		    strcmp(statuses(answers), requests[i].statuses) == 0,
		    "%s expected for\n%s\n%s", requests[i].statuses, sent,
		    answers);
		expect_nobody_else(sent, answers);
	}
	ck_assert_str_eq(ledger_balance(attacker), "100.00");
	ck_assert_str_eq(ledger_balance(victim), "100.00");
}
END_TEST

void
attack_wire(Suite *suite)
{
	TCase *tcase = fixture_case(suite, "wire");

	tcase_add_test(tcase, what_is_sent_changes_nobody);
}
