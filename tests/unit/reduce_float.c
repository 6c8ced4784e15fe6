/* Reductions of floats: the same bits as the tree of kin/reduce.h, written down plainly, on every instruction set. */
#include "reduce_data.h"

#include <float.h>
#include <math.h>

/* Products must not be contracted into additions here either. */
static double multiply(double a, double b)
{
	volatile double product = a * b;
	return product;
}

static double get(const struct sample *sample, size_t i)
{
	float narrow;
	double item;
	if (sample->array.type == KIN_F32) {
		memcpy(&narrow, sample_item(sample, i), sizeof narrow);
		return narrow;
	}
	memcpy(&item, sample_item(sample, i), sizeof item);
	return item;
}

static void set(const struct sample *sample, size_t i, double number)
{
	float narrow = (float)number;
	if (sample->array.type == KIN_F32)
		memcpy(sample_item(sample, i), &narrow, sizeof narrow);
	else
		memcpy(sample_item(sample, i), &number, sizeof number);
}

static bool same_bits(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

/* --- the definition, plainly --- */

struct state {
	double count, mean, squares; // or a sum or product in mean
};

enum what { SUM, DOT, PRODUCT, MOMENTS };

static double fold_lanes(double *lane, bool is_product)
{
	for (int half = 16; half > 0; half /= 2)
		for (int j = 0; j < half; j++)
			lane[j] = is_product ? multiply(lane[j], lane[j + half]) : lane[j] + lane[j + half];
	return lane[0];
}

static struct state fold_block(
	enum what what, const struct sample *a, const struct sample *b, size_t begin, size_t end)
{
	double lane[32], count = (double)(end - begin);
	for (int j = 0; j < 32; j++)
		lane[j] = what == PRODUCT;
	for (size_t i = begin; i < end; i++) {
		double *to = &lane[(i - begin) % 32];
		if (what == PRODUCT)
			*to = multiply(*to, get(a, i));
		else
			*to += what == DOT ? multiply(get(a, i), get(b, i)) : get(a, i);
	}
	struct state state = { .mean = fold_lanes(lane, what == PRODUCT) };
	if (what != MOMENTS)
		return state;
	state.count = count;
	state.mean /= count;
	double first[32] = { 0 }, second[32] = { 0 };
	for (size_t i = begin; i < end; i++) {
		double distance = get(a, i) - state.mean;
		first[(i - begin) % 32] += distance;
		second[(i - begin) % 32] += multiply(distance, distance);
	}
	double left = fold_lanes(first, false);
	state.squares = fold_lanes(second, false) - multiply(left, left) / count;
	if (state.squares < 0)
		state.squares = 0;
	return state;
}

static struct state combine(enum what what, struct state a, struct state b)
{
	if (what == PRODUCT)
		a.mean = multiply(a.mean, b.mean);
	if (what == SUM || what == DOT)
		a.mean += b.mean;
	if (what != MOMENTS)
		return a;
	double count = a.count + b.count, distance = b.mean - a.mean, share = b.count / count;
	a.mean += multiply(distance, share);
	a.squares += b.squares;
	a.squares += multiply(multiply(distance, distance), multiply(a.count, share));
	a.count = count;
	return a;
}

static struct state tree(enum what what, const struct sample *a, const struct sample *b)
{
	size_t count = a->array.count, blocks = (count + 2047) / 2048;
	struct state *states = calloc(blocks + 1, sizeof *states);
	for (size_t k = 0; k < blocks; k++)
		states[k] = fold_block(what, a, b, k * 2048, k + 1 < blocks ? (k + 1) * 2048 : count);
	for (; blocks > 1; blocks = (blocks + 1) / 2)
		for (size_t k = 0; k < (blocks + 1) / 2; k++)
			states[k] = 2 * k + 1 < blocks ? combine(what, states[2 * k], states[2 * k + 1])
						       : states[2 * k];
	struct state state = count ? states[0] : (struct state){ .mean = what == PRODUCT };
	free(states);
	return state;
}

/* --- against it --- */

static double random_float(unsigned how)
{
	uint64_t bits = random_bits();
	double fraction = (double)(bits >> 11) * 0x1p-53 + 0.5;
	int exponent = how % 3 == 0 ? 0 : (int)(random_bits() % 40) - 20;
	if (how % 3 == 2)
		return (double)(int64_t)(bits % 2001) - 1000;
	return ldexp(bits & 1 ? fraction : -fraction, exponent);
}

static bool sums_hold(const struct sample *a, const struct sample *b)
{
	union kin_number sum, dot, product;
	if (kin_array_sum(NULL, &a->array, &sum) || kin_array_dot(NULL, &a->array, &b->array, &dot) ||
		kin_array_product(NULL, &a->array, &product))
		return false;
	double want = tree(PRODUCT, a, b).mean;
	return same_bits(sum.f, tree(SUM, a, b).mean) && same_bits(dot.f, tree(DOT, a, b).mean) &&
	       same_bits(product.f, isnan(want) ? NAN : want);
}

static bool moments_hold(const struct sample *a)
{
	struct kin_moments got;
	struct state want = tree(MOMENTS, a, a);
	double count = (double)a->array.count;
	if (kin_array_moments(NULL, &a->array, &got) || got.count != a->array.count)
		return false;
	if (!a->array.count)
		return isnan(got.mean) && isnan(got.variance) && isnan(got.sample_variance) &&
		       got.squares == 0;
	return same_bits(got.mean, want.mean) && same_bits(got.squares, want.squares) &&
	       got.variance == want.squares / count &&
	       (count == 1 ? isnan(got.sample_variance) : got.sample_variance == want.squares / (count - 1));
}

static bool is_less(double a, double b)
{
	return a < b || (a == b && signbit(a) && !signbit(b));
}

static bool extremes_hold(const struct sample *sample)
{
	struct kin_extreme want[2] = { { .value.f = INFINITY, .index = SIZE_MAX },
		{ .value.f = -INFINITY, .index = SIZE_MAX } };
	for (int w = 0; w < 2; w++)
		for (size_t i = 0; i < sample->array.count; i++) {
			double item = get(sample, i), best = want[w].value.f;
			if (isnan(item)) {
				want[w] = (struct kin_extreme){ .value.f = NAN, .index = i };
				break;
			}
			if (want[w].index == SIZE_MAX || (w ? is_less(best, item) : is_less(item, best)))
				want[w] = (struct kin_extreme){ .value.f = item, .index = i };
		}
	struct kin_extreme got[2];
	return kin_array_min(NULL, &sample->array, &got[0]) == 0 &&
	       kin_array_max(NULL, &sample->array, &got[1]) == 0 &&
	       same_bits(got[0].value.f, want[0].value.f) && got[0].index == want[0].index &&
	       same_bits(got[1].value.f, want[1].value.f) && got[1].index == want[1].index;
}

static bool compares(double item, enum kin_comparison comparison, double number)
{
	switch (comparison) {
	case KIN_LESS:
		return item < number;
	case KIN_LESS_EQUAL:
		return item <= number;
	case KIN_EQUAL:
		return item == number;
	case KIN_NOT_EQUAL:
		return item != number;
	case KIN_GREATER_EQUAL:
		return item >= number;
	default:
		return item > number;
	}
}

static bool counts_hold(const struct sample *sample)
{
	const double numbers[] = { 0, -0.0, 1, NAN, INFINITY, -INFINITY, 0.1,
		sample->array.count ? get(sample, sample->array.count / 2) : 3 };
	for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
		for (enum kin_comparison comparison = KIN_LESS; comparison <= KIN_GREATER; comparison++) {
			size_t want = 0, got = 4711;
			for (size_t i = 0; i < sample->array.count; i++)
				want += compares(get(sample, i), comparison, numbers[n]);
			union kin_number number = { .f = numbers[n] };
			if (kin_array_count_if(NULL, &sample->array, comparison, number, &got) || got != want)
				return false;
		}
	return true;
}

static bool all_hold(enum kin_type type, size_t count, const struct layout *layout, unsigned how)
{
	struct sample sample, other;
	sample_init(&sample, type, count, layout);
	sample_init(&other, type, count, &layouts[how % LAYOUTS]);
	for (size_t i = 0; i < count; i++) {
		set(&sample, i, random_float(how));
		set(&other, i, random_float(how + 1));
	}
	bool sums = sums_hold(&sample, &other), moments = moments_hold(&sample);
	/* Extremes and counts also of zeros, infinities and NaN. */
	static const double special[] = { 0, -0.0, INFINITY, -INFINITY, NAN, DBL_MIN / 4, FLT_MIN / 4 };
	unsigned kinds = how % 2 ? 7 : 2;
	for (size_t i = 0; i < count; i++)
		if (how % 5 == 0 || random_bits() % 64 == 0)
			set(&sample, i, special[random_bits() % kinds]);
	bool others = extremes_hold(&sample) && (count > 5000 || counts_hold(&sample));
	if (!sums || !moments || !others)
		tap_note("%zu %s, %s, fill %u:%s%s%s", count, type_name(type), layout->name, how,
			sums ? "" : " sums", moments ? "" : " moments", others ? "" : " extremes, counts");
	sample_finish(&sample);
	sample_finish(&other);
	return sums && moments && others;
}

static void test_sizes(const char *isa)
{
	static const size_t large[] = { 127, 129, 255, 257, 2047, 2048, 2049, 4096, 6145, 8223, 32767, 32769,
		65535, 65536, 65537, 200003 };
	for (enum kin_type type = KIN_F32; type <= KIN_F64; type++) {
		bool holds = true;
		unsigned how = 0;
		for (size_t count = 0; count <= 70; count++)
			for (size_t l = 0; l < LAYOUTS; l++)
				holds &= all_hold(type, count, &layouts[l], how++);
		for (size_t i = 0; i < sizeof large / sizeof *large; i++)
			holds &= all_hold(type, large[i], &layouts[i % 2 ? 0 : i / 2 % LAYOUTS], how++);
		tap_ok(holds, "%s, %s: the bits of the tree, every size and layout", isa, type_name(type));
	}
}

static double sum_of(const double *items, size_t count)
{
	double sum = 4711;
	kin_sum_f64(NULL, items, count, &sum);
	return sum;
}

static void test_special(const char *isa)
{
	double many[3000] = { 0 };
	for (size_t i = 0; i < 3000; i++)
		many[i] = -0.0;
	tap_ok(same_bits(sum_of(many, 3000), 0.0), "%s: the sum of -0 is +0", isa);
	many[2999] = -NAN;
	tap_ok(same_bits(sum_of(many, 3000), NAN), "a NaN makes the NaN");
	many[2999] = INFINITY;
	tap_ok(same_bits(sum_of(many, 3000), INFINITY), "infinity stays");
	many[0] = -INFINITY;
	tap_ok(same_bits(sum_of(many, 3000), NAN), "both infinities make the NaN");
	many[0] = 0;
	double product = 4711, dot = 4711, least = 4711;
	kin_product_f64(NULL, many, 3000, &product);
	tap_ok(same_bits(product, NAN), "0 by infinity");
	kin_dot_f64(NULL, many, many, 3000, &dot);
	tap_ok(same_bits(dot, INFINITY), "infinity squared");
	size_t index = 4711;
	kin_min_f64(NULL, many, 3000, &index, &least);
	tap_ok(same_bits(least, -0.0) && index == 1, "-0 is below +0");
	struct kin_moments moments;
	kin_moments_f64(NULL, many, 3000, &moments);
	tap_ok(moments.mean == INFINITY && same_bits(moments.variance, NAN), "infinity has no variance");
}

/* The better zero comes late, in a block of its own, and then once more. */
static void test_zeros(const char *isa)
{
	enum { COUNT = 70000 };
	double *items = calloc(COUNT, sizeof *items);
	double best = 4711;
	size_t index = 4711;
	for (size_t at = 5000; at < COUNT; at += 61000) {
		memset(items, 0, COUNT * sizeof *items);
		items[at] = items[at + 3000] = -0.0;
		kin_min_f64(NULL, items, COUNT, &index, &best);
		tap_ok(same_bits(best, -0.0) && index == at, "%s: -0 among +0, at %zu", isa, at);
		for (size_t i = 0; i < COUNT; i++)
			items[i] = -items[i];
		kin_max_f64(NULL, items, COUNT, &index, &best);
		tap_ok(same_bits(best, 0.0) && index == at, "%s: +0 among -0, at %zu", isa, at);
	}
	free(items);
}

/* Mean and variance where a sum of squares would lose all: 1e9 + 4, 7, 13, 16 many times. */
static void test_shifted(const char *isa)
{
	static const double digits[] = { 4, 7, 13, 16 };
	enum { COUNT = 100000 };
	double *items = malloc(COUNT * sizeof *items);
	for (size_t i = 0; i < COUNT; i++)
		items[i] = 1e9 + digits[i % 4];
	struct kin_moments moments;
	kin_moments_f64(NULL, items, COUNT, &moments);
	tap_ok(moments.mean == 1e9 + 10, "%s: a mean far from 0", isa);
	tap_ok(fabs(moments.variance - 22.5) < 1e-10, "its variance is 22.5 (%.17g)", moments.variance);
	free(items);
}

int main(void)
{
	on_every_isa(test_sizes);
	on_every_isa(test_special);
	on_every_isa(test_zeros);
	on_every_isa(test_shifted);
	return tap_done();
}
