/*
 * The correctly rounded sum of floats. All of them are added up as one integer, in units of 2^-1088, wide enough
 * for any sum of doubles (a superaccumulator: Neal, "Fast exact summation using small and large superaccumulators",
 * 2015), which is rounded once. Most blocks reach it as a few integers (fold_exact.c), the others item by item.
 */
#include "reduce/array.h"

#include "base/api.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/*
 * Digits of 32 bits in words of 64, so that carries can wait. The lowest unit is a multiple of a digit below the
 * smallest float, 2^-1074; the highest digits hold 2^63 times the largest one.
 */
enum { DIGITS = 70, LOWEST = -1088 };

/* Carries wait for so many additions at most; each adds less than 2^32 to a digit. */
enum { MOST_ADDITIONS = 1 << 30 };

struct exact {
	int64_t digit[DIGITS];
	uint32_t additions; // since the last carry
	bool nan, plus, minus; // infinities
	/* How the chunk's blocks are cut; see cut_block. */
	bool is_begun;
	unsigned char slices, failures, skip, since_reset;
	short bound;
};

/* All digits but the last become 0 to 2^32 - 1. */
static void carry(struct exact *exact)
{
	int64_t rest = 0;
	for (int i = 0; i < DIGITS - 1; i++) {
		rest += exact->digit[i];
		exact->digit[i] = rest & 0xffffffff;
		rest >>= 32;
	}
	exact->digit[DIGITS - 1] += rest;
	exact->additions = 0;
}

/* += number * 2^exponent */
static void add(struct exact *exact, int64_t number, int exponent)
{
	int digit = (exponent - LOWEST) / 32, shift = (exponent - LOWEST) % 32;
	unsigned __int128 bits = (unsigned __int128)(__int128)number << shift;
	exact->digit[digit] += (int64_t)(bits & 0xffffffff);
	exact->digit[digit + 1] += (int64_t)(bits >> 32 & 0xffffffff);
	exact->digit[digit + 2] += (int64_t)(bits >> 64);
	if (++exact->additions == MOST_ADDITIONS)
		carry(exact);
}

static void add_double(struct exact *exact, double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	int exponent = (int)(bits >> 52 & 0x7ff);
	int64_t mantissa = (int64_t)(bits & (((uint64_t)1 << 52) - 1));
	if (exponent == 0x7ff) {
		exact->nan |= mantissa != 0;
		exact->plus |= number > 0;
		exact->minus |= number < 0;
		return;
	}
	if (exponent)
		mantissa |= (int64_t)1 << 52;
	else
		exponent = 1;
	add(exact, number < 0 ? -mantissa : mantissa, exponent - 1075);
}

static void add_one_by_one(struct exact *exact, const struct piece *piece, bool narrow)
{
	const float *floats = piece->items;
	const double *doubles = piece->items;
	for (size_t i = 0; i < piece->count; i++)
		add_double(exact, narrow ? (double)floats[i] : doubles[i]);
}

static int clamp(int number, int least, int most)
{
	return number < least ? least : number > most ? most : number;
}

/* A bound for blocks that begin like this one; one more than the least, so that rounding up does not reach it. */
static void guess(struct exact *exact, const struct exact_choice *choice, const struct piece *piece)
{
	int bound = choice->kernels->bound(piece) + 1;
	exact->bound = (short)clamp(bound, SLICES_LEAST_BOUND(MOST_SLICES), SLICES_MOST_BOUND);
}

/*
 * Cut a block by the bound and the number of slices of the one before; both are mended where it does not fit.
 * False: it cannot be cut, because an item is too large or no number, or its items are too far apart.
 */
static bool cut_block(struct exact *exact, const struct exact_choice *choice, const struct piece *piece)
{
	int64_t sums[MOST_SLICES];
	bool is_mended = false;
	while (exact->slices <= MOST_SLICES) {
		enum slices_result result = choice->kernels->slices[exact->slices](piece, exact->bound, sums);
		if (result == SLICES_DONE) {
			for (int s = 0; s < exact->slices; s++)
				add(exact, sums[s], slices_unit(exact->bound, s));
			return true;
		}
		if (!is_mended) {
			short before = exact->bound;
			guess(exact, choice, piece);
			is_mended = true;
			if (result == SLICES_HIGH || exact->bound < before)
				continue;
		}
		if (result == SLICES_HIGH)
			return false;
		exact->slices++;
	}
	return false;
}

/* More slices than these are tried where needed, and given up again after so many blocks. */
static unsigned usual_slices(const struct exact_choice *choice)
{
	return choice->narrow ? 1 : 2;
}
enum { RESET_BLOCKS = 32 };

/*
 * How a block is added makes no difference to the result, so it may depend on what came before: after blocks that
 * could not be cut some are not even tried, more of them each time.
 */
static void fold_exact(const struct piece *piece, const void *extra, void *state)
{
	const struct exact_choice *choice = extra;
	struct exact *exact = state;
	if (!exact->is_begun) {
		struct piece first = *piece;
		first.count = first.count < LANES ? first.count : LANES;
		guess(exact, choice, &first);
		exact->is_begun = true;
	}
	if (exact->since_reset++ % RESET_BLOCKS == 0)
		exact->slices = (unsigned char)usual_slices(choice);
	if (exact->skip) {
		exact->skip--;
	} else if (cut_block(exact, choice, piece)) {
		exact->failures = 0;
		return;
	} else {
		exact->slices = (unsigned char)usual_slices(choice);
		exact->failures += exact->failures < 4;
		exact->skip = (unsigned char)((1 << exact->failures) - 2);
	}
	add_one_by_one(exact, piece, choice->narrow);
}

