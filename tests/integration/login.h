/*
 * The site's own login, as a stub that nginx asks (auth_request). Who is
 * calling stands in the cookie "who": a user_id is that user; "forbidden" is
 * known and refused, "broken" is an error of the login, "nameless" is signed
 * in, but the login forgets to say as whom; all else is nobody.
 */
#ifndef LOGIN_H
#define LOGIN_H

/* Listens on a loopback port, in a thread of the test; one at a time. */
int login_start(void);
/* Ends it: all that it was sent so far. Nobody listens afterwards. */
const char *login_stop(void);

#endif
