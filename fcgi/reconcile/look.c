/* look.c: see look.h. */
#include "look.h"

#include <stdlib.h>

#include "base/log.h"

void
look_suspect(struct look *look, int64_t user)
{
	if (look->nsuspects == look->room) {
		look->room = look->room > 0 ? 2 * look->room : 256;
		look->suspect =
		    realloc(look->suspect, look->room * sizeof(*look->suspect));
		if (look->suspect == NULL)
			fatalx("out of memory");
	}
	look->suspect[look->nsuspects++] = user;
}

void
look_free(struct look *look)
{
	free(look->suspect);
	*look = (struct look){0};
}
