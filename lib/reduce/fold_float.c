/*
 * Loops over floats, f32 and f64. All work is done in double, in which an f32 and the product of two are exact. The
 * order of additions is the same for any size of vector: see kernels.h.
 */
#include "reduce/kernels.h"

#include <math.h>
#include <string.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

/* Forced in line, so that `narrow` (the items are f32) is a constant in each kernel. */
#define INLINE static inline __attribute__((always_inline))

enum { PER_VECTOR = VECTOR / 8, VECTORS = LANES / PER_VECTOR };

typedef double lanes_v __attribute__((vector_size(VECTOR)));
typedef float narrow_v __attribute__((vector_size(VECTOR / 2)));
typedef int64_t mask_v __attribute__((vector_size(VECTOR)));

struct row {
	lanes_v v[VECTORS];
};

/*
 * One by one: gcc makes string instructions of an initializer of the whole, which cost as much as some hundred
 * items.
 */
INLINE void fill_row(struct row *row, double number)
{
	for (int k = 0; k < VECTORS; k++)
		row->v[k] = (lanes_v){ 0 } + number;
}

INLINE lanes_v load(const void *items, size_t at, bool narrow)
{
	lanes_v v;
	if (narrow) {
		narrow_v n;
		memcpy(&n, (const float *)items + at, sizeof n);
		v = __builtin_convertvector(n, lanes_v);
	} else {
		memcpy(&v, (const double *)items + at, sizeof v);
	}
	return v;
}

INLINE double item(const void *items, size_t at, bool narrow)
{
	return narrow ? (double)((const float *)items)[at] : ((const double *)items)[at];
}

/* The last items of a piece, fewer than LANES, as a whole row. */
static void fill_rest(
	double rest[LANES], const void *items, size_t at, size_t count, bool narrow, double filler)
{
	for (size_t i = 0; i < LANES; i++)
		rest[i] = at + i < count ? item(items, at + i, narrow) : filler;
}

/* Fold lanes in halves: 16 onto 16, 8 onto 8 and so on. */
#define FOLD(row, operation) \
	do { \
		for (int half = VECTORS / 2; half > 0; half /= 2) \
			for (int k = 0; k < half; k++) \
				(row)->v[k] operation(row)->v[k + half]; \
		memcpy(lane, &(row)->v[0], sizeof lane); \
		for (int half = PER_VECTOR / 2; half > 0; half /= 2) \
			for (int k = 0; k < half; k++) \
				lane[k] operation lane[k + half]; \
	} while (0)

INLINE double fold_sum(struct row *row)
{
	double lane[PER_VECTOR];
	FOLD(row, +=);
	return lane[0];
}

INLINE double fold_product(struct row *row)
{
	double lane[PER_VECTOR];
	FOLD(row, *=);
	return lane[0];
}

INLINE double sum(const struct piece *piece, bool narrow)
{
	struct row sums;
	fill_row(&sums, 0);
	size_t i = 0;
	for (; i + LANES <= piece->count; i += LANES) {
		if (narrow) // two additions for each load; for doubles it is slower with this than without
			read_ahead((const float *)piece->items + i, LANES * sizeof(float), AHEAD);
		for (int k = 0; k < VECTORS; k++)
			sums.v[k] += load(piece->items, i + k * PER_VECTOR, narrow);
	}
	if (i < piece->count) {
		double rest[LANES];
		fill_rest(rest, piece->items, i, piece->count, narrow, 0);
		for (int k = 0; k < VECTORS; k++)
			sums.v[k] += load(rest, k * PER_VECTOR, false);
	}
	return fold_sum(&sums);
}

INLINE double dot(const struct piece *piece, bool narrow)
{
	struct row sums;
	fill_row(&sums, 0);
	size_t i = 0;
	for (; i + LANES <= piece->count; i += LANES)
		for (int k = 0; k < VECTORS; k++)
			sums.v[k] += load(piece->items, i + k * PER_VECTOR, narrow) *
				     load(piece->others, i + k * PER_VECTOR, narrow);
	if (i < piece->count) {
		double a[LANES], b[LANES];
		fill_rest(a, piece->items, i, piece->count, narrow, 0);
		fill_rest(b, piece->others, i, piece->count, narrow, 0);
		for (int k = 0; k < VECTORS; k++)
			sums.v[k] += load(a, k * PER_VECTOR, false) * load(b, k * PER_VECTOR, false);
	}
	return fold_sum(&sums);
}

