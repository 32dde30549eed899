/* api.h: from a request to the pipeline and back: what every call checks
 * before any I/O, and what its outcome is answered with. */
#ifndef API_H
#define API_H

struct exchange;

void api_start(struct exchange *x);

#endif
