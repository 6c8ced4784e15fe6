/* kin.h: what the programs that measure kin begin with: a pool, and numbers where its workers can see them. */
#ifndef BENCH_KIN_H
#define BENCH_KIN_H

#include "bench.h"

#include <kin/pool.h>
#include <kin/shm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** how=threads or processes, workers=0: as many as kin chooses itself. */
static inline struct kin_pool *bench_pool(const struct bench *bench)
{
	struct kin_pool_options options = {
		.workers = (unsigned)bench->workers,
		.kind = strncmp(bench->how, "processes", 9) == 0 ? KIN_PROCESSES : KIN_THREADS,
	};
	struct kin_pool *pool;
	if (kin_pool_create(&pool, &options) < 0) {
		fprintf(stderr, "no pool\n");
		exit(1);
	}
	return pool;
}

/** Private memory for threads, as all peers have it; shared memory for processes and how=threads-shared. */
static inline void *bench_memory(const struct bench *bench, size_t bytes)
{
	void *memory;
	if (strncmp(bench->how, "processes", 9) != 0 && !strstr(bench->how, "shared"))
		return bench_alloc(bytes);
	if (kin_shared_alloc(&memory, bytes) < 0) {
		fprintf(stderr, "no shared memory\n");
		exit(1);
	}
	return memory;
}

static inline void bench_kin_data(struct bench *bench)
{
	bench->items = bench_memory(bench, bench->count * bench_item_size(bench));
	bench_fill(bench, bench->items);
}

#endif
