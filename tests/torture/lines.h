/* lines.h: files of columns between tabs. */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdint.h>

/* Calls row() for each line of the file, with its columns; the last of them
 * has all that is left. What they point to stays. A line of fewer columns,
 * or a file that cannot be read, ends the program with status 2. */
void lines_read(const char *dir, const char *name, size_t columns,
    void (*row)(const char *const column[]));

/* Whole numbers; money in cents, NO_MONEY for "-", "\N" and what is none. */
#define NO_MONEY INT64_MIN
int64_t lines_int(const char *text);
int64_t lines_money(const char *text);

/* Room for one more of n elements; returns where they are now. */
void *lines_grow(void *array, size_t n, size_t size);

#endif
