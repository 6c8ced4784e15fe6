/* Reductions of integers, against plain loops in 128 bits. */
#include "reduce_data.h"

#include <math.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

/* The next number of a type, in every magnitude. */
static i128 random_whole(enum kin_type type)
{
	unsigned bits = 8 * (unsigned)item_size(type);
	uint64_t number = random_bits() >> (64 - bits);
	number >>= random_bits() % 4 ? 0 : random_bits() % bits;
	if (!is_signed(type))
		return number;
	return (i128)((int64_t)(number << (64 - bits)) >> (64 - bits));
}

static i128 get(const struct sample *sample, size_t i)
{
	enum kin_type type = sample->array.type;
	uint64_t bits = 0;
	memcpy(&bits, sample_item(sample, i), item_size(type)); // little-endian, as all machines kin knows
	unsigned unused = 64 - 8 * (unsigned)item_size(type);
	return is_signed(type) ? (i128)((int64_t)(bits << unused) >> unused) : (i128)bits;
}

static void set(const struct sample *sample, size_t i, i128 number)
{
	uint64_t bits = (uint64_t)number;
	memcpy(sample_item(sample, i), &bits, item_size(sample->array.type));
}

static i128 type_most(enum kin_type type)
{
	unsigned bits = 8 * (unsigned)item_size(type) - is_signed(type);
	return ((i128)1 << bits) - 1;
}

static i128 type_least(enum kin_type type)
{
	return is_signed(type) ? -type_most(type) - 1 : 0;
}

static i128 number_of(enum kin_type type, union kin_number number)
{
	return is_signed(type) ? (i128)number.i : (i128)number.u;
}

static union kin_number number_from(enum kin_type type, i128 number)
{
	return is_signed(type) ? (union kin_number){ .i = (int64_t)number }
			       : (union kin_number){ .u = (uint64_t)number };
}

/* A result, or -EOVERFLOW with the number untouched. */
static bool is_result(enum kin_type type, int failed, union kin_number got, i128 want, bool fits)
{
	enum kin_type wide = is_signed(type) ? KIN_I64 : KIN_U64;
	if (fits && want >= type_least(wide) && want <= type_most(wide))
		return !failed && number_of(type, got) == want;
	return failed == -EOVERFLOW && got.u == 4711;
}

static bool sum_holds(const struct sample *sample)
{
	i128 want = 0;
	for (size_t i = 0; i < sample->array.count; i++)
		want += get(sample, i);
	union kin_number got = { .u = 4711 };
	int failed = kin_array_sum(NULL, &sample->array, &got);
	return is_result(sample->array.type, failed, got, want, true);
}

static bool dot_holds(const struct sample *a, const struct sample *b)
{
	u128 want = 0;
	double about = 0; // enough to know that it is far beyond 64 bits
	for (size_t i = 0; i < a->array.count; i++) {
		want += (u128)get(a, i) * (u128)get(b, i);
		about += (double)get(a, i) * (double)get(b, i);
	}
	union kin_number got = { .u = 4711 };
	int failed = kin_array_dot(NULL, &a->array, &b->array, &got);
	return is_result(a->array.type, failed, got, (i128)want, fabs(about) < 0x1p120);
}

static bool product_holds(const struct sample *sample)
{
	u128 magnitude = 1;
	bool negative = false, zero = false;
	for (size_t i = 0; i < sample->array.count; i++) {
		i128 item = get(sample, i);
		zero |= item == 0;
		negative ^= item < 0;
		if (item && magnitude <= UINT64_MAX)
			magnitude *= (u128)(item < 0 ? -item : item);
	}
	i128 want = zero ? 0 : negative ? -(i128)magnitude : (i128)magnitude;
	union kin_number got = { .u = 4711 };
	int failed = kin_array_product(NULL, &sample->array, &got);
	return is_result(sample->array.type, failed, got, want, zero || magnitude <= UINT64_MAX);
}

