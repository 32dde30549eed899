/* check_password.c: a password is hashed once, whoever it is said to be of.
 *
 * crypt_r() is looked at on its way: this program's own is called in place of
 * the library's, and calls that. */
#include <crypt.h>
#include <dlfcn.h>
#include <ev.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signin/password.h"
#include "suites.h"

static struct {
	int n;
	char phrase[PASSWORD_TEXT], setting[PASSWORD_HASH];
	pthread_t thread;
} hashed;

char *
crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
	char *(*real)(const char *, const char *, struct crypt_data *);

	*(void **)&real = dlsym(RTLD_NEXT, "crypt_r");
	ck_assert(real != NULL);
	hashed.n++;
	snprintf(hashed.phrase, sizeof(hashed.phrase), "%s", phrase);
	snprintf(hashed.setting, sizeof(hashed.setting), "%s", setting);
	hashed.thread = pthread_self();
	return real(phrase, setting, data);
}

static struct ev_loop *loop;
static struct password *password;
static int ndone;

static void
on_done(struct password_call *call)
{
	(void)call;
	ndone++;
	ev_break(loop, EVBREAK_ALL);
}

static void
set_up(void)
{
	loop = ev_default_loop(EVFLAG_AUTO);
	password = password_open(loop);
	memset(&hashed, 0, sizeof(hashed));
	ndone = 0;
}

/* A hash as withdrawctl makes it. */
static void
hash_of(const char *text, char out[PASSWORD_HASH])
{
	char *setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
	struct crypt_data data = {0};

	ck_assert_ptr_nonnull(setting);
	snprintf(out, PASSWORD_HASH, "%s", crypt_r(text, setting, &data));
	free(setting);
	hashed.n = 0;
}

static struct password_call
ask(const char *text, const char *hash)
{
	struct password_call call = {.done = on_done};

	snprintf(call.text, sizeof(call.text), "%s", text);
	snprintf(call.hash, sizeof(call.hash), "%s", hash);
	ck_assert(password_ask(password, &call));
	ck_assert_int_eq(ndone, 0); /* from the loop alone */
	ev_run(loop, 0);
	ck_assert_int_eq(ndone, 1);
	return call;
}

static void
expect_wiped(const struct password_call *call)
{
	static const char nothing[PASSWORD_TEXT];

	ck_assert_mem_eq(call->text, nothing, sizeof(nothing));
}

START_TEST(right_and_wrong)
{
	static const char *const texts[] = {"secret", "Secret", "secret ", "s"};
	char hash[PASSWORD_HASH];
	struct password_call call;

	hash_of("secret", hash);
	call = ask(texts[_i], hash);
	ck_assert(call.right == (_i == 0));
	ck_assert_int_eq(hashed.n, 1);
	ck_assert_str_eq(hashed.phrase, texts[_i]);
	ck_assert_str_eq(hashed.setting, hash);
	ck_assert(!pthread_equal(hashed.thread, pthread_self()));
	expect_wiped(&call);
}
END_TEST

/* The parameters of a hash, "$y$j9T$", say how much work it is. */
static size_t
work_len(const char *setting)
{
	const char *end = strchr(setting + strlen("$y$"), '$');

	ck_assert_ptr_nonnull(end);
	return (size_t)(end + 1 - setting);
}

START_TEST(nobody_is_as_much_work)
{
	char hash[PASSWORD_HASH];
	struct password_call call;

	hash_of("secret", hash);
	call = ask("secret", "");
	ck_assert(!call.right);
	ck_assert_int_eq(hashed.n, 1);
	ck_assert_str_eq(hashed.phrase, "secret");
	ck_assert_uint_eq(work_len(hashed.setting), work_len(hash));
	ck_assert_mem_eq(hashed.setting, hash, work_len(hash));
	ck_assert(!pthread_equal(hashed.thread, pthread_self()));
	expect_wiped(&call);
}
END_TEST

/* What is no hash is nobody's password, and an error of libcrypt is none. */
START_TEST(broken_hash_is_never_right)
{
	static const char *const broken[] = {"*0", "*1", "x", "$y$", "$nope$x"};

	ck_assert(!ask("secret", broken[_i]).right);
}
END_TEST

START_TEST(crowd_is_turned_away)
{
	static struct password_call calls[64];
	char hash[PASSWORD_HASH];
	int taken = 0;

	hash_of("secret", hash);
	while (taken < 64) {
		struct password_call *call = &calls[taken];

		call->done = on_done;
		strcpy(call->text, "secret");
		strcpy(call->hash, hash);
		if (!password_ask(password, call))
			break;
		taken++;
	}
	/* none is done before the loop has run, so that all are waiting */
	ck_assert_int_eq(taken, 8);
	while (ndone < taken)
		ev_run(loop, 0);
	for (int i = 0; i < taken; i++)
		ck_assert(calls[i].right);
	ck_assert_int_eq(hashed.n, taken);
}
END_TEST

Suite *
password_suite(void)
{
	Suite *suite = suite_create("password");
	TCase *tcase = tcase_create("password");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, right_and_wrong, 0, 4);
	tcase_add_test(tcase, nobody_is_as_much_work);
	tcase_add_loop_test(tcase, broken_hash_is_never_right, 0, 5);
	tcase_add_test(tcase, crowd_is_turned_away);
	suite_add_tcase(suite, tcase);
	return suite;
}
