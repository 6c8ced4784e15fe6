/*
 * Runs of the array are sorted into the room, each by one worker; then they are merged two by two, to and fro,
 * until there is one. A level of merging has two regions: one finds, for the begin of each piece of the output, how
 * much of it comes from which run; the other merges the pieces. The splits are put in order between the two, so
 * that every element is moved exactly once even if compare answers as it likes.
 *
 * What a region reads it does not write to, so that its chunks can be run again.
 */
#include "base/api.h"
#include "pool/region.h"
#include "sort/kernel.h"
#include "sort/merge.h"
#include "sort/permute.h"
#include "sort/stage.h"

#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>

#define FEWEST 256 // elements of a run
#define RUNS 32 // at least, where they are not too short
#define SPLITS 16 // in a chunk
#define CHECK_ITEMS ((size_t)4 << 10)
#define FILL_ITEMS ((size_t)64 << 10)

struct job {
	struct merge_order order;
	char *elements, *room;
	size_t count;
	size_t grain; // elements of a piece of output; all runs are multiples of it
	size_t run; // elements of a run now
	size_t *splits; // of the first elements of each two merged runs, how many are of the first run: by piece
	bool moved; // the runs are in the room
	bool is_private; // the elements are where only workers forked now see them
	bool downwards, processes;
};
_Static_assert(sizeof(struct job) <= REGION_DATA, "a region's data");

