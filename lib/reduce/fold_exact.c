/*
 * Blocks of floats cut into slices, each a whole number of units that all items of the block share, so that they
 * add up as integers.
 *
 * With M = 1.5 * 2^(u + 52), t = x + M is rounded to a multiple of 2^u, and its bits are those of M plus that
 * multiple, as integers: one addition, and one of integers. t - M and x - (t - M) are exact (Dekker 1971, Knuth
 * 1969), so the rest goes to the next slice. That holds for |x| < 2^(u + 51), and where it does not t leaves the
 * exponent of M, which is seen by or-ing what differs; so are infinities and NaN.
 */
#include "reduce/kernels.h"

#include <string.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define INLINE static inline __attribute__((always_inline))

enum { PER_VECTOR = VECTOR / 8, CHAINS = 4, ROW = CHAINS * PER_VECTOR };

typedef double lanes_v __attribute__((vector_size(VECTOR)));
typedef float narrow_v __attribute__((vector_size(VECTOR / 2)));
typedef uint64_t bits_v __attribute__((vector_size(VECTOR)));

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

struct slicer {
	lanes_v shift[MOST_SLICES];
	bits_v sums[MOST_SLICES];
	bits_v left, high;
};

/* 1.5 * 2^(unit + 52) */
INLINE uint64_t shift_bits(int unit)
{
	return (uint64_t)(unit + 52 + 1023) << 52 | (uint64_t)1 << 51;
}

INLINE void cut(struct slicer *slicer, lanes_v v, int slices)
{
	for (int s = 0; s < slices; s++) {
		lanes_v t = v + slicer->shift[s];
		slicer->sums[s] += (bits_v)t;
		if (s == 0)
			slicer->high |= (bits_v)t ^ (bits_v)slicer->shift[0];
		v -= t - slicer->shift[s];
	}
	slicer->left |= (bits_v)v;
}

INLINE enum slices_result cut_all(
	const struct piece *piece, int bound, int64_t sums[MOST_SLICES], int slices, bool narrow)
{
	struct slicer slicer;
	slicer.left = slicer.high = (bits_v){ 0 };
	for (int s = 0; s < slices; s++) {
		bits_v bits = (bits_v){ 0 } + shift_bits(slices_unit(bound, s));
		slicer.shift[s] = (lanes_v)bits;
		slicer.sums[s] = (bits_v){ 0 };
	}
	size_t i = 0;
	for (; i + ROW <= piece->count; i += ROW) {
		read_ahead(
			(const char *)piece->items + i * (narrow ? 4 : 8), ROW * (narrow ? 4 : 8), FAR_AHEAD);
		for (int c = 0; c < CHAINS; c++)
			cut(&slicer, load(piece->items, i + c * PER_VECTOR, narrow), slices);
	}
	if (i < piece->count) {
		double rest[ROW] = { 0 };
		for (size_t k = i; k < piece->count; k++)
			rest[k - i] = item(piece->items, k, narrow);
		for (int c = 0; c < CHAINS; c++)
			cut(&slicer, load(rest, c * PER_VECTOR, false), slices);
		i += ROW;
	}
	uint64_t left = 0, high = 0;
	for (int e = 0; e < PER_VECTOR; e++) {
		left |= slicer.left[e];
		high |= slicer.high[e];
	}
	if (high >> 52)
		return SLICES_HIGH;
	if (left << 1)
		return SLICES_LEFT;
	for (int s = 0; s < slices; s++) {
		uint64_t sum = 0;
		for (int e = 0; e < PER_VECTOR; e++)
			sum += slicer.sums[s][e];
		sums[s] = (int64_t)(sum - i * shift_bits(slices_unit(bound, s)));
	}
	return SLICES_DONE;
}

/* Magnitudes of floats are ordered as their bits are. */
static int bound_f64(const struct piece *piece)
{
	const double *items = piece->items;
	uint64_t most = 0;
	for (size_t i = 0; i < piece->count; i++) {
		uint64_t bits;
		memcpy(&bits, &items[i], sizeof bits);
		bits <<= 1;
		most = bits > most ? bits : most;
	}
	return (int)(most >> 53) - 1022;
}

static int bound_f32(const struct piece *piece)
{
	const float *items = piece->items;
	uint32_t most = 0;
	for (size_t i = 0; i < piece->count; i++) {
		uint32_t bits;
		memcpy(&bits, &items[i], sizeof bits);
		bits <<= 1;
		most = bits > most ? bits : most;
	}
	int exponent = (int)(most >> 24);
	return exponent == 255 ? 1025 : exponent - 126;
}

#define DEFINE(type, narrow, slices) \
	static enum slices_result cut_##type##_##slices( \
		const struct piece *piece, int bound, int64_t sums[MOST_SLICES]) \
	{ \
		return cut_all(piece, bound, sums, slices, narrow); \
	}
DEFINE(f32, true, 1)
DEFINE(f32, true, 2)
DEFINE(f32, true, 3)
DEFINE(f64, false, 1)
DEFINE(f64, false, 2)
DEFINE(f64, false, 3)

extern const struct exact_kernels PASTE(exact_kernels_, KERNEL_ISA)[2];
const struct exact_kernels PASTE(exact_kernels_, KERNEL_ISA)[2] = {
	{ { NULL, cut_f32_1, cut_f32_2, cut_f32_3 }, bound_f32 },
	{ { NULL, cut_f64_1, cut_f64_2, cut_f64_3 }, bound_f64 },
};
