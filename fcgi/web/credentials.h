/* credentials.h: the JSON body of a sign-in: {"name": "…", "password": "…"},
 * flat, each once, nothing else. */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

struct signin_call;

/* Fills in name and password.text. On false, *detail_r says what is wrong, for
 * the client; a constant. */
bool credentials_parse(
    const char *json, size_t len, struct signin_call *c, const char **detail_r);

#endif
