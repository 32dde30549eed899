/* routes.h: which call a method and path name. */
#ifndef ROUTES_H
#define ROUTES_H

#include "base/ident.h"
#include "web/request.h"

enum call {
	CALL_TOKEN,
	CALL_WITHDRAW,
	CALL_LIST,
	CALL_SHOW,
	CALL_VOID,
	CALL_ACCOUNT,
	CALL_HEALTH,
	CALL_SIGN_IN,
	CALL_SIGN_OUT,
	CALL_SESSION,
};

enum route_verdict {
	ROUTE_FOUND,
	ROUTE_NO_PATH,   /* 404 */
	ROUTE_NO_METHOD, /* 405; *allow_r is the header's value */
	ROUTE_BAD_ORDER, /* the path's order is not a UUID */
};

/* order is filled in where the path names one. */
enum route_verdict route(enum method method, const char *path,
    enum call *call_r, char order[UUID_TEXT], const char **allow_r);

#endif
