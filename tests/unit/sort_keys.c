/* Sorting by numeric keys: every type, size and shape against a slow sort, on threads and on processes. */
#include "sorting.h"

#include <math.h>
#include <sys/resource.h>

static struct sorting_pool pools[SORTING_POOLS];

static const enum kin_type types[] = { KIN_I8, KIN_I16, KIN_I32, KIN_I64, KIN_U8, KIN_U16, KIN_U32, KIN_U64,
	KIN_F32, KIN_F64 };
enum { TYPES = sizeof types / sizeof *types };

static size_t width_of(enum kin_type type)
{
	static const size_t widths[] = { [KIN_I8] = 1,
		[KIN_I16] = 2,
		[KIN_I32] = 4,
		[KIN_I64] = 8,
		[KIN_U8] = 1,
		[KIN_U16] = 2,
		[KIN_U32] = 4,
		[KIN_U64] = 8,
		[KIN_F32] = 4,
		[KIN_F64] = 8 };
	return widths[type];
}

/* --- the order as documented, written in the plainest way --- */

static int compare_floats(double a, double b)
{
	if (isnan(a) || isnan(b))
		return !!isnan(a) - !!isnan(b);
	if (a == 0 && b == 0)
		return !!signbit(b) - !!signbit(a);
	return (a > b) - (a < b);
}

#define COMPARE_WHOLE(item) \
	{ \
		item x, y; \
		memcpy(&x, a, sizeof x); \
		memcpy(&y, b, sizeof y); \
		return (x > y) - (x < y); \
	}

static int compare_numbers(const char *a, const char *b, enum kin_type type)
{
	float f, g;
	double d, e;
	switch (type) {
	case KIN_I8:
		COMPARE_WHOLE(int8_t)
	case KIN_I16:
		COMPARE_WHOLE(int16_t)
	case KIN_I32:
		COMPARE_WHOLE(int32_t)
	case KIN_I64:
		COMPARE_WHOLE(int64_t)
	case KIN_U8:
		COMPARE_WHOLE(uint8_t)
	case KIN_U16:
		COMPARE_WHOLE(uint16_t)
	case KIN_U32:
		COMPARE_WHOLE(uint32_t)
	case KIN_U64:
		COMPARE_WHOLE(uint64_t)
	case KIN_F32:
		memcpy(&f, a, sizeof f);
		memcpy(&g, b, sizeof g);
		return compare_floats((double)f, (double)g);
	case KIN_F64:
		memcpy(&d, a, sizeof d);
		memcpy(&e, b, sizeof e);
		return compare_floats(d, e);
	}
	return 0;
}

static int compare_records(const void *a, const void *b, void *arg)
{
	const struct kin_sort_key *key = arg;
	int order = compare_numbers(
		(const char *)a + key->key_offset, (const char *)b + key->key_offset, key->key_type);
	return key->descending ? -order : order;
}

/* --- input --- */

/*
 * Half of the floats are made from numbers, the others from bits: NaNs, infinities and zeros of both signs among
 * them.
 */
static void write_number(char *to, enum kin_type type, uint64_t number, uint64_t random)
{
	static const double odd[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, -NAN, 1.0, -1.0 };
	float f = random % 64 ? (float)(int64_t)number : (float)odd[random / 64 % 8];
	double d = random % 64 ? (double)(int64_t)number : odd[random / 64 % 8];
	if (type == KIN_F32 && random & 1 << 20)
		memcpy(to, &f, sizeof f);
	else if (type == KIN_F64 && random & 1 << 20)
		memcpy(to, &d, sizeof d);
	else
		memcpy(to, &number, width_of(type)); // the low bytes
}

/* Records whose other bytes tell them apart. The caller frees them. */
static char *make_records(const struct kin_sort_key *key, size_t count, int shape)
{
	uint64_t state = count + (uint64_t)shape;
	char *records = malloc(count * key->size + 1);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < key->size; j++)
			records[i * key->size + j] = (char)(i >> (j & 1) * 8);
		uint64_t number = sorting_number(shape, i, count, &state);
		if (width_of(key->key_type) < 8 && shape == SORTING_RANDOM)
			number = number >> 13;
		write_number(records + i * key->size + key->key_offset, key->key_type, number,
			shape == SORTING_UP || shape == SORTING_DOWN ? 1 << 20 | 1 : sorting_random(&state));
	}
	return records;
}

/* --- checks; they count what is wrong, as there are thousands --- */

static bool is_right(struct kin_pool *pool, const struct kin_sort_key *key, size_t count, int shape)
{
	char *records = make_records(key, count, shape);
	size_t *order = sorting_order(records, key->size, count, compare_records, (void *)key);
	size_t *index = malloc((count + 1) * sizeof *index);
	char *wanted = sorting_arrange(records, key->size, count, order);
	bool right = kin_sort_keys_index(pool, records, count, key, index) == 0;
	right = right && memcmp(index, order, count * sizeof *index) == 0;
	right = right && kin_sort_keys(pool, records, count, key) == 0;
	right = right && memcmp(records, wanted, count * key->size) == 0;
	if (!right)
		tap_note("type %d at %zu of %zu bytes, %zu records, shape %d", key->key_type, key->key_offset,
			key->size, count, shape);
	free(records);
	free(order);
	free(index);
	free(wanted);
	return right;
}

