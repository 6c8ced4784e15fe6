/**
 * kernel.h: the loops of the radix sort, made once for each size of items (1, 2, 4, 8, 16 bytes) and for integer and
 * float keys.
 */
#ifndef KIN_LIB_SORT_KERNEL_H
#define KIN_LIB_SORT_KERNEL_H

#include "sort/key.h"

/** Items of this many bytes together are sorted in the cache of a core: they are there three times. */
#define SORT_CACHE ((size_t)128 << 10)

/** Bits of a digit that parts an array, at most. */
#define SORT_PART_BITS 10

/** What parts keys: the digit of a key is (key - least) >> shift. */
struct sort_digit {
	uint64_t least;
	unsigned shift, bits;
};

struct sort_kernel {
	size_t size;
	/** The least and the greatest key of at least one item. */
	void (*range)(const struct key_reader *reader, const char *items, size_t count, uint64_t *least,
		uint64_t *greatest);
	/** Whether no key is less than the one before; downwards: whether each key is less than the one before. */
	bool (*is_ordered)(const struct key_reader *reader, const char *items, size_t count, bool downwards);
	/** Count the items of each digit into 2^bits counters. */
	void (*count)(const struct key_reader *reader, const char *items, size_t count,
		const struct sort_digit *digit, size_t *counts);
	/** Write each item to target[next[its digit]++]; next is used up. */
	void (*scatter)(const struct key_reader *reader, const char *items, size_t count,
		const struct sort_digit *digit, size_t *next, char *target);
	/**
	 * Sort items of SORT_CACHE bytes at most from source into target. room: as many bytes; the source is not
	 * written to. NULL: the source is the room.
	 */
	void (*sort)(const struct key_reader *reader, char *source, char *target, char *room, size_t count);
	/** Write the items to target in reverse order. */
	void (*reverse)(const char *items, size_t count, char *target);
};

/** The loops for items of a size; NULL: not one of the five. */
const struct sort_kernel *sort_kernel(size_t size, bool is_float);

#endif
