/* kin_reduce: any state, in the order of the indexes, the same on all workers; errors, crashes, nesting. */
#include "pool_tools.h"

#include <kin/reduce.h>

#define POOLS 11
static struct {
	struct kin_pool *pool;
	enum kin_kind kind;
	unsigned workers;
} all[POOLS] = {
	{ .kind = KIN_THREADS, .workers = 1 },
	{ .kind = KIN_THREADS, .workers = 2 },
	{ .kind = KIN_THREADS, .workers = 3 },
	{ .kind = KIN_THREADS, .workers = 5 },
	{ .kind = KIN_THREADS, .workers = 16 },
	{ .kind = KIN_THREADS, .workers = 64 },
	{ .kind = KIN_PROCESSES, .workers = 1 },
	{ .kind = KIN_PROCESSES, .workers = 2 },
	{ .kind = KIN_PROCESSES, .workers = 5 },
	{ .kind = KIN_PROCESSES, .workers = 16 },
	{ .kind = KIN_PROCESSES, .workers = 64 },
};

static void *shared; // an argument that makes persistent workers do it

/* --- order: what is joined must be neighbours, and the lower one first --- */

struct stretch {
	size_t begin, end, parts;
	bool broken;
};

static int extend(size_t begin, size_t end, void *state, void *arg)
{
	struct stretch *stretch = state;
	if (stretch->parts && stretch->end != begin)
		stretch->broken = true;
	if (!stretch->parts)
		stretch->begin = begin;
	stretch->end = end;
	stretch->parts++;
	return 0;
}

static int join(void *into, const void *from, void *arg)
{
	struct stretch *left = into;
	const struct stretch *right = from;
	left->broken |= right->broken || left->end != right->begin || !left->parts || !right->parts;
	left->end = right->end;
	left->parts += right->parts;
	return 0;
}

static void test_order(void)
{
	static const size_t counts[] = { 1, 2, 3, 5, 100, 1023, 1025, 5000 };
	static const size_t grains[] = { 0, 1, 3, 999, 100000 };
	int wrong = 0;
	for (size_t p = 0; p < POOLS; p++)
		for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
			for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
				if (all[p].workers > 5 && (c + g) % 3)
					continue;
				struct kin_reduction reduction = { .state_size = sizeof(struct stretch),
					.fold = extend,
					.combine = join,
					.arg = (c + g) % 4 || all[p].workers > 5 ? shared : NULL,
					.grain = grains[g] };
				struct stretch whole = { 0 };
				wrong += kin_reduce(all[p].pool, 7, 7 + counts[c], &reduction, &whole) != 0;
				wrong += whole.broken || whole.begin != 7 || whole.end != 7 + counts[c];
			}
	tap_is_int(wrong, 0, "neighbours are combined, the lower one first, and all of the range");
}

/* --- the same bits --- */

static int add(size_t begin, size_t end, void *state, void *arg)
{
	double sum;
	memcpy(&sum, state, sizeof sum);
	for (size_t i = begin; i < end; i++)
		sum += 1.0 / (1.0 + (double)(i * i % 1009));
	memcpy(state, &sum, sizeof sum);
	return 0;
}

static int add_up(void *into, const void *from, void *arg)
{
	*(double *)into += *(const double *)from;
	return 0;
}

static void test_bits(void)
{
	static const size_t grains[] = { 0, 1, 17, 4096 };
	int wrong = 0;
	for (size_t g = 0; g < 4; g++) {
		double first = 0;
		for (size_t p = 0; p < POOLS; p++)
			for (int rounds = 0; rounds < 4; rounds++) {
				struct kin_reduction reduction = { .state_size = sizeof(double),
					.fold = add,
					.combine = add_up,
					.arg = rounds || all[p].workers > 5 ? shared : NULL,
					.grain = grains[g] };
				double sum = 0;
				wrong += kin_reduce(all[p].pool, 3, 10003, &reduction, &sum) != 0;
				if (p == 0 && rounds == 0)
					first = sum;
				wrong += memcmp(&sum, &first, sizeof sum) != 0;
			}
	}
	tap_is_int(wrong, 0, "a sum of doubles has the same bits on all pools");
}

/* --- states of all sizes --- */

enum { LARGE = 10007 };

static int count_letters(size_t begin, size_t end, void *state, void *arg)
{
	unsigned char *counts = state;
	for (size_t i = begin; i < end; i++)
		counts[i * 7919 % LARGE]++;
	return 0;
}

static int add_letters(void *into, const void *from, void *arg)
{
	unsigned char *left = into;
	const unsigned char *right = from;
	for (size_t i = 0; i < LARGE; i++)
		left[i] = (unsigned char)(left[i] + right[i]);
	return 0;
}

static int flip(size_t begin, size_t end, void *state, void *arg)
{
	for (size_t i = begin; i < end; i++)
		*(unsigned char *)state ^= (unsigned char)i;
	return 0;
}

static int flip_both(void *into, const void *from, void *arg)
{
	*(unsigned char *)into ^= *(const unsigned char *)from;
	return 0;
}

