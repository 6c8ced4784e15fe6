/*
 * Three batches of items: while a job fills one, another job transforms the one before, as a region with a chunk for
 * each item, and the caller consumes the results of the one before that. Then they change places. How many items make
 * a batch follows from how long a turn takes; what is computed does not depend on it.
 */
#include "base/api.h"
#include "base/fork.h"
#include "base/ticks.h"
#include "pool/context.h"
#include "pool/region.h"

#include <kin/control.h>
#include <kin/job.h>
#include <kin/pipeline.h>
#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Batches grow until a turn takes so long; longer where each of them costs a fork of the caller's memory. */
#define TURN_NS 2000000
#define TURN_PRIVATE_NS 100000000
#define BATCH_MOST 4096
#define BATCH_BYTES ((size_t)4 << 20)
#define BATCHES 3
#define LINE_BYTES 64

struct batch {
	struct line *line;
	char *items, *results;
	size_t count, first; // items that are there; the number of the first one
	size_t good; // items, from the first on, that have results
	int end; // of the producer: 1 not reached, 0 reached, negative: failed
	int value; // of the transforms
	kin_job_fn *fn; // what a job, or the caller if there is none, has to do to it
	struct kin_job *job;
};

struct line {
	const struct kin_pipeline *stages;
	struct kin_pool *pool, *threads; // threads: runs producers
	bool shared; // items and results are for process workers
	bool known; // arg lies where persistent process workers see it
	bool overlaps; // stages run at the same time
	size_t room, size; // items that a batch can have; and has now
	size_t made;
	_Atomic int stop;
	uint32_t generation;
	struct batch batches[BATCHES];
};

/* A child that a stage forked: it must not touch what the parent works on, as the place in a file is theirs both. */
static bool is_child(const struct line *line)
{
	return line->generation != fork_generation();
}

static int fill(void *arg, void *result)
{
	struct batch *batch = arg;
	struct line *line = batch->line;
	const struct kin_pipeline *stages = line->stages;
	batch->count = 0;
	batch->first = line->made;
	batch->end = 1;
	while (batch->count < line->size && batch->end == 1 && !atomic_load(&line->stop) && !is_child(line)) {
		int made = kin_stopping();
		if (made == 0)
			made = stages->produce(batch->items + batch->count * stages->item_size, stages->arg);
		batch->end = made > 1 ? -EINVAL : made;
		batch->count += made == 1;
	}
	line->made += batch->count;
	return 0;
}

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

static int transform(void *arg, void *unused)
{
	struct batch *batch = arg;
	const struct line *line = batch->line;
	const struct kin_pipeline *stages = line->stages;
	struct step step = { stages->transform, stages->arg, batch->items, batch->results, stages->item_size,
		stages->result_size };
	struct region_work work = {
		.chunks = batch->count,
		.run = run_item,
		.data = &step,
		.data_size = sizeof step,
		.shared = line->known,
		.key = (const void *)(uintptr_t)stages->transform,
		.begin = batch->first,
		.end = batch->first + batch->count,
		.grain = 1,
	};
	struct region_result result = { .stopped_at = SIZE_MAX };
	batch->value = region_run(line->pool, &work, &result);
	batch->good = batch->count;
	if (batch->value) {
		/* A control leaves out chunks below others that ran; then the place says nothing. */
		int stopping = kin_stopping();
		batch->good = result.stopped_at < batch->count && !stopping ? result.stopped_at : 0;
		batch->value = stopping ? stopping : batch->value;
	}
	region_result_finish(&result);
	return 0;
}

static int consume(const struct batch *batch)
{
	const struct line *line = batch->line;
	const struct kin_pipeline *stages = line->stages;
	size_t size = stages->transform ? stages->result_size : stages->item_size;
	for (size_t i = 0; i < batch->good && stages->consume; i++) {
		int value = kin_stopping();
		if (value == 0)
			value = stages->consume(batch->results + i * size, stages->arg);
		if (is_child(line))
			return -ECHILD;
		if (value)
			return value;
	}
	return batch->value;
}

/* Have a job do it; the caller will where there can be no job. */
static void begin(struct batch *batch, kin_job_fn *fn)
{
	batch->fn = fn;
	batch->job = NULL;
	if (kin_submit(batch->line->threads, fn, batch, NULL, &batch->job) < 0)
		batch->job = NULL;
}

/* Returns 0, or why it was not done. */
static int finish(struct batch *batch)
{
	int value = 0;
	bool stop = atomic_load(&batch->line->stop);
	if (batch->job) {
		if (stop)
			kin_job_cancel(batch->job);
		value = kin_wait(batch->job, -1);
		kin_job_destroy(batch->job);
		batch->job = NULL;
	} else if (batch->fn && !stop)
		value = batch->fn(batch, NULL);
	batch->fn = NULL;
	return value;
}

static void begin_transform(struct batch *batch)
{
	batch->value = 0;
	batch->good = batch->count;
	if (batch->count && batch->line->stages->transform)
		begin(batch, transform);
}

