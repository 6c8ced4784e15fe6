/*
 * Running sums of floats, in the shape that kin/scan.h describes. The including file names the instruction set:
 * SCAN_ISA ends names, SCAN_TARGET goes before functions.
 *
 * A four of items is a vector; adding the vector moved up by one place, and the result moved up by two, gives its
 * sums. Compilers make of a vector what the machine has: one register, or two.
 */
#include "scan/kernel.h"

#include <string.h>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline)) SCAN_TARGET
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NAMED(name) JOIN(name, SCAN_ISA)

#define FOUR 4
#define EIGHT 8

typedef double four __attribute__((vector_size(FOUR * sizeof(double))));
typedef float four_floats __attribute__((vector_size(FOUR * sizeof(float))));

#if defined(__clang__) || __GNUC__ >= 12
#define PICK(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int64_t four_places __attribute__((vector_size(FOUR * sizeof(int64_t))));
#define PICK(a, b, i, j, k, l) __builtin_shuffle(a, b, (four_places){ i, j, k, l })
#endif

/* Vectors go by address: how they are passed depends on the instruction set. */
INLINE void load(four *numbers, const char *bytes, bool narrow)
{
	if (narrow) {
		four_floats floats;
		memcpy(&floats, bytes, sizeof floats);
		*numbers = __builtin_convertvector(floats, four);
	} else {
		memcpy(numbers, bytes, sizeof *numbers);
	}
}

INLINE void store(char *bytes, const four *numbers, bool narrow, bool stream)
{
	four_floats floats = { 0 };
	if (narrow)
		floats = __builtin_convertvector(*numbers, four_floats);
	const char *from = narrow ? (const char *)&floats : (const char *)numbers;
	const size_t size = narrow ? sizeof floats : sizeof *numbers;
#ifdef __x86_64__
	if (stream) {
		for (size_t i = 0; i < size; i += sizeof(__m128i))
			_mm_stream_si128((__m128i *)(void *)(bytes + i),
				_mm_loadu_si128((const __m128i *)(const void *)(from + i)));
		return;
	}
#endif
	memcpy(bytes, from, size);
}

/* The running sums within a four. */
INLINE void sums_of(four *sums)
{
	const four zero = { 0 };
	*sums += PICK(zero, *sums, 3, 4, 5, 6);
	*sums += PICK(zero, *sums, 2, 3, 4, 5);
}

/* The last items, fewer than eight. */
INLINE void load_rest(four *first, four *second, const char *bytes, size_t count, bool narrow)
{
	const size_t size = narrow ? sizeof(float) : sizeof(double);
	char rest[EIGHT * sizeof(double)] = { 0 };
	memcpy(rest, bytes, count * size);
	load(first, rest, narrow);
	load(second, rest + FOUR * size, narrow);
}

INLINE double sum_of(const four *first, const four *second)
{
	four pairs = PICK(*first, *second, 0, 4, 2, 6) + PICK(*first, *second, 1, 5, 3, 7);
	return (pairs[0] + pairs[2]) + (pairs[1] + pairs[3]);
}

INLINE double sum_floats(const char *items, size_t count, bool narrow)
{
	const size_t size = narrow ? sizeof(float) : sizeof(double);
	four first, second;
	double sum = 0;
	size_t i = 0;
	for (; i + EIGHT <= count; i += EIGHT) {
		load(&first, items + i * size, narrow);
		load(&second, items + (i + FOUR) * size, narrow);
		sum += sum_of(&first, &second);
	}
	if (i < count) {
		load_rest(&first, &second, items + i * size, count - i, narrow);
		sum += sum_of(&first, &second);
	}
	return sum;
}

/* From eight items to their results. carry: the sum of the eights before them in the chunk, in every place. */
INLINE void step(four *first, four *second, four *carry, const four *before, bool exclusive)
{
	const four zero = { 0 };
	four low = *first, high = *second;
	sums_of(&low);
	sums_of(&high);
	high += PICK(low, low, 3, 3, 3, 3);
	four total = PICK(high, high, 3, 3, 3, 3);
	if (exclusive) {
		high = PICK(low, high, 3, 4, 5, 6);
		low = PICK(zero, low, 3, 4, 5, 6);
	}
	*first = *before + (*carry + low);
	*second = *before + (*carry + high);
	*carry += total;
}

INLINE double scan_floats(
	const char *items, size_t count, char *sums, double before, bool narrow, bool exclusive, bool stream)
{
	const size_t size = narrow ? sizeof(float) : sizeof(double);
	const four all_before = { before, before, before, before };
	four carry = { 0 }, first, second;
	size_t i = 0;
	for (; i + EIGHT <= count; i += EIGHT) {
		load(&first, items + i * size, narrow);
		load(&second, items + (i + FOUR) * size, narrow);
		step(&first, &second, &carry, &all_before, exclusive);
		store(sums + i * size, &first, narrow, stream);
		store(sums + (i + FOUR) * size, &second, narrow, stream);
	}
	if (i < count) {
		char rest[EIGHT * sizeof(double)];
		load_rest(&first, &second, items + i * size, count - i, narrow);
		step(&first, &second, &carry, &all_before, exclusive);
		store(rest, &first, narrow, false);
		store(rest + FOUR * size, &second, narrow, false);
		memcpy(sums + i * size, rest, (count - i) * size);
	}
	return carry[0];
}

INLINE bool scan_any(const char *items, size_t count, char *sums, double before, struct scan_how how,
	union scan_sum *total, bool narrow)
{
	if (how.exclusive && how.stream)
		total->f = scan_floats(items, count, sums, before, narrow, true, true);
	else if (how.exclusive)
		total->f = scan_floats(items, count, sums, before, narrow, true, false);
	else if (how.stream)
		total->f = scan_floats(items, count, sums, before, narrow, false, true);
	else
		total->f = scan_floats(items, count, sums, before, narrow, false, false);
	return false;
}

static SCAN_TARGET union scan_sum sum_f32(const void *items, size_t count)
{
	return (union scan_sum){ .f = sum_floats(items, count, true) };
}

static SCAN_TARGET union scan_sum sum_f64(const void *items, size_t count)
{
	return (union scan_sum){ .f = sum_floats(items, count, false) };
}

static SCAN_TARGET bool scan_f32(const void *items, size_t count, void *sums, union scan_sum before,
	struct scan_how how, union scan_sum *total)
{
	return scan_any(items, count, sums, before.f, how, total, true);
}

static SCAN_TARGET bool scan_f64(const void *items, size_t count, void *sums, union scan_sum before,
	struct scan_how how, union scan_sum *total)
{
	return scan_any(items, count, sums, before.f, how, total, false);
}

const struct scan_kernel NAMED(scan_float_)[2] = {
	{ sizeof(float), sizeof(float), true, sum_f32, scan_f32 },
	{ sizeof(double), sizeof(double), true, sum_f64, scan_f64 },
};