static void test_small(void)
{
	for (int t = 0; t < TYPES; t++) {
		int wrong = 0;
		struct kin_sort_key key = { .size = width_of(types[t]), .key_type = types[t] };
		for (size_t count = 0; count <= 200; count += sorting_is_slow() ? 19 : 1) {
			key.descending = count % 3 == 2;
			wrong += !is_right(NULL, &key, count, (int)(count % SORTING_SHAPES));
			wrong += !is_right(NULL, &key, count, SORTING_RANDOM);
		}
		tap_is_int(wrong, 0, "0 to 200 numbers of each type");
	}
}

/* The numbers of items around which the sort goes another way. */
static void test_boundaries(void)
{
	static const size_t bytes[] = { 2048, 128 << 10, 256 << 10, 1 << 20 };
	static const enum kin_type some[] = { KIN_I16, KIN_F32, KIN_U64 };
	int wrong = 0;
	for (size_t t = 0; t < sizeof some / sizeof *some; t++) {
		struct kin_sort_key key = { .size = width_of(some[t]), .key_type = some[t] };
		for (size_t b = 0; b < sizeof bytes / sizeof *bytes; b++)
			for (int off = -1; off <= 1; off++)
				if (bytes[b] / key.size < 150000)
					wrong += !is_right(NULL, &key, bytes[b] / key.size + (size_t)off,
						(t + b) % 2 ? SORTING_WIDE : SORTING_RANDOM);
	}
	tap_is_int(wrong, 0, "numbers of items around inner boundaries");
}

static void test_shapes(const struct sorting_pool *pool, size_t count)
{
	static const struct kin_sort_key keys[] = {
		{ 8, 0, KIN_U64, false },
		{ 4, 0, KIN_I32, false },
		{ 8, 0, KIN_F64, true },
		{ 16, 8, KIN_I64, false },
	};
	for (int shape = 0; shape < SORTING_SHAPES; shape += sorting_is_slow() ? 4 : 1) {
		int wrong = 0;
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			wrong += !is_right(pool->pool, &keys[i], count, shape);
		tap_ok(wrong == 0, "shape %d, %zu records, on %s", shape, count, pool->name);
	}
}

/* Every place a key can be in, records of every size. */
static void test_records(const struct sorting_pool *pool)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 8, 12, 16, 17, 100, 1000 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s += sorting_is_slow() ? 4 : 1) {
		int wrong = 0;
		for (int t = 0; t < TYPES; t++) {
			size_t width = width_of(types[t]);
			for (size_t offset = 0; offset + width <= sizes[s] && offset < 17;
				offset += offset < 9 ? 3 : 7) {
				struct kin_sort_key key = { sizes[s], offset, types[t], offset % 2 };
				wrong += !is_right(pool->pool, &key, 150 + offset, SORTING_FEW);
				wrong += !is_right(pool->pool, &key, 400 + offset, SORTING_WIDE);
			}
		}
		tap_ok(wrong == 0, "records of %zu bytes, on %s", sizes[s], pool->name);
	}
	struct kin_sort_key large[] = { { 12, 4, KIN_F64, false }, { 100, 50, KIN_I32, true },
		{ 16, 5, KIN_U32, false }, { 1, 0, KIN_I8, true }, { 2, 0, KIN_U16, false } };
	for (size_t i = 0; i < sizeof large / sizeof *large && !sorting_is_slow(); i++)
		tap_ok(is_right(pool->pool, &large[i], 20000, SORTING_RANDOM),
			"20,000 records of %zu bytes, on %s", large[i].size, pool->name);
}

