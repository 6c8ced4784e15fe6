/* Reductions, sums, sorts and scans. */
#include "programs.h"

#include <math.h>

#define MOST 4000

/* x -> a x + b, whose composition does not commute. */
struct affine {
	uint64_t a, b;
};

static const struct affine identity = { 1, 0 };

static struct affine affine_at(size_t i)
{
	return (struct affine){ 2 * i + 3, i * i + 1 };
}

static int combine(void *into, const void *from, void *arg)
{
	struct affine *left = into;
	const struct affine *right = from;
	left->b = right->a * left->b + right->b;
	left->a *= right->a;
	return 0;
}

static int fold(size_t begin, size_t end, void *state, void *arg)
{
	for (size_t i = begin; i < end; i++) {
		struct affine one = affine_at(i);
		combine(state, &one, NULL);
	}
	return 0;
}

int act_reduce(const struct scene *scene, struct dice *dice)
{
	size_t begin = roll(dice, 50), end = begin + roll(dice, MOST);
	struct affine want = identity, got = { 7, 7 };
	fold(begin, end, &want, NULL);
	void *arg = room_to_read(scene, dice, 1);
	struct kin_reduction reduction = { .state_size = sizeof got,
		.identity = &identity,
		.fold = fold,
		.combine = combine,
		.grain = chance(dice, 3) ? 0 : 1 + roll(dice, 100),
		.arg = chance(dice, 3) ? NULL : arg };
	int result = settle(scene, kin_reduce(scene->pool, begin, end, &reduction, &got), 0, "kin_reduce");
	if (result == 0)
		result = verdict(expect(got.a == want.a && got.b == want.b,
			"kin_reduce of %zu to %zu in chunks of %zu", begin, end, reduction.grain));
	room_free(arg);
	return result;
}

/* The order of additions that kin/reduce.h states: 32 running sums a block of 2048, folded in halves. */
static double sum_block(const double *items, size_t count)
{
	double sums[32] = { 0 };
	for (size_t i = 0; i < count; i++)
		sums[i % 32] += items[i];
	for (size_t half = 16; half; half /= 2)
		for (size_t i = 0; i < half; i++)
			sums[i] += sums[i + half];
	return sums[0];
}

static double sum_in_order(const double *items, size_t count)
{
	double blocks[2 * MOST / 2048 + 2];
	size_t left = 0;
	for (size_t i = 0; i < count; i += 2048)
		blocks[left++] = sum_block(items + i, count - i < 2048 ? count - i : 2048);
	if (left == 0)
		return 0;
	for (; left > 1; left = (left + 1) / 2)
		for (size_t i = 0; i < left; i += 2)
			blocks[i / 2] = i + 1 < left ? blocks[i] + blocks[i + 1] : blocks[i];
	return blocks[0];
}

/* The same bits whatever runs it. */
int act_sum(const struct scene *scene, struct dice *dice)
{
	size_t count = roll(dice, 2 * MOST);
	double *items = room_to_read(scene, dice, count * sizeof *items), sum = -1;
	for (size_t i = 0; i < count; i++)
		items[i] = ldexp((double)roll(dice, UINT32_MAX) - 2e9, (int)roll(dice, 60) - 30);
	double want = sum_in_order(items, count);
	int result = settle(scene, kin_sum_f64(scene->pool, items, count, &sum), 0, "kin_sum_f64");
	if (result == 0)
		result = verdict(
			expect(memcmp(&sum, &want, sizeof sum) == 0, "kin_sum_f64: %a, not %a", sum, want));
	room_free(items);
	return result;
}

static int sum_exactly(const struct scene *scene, const double *items, size_t count, double want)
{
	double sum = -1;
	int result =
		settle(scene, kin_sum_exact_f64(scene->pool, items, count, &sum), 0, "kin_sum_exact_f64");
	return result ? result : verdict(expect(sum == want, "kin_sum_exact_f64: %a, not %a", sum, want));
}

/* Whole numbers in a column of records, so that any order of additions is exact. */
int act_typed(const struct scene *scene, struct dice *dice)
{
	size_t count = roll(dice, MOST), width = 1 + roll(dice, 3), least_at = SIZE_MAX, below = 0, got = 0;
	int64_t want = 0, least = INT64_MAX;
	double *doubles = room_to_read(scene, dice, count * width * sizeof *doubles);
	int64_t *whole = room_to_read(scene, dice, count * width * sizeof *whole);
	for (size_t i = 0; i < count; i++) {
		int64_t value = (int64_t)roll(dice, 1000000) - 400000;
		doubles[i * width] = (double)value;
		whole[i * width] = value;
		want += value;
		below += value < 1000;
		least_at = value < least ? i : least_at;
		least = value < least ? value : least;
	}
	bool is_float = chance(dice, 2);
	struct kin_array array = { is_float ? (void *)doubles : whole, count, (ptrdiff_t)(8 * width),
		is_float ? KIN_F64 : KIN_I64 };
	union kin_number sum, limit;
	struct kin_extreme extreme;
	if (is_float)
		limit.f = 1000;
	else
		limit.i = 1000;
	int result = settle(scene, kin_array_sum(scene->pool, &array, &sum), 0, "kin_array_sum");
	if (result == 0)
		result = verdict(expect(is_float ? sum.f == (double)want : sum.i == want, "kin_array_sum"));
	if (result == 0)
		result = settle(scene, kin_array_min(scene->pool, &array, &extreme), 0, "kin_array_min");
	if (result == 0)
		result = verdict(expect(extreme.index == least_at, "kin_array_min: at %zu, not %zu",
			extreme.index, least_at));
	if (result == 0)
		result = settle(scene, kin_array_count_if(scene->pool, &array, KIN_LESS, limit, &got), 0,
			"kin_array_count_if");
	if (result == 0)
		result = verdict(expect(got == below, "kin_array_count_if: %zu, not %zu", got, below));
	if (result == 0 && width == 1)
		result = sum_exactly(scene, doubles, count, (double)want);
	room_free(whole);
	room_free(doubles);
	return result;
}

