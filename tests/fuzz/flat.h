/* flat.h: a JSON reader of the fuzz targets' own, for one flat object with
 * strings in it, by RFC 8259 and nothing else. It is slow and has no mercy. */
#ifndef FLAT_H
#define FLAT_H

#include <stdbool.h>
#include <stddef.h>

enum { FLAT_MEMBERS = 8 };

struct flat_text {
	char *bytes; /* decoded; with a NUL behind */
	size_t len;
};

struct flat {
	size_t n;
	struct flat_text key[FLAT_MEMBERS], value[FLAT_MEMBERS];
};

/* Is text such an object with at most FLAT_MEMBERS members? Whether a string
 * is UTF-8 is not looked at; half a surrogate pair
 * is no character. */
bool flat_read(const char *text, size_t len, struct flat *flat_r);

void flat_free(struct flat *flat);

/* The value of the only member of that name; NULL: none, or several. */
const struct flat_text *flat_get(const struct flat *flat, const char *key);

/* Writes a string with all that can be escaped escaped; returns its end. */
char *flat_write(char *out, const char *bytes, size_t len);

#endif
