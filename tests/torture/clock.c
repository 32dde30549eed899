/* clock.c: a wall clock that jumps when told to, to be preloaded.
 *
 * The file that CLOCK_FILE names begins with how many seconds are added, as
 * text; it is mapped, and looked at each time. Clocks that only run are left
 * alone, as when somebody sets the machine's time. (libfaketime does the same,
 * but not under Redis: its allocator asks for the time while libfaketime is
 * not ready.) */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { FILE_SIZE = 16 };

static const char *file; /* NULL: not there yet */

static void __attribute__((constructor)) map_file(void)
{
	const char *name = getenv("CLOCK_FILE");
	int fd = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at != MAP_FAILED)
		file = at;
}

static long
added(void)
{
	return file != NULL ? atol(file) : 0;
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int result = (int)syscall(SYS_clock_gettime, clock, t);

	if (result == 0 &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += added();
	return result;
}

int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	int result = (int)syscall(SYS_gettimeofday, t, zone);

	if (result == 0)
		t->tv_sec += added();
	return result;
}

time_t
time(time_t *t_r)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_REALTIME, &t);
	if (t_r != NULL)
		*t_r = t.tv_sec;
	return t.tv_sec;
}