INLINE double product(const struct piece *piece, bool narrow)
{
	struct row products;
	fill_row(&products, 1);
	size_t i = 0;
	for (; i + LANES <= piece->count; i += LANES)
		for (int k = 0; k < VECTORS; k++)
			products.v[k] *= load(piece->items, i + k * PER_VECTOR, narrow);
	if (i < piece->count) {
		double rest[LANES];
		fill_rest(rest, piece->items, i, piece->count, narrow, 1);
		for (int k = 0; k < VECTORS; k++)
			products.v[k] *= load(rest, k * PER_VECTOR, false);
	}
	return fold_product(&products);
}

INLINE void add_deviations(
	const void *items, size_t at, bool narrow, double mean, struct row *first, struct row *second)
{
	for (int k = 0; k < VECTORS; k++) {
		lanes_v deviation = load(items, at + k * PER_VECTOR, narrow) - mean;
		first->v[k] += deviation;
		second->v[k] += deviation * deviation;
	}
}

/*
 * A block is in the first cache, so it is read twice: first for its mean, then for deviations from it. The second sum
 * takes off what the rounded mean adds (Chan, Golub and LeVeque's corrected two-pass algorithm).
 */
INLINE struct float_moments moments(const struct piece *piece, bool narrow)
{
	double count = (double)piece->count;
	double mean = sum(piece, narrow) / count;
	struct row first, second;
	fill_row(&first, 0);
	fill_row(&second, 0);
	size_t i = 0;
	for (; i + LANES <= piece->count; i += LANES)
		add_deviations(piece->items, i, narrow, mean, &first, &second);
	if (i < piece->count) {
		double rest[LANES];
		fill_rest(rest, piece->items, i, piece->count, narrow, mean);
		add_deviations(rest, 0, false, mean, &first, &second);
	}
	double left = fold_sum(&first);
	double squares = fold_sum(&second) - left * left / count;
	return (struct float_moments){ .count = count, .mean = mean, .squares = squares < 0 ? 0 : squares };
}

/* Where a is all ones b, else c. */
INLINE lanes_v choose(mask_v a, lanes_v b, lanes_v c)
{
	return (lanes_v)((a & (mask_v)b) | (~a & (mask_v)c));
}

/* The least item of a block by <, which passes over NaN and does not tell the zeros apart; whether there is a NaN. */
INLINE bool least_of(const void *items, size_t count, bool narrow, bool greatest, double *ret_best)
{
	double best = greatest ? -INFINITY : INFINITY;
	enum { CHAINS = 4 };
	lanes_v bests[CHAINS];
	mask_v numbers = ~(mask_v){ 0 };
	for (int c = 0; c < CHAINS; c++)
		bests[c] = (lanes_v){ 0 } + best;
	size_t i = 0;
	for (; i + CHAINS * PER_VECTOR <= count; i += CHAINS * PER_VECTOR) {
		size_t size = narrow ? sizeof(float) : sizeof(double);
		read_ahead((const char *)items + i * size, CHAINS * PER_VECTOR * size, AHEAD);
		for (int c = 0; c < CHAINS; c++) {
			lanes_v v = load(items, i + c * PER_VECTOR, narrow);
			numbers &= v == v;
			bests[c] = choose(greatest ? v > bests[c] : v < bests[c], v, bests[c]);
		}
	}
	bool nan = false;
	for (int e = 0; e < PER_VECTOR; e++) {
		nan |= !numbers[e];
		for (int c = 0; c < CHAINS; c++)
			best = (greatest ? bests[c][e] > best : bests[c][e] < best) ? bests[c][e] : best;
	}
	for (; i < count; i++) {
		double v = item(items, i, narrow);
		nan |= v != v;
		best = (greatest ? v > best : v < best) ? v : best;
	}
	*ret_best = best;
	return nan;
}

/* Which zero is the better one. */
INLINE bool is_best_zero(double zero, bool greatest)
{
	return (signbit(zero) == 0) == greatest;
}

/* The first NaN; or the first item that equals best, a zero of the better sign before one of the other. */
INLINE size_t find(const void *items, size_t count, bool narrow, bool greatest, bool nan, double *best)
{
	size_t found = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		double v = item(items, i, narrow);
		if (nan ? v == v : v != *best)
			continue;
		if (nan || v != 0 || is_best_zero(v, greatest)) {
			*best = nan ? NAN : v;
			return i;
		}
		if (found == SIZE_MAX) {
			*best = v;
			found = i;
		}
	}
	return found;
}

