/*
 * The real site file (nginx/withdraw.conf) in an nginx of the test's own, one
 * at a time. Who is calling it learns from our sign-in, as the file comes, or
 * from the site's login (login.h).
 */
#ifndef SITE_SERVER_H
#define SITE_SERVER_H

enum site_identity { SITE_SESSION, SITE_LOGIN, SITE_IDENTITIES };

/* In front of this socket; from now on requests go there. */
void site_start(enum site_identity identity, const char *socket);
void site_stop(void);

/* The header "Cookie: ..." of a browser where that user is signed in, at the
 * site that was started last. */
const char *site_sign_in(const char *user);

/* The same without asking anybody, for the site's login alone. */
const char *site_login_cookie(const char *who);

#endif