static void test_sizes(void)
{
	unsigned char *want = calloc(2, LARGE), *got = want + LARGE, want_byte = 0, byte;
	count_letters(0, 50000, want, NULL);
	flip(0, 50000, &want_byte, NULL);
	int wrong = 0;
	for (size_t p = 0; p < POOLS; p++) {
		struct kin_reduction large = {
			.state_size = LARGE, .fold = count_letters, .combine = add_letters
		};
		struct kin_reduction small = {
			.state_size = 1, .fold = flip, .combine = flip_both, .grain = 3
		};
		large.arg = small.arg = shared;
		memset(got, 1, LARGE);
		wrong += kin_reduce(all[p].pool, 0, 50000, &large, got) != 0 || memcmp(got, want, LARGE) != 0;
		wrong += kin_reduce(all[p].pool, 0, 50000, &small, &byte) != 0 || byte != want_byte;
	}
	free(want);
	tap_is_int(wrong, 0, "states of one byte and of 10,007");
}

/* --- identity, nothing, errors --- */

static int multiply(size_t begin, size_t end, void *state, void *arg)
{
	uint64_t *value = state;
	const size_t *bad = arg;
	for (size_t i = begin; i < end; i++) {
		if (bad && i >= *bad)
			return (int)(1000 + i);
		*value *= 2 * i + 1;
	}
	return 0;
}

static int multiply_both(void *into, const void *from, void *arg)
{
	*(uint64_t *)into *= *(const uint64_t *)from;
	return 0;
}

static int refuse(void *into, const void *from, void *arg)
{
	return -EDOM;
}

static void test_errors(void)
{
	static const uint64_t one = 1;
	size_t *bad = shared;
	int wrong = 0, lowest = 0, refused = 0;
	uint64_t want = 1;
	multiply(0, 3000, &want, NULL);
	for (size_t p = 0; p < POOLS; p++) {
		struct kin_reduction reduction = { .size = sizeof reduction,
			.state_size = sizeof one,
			.identity = &one,
			.fold = multiply,
			.combine = multiply_both };
		uint64_t value = 5;
		wrong += kin_reduce(all[p].pool, 0, 3000, &reduction, &value) != 0 || value != want;
		wrong += kin_reduce(all[p].pool, 8, 8, &reduction, &value) != 0 || value != 1;
		value = 5;
		reduction.arg = bad;
		for (size_t i = 0; i < 5; i++) {
			*bad = 2999 - i * 700;
			reduction.grain = 1 + i * 10;
			lowest += kin_reduce(all[p].pool, 0, 3000, &reduction, &value) == (int)(1000 + *bad);
		}
		reduction.arg = NULL;
		reduction.combine = refuse;
		refused += kin_reduce(all[p].pool, 0, 3000, &reduction, &value) == -EDOM;
		wrong += value != 5;
	}
	tap_is_int(wrong, 0, "the identity; a range of nothing; results untouched by a failure");
	tap_is_int(lowest, 5 * POOLS, "what the lowest chunk returned");
	tap_is_int(refused, POOLS, "what combine returned");
	uint64_t value = 5;
	struct kin_reduction bare = { .state_size = 8, .fold = multiply, .combine = multiply_both };
	tap_is_int(kin_reduce(NULL, 2, 1, &bare, &value), -EINVAL, "begin after end");
	bare.state_size = 0;
	tap_is_int(kin_reduce(NULL, 0, 1, &bare, &value), -EINVAL, "no state");
	bare.state_size = 8;
	bare.fold = NULL;
	tap_is_int(kin_reduce(NULL, 0, 1, &bare, &value), -EINVAL, "no fold");
	bare.fold = multiply;
	bare.combine = NULL;
	tap_is_int(kin_reduce(NULL, 0, 1, &bare, &value), -EINVAL, "no combine");
	bare.combine = multiply_both;
	bare.size = sizeof bare + 1;
	tap_is_int(kin_reduce(NULL, 0, 1, &bare, &value), -EINVAL, "a size of another version");
	tap_is_int(value, 5, "untouched");
}

/* --- workers that die --- */

static int sum_and_die(size_t begin, size_t end, void *state, void *arg)
{
	_Atomic uint32_t *lives = arg;
	*(uint64_t *)state += 99; // what a worker that dies leaves in its state must not count
	if (begin % 5 == 2 && atomic_load(lives) && atomic_fetch_sub(lives, 1) > 0)
		raise(SIGKILL);
	*(uint64_t *)state -= 99;
	for (size_t i = begin; i < end; i++)
		*(uint64_t *)state += i;
	return 0;
}

static int sum_both(void *into, const void *from, void *arg)
{
	*(uint64_t *)into += *(const uint64_t *)from;
	return 0;
}

static void test_deaths(void)
{
	_Atomic uint32_t *lives = shared;
	int wrong = 0;
	for (size_t p = 6; p < 9; p++)
		for (int round = 0; round < 20; round++) {
			struct kin_reduction reduction = { .state_size = 8,
				.fold = sum_and_die,
				.combine = sum_both,
				.arg = lives,
				.grain = 1 };
			uint64_t sum = 0;
			atomic_store(lives, 2);
			wrong += kin_reduce(all[p].pool, 0, 100, &reduction, &sum) != 0 || sum != 4950;
		}
	tap_is_int(wrong, 0, "the right sum though workers die in the middle of their chunks");
}

int main(void)
{
	engine_begin();
	shared = engine_shared(4096);
	for (size_t p = 0; p < POOLS; p++)
		all[p].pool = tool_pool(all[p].kind, all[p].workers);
	test_order();
	test_bits();
	test_sizes();
	test_errors();
	test_deaths();
	for (size_t p = 0; p < POOLS; p++)
		kin_pool_destroy(all[p].pool);
	kin_shared_free(shared);
	return tap_done();
}
