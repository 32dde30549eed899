/* What every test case has around each of its tests: see fixture.h. */
#include "fixture.h"

#include "http.h"
#include "instance.h"
#include "ledger.h"
#include "proxy.h"
#include "stack.h"
#include "support.h"

/* For those that hang: the slowest have hundreds of commits, on any disk. */
enum { TEST_LIMIT_S = 600 };

static void
before(void)
{
	stack_restore();
}

/* The accounts are let go and the servers thawed first: whatever a failed
 * test has left under way can come to its end then. */
static void
after(void)
{
	ledger_release();
	ledger_disconnect();
	stack_restore();
	http_finish_all();
	http_close_idle();
	proxy_stop_all();
	instance_stop_all();
	ledger_check();
	ledger_reset();
	keep_free_all();
}

TCase *
fixture_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, TEST_LIMIT_S);
	tcase_add_checked_fixture(tcase, before, after);
	suite_add_tcase(suite, tcase);
	return tcase;
}

TCase *
fixture_struck_case(Suite *suite, const char *name, double limit_s)
{
	TCase *tcase = fixture_case(suite, name);

	tcase_set_tags(tcase, "struck");
	tcase_set_timeout(tcase, limit_s);
	return tcase;
}
