/* kin_fork.c: fib by kin/fork.h, no cut-off. */
#include "bench.h"

#include <kin/fork.h>

#include <string.h>

struct fib {
	struct kin_task task;
	long n, result;
};

static struct kin_pool *pool;

static long fib(struct kin_worker worker, long n);

static void fib_task(struct kin_worker worker, struct kin_task *task)
{
	struct fib *self = (struct fib *)task;
	self->result = fib(worker, self->n);
}

static long fib(struct kin_worker worker, long n)
{
	if (n < 2)
		return n;
	struct fib left;
	left.n = n - 1;
	kin_fork(&worker, &left.task, fib_task);
	long right = fib(worker, n - 2);
	if (kin_join(&worker, &left.task))
		left.result = fib(worker, n - 1);
	return left.result + right;
}

static void call(struct bench *bench)
{
	struct fib root = { .n = (long)bench->count };
	kin_run(pool, fib_task, &root.task);
	bench->result = (uint64_t)root.result;
}

int main(int argc, char **argv)
{
	struct bench bench;
	bench_init(&bench, argc, argv);
	struct kin_pool_options options = { .workers = (unsigned)bench.workers };
	if (strcmp(bench.what, "fib") != 0)
		bench_unknown(&bench);
	if (kin_pool_create(&pool, &options) < 0)
		return 1;
	bench_serve(&bench, NULL, call, NULL);
	kin_pool_destroy(pool);
	return 0;
}
