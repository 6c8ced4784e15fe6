/**
 * radix.h: sort items of 1, 2, 4, 8 or 16 bytes by a numeric key.
 */
#ifndef KIN_LIB_SORT_RADIX_H
#define KIN_LIB_SORT_RADIX_H

#include "sort/key.h"

/**
 * Sort. With process workers items has to be shared memory. Returns as kin_sort_keys; -ENOMEM comes before anything
 * is moved.
 */
int radix_sort(
	struct kin_pool *pool, char *items, size_t count, size_t size, const struct key_reader *reader);

/** Whether the keys are in order; 1, 0, or what region_run returned. downwards: each less than the one before. */
int radix_is_ordered(struct kin_pool *pool, const char *items, size_t count, size_t size,
	const struct key_reader *reader, bool downwards);

#endif