struct record {
	uint32_t key, place; // place: where it was
	char rest[];
};

static int by_key(const void *a, const void *b, void *arg)
{
	const struct record *one = a, *two = b;
	return (one->key > two->key) - (one->key < two->key);
}

static const struct record *record_at(const char *records, size_t size, size_t i)
{
	return (const struct record *)(records + i * size);
}

/* In order, equal ones in the order they were in; `sum` of the places says that all are there. */
static bool check_sorted(const char *records, size_t count, size_t size, const char *what)
{
	size_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		const struct record *now = record_at(records, size, i);
		sum += now->place;
		if (i == 0)
			continue;
		const struct record *last = record_at(records, size, i - 1);
		if (last->key > now->key || (last->key == now->key && last->place >= now->place))
			return expect(false, "%s: item %zu of %zu, %zu bytes each", what, i, count, size);
	}
	return expect(sum == (count ? count * (count - 1) / 2 : 0), "%s: items are missing", what);
}

static int sort_records(const struct scene *scene, struct dice *dice, bool by_keys)
{
	static const size_t sizes[] = { 8, 16, 24, 72 };
	size_t count = roll(dice, MOST), size = sizes[roll(dice, 4)];
	uint32_t keys = 1 + roll(dice, chance(dice, 2) ? 20 : 1000000);
	char *records = room_to_read(scene, dice, count * size), *arg = room_to_read(scene, dice, 1);
	for (size_t i = 0; i < count; i++) {
		struct record *record = (struct record *)(records + i * size);
		record->key = roll(dice, keys);
		record->place = (uint32_t)i;
	}
	struct kin_sort_key key = { size, offsetof(struct record, key), KIN_U32, false };
	const char *what = by_keys ? "kin_sort_keys" : "kin_sort";
	int result = by_keys ? kin_sort_keys(scene->pool, records, count, &key)
			     : kin_sort(scene->pool, records, count, size, by_key, arg);
	result = settle(scene, result, 0, what);
	if (result == 0)
		result = verdict(check_sorted(records, count, size, what));
	if (result == 0 && chance(dice, 4))
		result = settle(scene, kin_is_sorted(scene->pool, records, count, size, by_key, arg), 1,
			"kin_is_sorted");
	room_free(arg);
	room_free(records);
	return result;
}

int act_sort(const struct scene *scene, struct dice *dice)
{
	return sort_records(scene, dice, false);
}

int act_sort_keys(const struct scene *scene, struct dice *dice)
{
	return sort_records(scene, dice, true);
}

static int scan_affine(const struct scene *scene, struct dice *dice, bool exclusive)
{
	size_t count = roll(dice, MOST);
	struct affine *items = room_to_read(scene, dice, count * sizeof *items), last = identity;
	struct affine *results = chance(dice, 3) ? items : room_to_read(scene, dice, count * sizeof *items);
	for (size_t i = 0; i < count; i++)
		items[i] = affine_at(i);
	void *arg = room_to_read(scene, dice, 1);
	struct kin_scan scan = { .item_size = sizeof *items,
		.combine = combine,
		.arg = arg,
		.initial = &identity,
		.exclusive = exclusive,
		.grain = chance(dice, 3) ? 0 : 1 + roll(dice, 300) };
	int result = settle(scene, kin_scan(scene->pool, items, count, results, &scan), 0, "kin_scan");
	for (size_t i = 0; i < count && result == 0; i++) {
		struct affine one = affine_at(i), before = last;
		combine(&last, &one, NULL);
		const struct affine *want = exclusive ? &before : &last;
		result = verdict(expect(results[i].a == want->a && results[i].b == want->b,
			"kin_scan: item %zu of %zu, chunks of %zu", i, count, scan.grain));
	}
	room_free(arg);
	if (results != items)
		room_free(results);
	room_free(items);
	return result;
}

int act_scan(const struct scene *scene, struct dice *dice)
{
	bool exclusive = chance(dice, 2);
	if (chance(dice, 2))
		return scan_affine(scene, dice, exclusive);
	size_t count = roll(dice, MOST);
	int32_t *items = room_to_read(scene, dice, count * sizeof *items);
	int64_t *sums = room_to_read(scene, dice, count * sizeof *sums), sum = 0;
	for (size_t i = 0; i < count; i++)
		items[i] = (int32_t)roll(dice, UINT32_MAX);
	int result = exclusive ? kin_scan_sum_exclusive_i32(scene->pool, items, count, sums)
			       : kin_scan_sum_i32(scene->pool, items, count, sums);
	result = settle(scene, result, 0, "kin_scan_sum_i32");
	for (size_t i = 0; i < count && result == 0; i++) {
		int64_t want = exclusive ? sum : sum + items[i];
		sum += items[i];
		result = verdict(expect(sums[i] == want, "kin_scan_sum_i32: item %zu of %zu", i, count));
	}
	room_free(sums);
	room_free(items);
	return result;
}