static char *element(const struct job *job, bool moved, size_t index)
{
	return (moved ? job->room : job->elements) + index * job->order.size;
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t chunks_of(size_t count, size_t grain)
{
	return count / grain + (count % grain > 0);
}

static int run_region(struct kin_pool *pool, const struct job *job, region_run_fn *run, size_t grain)
{
	struct job copy = *job;
	struct region_work work = {
		.chunks = chunks_of(job->count, grain),
		.run = run,
		.data = &copy,
		.data_size = sizeof copy,
		// Only workers forked now see what the comparison's argument points to.
		.shared = !job->is_private && (!job->order.arg || kin_is_shared(job->order.arg, 0)),
		.items = job->count,
		.end = job->count,
		.grain = grain,
	};
	return region_run(pool, &work, NULL);
}

/* --- runs --- */

static int run_sort(void *data, size_t chunk, void *slot)
{
	static _Alignas(64) char process_room[SORT_CACHE]; // a process runs one chunk at a time
	const struct job *job = data;
	size_t begin = chunk * job->grain, number = least_of(job->count - begin, job->grain);
	char *room = job->processes ? process_room : malloc(number * job->order.size);
	merge_sort(&job->order, element(job, false, begin), number, element(job, true, begin), room);
	if (!job->processes)
		free(room);
	return 0;
}

/* --- merging --- */

/* The two runs that piece is merged from. */
struct two_runs {
	size_t begin, a_count, b_count;
};

static struct two_runs runs_of(const struct job *job, size_t piece)
{
	size_t begin = piece * job->grain;
	begin -= begin % (2 * job->run);
	size_t a_count = least_of(job->count - begin, job->run);
	return (struct two_runs){ begin, a_count, least_of(job->count - begin - a_count, job->run) };
}

static int run_split(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t end = least_of(chunks_of(job->count, job->grain), (chunk + 1) * SPLITS);
	for (size_t piece = chunk * SPLITS; piece < end; piece++) {
		struct two_runs runs = runs_of(job, piece);
		const char *a = element(job, job->moved, runs.begin), *b = a + runs.a_count * job->order.size;
		size_t rank = piece * job->grain - runs.begin;
		bool in_order =
			!rank || !runs.b_count || merge_compare(&job->order, b, b - job->order.size) >= 0;
		job->splits[piece] =
			in_order ? least_of(rank, runs.a_count)
				 : merge_split(&job->order, a, runs.a_count, b, runs.b_count, rank);
	}
	return 0;
}

/*
 * From one piece to the next a run goes on, and by no more than the piece has: true of any order, made true of
 * others.
 */
static void put_splits_in_order(const struct job *job)
{
	size_t pieces = chunks_of(job->count, job->grain);
	for (size_t piece = 1; piece < pieces; piece++) {
		size_t before = job->splits[piece - 1], *split = &job->splits[piece];
		if (runs_of(job, piece).begin == piece * job->grain)
			continue;
		if (*split < before)
			*split = before;
		if (*split > before + job->grain)
			*split = before + job->grain;
	}
}

static int run_merge(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	struct two_runs runs = runs_of(job, chunk);
	size_t begin = chunk * job->grain, end = least_of(job->count, begin + job->grain);
	bool is_last = end == runs.begin + runs.a_count + runs.b_count;
	size_t a_begin = job->splits[chunk], a_end = is_last ? runs.a_count : job->splits[chunk + 1];
	size_t b_begin = begin - runs.begin - a_begin, b_end = end - runs.begin - a_end;
	size_t b = runs.begin + runs.a_count;
	merge_runs(&job->order, element(job, job->moved, runs.begin + a_begin), a_end - a_begin,
		element(job, job->moved, b + b_begin), b_end - b_begin, element(job, !job->moved, begin));
	return 0;
}

static int run_copy(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * job->grain;
	memcpy(element(job, false, begin), element(job, true, begin),
		least_of(job->count - begin, job->grain) * job->order.size);
	return 0;
}

/* --- what needs no sorting --- */

static int run_check(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * CHECK_ITEMS, end = least_of(job->count, begin + CHECK_ITEMS);
	// The first one against the last of the chunk before.
	for (size_t i = begin ? begin : 1; i < end; i++) {
		const char *b = element(job, false, i), *a = b - job->order.size;
		int order = merge_compare(&job->order, b, a);
		if (job->downwards ? order >= 0 : order < 0)
			return 1;
	}
	return 0;
}

/* 1: in order, or each before the one before; 0: not; or what region_run returned. */
static int is_ordered(struct kin_pool *pool, struct job *job, bool downwards)
{
	job->downwards = downwards;
	int stopped = run_region(pool, job, run_check, CHECK_ITEMS);
	return stopped == 1 ? 0 : stopped ? stopped : 1;
}

static int run_reverse(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * job->grain, end = least_of(job->count, begin + job->grain);
	for (size_t i = begin; i < end; i++)
		memcpy(element(job, true, job->count - 1 - i), element(job, false, i), job->order.size);
	return 0;
}

/* --- all of it --- */

/*
 * Elements of a run at first: what fits in the cache, or less, so that there is something to do for all workers. An
 * odd number of levels brings the elements home.
 */
static size_t choose_grain(size_t count, size_t size)
{
	size_t most = SORT_CACHE / size, wanted = count / RUNS, runs = 1;
	unsigned levels = 0;
	wanted = wanted < FEWEST ? FEWEST : wanted > most ? most : wanted;
	while (chunks_of(count, runs) > wanted) {
		runs *= 2;
		levels++;
	}
	if (levels && levels % 2 == 0)
		runs *= 2;
	return chunks_of(count, runs);
}

static int merge_all(struct kin_pool *pool, struct job *job)
{
	job->moved = true;
	int stopped = run_region(pool, job, run_sort, job->grain);
	for (job->run = job->grain; !stopped && job->run < job->count; job->run *= 2) {
		stopped = run_region(pool, job, run_split, SPLITS * job->grain);
		if (stopped)
			break;
		put_splits_in_order(job);
		stopped = run_region(pool, job, run_merge, job->grain);
		job->moved = !job->moved;
	}
	return stopped;
}

/* Sort elements where workers see them. */
static int sort_elements(struct kin_pool *pool, struct job *job)
{
	struct memory memory = { 0 };
	size_t bytes = job->count * job->order.size;
	job->grain = choose_grain(job->count, job->order.size);
	job->processes = region_needs_shared(pool);
	int result = is_ordered(pool, job, false);
	if (result)
		return result == 1 ? 0 : result;
	size_t splits = chunks_of(job->count, job->grain) * sizeof *job->splits;
	result = memory_init(&memory, memory_rounded(bytes) + splits, job->processes);
	if (result < 0)
		return result;
	char *rest = memory.bytes;
	job->room = memory_cut(&rest, bytes);
	job->splits = memory_cut(&rest, splits);
	result = is_ordered(pool, job, true);
	if (result == 1) {
		job->moved = true;
		result = run_region(pool, job, run_reverse, job->grain);
	} else if (!result) {
		result = merge_all(pool, job);
	}
	if (!result && job->moved)
		result = run_region(pool, job, run_copy, job->grain);
	memory_finish(&memory);
	return result;
}

static int run_fill(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * FILL_ITEMS, end = least_of(job->count, begin + FILL_ITEMS);
	size_t *index = (size_t *)(void *)job->elements;
	for (size_t i = begin; i < end; i++)
		index[i] = i;
	return 0;
}

/* Sort indexes, where workers see them, of items that may be anywhere. */
static int sort_index(struct kin_pool *pool, struct job *job)
{
	struct stage stage;
	int result = stage_init(&stage, pool, (void *)job->order.items, job->count * job->order.item_size);
	if (result < 0)
		return result;
	job->order.items = stage.items;
	result = run_region(pool, job, run_fill, FILL_ITEMS);
	if (!result)
		result = sort_elements(pool, job);
	stage_finish(&stage);
	return result;
}

static int check(const void *items, size_t count, size_t size, kin_compare *compare)
{
	size_t bytes;
	if (!size || !compare || (!items && count))
		return -EINVAL;
	return __builtin_mul_overflow(count, size, &bytes) ? -EOVERFLOW : 0;
}

static int sort_large_items(struct kin_pool *pool, char *items, struct job *job)
{
	struct memory index = { 0 };
	int result = kin_is_sorted(
		pool, items, job->count, job->order.item_size, job->order.compare, job->order.arg);
	if (result)
		return result == 1 ? 0 : result;
	result = memory_init(&index, job->count * sizeof(size_t), region_needs_shared(pool));
	if (result < 0)
		return result;
	job->elements = index.bytes;
	job->order.items = items;
	job->order.size = sizeof(size_t);
	result = sort_index(pool, job);
	if (!result) {
		struct permutation permutation = { index.bytes, sizeof(size_t), SIZE_MAX };
		result = permute(pool, items, job->count, job->order.item_size, &permutation);
	}
	memory_finish(&index);
	return result;
}

KIN_API int kin_sort(
	struct kin_pool *pool, void *items, size_t count, size_t size, kin_compare *compare, void *arg)
{
	struct stage stage;
	struct job job = {
		.order = { .compare = compare, .arg = arg, .item_size = size, .size = size },
		.count = count,
	};
	int result = check(items, count, size, compare);
	if (result < 0 || count < 2)
		return result;
	if (size > MERGE_MOST)
		return sort_large_items(pool, items, &job);
	result = stage_init(&stage, pool, items, count * size);
	if (result < 0)
		return result;
	job.elements = stage.items;
	result = sort_elements(pool, &job);
	if (!result)
		stage_bring_back(&stage);
	stage_finish(&stage);
	return result;
}

KIN_API int kin_sort_index(struct kin_pool *pool, const void *items, size_t count, size_t size,
	kin_compare *compare, void *arg, size_t *index)
{
	struct stage stage;
	struct job job = {
		.order = { .compare = compare,
			.arg = arg,
			.items = items,
			.item_size = size,
			.size = sizeof(size_t) },
		.count = count,
	};
	size_t bytes;
	int result = check(items, count, size, compare);
	if (!result && !index && count)
		result = -EINVAL;
	if (!result && __builtin_mul_overflow(count, sizeof *index, &bytes))
		result = -EOVERFLOW;
	if (result < 0 || !count)
		return result;
	result = stage_init(&stage, pool, index, count * sizeof *index);
	if (result < 0)
		return result;
	job.elements = stage.items;
	result = sort_index(pool, &job);
	if (!result)
		stage_bring_back(&stage);
	stage_finish(&stage);
	return result;
}

KIN_API int kin_is_sorted(
	struct kin_pool *pool, const void *items, size_t count, size_t size, kin_compare *compare, void *arg)
{
	struct job job = {
		.order = { .compare = compare, .arg = arg, .item_size = size, .size = size },
		.elements = (char *)items,
		.count = count,
	};
	int result = check(items, count, size, compare);
	if (result < 0)
		return result;
	job.is_private = !kin_is_shared(items, count * size);
	return count < 2 ? 1 : is_ordered(pool, &job, false);
}
