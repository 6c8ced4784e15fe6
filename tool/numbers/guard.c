#include "numbers/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
	uintptr_t begin, end; // whole pages
	uintptr_t page_mask;
	atomic_int *missed; // shared with forked workers
	struct sigaction before;
} guard;

/* The rest of the mapping goes at once: what lies behind a missing page is most likely missing too. */
static void give_zeros(int signo, siginfo_t *info, void *context)
{
	int saved = errno;
	uintptr_t at = (uintptr_t)info->si_addr & guard.page_mask;
	if (at >= guard.begin && at < guard.end) {
		atomic_store(guard.missed, 1);
		void *zeros = mmap((void *)at, guard.end - at, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		errno = saved;
		if (zeros != MAP_FAILED)
			return;
	}
	signal(signo, SIG_DFL); // back to the instruction, which faults again
	errno = saved;
}

int numbers_guard_begin(void *mapped, size_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	guard.missed =
		mmap(NULL, sizeof *guard.missed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guard.missed == MAP_FAILED)
		return -errno;
	guard.page_mask = ~(page - 1);
	guard.begin = (uintptr_t)mapped;
	guard.end = (guard.begin + bytes + page - 1) & guard.page_mask;
	struct sigaction action = { .sa_sigaction = give_zeros, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &guard.before) < 0) {
		int error = -errno;
		munmap(guard.missed, sizeof *guard.missed);
		return error;
	}
	return 0;
}

bool numbers_guard_end(void)
{
	sigaction(SIGBUS, &guard.before, NULL);
	bool missed = atomic_load(guard.missed) != 0;
	munmap(guard.missed, sizeof *guard.missed);
	guard.begin = guard.end = 0;
	return missed;
}
