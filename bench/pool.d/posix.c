/*
 * posix.c: what needs no library: the serial loops, the ceiling of the machine, threads and processes made for
 * each call.
 *
 *	what=ceiling   read memory and do nothing with it
 *	what=sum, scan, empty, region, fib   the plain loop
 *	what=empty how=pthread, how=fork     one made and waited for each call
 *	what=calibrate print how many iterations of bench_work take a millisecond
 *	what=burn      keep a CPU busy until killed
 */
#include "bench.h"
#include "hot.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef long long vector __attribute__((vector_size(32)));

static struct hot hot;
static size_t chunk_bytes, window_bytes;

static void read_only(const char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 8 * sizeof(vector))
		for (size_t k = 0; k < 8; k++) {
			vector loaded = *(const vector *)(from + i + k * sizeof(vector));
#if defined __AVX__
			__asm__ volatile("" : : "x"(loaded));
#else
			__asm__ volatile("" : : "r"(loaded[0] | loaded[2]));
#endif
		}
}

static void ceiling_chunk(void *data, size_t worker, size_t chunk)
{
	(void)worker;
	size_t begin = chunk * chunk_bytes, left = window_bytes - begin;
	read_only((const char *)data + begin, left < chunk_bytes ? left : chunk_bytes);
}

static void ceiling(struct bench *bench)
{
	size_t size = bench_item_size(bench);
	window_bytes = bench->window * size;
	hot_run(&hot, (window_bytes + chunk_bytes - 1) / chunk_bytes, ceiling_chunk,
		(char *)bench->items + bench->begin * size);
}

static void serial_i32(struct bench *bench)
{
	const int32_t *items = (int32_t *)bench->items + bench->begin;
	int64_t sum = 0;
	for (size_t i = 0; i < bench->window; i++)
		sum += items[i];
	bench->result = (uint64_t)sum;
}

static void serial_f64(struct bench *bench)
{
	const double *items = (double *)bench->items + bench->begin;
	double sum = 0;
	for (size_t i = 0; i < bench->window; i++)
		sum += items[i];
	memcpy(&bench->result, &sum, sizeof sum);
}

static void serial_scan(struct bench *bench)
{
	const double *items = (double *)bench->items + bench->begin;
	double *output = (double *)bench->output + bench->begin;
	double sum = 0;
	for (size_t i = 0; i < bench->window; i++)
		output[i] = sum += items[i];
}

static void serial_work(struct bench *bench)
{
	for (size_t i = 0; i < bench->repeat; i++)
		bench->result += bench_work(bench->work);
}

static void *thread_work(void *data)
{
	struct bench *bench = data;
	return (void *)bench_work(bench->work);
}

static void thread_call(struct bench *bench)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, thread_work, bench) != 0)
		exit(1);
	bench_work(bench->work);
	pthread_join(thread, NULL);
}

static void fork_call(struct bench *bench)
{
	pid_t child = fork();
	if (child == 0) {
		bench_work(bench->work);
		_exit(0);
	}
	bench_work(bench->work);
	waitpid(child, NULL, 0);
}

/* The barrier keeps the compiler from turning calls into loops: what is measured is calls. */
__attribute__((noinline)) static long fib(long n)
{
	__asm__ volatile("" : : : "memory");
	if (n < 2)
		return n;
	long a = fib(n - 1), b = fib(n - 2);
	return a + b;
}

static void fib_call(struct bench *bench)
{
	bench->result = (uint64_t)fib((long)bench->count);
}

static void burn(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		bench_work(1000000);
}

static void calibrate(void)
{
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 300; i++) {
		uint64_t start = bench_now();
		bench_work(100000);
		uint64_t took = bench_now() - start;
		best = took < best ? took : best;
	}
	printf("%.0f\n", 100000 * 1e6 / (double)best);
}

static void serve(struct bench *bench, bench_call *call)
{
	bench_serve(bench, NULL, call, NULL);
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	int is_i32 = strcmp(bench.type, "i32") == 0;
	if (strcmp(bench.what, "burn") == 0)
		burn();
	else if (strcmp(bench.what, "calibrate") == 0)
		calibrate();
	else if (strcmp(bench.what, "fib") == 0)
		serve(&bench, fib_call);
	else if (strcmp(bench.how, "pthread") == 0)
		serve(&bench, thread_call);
	else if (strcmp(bench.how, "fork") == 0)
		serve(&bench, fork_call);
	else if (strcmp(bench.what, "region") == 0)
		serve(&bench, serial_work);
	else if (bench_data(&bench), strcmp(bench.what, "ceiling") == 0) {
		hot.workers = bench.workers;
		chunk_bytes = *bench.how ? strtoull(bench.how, NULL, 10) : 65536;
		serve(&bench, ceiling);
	} else if (strcmp(bench.what, "sum") == 0)
		serve(&bench, is_i32 ? serial_i32 : serial_f64);
	else if (strcmp(bench.what, "scan") == 0) {
		bench.output = bench_alloc(bench.count * sizeof(double));
		bench_serve(&bench, NULL, serial_scan, bench_scan_after);
	} else
		bench_unknown(&bench);
	return 0;
}
