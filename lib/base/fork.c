#include "base/fork.h"
#include "base/api.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

/*
 * Two witnesses: a page that the kernel hands to a child zeroed, and a handler that the C library calls in a child.
 * The first that is seen counts, and sets the page to 1 for this process.
 */
static _Atomic uint32_t generation = 1;
static _Atomic(_Atomic uint32_t *) page;
static _Atomic uint32_t without_page = 1;

static void in_child(void)
{
	_Atomic uint32_t *alive = atomic_load(&page);
	if (atomic_load(alive) != 0 && alive != &without_page)
		return; // the kernel wiped it already, and somebody saw it, or this was no fork with a copy of memory
	atomic_store(alive, 1);
	atomic_fetch_add(&generation, 1);
}

static void begin(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	_Atomic uint32_t *alive = &without_page;
	if (memory != MAP_FAILED) {
		if (madvise(memory, 4096, MADV_WIPEONFORK) == 0)
			alive = memory;
		else
			munmap(memory, 4096);
	}
	atomic_store(alive, 1);
	atomic_store(&page, alive);
	pthread_atfork(NULL, NULL, in_child);
}

KIN_HOT uint32_t fork_generation(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_Atomic uint32_t *alive = atomic_load_explicit(&page, memory_order_acquire);
	if (!alive) {
		pthread_once(&once, begin);
		alive = atomic_load(&page);
	}
	uint32_t state = atomic_load_explicit(alive, memory_order_acquire);
	if (__builtin_expect(state != 1, 0)) {
		/* In a child that no handler was called in; several of its threads may come here at a time. */
		uint32_t zero = 0;
		if (atomic_compare_exchange_strong(alive, &zero, 2)) {
			atomic_fetch_add(&generation, 1);
			atomic_store(alive, 1);
		}
		while (atomic_load(alive) != 1)
			sched_yield();
	}
	return atomic_load_explicit(&generation, memory_order_relaxed);
}
