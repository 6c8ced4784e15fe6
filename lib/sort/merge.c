#include "sort/merge.h"

#include "sort/key.h"

#include <string.h>

/* Runs of so many elements are sorted by insertion. */
#define BLOCK 12

SORT_INLINE int compare(const struct merge_order *order, const char *a, const char *b, bool indirect)
{
	size_t i, j;
	if (!indirect)
		return order->compare(a, b, order->arg);
	memcpy(&i, a, sizeof i);
	memcpy(&j, b, sizeof j);
	return order->compare(
		order->items + i * order->item_size, order->items + j * order->item_size, order->arg);
}

int merge_compare(const struct merge_order *order, const char *a, const char *b)
{
	return compare(order, a, b, order->items);
}

/* Which side the next element comes from is a coin's toss: chosen without a branch. */
SORT_INLINE void merge(const struct merge_order *order, const char *a, size_t a_count, const char *b,
	size_t b_count, char *target, size_t size, bool indirect)
{
	const char *a_end = a + a_count * size, *b_end = b + b_count * size;
	while (a != a_end && b != b_end) {
		bool from_b = compare(order, b, a, indirect) < 0;
		memcpy(target, from_b ? b : a, size);
		target += size;
		a += from_b ? 0 : size;
		b += from_b ? size : 0;
	}
	memcpy(target, a, (size_t)(a_end - a));
	memcpy(target + (a_end - a), b, (size_t)(b_end - b));
}

SORT_INLINE void insert(
	const struct merge_order *order, char *elements, size_t count, size_t size, bool indirect)
{
	for (size_t i = 1; i < count; i++) {
		char element[MERGE_MOST];
		size_t to = i;
		if (compare(order, elements + i * size, elements + (i - 1) * size, indirect) >= 0)
			continue;
		memcpy(element, elements + i * size, size);
		do {
			memcpy(elements + to * size, elements + (to - 1) * size, size);
			to--;
		} while (to && compare(order, element, elements + (to - 1) * size, indirect) < 0);
		memcpy(elements + to * size, element, size);
	}
}

SORT_INLINE bool is_sorted(
	const struct merge_order *order, const char *elements, size_t count, size_t size, bool indirect)
{
	for (size_t i = 1; i < count; i++)
		if (compare(order, elements + i * size, elements + (i - 1) * size, indirect) < 0)
			return false;
	return true;
}

/* Merge each two runs of a length. */
SORT_INLINE void merge_level(const struct merge_order *order, const char *from, size_t count, size_t length,
	char *to, size_t size, bool indirect)
{
	for (size_t begin = 0; begin < count;) {
		size_t left = count - begin, a_count = left < length ? left : length;
		size_t b_count = left - a_count < length ? left - a_count : length;
		const char *a = from + begin * size, *b = a + a_count * size;
		char *target = to + begin * size;
		begin += a_count + b_count;
		if (!b_count || compare(order, b, b - size, indirect) >= 0)
			memcpy(target, a, (a_count + b_count) * size);
		else
			merge(order, a, a_count, b, b_count, target, size, indirect);
	}
}

SORT_INLINE void sort(const struct merge_order *order, char *source, size_t count, char *target, char *room,
	size_t size, bool indirect)
{
	char *other = room ? room : source, *from = target;
	if (is_sorted(order, source, count, size, indirect)) {
		memcpy(target, source, count * size);
		return;
	}
	// So that the last level ends in the target.
	for (size_t length = BLOCK; length < count; length *= 2)
		from = from == target ? other : target;
	for (size_t begin = 0; begin < count; begin += BLOCK) {
		size_t length = count - begin < BLOCK ? count - begin : BLOCK;
		if (from != source)
			memcpy(from + begin * size, source + begin * size, length * size);
		insert(order, from + begin * size, length, size, indirect);
	}
	for (size_t length = BLOCK; length < count; length *= 2) {
		char *to = from == target ? other : target;
		merge_level(order, from, count, length, to, size, indirect);
		from = to;
	}
}

void merge_runs(const struct merge_order *order, const char *a, size_t a_count, const char *b, size_t b_count,
	char *target)
{
	if (order->items)
		merge(order, a, a_count, b, b_count, target, sizeof(size_t), true);
	else if (order->size == 4)
		merge(order, a, a_count, b, b_count, target, 4, false);
	else if (order->size == 8)
		merge(order, a, a_count, b, b_count, target, 8, false);
	else if (order->size == 16)
		merge(order, a, a_count, b, b_count, target, 16, false);
	else
		merge(order, a, a_count, b, b_count, target, order->size, false);
}

void merge_sort(const struct merge_order *order, char *source, size_t count, char *target, char *room)
{
	if (order->items)
		sort(order, source, count, target, room, sizeof(size_t), true);
	else if (order->size == 4)
		sort(order, source, count, target, room, 4, false);
	else if (order->size == 8)
		sort(order, source, count, target, room, 8, false);
	else if (order->size == 16)
		sort(order, source, count, target, room, 16, false);
	else
		sort(order, source, count, target, room, order->size, false);
}

size_t merge_split(const struct merge_order *order, const char *a, size_t a_count, const char *b,
	size_t b_count, size_t rank)
{
	size_t low = rank > b_count ? rank - b_count : 0, high = rank < a_count ? rank : a_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (merge_compare(order, b + (rank - middle - 1) * order->size, a + middle * order->size) < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
