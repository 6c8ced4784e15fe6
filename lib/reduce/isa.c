/* Which kernels run: found out once, by asking the CPU. */
#include "reduce/kernels.h"

#include <errno.h>
#include <stdatomic.h>

#define DECLARE(isa) \
	extern const struct whole_kernels whole_kernels_##isa[KERNEL_TYPES]; \
	extern const struct float_kernels float_kernels_##isa[2]; \
	extern const struct exact_kernels exact_kernels_##isa[2];
#define KERNELS(isa) \
	{ \
		whole_kernels_##isa, float_kernels_##isa, exact_kernels_##isa \
	}

DECLARE(scalar)
#ifdef __x86_64__
DECLARE(sse2)
DECLARE(avx2)
DECLARE(avx512)
#elif defined(__aarch64__)
DECLARE(neon)
#endif

static const struct kernels table[ISA_COUNT] = {
	[ISA_SCALAR] = KERNELS(scalar),
#ifdef __x86_64__
	[ISA_SSE2] = KERNELS(sse2),
	[ISA_AVX2] = KERNELS(avx2),
	[ISA_AVX512] = KERNELS(avx512),
#elif defined(__aarch64__)
	[ISA_NEON] = KERNELS(neon),
#endif
};

static bool can_run(int isa)
{
	switch (isa) {
	case ISA_SCALAR:
		return true;
#ifdef __x86_64__
	case ISA_SSE2:
		return true;
	case ISA_AVX2:
		return __builtin_cpu_supports("avx2");
	case ISA_AVX512:
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
	case ISA_NEON:
		return true;
#endif
	default:
		return false;
	}
}

/*
 * One more than the chosen instruction set; 0: not chosen yet. Two threads that choose at one time choose the same.
 */
static _Atomic int chosen;

const struct kernels *kernels_get(void)
{
	int now = atomic_load_explicit(&chosen, memory_order_relaxed);
	if (!now) {
#ifdef __x86_64__
		__builtin_cpu_init(); // a constructor of the program may come before the compiler's own
#endif
		int isa = ISA_COUNT - 1;
		while (!can_run(isa))
			isa--;
		now = isa + 1;
		atomic_store_explicit(&chosen, now, memory_order_relaxed);
	}
	return &table[now - 1];
}

int kernels_force(int isa)
{
	if (isa >= 0 && !can_run(isa))
		return -ENOTSUP;
	atomic_store_explicit(&chosen, isa < 0 ? 0 : isa + 1, memory_order_relaxed);
	return 0;
}

const char *kernels_name(enum isa isa)
{
	static const char *const names[ISA_COUNT] = { "scalar", "sse2", "avx2", "avx512", "neon" };
	return names[isa];
}
