/*
 * Rounds. A round has a unit for each worker, written from its first item to its last, so that a unit needs to know
 * nothing but the sum of all before it. A region writes the units of a round, and takes the sums of the chunks of
 * the next, the last unit's excepted: what that comes to is known when it is written. A round stays in the caches,
 * so what is summed and then written is read from memory once.
 *
 * A chain of chunks that wait for each other would need no rounds, but would hang on a chunk that is never begun, as
 * happens when a region is stopped or a process worker dies.
 *
 * Units do not matter for the bits: chunks are added up in their order, whoever does it.
 *
 * With processes a window of items that are not shared, or are overwritten by their sums, is copied before it is
 * read: a unit can be written again then.
 */
#include "base/api.h"
#include "pool/region.h"
#include "scan/kernel.h"
#include "scan/overlap.h"
#include "sort/memory.h"

#include <kin/shm.h>

#include <string.h>

#define ROUND 64 // chunks
#define MAX_UNITS 16
#define WINDOW (ROUND * SCAN_CHUNK) // items
#define STREAM_BYTES ((size_t)32 << 20) // results of more bytes than that do not stay in the caches

/* Part of the items, with all of a region's units and chunks. */
struct job {
	const struct scan_kernel *kernel;
	const char *items;
	char *sums;
	size_t count;
	const union scan_sum *before; // sums before the units of the round that is written
	size_t unit; // chunks in one; the last one of all may have fewer
	size_t first, written; // the chunks of the round that is written
	size_t units, summed; // units of that round; chunks of the next one
	struct scan_how how;
};
_Static_assert(sizeof(struct job) <= REGION_DATA, "a region's data");

struct outcome {
	union scan_sum sum; // of a chunk; of a unit and all before it
	bool overflow;
};

struct scan {
	struct kin_pool *pool;
	struct job job;
	union scan_sum *before; // MAX_UNITS of them, where workers see them
	union scan_sum total; // of all items before the next round
	bool overflow;
};

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static const char *chunk_at(const struct job *job, size_t chunk, size_t *ret_count)
{
	*ret_count = least_of(job->count - chunk * SCAN_CHUNK, SCAN_CHUNK);
	return job->items + chunk * SCAN_CHUNK * job->kernel->item_size;
}

static union scan_sum add(const struct scan_kernel *kernel, union scan_sum a, union scan_sum b)
{
	return kernel->is_float ? (union scan_sum){ .f = a.f + b.f } : (union scan_sum){ .u = a.u + b.u };
}

static struct outcome write_unit(const struct job *job, size_t unit)
{
	struct outcome outcome = { .sum = job->before[unit] };
	size_t end = job->first + least_of((unit + 1) * job->unit, job->written);
	for (size_t chunk = job->first + unit * job->unit; chunk < end; chunk++) {
		struct scan_how how = job->how;
		union scan_sum sum;
		size_t count;
		const char *items = chunk_at(job, chunk, &count);
		how.last &= chunk * SCAN_CHUNK + count == job->count;
		outcome.overflow |= job->kernel->scan(items, count,
			job->sums + chunk * SCAN_CHUNK * job->kernel->sum_size, outcome.sum, how, &sum);
		outcome.sum = add(job->kernel, outcome.sum, sum);
	}
#ifdef __x86_64__
	if (job->how.stream)
		__builtin_ia32_sfence(); // streaming stores are not ordered by what tells that this unit is done
#endif
	return outcome;
}

static int run_round(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	struct outcome *outcome = slot;
	if (chunk < job->units) {
		*outcome = write_unit(job, chunk);
	} else {
		size_t count;
		const char *items = chunk_at(job, job->first + job->written + chunk - job->units, &count);
		*outcome = (struct outcome){ .sum = job->kernel->sum(items, count) };
	}
	return 0;
}

static int run_region(struct scan *scan, struct region_result *result)
{
	struct job job = scan->job;
	struct region_work work = {
		.chunks = job.units + job.summed,
		.run = run_round,
		.data = &job,
		.data_size = sizeof job,
		.slot_size = sizeof(struct outcome),
		.shared = true,
		.items = (job.written + job.summed) * SCAN_CHUNK,
		.end = job.units + job.summed,
		.grain = 1,
	};
	return region_run(scan->pool, &work, result);
}

static size_t chunks_of(size_t count)
{
	return count / SCAN_CHUNK + (count % SCAN_CHUNK > 0);
}

