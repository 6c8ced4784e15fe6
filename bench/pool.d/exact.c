/*
 * exact.c: two published ways of summing f64 that do not depend on the order, written for this bench from the papers.
 *
 *	how=binned2, how=binned3: binned (indexed) sums of 2 and 3 folds: J. Demmel, H. D. Nguyen, "Parallel
 *	            Reproducible Summation", IEEE Trans. Computers 64(7), 2015, and P. Ahrens, H. D. Nguyen, J. Demmel,
 *	            "Efficient Reproducible Floating Point Summation and BLAS", EECS-2016-121 (ReproBLAS):
 *	            reproducible, but not exact
 *	how=binned2-ahead, how=binned3-ahead: the same, and the next block is fetched ahead while one is added,
 *	            which the papers do not speak of
 *	how=large: the large superaccumulator: R. M. Neal, "Fast exact summation using small and large
 *	            superaccumulators", arXiv 1505.05571: correctly rounded
 */
#include "bench.h"
#include "hot.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#if defined __AVX__
#include <immintrin.h>
#endif

#define CHUNK 65536 /* items that a worker claims */
#define MAX_WORKERS 16
#define MAX_FOLD 3

static struct hot hot;

/* --- binned sums --- */

#define BIN_WIDTH 40
#define LANE 4 /* doubles in a vector */
#define UNROLL 4
#define BLOCK 1024 /* items, which stay in the first cache between looking for the maximum and adding */

typedef double vector __attribute__((vector_size(8 * LANE)));
typedef long long mask __attribute__((vector_size(8 * LANE)));

/* Bin b takes what lies between 2^(unit(b) - 1) and 2^(unit(b) + BIN_WIDTH); it counts in units of 2^unit(b). */
static int bin_unit(int bin)
{
	return bin * BIN_WIDTH;
}

/* The bin whose slices can hold all numbers below 2^exponent. */
static int bin_of(int exponent)
{
	int above = exponent - BIN_WIDTH;
	return above >= 0 ? (above + BIN_WIDTH - 1) / BIN_WIDTH : -(-above / BIN_WIDTH);
}

/*
 * Accumulators are floating-point numbers that stay near 1.5 * 2^(unit + 52), so that their last bit is one
 * unit; each
 * lane has its own, and after at most 2^11 additions what they hold is carried to an integer.
 */
struct binned {
	_Alignas(64) int top; /* bin of fold 0 */
	bool begun;
	unsigned used; /* additions in a lane since the last carry */
	__int128 carried[MAX_FOLD];
	vector sums[MAX_FOLD][UNROLL], bases[MAX_FOLD];
};

static void binned_open(struct binned *sum, int fold)
{
	for (int f = 0; f < fold; f++) {
		double base = ldexp(1.5, bin_unit(sum->top - f) + 52);
		sum->bases[f] = (vector){ base, base, base, base };
		for (int k = 0; k < UNROLL; k++)
			sum->sums[f][k] = sum->bases[f];
	}
}

static void binned_carry(struct binned *sum, int fold)
{
	for (int f = 0; f < fold; f++)
		for (int k = 0; k < UNROLL; k++) {
			mask units = (mask)sum->sums[f][k] - (mask)sum->bases[f];
			for (int lane = 0; lane < LANE; lane++)
				sum->carried[f] += units[lane];
			sum->sums[f][k] = sum->bases[f];
		}
	sum->used = 0;
}

/*
 * A higher top: folds move down, and the lowest fall out. That they do so for every order makes the sum
 * reproducible.
 */
static void binned_raise(struct binned *sum, int fold, int top)
{
	if (!sum->begun) {
		sum->begun = true;
		sum->top = top;
		binned_open(sum, fold);
		return;
	}
	if (top <= sum->top)
		return;
	binned_carry(sum, fold);
	for (int shift = top - sum->top; shift > 0; shift--) {
		for (int f = fold - 1; f > 0; f--)
			sum->carried[f] = sum->carried[f - 1];
		sum->carried[0] = 0;
	}
	sum->top = top;
	binned_open(sum, fold);
}

static vector vector_abs(vector items)
{
	return (vector)((mask)items & 0x7fffffffffffffff);
}

static vector vector_max(vector a, vector b)
{
#if defined __AVX__
	return (vector)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
	mask greater = a > b;
	return (vector)(((mask)a & greater) | ((mask)b & ~greater));
#endif
}

static double largest(const double *items, size_t count)
{
	vector most[UNROLL] = { { 0 } };
	size_t i = 0;
	for (; i + UNROLL * LANE <= count; i += UNROLL * LANE)
		for (int k = 0; k < UNROLL; k++)
			most[k] = vector_max(vector_abs(*(const vector *)(items + i + k * LANE)), most[k]);
	double result = 0;
	for (int k = 0; k < UNROLL; k++)
		for (int lane = 0; lane < LANE; lane++)
			result = most[k][lane] > result ? most[k][lane] : result;
	for (; i < count; i++)
		result = fabs(items[i]) > result ? fabs(items[i]) : result;
	return result;
}

