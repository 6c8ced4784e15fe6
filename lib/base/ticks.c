#include "base/ticks.h"
#include "base/api.h"

#include <stdatomic.h>

/* Ticks in 2^20 ns; 0: not measured yet. */
static _Atomic uint64_t rate;

void ticks_calibrate(void)
{
	if (atomic_load_explicit(&rate, memory_order_relaxed))
		return;
	/* Of several short measurements the one least disturbed is the fastest: fewest ticks for the time. */
	uint64_t best = UINT64_MAX;
	for (int round = 0; round < 3; round++) {
		int64_t begin_ns = clock_ns(), end_ns;
		uint64_t begin = ticks_now();
		do
			end_ns = clock_ns();
		while (end_ns - begin_ns < 8000);
		uint64_t measured = ((ticks_now() - begin) << 20) / (uint64_t)(end_ns - begin_ns);
		if (measured < best)
			best = measured;
	}
	atomic_store_explicit(&rate, best ? best : 1 << 20, memory_order_relaxed);
}

static uint64_t rate_now(void)
{
	uint64_t measured = atomic_load_explicit(&rate, memory_order_relaxed);
	return measured ? measured : 1 << 20;
}

uint64_t ticks_from_ns(uint64_t ns)
{
	return (uint64_t)((unsigned __int128)ns * rate_now() >> 20);
}

uint64_t ticks_to_ns(uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks << 20) / rate_now());
}
