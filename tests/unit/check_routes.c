/* check_routes.c: method and path to call. */
#include <string.h>

#include "suites.h"
#include "web/routes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ORDER "0189abcd-ef01-4234-8567-89abcdef0123"
#define UPPER "0189ABCD-EF01-4234-8567-89ABCDEF0123"

static const struct {
	const char *path;
	enum call call;
	bool get;   /* GET and HEAD, else POST */
	bool order; /* the path names one */
} routes[] = {
    {"/api/token", CALL_TOKEN, false, false},
    {"/api/withdraw", CALL_WITHDRAW, false, false},
    {"/api/withdrawals", CALL_LIST, true, false},
    {"/api/withdrawals/" ORDER, CALL_SHOW, true, true},
    {"/api/withdrawals/" UPPER, CALL_SHOW, true, true},
    {"/api/withdrawals/" ORDER "/void", CALL_VOID, false, true},
    {"/api/withdrawals/" UPPER "/void", CALL_VOID, false, true},
    {"/api/account", CALL_ACCOUNT, true, false},
    {"/api/health", CALL_HEALTH, true, false},
};

START_TEST(every_route_and_method)
{
	static const enum method methods[] = {
	    METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER};
	size_t i;

	for (i = 0; i < COUNT(methods); i++) {
		bool get =
		    methods[i] == METHOD_GET || methods[i] == METHOD_HEAD;
		bool fits = routes[_i].get ? get : methods[i] == METHOD_POST;
		const char *allow = NULL;
		char order[UUID_TEXT] = "";
		enum call call;
		enum route_verdict v;

		v = route(methods[i], routes[_i].path, &call, order, &allow);
		ck_assert_int_eq(v, fits ? ROUTE_FOUND : ROUTE_NO_METHOD);
		if (!fits) {
			ck_assert_str_eq(
			    allow, routes[_i].get ? "GET, HEAD" : "POST");
			continue;
		}
		ck_assert_int_eq(call, routes[_i].call);
		ck_assert_str_eq(order, routes[_i].order ? ORDER : "");
	}
}
END_TEST

/* The one path with a call for each method. */
START_TEST(session_routes)
{
	static const struct {
		enum method method;
		enum call call;
	} calls[] = {{METHOD_GET, CALL_SESSION}, {METHOD_HEAD, CALL_SESSION},
	    {METHOD_POST, CALL_SIGN_IN}, {METHOD_DELETE, CALL_SIGN_OUT}};
	const char *allow = NULL;
	char order[UUID_TEXT] = "";
	enum call call;
	size_t i;

	for (i = 0; i < COUNT(calls); i++) {
		ck_assert_int_eq(route(calls[i].method, "/api/session", &call,
				     order, &allow),
		    ROUTE_FOUND);
		ck_assert_int_eq(call, calls[i].call);
	}
	ck_assert_int_eq(
	    route(METHOD_OTHER, "/api/session", &call, order, &allow),
	    ROUTE_NO_METHOD);
	ck_assert_str_eq(allow, "GET, HEAD, POST, DELETE");
	ck_assert_int_eq(
	    route(METHOD_DELETE, "/api/account", &call, order, &allow),
	    ROUTE_NO_METHOD);
}
END_TEST

START_TEST(other_paths)
{
	static const char *const paths[] = {"", "/", "api/token", "/api",
	    "/api/", "/api/token/", "/api/tokens", "/api/toke", "/API/token",
	    "//api/token", "/api//token", "/api/token?", "/api/token ",
	    "/api/withdrawa", "/api/withdrawals/", "/api/withdrawals//",
	    "/api/withdrawals//void", "/api/withdrawals/" ORDER "/",
	    "/api/withdrawals/" ORDER "/void/",
	    "/api/withdrawals/" ORDER "/voi",
	    "/api/withdrawals/" ORDER "/voids",
	    "/api/withdrawals/" ORDER "//void",
	    "/api/withdrawals/" ORDER "/x/void",
	    ("/api/withdrawals/void/" ORDER), "/api/account/1001",
	    "/api/health/x", "/metrics", "/index.html", "/api/withdrawals{}",
	    "*"};
	static const enum method methods[] = {
	    METHOD_GET, METHOD_POST, METHOD_OTHER};
	const char *allow;
	char order[UUID_TEXT];
	enum call call;
	size_t i, j;

	for (i = 0; i < COUNT(paths); i++)
		for (j = 0; j < COUNT(methods); j++)
			ck_assert_msg(route(methods[j], paths[i], &call, order,
					  &allow) == ROUTE_NO_PATH,
			    "there is something at \"%s\"", paths[i]);
}
END_TEST

START_TEST(bad_orders)
{
	static const char *const orders[] = {"x", "1", "void", "{}", "..",
	    ORDER "0", ORDER " ", "\"" ORDER "\"", ("%7b" ORDER),
	    "00000000-0000-0000-0000-000000000000", "' OR 1=1 --", "\r\nX: y",
	    "\x1b[31m"};
	char path[128], order[UUID_TEXT];
	const char *allow;
	enum call call;
	size_t i;

	for (i = 0; i < COUNT(orders); i++) {
		strcpy(path, "/api/withdrawals/");
		strcat(path, orders[i]);
		ck_assert_msg(route(METHOD_GET, path, &call, order, &allow) ==
			ROUTE_BAD_ORDER,
		    "\"%s\" was taken for an order", orders[i]);
		strcat(path, "/void");
		ck_assert_msg(route(METHOD_POST, path, &call, order, &allow) ==
			ROUTE_BAD_ORDER,
		    "\"%s\" was taken for an order", orders[i]);
	}
}
END_TEST

Suite *
routes_suite(void)
{
	Suite *s = suite_create("routes");
	TCase *t = tcase_create("routes");

	tcase_add_loop_test(t, every_route_and_method, 0, (int)COUNT(routes));
	tcase_add_test(t, session_routes);
	tcase_add_test(t, other_paths);
	tcase_add_test(t, bad_orders);
	suite_add_tcase(s, t);
	return s;
}
