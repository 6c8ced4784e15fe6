/* Sorting by comparison: against a slow sort; comparisons that are no order; on threads and on processes. */
#include "sorting.h"

static struct sorting_pool pools[SORTING_POOLS];

/* The key of an item of any size: its first bytes, 4 at most. */
static int by_key(const void *a, const void *b, void *arg)
{
	size_t size = *(const size_t *)arg < 4 ? *(const size_t *)arg : 4;
	uint32_t x = 0, y = 0;
	memcpy(&x, a, size);
	memcpy(&y, b, size);
	return (x > y) - (x < y);
}

static char *make_items(size_t size, size_t count, int shape)
{
	uint64_t state = count + (uint64_t)shape;
	char *items = calloc(1, count * size + 1);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < size; j++)
			items[i * size + j] = (char)(i >> (j & 1) * 8);
		uint32_t number = (uint32_t)sorting_number(shape, i, count, &state);
		memcpy(items + i * size, &number, size < 4 ? size : 4);
	}
	return items;
}

static bool is_right(struct kin_pool *pool, size_t size, size_t count, int shape)
{
	char *items = make_items(size, count, shape);
	size_t *order = sorting_order(items, size, count, by_key, &size);
	size_t *index = calloc(1, (count + 1) * sizeof *index);
	char *wanted = sorting_arrange(items, size, count, order);
	bool was_sorted = memcmp(items, wanted, count * size) == 0;
	bool right = kin_is_sorted(pool, items, count, size, by_key, &size) == was_sorted;
	right = right && kin_sort_index(pool, items, count, size, by_key, &size, index) == 0;
	right = right && memcmp(index, order, count * sizeof *index) == 0;
	right = right && kin_sort(pool, items, count, size, by_key, &size) == 0;
	right = right && memcmp(items, wanted, count * size) == 0;
	right = right && kin_is_sorted(pool, items, count, size, by_key, &size) == 1;
	if (!right)
		tap_note("%zu items of %zu bytes, shape %d", count, size, shape);
	free(items);
	free(order);
	free(index);
	free(wanted);
	return right;
}

static void test_small(void)
{
	static const size_t sizes[] = { 1, 3, 4, 8, 12, 16, 24, 64, 65, 100, 1000 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		int wrong = 0;
		for (size_t count = 0; count <= 200; count += sorting_is_slow() ? 19 : 1) {
			wrong += !is_right(NULL, sizes[s], count, (int)(count % SORTING_SHAPES));
			wrong += !is_right(NULL, sizes[s], count, SORTING_RANDOM);
		}
		tap_ok(wrong == 0, "0 to 200 items of %zu bytes", sizes[s]);
	}
}

/* One run, two, three; a last run of one item. */
static void test_boundaries(void)
{
	static const size_t runs[] = { 1, 2, 3, 4, 5, 8, 16, 31, 32, 33 };
	int wrong = 0;
	for (size_t r = 0; r < sizeof runs / sizeof *runs; r++)
		for (int off = -1; off <= 1; off++)
			wrong += !is_right(NULL, 4, runs[r] * 256 + (size_t)off, SORTING_RANDOM);
	tap_is_int(wrong, 0, "numbers of items around multiples of a run");
}

static void test_shapes(const struct sorting_pool *pool, size_t count)
{
	for (int shape = 0; shape < SORTING_SHAPES; shape += sorting_is_slow() ? 4 : 1)
		tap_ok(is_right(pool->pool, 4, count, shape) &&
				is_right(pool->pool, 12, count / 2 + 1, shape),
			"shape %d, %zu items, on %s", shape, count, pool->name);
	static const size_t sizes[] = { 1, 3, 8, 16, 64, 100, 1000 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		tap_ok(is_right(pool->pool, sizes[s], 2000, SORTING_WIDE), "2,000 items of %zu bytes, on %s",
			sizes[s], pool->name);
}

/* --- comparisons that are none --- */

static int at_random(const void *a, const void *b, void *arg)
{
	static _Thread_local uint64_t state;
	return (int)(sorting_random(&state) % 3) - 1;
}

static int always_before(const void *a, const void *b, void *arg)
{
	return -1;
}

static int always_after(const void *a, const void *b, void *arg)
{
	return 1;
}

/* Paper, scissors, stone. */
static int in_a_circle(const void *a, const void *b, void *arg)
{
	uint32_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (int)((x % 3 + 4 - y % 3) % 3) - 1;
}

/* Whatever is answered, each item is there once. */
static void test_no_order(const struct sorting_pool *pool)
{
	static kin_compare *const compares[] = { at_random, always_before, always_after, in_a_circle };
	static const size_t sizes[] = { 4, 12, 80 };
	const size_t count = sorting_is_slow() ? 1000 : 20000;
	for (size_t c = 0; c < sizeof compares / sizeof *compares; c++) {
		bool right = true;
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
			char *items = calloc(count, sizes[s]), *seen = calloc(count, 1);
			for (uint32_t i = 0; i < count; i++)
				memcpy(items + i * sizes[s], &i, sizeof i);
			right &= kin_sort(pool->pool, items, count, sizes[s], compares[c], NULL) == 0;
			for (size_t i = 0; i < count; i++) {
				uint32_t number;
				memcpy(&number, items + i * sizes[s], sizeof number);
				right &= number < count && !seen[number]++;
			}
			free(items);
			free(seen);
		}
		tap_ok(right, "comparison %zu, which is no order, loses nothing, on %s", c, pool->name);
	}
}

