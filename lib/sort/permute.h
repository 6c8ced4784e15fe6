/**
 * permute.h: put items in an order that is known.
 */
#ifndef KIN_LIB_SORT_PERMUTE_H
#define KIN_LIB_SORT_PERMUTE_H

#include <kin/pool.h>

/** Where indexes are: the one of item i is in the low bits of the 64-bit number at bytes + i * stride. */
struct permutation {
	const char *bytes;
	size_t stride;
	uint64_t mask;
};

/**
 * Move the item that permutation names first to the front, and so on. With process workers the permutation has to be
 * shared memory; items need not. Returns 0, -ENOMEM (nothing is moved), or what region_run returns.
 */
int permute(
	struct kin_pool *pool, char *items, size_t count, size_t size, const struct permutation *permutation);

#endif
