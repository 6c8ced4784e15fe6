/* tbb.cpp: oneTBB as its users write it. workers=0: as many as it chooses itself. */
#include "bench.h"

#include <cstring>
#include <functional>
#include <memory>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_invoke.h>
#include <tbb/parallel_reduce.h>
#include <tbb/parallel_scan.h>
#include <tbb/parallel_sort.h>
#include <tbb/task_group.h>

using range = tbb::blocked_range<size_t>;

template <class Item, class Sum> static Sum sum_of(struct bench *bench, bool fixed)
{
	const Item *items = (const Item *)bench->items + bench->begin;
	auto fold = [items](const range &part, Sum sum) {
		for (size_t i = part.begin(); i != part.end(); i++)
			sum += items[i];
		return sum;
	};
	if (fixed)
		return tbb::parallel_deterministic_reduce(range(0, bench->window, 65536), Sum(0), fold, std::plus<Sum>());
	return tbb::parallel_reduce(range(0, bench->window), Sum(0), fold, std::plus<Sum>());
}

static void sum_i32(struct bench *bench)
{
	bench->result = (uint64_t)sum_of<int32_t, int64_t>(bench, false);
}

static void sum_f64(struct bench *bench)
{
	double sum = sum_of<double, double>(bench, strcmp(bench->how, "deterministic") == 0);
	memcpy(&bench->result, &sum, sizeof sum);
}

static void scan_f64(struct bench *bench)
{
	const double *items = (const double *)bench->items + bench->begin;
	double *output = (double *)bench->output + bench->begin;
	tbb::parallel_scan(range(0, bench->window), 0.0,
		[=](const range &part, double sum, bool final) {
			if (final)
				for (size_t i = part.begin(); i != part.end(); i++)
					output[i] = sum += items[i];
			else
				for (size_t i = part.begin(); i != part.end(); i++)
					sum += items[i];
			return sum;
		},
		std::plus<double>());
}

static void region(struct bench *bench)
{
	size_t work = bench->work;
	auto body = [work](const range &part) {
		for (size_t i = part.begin(); i != part.end(); i++)
			bench_work(work);
	};
	if (strcmp(bench->how, "static") == 0)
		tbb::parallel_for(range(0, bench->repeat, 1), body, tbb::static_partitioner());
	else
		tbb::parallel_for(range(0, bench->repeat, 1), body);
}

static long fib_group(long n)
{
	if (n < 2)
		return n;
	long a, b;
	tbb::task_group group;
	group.run([&] { a = fib_group(n - 1); });
	b = fib_group(n - 2);
	group.wait();
	return a + b;
}

static long fib_invoke(long n)
{
	if (n < 2)
		return n;
	long a, b;
	tbb::parallel_invoke([&] { a = fib_invoke(n - 1); }, [&] { b = fib_invoke(n - 2); });
	return a + b;
}

static void fib_call(struct bench *bench)
{
	bool invoke = strcmp(bench->how, "invoke") == 0;
	bench->result = (uint64_t)(invoke ? fib_invoke((long)bench->count) : fib_group((long)bench->count));
}

template <class Item> static void sort_numbers(struct bench *bench)
{
	tbb::parallel_sort((Item *)bench->output, (Item *)bench->output + bench->count);
}

/* TBB has no stable sort: the order of equal keys is made part of the key, as its users have to. */
static void sort_records(struct bench *bench)
{
	auto *records = (struct bench_record *)bench->output;
	tbb::parallel_sort(records, records + bench->count, [](const struct bench_record &a, const struct bench_record &b) {
		return a.key < b.key || (a.key == b.key && a.value < b.value);
	});
}

static bench_call *sort_call(const struct bench *bench)
{
	if (strcmp(bench->type, "i32") == 0)
		return sort_numbers<int32_t>;
	if (strcmp(bench->type, "u64") == 0)
		return sort_numbers<uint64_t>;
	return strcmp(bench->type, "f64") == 0 ? sort_numbers<double> : sort_records;
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	std::unique_ptr<tbb::global_control> limit;
	if (bench.workers)
		limit.reset(new tbb::global_control(tbb::global_control::max_allowed_parallelism, bench.workers));
	if (!strcmp(bench.what, "region"))
		bench_serve(&bench, nullptr, region, nullptr);
	else if (!strcmp(bench.what, "fib"))
		bench_serve(&bench, nullptr, fib_call, nullptr);
	else if (bench_data(&bench), !strcmp(bench.what, "sum"))
		bench_serve(&bench, nullptr, !strcmp(bench.type, "i32") ? sum_i32 : sum_f64, nullptr);
	else if (!strcmp(bench.what, "sort"))
		bench_serve(&bench, bench_sort_before, sort_call(&bench), bench_sort_after);
	else if (!strcmp(bench.what, "scan")) {
		bench.output = bench_alloc(bench.count * sizeof(double));
		bench_serve(&bench, nullptr, scan_f64, bench_scan_after);
	} else
		bench_unknown(&bench);
	return 0;
}
