/* Loops: every index once, chunks cut alike everywhere, the lowest error and the lowest hit, nesting. */
#include "pool_tools.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

struct pools {
	struct kin_pool *pool;
	enum kin_kind kind;
	unsigned workers;
};

static struct pools all[] = {
	{ .kind = KIN_THREADS, .workers = 1 },
	{ .kind = KIN_THREADS, .workers = 2 },
	{ .kind = KIN_THREADS, .workers = 3 },
	{ .kind = KIN_THREADS, .workers = 8 },
	{ .kind = KIN_PROCESSES, .workers = 1 },
	{ .kind = KIN_PROCESSES, .workers = 2 },
	{ .kind = KIN_PROCESSES, .workers = 5 },
};
#define POOLS (sizeof all / sizeof *all)

/* All of it in shared memory. */
struct record {
	_Atomic uint32_t calls, outside, sum_of_lengths;
	uint64_t boundaries; // a sum over all chunks that any other cut would change
	_Atomic uint64_t mixed;
	size_t begin, end;
	_Atomic uint8_t hits[70000];
};

static struct record *record;

static int note(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&record->calls, 1);
	if (begin >= end || begin < record->begin || end > record->end)
		atomic_fetch_add(&record->outside, 1);
	atomic_fetch_add(&record->mixed, (begin * 31 + end) * UINT64_C(0x9E3779B97F4A7C15) ^ end);
	for (size_t i = begin; i < end; i++)
		atomic_fetch_add(&record->hits[i - record->begin], 1);
	return 0;
}

static bool each_once(size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (record->hits[i] != 1)
			return false;
	return count == sizeof record->hits || record->hits[count] == 0;
}

static void clear(size_t begin, size_t end)
{
	memset(record, 0, sizeof *record);
	record->begin = begin;
	record->end = end;
}

/* The same range on all pools: each index once, and the same chunks. */
static void check_range(size_t begin, size_t count, size_t grain)
{
	uint64_t cut = 0;
	bool right = true, same = true;
	for (size_t p = 0; p < POOLS; p++)
		for (int private = 0; private <= (all[p].kind == KIN_PROCESSES); private ++) {
			clear(begin, begin + count);
			int result = kin_for(
				all[p].pool, begin, begin + count, grain, note, private ? NULL : record);
			right &= result == 0 && each_once(count) && record->outside == 0;
			if (p == 0)
				cut = record->mixed;
			same &= record->mixed == cut;
			if (!right || !same)
				tap_note("%s, %u workers, private %d: result %d, %u calls",
					tool_kinds[all[p].kind], all[p].workers, private, result,
					record->calls);
		}
	tap_ok(right, "%zu indexes from %zu, grain %zu: each once", count, begin, grain);
	tap_ok(same, "%zu indexes from %zu, grain %zu: the same chunks on all pools", count, begin, grain);
}

static void test_ranges(void)
{
	static const size_t counts[] = { 0, 1, 2, 3, 7, 64, 1023, 1024, 1025, 4099 };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		check_range(i * 17, counts[i], 0);
	check_range(5, 1000, 1);
	check_range(5, 1000, 7);
	check_range(0, 1000, 999);
	check_range(0, 1000, 5000);
	check_range(SIZE_MAX - 1000, 1000, 0);
	check_range(SIZE_MAX - 1000, 1000, 13);
	check_range(SIZE_MAX - 999, 999, SIZE_MAX);
	check_range(0, 20000, 1); // more chunks than steps on processes
}

static int count_call(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add((_Atomic uint64_t *)arg, end - begin);
	return 0;
}

static void test_huge(void)
{
	_Atomic uint64_t *total = engine_shared(sizeof *total);
	bool right = true;
	for (size_t p = 0; p < POOLS; p++) {
		atomic_store(total, 0);
		right &= kin_for(all[p].pool, 0, SIZE_MAX, 0, count_call, total) == 0 && *total == SIZE_MAX;
		atomic_store(total, 0);
		right &= kin_for(all[p].pool, 1, SIZE_MAX, SIZE_MAX / 3, count_call, total) == 0 &&
			 *total == SIZE_MAX - 1;
	}
	tap_ok(right, "a range as long as there can be");
	tap_is_int(kin_for(NULL, 0, SIZE_MAX, 1, count_call, total), -ENOMEM, "too many chunks are an error");
	kin_shared_free(total);
}

static int fail_at(size_t begin, size_t end, void *arg)
{
	const size_t *places = arg;
	for (size_t i = begin; i < end; i++)
		for (int p = 0; p < 3; p++)
			if (places[p] == i)
				return (int)(1000 + i);
	return 0;
}

