/*
 * Two buffers of items: a job fills one while the other is transformed, as a region with a chunk for each item, and
 * consumed. How many items make a batch follows from how long a batch takes; what is computed does not depend on it.
 */
#include "base/api.h"
#include "base/ticks.h"
#include "pool/region.h"

#include <kin/control.h>
#include <kin/job.h>
#include <kin/pipeline.h>
#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Batches grow until one takes so long. */
#define BATCH_NS 2000000
#define BATCH_MOST 4096
#define BUFFER_BYTES ((size_t)16 << 20)

struct batch {
	char *items;
	size_t count; // of items that are there
	int end; // of the producer: 1 not reached, 0 reached, negative: failed
};

struct line {
	const struct kin_pipeline *stages;
	struct kin_pool *pool, *producers; // producers: whose threads produce
	bool shared;
	size_t room; // items in a buffer
	size_t size; // items in a batch now
	struct batch batches[2];
	char *results;
};

/* What a chunk needs, as process workers are to have it. */
struct step {
	kin_transform *transform;
	void *arg;
	char *items, *results;
	size_t item_size, result_size;
};

static int run_item(void *data, size_t chunk, void *slot)
{
	const struct step *step = data;
	return step->transform(
		step->items + chunk * step->item_size, step->results + chunk * step->result_size, step->arg);
}

struct filling {
	struct line *line;
	struct batch *batch;
};

static int fill(void *arg, void *result)
{
	struct filling *filling = arg;
	struct batch *batch = filling->batch;
	const struct kin_pipeline *stages = filling->line->stages;
	batch->count = 0;
	batch->end = 1;
	while (batch->count < filling->line->size && batch->end == 1) {
		int stopping = kin_stopping();
		batch->end = stopping ? stopping
				      : stages->produce(
						batch->items + batch->count * stages->item_size, stages->arg);
		batch->count += batch->end == 1;
	}
	return 0;
}

/* Transform a batch; *good: how many items, from the first on, have results. */
static int transform(struct line *line, const struct batch *batch, size_t *good)
{
	const struct kin_pipeline *stages = line->stages;
	*good = batch->count;
	if (!stages->transform)
		return 0;
	struct step step = { stages->transform, stages->arg, batch->items, line->results, stages->item_size,
		stages->result_size };
	struct region_work work = {
		.chunks = batch->count,
		.run = run_item,
		.data = &step,
		.data_size = sizeof step,
		.shared = stages->arg && kin_is_shared(stages->arg, 0),
		.key = (const void *)(uintptr_t)stages->transform,
		.end = batch->count,
		.grain = 1,
	};
	struct region_result result = { 0 };
	int value = region_run(line->pool, &work, &result);
	if (value)
		*good = result.stopped_at < batch->count ? result.stopped_at : 0;
	region_result_finish(&result);
	return value;
}

static int consume(const struct line *line, const struct batch *batch, size_t good)
{
	const struct kin_pipeline *stages = line->stages;
	const char *results = stages->transform ? line->results : batch->items;
	size_t size = stages->transform ? stages->result_size : stages->item_size;
	int value = 0;
	for (size_t i = 0; i < good && value == 0 && stages->consume; i++)
		value = stages->consume(results + i * size, stages->arg);
	return value;
}

/* One batch through, while the next one is produced. */
static int run_batch(struct line *line, struct batch *now, struct batch *next)
{
	struct filling filling = { line, next };
	struct kin_job *job = NULL;
	uint64_t begin = ticks_now();
	bool more = now->end == 1;
	int value = more ? kin_submit(line->producers, fill, &filling, NULL, &job) : 0;
	if (value < 0)
		return value;
	size_t good;
	value = transform(line, now, &good);
	int consumed = value == -ECANCELED || value == -ETIMEDOUT ? 0 : consume(line, now, good);
	value = consumed ? consumed : value;
	if (job) {
		/* Its outcome is in the batch; cancelled before it began it left nothing there. */
		if (value && kin_job_cancel(job) == 0)
			next->count = 0;
		int produced = kin_wait(job, -1);
		if (!value && produced)
			value = produced;
		kin_job_destroy(job);
	} else
		next->count = 0;
	if (!value && !more)
		value = now->end;
	if (!line->stages->ahead && ticks_now() - begin < ticks_from_ns(BATCH_NS) && line->size < line->room)
		line->size = 2 * line->size < line->room ? 2 * line->size : line->room;
	return value;
}

static int take(struct line *line, char **ret_memory, size_t bytes)
{
	if (line->shared)
		return kin_shared_alloc((void **)ret_memory, bytes);
	*ret_memory = calloc(1, bytes);
	return *ret_memory ? 0 : -ENOMEM;
}

static void give(const struct line *line, char *memory)
{
	if (line->shared)
		kin_shared_free(memory);
	else
		free(memory);
}

static void choose_sizes(struct line *line, const struct kin_pipeline *stages)
{
	size_t workers = kin_pool_workers(line->pool), least = 2 * workers;
	if (stages->ahead) {
		line->room = line->size = stages->ahead > 1 ? stages->ahead / 2 : 1;
		return;
	}
	size_t bytes = stages->item_size > stages->result_size ? stages->item_size : stages->result_size;
	line->room = BUFFER_BYTES / bytes;
	line->room = line->room > BATCH_MOST ? BATCH_MOST : line->room < least ? least : line->room;
	line->size = least < line->room ? least : line->room;
}

static int run_line(struct line *line)
{
	struct filling first = { line, &line->batches[0] };
	fill(&first, NULL);
	int value = 0;
	for (unsigned turn = 0; value == 0; turn ^= 1) {
		struct batch *now = &line->batches[turn];
		if (now->count == 0 && now->end != 1)
			return now->end;
		value = run_batch(line, now, &line->batches[turn ^ 1]);
		if (now->end != 1)
			return value;
	}
	return value;
}

KIN_API int kin_pipeline(struct kin_pool *pool, const struct kin_pipeline *pipeline)
{
	struct kin_pipeline stages = { 0 };
	if (!pipeline || pipeline->size > sizeof stages)
		return -EINVAL;
	memcpy(&stages, pipeline, pipeline->size ? pipeline->size : sizeof stages);
	if (!stages.produce || !stages.item_size || (stages.transform && !stages.result_size))
		return -EINVAL;
	struct line line = { .stages = &stages, .pool = pool, .shared = region_needs_shared(pool) };
	line.producers = line.shared ? NULL : pool;
	choose_sizes(&line, &stages);
	size_t items, results;
	if (__builtin_mul_overflow(line.room, stages.item_size, &items) ||
		__builtin_mul_overflow(line.room, stages.transform ? stages.result_size : 1, &results))
		return -ENOMEM;
	int value = take(&line, &line.batches[0].items, items);
	if (value == 0)
		value = take(&line, &line.batches[1].items, items);
	if (value == 0)
		value = take(&line, &line.results, results);
	if (value == 0)
		value = run_line(&line);
	give(&line, line.batches[0].items);
	give(&line, line.batches[1].items);
	give(&line, line.results);
	return value;
}