INLINE void least(const struct piece *piece, bool narrow, bool greatest, struct kin_extreme *state)
{
	const char *items = piece->items;
	for (size_t begin = 0; begin < piece->count; begin += BLOCK) {
		if (state->index != SIZE_MAX && isnan(state->value.f))
			return;
		size_t count = piece->count - begin < BLOCK ? piece->count - begin : BLOCK;
		const void *block = items + begin * (narrow ? sizeof(float) : sizeof(double));
		double best, before = state->value.f;
		bool nan = least_of(block, count, narrow, greatest, &best);
		if (!nan && state->index != SIZE_MAX) {
			if (greatest ? best < before : best > before)
				continue;
			/* Only between zeros can an equal one be better. */
			if (best == before && (best != 0 || is_best_zero(before, greatest)))
				continue;
		}
		size_t found = find(block, count, narrow, greatest, nan, &best);
		if (state->index != SIZE_MAX && best == before && !is_best_zero(best, greatest))
			continue;
		state->value.f = best;
		state->index = piece->begin + begin + found;
	}
}

INLINE mask_v compare(lanes_v v, double number, enum count_kind kind)
{
	switch (kind) {
	case COUNT_LESS:
		return v < number;
	case COUNT_LESS_EQUAL:
		return v <= number;
	case COUNT_EQUAL:
		return v == number;
	case COUNT_GREATER:
		return v > number;
	default:
		return v >= number;
	}
}

INLINE bool compare_one(double v, double number, enum count_kind kind)
{
	return kind == COUNT_LESS         ? v < number
	       : kind == COUNT_LESS_EQUAL ? v <= number
	       : kind == COUNT_EQUAL      ? v == number
	       : kind == COUNT_GREATER    ? v > number
					  : v >= number;
}

INLINE uint64_t count_kind(const struct piece *piece, bool narrow, double number, enum count_kind kind)
{
	mask_v counts[2] = { 0 };
	size_t i = 0;
	for (; i + 2 * PER_VECTOR <= piece->count; i += 2 * PER_VECTOR)
		for (int k = 0; k < 2; k++)
			counts[k] -= compare(load(piece->items, i + k * PER_VECTOR, narrow), number, kind);
	uint64_t count = 0;
	for (int e = 0; e < PER_VECTOR; e++)
		count += (uint64_t)(counts[0][e] + counts[1][e]);
	for (; i < piece->count; i++)
		count += compare_one(item(piece->items, i, narrow), number, kind);
	return count;
}

INLINE uint64_t count(const struct piece *piece, bool narrow, const struct count_test *test)
{
	switch (test->kind) {
	case COUNT_LESS:
		return count_kind(piece, narrow, test->number.f, COUNT_LESS);
	case COUNT_LESS_EQUAL:
		return count_kind(piece, narrow, test->number.f, COUNT_LESS_EQUAL);
	case COUNT_EQUAL:
		return count_kind(piece, narrow, test->number.f, COUNT_EQUAL);
	case COUNT_GREATER:
		return count_kind(piece, narrow, test->number.f, COUNT_GREATER);
	default:
		return count_kind(piece, narrow, test->number.f, COUNT_GREATER_EQUAL);
	}
}

#define DEFINE(type, narrow) \
	static void sum_##type(const struct piece *piece, const void *extra, void *state) \
	{ \
		*(double *)state = sum(piece, narrow); \
	} \
	static void dot_##type(const struct piece *piece, const void *extra, void *state) \
	{ \
		*(double *)state = dot(piece, narrow); \
	} \
	static void product_##type(const struct piece *piece, const void *extra, void *state) \
	{ \
		*(double *)state = product(piece, narrow); \
	} \
	static void moments_##type(const struct piece *piece, const void *extra, void *state) \
	{ \
		*(struct float_moments *)state = moments(piece, narrow); \
	} \
	static void least_##type(const struct piece *piece, const void *extra, void *state) \
	{ \
		least(piece, narrow, false, state); \
	} \
	static void greatest_##type(const struct piece *piece, const void *extra, void *state) \
	{ \
		least(piece, narrow, true, state); \
	} \
	static void count_##type(const struct piece *piece, const void *extra, void *state) \
	{ \
		*(uint64_t *)state += count(piece, narrow, extra); \
	}
DEFINE(f32, true)
DEFINE(f64, false)

#define KERNELS(type) \
	{ \
		sum_##type, dot_##type, product_##type, moments_##type, least_##type, greatest_##type, \
			count_##type \
	}
extern const struct float_kernels PASTE(float_kernels_, KERNEL_ISA)[2];
const struct float_kernels PASTE(float_kernels_, KERNEL_ISA)[2] = { KERNELS(f32), KERNELS(f64) };
