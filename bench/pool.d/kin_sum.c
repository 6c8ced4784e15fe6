/* kin_sum.c: sums of arrays. how: threads, threads-shared or processes, and -exact. */
#include "kin.h"

#include <kin/reduce.h>

static struct kin_pool *pool;

static struct kin_array window(const struct bench *bench)
{
	return (struct kin_array){
		.items = (char *)bench->items + bench->begin * bench_item_size(bench),
		.count = bench->window,
		.type = strcmp(bench->type, "i32") == 0 ? KIN_I32 : KIN_F64,
	};
}

static void sum(struct bench *bench)
{
	struct kin_array array = window(bench);
	union kin_number number = { 0 };
	int result = kin_array_sum(pool, &array, &number);
	bench->result = result < 0 ? (uint64_t)result : number.u;
}

static void sum_exact(struct bench *bench)
{
	struct kin_array array = window(bench);
	union kin_number number = { 0 };
	int result = kin_array_sum_exact(pool, &array, &number);
	bench->result = result < 0 ? (uint64_t)result : number.u;
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	pool = bench_pool(&bench);
	bench_kin_data(&bench);
	if (strcmp(bench.what, "sum") != 0)
		bench_unknown(&bench);
	bench_serve(&bench, NULL, strstr(bench.how, "exact") ? sum_exact : sum, NULL);
	kin_pool_destroy(pool);
	return 0;
}