static void test_errors(void)
{
	size_t *places = engine_shared(3 * sizeof *places);
	uint64_t state = 42;
	int wrong = 0;
	for (size_t p = 0; p < POOLS; p++)
		for (int round = 0; round < (all[p].kind == KIN_THREADS ? 100 : 20); round++) {
			size_t lowest = SIZE_MAX;
			for (int i = 0; i < 3; i++) {
				places[i] = tool_random(&state) % 500;
				lowest = places[i] < lowest ? places[i] : lowest;
			}
			size_t *private = places;
			size_t copy[3] = { places[0], places[1], places[2] };
			if (round % 5 == 4)
			private = copy;
			wrong += kin_for(all[p].pool, 0, 500, 1 + round % 3, fail_at, private) !=
				 (int)(1000 + lowest);
		}
	tap_is_int(wrong, 0, "the lowest chunk that fails gives the result");
	tap_is_int(kin_for(all[1].pool, 2, 1, 0, fail_at, places), -EINVAL, "begin after end");
	tap_is_int(kin_for(all[1].pool, 0, 1, 0, NULL, places), -EINVAL, "no body");
	kin_shared_free(places);
}

static int not_before(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&record->hits[begin], 1);
	return begin == 300 ? -7 : 0;
}

static int fail_early(size_t begin, size_t end, void *arg)
{
	/* However late its worker gets a CPU, the others do not run through the rest meanwhile. */
	atomic_fetch_add(&record->calls, 1);
	if (begin == 5) {
		atomic_store(&record->hits[0], 1);
		return -7;
	}
	while (begin > 5 && !atomic_load(&record->hits[0]))
		sched_yield();
	if (begin > 5)
		usleep(20);
	return 0;
}

static void test_what_stops(void)
{
	int missing = 0, results = 0;
	bool few = true;
	for (size_t p = 0; p < POOLS; p++) {
		clear(0, 1000);
		results += kin_for(all[p].pool, 0, 1000, 1, not_before, record) == -7;
		for (size_t i = 0; i <= 300; i++)
			missing += record->hits[i] != 1;
		clear(0, 0);
		results += kin_for(all[p].pool, 0, 1000000, 1, fail_early, record) == -7;
		few &= record->calls < 900000;
	}
	tap_is_int(results, 2 * POOLS, "a body's value comes back");
	tap_is_int(missing, 0, "chunks before the one that failed are all run");
	tap_ok(few, "not all of the others are");
}

/* --- two dimensions --- */

static int note_tile(const struct kin_tile *tile, void *arg)
{
	atomic_fetch_add(&record->calls, 1);
	for (size_t row = tile->row_begin; row < tile->row_end; row++)
		for (size_t column = tile->column_begin; column < tile->column_end; column++)
			atomic_fetch_add(&record->hits[(row - 10) * 101 + column - 20], 1);
	return 0;
}

static int fail_tile(const struct kin_tile *tile, void *arg)
{
	return tile->row_end > 50 && tile->column_end > 60
		       ? (int)(tile->row_begin * 1000 + tile->column_begin)
		       : 0;
}

static void test_tiles(void)
{
	struct kin_tile whole = { 10, 10 + 89, 20, 20 + 101 }, none = { 3, 3, 0, 9 };
	static const size_t grains[][2] = { { 0, 0 }, { 1, 1 }, { 10, 7 }, { 89, 1 }, { 500, 0 } };
	int wrong = 0, errors = 0;
	for (size_t p = 0; p < POOLS; p++) {
		for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
			clear(0, 0);
			wrong += kin_for_2d(all[p].pool, &whole, grains[g], note_tile, record) != 0;
			wrong += !each_once(89 * 101);
		}
		clear(0, 0);
		wrong += kin_for_2d(all[p].pool, &whole, NULL, note_tile, NULL) != 0 || !each_once(89 * 101);
		wrong += record->calls > 32 * 32;
		wrong += kin_for_2d(all[p].pool, &none, NULL, note_tile, record) != 0;
		errors += kin_for_2d(all[p].pool, &whole, grains[2], fail_tile, record) == 50 * 1000 + 55;
	}
	tap_is_int(wrong, 0, "tiles cover a rectangle once");
	tap_is_int(errors, POOLS, "the first tile that fails gives the result");
	struct kin_tile bad = { 2, 1, 0, 1 }, vast = { 0, SIZE_MAX, 0, SIZE_MAX };
	tap_is_int(kin_for_2d(all[0].pool, &bad, NULL, note_tile, NULL), -EINVAL, "a rectangle inside out");
	static const size_t one[2] = { 1, 1 };
	tap_is_int(kin_for_2d(all[1].pool, &vast, one, note_tile, NULL), -EOVERFLOW, "too many tiles");
}