/*
 * One slice of each item goes to each fold; what is left goes to the next. The last bit of what is added is set, so
 * that no addition is a tie, whose rounding would depend on what had been added before.
 */
static inline __attribute__((always_inline)) void deposit(
	vector sums[MAX_FOLD][UNROLL], vector item, int k, int fold)
{
	for (int f = 0; f < fold - 1; f++) {
		vector before = sums[f][k];
		sums[f][k] = before + (vector)((mask)item | 1);
		item += before - sums[f][k];
	}
	sums[fold - 1][k] += (vector)((mask)item | 1);
}

static inline __attribute__((always_inline)) void deposit_block(
	struct binned *sum, const double *items, size_t count, int fold, bool ahead)
{
	vector sums[MAX_FOLD][UNROLL];
	for (int f = 0; f < fold; f++)
		for (int k = 0; k < UNROLL; k++)
			sums[f][k] = sum->sums[f][k];
	size_t i = 0;
	for (; i + UNROLL * LANE <= count; i += UNROLL * LANE) {
		for (int k = 0; ahead && k < UNROLL; k += 2)
			__builtin_prefetch(items + i + BLOCK + k * LANE);
		for (int k = 0; k < UNROLL; k++)
			deposit(sums, *(const vector *)(items + i + k * LANE), k, fold);
	}
	for (; i < count; i++)
		deposit(sums, (vector){ items[i] }, 0, fold);
	for (int f = 0; f < fold; f++)
		for (int k = 0; k < UNROLL; k++)
			sum->sums[f][k] = sums[f][k];
}

static inline __attribute__((always_inline)) void binned_add(
	struct binned *sum, const double *items, size_t count, int fold, bool ahead)
{
	for (size_t i = 0; i < count; i += BLOCK) {
		size_t length = count - i < BLOCK ? count - i : BLOCK;
		double most = largest(items + i, length);
		if (most > 0)
			binned_raise(sum, fold, bin_of(ilogb(most) + 1));
		if (!sum->begun)
			continue;
		deposit_block(sum, items + i, length, fold, ahead);
		sum->used += BLOCK / (LANE * UNROLL) + LANE * UNROLL;
		if (sum->used > 2048 - BLOCK / (LANE * UNROLL) - LANE * UNROLL)
			binned_carry(sum, fold);
	}
}

static double binned_result(struct binned *sums, size_t workers, int fold)
{
	int top = -10000;
	for (size_t w = 0; w < workers; w++)
		if (sums[w].begun && sums[w].top > top)
			top = sums[w].top;
	double result = 0;
	__int128 total[MAX_FOLD] = { 0 };
	for (size_t w = 0; w < workers; w++) {
		if (!sums[w].begun)
			continue;
		binned_raise(&sums[w], fold, top);
		binned_carry(&sums[w], fold);
		for (int f = 0; f < fold; f++)
			total[f] += sums[w].carried[f];
	}
	for (int f = fold - 1; f >= 0; f--)
		result += ldexp((double)total[f], bin_unit(top - f));
	return result;
}

static struct binned binned[MAX_WORKERS];

static inline __attribute__((always_inline)) void binned_chunk(
	const struct bench *bench, size_t worker, size_t chunk, int fold, bool ahead)
{
	const double *items = (double *)bench->items + bench->begin;
	size_t begin = chunk * CHUNK, left = bench->window - begin;
	binned_add(&binned[worker], items + begin, left < CHUNK ? left : CHUNK, fold, ahead);
}

static void binned2_chunk(void *data, size_t worker, size_t chunk)
{
	binned_chunk(data, worker, chunk, 2, false);
}

static void binned3_chunk(void *data, size_t worker, size_t chunk)
{
	binned_chunk(data, worker, chunk, 3, false);
}

static void binned2_ahead_chunk(void *data, size_t worker, size_t chunk)
{
	binned_chunk(data, worker, chunk, 2, true);
}

static void binned3_ahead_chunk(void *data, size_t worker, size_t chunk)
{
	binned_chunk(data, worker, chunk, 3, true);
}

static size_t chunks_of(const struct bench *bench)
{
	return (bench->window + CHUNK - 1) / CHUNK;
}

static void binned_call(struct bench *bench)
{
	static hot_run_fn *const chunks[2][2] = {
		{ binned2_chunk, binned2_ahead_chunk },
		{ binned3_chunk, binned3_ahead_chunk },
	};
	int fold = bench->how[strlen("binned")] - '0';
	memset(binned, 0, sizeof binned);
	hot_run(&hot, chunks_of(bench), chunks[fold - 2][strstr(bench->how, "ahead") != NULL], bench);
	double sum = binned_result(binned, bench->workers, fold);
	memcpy(&bench->result, &sum, sizeof sum);
}

/* --- the large superaccumulator --- */

#define WORDS 36 /* of 64 bits, two's complement, in units of 2^-1074 */
#define MOST_ADDED 4096

/* One sum for each sign and exponent, of the bits of the numbers as they are; and how many more it may take. */
struct large {
	_Alignas(64) uint64_t sums[4096];
	int16_t left[4096];
	uint64_t total[WORDS];
};

