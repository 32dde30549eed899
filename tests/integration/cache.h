/* Redis as the tests disturb it: losing its keys, telling lies. */
#ifndef CACHE_H
#define CACHE_H

#include <stddef.h>

/* Redis loses everything at this moment. */
void cache_flush(void);
/* Redis closes all connections of its clients. */
void cache_hang_up(void);
/* Redis may use no more memory than so many bytes; "0": no limit. */
void cache_limit(const char *bytes);
/* Redis is to save what it has, and cannot: it refuses whatever would change it
 * until it can. */
void cache_fail_to_save(void);
void cache_save(void);
/* How many keys of a user there are with that word in their name. */
size_t cache_count(const char *user, const char *word);
/* What comes after the word in the name of the user's one such key. */
const char *cache_key_end(const char *user, const char *word);
/* How many keys match a pattern of Redis' KEYS. */
size_t cache_matches(const char *pattern);
/* The value of a key as it is named in full; NULL if there is none. */
const char *cache_get(const char *key);
/* Another value; how long it lives stays. */
void cache_set(const char *key, const char *value);
/* How many scripts it has run since it was started. */
long cache_scripts(void);
/* In how many milliseconds the one key of a user with that word in its name
 * will be forgotten, and another limit for it. */
long cache_ttl_ms(const char *user, const char *word);
void cache_expire_ms(const char *user, const char *word, long ms);
/* Puts junk of the same type into every key of the user. */
void cache_poison(const char *user, const char *junk);
/* Copies every key that names the order `from` over to one that names `to`,
 * the user in it likewise: what one may see, the other is given. */
size_t cache_copy(const char *from_user, const char *from_order,
    const char *to_user, const char *to_order);
/* The commands that Redis has run for the service, those inside of scripts
 * too, as "evalsha 5 get 12"; those of the tests themselves are left out. */
const char *cache_commands(void);
/* Where Redis listens, for a proxy in front of it. */
const char *cache_socket(void);

#endif
