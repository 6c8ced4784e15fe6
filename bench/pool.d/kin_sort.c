/* kin_sort.c: sorts by key, and of records by a comparison. how: threads or processes, and -compare. */
#include "kin.h"

#include <kin/sort.h>

static struct kin_pool *pool;

static int by_key(const void *first, const void *second, void *arg)
{
	uint64_t a = ((const struct bench_record *)first)->key,
		 b = ((const struct bench_record *)second)->key;
	(void)arg;
	return (a > b) - (a < b);
}

static void call(struct bench *bench)
{
	struct kin_sort_key key = { sizeof(struct bench_record), offsetof(struct bench_record, key), KIN_U64,
		false };
	int result;
	if (strstr(bench->how, "compare"))
		result = kin_sort(
			pool, bench->output, bench->count, sizeof(struct bench_record), by_key, NULL);
	else if (strcmp(bench->type, "record") == 0)
		result = kin_sort_keys(pool, bench->output, bench->count, &key);
	else if (strcmp(bench->type, "i32") == 0)
		result = kin_sort_i32(pool, bench->output, bench->count);
	else if (strcmp(bench->type, "u64") == 0)
		result = kin_sort_u64(pool, bench->output, bench->count);
	else
		result = kin_sort_f64(pool, bench->output, bench->count);
	if (result < 0) {
		fprintf(stderr, "sort: %s\n", strerror(-result));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	pool = bench_pool(&bench);
	if (strcmp(bench.what, "sort") != 0)
		bench_unknown(&bench);
	bench_data(&bench);
	bench.output = bench_memory(&bench, bench.count * bench_item_size(&bench));
	bench_serve(&bench, bench_sort_before, call, bench_sort_after);
	kin_pool_destroy(pool);
	return 0;
}
