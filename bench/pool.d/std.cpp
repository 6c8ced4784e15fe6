/* std.cpp: the C++ library's own sorts: how=sort, how=stable, and how=parallel, how=parallel-stable of libstdc++. */
#include "bench.h"

#include <algorithm>
#include <cstring>
#include <omp.h>
#include <parallel/algorithm>

static bool operator<(const struct bench_record &a, const struct bench_record &b)
{
	return a.key < b.key;
}

template <class Item> static void sort_items(struct bench *bench)
{
	Item *begin = (Item *)bench->output, *end = begin + bench->count;
	if (!strcmp(bench->how, "sort"))
		std::sort(begin, end);
	else if (!strcmp(bench->how, "stable"))
		std::stable_sort(begin, end);
	else if (!strcmp(bench->how, "parallel"))
		__gnu_parallel::sort(begin, end);
	else
		__gnu_parallel::stable_sort(begin, end);
}

static bench_call *sort_call(const struct bench *bench)
{
	if (!strcmp(bench->type, "i32"))
		return sort_items<int32_t>;
	if (!strcmp(bench->type, "u64"))
		return sort_items<uint64_t>;
	return !strcmp(bench->type, "f64") ? sort_items<double> : sort_items<struct bench_record>;
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	omp_set_num_threads((int)bench.workers);
	if (strcmp(bench.what, "sort"))
		bench_unknown(&bench);
	bench_data(&bench);
	bench_serve(&bench, bench_sort_before, sort_call(&bench), bench_sort_after);
	return 0;
}
