/* Running sums: the documented shape to the bit, on every instruction set, on threads and processes; overflow. */
#include "scan/kernel.h"
#include "sorting.h"

#include <math.h>

static struct sorting_pool pools[SORTING_POOLS];

/* Around an eight, a chunk, a round. */
static const size_t counts[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 100, 16383, 16384, 16385, 16387, 32768, 50001,
	1048575, 1048576, 1048577, 1100003 };
enum { COUNTS = sizeof counts / sizeof *counts, SHORT_COUNTS = 17 };

/* What kin/scan.h says, in the plainest way. */
static void sum_as_documented(const double *items, size_t count, double *sums, bool exclusive)
{
	double p = 0, c = 0;
	for (size_t i = 0; i < count; i += 8) {
		double x[8] = { 0 }, s[8];
		if (i && i % 16384 == 0) {
			p += c;
			c = 0;
		}
		for (size_t j = 0; j < 8 && i + j < count; j++)
			x[j] = items[i + j];
		for (size_t j = 0; j < 8; j += 4) {
			s[j] = x[j];
			s[j + 1] = x[j] + x[j + 1];
			s[j + 2] = x[j] + (x[j + 1] + x[j + 2]);
			s[j + 3] = (x[j] + x[j + 1]) + (x[j + 2] + x[j + 3]);
		}
		for (size_t j = 4; j < 8; j++)
			s[j] += s[3];
		for (size_t j = 0; j < 8 && i + j < count; j++)
			sums[i + j] = exclusive ? p + (c + (j ? s[j - 1] : 0)) : p + (c + s[j]);
		c += s[7];
	}
}

/* Numbers whose sum depends on the order they are added in. */
static void make_floats(double *numbers, float *narrow, size_t count, int shape)
{
	uint64_t state = count;
	for (size_t i = 0; i < count; i++) {
		uint64_t random = sorting_random(&state);
		double number = ldexp((double)(int64_t)random, -80 + (int)(random & 31));
		if (shape == 1 && i % 1000 == 7)
			number = -0.0;
		if (shape == 2 && i == count / 2)
			number = INFINITY;
		if (shape == 2 && i == count / 2 + count / 4)
			number = -INFINITY;
		narrow[i] = (float)number;
		numbers[i] = number;
	}
}

/* The same bits, where there is a number; any NaN for a NaN. */
static bool is_same(const double *a, const double *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (isnan(a[i]) ? !isnan(b[i]) : memcmp(&a[i], &b[i], sizeof *a) != 0)
			return false;
	return true;
}

static bool is_same_narrow(const float *a, const double *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		float wanted = (float)b[i];
		if (isnan(wanted) ? !isnan(a[i]) : memcmp(&a[i], &wanted, sizeof wanted) != 0)
			return false;
	}
	return true;
}

static bool floats_are_right(struct kin_pool *pool, size_t count, int shape, bool exclusive)
{
	double *numbers = malloc((count + 1) * 8), *wanted = malloc((count + 1) * 8),
	       *sums = malloc((count + 1) * 8);
	float *narrow = malloc((count + 1) * 4), *narrow_sums = malloc((count + 1) * 4);
	make_floats(numbers, narrow, count, shape);
	sum_as_documented(numbers, count, wanted, exclusive);
	sums[count] = 42;
	bool right = kin_scan_sum(pool, numbers, count, KIN_F64, sums, exclusive) == 0;
	right = right && is_same(sums, wanted, count) && sums[count] == 42;
	memcpy(sums, numbers, count * 8);
	right = right && kin_scan_sum(pool, sums, count, KIN_F64, sums, exclusive) == 0;
	right = right && is_same(sums, wanted, count) && sums[count] == 42;
	for (size_t i = 0; i < count; i++)
		numbers[i] = (double)narrow[i];
	sum_as_documented(numbers, count, wanted, exclusive);
	narrow_sums[count] = 42;
	right = right && kin_scan_sum(pool, narrow, count, KIN_F32, narrow_sums, exclusive) == 0;
	right = right && is_same_narrow(narrow_sums, wanted, count) && narrow_sums[count] == 42;
	right = right && kin_scan_sum(pool, narrow, count, KIN_F32, narrow, exclusive) == 0;
	right = right && is_same_narrow(narrow, wanted, count);
	if (!right)
		tap_note("%zu floats, shape %d, %s", count, shape, exclusive ? "exclusive" : "inclusive");
	free(numbers);
	free(wanted);
	free(sums);
	free(narrow);
	free(narrow_sums);
	return right;
}

static void test_floats(const struct sorting_pool *pool, const char *isa)
{
	int wrong = 0;
	for (size_t i = 0; i < (pool == pools && !sorting_is_slow() ? COUNTS : SHORT_COUNTS); i++)
		for (int shape = 0; shape < 3; shape++)
			wrong += !floats_are_right(pool->pool, counts[i], shape, (i + (size_t)shape) % 2);
	for (int exclusive = 0; exclusive < 2 && !sorting_is_slow(); exclusive++)
		wrong += !floats_are_right(pool->pool, 1048600, 0, exclusive);
	tap_ok(wrong == 0, "floats in the documented shape, %s, on %s", isa, pool->name);
}