/* What the region just run tells the next one. */
static void take_outcomes(struct scan *scan, const struct outcome *outcomes)
{
	const struct job *job = &scan->job;
	for (size_t i = 0; i < job->units; i++)
		scan->overflow |= outcomes[i].overflow;
	if (job->units)
		scan->total = outcomes[job->units - 1].sum;
	scan->before[0] = scan->total;
	for (size_t i = 0; i < job->summed; i++) {
		scan->total = add(job->kernel, scan->total, outcomes[job->units + i].sum);
		if ((i + 1) % job->unit == 0)
			scan->before[(i + 1) / job->unit] = scan->total;
	}
}

/* Go on to the round that begins with a chunk: how many units it has, and how many chunks are to be summed for it. */
static size_t units_at(const struct job *job, size_t first, size_t *ret_chunks)
{
	size_t chunks = chunks_of(job->count);
	*ret_chunks = first < chunks ? least_of(chunks - first, ROUND) : 0;
	return *ret_chunks / job->unit + (*ret_chunks % job->unit > 0);
}

static int scan_rounds(struct scan *scan)
{
	struct job *job = &scan->job;
	size_t chunks, units = least_of(kin_pool_workers(scan->pool), MAX_UNITS);
	job->unit = (least_of(chunks_of(job->count), ROUND) - 1) / units + 1;
	job->first = job->written = job->units = 0;
	units = units_at(job, 0, &chunks);
	while (job->units || units) {
		struct region_result result = { 0 };
		job->summed = units ? (units - 1) * job->unit : 0;
		int stopped = job->units + job->summed ? run_region(scan, &result) : 0;
		if (!stopped)
			take_outcomes(scan, result.slots);
		region_result_finish(&result);
		if (stopped)
			return stopped;
		job->first += job->written;
		job->written = chunks;
		job->units = units;
		units = units_at(job, job->first + chunks, &chunks);
	}
	return 0;
}

static int scan_threads(struct scan *scan)
{
	union scan_sum before[MAX_UNITS];
	scan->before = before;
	scan->job.before = before;
	return scan_rounds(scan);
}

/* All that is not shared goes through a window. */
static int scan_processes(struct scan *scan)
{
	const struct job all = scan->job;
	const struct scan_kernel *kernel = all.kernel;
	const size_t most = all.count < WINDOW ? all.count : WINDOW;
	const bool copy_in =
		all.items == all.sums || !kin_is_shared(all.items, all.count * kernel->item_size);
	const bool copy_out = !kin_is_shared(all.sums, all.count * kernel->sum_size);
	struct memory memory = { 0 };
	int stopped = memory_init(&memory,
		memory_rounded(MAX_UNITS * sizeof(union scan_sum)) +
			memory_rounded(most * kernel->item_size) + memory_rounded(most * kernel->sum_size),
		true);
	if (stopped < 0)
		return stopped;
	char *rest = memory.bytes;
	scan->job.before = scan->before = memory_cut(&rest, MAX_UNITS * sizeof(union scan_sum));
	char *in = memory_cut(&rest, most * kernel->item_size),
	     *out = memory_cut(&rest, most * kernel->sum_size);
	for (size_t begin = 0; begin < all.count && !stopped; begin += WINDOW) {
		const char *items = all.items + begin * kernel->item_size;
		char *sums = all.sums + begin * kernel->sum_size;
		size_t count = all.count - begin < WINDOW ? all.count - begin : WINDOW;
		scan->job.count = count;
		scan->job.how.last = begin + count == all.count;
		scan->job.items = copy_in ? memcpy(in, items, count * kernel->item_size) : items;
		scan->job.sums = copy_out ? out : sums;
		stopped = scan_rounds(scan);
		if (copy_out && !stopped)
			memcpy(sums, out, count * kernel->sum_size);
	}
	memory_finish(&memory);
	return stopped;
}

KIN_API int kin_scan_sum(struct kin_pool *pool, const void *items, size_t count, enum kin_type type,
	void *sums, bool exclusive)
{
	const struct scan_kernel *kernel = scan_kernel(type);
	if (!kernel)
		return -EINVAL;
	int result = scan_check(items, kernel->item_size, sums, kernel->sum_size, count);
	if (result < 0 || !count)
		return result;
	struct scan scan = {
		.pool = pool,
		.job = {
			.kernel = kernel,
			.items = items,
			.sums = sums,
			.count = count,
			.how = { .exclusive = exclusive, .last = true },
		},
	};
	if (region_needs_shared(pool)) {
		result = scan_processes(&scan);
	} else {
		scan.job.how.stream = items != sums && count >= STREAM_BYTES / kernel->sum_size &&
				      (uintptr_t)sums % 16 == 0;
		result = scan_threads(&scan);
	}
	return result ? result : scan.overflow ? -EOVERFLOW : 0;
}
