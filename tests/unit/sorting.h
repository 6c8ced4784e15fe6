/**
 * sorting.h: numbers to sort, a slow and stable sort to compare with, and pools to sort on.
 */
#ifndef KIN_TESTS_SORTING_H
#define KIN_TESTS_SORTING_H

#include <kin/shm.h>
#include <kin/sort.h>

#include "tap.h"

#include <stdlib.h>
#include <string.h>

/** Whether everything takes fifty times as long, and a sample has to do: under valgrind. */
TAP_MAY_BE_UNUSED static bool sorting_is_slow(void)
{
	const char *preload = getenv("LD_PRELOAD");
	return preload && strstr(preload, "vgpreload");
}

/** What a test runs on. */
struct sorting_pool {
	const char *name;
	struct kin_pool *pool;
};

enum { SORTING_POOLS = 4 };

/** Fill pools: the default one, one thread, three, and two processes, which are threads under valgrind. */
TAP_MAY_BE_UNUSED static void sorting_pools(struct sorting_pool *pools)
{
	static const struct kin_pool_options options[SORTING_POOLS] = {
		{ 0 },
		{ .workers = 1 },
		{ .workers = 3 },
		{ .workers = 2, .kind = KIN_PROCESSES },
	};
	static const char *const names[SORTING_POOLS] = { "the default pool", "one thread", "three threads",
		"two processes" };
	// libkin keeps one descriptor of shared memory, from when it is first used.
	void *memory = NULL;
	tap_ok(kin_shared_alloc(&memory, 1) == 0, "there is shared memory");
	kin_shared_free(memory);
	tap.descriptors = tap_count_descriptors();
	for (int i = 0; i < SORTING_POOLS; i++) {
		struct kin_pool_options how = options[i];
		bool replaced = how.kind == KIN_PROCESSES && sorting_is_slow();
		how.kind = replaced ? KIN_THREADS : how.kind;
		pools[i] = (struct sorting_pool){ .name = replaced ? "two threads" : names[i] };
		if (i)
			tap_ok(kin_pool_create(&pools[i].pool, &how) == 0, "a pool: %s", pools[i].name);
	}
}

TAP_MAY_BE_UNUSED static void sorting_pools_end(struct sorting_pool *pools)
{
	for (int i = 0; i < SORTING_POOLS; i++)
		kin_pool_destroy(pools[i].pool);
}

/** The next of a series of random numbers (splitmix64: S. Vigna). */
TAP_MAY_BE_UNUSED static uint64_t sorting_random(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/** Shapes of input; see sorting_number. */
enum {
	SORTING_RANDOM,
	SORTING_FEW,
	SORTING_EQUAL,
	SORTING_UP,
	SORTING_DOWN,
	SORTING_PIPE,
	SORTING_NEARLY,
	SORTING_WIDE, // every order of magnitude
	SORTING_OUTLIERS, // all close together but for a few
	SORTING_TWO_ENDS, // most of them one of two values, the others between
	SORTING_SHAPES,
};

/** Number i of count of a shape. */
TAP_MAY_BE_UNUSED static uint64_t sorting_number(int shape, size_t i, size_t count, uint64_t *state)
{
	uint64_t random = sorting_random(state);
	switch (shape) {
	case SORTING_FEW:
		return random % 7 * 0x0101010101010101u;
	case SORTING_EQUAL:
		return 0x8182838485868788u;
	case SORTING_UP:
		return i * 3;
	case SORTING_DOWN:
		return (count - i) * 3;
	case SORTING_PIPE:
		return i < count / 2 ? i : count - i;
	case SORTING_NEARLY:
		return random % 100 ? i * 10 : random % (count * 10 + 1);
	case SORTING_WIDE:
		return random >> (random & 63);
	case SORTING_OUTLIERS:
		return random % 5000 ? random >> 40 : random;
	case SORTING_TWO_ENDS:
		return random % 16 ? random % 2 ? UINT64_MAX - 5 : 3 : random;
	}
	return random;
}

/** Compare items by what arg points to; see sorting_merge. */
typedef int sorting_compare(const void *a, const void *b, void *arg);

/** A plain stable merge sort of indexes. room: count indexes too. */
TAP_MAY_BE_UNUSED static void sorting_merge(const char *items, size_t size, size_t *index, size_t count,
	size_t *room, sorting_compare *compare, void *arg)
{
	size_t half = count / 2, a = 0, b = half;
	if (count < 2)
		return;
	sorting_merge(items, size, index, half, room, compare, arg);
	sorting_merge(items, size, index + half, count - half, room, compare, arg);
	for (size_t i = 0; i < count; i++) {
		bool from_b = a == half || (b < count && compare(items + index[b] * size,
								 items + index[a] * size, arg) < 0);
		room[i] = from_b ? index[b++] : index[a++];
	}
	memcpy(index, room, count * sizeof *index);
}

/** What is first in order is items[index[0]]. The caller frees the result. */
TAP_MAY_BE_UNUSED static size_t *sorting_order(
	const void *items, size_t size, size_t count, sorting_compare *compare, void *arg)
{
	size_t *index = malloc((2 * count + 1) * sizeof *index);
	for (size_t i = 0; i < count; i++)
		index[i] = i;
	sorting_merge(items, size, index, count, index + count, compare, arg);
	return index;
}

/** The items in an order. The caller frees the result. */
TAP_MAY_BE_UNUSED static void *sorting_arrange(
	const void *items, size_t size, size_t count, const size_t *index)
{
	char *arranged = malloc(count * size + 1);
	for (size_t i = 0; i < count; i++)
		memcpy(arranged + i * size, (const char *)items + index[i] * size, size);
	return arranged;
}

#endif
