/* json.h: one JSON object to stdout, as all commands print it. yajl refuses
 * only what would not be JSON: an error of the program, which it ends. Whether
 * all of it was written, the caller asks of stdout. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <yajl/yajl_gen.h>

/* Begins the object; *g is NULLed by ctl_json_close(), which ends it. */
yajl_gen ctl_json_open(void);
void ctl_json_close(yajl_gen *g);

void ctl_json_must(yajl_gen_status status);

void ctl_json_string(yajl_gen g, const char *text);

/* text NULL: null; number: its digits as they are, otherwise a string. */
void ctl_json_value(yajl_gen g, const char *text, bool number);

/* A member of the present object: the key, and its value as above. */
void ctl_json_put(yajl_gen g, const char *key, const char *text);
void ctl_json_put_number(yajl_gen g, const char *key, const char *digits);
void ctl_json_put_count(yajl_gen g, const char *key, int64_t n);
void ctl_json_put_bool(yajl_gen g, const char *key, bool value);

#endif
