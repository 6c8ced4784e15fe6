/**
 * merge.h: the loops of the merge sort, made once for common sizes of elements, and for indexes of items.
 */
#ifndef KIN_LIB_SORT_MERGE_H
#define KIN_LIB_SORT_MERGE_H

#include <kin/sort.h>

/** Larger items are not moved while they are sorted, but indexes of them. */
#define MERGE_MOST 64

/** What is sorted, and how elements compare. */
struct merge_order {
	kin_compare *compare;
	void *arg;
	const char *items; // elements are indexes (size_t) of these; NULL: elements are the items
	size_t item_size;
	size_t size; // of an element
};

int merge_compare(const struct merge_order *order, const char *a, const char *b);

/** Merge two sorted runs into target; equal elements of a come first. */
void merge_runs(const struct merge_order *order, const char *a, size_t a_count, const char *b, size_t b_count,
	char *target);

/**
 * Sort elements from source into target. room: as much memory, and the source is not written to; NULL: the source
 * is the room.
 */
void merge_sort(const struct merge_order *order, char *source, size_t count, char *target, char *room);

/**
 * How many of the first `rank` elements of two merged runs are from a. Also where compare is no order it is a
 * possible number: at most rank and a_count, and rank less that at most b_count.
 */
size_t merge_split(const struct merge_order *order, const char *a, size_t a_count, const char *b,
	size_t b_count, size_t rank);

#endif