static bool extremes_hold(const struct sample *sample)
{
	enum kin_type type = sample->array.type;
	i128 least = type_most(type), greatest = type_least(type);
	size_t least_at = SIZE_MAX, greatest_at = SIZE_MAX;
	for (size_t i = 0; i < sample->array.count; i++) {
		i128 item = get(sample, i);
		if (least_at == SIZE_MAX || item < least) {
			least = item;
			least_at = i;
		}
		if (greatest_at == SIZE_MAX || item > greatest) {
			greatest = item;
			greatest_at = i;
		}
	}
	struct kin_extreme min = { .index = 1 }, max = { .index = 1 };
	return kin_array_min(NULL, &sample->array, &min) == 0 &&
	       kin_array_max(NULL, &sample->array, &max) == 0 && number_of(type, min.value) == least &&
	       min.index == least_at && number_of(type, max.value) == greatest && max.index == greatest_at;
}

static bool compares(i128 item, enum kin_comparison comparison, i128 number)
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

static bool count_holds(const struct sample *sample, i128 number)
{
	for (enum kin_comparison comparison = KIN_LESS; comparison <= KIN_GREATER; comparison++) {
		size_t want = 0, got = 4711;
		for (size_t i = 0; i < sample->array.count; i++)
			want += compares(get(sample, i), comparison, number);
		int failed = kin_array_count_if(
			NULL, &sample->array, comparison, number_from(sample->array.type, number), &got);
		if (failed || got != want)
			return false;
	}
	return true;
}

static bool counts_hold(const struct sample *sample)
{
	enum kin_type type = sample->array.type, wide = is_signed(type) ? KIN_I64 : KIN_U64;
	size_t count = sample->array.count;
	const i128 numbers[] = { 0, 1, type_least(type), type_most(type), type_most(wide), type_least(wide),
		count ? get(sample, count / 2) : 3 };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!count_holds(sample, numbers[i]))
			return false;
	if (type_most(type) == type_most(wide))
		return true;
	return count_holds(sample, type_most(type) + 1) &&
	       count_holds(sample, type_least(type) - (type_least(type) < 0));
}

static bool is_near(double got, double want, double tolerance)
{
	return fabs(got - want) <= tolerance * fabs(want);
}

/*
 * Against differences from the mean that are exact, each of them times the count; what is added then is not
 * negative.
 */
static bool moments_hold(const struct sample *sample)
{
	size_t count = sample->array.count;
	i128 sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += get(sample, i);
	double scaled = 0, n = (double)count;
	for (size_t i = 0; i < count; i++) {
		double distance = (double)(get(sample, i) * (i128)count - sum);
		scaled += distance * distance;
	}
	struct kin_moments got;
	if (kin_array_moments(NULL, &sample->array, &got) || got.count != count)
		return false;
	if (!count)
		return isnan(got.mean) && isnan(got.variance) && isnan(got.sample_variance) &&
		       got.squares == 0;
	double tolerance = (n + 8) * 0x1p-52, squares = scaled / n / n;
	return is_near(got.mean, (double)sum / n, 0x1p-51) && is_near(got.squares, squares, tolerance) &&
	       is_near(got.variance, squares / n, tolerance) &&
	       (count == 1 ? isnan(got.sample_variance)
			   : is_near(got.sample_variance, squares / (n - 1), tolerance));
}

/* Items small enough for products, sums of large ones, or all alike. */
static void fill(const struct sample *sample, unsigned how)
{
	enum kin_type type = sample->array.type;
	for (size_t i = 0; i < sample->array.count; i++) {
		i128 item = random_whole(type);
		if (how % 4 == 1)
			item = random_bits() % 32 ? 1 : is_signed(type) && random_bits() % 2 ? -1 : 2;
		if (how % 4 == 2)
			item = random_bits() % 64 ? item | 1 : 0;
		if (how % 4 == 3)
			item = random_bits() % 2 ? type_most(type) : type_least(type);
		set(sample, i, item);
	}
}

static bool all_hold(enum kin_type type, size_t count, const struct layout *layout, unsigned how)
{
	struct sample sample, other;
	sample_init(&sample, type, count, layout);
	sample_init(&other, type, count, &layouts[how % LAYOUTS]);
	fill(&sample, how);
	fill(&other, how + 1);
	const char *failed = !sum_holds(&sample)                     ? "sum"
			     : !dot_holds(&sample, &other)           ? "dot"
			     : !product_holds(&sample)               ? "product"
			     : !extremes_hold(&sample)               ? "min, max"
			     : count < 5000 && !counts_hold(&sample) ? "count_if"
			     : !moments_hold(&sample)                ? "moments"
								     : NULL;
	if (failed)
		tap_note("%s of %zu %s, %s, fill %u", failed, count, type_name(type), layout->name, how);
	sample_finish(&sample);
	sample_finish(&other);
	return !failed;
}