/* --- map and find --- */

struct item {
	uint64_t square;
	uint8_t low;
};

static int square(size_t index, void *item, void *arg)
{
	struct item made = { index * index, (uint8_t)index };
	memcpy(item, &made, sizeof made);
	return arg && *(size_t *)arg == index ? -9 : 0;
}

static bool are_squares(const struct item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].square != i * i || items[i].low != (uint8_t)i)
			return false;
	return true;
}

static void test_map(void)
{
	enum { COUNT = 5000 };
	struct item *shared = engine_shared(COUNT * sizeof *shared), *own = calloc(COUNT, sizeof *own);
	size_t *stop = engine_shared(sizeof *stop);
	int right = 0, failed = 0;
	for (size_t p = 0; p < POOLS; p++) {
		*stop = SIZE_MAX;
		memset(shared, 0, COUNT * sizeof *shared);
		memset(own, 0, COUNT * sizeof *own);
		right += kin_map(all[p].pool, COUNT, shared, sizeof *shared, square, NULL) == 0 &&
			 are_squares(shared, COUNT);
		right += kin_map(all[p].pool, COUNT, own, sizeof *own, square, NULL) == 0 &&
			 are_squares(own, COUNT);
		memset(own, 0, COUNT * sizeof *own);
		right += kin_map(all[p].pool, COUNT, own, sizeof *own, square, stop) == 0 &&
			 are_squares(own, COUNT);
		*stop = 1234;
		failed += kin_map(all[p].pool, COUNT, own, sizeof *own, square, stop) == -9;
		right += kin_map(all[p].pool, 0, NULL, 1, square, NULL) == 0;
	}
	tap_is_int(right, 4 * POOLS, "kin_map fills shared and private arrays");
	tap_is_int(failed, POOLS, "kin_map gives the item's error");
	tap_is_int(kin_map(NULL, 1, own, 0, square, NULL), -EINVAL, "items of no bytes");
	tap_is_int(kin_map(NULL, SIZE_MAX, own, 2, square, NULL), -EOVERFLOW, "more bytes than there are");
	free(own);
	kin_shared_free(shared);
	kin_shared_free(stop);
}

struct hits {
	size_t first, second, error;
};

static int is_hit(size_t index, void *arg)
{
	const struct hits *hits = arg;
	return index == hits->error ? -77 : index == hits->first || index == hits->second;
}

static void test_find(void)
{
	struct hits *hits = engine_shared(sizeof *hits);
	uint64_t state = 7;
	int wrong = 0;
	for (size_t p = 0; p < POOLS; p++)
		for (int round = 0; round < (all[p].kind == KIN_THREADS ? 200 : 30); round++) {
			*hits = (struct hits){ 10 + tool_random(&state) % 6000,
				10 + tool_random(&state) % 6000,
				round % 4 ? SIZE_MAX : 10 + tool_random(&state) % 6000 };
			size_t lowest = hits->first < hits->second ? hits->first : hits->second, found = 1;
			int want = hits->error < lowest && hits->error < 5010 ? -77
				   : lowest < 5010                            ? 0
									      : -ENOENT;
			struct hits copy = *hits;
			int got = kin_find(all[p].pool, 10, 5010, is_hit, round % 5 ? hits : &copy, &found);
			wrong += got != want || found != (got == 0 ? lowest : 1);
		}
	tap_is_int(wrong, 0, "kin_find gives the lowest hit, or the error before it, or none");
	kin_shared_free(hits);
}

/* --- nesting --- */

struct nest {
	struct kin_pool *pools[3];
	_Atomic uint64_t sum;
	int depth;
	bool locks;
	pthread_mutex_t lock[6]; // one for each depth
};

struct level {
	struct nest *nest;
	int depth;
	size_t base;
};

static int nested(size_t begin, size_t end, void *arg)
{
	const struct level *level = arg;
	struct nest *nest = level->nest;
	for (size_t i = begin; i < end; i++) {
		if (level->depth == 0) {
			atomic_fetch_add(&nest->sum, level->base * 3 + i);
			continue;
		}
		struct level next = { nest, level->depth - 1, level->base * 3 + i };
		pthread_mutex_t *lock = nest->locks ? &nest->lock[level->depth] : NULL;
		if (lock)
			pthread_mutex_lock(lock);
		int result = kin_for(nest->pools[level->depth % 3], 0, 3, 1, nested, &next);
		if (lock)
			pthread_mutex_unlock(lock);
		if (result)
			return result;
	}
	return 0;
}

