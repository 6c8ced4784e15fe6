/**
 * kernel.h: the loops of running sums, for one chunk of items.
 */
#ifndef KIN_LIB_SCAN_KERNEL_H
#define KIN_LIB_SCAN_KERNEL_H

#include <kin/scan.h>

/** Items of a chunk: part of the shape that floats are added in. */
#define SCAN_CHUNK ((size_t)16 << 10)

union scan_sum {
	uint64_t u; // of integers, modulo 2^64
	double f;
};

/** How sums are written, and which. */
struct scan_how {
	bool exclusive;
	bool last; // there are no items after these
	bool stream; // past the caches; sums is aligned to 16
};

struct scan_kernel {
	size_t item_size, sum_size;
	bool is_float;
	/** The sum of at most a chunk. */
	union scan_sum (*sum)(const void *items, size_t count);
	/**
	 * The sums of a chunk, each with the one before the chunk added; gives the sum of the chunk alone. Returns
	 * whether an integer among the sums did not fit.
	 */
	bool (*scan)(const void *items, size_t count, void *sums, union scan_sum before, struct scan_how how,
		union scan_sum *total);
};

/** The loops for a type; NULL: there is no such type. */
const struct scan_kernel *scan_kernel(enum kin_type type);

/** Instruction sets that floats are added with. */
enum scan_isa {
	SCAN_PLAIN, // what every machine of this kind has
	SCAN_AVX2,
	SCAN_ISAS,
};

/** For tests: use this one from now on; -1: the best one. Returns 0; -ENOTSUP: this machine has it not. */
int scan_force(int isa);

/** sums[] of f32 and f64, in this order. */
extern const struct scan_kernel scan_float_plain[2];
#ifdef __x86_64__
extern const struct scan_kernel scan_float_avx2[2];
#endif
const struct scan_kernel *scan_whole(enum kin_type type);

#endif