static void test_sizes(const char *isa)
{
	/* Around vectors, blocks and chunks; each once with a fill and a layout of its own. */
	static const size_t large[] = { 129, 255, 257, 2047, 2048, 2049, 8223, 65535, 65536, 65537 };
	for (size_t t = 0; t < WHOLE_TYPES; t++) {
		enum kin_type type = whole_types[t];
		bool holds = true;
		unsigned how = 0;
		for (size_t count = 0; count <= 70; count++)
			for (size_t l = 0; l < (count < 10 ? LAYOUTS : 1); l++)
				holds &= all_hold(
					type, count, &layouts[count < 10 ? l : count % LAYOUTS], how++);
		for (size_t i = 0; i < sizeof large / sizeof *large; i++)
			holds &= all_hold(type, large[i], &layouts[i % 2 ? 0 : i / 2 % LAYOUTS], how++);
		size_t chunk = ((size_t)1 << 18) / item_size(type);
		holds &= all_hold(type, chunk + 1, &layouts[0], how++);
		tap_ok(holds, "%s, %s: every operation, size and layout", isa, type_name(type));
	}
}

/* A million items, and many chunks. */
static void test_many(const char *isa)
{
	struct sample sample;
	sample_init(&sample, KIN_I32, 1000000, &layouts[0]);
	fill(&sample, 0);
	tap_ok(sum_holds(&sample), "%s: the sum of a million", isa);
	tap_ok(extremes_hold(&sample), "%s: extremes of a million", isa);
	set(&sample, 777777, INT32_MIN);
	set(&sample, 777778, INT32_MIN);
	set(&sample, 123456, INT32_MAX);
	set(&sample, 923456, INT32_MAX);
	struct kin_extreme least, greatest;
	kin_array_min(NULL, &sample.array, &least);
	kin_array_max(NULL, &sample.array, &greatest);
	tap_is_int(least.index, 777777, "the first of equal least ones");
	tap_is_int(greatest.index, 123456, "the first of equal greatest ones");
	sample_finish(&sample);
}

/* Edges of 64 bits: what goes beyond on the way and comes back is no overflow. */
static void test_edges(const char *isa)
{
	int64_t sum = 4711;
	const int64_t back[] = { INT64_MAX, INT64_MAX, 1, INT64_MIN, INT64_MIN + 2 };
	tap_ok(kin_sum_i64(NULL, back, 5, &sum) == 0 && sum == 1, "%s: a sum that comes back", isa);
	const int64_t most[] = { INT64_MAX - 1, 1, 1 };
	tap_ok(kin_sum_i64(NULL, most, 2, &sum) == 0 && sum == INT64_MAX, "the greatest sum");
	tap_ok(kin_sum_i64(NULL, most, 3, &sum) == -EOVERFLOW && sum == INT64_MAX, "one more is none");
	const int64_t least[] = { INT64_MIN + 1, -1, -1 };
	tap_ok(kin_sum_i64(NULL, least, 2, &sum) == 0 && sum == INT64_MIN, "the least sum");
	tap_ok(kin_sum_i64(NULL, least, 3, &sum) == -EOVERFLOW && sum == INT64_MIN, "one less is none");

	uint64_t unsigned_sum = 4711;
	const uint64_t large[] = { UINT64_MAX, 0, 1 };
	tap_ok(kin_sum_u64(NULL, large, 2, &unsigned_sum) == 0 && unsigned_sum == UINT64_MAX,
		"the greatest, unsigned");
	tap_ok(kin_sum_u64(NULL, large, 3, &unsigned_sum) == -EOVERFLOW, "one more, unsigned");

	const int64_t a[] = { INT64_MIN, INT64_MAX, 1 }, b[] = { INT64_MIN, -INT64_MAX, -INT64_MAX };
	int64_t dot = 4711;
	tap_ok(kin_dot_i64(NULL, a, b, 2, &dot) == -EOVERFLOW && dot == 4711,
		"2^126 - (2^63 - 1)^2 is 2^64 - 1");
	tap_ok(kin_dot_i64(NULL, a, b, 3, &dot) == -EOVERFLOW, "less 2^63 - 1 is 2^63");
	const int64_t c[] = { INT64_MIN, INT64_MAX, 1 }, d[] = { INT64_MIN, -INT64_MAX, INT64_MIN };
	tap_ok(kin_dot_i64(NULL, c, d, 3, &dot) == 0 && dot == INT64_MAX, "less 2^63 fits");

	int64_t product = 4711;
	const int64_t factors[] = { INT64_MIN / 2, 2, -1, 0 };
	tap_ok(kin_product_i64(NULL, factors, 2, &product) == 0 && product == INT64_MIN, "the least product");
	tap_ok(kin_product_i64(NULL, factors, 3, &product) == -EOVERFLOW, "its negative is none");
	tap_ok(kin_product_i64(NULL, factors, 4, &product) == 0 && product == 0, "0 makes it 0");
}