/* 3^(depth + 1) leaves, numbered from 0. */
static bool nest_once(struct nest *nest, int depth)
{
	uint64_t leaves = 3;
	for (int i = 0; i < depth; i++)
		leaves *= 3;
	struct level top = { nest, depth, 0 };
	atomic_store(&nest->sum, 0);
	int result = kin_for(nest->pools[0], 0, 3, 1, nested, &top);
	return result == 0 && nest->sum == leaves * (leaves - 1) / 2;
}

static void test_nesting(void)
{
	struct nest *nest = engine_shared(sizeof *nest);
	for (int i = 0; i < 6; i++)
		pthread_mutex_init(&nest->lock[i], NULL);
	for (int locks = 0; locks < 2; locks++) {
		int wrong = 0;
		nest->locks = locks;
		for (size_t p = 0; p < 4; p++) {
			nest->pools[0] = nest->pools[1] = nest->pools[2] = all[p].pool;
			for (int depth = 1; depth <= 5; depth++)
				wrong += !nest_once(nest, depth);
			nest->pools[1] = all[3 - p].pool;
			nest->pools[2] = NULL;
			for (int depth = 1; depth <= 5; depth++)
				wrong += !nest_once(nest, depth);
		}
		tap_is_int(wrong, 0, locks ? "calls with a lock held around them" : "calls inside calls");
	}
	nest->locks = false;
	int wrong = 0;
	nest->pools[0] = all[5].pool;
	nest->pools[1] = all[6].pool;
	nest->pools[2] = all[2].pool;
	for (int depth = 1; depth <= 4; depth++)
		wrong += !nest_once(nest, depth);
	nest->pools[0] = nest->pools[2] = all[2].pool;
	for (int depth = 1; depth <= 3; depth++)
		wrong += !nest_once(nest, depth);
	tap_is_int(wrong, 0, "threads call processes, and processes threads");
	kin_shared_free(nest);
}

/* --- several callers --- */

static int add(size_t begin, size_t end, void *arg)
{
	for (size_t i = begin; i < end; i++)
		atomic_fetch_add_explicit((_Atomic uint64_t *)arg, i, memory_order_relaxed);
	return 0;
}

struct caller {
	pthread_t thread;
	struct kin_pool *pool;
	_Atomic uint64_t *sum; // shared memory
	unsigned rounds, wrong;
};

static void *call_often(void *arg)
{
	struct caller *caller = arg;
	for (unsigned round = 0; round < caller->rounds; round++) {
		size_t count = 1 + round * 37 % 2000;
		atomic_store(caller->sum, 0);
		int result = kin_for(caller->pool, 0, count, round % 3 ? 0 : 5, add, caller->sum);
		caller->wrong += result != 0 || *caller->sum != (uint64_t)count * (count - 1) / 2;
	}
	return NULL;
}

static void test_callers(void)
{
	enum { CALLERS = 40 }; // more than a team has posts
	static struct caller callers[CALLERS];
	_Atomic uint64_t *sums = engine_shared(CALLERS * 64);
	for (size_t p = 1; p < POOLS; p++) {
		unsigned wrong = 0;
		for (unsigned i = 0; i < CALLERS; i++) {
			callers[i] = (struct caller){ .pool = all[p].pool, .sum = &sums[i * 8] };
			callers[i].rounds = all[p].kind == KIN_THREADS ? 60 : 20;
			pthread_create(&callers[i].thread, NULL, call_often, &callers[i]);
		}
		for (unsigned i = 0; i < CALLERS; i++) {
			pthread_join(callers[i].thread, NULL);
			wrong += callers[i].wrong;
		}
		tap_is_int(wrong, 0, "40 threads call one pool at a time");
	}
	kin_shared_free(sums);
}

int main(void)
{
	engine_begin();
	/* Before the pools: persistent workers know the variable as it is when they are forked. */
	record = engine_shared(sizeof *record);
	for (size_t p = 0; p < POOLS; p++)
		all[p].pool = tool_pool(all[p].kind, all[p].workers);
	test_ranges();
	test_huge();
	test_errors();
	test_what_stops();
	test_tiles();
	test_map();
	test_find();
	test_nesting();
	test_callers();
	kin_shared_free(record);
	for (size_t p = 0; p < POOLS; p++)
		kin_pool_destroy(all[p].pool);
	tap_done();
	return tap_child_status();
}
