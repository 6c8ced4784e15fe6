#include "sort/kernel.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "sort/bucket.h"

#define LINE 64

/* --- looking --- */

SORT_INLINE void range(const struct key_reader *reader, const char *items, size_t count, uint64_t *ret_least,
	uint64_t *ret_greatest, size_t size, bool is_float)
{
	uint64_t least = UINT64_MAX, greatest = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t key = key_read(reader, items + i * size, size, is_float);
		least = key < least ? key : least;
		greatest = key > greatest ? key : greatest;
	}
	*ret_least = least;
	*ret_greatest = greatest;
}

SORT_INLINE bool is_ordered(const struct key_reader *reader, const char *items, size_t count, bool downwards,
	size_t size, bool is_float)
{
	uint64_t before = count ? key_read(reader, items, size, is_float) : 0;
	for (size_t i = 1; i < count; i++) {
		uint64_t key = key_read(reader, items + i * size, size, is_float);
		if (downwards ? key >= before : key < before)
			return false;
		before = key;
	}
	return true;
}

/* --- parting --- */

SORT_INLINE size_t digit_of(const struct key_reader *reader, const char *item, const struct sort_digit *digit,
	size_t size, bool is_float)
{
	return (size_t)((key_read(reader, item, size, is_float) - digit->least) >> digit->shift);
}

/* Two sets of counters: of equal digits in a row, one need not wait until the other's count is stored. */
SORT_INLINE void count_digits(const struct key_reader *shared_reader, const char *items, size_t count,
	const struct sort_digit *shared_digit, size_t *counts, size_t size, bool is_float)
{
	const struct key_reader reader = *shared_reader;
	const struct sort_digit digit = *shared_digit;
	size_t digits = (size_t)1 << digit.bits, i = 0;
	uint32_t even[1 << SORT_PART_BITS], odd[1 << SORT_PART_BITS];
	memset(even, 0, digits * sizeof *even);
	memset(odd, 0, digits * sizeof *odd);
	for (; i + 2 <= count; i += 2) {
		even[digit_of(&reader, items + i * size, &digit, size, is_float)]++;
		odd[digit_of(&reader, items + (i + 1) * size, &digit, size, is_float)]++;
	}
	if (i < count)
		even[digit_of(&reader, items + i * size, &digit, size, is_float)]++;
	for (size_t d = 0; d < digits; d++)
		counts[d] = (size_t)even[d] + odd[d];
}

SORT_INLINE void scatter_each(const struct key_reader *reader, const char *items, size_t count,
	const struct sort_digit *digit, size_t *next, char *target, size_t size, bool is_float)
{
	for (size_t i = 0; i < count; i++) {
		const char *item = items + i * size;
		size_t to = next[digit_of(reader, item, digit, size, is_float)]++;
		memcpy(target + to * size, item, size);
	}
}

/* A whole line, past the caches where the machine can: it is not read again soon. */
SORT_INLINE void write_line(char *target, const char *line)
{
#ifdef __SSE2__
	for (size_t i = 0; i < LINE; i += sizeof(__m128i))
		_mm_stream_si128((__m128i *)(target + i), _mm_load_si128((const __m128i *)(line + i)));
#else
	memcpy(target, line, LINE);
#endif
}

/*
 * Items wait in a line of the cache for each digit until it is full: memory is written line by line, and no line is
 * read for being written to in part.
 */