/* Sums of squares beyond 128 bits. */
static void test_wide(const char *isa)
{
	enum { COUNT = 3000 };
	uint64_t *items = malloc(COUNT * sizeof *items);
	for (size_t i = 0; i < COUNT; i++)
		items[i] = i % 2 ? UINT64_MAX : UINT64_MAX - 2;
	struct kin_moments moments;
	kin_moments_u64(NULL, items, COUNT, &moments);
	tap_ok(moments.variance == 1 && moments.squares == COUNT,
		"%s: 18446744073709551614 +- 1 has variance 1", isa);
	tap_ok(moments.mean == 0x1p64, "and its mean is rounded once");
	uint64_t dot = 4711;
	tap_ok(kin_dot_u64(NULL, items, items, COUNT, &dot) == -EOVERFLOW && dot == 4711,
		"a dot product of 140 bits");
	free(items);
}

static int is_odd(const void *item, void *arg)
{
	int32_t number;
	memcpy(&number, item, sizeof number);
	if (arg && number == *(int32_t *)arg)
		return -EDOM;
	return number & 1;
}

static void test_count_where(void)
{
	struct sample sample;
	sample_init(&sample, KIN_I32, 100000, &layouts[2]);
	size_t odd = 0, count = 4711;
	for (size_t i = 0; i < 100000; i++) {
		set(&sample, i, (int32_t)random_bits() & ~0x40000000);
		odd += (size_t)(get(&sample, i) & 1);
	}
	tap_is_int(kin_array_count_where(NULL, &sample.array, is_odd, NULL, &count), 0,
		"counting by a function");
	tap_is_int(count, odd, "counts what it says yes to");
	int32_t stop = 0x40000000;
	set(&sample, 70000, stop);
	count = 4711;
	tap_is_int(
		kin_array_count_where(NULL, &sample.array, is_odd, &stop, &count), -EDOM, "its error stops");
	tap_is_int(count, 4711, "and leaves the result alone");
	sample_finish(&sample);
}

static void test_picking(void)
{
	const int16_t items[] = { 3, -5, 7 };
	uint8_t bytes[] = { 200, 100 };
	const double doubles[] = { 1e308, 1e308, -1e308 };
	int64_t sum = 0, product = 0, dot = 0;
	uint64_t bytes_sum = 0;
	int16_t least = 0, greatest = 0;
	size_t index = 0, found = 0;
	double exact = 0;
	kin_sum(NULL, items, 3, &sum);
	kin_sum(NULL, bytes, 2, &bytes_sum);
	kin_product(NULL, items, 3, &product);
	kin_dot(NULL, items, items, 3, &dot);
	kin_min(NULL, items, 3, &index, &least);
	kin_max(NULL, items, 3, NULL, &greatest);
	kin_count_if(NULL, items, 3, KIN_GREATER, 0, &found);
	kin_sum_exact(NULL, doubles, 3, &exact);
	tap_ok(sum == 5 && bytes_sum == 300 && product == -105 && dot == 83, "_Generic: sums");
	tap_ok(least == -5 && index == 1 && greatest == 7 && found == 2, "_Generic: extremes and counts");
	tap_ok(exact == 1e308, "_Generic: the exact sum");
}

int main(void)
{
	on_every_isa(test_sizes);
	on_every_isa(test_many);
	on_every_isa(test_edges);
	on_every_isa(test_wide);
	test_count_where();
	test_picking();
	return tap_done();
}
