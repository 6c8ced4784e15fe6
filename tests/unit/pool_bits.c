/*
 * Floats of both sizes have the same bits on all workers, in shared and in private memory; pool_same_bits.c looks at
 * doubles in other ways.
 */
#include "pool_tools.h"

#include <kin/reduce.h>
#include <kin/scan.h>
#include <kin/sort.h>

#define COUNT ((size_t)60013) // several blocks and chunks, and a rest

/* Twice: in shared memory and in private memory. */
struct numbers {
	float *f32, *f32_out;
	double *f64, *f64_out;
};

struct results {
	double sum32, sum64, exact64, dot32, dot64, product32, product64;
	float exact32;
	uint32_t pad;
	struct kin_moments moments32, moments64;
	uint64_t scan32, scan64, exclusive64, sort32, sort64;
};

/* Signs and exponents mixed, so that another order of additions shows; and some of the same size, for the sorts. */
static void fill(struct numbers *numbers)
{
	uint64_t state = 88172645463325252u;
	for (size_t i = 0; i < COUNT; i++) {
		uint64_t bits = tool_random(&state), exponent = 990 + (bits >> 52) % 60;
		if (i % 50 == 0)
			bits &= UINT64_C(0x8000000000000003);
		bits = (bits & UINT64_C(0x800FFFFFFFFFFFFF)) | exponent << 52;
		memcpy(&numbers->f64[i], &bits, sizeof bits);
		numbers->f32[i] = (float)numbers->f64[i];
	}
}

static uint64_t digest(const void *memory, size_t bytes)
{
	const unsigned char *at = memory;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < bytes; i++)
		sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static int reduce(struct kin_pool *pool, const struct numbers *in, struct results *out)
{
	int failed = 0;
	failed |= kin_sum_f32(pool, in->f32, COUNT, &out->sum32);
	failed |= kin_sum_f64(pool, in->f64, COUNT, &out->sum64);
	failed |= kin_sum_exact_f32(pool, in->f32, COUNT, &out->exact32);
	failed |= kin_sum_exact_f64(pool, in->f64, COUNT, &out->exact64);
	failed |= kin_dot_f32(pool, in->f32, in->f32, COUNT, &out->dot32);
	failed |= kin_dot_f64(pool, in->f64, in->f64, COUNT, &out->dot64);
	failed |= kin_product_f32(pool, in->f32, 60, &out->product32);
	failed |= kin_product_f64(pool, in->f64, 60, &out->product64);
	failed |= kin_moments_f32(pool, in->f32, COUNT, &out->moments32);
	failed |= kin_moments_f64(pool, in->f64, COUNT, &out->moments64);
	return failed;
}

static int scan_and_sort(struct kin_pool *pool, const struct numbers *in, struct results *out)
{
	const size_t bytes32 = COUNT * sizeof(float), bytes64 = COUNT * sizeof(double);
	int failed = kin_scan_sum_f32(pool, in->f32, COUNT, in->f32_out);
	out->scan32 = digest(in->f32_out, bytes32);
	failed |= kin_scan_sum_f64(pool, in->f64, COUNT, in->f64_out);
	out->scan64 = digest(in->f64_out, bytes64);
	failed |= kin_scan_sum_exclusive_f64(pool, in->f64, COUNT, in->f64_out);
	out->exclusive64 = digest(in->f64_out, bytes64);
	memcpy(in->f32_out, in->f32, bytes32);
	failed |= kin_sort_f32(pool, in->f32_out, COUNT);
	out->sort32 = digest(in->f32_out, bytes32);
	memcpy(in->f64_out, in->f64, bytes64);
	failed |= kin_sort_f64(pool, in->f64_out, COUNT);
	out->sort64 = digest(in->f64_out, bytes64);
	return failed;
}

static int compute(struct kin_pool *pool, const struct numbers *in, struct results *out)
{
	memset(out, 0, sizeof *out);
	int failed = reduce(pool, in, out);
	return failed | scan_and_sort(pool, in, out);
}

static void compare(
	enum kin_kind kind, unsigned workers, const struct numbers in[2], const struct results *want)
{
	struct kin_pool *pool = tool_pool(kind, workers);
	struct results got;
	for (int private = 0; private < 2; private ++) {
		int failed = compute(pool, &in[private], &got);
		tap_ok(!failed && memcmp(&got, want, sizeof got) == 0, "%u %s, %s memory: the same bits",
			workers, tool_kinds[kind], private ? "private" : "shared");
	}
	kin_pool_destroy(pool);
}

/* That the numbers can show a difference: another order gives other bits. */
static void test_numbers(const struct numbers *in, const struct results *want)
{
	double forwards = 0, backwards = 0;
	bool sorted = true;
	for (size_t i = 0; i < COUNT; i++)
		forwards += in->f64[i];
	for (size_t i = COUNT; i-- > 0;)
		backwards += in->f64[i];
	for (size_t i = 1; i < COUNT; i++)
		sorted &= in->f64_out[i - 1] <= in->f64_out[i];
	tap_ok(forwards != backwards && forwards != want->sum64, "the order of additions shows");
	tap_ok(sorted, "what was sorted is in order");
	tap_ok(want->product64 != 0 && want->product64 - want->product64 == 0, "the product is a number");
}

int main(void)
{
	static const unsigned threads[] = { 1, 2, 3, 4, 8, 17, 64 }, processes[] = { 1, 2, 4, 8 };
	engine_begin();
	const size_t bytes32 = COUNT * sizeof(float), bytes64 = COUNT * sizeof(double);
	struct numbers in[2] = {
		{ engine_shared(bytes32), engine_shared(bytes32), engine_shared(bytes64),
			engine_shared(bytes64) },
		{ malloc(bytes32), malloc(bytes32), malloc(bytes64), malloc(bytes64) },
	};
	fill(&in[0]);
	fill(&in[1]);
	struct results want;
	struct kin_pool *one = tool_pool(KIN_THREADS, 1);
	tap_is_int(compute(one, &in[1], &want), 0, "one worker computes them");
	test_numbers(&in[1], &want);
	kin_pool_destroy(one);
	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
		compare(KIN_THREADS, threads[i], in, &want);
	for (size_t i = 0; i < sizeof processes / sizeof *processes; i++)
		compare(KIN_PROCESSES, processes[i], in, &want);
	kin_shared_free(in[0].f32);
	kin_shared_free(in[0].f32_out);
	kin_shared_free(in[0].f64);
	kin_shared_free(in[0].f64_out);
	free(in[1].f32);
	free(in[1].f32_out);
	free(in[1].f64);
	free(in[1].f64_out);
	return tap_done();
}
