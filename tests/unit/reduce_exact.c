/* The exact sum: against an integer of 2,200 bits that adds and rounds bit by bit, and against known sums. */
#include "reduce_data.h"

#include <float.h>
#include <math.h>

static bool same_bits(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_bits_f32(float a, float b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

/* --- the slow way: two numbers of BITS bits, of what is positive and of what is negative, in units of 2^-1074 --- */

enum { WORDS = 36, BITS = 64 * WORDS };

struct slow {
	uint64_t plus[WORDS], minus[WORDS];
};

static void slow_add(struct slow *slow, double number)
{
	int exponent;
	double fraction = frexp(fabs(number), &exponent);
	uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
	int place = exponent - 53 + 1074;
	while (place < 0) {
		mantissa /= 2;
		place++;
	}
	uint64_t *words = signbit(number) ? slow->minus : slow->plus;
	unsigned __int128 shifted = (unsigned __int128)mantissa << (place % 64);
	uint64_t parts[2] = { (uint64_t)shifted, (uint64_t)(shifted >> 64) };
	unsigned carry = 0;
	for (int i = place / 64, p = 0; i < WORDS && (p < 2 || carry); i++, p++) {
		unsigned __int128 sum = (unsigned __int128)words[i] + (p < 2 ? parts[p] : 0) + carry;
		words[i] = (uint64_t)sum;
		carry = (unsigned)(sum >> 64);
	}
}

static int slow_bit(const uint64_t *words, int bit)
{
	return bit < 0 ? 0 : (int)(words[bit / 64] >> (bit % 64) & 1);
}

/* The difference's magnitude in plus; whether it is negative. */
static bool slow_finish(struct slow *slow)
{
	int top = WORDS - 1;
	while (top > 0 && slow->plus[top] == slow->minus[top])
		top--;
	bool negative = slow->plus[top] < slow->minus[top];
	unsigned borrow = 0;
	for (int i = 0; i < WORDS; i++) {
		uint64_t a = negative ? slow->minus[i] : slow->plus[i],
			 b = negative ? slow->plus[i] : slow->minus[i];
		unsigned __int128 difference = (unsigned __int128)a - b - borrow;
		slow->plus[i] = (uint64_t)difference;
		borrow = (unsigned)(difference >> 64) & 1;
	}
	return negative;
}

/* Rounded to so many bits, none of them below 2^least. */
static double slow_round(struct slow slow, int bits, int least)
{
	bool negative = slow_finish(&slow);
	int top = BITS - 1;
	while (top >= 0 && !slow_bit(slow.plus, top))
		top--;
	if (top < 0)
		return 0;
	int last = top - bits + 1;
	if (last < least + 1074)
		last = least + 1074;
	uint64_t mantissa = 0;
	for (int bit = top; bit >= last; bit--)
		mantissa = mantissa << 1 | (uint64_t)slow_bit(slow.plus, bit);
	bool below = false;
	for (int bit = last - 2; bit >= 0 && !below; bit--)
		below = slow_bit(slow.plus, bit);
	if (slow_bit(slow.plus, last - 1) && (below || (mantissa & 1)))
		mantissa++;
	double sum = ldexp((double)mantissa, last - 1074);
	return negative ? -sum : sum;
}

/* --- against it --- */

static double get(const struct sample *sample, size_t i)
{
	float narrow;
	double item;
	memcpy(&narrow, sample_item(sample, i), sizeof narrow);
	if (sample->array.type == KIN_F32)
		return narrow;
	memcpy(&item, sample_item(sample, i), sizeof item);
	return item;
}

static bool exact_holds(const struct sample *sample)
{
	struct slow slow = { 0 };
	for (size_t i = 0; i < sample->array.count; i++)
		slow_add(&slow, get(sample, i));
	union kin_number got = { .u = 4711 };
	if (kin_array_sum_exact(NULL, &sample->array, &got) || !same_bits(got.f, slow_round(slow, 53, -1074)))
		return false;
	if (sample->array.type != KIN_F32)
		return true;
	float narrow;
	return kin_array_sum_exact_f32(NULL, &sample->array, &narrow) == 0 &&
	       same_bits_f32(narrow, (float)slow_round(slow, 24, -149));
}

enum fill {
	UNIFORM,
	MIXED, // 40 binades
	ANY, // all finite bit patterns
	CANCELLING, // each number, and its negative, far apart, and a small one
	HUGE_ONES,
	TINY_ONES,
	OUTLIERS,
	HALVES, // ties for the last rounding
	FILLS
};

static double random_finite(bool narrow)
{
	for (;;) {
		uint64_t bits = random_bits();
		uint32_t low = (uint32_t)bits;
		double number;
		float small;
		memcpy(&number, &bits, sizeof number);
		memcpy(&small, &low, sizeof small);
		if (isfinite(narrow ? (double)small : number))
			return narrow ? (double)small : number;
	}
}

static double make(enum fill fill, bool narrow, size_t i)
{
	uint64_t bits = random_bits();
	double fraction = (double)(bits >> 11) * 0x1p-53, sign = bits & 1 ? 1 : -1;
	int most = narrow ? FLT_MAX_EXP : DBL_MAX_EXP, least = narrow ? -149 : -1074;
	switch (fill) {
	case UNIFORM:
		return fraction;
	case MIXED:
		return sign * ldexp(1 + fraction, (int)(random_bits() % 40) - 20);
	case HUGE_ONES:
		return sign * ldexp(0.5 + fraction / 2.1, most - (int)(bits >> 2 & 3));
	case TINY_ONES:
		return sign * ldexp((double)(bits >> 44), least + (int)(bits >> 2 & 3));
	case OUTLIERS:
		return sign * (i % 3001 == 1500 ? ldexp(fraction, most - 20) : fraction);
	case HALVES:
		return sign * ldexp(1, i % 3 ? 0 : (bits & 2 ? narrow ? -24 : -53 : narrow ? -60 : -100));
	default:
		return random_finite(narrow);
	}
}

static void sample_fill(const struct sample *sample, enum fill fill)
{
	bool narrow = sample->array.type == KIN_F32;
	size_t count = sample->array.count;
	for (size_t i = 0; i < count; i++) {
		double number = make(fill, narrow, i);
		if (fill == CANCELLING && i >= count / 2 && i + 1 < count)
			number = -get(sample, i - count / 2);
		float small = (float)number;
		if (narrow)
			memcpy(sample_item(sample, i), &small, sizeof small);
		else
			memcpy(sample_item(sample, i), &number, sizeof number);
	}
}

static void test_fills(const char *isa)
{
	static const size_t counts[] = { 1, 2, 3, 5, 17, 33, 63, 65, 70, 1000, 2047, 2048, 2049, 6145, 32767,
		32769, 70001 };
	for (enum kin_type type = KIN_F32; type <= KIN_F64; type++)
		for (int fill = 0; fill < FILLS; fill++) {
			bool holds = true;
			for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
				struct sample sample;
				sample_init(&sample, type, counts[i],
					&layouts[counts[i] < 10000 ? i % LAYOUTS : 0]);
				sample_fill(&sample, (enum fill)fill);
				if (!exact_holds(&sample)) {
					tap_note("%zu items", counts[i]);
					holds = false;
				}
				sample_finish(&sample);
			}
			tap_ok(holds, "%s, %s, fill %d: the rounded sum", isa, type_name(type), fill);
		}
}

static double sum_of(const double *items, size_t count)
{
	double sum = 4711;
	kin_sum_exact_f64(NULL, items, count, &sum);
	return sum;
}

#define SUM(...) \
	sum_of((const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))

static void test_known(const char *isa)
{
	tap_ok(SUM(1e308, 1e308, -1e308) == 1e308, "%s: too large on the way", isa);
	tap_ok(SUM(DBL_MAX, DBL_MAX) == INFINITY, "too large in the end");
	tap_ok(SUM(-DBL_MAX, -DBL_MAX, 1) == -INFINITY, "and below");
	tap_ok(SUM(DBL_MAX, 0x1p969) == DBL_MAX, "less than half a unit above the largest");
	tap_ok(SUM(DBL_MAX, 0x1p970) == INFINITY, "half a unit above it");
	tap_ok(SUM(DBL_MAX, 0x1p970, -0x1p-1074) == DBL_MAX, "less the smallest");
	tap_ok(SUM(0x1p-1074, 0x1p-1074) == 0x1p-1073, "the smallest, twice");
	tap_ok(SUM(0x1p-1022, -0x1p-1074) == 0x1p-1022 - 0x1p-1074, "the largest denormal");
	tap_ok(SUM(1, 0x1p-53) == 1, "a tie to even, below");
	tap_ok(SUM(1 + 0x1p-52, 0x1p-53) == 1 + 0x1p-51, "a tie to even, above");
	tap_ok(SUM(1, 0x1p-53, 0x1p-1074) == 1 + 0x1p-52, "just more than a tie");
	tap_ok(SUM(1, 0x1p-53, -0x1p-1074) == 1, "just less than one");
	tap_ok(SUM(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1) == 1, "ten times 0.1");
	tap_ok(SUM(1e16, 1, 1e-16, -1e16) == 1.0000000000000001, "16 digits above and below");
	tap_ok(same_bits(SUM(-0.0, -0.0), 0.0), "zeros make +0");
	tap_ok(same_bits(SUM(5, -5), 0.0), "and so does what cancels");
	tap_ok(SUM(INFINITY, -DBL_MAX) == INFINITY && SUM(1, -INFINITY) == -INFINITY, "infinities stay");
	tap_ok(same_bits(SUM(INFINITY, 1, -INFINITY), NAN), "both make NaN");
	tap_ok(same_bits(SUM(1, -NAN), NAN), "NaN makes NaN");
	float narrow = 4711;
	/* As a double it is 1 + 2^-24, a tie, which would go down. */
	const float twice[] = { 1, 0x1p-24f, 0x1p-90f };
	kin_sum_exact_f32(NULL, twice, 3, &narrow);
	tap_ok(narrow == 1 + 0x1p-23f, "a float is rounded once");
	const float large[] = { FLT_MAX, FLT_MAX };
	kin_sum_exact_f32(NULL, large, 2, &narrow);
	tap_ok(narrow == INFINITY, "and can be too large");
	double wide = 0;
	struct kin_array array = { large, 2, 0, KIN_F32 };
	union kin_number number = { 0 };
	kin_array_sum_exact(NULL, &array, &number);
	wide = number.f;
	tap_ok(wide == 2.0 * FLT_MAX, "where a double is not");
}

/* Any order, and blocks of every kind beside each other. */
static void test_order(const char *isa)
{
	enum { COUNT = 50000 };
	struct sample sample;
	sample_init(&sample, KIN_F64, COUNT, &layouts[0]);
	double *items = (double *)sample.memory;
	for (size_t i = 0; i < COUNT; i++)
		items[i] = make((enum fill)(i / 3000 % FILLS), false, i) / 4;
	double first = sum_of(items, COUNT);
	tap_ok(exact_holds(&sample), "%s: blocks of all kinds", isa);
	for (size_t i = COUNT - 1; i > 0; i--) {
		size_t other = random_bits() % (i + 1);
		double item = items[i];
		items[i] = items[other];
		items[other] = item;
	}
	tap_ok(same_bits(sum_of(items, COUNT), first), "%s: shuffled", isa);
	items[COUNT / 2] = INFINITY;
	tap_ok(sum_of(items, COUNT) == INFINITY, "with an infinity");
	sample_finish(&sample);
}

int main(void)
{
	on_every_isa(test_fills);
	on_every_isa(test_known);
	on_every_isa(test_order);
	return tap_done();
}
