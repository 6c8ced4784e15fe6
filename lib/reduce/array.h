/**
 * array.h: from an array to its result. A reduction says which loop runs over a piece and how two results become
 * one; the rest - chunks, columns of tables, the order of combination - is the same for all.
 *
 * There are two orders. Exact results (integers, extremes, counts, exact sums) are added up in any: a chunk folds
 * its pieces into its slot. Floats have a tree: blocks are its leaves, and neighbours are combined, level by level,
 * the last one of an odd number going up alone. A chunk is a power of two of blocks, so its slot is what stands at
 * one node of the tree, whatever the size of chunks.
 */
#ifndef KIN_LIB_REDUCE_ARRAY_H
#define KIN_LIB_REDUCE_ARRAY_H

#include "reduce/kernels.h"

struct kin_pool;

struct exact_choice {
	const struct exact_kernels *kernels;
	bool narrow;
};

struct moments_choice {
	kernel_fold *sum, *dot;
};

/** A reduction; it is handed to workers as it is, so it holds no pointer but into the library and the arrays. */
struct reduction {
	kernel_fold *fold;
	void (*combine)(void *into, const void *from);
	size_t state_size;
	bool is_tree; // combined as a tree of blocks; states of at most sizeof(struct float_moments) bytes
	size_t most_chunks; // 0: the usual
	size_t run; // items handed to fold at one time, at most; 0: the usual
	/* What a state begins as, followed by zero bytes. */
	union {
		struct kin_extreme extreme;
		struct whole_product product;
	} start;
	/* Handed to fold. */
	union {
		struct count_test test;
		struct exact_choice exact;
		struct moments_choice moments;
	} extra;
	/* Set by reduction_run. */
	struct kin_array array, other;
	size_t chunk; // items in a chunk
	bool is_packed; // items are gathered before they are folded
};

/** Bytes of an item; 0: no such type. */
size_t type_size(enum kin_type type);

static inline bool type_is_float(enum kin_type type)
{
	return type == KIN_F32 || type == KIN_F64;
}

static inline bool type_is_signed(enum kin_type type)
{
	return type >= KIN_I8 && type <= KIN_I64;
}

/** The kernels of a type, which is a float's. */
const struct float_kernels *float_kernels_of(enum kin_type type);

/** The kernels of a type, which is an integer's. */
const struct whole_kernels *whole_kernels_of(enum kin_type type);

/**
 * Check an array, and copy it with its stride filled in. -EINVAL: NULL, unknown type, no items; -EOVERFLOW: it does
 * not fit in the address space.
 */
int array_check(const struct kin_array *array, struct kin_array *ret_array);

/** Whether all of a checked array lies in shared memory. */
bool array_is_shared(const struct kin_array *array);

/** Items in a chunk of an array: a power of two of blocks. */
size_t array_chunk(const struct kin_array *array, size_t most_chunks);

/**
 * Run a reduction over a checked array that is not empty, and another of the same type and count, or NULL. Sets the
 * state: state_size bytes, untouched on failure. Returns what region_run returns.
 */
int reduction_run(struct kin_pool *pool, const struct reduction *reduction, const struct kin_array *array,
	const struct kin_array *other, void *state);

#endif