/* --- what needs little --- */

static _Atomic unsigned long calls;

static int counted(const void *a, const void *b, void *arg)
{
	calls++;
	return by_key(a, b, arg);
}

static void test_comparisons(void)
{
	const size_t count = 100000;
	size_t size = 4;
	static const struct {
		int shape;
		double most; // comparisons for each item
		const char *what;
	} cases[] = { { SORTING_UP, 1.01, "in order" }, { SORTING_EQUAL, 1.01, "equal" },
		{ SORTING_DOWN, 1.01, "in reverse order" }, { SORTING_RANDOM, 18.7, "in no order" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *items = make_items(size, count, cases[i].shape);
		calls = 0;
		kin_sort(pools[2].pool, items, count, size, counted, &size);
		tap_ok(calls <= cases[i].most * (double)count, "%zu items %s: %lu comparisons", count,
			cases[i].what, calls);
		free(items);
	}
}

static void test_shared(const struct sorting_pool *pool)
{
	const size_t count = 30000;
	void *memory;
	uint64_t state = 1;
	if (kin_shared_alloc(&memory, count * 4 + sizeof(size_t)) < 0)
		return;
	uint32_t *items = memory;
	size_t *size = (size_t *)(void *)(items + count);
	*size = 4;
	for (size_t i = 0; i < count; i++)
		items[i] = (uint32_t)sorting_random(&state);
	tap_is_int(
		kin_is_sorted(pool->pool, items, count, 4, by_key, size), 0, "shared memory, not in order");
	tap_is_int(kin_sort(pool->pool, items, count, 4, by_key, size), 0, "... is sorted");
	tap_ok(kin_is_sorted(pool->pool, items, count, 4, by_key, size) == 1,
		"... and is now in order, on %s", pool->name);
	kin_shared_free(memory);
}

static void test_bad(void)
{
	size_t size = 4, index[2];
	uint32_t items[2] = { 2, 1 };
	tap_is_int(kin_sort(NULL, NULL, 2, 4, by_key, &size), -EINVAL, "no items");
	tap_is_int(kin_sort(NULL, items, 2, 0, by_key, &size), -EINVAL, "items of no size");
	tap_is_int(kin_sort(NULL, items, 2, 4, NULL, &size), -EINVAL, "no comparison");
	tap_is_int(kin_sort(NULL, items, SIZE_MAX / 2, 4, by_key, &size), -EOVERFLOW, "too many items");
	tap_is_int(kin_sort(NULL, NULL, 0, 4, by_key, &size), 0, "none of no items");
	tap_is_int(kin_sort_index(NULL, items, 2, 4, by_key, &size, NULL), -EINVAL, "no index");
	tap_is_int(kin_sort_index(NULL, items, 2, 0, by_key, &size, index), -EINVAL,
		"an index of items of no size");
	tap_is_int(kin_sort_index(NULL, items, SIZE_MAX / 4, 4, by_key, &size, index), -EOVERFLOW,
		"too large an index");
	tap_is_int(kin_sort_index(NULL, NULL, 0, 4, by_key, &size, NULL), 0, "an index of none");
	tap_is_int(kin_is_sorted(NULL, NULL, 2, 4, by_key, &size), -EINVAL, "are no items sorted");
	tap_is_int(kin_is_sorted(NULL, NULL, 0, 4, by_key, &size), 1, "none are");
	tap_ok(items[0] == 2 && items[1] == 1, "nothing was moved");
}

int main(void)
{
	sorting_pools(pools);
	test_small();
	if (!sorting_is_slow())
		test_boundaries();
	for (int i = 0; i < SORTING_POOLS; i++) {
		test_shapes(&pools[i], sorting_is_slow() ? 2000 : i ? 15000 : 40000);
		test_no_order(&pools[i]);
		test_shared(&pools[i]);
	}
	test_comparisons();
	test_bad();
	sorting_pools_end(pools);
	return tap_done();
}