static void combine_exact(void *into, const void *from)
{
	struct exact *exact = into;
	const struct exact *other = from;
	carry(exact);
	for (int i = 0; i < DIGITS; i++)
		exact->digit[i] += other->digit[i];
	carry(exact);
	exact->nan |= other->nan;
	exact->plus |= other->plus;
	exact->minus |= other->minus;
}

/* Make the sum not negative; whether it was. */
static bool negate_if_negative(struct exact *exact)
{
	carry(exact);
	if (exact->digit[DIGITS - 1] >= 0)
		return false;
	for (int i = 0; i < DIGITS; i++)
		exact->digit[i] = -exact->digit[i];
	carry(exact);
	return true;
}

/*
 * The sum's first 64 significant bits, times 2^*ret_exponent, and whether anything is below them; 0 if it is 0. All
 * items are multiples of the smallest float, so where floats have fewer bits than usual nothing is below those.
 */
static uint64_t first_bits(const struct exact *exact, int *ret_exponent, bool *ret_below)
{
	int top = DIGITS - 1;
	while (top > 3 && !exact->digit[top])
		top--;
	unsigned __int128 bits = 0;
	for (int i = top; i > top - 4; i--)
		bits = bits << 32 | (uint64_t)exact->digit[i];
	bool below = false;
	for (int i = 0; i < top - 3; i++)
		below |= exact->digit[i] != 0;
	*ret_exponent = 32 * (top - 3) + LOWEST + 64;
	*ret_below = false;
	if (!bits)
		return 0;
	int shift =
		bits >> 64 ? __builtin_clzll((uint64_t)(bits >> 64)) : 64 + __builtin_clzll((uint64_t)bits);
	bits <<= shift;
	*ret_exponent -= shift;
	*ret_below = below || (uint64_t)bits;
	return (uint64_t)(bits >> 64);
}

/* What infinities and NaN make of the sum; false: there are none. */
static bool is_special(const struct exact *exact, double *ret_sum)
{
	if (exact->nan || (exact->plus && exact->minus))
		*ret_sum = NAN;
	else if (exact->plus || exact->minus)
		*ret_sum = exact->plus ? INFINITY : -INFINITY;
	else
		return false;
	return true;
}

/* Rounded to nearest, ties to even: the conversion rounds, and the last bit stands for all below it. */
static double round_to_double(struct exact *exact)
{
	double sum;
	if (is_special(exact, &sum))
		return sum;
	bool negative = negate_if_negative(exact), below;
	int exponent;
	uint64_t bits = first_bits(exact, &exponent, &below);
	sum = ldexp((double)(bits | below), exponent);
	return negative ? -sum : sum;
}

/*
 * A double that rounds to the float that the sum itself rounds to: cut off, with its last bit set if anything was
 * lost ("round to odd": Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
 */
static double round_to_odd(struct exact *exact)
{
	double sum;
	if (is_special(exact, &sum))
		return sum;
	bool negative = negate_if_negative(exact), below;
	int exponent;
	uint64_t bits = first_bits(exact, &exponent, &below);
	below |= (bits & 0x7ff) != 0;
	sum = ldexp((double)(bits >> 11 | below), exponent + 11);
	return negative ? -sum : sum;
}

/* Results of chunks are large, so there are fewer of them. */
enum { MOST_CHUNKS = 512 };

static int sum_exact(struct kin_pool *pool, const struct kin_array *array, struct exact *exact)
{
	bool narrow = array->type == KIN_F32;
	const struct reduction reduction = {
		.fold = fold_exact,
		.combine = combine_exact,
		.state_size = sizeof *exact,
		.most_chunks = MOST_CHUNKS,
		.run = BLOCK,
		.extra.exact = { &kernels_get()->exact[!narrow], narrow },
	};
	return reduction_run(pool, &reduction, array, NULL, exact);
}

KIN_API int kin_array_sum_exact(struct kin_pool *pool, const struct kin_array *array, union kin_number *sum)
{
	struct kin_array checked;
	int failed = array_check(array, &checked);
	if (failed)
		return failed;
	if (!type_is_float(checked.type))
		return -EINVAL;
	if (!checked.count) {
		sum->f = 0;
		return 0;
	}
	struct exact exact;
	failed = sum_exact(pool, &checked, &exact);
	if (!failed)
		sum->f = round_to_double(&exact);
	return failed;
}

KIN_API int kin_array_sum_exact_f32(struct kin_pool *pool, const struct kin_array *array, float *sum)
{
	struct kin_array checked;
	int failed = array_check(array, &checked);
	if (failed)
		return failed;
	if (checked.type != KIN_F32)
		return -EINVAL;
	if (!checked.count) {
		*sum = 0;
		return 0;
	}
	struct exact exact;
	failed = sum_exact(pool, &checked, &exact);
	if (!failed)
		*sum = (float)round_to_odd(&exact);
	return failed;
}
