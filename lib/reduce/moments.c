/*
 * Mean and variance. Integers: sum and sum of squares as whole numbers, and one division at the end. Floats: each
 * block's mean and squared deviations, merged in the tree by the formulas of Chan, Golub and LeVeque (1979).
 */
#include "reduce/array.h"

#include "base/api.h"

#include <math.h>

/* An integer of 256 bits, not negative, the lowest word first. */
struct large {
	uint64_t word[4];
};

/* into += a * b * 2^(64 * word) */
static void large_add_product(struct large *into, uint64_t a, uint64_t b, int word)
{
	unsigned __int128 product = (unsigned __int128)a * b, carry = 0;
	const uint64_t parts[2] = { (uint64_t)product, (uint64_t)(product >> 64) };
	for (int i = word; i < 4; i++) {
		carry += (unsigned __int128)into->word[i] + (i - word < 2 ? parts[i - word] : 0);
		into->word[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

/* into -= from, which is not greater */
static void large_subtract(struct large *into, const struct large *from)
{
	unsigned borrow = 0;
	for (int i = 0; i < 4; i++) {
		unsigned __int128 difference = (unsigned __int128)into->word[i] - from->word[i] - borrow;
		into->word[i] = (uint64_t)difference;
		borrow = (unsigned)(difference >> 64) & 1;
	}
}

/* Rounded once: the top 64 bits, the last of which also stands for all below it. */
static double large_to_double(const struct large *large)
{
	int top = 3;
	while (top > 0 && !large->word[top])
		top--;
	if (!top)
		return (double)large->word[0];
	int shift = __builtin_clzll(large->word[top]);
	uint64_t high = large->word[top] << shift, rest = large->word[top - 1];
	if (shift) {
		high |= rest >> (64 - shift);
		rest <<= shift;
	}
	for (int i = 0; i < top - 1; i++)
		rest |= large->word[i];
	return ldexp((double)(high | (rest != 0)), 64 * top - shift);
}

struct whole_moments {
	struct wide sum, squares;
};

/* Bytes of a piece: what stays in the first cache between the two passes. */
enum { TWICE = 16384 };

static void fold_whole(const struct piece *piece, const void *extra, void *state)
{
	const struct moments_choice *choice = extra;
	struct whole_moments *moments = state;
	struct piece squares = *piece;
	squares.others = piece->items;
	choice->sum(piece, NULL, &moments->sum);
	choice->dot(&squares, NULL, &moments->squares);
}

static void combine_whole(void *into, const void *from)
{
	struct whole_moments *moments = into;
	const struct whole_moments *others = from;
	wide_add(&moments->sum, &others->sum);
	wide_add(&moments->squares, &others->squares);
}

/* count * the sum of squares - the square of the sum: count^2 times the variance, as a whole number. */
static double scaled_variance(const struct whole_moments *moments, uint64_t count)
{
	__int128 sum = wide_to_128(&moments->sum);
	unsigned __int128 magnitude = sum < 0 ? -(unsigned __int128)sum : (unsigned __int128)sum;
	uint64_t low = (uint64_t)magnitude, high = (uint64_t)(magnitude >> 64);
	struct large squares = { { 0 } }, square = { { 0 } };
	for (int i = 0; i < 3; i++)
		large_add_product(&squares, moments->squares.word[i], count, i);
	large_add_product(&square, low, low, 0);
	large_add_product(&square, low, high, 1);
	large_add_product(&square, high, low, 1);
	large_add_product(&square, high, high, 2);
	large_subtract(&squares, &square);
	return large_to_double(&squares);
}

static int moments_of_whole(struct kin_pool *pool, const struct kin_array *array, struct kin_moments *ret)
{
	const struct whole_kernels *kernels = whole_kernels_of(array->type);
	const struct reduction reduction = {
		.fold = fold_whole,
		.combine = combine_whole,
		.state_size = sizeof(struct whole_moments),
		.run = TWICE / type_size(array->type),
		.extra.moments = { kernels->sum, kernels->dot },
	};
	struct whole_moments moments;
	int failed = reduction_run(pool, &reduction, array, NULL, &moments);
	if (failed)
		return failed;
	double count = (double)array->count;
	double scaled = scaled_variance(&moments, array->count);
	ret->count = array->count;
	ret->mean = (double)wide_to_128(&moments.sum) / count;
	ret->squares = scaled / count;
	return 0;
}

static void combine_float(void *into, const void *from)
{
	struct float_moments *a = into;
	const struct float_moments *b = from;
	double count = a->count + b->count, distance = b->mean - a->mean;
	a->mean += distance * (b->count / count);
	a->squares += b->squares;
	a->squares += distance * distance * (a->count * (b->count / count));
	a->count = count;
}

static int moments_of_floats(struct kin_pool *pool, const struct kin_array *array, struct kin_moments *ret)
{
	const struct reduction reduction = {
		.fold = float_kernels_of(array->type)->moments,
		.combine = combine_float,
		.state_size = sizeof(struct float_moments),
		.is_tree = true,
	};
	struct float_moments moments;
	int failed = reduction_run(pool, &reduction, array, NULL, &moments);
	if (failed)
		return failed;
	ret->count = array->count;
	ret->mean = isnan(moments.mean) ? NAN : moments.mean;
	ret->squares = isnan(moments.squares) ? NAN : moments.squares;
	return 0;
}

KIN_API int kin_array_moments(
	struct kin_pool *pool, const struct kin_array *array, struct kin_moments *moments)
{
	struct kin_array checked;
	int failed = array_check(array, &checked);
	if (failed)
		return failed;
	struct kin_moments found = { .mean = NAN };
	if (checked.count)
		failed = type_is_float(checked.type) ? moments_of_floats(pool, &checked, &found)
						     : moments_of_whole(pool, &checked, &found);
	if (failed)
		return failed;
	double count = (double)checked.count;
	found.variance = checked.count ? found.squares / count : NAN;
	found.sample_variance = checked.count > 1 ? found.squares / (count - 1) : NAN;
	*moments = found;
	return 0;
}
