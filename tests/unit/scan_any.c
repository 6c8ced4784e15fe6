/* Scans with operators of any kind: that do not commute, that round, that stop; on threads and processes. */
#include "sorting.h"

#include <kin/scan.h>

static struct sorting_pool pools[SORTING_POOLS];

/* Affine maps x -> a * x + b, modulo 2^32: combining is associative, and does not commute. Any number may follow. */
struct map {
	uint32_t a, b;
};

static int then(void *into, const void *from, void *arg)
{
	struct map first, second;
	memcpy(&first, into, sizeof first);
	memcpy(&second, from, sizeof second);
	first = (struct map){ first.a * second.a, first.b * second.a + second.b };
	memcpy(into, &first, sizeof first);
	return 0;
}

static void make_maps(char *items, size_t size, size_t count)
{
	uint64_t state = count;
	for (size_t i = 0; i < count; i++) {
		struct map map = { (uint32_t)sorting_random(&state) | 1, (uint32_t)sorting_random(&state) };
		memset(items + i * size, 0, size);
		memcpy(items + i * size, &map, sizeof map);
	}
}

static void scan_slowly(const char *items, size_t count, char *results, const struct kin_scan *scan)
{
	const size_t size = scan->item_size;
	char *state = calloc(1, size);
	if (scan->initial)
		memcpy(state, scan->initial, size);
	for (size_t i = 0; i < count; i++) {
		if (scan->exclusive)
			memcpy(results + i * size, state, size);
		if (!i && !scan->exclusive && !scan->initial)
			memcpy(state, items, size);
		else
			then(state, items + i * size, NULL);
		if (!scan->exclusive)
			memcpy(results + i * size, state, size);
	}
	free(state);
}

static bool is_right(struct kin_pool *pool, size_t count, const struct kin_scan *scan)
{
	const size_t bytes = count * scan->item_size;
	char *items = malloc(bytes + 1), *wanted = malloc(bytes + 1), *results = malloc(bytes + 1);
	make_maps(items, scan->item_size, count);
	scan_slowly(items, count, wanted, scan);
	results[bytes] = 'x';
	bool right = kin_scan(pool, items, count, results, scan) == 0 && memcmp(results, wanted, bytes) == 0;
	right = right && results[bytes] == 'x';
	right = right && kin_scan(pool, items, count, items, scan) == 0 && memcmp(items, wanted, bytes) == 0;
	if (!right)
		tap_note("%zu items of %zu bytes, grain %zu", count, scan->item_size, scan->grain);
	free(items);
	free(wanted);
	free(results);
	return right;
}

static void test_maps(const struct sorting_pool *pool)
{
	static const size_t counts[] = { 0, 1, 2, 3, 100, 255, 256, 257, 511, 512, 513, 5000, 70000 };
	static const size_t sizes[] = { 8, 12, 256, 257, 1000 }, grains[] = { 0, 1, 7, 100000 };
	char initial[1000] = { 3, 1, 4, 1, 5, 9, 2, 6 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		int wrong = 0;
		for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
			for (int how = 0; how < 4; how++) {
				struct kin_scan scan = {
					.item_size = sizes[s], .combine = then, .exclusive = how % 2
				};
				scan.initial = how / 2 ? initial : NULL;
				scan.grain = grains[(c + (size_t)how) % 4];
				if (counts[c] * sizes[s] < 600000 && !(scan.grain == 1 && counts[c] > 600))
					wrong += !is_right(pool->pool, counts[c], &scan);
			}
		tap_ok(wrong == 0, "items of %zu bytes, on %s", sizes[s], pool->name);
	}
}

/* --- an operator that rounds --- */

static int add(void *into, const void *from, void *arg)
{
	*(double *)into += *(const double *)from;
	return 0;
}

/* Chunks, then the states of chunks, then chunks again, each beginning with what is before it. */
static void sum_as_documented(const double *items, size_t count, double *sums, size_t grain)
{
	double before = 0;
	for (size_t begin = 0; begin < count; begin += grain) {
		size_t end = count - begin < grain ? count : begin + grain;
		double state = before, own = items[begin];
		for (size_t i = begin; i < end; i++)
			sums[i] = state = i ? state + items[i] : items[0];
		for (size_t i = begin + 1; i < end; i++)
			own += items[i];
		before = begin ? before + own : own;
	}
}

