/* kin_region.c: kin_for over chunks of work. */
#include "kin.h"

static struct kin_pool *pool;
static size_t *work; /* in shared memory, so that persistent process workers run the body */

static int body(size_t begin, size_t end, void *arg)
{
	const size_t *iterations = arg;
	for (size_t i = begin; i < end; i++)
		bench_work(*iterations);
	return 0;
}

static void call(struct bench *bench)
{
	bench->result = (uint64_t)kin_for(pool, 0, bench->repeat, 1, body, work);
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	pool = bench_pool(&bench);
	if (kin_shared_alloc((void **)&work, sizeof *work) < 0)
		return 1;
	*work = bench.work;
	if (strcmp(bench.what, "region") != 0)
		bench_unknown(&bench);
	bench_serve(&bench, NULL, call, NULL);
	kin_pool_destroy(pool);
	kin_shared_free(work);
	return 0;
}
