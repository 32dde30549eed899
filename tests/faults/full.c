/*
 * A full disk: preloaded into Postgres, it lets no file grow while there is a
 * file with the name that FULL_FLAG has. What is there may be written anew, as
 * on a disk without a free block.
 */
#undef _FILE_OFFSET_BITS /* which would make two names one */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Is there no room for that? */
static bool
is_full(int fd, size_t len, off_t from)
{
	const char *flag = getenv("FULL_FLAG");
	struct stat status;

	return flag != NULL && access(flag, F_OK) == 0 &&
	    fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    from + (off_t)len > status.st_size;
}

static ssize_t
refuse(void)
{
	errno = ENOSPC;
	return -1;
}

/* dlsym's pointer is to an object, as POSIX has it */
#define NEXT(name)                                                             \
	static __typeof__(&name) next;                                         \
	if (next == NULL)                                                      \
		*(void **)&next = dlsym(RTLD_NEXT, #name);

ssize_t
pwrite(int fd, const void *data, size_t len, off_t from)
{
	NEXT(pwrite)
	return is_full(fd, len, from) ? refuse() : next(fd, data, len, from);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t from)
{
	NEXT(pwrite64)
	return is_full(fd, len, from) ? refuse() : next(fd, data, len, from);
}

static size_t
length(const struct iovec *parts, int n)
{
	size_t len = 0;

	while (n-- > 0)
		len += parts[n].iov_len;
	return len;
}

ssize_t
pwritev(int fd, const struct iovec *parts, int n, off_t from)
{
	NEXT(pwritev)
	return is_full(fd, length(parts, n), from) ? refuse()
						   : next(fd, parts, n, from);
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int n, off64_t from)
{
	NEXT(pwritev64)
	return is_full(fd, length(parts, n), from) ? refuse()
						   : next(fd, parts, n, from);
}