static struct large large[MAX_WORKERS];

static void total_add(uint64_t *total, unsigned __int128 number, unsigned shift, bool negative)
{
	uint64_t parts[3];
	unsigned bits = shift % 64;
	parts[0] = (uint64_t)(number << bits);
	parts[1] = (uint64_t)((number << bits) >> 64);
	parts[2] = bits ? (uint64_t)(number >> 64) >> (64 - bits) : 0;
	uint64_t carry = 0;
	for (size_t i = shift / 64, k = 0; i < WORDS && (k < 3 || carry); i++, k++) {
		uint64_t part = k < 3 ? parts[k] : 0;
		uint64_t before = total[i];
		if (negative) {
			uint64_t middle = before - part;
			total[i] = middle - carry;
			carry = (before < part) | (middle < carry);
		} else {
			uint64_t middle = before + part;
			total[i] = middle + carry;
			carry = (middle < before) | (total[i] < middle);
		}
	}
}

static __attribute__((noinline)) void large_flush(struct large *sum, size_t index)
{
	uint64_t added = MOST_ADDED - (uint64_t)sum->left[index];
	uint64_t exponent = index & 0x7ff;
	/*
	 * bits of exponent and sign were added as well, `added` times each; what is left is the sum of the fractions
	 */
	unsigned __int128 fractions = sum->sums[index] - ((added * index) << 52);
	if (exponent)
		fractions += (unsigned __int128)added << 52;
	total_add(sum->total, fractions, exponent ? (unsigned)exponent - 1 : 0, index >> 11);
	sum->sums[index] = 0;
	sum->left[index] = MOST_ADDED;
}

static inline void large_add_one(struct large *sum, double item)
{
	uint64_t bits;
	memcpy(&bits, &item, sizeof bits);
	size_t index = bits >> 52;
	if (__builtin_expect(sum->left[index] == 0, 0))
		large_flush(sum, index);
	sum->left[index]--;
	sum->sums[index] += bits;
}

static void large_chunk(void *data, size_t worker, size_t chunk)
{
	const struct bench *bench = data;
	size_t begin = chunk * CHUNK, left = bench->window - begin, count = left < CHUNK ? left : CHUNK;
	const double *items = (double *)bench->items + bench->begin + begin;
	size_t i = 0;
	for (; i + 4 <= count; i += 4)
		for (size_t k = 0; k < 4; k++)
			large_add_one(&large[worker], items[i + k]);
	for (; i < count; i++)
		large_add_one(&large[worker], items[i]);
}

/* Round a total to the nearest double, once; ties to even. */
static double total_round(uint64_t *total)
{
	bool negative = total[WORDS - 1] >> 63;
	for (size_t i = 0, carry = 1; negative && i < WORDS; i++) {
		total[i] = ~total[i] + carry;
		carry = carry && !total[i];
	}
	int top = WORDS - 1;
	while (top > 0 && !total[top])
		top--;
	if (!total[top])
		return 0;
	int highest = top * 64 + 63 - __builtin_clzll(total[top]);
	int lowest = highest > 52 ? highest - 52 : 0;
	uint64_t kept = total[lowest / 64] >> (lowest % 64);
	if (lowest % 64 && lowest / 64 + 1 < WORDS)
		kept |= total[lowest / 64 + 1] << (64 - lowest % 64);
	kept &= (1ULL << 53) - 1;
	if (lowest) {
		int half = lowest - 1;
		bool above = total[half / 64] >> (half % 64) & 1,
		     rest = total[half / 64] & ((1ULL << (half % 64)) - 1);
		for (int i = 0; i < half / 64; i++)
			rest |= total[i] != 0;
		kept += above && (rest || (kept & 1));
	}
	double result = ldexp((double)kept, lowest - 1074);
	return negative ? -result : result;
}

static void large_call(struct bench *bench)
{
	for (size_t w = 0; w < bench->workers; w++) {
		memset(&large[w], 0, sizeof large[w]);
		for (size_t i = 0; i < 4096; i++)
			large[w].left[i] = MOST_ADDED;
	}
	hot_run(&hot, chunks_of(bench), large_chunk, bench);
	uint64_t total[WORDS] = { 0 };
	for (size_t w = 0; w < bench->workers; w++) {
		for (size_t i = 0; i < 4096; i++)
			if (large[w].left[i] != MOST_ADDED)
				large_flush(&large[w], i);
		for (size_t i = 0, carry = 0; i < WORDS; i++) {
			unsigned __int128 word = (unsigned __int128)total[i] + large[w].total[i] + carry;
			total[i] = (uint64_t)word;
			carry = (size_t)(word >> 64);
		}
	}
	double sum = total_round(total);
	memcpy(&bench->result, &sum, sizeof sum);
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	hot.workers = bench.workers;
	if (bench.workers > MAX_WORKERS || strcmp(bench.type, "f64") != 0)
		bench_unknown(&bench);
	bench_data(&bench);
	bench_serve(&bench, NULL, strcmp(bench.how, "large") == 0 ? large_call : binned_call, NULL);
	return 0;
}
