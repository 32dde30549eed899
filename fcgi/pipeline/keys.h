/* keys.h: the names of what Redis keeps. All keys of a user carry the same
 * hash tag, so that the scripts run on a Redis Cluster. */
#ifndef KEYS_H
#define KEYS_H

#include <inttypes.h>
#include <stdio.h>

#define KEY_TEXT 160

/* An order's token: its value is the order. */
static inline void
key_token(char out[KEY_TEXT], int64_t user, const char *token)
{
	snprintf(out, KEY_TEXT, "withdraw:{%" PRId64 "}:token:%s", user, token);
}

/* The user's lock: its value is "ORDER OWNER". */
static inline void
key_lock(char out[KEY_TEXT], int64_t user)
{
	snprintf(out, KEY_TEXT, "withdraw:{%" PRId64 "}:lock", user);
}

/* The recorded answer. epoch names the history of commits that it is true in:
 * answers of a history that was lost are not found. */
static inline void
key_result(
    char out[KEY_TEXT], int64_t user, const char *epoch, const char *order)
{
	snprintf(out, KEY_TEXT, "withdraw:{%" PRId64 "}:result:%s:%s", user,
	    epoch, order);
}

#endif
