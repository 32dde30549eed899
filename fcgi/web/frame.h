/* frame.h: is a whole, well-formed FastCGI request waiting on a socket?
 *
 * libfcgi reads a request by blocking reads, so one that arrives in pieces
 * would hold up all others of the worker. And its 2.4.2 trusts what it reads:
 * huge lengths abort it, a repeated FCGI_GET_VALUES overruns a buffer. So
 * bytes are looked at (MSG_PEEK) before libfcgi sees them, and only a request
 * that is complete, of the one form that a web server sends to a responder, is
 * handed on. Source: FastCGI specification 1.0, sections 3 to 6. */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>

/* The longest request, records and all. nginx sends headers of 16 KiB at most
 * (nginx/snippets), and a body of 4 KiB. */
#define FRAME_MAX 65536

enum frame_verdict {
	FRAME_WHOLE,   /* exactly one request */
	FRAME_PARTIAL, /* the beginning of one */
	FRAME_BAD,     /* not one, more than one, or too long */
};

enum frame_verdict frame_check(const unsigned char *buf, size_t len);

#endif
