/*
 * Unfair on purpose: a thread that does several changes in a row has the list in its cache. Handing T on in order of
 * arrival makes everybody wait for whoever was just taken off his CPU.
 *
 * T of a shared list is a robust mutex of the C library: the kernel tells the next one when its owner is dead.
 */
#include "list/lock.h"

#include "base/futex.h"
#include "base/ticks.h"
#include "list/pages.h"
#include "list/recover.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

#define PARK_NS 1000000
#define MUTEX_NS 10000000

_Thread_local struct updating *list_updating;

bool list_is_held(const struct top *top)
{
	for (const struct updating *at = list_updating; at; at = at->outer)
		if (at->top == top)
			return true;
	return false;
}

static void park(struct top *top)
{
	atomic_fetch_add_explicit(&top->parked, 1, memory_order_relaxed);
	futex_wait(&top->lock, 1, PARK_NS);
	atomic_fetch_sub_explicit(&top->parked, 1, memory_order_relaxed);
}

int lock_slow(struct kin_list *list)
{
	struct top *top = list->top;
	if (list_is_held(top))
		return -EDEADLK;
	for (unsigned pause = 16;;) {
		if (!atomic_load_explicit(&top->lock, memory_order_relaxed) &&
			!atomic_exchange_explicit(&top->lock, 1, memory_order_acquire))
			return 0;
		for (unsigned i = 0; i < pause; i++)
			cpu_relax();
		if (pause < 2048)
			pause *= 2;
		else if (pause < 2048 + 8) {
			pause++;
			sched_yield();
		} else
			park(top);
	}
}

void unlock_parked(struct top *top)
{
	futex_wake(&top->lock, 1);
}

/*
 * A waiter that is killed just after it was woken takes the wake-up with it: the C library's mutex then has no owner,
 * and those who sleep on it sleep on. So nobody sleeps for long.
 */
static int lock_mutex(pthread_mutex_t *mutex)
{
	int error = pthread_mutex_trylock(mutex);
	while (error == EBUSY || error == ETIMEDOUT) {
		struct timespec until;
#ifdef LIST_TSAN
		clock_gettime(CLOCK_REALTIME, &until);
#else
		clock_gettime(CLOCK_MONOTONIC, &until);
#endif
		until.tv_nsec += MUTEX_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
#ifdef LIST_TSAN /* it does not know the other */
		error = pthread_mutex_timedlock(mutex, &until);
#else
		error = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
#endif
	}
	return error;
}

int lock_shared(struct kin_list *list)
{
	struct top *top = list->top;
	if (list_is_held(top))
		return -EDEADLK;
	int error = lock_mutex(&top->mutex);
	if (error == EOWNERDEAD) {
		top->broken = 1;
		pthread_mutex_consistent(&top->mutex);
	} else if (error)
		return -error;
	/* Whoever has T can reach all pages. */
	error = pages_map_all(list);
	if (UNLIKELY(error == 0 && top->broken))
		error = recover(list);
	if (error < 0)
		pthread_mutex_unlock(&top->mutex);
	return error;
}

void unlock_shared(struct kin_list *list)
{
	pthread_mutex_unlock(&list->top->mutex);
}

uint64_t chunk_close(struct page *page)
{
	for (unsigned round = 0;; round++) {
		uint64_t version = atomic_load_explicit(&page->version, memory_order_relaxed);
		if (version & VERSION_OPEN &&
			atomic_compare_exchange_weak_explicit(&page->version, &version,
				version & ~VERSION_OPEN, memory_order_seq_cst, memory_order_relaxed))
			return version;
		/* The function of an update may take long. */
		if (round < 200)
			cpu_relax();
		else
			sched_yield();
	}
}