/* So many that sums go past the caches. */
static void test_stream(void)
{
	const size_t count = 4200000;
	double *numbers = malloc(count * 8), *wanted = malloc(count * 8),
	       *sums = aligned_alloc(64, count * 8 + 64);
	float *narrow = malloc(count * 4);
	make_floats(numbers, narrow, count, 0);
	for (int exclusive = 0; exclusive < 2; exclusive++) {
		sum_as_documented(numbers, count, wanted, exclusive);
		tap_ok(kin_scan_sum(pools[2].pool, numbers, count, KIN_F64, sums, exclusive) == 0 &&
				is_same(sums, wanted, count),
			"4,200,000 floats");
	}
	int64_t *whole = (int64_t *)(void *)numbers, *whole_sums = (int64_t *)(void *)sums;
	uint64_t sum = 0, wrong = 0;
	for (size_t i = 0; i < count; i++)
		whole[i] = (int64_t)(i % 1000) - 500;
	tap_is_int(kin_scan_sum_i64(pools[2].pool, whole, count, whole_sums), 0, "4,200,000 integers");
	for (size_t i = 0; i < count; i++)
		wrong += (uint64_t)whole_sums[i] != (sum += (uint64_t)whole[i]);
	tap_is_int(wrong, 0, "... are summed right");
	free(numbers);
	free(wanted);
	free(sums);
	free(narrow);
}

/* --- integers --- */

/* Sums in 128 bits; whether one among those that are results does not fit. */
#define TEST_WHOLE(name, item, sum_type) \
	static bool right_##name(struct kin_pool *pool, size_t count, bool exclusive) \
	{ \
		uint64_t state = count; \
		item *items = malloc((count + 1) * sizeof(item)); \
		sum_type *sums = malloc((count + 1) * sizeof(sum_type)); \
		for (size_t i = 0; i < count; i++) \
			items[i] = (item)(sorting_random(&state) >> (sizeof(item) == 8 ? 22 : 0)); \
		int result = exclusive ? kin_scan_sum_exclusive_##name(pool, items, count, sums) \
				       : kin_scan_sum_##name(pool, items, count, sums); \
		bool right = result == 0; \
		sum_type sum = 0; \
		for (size_t i = 0; i < count; i++) { \
			sum_type before = sum; \
			sum = (sum_type)(sum + items[i]); \
			right &= sums[i] == (exclusive ? before : sum); \
		} \
		free(items); \
		free(sums); \
		return right; \
	}

TEST_WHOLE(i8, int8_t, int64_t)
TEST_WHOLE(i16, int16_t, int64_t)
TEST_WHOLE(i32, int32_t, int64_t)
TEST_WHOLE(i64, int64_t, int64_t)
TEST_WHOLE(u8, uint8_t, uint64_t)
TEST_WHOLE(u16, uint16_t, uint64_t)
TEST_WHOLE(u32, uint32_t, uint64_t)
TEST_WHOLE(u64, uint64_t, uint64_t)

static void test_whole(const struct sorting_pool *pool)
{
	static bool (*const rights[])(struct kin_pool *, size_t, bool) = { right_i8, right_i16, right_i32,
		right_i64, right_u8, right_u16, right_u32, right_u64 };
	int wrong = 0;
	for (size_t i = 0; i < (pool == pools && !sorting_is_slow() ? COUNTS : SHORT_COUNTS); i++)
		for (size_t t = 0; t < sizeof rights / sizeof *rights; t++)
			wrong += !rights[t](pool->pool, counts[i], (i + t) % 2);
	tap_ok(wrong == 0, "integers of each type, on %s", pool->name);
}

struct overflow_case {
	size_t place; // of the number that is too much
	bool is_signed, negative;
};

/* All sums modulo 2^64 and -EOVERFLOW; an exclusive scan minds the last number not. */
static bool overflow_is_right(
	struct kin_pool *pool, size_t count, const struct overflow_case *test, bool exclusive)
{
	uint64_t *items = calloc(count, sizeof *items), *sums = malloc(count * sizeof *sums), sum = 0;
	items[0] = test->is_signed ? test->negative ? (uint64_t)INT64_MIN : INT64_MAX : UINT64_MAX;
	items[test->place] = test->negative ? UINT64_MAX : 1;
	if (test->place + 1 < count) // which brings the sum back
		items[test->place + 1] = test->negative ? 1 : UINT64_MAX;
	int wanted = exclusive && test->place + 1 == count ? 0 : -EOVERFLOW;
	bool right = kin_scan_sum(pool, items, count, test->is_signed ? KIN_I64 : KIN_U64, sums, exclusive) ==
		     wanted;
	for (size_t i = 0; i < count; i++) {
		uint64_t before = sum;
		sum += items[i];
		right &= sums[i] == (exclusive ? before : sum);
	}
	if (!right)
		tap_note("item %zu of %zu", test->place, count);
	free(items);
	free(sums);
	return right;
}

