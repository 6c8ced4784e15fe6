#include "base/api.h"
#include "pool/region.h"
#include "scan/overlap.h"
#include "sort/memory.h"

#include <kin/scan.h>
#include <kin/shm.h>

#include <stdlib.h>
#include <string.h>

#define CHUNKS 256 // at most, where the grain is ours to choose
#define FEWEST 256 // items in one of those

struct job {
	const char *items;
	char *results;
	char *before; // the state before each chunk
	size_t count, size, grain;
	kin_combine *combine;
	void *arg;
	bool exclusive;
	bool has_initial; // there is a state before the first chunk
};
_Static_assert(sizeof(struct job) <= REGION_DATA, "a region's data");

static size_t end_of(const struct job *job, size_t chunk)
{
	return job->count - chunk * job->grain < job->grain ? job->count : (chunk + 1) * job->grain;
}

static int run_fold(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * job->grain, end = end_of(job, chunk);
	int stopped = 0;
	memcpy(slot, job->items + begin * job->size, job->size);
	for (size_t i = begin + 1; i < end && !stopped; i++)
		stopped = job->combine(slot, job->items + i * job->size, job->arg);
	return stopped;
}

/* state and item: an item each. A result may be written over its item, so that is read first. */
static int scan_chunk(const struct job *job, size_t chunk, char *state, char *item)
{
	size_t i = chunk * job->grain, end = end_of(job, chunk);
	if (chunk || job->has_initial) {
		memcpy(state, job->before + chunk * job->size, job->size);
	} else {
		memcpy(state, job->items, job->size);
		memmove(job->results, state, job->size);
		i++;
	}
	for (; i < end; i++) {
		memcpy(item, job->items + i * job->size, job->size);
		if (job->exclusive)
			memcpy(job->results + i * job->size, state, job->size);
		if (job->exclusive && i + 1 == end)
			return 0;
		int stopped = job->combine(state, item, job->arg);
		if (stopped)
			return stopped;
		if (!job->exclusive)
			memcpy(job->results + i * job->size, state, job->size);
	}
	return 0;
}

static int run_scan(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	_Alignas(64) char state[256], item[256];
	if (job->size <= sizeof state)
		return scan_chunk(job, chunk, state, item);
	char *state_memory = malloc(job->size), *item_memory = malloc(job->size);
	int result =
		state_memory && item_memory ? scan_chunk(job, chunk, state_memory, item_memory) : -ENOMEM;
	free(state_memory);
	free(item_memory);
	return result;
}

static int run_region(struct kin_pool *pool, const struct job *job, region_run_fn *run, size_t chunks,
	struct region_result *result)
{
	struct job copy = *job;
	struct region_work work = {
		.chunks = chunks,
		.run = run,
		.data = &copy,
		.data_size = sizeof copy,
		.slot_size = result ? job->size : 0,
		// Only workers forked now see what the operator's argument points to.
		.shared = !job->arg || kin_is_shared(job->arg, 0),
		.items = job->count,
		.end = job->count,
		.grain = job->grain,
	};
	return region_run(pool, &work, result);
}

/* Combine the states of the chunks, into what is before each. */
static int combine_chunks(const struct job *job, size_t chunks, const char *states, const void *initial)
{
	size_t first = 1, size = job->size;
	if (job->has_initial) {
		first = 0;
		if (initial)
			memcpy(job->before, initial, size);
		else
			memset(job->before, 0, size);
	} else if (chunks > 1) {
		memcpy(job->before + size, states, size);
	}
	for (size_t i = first; i + 1 < chunks; i++) {
		char *next = job->before + (i + 1) * size;
		memcpy(next, job->before + i * size, size);
		int stopped = job->combine(next, states + i * size, job->arg);
		if (stopped)
			return stopped;
	}
	return 0;
}

static int scan_chunks(struct kin_pool *pool, const struct job *job, const void *initial)
{
	const size_t chunks = (job->count - 1) / job->grain + 1;
	struct region_result result = { 0 };
	// The last chunk's state is nobody's beginning.
	int stopped = chunks > 1 ? run_region(pool, job, run_fold, chunks - 1, &result) : 0;
	if (!stopped)
		stopped = combine_chunks(job, chunks, result.slots, initial);
	region_result_finish(&result);
	return stopped ? stopped : run_region(pool, job, run_scan, chunks, NULL);
}

/* Give the chunks memory that they may read and write, and run them. */
static int scan_items(struct kin_pool *pool, struct job *job, const void *initial)
{
	const size_t bytes = job->count * job->size, chunks = (job->count - 1) / job->grain + 1;
	const bool processes = region_needs_shared(pool);
	// Items that are overwritten are copied too: a chunk may be run again.
	const bool copy_in = processes && (job->items == job->results || !kin_is_shared(job->items, bytes));
	const bool copy_out = processes && !kin_is_shared(job->results, bytes);
	char *home = job->results;
	struct memory before = { 0 }, in = { 0 }, out = { 0 };
	int result = memory_init(&before, chunks * job->size, processes);
	if (!result && copy_in)
		result = memory_init(&in, bytes, true);
	if (!result && copy_out)
		result = memory_init(&out, bytes, true);
	if (result < 0)
		goto out;
	job->before = before.bytes;
	if (copy_in)
		job->items = memcpy(in.bytes, job->items, bytes);
	if (copy_out)
		job->results = out.bytes;
	result = scan_chunks(pool, job, initial);
	if (copy_out && !result)
		memcpy(home, out.bytes, bytes);
out:
	memory_finish(&before);
	memory_finish(&in);
	memory_finish(&out);
	return result;
}

KIN_API int kin_scan(
	struct kin_pool *pool, const void *items, size_t count, void *results, const struct kin_scan *scan)
{
	if (!scan || (scan->size && scan->size != sizeof *scan) || !scan->item_size || !scan->combine)
		return -EINVAL;
	int result = scan_check(items, scan->item_size, results, scan->item_size, count);
	if (result < 0 || !count)
		return result;
	size_t grain = count / CHUNKS + (count % CHUNKS > 0);
	struct job job = {
		.items = items,
		.results = results,
		.count = count,
		.size = scan->item_size,
		.grain = scan->grain      ? scan->grain
			 : grain < FEWEST ? FEWEST
					  : grain,
		.combine = scan->combine,
		.arg = scan->arg,
		.exclusive = scan->exclusive,
		.has_initial = scan->exclusive || scan->initial,
	};
	return scan_items(pool, &job, scan->initial);
}