SORT_INLINE void scatter_lines(const struct key_reader *shared_reader, const char *items, size_t count,
	const struct sort_digit *shared_digit, size_t *next, char *target, size_t size, bool is_float)
{
	const struct key_reader reader = *shared_reader;
	const struct sort_digit digit = *shared_digit;
	const size_t whole = LINE / size, digits = (size_t)1 << digit.bits;
	_Alignas(LINE) char lines[1 << SORT_PART_BITS][LINE];
	size_t first[1 << SORT_PART_BITS];
	memcpy(first, next, digits * sizeof *first);
	for (size_t i = 0; i < count; i++) {
		const char *item = items + i * size;
		size_t d = digit_of(&reader, item, &digit, size, is_float);
		size_t to = next[d]++;
		memcpy(lines[d] + to % whole * size, item, size);
		if ((to + 1) % whole)
			continue;
		size_t begin = to + 1 - whole;
		if (begin >= first[d])
			write_line(target + begin * size, lines[d]);
		else // the line's beginning is another piece's
			memcpy(target + first[d] * size, lines[d] + first[d] % whole * size,
				(to + 1 - first[d]) * size);
	}
	for (size_t d = 0; d < digits; d++) {
		size_t begin = next[d] - next[d] % whole;
		if (begin < first[d])
			begin = first[d];
		memcpy(target + begin * size, lines[d] + begin % whole * size, (next[d] - begin) * size);
	}
#ifdef __SSE2__
	_mm_sfence(); // streaming stores are not ordered by what tells that this piece is done
#endif
}

SORT_INLINE void scatter(const struct key_reader *reader, const char *items, size_t count,
	const struct sort_digit *digit, size_t *next, char *target, size_t size, bool is_float)
{
	if ((uintptr_t)target % LINE == 0 && count >= 4u << digit->bits)
		scatter_lines(reader, items, count, digit, next, target, size, is_float);
	else
		scatter_each(reader, items, count, digit, next, target, size, is_float);
}

SORT_INLINE void reverse(const char *items, size_t count, char *target, size_t size)
{
	for (size_t i = 0; i < count; i++)
		memcpy(target + (count - 1 - i) * size, items + i * size, size);
}

/* --- one of each --- */

#define KERNEL(name, size_, is_float_) \
	static void range_##name(const struct key_reader *reader, const char *items, size_t count, \
		uint64_t *least, uint64_t *greatest) \
	{ \
		range(reader, items, count, least, greatest, size_, is_float_); \
	} \
	static bool is_ordered_##name( \
		const struct key_reader *reader, const char *items, size_t count, bool downwards) \
	{ \
		return is_ordered(reader, items, count, downwards, size_, is_float_); \
	} \
	static void count_##name(const struct key_reader *reader, const char *items, size_t count, \
		const struct sort_digit *digit, size_t *counts) \
	{ \
		count_digits(reader, items, count, digit, counts, size_, is_float_); \
	} \
	static void scatter_##name(const struct key_reader *reader, const char *items, size_t count, \
		const struct sort_digit *digit, size_t *next, char *target) \
	{ \
		scatter(reader, items, count, digit, next, target, size_, is_float_); \
	} \
	static void sort_##name( \
		const struct key_reader *reader, char *source, char *target, char *room, size_t count) \
	{ \
		bucket_sort(reader, source, target, room, count, size_, is_float_); \
	} \
	static void reverse_##name(const char *items, size_t count, char *target) \
	{ \
		reverse(items, count, target, size_); \
	} \
	static const struct sort_kernel kernel_##name = { \
		.size = size_, \
		.range = range_##name, \
		.is_ordered = is_ordered_##name, \
		.count = count_##name, \
		.scatter = scatter_##name, \
		.sort = sort_##name, \
		.reverse = reverse_##name, \
	};

KERNEL(1, 1, false)
KERNEL(2, 2, false)
KERNEL(4, 4, false)
KERNEL(8, 8, false)
KERNEL(16, 16, false)
KERNEL(4f, 4, true)
KERNEL(8f, 8, true)
KERNEL(16f, 16, true)

const struct sort_kernel *sort_kernel(size_t size, bool is_float)
{
	switch (size) {
	case 1:
		return &kernel_1;
	case 2:
		return &kernel_2;
	case 4:
		return is_float ? &kernel_4f : &kernel_4;
	case 8:
		return is_float ? &kernel_8f : &kernel_8;
	case 16:
		return is_float ? &kernel_16f : &kernel_16;
	}
	return NULL;
}