static void finish_transform(struct batch *batch)
{
	int error = finish(batch);
	if (error) {
		batch->good = 0;
		batch->value = error;
	}
}

static void begin_fill(struct batch *batch, int end)
{
	batch->count = 0;
	batch->end = end;
	if (end == 1)
		begin(batch, fill);
}

static void finish_fill(struct batch *batch)
{
	int error = finish(batch);
	if (error)
		batch->end = error;
}

static void grow(struct line *line, uint64_t began)
{
	int64_t limit = line->shared && !line->known && line->stages->transform ? TURN_PRIVATE_NS : TURN_NS;
	if (ticks_now() - began < ticks_from_ns(limit))
		line->size = 2 * line->size < line->room ? 2 * line->size : line->room;
}

static int run_overlapped(struct line *line)
{
	struct batch *done = &line->batches[0], *now = &line->batches[1], *next = &line->batches[2];
	now->end = next->end = 1;
	for (;;) {
		uint64_t began = ticks_now();
		if (done->value == 0) {
			/* Producing first: it cannot be shared out, and the caller helps to transform. */
			begin_fill(next, now->end);
			begin_transform(now);
		}
		int value = consume(done);
		if (value)
			atomic_store(&line->stop, 1);
		finish_transform(now);
		finish_fill(next);
		if (is_child(line))
			return -ECHILD;
		if (value)
			return value;
		if (now->count == 0 && next->count == 0 && next->end != 1)
			return next->end;
		grow(line, began);
		struct batch *empty = done;
		done = now;
		now = next;
		next = empty;
	}
}

static int run_one_by_one(struct line *line)
{
	struct batch *batch = &line->batches[0];
	for (;;) {
		uint64_t began = ticks_now();
		fill(batch, NULL);
		batch->value = 0;
		batch->good = batch->count;
		if (is_child(line))
			return -ECHILD;
		if (batch->count && line->stages->transform)
			transform(batch, NULL);
		int value = consume(batch);
		if (value || batch->end != 1)
			return value ? value : batch->end;
		grow(line, began);
	}
}

static int make_batch(struct line *line, struct batch *batch)
{
	const struct kin_pipeline *stages = line->stages;
	size_t bytes, more = 0;
	if (__builtin_mul_overflow(line->room, stages->item_size, &bytes) ||
		__builtin_add_overflow(bytes, LINE_BYTES - 1, &bytes))
		return -ENOMEM;
	size_t results_at = bytes / LINE_BYTES * LINE_BYTES;
	if (stages->transform && __builtin_mul_overflow(line->room, stages->result_size, &more))
		return -ENOMEM;
	if (__builtin_add_overflow(results_at, more, &bytes) || bytes > SIZE_MAX / 2)
		return -ENOMEM;
	void *memory = NULL;
	int error = 0;
	if (line->shared)
		error = kin_shared_alloc(&memory, bytes);
	else
		memory = calloc(1, bytes);
	if (error < 0 || !memory)
		return error < 0 ? error : -ENOMEM;
	batch->line = line;
	batch->items = memory;
	batch->results = stages->transform ? batch->items + results_at : batch->items;
	return 0;
}

static void free_batches(struct line *line)
{
	for (size_t i = 0; i < BATCHES; i++)
		if (line->shared)
			kin_shared_free(line->batches[i].items);
		else
			free(line->batches[i].items);
}

static void choose_sizes(struct line *line)
{
	const struct kin_pipeline *stages = line->stages;
	size_t workers = kin_pool_workers(line->pool), least = 2 * workers;
	size_t bytes = stages->item_size;
	if (stages->transform && stages->result_size > bytes)
		bytes = stages->result_size;
	line->overlaps = !context_in_process_worker && (line->shared || workers > 1) &&
			 (stages->ahead == 0 || stages->ahead >= BATCHES);
	line->room = BATCH_BYTES / bytes;
	line->room = line->room > BATCH_MOST ? BATCH_MOST : line->room < least ? least : line->room;
	size_t limit = line->overlaps ? stages->ahead / BATCHES : stages->ahead;
	if (stages->ahead && limit < line->room)
		line->room = limit;
	line->size = least < line->room ? least : line->room;
}

static int run_line(struct line *line)
{
	int value = 0;
	for (size_t i = 0; value == 0 && i < (line->overlaps ? BATCHES : 1); i++)
		value = make_batch(line, &line->batches[i]);
	if (value == 0)
		value = line->overlaps ? run_overlapped(line) : run_one_by_one(line);
	free_batches(line);
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
	struct line line = {
		.stages = &stages,
		.pool = pool,
		.shared = region_needs_shared(pool),
		.known = stages.arg && kin_is_shared(stages.arg, 0),
		.generation = fork_generation(),
	};
	line.threads = line.shared ? NULL : pool;
	choose_sizes(&line);
	return run_line(&line);
}