static void test_bits(void)
{
	const size_t count = 30000;
	double *items = malloc(count * 8), *wanted = malloc(count * 8), *sums = malloc(count * 8);
	uint64_t state = 5;
	struct kin_scan scan = { .size = sizeof scan, .item_size = 8, .combine = add };
	for (size_t i = 0; i < count; i++)
		items[i] = (double)sorting_random(&state) / (double)(1 + sorting_random(&state) % 1000);
	for (int i = 0; i < 2 * SORTING_POOLS; i++) {
		scan.grain = i % 2 ? 100 : 0;
		sum_as_documented(items, count, wanted, i % 2 ? 100 : 256);
		int result = kin_scan(pools[i / 2].pool, items, count, sums, &scan);
		tap_ok(result == 0 && memcmp(sums, wanted, count * 8) == 0, "the documented bits, on %s",
			pools[i / 2].name);
	}
	free(items);
	free(wanted);
	free(sums);
}

/* --- operators that stop, and that are told something --- */

static int until(void *into, const void *from, void *arg)
{
	uint32_t number, *sum = into;
	memcpy(&number, from, sizeof number);
	*sum += number;
	return number == *(const uint32_t *)arg ? 7 : 0;
}

static void test_stop(const struct sorting_pool *pool)
{
	uint32_t items[5000], results[5000], stop = 4000;
	struct kin_scan scan = { .item_size = 4, .combine = until, .arg = &stop };
	for (uint32_t i = 0; i < 5000; i++)
		items[i] = i;
	tap_ok(kin_scan(pool->pool, items, 5000, results, &scan) == 7, "what combine returned, on %s",
		pool->name);
	stop = 5000;
	tap_ok(kin_scan(pool->pool, items, 5000, results, &scan) == 0 && results[4999] == 4999 * 5000 / 2,
		"an argument in private memory, on %s", pool->name);
}

static void test_shared(const struct sorting_pool *pool)
{
	const size_t count = 3000;
	void *memory;
	struct kin_scan scan = { .item_size = sizeof(struct map), .combine = then };
	if (kin_shared_alloc(&memory, 2 * count * sizeof(struct map)) < 0)
		return;
	struct map *items = memory, *results = items + count, *wanted = malloc(count * sizeof *wanted);
	make_maps(memory, sizeof *items, count);
	scan_slowly(memory, count, (char *)wanted, &scan);
	int result = kin_scan(pool->pool, items, count, results, &scan);
	tap_ok(result == 0 && memcmp(results, wanted, count * sizeof *wanted) == 0, "shared memory, on %s",
		pool->name);
	result = kin_scan(pool->pool, items, count, items, &scan);
	tap_ok(result == 0 && memcmp(items, wanted, count * sizeof *wanted) == 0, "... over itself, on %s",
		pool->name);
	free(wanted);
	kin_shared_free(memory);
}

static void test_bad(void)
{
	double items[8] = { 0 };
	struct kin_scan good = { .item_size = 8, .combine = add }, bad = good;
	tap_is_int(kin_scan(NULL, items, 8, items, NULL), -EINVAL, "no scan");
	bad.item_size = 0;
	tap_is_int(kin_scan(NULL, items, 8, items, &bad), -EINVAL, "items of no size");
	bad = good;
	bad.combine = NULL;
	tap_is_int(kin_scan(NULL, items, 8, items, &bad), -EINVAL, "no operator");
	bad = good;
	bad.size = 3;
	tap_is_int(kin_scan(NULL, items, 8, items, &bad), -EINVAL, "another version's scan");
	tap_is_int(kin_scan(NULL, NULL, 8, items, &good), -EINVAL, "no items");
	tap_is_int(kin_scan(NULL, items, 8, NULL, &good), -EINVAL, "no results");
	tap_is_int(kin_scan(NULL, items, 4, items + 1, &good), -EINVAL, "results that overlap items");
	tap_is_int(kin_scan(NULL, items, SIZE_MAX / 4, items, &good), -EOVERFLOW, "too many items");
	tap_is_int(kin_scan(NULL, NULL, 0, NULL, &good), 0, "nothing at all");
}

int main(void)
{
	sorting_pools(pools);
	for (int i = 0; i < SORTING_POOLS; i++) {
		test_maps(&pools[i]);
		test_stop(&pools[i]);
		test_shared(&pools[i]);
	}
	test_bits();
	test_bad();
	sorting_pools_end(pools);
	return tap_done();
}
