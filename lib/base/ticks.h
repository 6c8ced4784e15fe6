/**
 * ticks.h: the cheapest clock there is, for decisions about waiting; and CLOCK_MONOTONIC for deadlines.
 */
#ifndef KIN_LIB_BASE_TICKS_H
#define KIN_LIB_BASE_TICKS_H

#include <stdint.h>
#include <time.h>

#if defined __x86_64__ || defined __i386__
#include <immintrin.h>
#endif

/** Nanoseconds on CLOCK_MONOTONIC. */
static inline int64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/** A counter that runs at a constant speed; ticks_from_ns tells which. */
static inline uint64_t ticks_now(void)
{
#if defined __x86_64__ || defined __i386__
	return __rdtsc();
#elif defined __aarch64__
	uint64_t ticks;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return (uint64_t)clock_ns();
#endif
}

/** Measures the counter once, which takes some microseconds; thread-safe. Called by whoever makes a pool. */
void ticks_calibrate(void);

uint64_t ticks_from_ns(uint64_t ns);
uint64_t ticks_to_ns(uint64_t ticks);

/** Tell the processor that this is a waiting loop. */
static inline void cpu_relax(void)
{
#if defined __x86_64__ || defined __i386__
	_mm_pause();
#elif defined __aarch64__
	__asm__ volatile("yield");
#endif
}

#endif
