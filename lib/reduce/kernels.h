/**
 * kernels.h: the loops over items, compiled once for each instruction set, and what they leave.
 *
 * Loops over integers give exact results, so their order is free and the compiler vectorizes them as it likes.
 * Loops over floats have one order of additions, written down in kin/reduce.h: LANES running results, item i of a
 * block in lane i modulo LANES, folded in halves. They are written with vectors of the compiler (GCC's
 * vector_size), whose elements are those lanes: a wider vector is fewer vectors, and the same additions. Nothing
 * here may be compiled with -ffast-math, nor with products contracted into additions (-ffp-contract=off in
 * meson.build).
 */
#ifndef KIN_LIB_REDUCE_KERNELS_H
#define KIN_LIB_REDUCE_KERNELS_H

#include "reduce/wide.h"

#include <kin/reduce.h>

#include <stdbool.h>

/** Items in a block: the leaves of the tree in which floats are combined. */
#define BLOCK 2048

/** Running results of a block of floats. */
#define LANES 32

/** Items a kernel takes at one time, at most: short counters of the integer kernels hold so many. */
#define MOST_ITEMS 65536

/** Slices a block of floats is cut into by the exact sum, at most. */
#define MOST_SLICES 3

/*
 * Ask for the memory that is due some rows later. How much a CPU reads ahead by itself is bounded by the
 * instructions it holds at one time, and loops that compute have more of them for each line than one that only
 * reads. The more of them, the farther ahead it has to be; both distances were measured on a Zen 3.
 */
enum { AHEAD = 1024, FAR_AHEAD = 2048, LINE = 64 };

static inline __attribute__((always_inline)) void read_ahead(const void *row, size_t bytes, size_t distance)
{
	for (size_t at = 0; at < bytes; at += LINE)
		__builtin_prefetch((const void *)((uintptr_t)row + distance + at));
}

/** A dense, aligned run of items: what kernels are given. */
struct piece {
	const void *items;
	const void *others; // the second array of a dot product
	size_t count; // at least 1
	size_t begin; // the first item's index in the array
};

/** Fold a piece into a state. Which state: see below. */
typedef void kernel_fold(const struct piece *piece, const void *extra, void *state);

/*
 * States.
 *   sum, dot of integers       struct wide, added to
 *   product of integers        struct whole_product, multiplied
 *   least, greatest            struct kin_extreme, replaced by what is better; index SIZE_MAX: nothing yet
 *   count                      uint64_t, added to; extra: struct count_test
 *   sum, dot, product of floats   double, written: at most one block
 *   moments of floats             struct float_moments, written: at most one block
 */

/** The product of integers: its magnitude, unless it is 0 or too large. */
struct whole_product {
	uint64_t magnitude;
	bool negative;
	bool zero; // there is an item 0
	bool large; // the magnitude of all other items is beyond 64 bits
};

/** Number, mean and squared deviations from it, of some floats. */
struct float_moments {
	double count, mean, squares;
};

/** Which comparison; others are made of these. */
enum count_kind { COUNT_LESS, COUNT_LESS_EQUAL, COUNT_EQUAL, COUNT_GREATER, COUNT_GREATER_EQUAL };

/** A comparison with a number. Integers know COUNT_LESS and COUNT_EQUAL, with numbers in the range of their type. */
struct count_test {
	enum count_kind kind;
	union kin_number number;
};

/** What became of the slices of a piece. */
enum slices_result {
	SLICES_DONE,
	SLICES_LEFT, // bits are left below the last slice
	SLICES_HIGH, // an item is not below the bound: too large, or no number
};

/**
 * Cut a piece of at most one block into slices. All items are expected to be below 2^bound in magnitude; slice s
 * holds multiples of 2^slices_unit(bound, s), and sums[s] receives how many, for all items together.
 */
typedef enum slices_result kernel_slices(const struct piece *piece, int bound, int64_t sums[MOST_SLICES]);

/* A slice is 51 bits and a sign, or 52 with what rounding to nearest leaves to the next one. */
static inline int slices_unit(int bound, int slice)
{
	return bound - 51 - 52 * slice;
}

/**
 * Bounds kernel_slices accepts: the constants it adds must be finite, and their last bits not below the smallest
 * float.
 */
#define SLICES_LEAST_BOUND(slices) (-1074 + 51 + 52 * ((slices)-1))
#define SLICES_MOST_BOUND 1020

/** Kernels of one instruction set. Arrays are indexed by enum kin_type. */
#define KERNEL_TYPES (KIN_F64 + 1)
struct whole_kernels {
	kernel_fold *sum, *dot, *product, *least, *greatest, *count;
};
struct float_kernels {
	kernel_fold *sum, *dot, *product, *moments, *least, *greatest, *count;
};
struct exact_kernels {
	kernel_slices *slices[MOST_SLICES + 1]; // by number of slices
	int (*bound)(const struct piece
			*piece); // the least b for which all items are below 2^b; infinity, NaN: 1025
};
struct kernels {
	const struct whole_kernels *whole; // by type: KIN_I8 to KIN_U64
	const struct float_kernels *floats; // [0]: KIN_F32, [1]: KIN_F64
	const struct exact_kernels *exact; // likewise
};

/** Instruction sets; which of them are compiled in depends on the machine's architecture. */
enum isa { ISA_SCALAR, ISA_SSE2, ISA_AVX2, ISA_AVX512, ISA_NEON, ISA_COUNT };

/** Kernels for this CPU, or those that were forced. */
const struct kernels *kernels_get(void);

/**
 * For tests: use these kernels from now on; -1: choose again. -ENOTSUP: this CPU cannot run them, or they are not
 * compiled in, and nothing changes.
 */
int kernels_force(int isa);

const char *kernels_name(enum isa isa);

#endif
