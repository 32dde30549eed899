/* name.c: the name that somebody signs in with (signin.h). */
#include <string.h>

#include "signin/signin.h"

bool
signin_name(const char *text, char out[SESSION_NAME])
{
	size_t len = strlen(text), i;

	if (len == 0 || len >= SESSION_NAME)
		return false;
	for (i = 0; i <= len; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z'
		    ? (char)(text[i] - 'A' + 'a')
		    : text[i];
	return strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789._@+-") ==
	    len &&
	    strchr("._@+-", out[0]) == NULL;
}
