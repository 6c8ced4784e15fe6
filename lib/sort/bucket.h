/**
 * bucket.h: sorting what fits in a core's cache; part of kernel.c.
 *
 * A least-significant-digit radix sort of the leading bits only: as many as tell about all of that many random keys
 * apart; insertion puts right what is left. Where there is more left than expected, all bits are sorted.
 */
#ifndef KIN_LIB_SORT_BUCKET_H
#define KIN_LIB_SORT_BUCKET_H

#include "sort/kernel.h"

#define BUCKET_BITS 8
#define BUCKET_DIGITS ((64 + BUCKET_BITS - 1) / BUCKET_BITS)

/* So few are sorted by insertion alone. */
#define BUCKET_FEW 24

/* Moves that insertion may make for each item. */
#define BUCKET_MOVES 4

/**
 * Sort by insertion, in place. Gives up after so many moves: the items are then all there, equal ones in their order.
 * Returns whether they are sorted.
 */
SORT_INLINE bool bucket_insert(
	const struct key_reader *reader, char *items, size_t count, size_t moves, size_t size, bool is_float)
{
	uint64_t before = key_read(reader, items, size, is_float);
	for (size_t i = 1; i < count; i++) {
		uint64_t key = key_read(reader, items + i * size, size, is_float);
		if (key >= before) {
			before = key;
			continue;
		}
		char item[16];
		size_t to = i;
		memcpy(item, items + i * size, size);
		do {
			memcpy(items + to * size, items + (to - 1) * size, size);
			to--;
		} while (to && key_read(reader, items + (to - 1) * size, size, is_float) > key);
		memcpy(items + to * size, item, size);
		if (i - to > moves)
			return false;
		moves -= i - to;
	}
	return true;
}

/* The digits to sort by: bits [low, low + digits * width) of the key - least. */
struct bucket_digits {
	uint64_t least;
	unsigned low, digits, width;
};

/* Digits for the leading bits, at least wanted of them if there are so many. */
static inline struct bucket_digits bucket_choose(uint64_t least, unsigned bits, unsigned wanted)
{
	unsigned taken = wanted < bits ? wanted : bits;
	unsigned digits = (taken + BUCKET_BITS - 1) / BUCKET_BITS;
	unsigned width = digits ? (taken + digits - 1) / digits : 0;
	unsigned all = digits * width;
	return (struct bucket_digits){
		.least = least, .low = all < bits ? bits - all : 0, .digits = digits, .width = width
	};
}

/* Count all digits in one pass. Returns which of them differ among the items, as bits. */
SORT_INLINE unsigned bucket_count(const struct key_reader *reader, const char *items, size_t count,
	const struct bucket_digits *digits, uint32_t counts[][1 << BUCKET_BITS], size_t size, bool is_float)
{
	const unsigned low = digits->low, width = digits->width, number = digits->digits;
	const uint64_t mask = ((uint64_t)1 << width) - 1, least = digits->least;
	uint64_t key = 0;
	memset(counts, 0, number * sizeof *counts);
	for (size_t i = 0; i < count; i++) {
		key = (key_read(reader, items + i * size, size, is_float) - least) >> low;
		if (number == 2) {
			counts[0][key & mask]++;
			counts[1][key >> width & mask]++;
			continue;
		}
		for (unsigned d = 0; d < number; d++)
			counts[d][key >> d * width & mask]++;
	}
	unsigned differ = 0;
	for (unsigned d = 0; d < number; d++)
		if (counts[d][key >> d * width & mask] != count)
			differ |= 1u << d;
	return differ;
}

SORT_INLINE void bucket_pass(const struct key_reader *reader, const char *items, size_t count, uint64_t least,
	unsigned shift, unsigned width, uint32_t *counts, char *target, size_t size, bool is_float)
{
	const uint64_t mask = ((uint64_t)1 << width) - 1;
	uint32_t next = 0;
	for (size_t d = 0; d <= mask; d++) {
		uint32_t number = counts[d];
		counts[d] = next;
		next += number;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t key = key_read(reader, items + i * size, size, is_float) - least;
		size_t to = counts[key >> shift & mask]++;
		memcpy(target + to * size, items + i * size, size);
	}
}

/* Sort by the digits, into target. Without room the source is the room. */
SORT_INLINE void bucket_passes(const struct key_reader *reader, char *source, char *target, char *room,
	size_t count, const struct bucket_digits *digits, size_t size, bool is_float)
{
	uint32_t counts[BUCKET_DIGITS][1 << BUCKET_BITS];
	unsigned differ = bucket_count(reader, source, count, digits, counts, size, is_float);
	char *from = source;
	// With room, so that the last pass writes to the target.
	char *to = room && __builtin_popcount(differ) % 2 == 0 ? room : target;
	for (unsigned d = 0; d < digits->digits; d++) {
		if (!(differ >> d & 1))
			continue;
		bucket_pass(reader, from, count, digits->least, digits->low + d * digits->width,
			digits->width, counts[d], to, size, is_float);
		from = to;
		to = to == target ? room ? room : source : target;
	}
	if (from != target)
		memcpy(target, from, count * size);
}

SORT_INLINE void bucket_sort(const struct key_reader *shared_reader, char *source, char *target, char *room,
	size_t count, size_t size, bool is_float)
{
	const struct key_reader reader = *shared_reader;
	if (count <= BUCKET_FEW) {
		memcpy(target, source, count * size);
		if (count)
			bucket_insert(&reader, target, count, SIZE_MAX, size, is_float);
		return;
	}
	uint64_t least = UINT64_MAX, greatest = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t key = key_read(&reader, source + i * size, size, is_float);
		least = key < least ? key : least;
		greatest = key > greatest ? key : greatest;
	}
	unsigned bits = key_bits(greatest - least);
	struct bucket_digits digits = bucket_choose(least, bits, room ? key_bits(count) + 2 : 64);
	bucket_passes(&reader, source, target, room, count, &digits, size, is_float);
	if (!digits.low || bucket_insert(&reader, target, count, count * BUCKET_MOVES, size, is_float))
		return;
	digits = bucket_choose(least, bits, 64);
	bucket_passes(&reader, source, target, room, count, &digits, size, is_float);
}

#endif
