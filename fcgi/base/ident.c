/* ident.c: see ident.h. */
#include "ident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

bool
uuid_text_parse(const char *s, size_t len, char out[UUID_TEXT])
{
	char copy[UUID_TEXT];
	uuid_t u;

	if (len != UUID_TEXT - 1 || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(copy, s, len);
	copy[len] = '\0';
	if (uuid_parse(copy, u) != 0 || uuid_is_null(u))
		return false;
	uuid_unparse_lower(u, out);
	return true;
}

void
uuid_text_new(char out[UUID_TEXT])
{
	uuid_t u;

	uuid_generate_random(u);
	uuid_unparse_lower(u, out);
}

bool
order_id_parse(const char *header, char out[UUID_TEXT])
{
	size_t len = strlen(header);

	if (len == UUID_TEXT + 1 && header[0] == '"' && header[len - 1] == '"')
		return uuid_text_parse(header + 1, len - 2, out);
	return uuid_text_parse(header, len, out);
}

bool
user_id_parse(const char *s, int64_t *user_r)
{
	size_t len = strlen(s);
	long long v;

	if (len == 0 || s[0] == '0' || strspn(s, "0123456789") != len)
		return false;
	errno = 0;
	v = strtoll(s, NULL, 10);
	if (errno != 0)
		return false;
	*user_r = v;
	return true;
}