#define TEST_TYPED(name, item) \
	{ \
		item numbers[] = { 3, 1, 2, 0 }; \
		int result = kin_sort_##name(NULL, numbers, 4); \
		tap_ok(result == 0 && numbers[0] == 0 && numbers[1] == 1 && numbers[3] == 3, \
			"kin_sort_" #name); \
	}

static void test_typed(void)
{
	TEST_TYPED(i8, int8_t)
	TEST_TYPED(i16, int16_t)
	TEST_TYPED(i32, int32_t)
	TEST_TYPED(i64, int64_t)
	TEST_TYPED(u8, uint8_t)
	TEST_TYPED(u16, uint16_t)
	TEST_TYPED(u32, uint32_t)
	TEST_TYPED(u64, uint64_t)
	TEST_TYPED(f32, float)
	TEST_TYPED(f64, double)
}

/* Memory that does not begin at a cache line, as a part of an array does not. */
static void test_unaligned(const struct sorting_pool *pool)
{
	const size_t count = sorting_is_slow() ? 20000 : 200000;
	struct kin_sort_key key = { .size = 8, .key_type = KIN_U64 };
	char *records = make_records(&key, count, SORTING_TWO_ENDS), *memory = malloc((count + 1) * 8);
	size_t *order = sorting_order(records, 8, count, compare_records, &key);
	char *wanted = sorting_arrange(records, 8, count, order);
	memcpy(memory + 3, records, count * 8);
	memory[0] = memory[1] = memory[2] = memory[count * 8 + 3] = 'x';
	tap_ok(kin_sort_keys(pool->pool, memory + 3, count, &key) == 0, "an array at an odd address");
	tap_ok(memcmp(memory + 3, wanted, count * 8) == 0, "... is sorted, on %s", pool->name);
	tap_ok(memory[0] == 'x' && memory[2] == 'x' && memory[count * 8 + 3] == 'x',
		"... and nothing beside it");
	free(records);
	free(memory);
	free(order);
	free(wanted);
}

static void test_shared(const struct sorting_pool *pool)
{
	const size_t count = sorting_is_slow() ? 20000 : 200000;
	void *memory;
	uint64_t *numbers, state = 1, wrong = 0;
	if (kin_shared_alloc(&memory, count * sizeof *numbers) < 0)
		return;
	numbers = memory;
	for (size_t i = 0; i < count; i++)
		numbers[i] = sorting_random(&state);
	tap_is_int(kin_sort_u64(pool->pool, numbers, count), 0, "an array in shared memory");
	for (size_t i = 1; i < count; i++)
		wrong += numbers[i] < numbers[i - 1];
	tap_ok(wrong == 0, "... is sorted, on %s", pool->name);
	kin_shared_free(memory);
}

/* --- what cannot be sorted --- */

static void test_bad(void)
{
	uint64_t numbers[2] = { 2, 1 };
	size_t index[2];
	struct kin_sort_key good = { .size = 8, .key_type = KIN_U64 };
	struct kin_sort_key bad[] = { { 0, 0, KIN_U64, false }, { 8, 1, KIN_U64, false },
		{ 7, 0, KIN_U64, false }, { 8, SIZE_MAX, KIN_U8, false }, { 8, 0, (enum kin_type)0, false },
		{ 8, 0, (enum kin_type)99, false } };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		tap_ok(kin_sort_keys(NULL, numbers, 2, &bad[i]) == -EINVAL &&
				kin_sort_keys_index(NULL, numbers, 2, &bad[i], index) == -EINVAL,
			"bad key %zu", i);
	tap_is_int(kin_sort_keys(NULL, numbers, 2, NULL), -EINVAL, "no key");
	tap_is_int(kin_sort_keys(NULL, NULL, 2, &good), -EINVAL, "no records");
	tap_is_int(kin_sort_keys_index(NULL, numbers, 2, &good, NULL), -EINVAL, "no index");
	tap_is_int(kin_sort_keys(NULL, NULL, 0, &good), 0, "no records, none of them");
	tap_is_int(kin_sort_keys_index(NULL, NULL, 0, &good, NULL), 0, "an index of none");
	tap_is_int(kin_sort_keys(NULL, numbers, SIZE_MAX / 8 + 1, &good), -EOVERFLOW,
		"more than there is memory");
	tap_ok(numbers[0] == 2 && numbers[1] == 1, "nothing was moved");
}

/* Without memory for another array the array stays as it is. */
static void test_no_memory(size_t size)
{
	const size_t count = ((size_t)64 << 20) / size;
	tap_ok(true, "without memory, records of %zu bytes", size);
	pid_t child = fork();
	if (!child) {
		struct kin_sort_key key = { .size = size, .key_type = KIN_U32 };
		char *records = make_records(&key, count, SORTING_RANDOM), *copy = malloc(count * size);
		memcpy(copy, records, count * size);
		FILE *file = fopen("/proc/self/statm", "r");
		unsigned long pages = 0;
		if (!file || fscanf(file, "%lu", &pages) != 1)
			_exit(2);
		fclose(file);
		rlim_t most = pages * (rlim_t)4096 + (8 << 20);
		setrlimit(RLIMIT_AS, &(struct rlimit){ most, most });
		int result = kin_sort_keys(pools[1].pool, records, count, &key);
		_exit(result == -ENOMEM && memcmp(records, copy, count * size) == 0 ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	tap_is_int(status, 0, "-ENOMEM, and nothing is moved");
}

static bool has_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
	return false;
#endif
}

int main(void)
{
	sorting_pools(pools);
	test_small();
	if (!sorting_is_slow())
		test_boundaries();
	test_typed();
	for (int i = 0; i < SORTING_POOLS; i++) {
		test_shapes(&pools[i], sorting_is_slow() ? 17000 : i ? 35000 : 70000);
		test_unaligned(&pools[i]);
		test_shared(&pools[i]);
		if (i == 0 || i == 3)
			test_records(&pools[i]);
	}
	test_bad();
	if (has_sanitizer() || sorting_is_slow())
		tap_skip("no memory", "a sanitizer or valgrind needs addresses");
	else {
		test_no_memory(4);
		test_no_memory(100);
	}
	sorting_pools_end(pools);
	return tap_done();
}
