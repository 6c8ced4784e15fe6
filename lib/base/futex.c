#include "base/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns)
{
	struct timespec limit = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
	const int saved = errno;
	long result = syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ns < 0 ? NULL : &limit, NULL, 0);
	int code = result < 0 && errno == ETIMEDOUT ? -ETIMEDOUT : 0;
	errno = saved;
	return code;
}

unsigned futex_wake(_Atomic uint32_t *word, unsigned count)
{
	const int saved = errno;
	long woken =
		syscall(SYS_futex, word, FUTEX_WAKE, count > INT_MAX ? INT_MAX : (int)count, NULL, NULL, 0);
	errno = saved;
	return woken > 0 ? (unsigned)woken : 0;
}
