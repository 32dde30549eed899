/*
 * Looking into the JSON of answers. What is returned lives until the end of
 * the test. A body that is not valid JSON fails the test.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

/* A member of an object as text (a string's content; a number as written;
 * "true", "false", "null"); NULL where there is no such member. */
const char *json_get(const char *body, const char *key);

/* The same in element i of the array that is member `array` of the body. */
const char *json_item(
    const char *body, const char *array, size_t i, const char *key);
size_t json_length(const char *body, const char *array);

/* The members by name, with the kind of each: "amount:string next:null". */
const char *json_shape(const char *body);
const char *json_item_shape(const char *body, const char *array, size_t i);

#endif
