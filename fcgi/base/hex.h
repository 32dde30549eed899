/* hex.h: bytes as lower-case hexadecimal digits. */
#ifndef HEX_H
#define HEX_H

#include <stddef.h>

/* Room for the digits of len bytes, and a NUL. */
#define HEX_TEXT(len) (2 * (len) + 1)

/* Writes HEX_TEXT(len) bytes. */
void hex_text(const unsigned char *bytes, size_t len, char *out);

#endif
