/* omp.c: OpenMP as its users write it; built with gcc for libgomp and with clang for libomp. */
#include "bench.h"

#include <omp.h>
#include <string.h>

static void sum_i32(struct bench *bench)
{
	const int32_t *items = (int32_t *)bench->items + bench->begin;
	size_t count = bench->window;
	int64_t sum = 0;
#pragma omp parallel for reduction(+ : sum)
	for (size_t i = 0; i < count; i++)
		sum += items[i];
	bench->result = (uint64_t)sum;
}

static void sum_f64(struct bench *bench)
{
	const double *items = (double *)bench->items + bench->begin;
	size_t count = bench->window;
	double sum = 0;
#pragma omp parallel for reduction(+ : sum)
	for (size_t i = 0; i < count; i++)
		sum += items[i];
	memcpy(&bench->result, &sum, sizeof sum);
}

static void sum_f64_simd(struct bench *bench)
{
	const double *items = (double *)bench->items + bench->begin;
	size_t count = bench->window;
	double sum = 0;
#pragma omp parallel for simd reduction(+ : sum)
	for (size_t i = 0; i < count; i++)
		sum += items[i];
	memcpy(&bench->result, &sum, sizeof sum);
}

static void scan_f64(struct bench *bench)
{
	const double *items = (double *)bench->items + bench->begin;
	double *output = (double *)bench->output + bench->begin;
	size_t count = bench->window;
	double sum = 0;
#pragma omp parallel for reduction(inscan, + : sum)
	for (size_t i = 0; i < count; i++) {
		sum += items[i];
#pragma omp scan inclusive(sum)
		output[i] = sum;
	}
}

static void region(struct bench *bench)
{
	size_t work = bench->work, repeat = bench->repeat;
#pragma omp parallel for schedule(static, 1)
	for (size_t i = 0; i < repeat; i++)
		bench_work(work);
}

static long fib(long n)
{
	if (n < 2)
		return n;
	long a, b;
#pragma omp task shared(a) firstprivate(n)
	a = fib(n - 1);
	b = fib(n - 2);
#pragma omp taskwait
	return a + b;
}

static void fib_call(struct bench *bench)
{
	long result = 0, n = (long)bench->count;
#pragma omp parallel
#pragma omp single
	result = fib(n);
	bench->result = (uint64_t)result;
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	if (bench.workers)
		omp_set_num_threads((int)bench.workers);
	if (strcmp(bench.what, "region") == 0)
		bench_serve(&bench, NULL, region, NULL);
	else if (strcmp(bench.what, "fib") == 0)
		bench_serve(&bench, NULL, fib_call, NULL);
	else if (bench_data(&bench), strcmp(bench.what, "scan") == 0) {
		bench.output = bench_alloc(bench.count * sizeof(double));
		bench_serve(&bench, NULL, scan_f64, bench_scan_after);
	} else if (strcmp(bench.what, "sum") == 0) {
		bench_call *call = strcmp(bench.type, "i32") == 0 ? sum_i32 : sum_f64;
		bench_serve(&bench, NULL, strcmp(bench.how, "simd") == 0 ? sum_f64_simd : call, NULL);
	} else
		bench_unknown(&bench);
	return 0;
}
