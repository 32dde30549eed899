/*
 * Secrets that are like no other text are planted in every place where one is
 * sent or set, by requests that go well and by some that do not; then all that
 * was written down is searched for them.
 */
#include <string.h>

#include "attack.h"
#include "cache.h"
#include "command.h"
#include "ctl.h"
#include "fixture.h"
#include "http.h"
#include "instance.h"
#include "ledger.h"
#include "order.h"
#include "stack.h"
#include "support.h"

enum { CANARIES_MAX = 32 };

static struct canary {
	const char *what;
	const char *secret;
} canaries[CANARIES_MAX];
static int canary_count;

/* Remembers a secret, and returns it. */
static const char *
canary(const char *what, const char *secret)
{
	ck_assert_int_lt(canary_count, CANARIES_MAX);
	canaries[canary_count++] = (struct canary){what, secret};
	return secret;
}

/* A new one: printable everywhere, and long enough to be found by itself. */
static const char *
hatch(const char *what)
{
	return canary(
	    what, keep_format("cAnArY%.8s%.4s", order_id(), order_id()));
}

static void
search(const char *where, const char *text)
{
	for (int i = 0; i < canary_count; i++)
		ck_assert_msg(strcasestr(text, canaries[i].secret) == NULL,
		    "%s has been written down in %s: %s", canaries[i].what,
		    where, canaries[i].secret);
}

/* --- the sign-in ---------------------------------------------------------- */

static struct http_response
sign_in(const char *name, const char *password)
{
	struct http_request request = {
	    .method = "POST",
	    .path = "/api/session",
	    .body = keep_format(
		"{\"name\": \"%s\", \"password\": \"%s\"}", name, password),
	};

	return http_send(&request);
}

static const char *
session_of(const struct http_response *answer)
{
	const char *cookie = http_header(answer, "Set-Cookie");

	ck_assert_ptr_nonnull(cookie);
	cookie = strchr(cookie, '=') + 1;
	return keep_text(cookie, strcspn(cookie, ";"));
}

/* Whole and in its halves: the one behind the dot is the secret. */
static void
remember_session(const char *what, const char *session)
{
	canary(what, session);
	canary(what, strchr(session, '.') + 1);
}

static const char *
plant_in_sign_ins(const char *user)
{
	const char *name = keep_format("c%s.%.8s", user, order_id());
	struct command add = CTL("user", "add", name, user);
	struct command change = CTL("user", "passwd", name);
	const char *password = hatch("a password that was set");
	struct http_response answer;
	const char *session;

	add.in = keep_format("%s\n", password);
	search("what user add says", expect_done(command_run(&add)));
	answer = sign_in(name, hatch("a wrong password"));
	expect_status(&answer, 401);
	answer = sign_in("nobody.at.all", hatch("the password of nobody"));
	expect_status(&answer, 401);
	answer = sign_in(hatch("a password given as the name"), "x");
	ck_assert_int_ne(answer.status, 201);
	answer = sign_in(name, password);
	expect_status(&answer, 201);
	session = session_of(&answer);
	remember_session("a session", session);
	/* broken JSON around one */
	answer = sign_in(name,
	    keep_format("%s\", \"x\": [", hatch("a password in bad JSON")));
	expect_status(&answer, 400);
	change.in =
	    keep_format("%s\n", hatch("a password that replaces another"));
	search("what user passwd says", expect_done(command_run(&change)));
	return session;
}

/* --- headers and bodies --------------------------------------------------- */

static void
plant_in_headers(const char *user, const char *session)
{
	struct http_request requests[] = {
	    {.path = "/api/account",
		.headers = {keep_format(
		    "Cookie: a=%s; withdraw_session=%s; b=%s",
		    hatch("a cookie of the site"), session,
		    hatch("another cookie"))}},
	    {.path = "/api/account",
		.headers = {keep_format("Cookie: withdraw_session=%s.%s", user,
		    hatch("a forged session"))}},
	    {.path = "/api/account",
		.user = user,
		.password = hatch("a wrong Basic password")},
	    {.path = "/api/account",
		.user = user,
		.headers = {keep_format("Authorization: Bearer %s",
				hatch("a bearer token")),
		    keep_format("Proxy-Authorization: Basic %s",
			hatch("a proxy's credentials")),
		    keep_format("X-Api-Key: %s", hatch("an API key"))}},
	    {.path = "/api/account",
		.headers = {keep_format("Authorization: Basic %s",
		    hatch("credentials that are not base64"))}},
	};

	http_send_all(requests, COUNT(requests));
}

static void
plant_in_withdrawals(const char *user)
{
	struct order order = order_new(user, "1.00");
	const char *token = canary("a token", order_token(&order));
	struct order other = order_new(user, "1.00");
	struct http_request broken = order_request(&order, NULL);
	struct http_response answer;

	/* of another order, then well, then spent */
	answer = order_send_with(&other, token);
	expect_problem(&answer, 409, "token-invalid", NULL);
	answer = order_send_with(&order, token);
	expect_success(&answer, &order);
	answer = order_send_with(&other, token);
	expect_problem(&answer, 409, "token-invalid", NULL);
	order_send_with(&other, canary("a made-up token", order_id()));
	order_send_with(&other, hatch("a token that is none"));
	broken.body = keep_format(
	    "{\"token\": \"%s\", \"amount\": ", hatch("a token in bad JSON"));
	answer = http_send(&broken);
	expect_problem(&answer, 400, "malformed", NULL);
}

