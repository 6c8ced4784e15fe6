/* The same bits on any number of workers, threads or processes, private memory or shared. */
#include "tap.h"

#include <kin/kin.h>

#include <unistd.h>

#define COUNT 300007

static double *numbers; // shared memory
static double *private_numbers;
static int32_t *whole;

/* Signs mixed, exponents over 60 binades: any other order of additions shows. */
static void fill(void)
{
	uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
	for (size_t i = 0; i < COUNT; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		uint64_t bits = (state & UINT64_C(0x800FFFFFFFFFFFFF)) | (UINT64_C(993) + (state >> 57) % 60)
										 << 52;
		memcpy(&numbers[i], &bits, sizeof bits);
		whole[i] = (int32_t)(state >> 20);
	}
	memcpy(private_numbers, numbers, COUNT * sizeof *numbers);
}

static int fold(size_t begin, size_t end, void *state, void *arg)
{
	double *sum = state;
	const double *items = arg;
	for (size_t i = begin; i < end; i++)
		*sum += items[i] * 1.5;
	return 0;
}

static int combine(void *into, const void *from, void *arg)
{
	*(double *)into += *(const double *)from;
	return 0;
}

struct results {
	double sum, exact, dot, product, mean, variance, reduced;
	int64_t whole;
	uint64_t scan, sorted; // sums of the bits of all outputs, each with its place
};

static uint64_t digest(const double *items, size_t count)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t bits;
		memcpy(&bits, &items[i], sizeof bits);
		sum = (sum ^ bits) * UINT64_C(0x100000001B3);
	}
	return sum;
}

static int compute(struct kin_pool *pool, const double *items, struct results *results)
{
	struct kin_array array = { .items = items, .count = COUNT, .type = KIN_F64 };
	union kin_number number = { 0 };
	struct kin_moments moments = { 0 };
	double *out = malloc(COUNT * sizeof *out);
	memset(results, 0, sizeof *results);
	int error = out ? kin_sum_f64(pool, items, COUNT, &results->sum) : -ENOMEM;
	if (!error)
		error = kin_sum_exact_f64(pool, items, COUNT, &results->exact);
	if (!error)
		error = kin_array_dot(pool, &array, &array, &number);
	results->dot = number.f;
	if (!error)
		error = kin_array_product(pool, &array, &number);
	results->product = number.f;
	if (!error)
		error = kin_array_moments(pool, &array, &moments);
	results->mean = moments.mean;
	results->variance = moments.variance;
	if (!error)
		error = kin_sum_i32(pool, whole, COUNT, &results->whole);
	struct kin_reduction reduction = { .state_size = sizeof(double),
		.fold = fold,
		.combine = combine,
		.arg = (void *)(uintptr_t)items };
	if (!error)
		error = kin_reduce(pool, 0, COUNT, &reduction, &results->reduced);
	if (!error)
		error = kin_scan_sum_f64(pool, items, COUNT, out);
	if (!error)
		results->scan = digest(out, COUNT);
	if (!error) {
		memcpy(out, items, COUNT * sizeof *out);
		error = kin_sort_f64(pool, out, COUNT);
		results->sorted = digest(out, COUNT);
	}
	free(out);
	return error;
}

static void compare(enum kin_kind kind, unsigned workers, const struct results *want)
{
	const char *words = kind == KIN_THREADS ? "threads" : "processes";
	struct kin_pool *pool;
	struct results got;
	int error = kin_pool_create(&pool, &(struct kin_pool_options){ .kind = kind, .workers = workers });
	if (!tap_ok(error == 0, "a pool of %u %s", workers, words))
		return;
	error = compute(pool, numbers, &got);
	tap_ok(error == 0 && memcmp(&got, want, sizeof got) == 0, "%u %s, shared memory: the same bits",
		workers, words);
	error = compute(pool, private_numbers, &got);
	tap_ok(error == 0 && memcmp(&got, want, sizeof got) == 0, "%u %s, private memory: the same bits",
		workers, words);
	kin_pool_destroy(pool);
}

int main(void)
{
	alarm(300);
	if (kin_shared_alloc((void **)&numbers, COUNT * sizeof *numbers) < 0)
		return tap_skip_all("no shared memory");
	private_numbers = malloc(COUNT * sizeof *private_numbers);
	whole = malloc(COUNT * sizeof *whole);
	fill();
	struct kin_pool *one;
	struct results want;
	tap_is_int(kin_pool_create(&one, &(struct kin_pool_options){ .workers = 1 }), 0, "one worker");
	tap_is_int(compute(one, private_numbers, &want), 0, "its results");
	kin_pool_destroy(one);
	static const unsigned threads[] = { 1, 2, 3, 4, 7, 16, 64 }, processes[] = { 1, 2, 3, 8, 64 };
	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
		compare(KIN_THREADS, threads[i], &want);
	for (size_t i = 0; i < sizeof processes / sizeof *processes; i++)
		compare(KIN_PROCESSES, processes[i], &want);
	free(whole);
	free(private_numbers);
	kin_shared_free(numbers);
	return tap_done();
}
