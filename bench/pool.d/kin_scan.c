/* kin_scan.c: running sums of f64. */
#include "kin.h"

#include <kin/scan.h>

static struct kin_pool *pool;

static void call(struct bench *bench)
{
	const double *items = (double *)bench->items + bench->begin;
	int result = kin_scan_sum_f64(pool, items, bench->window, (double *)bench->output + bench->begin);
	if (result < 0) {
		fprintf(stderr, "scan: %s\n", strerror(-result));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	pool = bench_pool(&bench);
	if (strcmp(bench.what, "scan") != 0 || strcmp(bench.type, "f64") != 0)
		bench_unknown(&bench);
	bench_kin_data(&bench);
	bench.output = bench_memory(&bench, bench.count * sizeof(double));
	bench_serve(&bench, NULL, call, bench_scan_after);
	kin_pool_destroy(pool);
	return 0;
}
