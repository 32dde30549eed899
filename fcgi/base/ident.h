/* ident.h: the identifiers of the service: UUIDs and user ids. */
#ifndef IDENT_H
#define IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT 37 /* 36 characters and a NUL */

/* A UUID in its 36-character form, upper or lower case; written to out in
 * lower case, so that one UUID has one spelling. The nil UUID is refused: it
 * is what a program sends that forgot to make one. Returns false if it is not
 * a UUID. s needs no NUL. */
bool uuid_text_parse(const char *s, size_t len, char out[UUID_TEXT]);

/* A fresh random UUID (version 4), in lower case. */
void uuid_text_new(char out[UUID_TEXT]);

/* The value of an Idempotency-Key header: a UUID, bare or as the quoted
 * string of draft-ietf-httpapi-idempotency-key-header. Returns false if it is
 * neither. */
bool order_id_parse(const char *header, char out[UUID_TEXT]);

/* A user id: decimal, 1 to INT64_MAX, no sign, no leading zero. */
bool user_id_parse(const char *s, int64_t *user_r);

#endif