static void test_overflow(const struct sorting_pool *pool)
{
	static const size_t places[] = { 1, 1000, 16383, 16384, 16385, 32766, 32767, 39999 };
	int wrong = 0;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		for (int how = 0; how < 6; how++) {
			struct overflow_case test = { places[i], how % 3 > 0, how % 3 == 2 };
			wrong += !overflow_is_right(pool->pool, 40000, &test, how / 3);
			wrong += !overflow_is_right(pool->pool, places[i] + 1, &test, how / 3);
		}
	tap_ok(wrong == 0, "sums that do not fit, on %s", pool->name);
	int64_t edge[] = { INT64_MAX, -1, 1, INT64_MIN, INT64_MIN, 1 }, sums[6];
	tap_is_int(kin_scan_sum_i64(pool->pool, edge, 4, sums), 0, "sums at the edge fit");
	tap_ok(sums[2] == INT64_MAX && sums[3] == -1, "... and are right");
	tap_is_int(kin_scan_sum_i64(pool->pool, edge, 5, sums), -EOVERFLOW, "beyond it they do not");
	uint64_t most[] = { UINT64_MAX, UINT64_MAX }, more[2];
	tap_is_int(kin_scan_sum_u64(pool->pool, most, 2, more), -EOVERFLOW,
		"the two greatest numbers are too much");
	tap_is_int(
		kin_scan_sum_exclusive_u64(pool->pool, most, 2, more), 0, "... and the first alone is not");
}

/* --- memory --- */

static void test_shared(const struct sorting_pool *pool)
{
	const size_t count = sorting_is_slow() ? 100000 : 1200000;
	void *memory, *sums;
	if (kin_shared_alloc(&memory, count * 8) < 0)
		return;
	if (kin_shared_alloc(&sums, count * 8) < 0) {
		kin_shared_free(memory);
		return;
	}
	uint64_t *numbers = memory, wrong = 0;
	for (size_t i = 0; i < count; i++)
		numbers[i] = 2;
	tap_is_int(kin_scan_sum_u64(pool->pool, numbers, count, sums), 0, "shared memory");
	tap_is_int(kin_scan_sum_exclusive_u64(pool->pool, numbers, count, numbers), 0, "... over itself");
	for (size_t i = 0; i < count; i++)
		wrong += ((uint64_t *)sums)[i] != 2 * i + 2 || numbers[i] != 2 * i;
	tap_ok(wrong == 0, "... is summed, on %s", pool->name);
	kin_shared_free(memory);
	kin_shared_free(sums);
}

static void test_bad(void)
{
	int64_t numbers[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	tap_is_int(kin_scan_sum(NULL, numbers, 8, (enum kin_type)0, numbers, false), -EINVAL, "no type");
	tap_is_int(kin_scan_sum(NULL, numbers, 8, (enum kin_type)77, numbers, false), -EINVAL,
		"an unknown type");
	tap_is_int(kin_scan_sum_i64(NULL, NULL, 8, numbers), -EINVAL, "no items");
	tap_is_int(kin_scan_sum_i64(NULL, numbers, 8, NULL), -EINVAL, "no sums");
	tap_is_int(kin_scan_sum_i64(NULL, NULL, 0, NULL), 0, "nothing at all");
	tap_is_int(kin_scan_sum_i64(NULL, numbers, 4, numbers + 1), -EINVAL, "sums begin within the items");
	tap_is_int(kin_scan_sum_i64(NULL, numbers + 1, 4, numbers), -EINVAL, "items begin within the sums");
	tap_is_int(kin_scan_sum_i32(NULL, (int32_t *)(void *)numbers, 4, numbers), -EINVAL,
		"sums larger than the items they are written over");
	tap_is_int(kin_scan_sum_i32(NULL, (int32_t *)(void *)(numbers + 4), 4, numbers), 0,
		"sums that end where items begin");
	tap_is_int(kin_scan_sum_i64(NULL, numbers, SIZE_MAX / 4, numbers), -EOVERFLOW, "too many items");
}

int main(void)
{
	static const char *const isas[] = { "plain", "AVX2" };
	sorting_pools(pools);
	for (int isa = 0; isa < SCAN_ISAS; isa++) {
		if (scan_force(isa) < 0) {
			tap_skip(isas[isa], "this machine has it not");
			continue;
		}
		for (int i = 0; i < SORTING_POOLS; i++)
			test_floats(&pools[i], isas[isa]);
		if (!sorting_is_slow())
			test_stream();
	}
	scan_force(-1);
	for (int i = 0; i < SORTING_POOLS; i++) {
		test_whole(&pools[i]);
		test_overflow(&pools[i]);
		test_shared(&pools[i]);
	}
	test_bad();
	sorting_pools_end(pools);
	return tap_done();
}
