#include "scan/kernel.h"

#include <errno.h>
#include <stdatomic.h>

static bool can_run(int isa)
{
#ifdef __x86_64__
	if (isa == SCAN_AVX2) {
		__builtin_cpu_init(); // a constructor of the program may come before the compiler's own
		return __builtin_cpu_supports("avx2");
	}
#endif
	return isa == SCAN_PLAIN;
}

/* One more than the instruction set in use; 0: not chosen yet. Threads that choose at one time choose the same. */
static _Atomic int chosen;

static int choose(void)
{
	int now = atomic_load_explicit(&chosen, memory_order_relaxed);
	if (now)
		return now - 1;
	int isa = SCAN_ISAS - 1;
	while (!can_run(isa))
		isa--;
	atomic_store_explicit(&chosen, isa + 1, memory_order_relaxed);
	return isa;
}

int scan_force(int isa)
{
	if (isa >= 0 && !can_run(isa))
		return -ENOTSUP;
	atomic_store_explicit(&chosen, isa < 0 ? 0 : isa + 1, memory_order_relaxed);
	return 0;
}

const struct scan_kernel *scan_kernel(enum kin_type type)
{
	if (type != KIN_F32 && type != KIN_F64)
		return scan_whole(type);
#ifdef __x86_64__
	if (choose() == SCAN_AVX2)
		return &scan_float_avx2[type == KIN_F64];
#endif
	return &scan_float_plain[type == KIN_F64];
}
