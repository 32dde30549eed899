/* strict.h: JSON as RFC 8259 has it, and no more, through yajl, which passes
 * over some things that it should not. */
#ifndef STRICT_H
#define STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <yajl/yajl_parse.h>

/* Calls back for each part. Returns false if a callback refused, or if the
 * bytes are not one value with at most white space around it; why, unless it
 * is NULL, says then what is wrong, in words. Leaves no copy of the bytes in
 * memory: there may be a password in them. */
bool strict_parse(const yajl_callbacks *callbacks, void *ctx, const char *json,
    size_t len, char *why, size_t room);

#endif