/* While the stores fail, more is written down than usual. */
static void
plant_in_failures(const char *user, const char *session)
{
	struct order order = order_new(user, "1.00");
	struct http_request request = order_request(
	    &order, canary("a token that met a failure", order_token(&order)));
	struct http_response answer;

	request.user = NULL;
	request.headers[0] =
	    keep_format("Cookie: withdraw_session=%s", session);
	cache_poison(user, "junk");
	ledger_terminate_all();
	http_send(&request);
	sign_in("nobody.at.all", hatch("a password that met a failure"));
	answer = order_settle(&order);
	expect_success(&answer, &order);
}

/* --- what the programs are told ------------------------------------------- */

/* None of the three gets through, and each says why. */
static void
plant_in_settings(void)
{
	const char *const settings[] = {
	    keep_format("PGPASSWORD=%s", hatch("Postgres' password")),
	    "PGHOST=/nowhere",
	    keep_format("REDIS_URL=redis://:%s@127.0.0.1:1/0",
		hatch("Redis' password")),
	    NULL};
	const char *const bad[][2] = {
	    {keep_format("REDIS_URL=redis://:%s@host:port:0/x",
		hatch("a password in a bad address"))},
	    {keep_format("WITHDRAW_CURRENCY=redis://:%s@h",
		hatch("a password in another setting"))}};
	struct command programs[] = {CTL("account", "show", "1"),
	    {.argv = {program("withdraw-reconcile")}},
	    {.argv = {program("withdraw-reconcile"),
		 keep_format("--redis-url=redis://:%s@h",
		     hatch("a password behind no option"))}},
	    CTL("explain", order_id()),
	    CTL("account", "show", "1",
		keep_format("--redis-url=redis://:%s@h",
		    hatch("a password behind no option of ours")))};
	struct instance instance = instance_start("-t", settings);

	instance_wait(&instance);
	search("what withdrawd -t says", read_file(instance.log));
	for (int i = 0; i < COUNT(bad); i++) {
		instance = instance_start(NULL, bad[i]);
		ck_assert_int_eq(instance_wait(&instance), 2);
		search("what withdrawd says", read_file(instance.log));
	}
	instance = instance_start_on(
	    keep_format("redis://:%s@h", hatch("a password in a path")), NULL,
	    NULL);
	ck_assert_int_eq(instance_wait(&instance), 2);
	search("what withdrawd says", read_file(instance.log));
	for (int i = 0; i < COUNT(programs); i++) {
		struct command_end end;

		for (int s = 0; settings[s] != NULL; s++)
			programs[i].env[1 + s] = settings[s];
		if (programs[i].env[0] == NULL)
			programs[i].env[0] = "PGUSER=withdraw_reconcile";
		end = command_run(&programs[i]);
		ck_assert_int_ne(end.code, 0);
		search(programs[i].argv[0], end.out);
		search(programs[i].argv[0], end.err);
	}
}

/* A Redis that wants a password, and gets another. */
static void
plant_in_redis(void)
{
	const char *const settings[] = {
	    keep_format("REDIS_URL=redis://:%s@127.0.0.1:1/0",
		hatch("Redis' password of a server")),
	    NULL};
	struct instance instance = instance_start(NULL, settings);

	WAIT_UNTIL(strstr(read_file(instance.log), "redis is down") != NULL);
	search("withdrawd's log", read_file(instance.log));
}

START_TEST(no_secret_is_written_down)
{
	static const char *const logs[] = {"withdrawd", "nginx-access",
	    "nginx-error", "postgres", "redis", "tests"};
	const char *user = ledger_open("100.00");
	struct command dump = {.argv = {"pg_dump", "--inserts"}};
	struct command reconcile = {.argv = {program("withdraw-reconcile")},
	    .env = {"PGUSER=withdraw_reconcile"}};
	struct command_end end;
	const char *session;

	canary_count = 0;
	session = plant_in_sign_ins(user);
	plant_in_headers(user, session);
	plant_in_withdrawals(user);
	plant_in_failures(user, session);
	plant_in_settings();
	plant_in_redis();
	for (int i = 0; i < COUNT(logs); i++)
		search(keep_format("%s.log", logs[i]), stack_log(logs[i]));
	end = command_run(&reconcile);
	search("what withdraw-reconcile says", end.out);
	search("what withdraw-reconcile says", end.err);
	search("the audit", expect_done(run(CTL("audit"))));
	/* a password may be nowhere; a token is in no table either */
	end = command_run(&dump);
	ck_assert_int_eq(end.code, 0);
	search("the database", end.out);
	/* the search finds what is there */
	expect_said(stack_log("nginx-access"), user);
	expect_said(stack_log("withdrawd"), user);
}
END_TEST

void
attack_secrets(Suite *suite)
{
	TCase *tcase = fixture_case(suite, "secrets");

	tcase_add_test(tcase, no_secret_is_written_down);
}
