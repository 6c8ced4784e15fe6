/*
 * Parts of the array are split by a digit of their keys into smaller parts, all workers at once on pieces of them:
 * find the range of the keys, count digits, move. Items move between the array and the room to and fro, each part
 * at the same place in both. Parts that fit in a cache are final: one worker sorts each to its end.
 *
 * Whatever a chunk reads is not written to in the same region, so that it can be run again; hence the third buffer
 * when a final part is sorted. The exception is the array's own part after an even number of splits: with processes
 * it is sorted into the room, and copied in a region of its own.
 */
#include "sort/radix.h"

#include "pool/region.h"
#include "sort/kernel.h"
#include "sort/memory.h"

#include <errno.h>
#include <stdlib.h>

#define PIECE_BYTES ((size_t)512 << 10) // of a part: what a worker takes at a time
#define MAX_PIECES 256 // of a part
#define FEWEST_BITS 6 // that split a part
#define FEW_BYTES 2048 // sorted on the stack
#define CHECK_ITEMS ((size_t)32 << 10)

struct part {
	size_t begin, count;
	bool moved; // it lies in the room
	bool equal; // all keys are equal
};

struct split {
	struct part part;
	struct sort_digit digit;
	size_t first_piece, pieces;
	size_t *counts; // 2^bits for each piece; later where its items go
};

struct piece {
	size_t begin, count, split;
};

/* What the chunks of all regions of a sort are given. */
struct job {
	const struct sort_kernel *kernel;
	struct key_reader reader;
	char *items, *room;
	struct split *splits;
	struct piece *pieces;
	struct part *parts; // final ones
	size_t *groups; // chunk c sorts the final parts [groups[c], groups[c + 1])
	size_t count;
	bool processes;
};
_Static_assert(sizeof(struct job) <= REGION_DATA, "a region's data");

struct sort {
	struct kin_pool *pool;
	struct job job;
	struct part *stack; // to be split
	size_t stacked;
	size_t splits, max_splits, pieces, max_pieces;
	size_t *counts, counted, max_counted;
	size_t parts, max_parts;
};

struct extremes {
	uint64_t least, greatest;
};

static int run_region(const struct sort *sort, region_run_fn *run, size_t chunks, size_t slot_size,
	struct region_result *result)
{
	struct job job = sort->job;
	struct region_work work = {
		.chunks = chunks,
		.run = run,
		.data = &job,
		.data_size = sizeof job,
		.slot_size = slot_size,
		.shared = true,
		.end = chunks,
		.grain = 1,
	};
	return region_run(sort->pool, &work, result);
}

static char *place(const struct job *job, bool moved, size_t begin)
{
	return (moved ? job->room : job->items) + begin * job->kernel->size;
}

/* --- splitting --- */

static int run_range(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	const struct piece *piece = &job->pieces[chunk];
	struct extremes *extremes = slot;
	job->kernel->range(&job->reader, place(job, job->splits[piece->split].part.moved, piece->begin),
		piece->count, &extremes->least, &extremes->greatest);
	return 0;
}

static size_t *counts_of(const struct split *split, size_t piece)
{
	return split->counts + ((piece - split->first_piece) << split->digit.bits);
}

static int run_count(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	const struct piece *piece = &job->pieces[chunk];
	const struct split *split = &job->splits[piece->split];
	if (split->part.equal)
		return 0;
	job->kernel->count(&job->reader, place(job, split->part.moved, piece->begin), piece->count,
		&split->digit, counts_of(split, chunk));
	return 0;
}

static int run_scatter(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	const struct piece *piece = &job->pieces[chunk];
	const struct split *split = &job->splits[piece->split];
	size_t next[1 << SORT_PART_BITS];
	if (split->part.equal)
		return 0;
	memcpy(next, counts_of(split, chunk), sizeof *next << split->digit.bits);
	job->kernel->scatter(&job->reader, place(job, split->part.moved, piece->begin), piece->count,
		&split->digit, next, place(job, !split->part.moved, 0));
	return 0;
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t pieces_of(size_t bytes)
{
	size_t pieces = least_of(bytes / PIECE_BYTES, MAX_PIECES);
	return pieces ? pieces : 1;
}

/* As many as make parts of half of what fits in the cache, if keys are spread evenly. */
static unsigned bits_of(size_t bytes)
{
	unsigned bits = key_bits(bytes / (SORT_CACHE / 2));
	return bits < FEWEST_BITS ? FEWEST_BITS : bits > SORT_PART_BITS ? SORT_PART_BITS : bits;
}

static size_t counts_for(size_t bytes)
{
	return pieces_of(bytes) << bits_of(bytes);
}

/* Take parts off the stack, as many as there is room for in the tables. */
static void take_parts(struct sort *sort)
{
	sort->splits = sort->pieces = sort->counted = 0;
	while (sort->stacked && sort->splits < sort->max_splits) {
		struct part part = sort->stack[sort->stacked - 1];
		size_t bytes = part.count * sort->job.kernel->size, pieces = pieces_of(bytes);
		if (sort->splits && (sort->pieces + pieces > sort->max_pieces ||
					    sort->counted + counts_for(bytes) > sort->max_counted))
			break;
		sort->stacked--;
		sort->job.splits[sort->splits] = (struct split){
			.part = part,
			.first_piece = sort->pieces,
			.pieces = pieces,
			.counts = sort->counts + sort->counted,
		};
		for (size_t i = 0; i < pieces; i++) {
			size_t begin = part.count / pieces * i + least_of(part.count % pieces, i);
			size_t end = part.count / pieces * (i + 1) + least_of(part.count % pieces, i + 1);
			sort->job.pieces[sort->pieces++] =
				(struct piece){ part.begin + begin, end - begin, sort->splits };
		}
		sort->counted += counts_for(bytes);
		sort->splits++;
	}
}

static void choose_digit(const struct sort *sort, struct split *split, const struct extremes *extremes)
{
	uint64_t least = UINT64_MAX, greatest = 0;
	for (size_t i = split->first_piece; i < split->first_piece + split->pieces; i++) {
		least = extremes[i].least < least ? extremes[i].least : least;
		greatest = extremes[i].greatest > greatest ? extremes[i].greatest : greatest;
	}
	unsigned bits = key_bits(greatest - least),
		 wanted = bits_of(split->part.count * sort->job.kernel->size);
	split->part.equal = !bits;
	split->digit = (struct sort_digit){
		.least = least,
		.shift = bits > wanted ? bits - wanted : 0,
		.bits = bits > wanted ? wanted : bits,
	};
}

static void push_final(struct sort *sort, struct part part)
{
	sort->job.parts[sort->parts++] = part;
}

/* A part whose keys are equal is only moved to where it belongs, by several workers. */
static void push_equal(struct sort *sort, struct part part)
{
	size_t most = PIECE_BYTES / sort->job.kernel->size;
	if (!part.moved)
		return;
	for (size_t i = 0; i < part.count; i += most)
		push_final(sort, (struct part){ part.begin + i, least_of(part.count - i, most), part.moved,
					 part.equal });
}

/* What a split left: neighbours that fit in the cache together stay together. */
static void push_children(struct sort *sort, const struct split *split, const size_t *begins)
{
	const size_t most = SORT_CACHE / sort->job.kernel->size, digits = (size_t)1 << split->digit.bits;
	struct part small = { begins[0], 0, !split->part.moved, false };
	for (size_t d = 0; d < digits; d++) {
		struct part part = { begins[d], begins[d + 1] - begins[d], !split->part.moved,
			!split->digit.shift };
		if (small.count + part.count <= most) {
			small.count += part.count;
			continue;
		}
		if (small.count)
			push_final(sort, small);
		small = (struct part){ part.begin, part.count, part.moved, false };
		if (part.count <= most)
			continue;
		small = (struct part){ begins[d + 1], 0, part.moved, false };
		if (part.equal)
			push_equal(sort, part);
		else
			sort->stack[sort->stacked++] = part;
	}
	if (small.count)
		push_final(sort, small);
}

/* From numbers of items to places: first by digit, then by piece, which keeps equal keys in their order. */
static void place_digits(const struct split *split, size_t *begins)
{
	const size_t digits = (size_t)1 << split->digit.bits;
	size_t next = split->part.begin;
	for (size_t d = 0; d < digits; d++) {
		begins[d] = next;
		for (size_t i = 0; i < split->pieces; i++) {
			size_t *count = &split->counts[(i << split->digit.bits) + d], number = *count;
			*count = next;
			next += number;
		}
	}
	begins[digits] = next;
}

static int split_parts(struct sort *sort)
{
	struct region_result result = { 0 };
	take_parts(sort);
	int stopped = run_region(sort, run_range, sort->pieces, sizeof(struct extremes), &result);
	if (!stopped)
		for (size_t i = 0; i < sort->splits; i++)
			choose_digit(sort, &sort->job.splits[i], result.slots);
	region_result_finish(&result);
	if (!stopped)
		stopped = run_region(sort, run_count, sort->pieces, 0, NULL);
	if (stopped)
		return stopped;
	for (size_t i = 0; i < sort->splits; i++) {
		struct split *split = &sort->job.splits[i];
		size_t begins[(1 << SORT_PART_BITS) + 1];
		if (split->part.equal) {
			push_equal(sort, split->part);
			continue;
		}
		place_digits(split, begins);
		push_children(sort, split, begins);
	}
	return run_region(sort, run_scatter, sort->pieces, 0, NULL);
}

/* --- final parts --- */

/* The third buffer. A process has one; it runs one chunk at a time. */
static char *bucket_room(const struct job *job)
{
	static _Alignas(64) char room[SORT_CACHE];
	return job->processes ? room : malloc(SORT_CACHE);
}

static int run_final(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	char *room = bucket_room(job);
	for (size_t i = job->groups[chunk]; i < job->groups[chunk + 1]; i++) {
		const struct part *part = &job->parts[i];
		char *from = place(job, part->moved, part->begin),
		     *to = place(job, !part->moved, part->begin);
		size_t bytes = part->count * job->kernel->size;
		if (part->equal)
			memcpy(to, from, bytes);
		else
			job->kernel->sort(&job->reader, from, to, room, part->count);
		if (!part->moved && !job->processes)
			memcpy(from, to, bytes);
	}
	if (!job->processes)
		free(room);
	return 0;
}

static int run_bring_back(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	for (size_t i = job->groups[chunk]; i < job->groups[chunk + 1]; i++) {
		const struct part *part = &job->parts[i];
		if (!part->moved)
			memcpy(place(job, false, part->begin), place(job, true, part->begin),
				part->count * job->kernel->size);
	}
	return 0;
}

static int finish_parts(struct sort *sort)
{
	const size_t most = PIECE_BYTES / sort->job.kernel->size;
	size_t groups = 0, items = 0;
	bool some_not_moved = false;
	for (size_t i = 0; i < sort->parts; i++) {
		if (!items)
			sort->job.groups[groups++] = i;
		items += sort->job.parts[i].count;
		if (items >= most)
			items = 0;
		some_not_moved |= !sort->job.parts[i].moved;
	}
	sort->job.groups[groups] = sort->parts;
	sort->parts = 0;
	int stopped = run_region(sort, run_final, groups, 0, NULL);
	if (!stopped && some_not_moved && sort->job.processes)
		stopped = run_region(sort, run_bring_back, groups, 0, NULL);
	return stopped;
}

/* --- all of it --- */

static int run_check(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * CHECK_ITEMS, left = job->count - begin;
	// One more, which is the next chunk's first.
	return !job->kernel->is_ordered(
		&job->reader, place(job, false, begin), least_of(left, CHECK_ITEMS + 1), job->splits != NULL);
}

int radix_is_ordered(struct kin_pool *pool, const char *items, size_t count, size_t size,
	const struct key_reader *reader, bool downwards)
{
	static struct split no_split; // tells the direction, and nothing else
	struct sort sort = {
		.pool = pool,
		.job = { .kernel = sort_kernel(size, reader->is_float), .reader = *reader, .count = count },
	};
	sort.job.items = (char *)items;
	sort.job.splits = downwards ? &no_split : NULL;
	int stopped = run_region(&sort, run_check, (count + CHECK_ITEMS - 1) / CHECK_ITEMS, 0, NULL);
	return stopped == 1 ? 0 : stopped ? stopped : 1;
}

static int run_reverse(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * CHECK_ITEMS, number = least_of(job->count - begin, CHECK_ITEMS);
	job->kernel->reverse(place(job, false, begin), number, place(job, true, job->count - begin - number));
	return 0;
}

static int run_copy(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * CHECK_ITEMS, number = least_of(job->count - begin, CHECK_ITEMS);
	memcpy(place(job, false, begin), place(job, true, begin), number * job->kernel->size);
	return 0;
}

static int reverse(const struct sort *sort)
{
	size_t chunks = (sort->job.count + CHECK_ITEMS - 1) / CHECK_ITEMS;
	int stopped = run_region(sort, run_reverse, chunks, 0, NULL);
	return stopped ? stopped : run_region(sort, run_copy, chunks, 0, NULL);
}

static int sort_large(struct sort *sort)
{
	const size_t count = sort->job.count, bytes = count * sort->job.kernel->size;
	const size_t most = bytes / SORT_CACHE + 2; // parts larger than the cache, at any time
	struct memory memory = { 0 };
	sort->max_splits = most;
	sort->max_pieces = bytes / PIECE_BYTES + most;
	sort->max_counted = counts_for(bytes);
	sort->max_parts = 8 * most;
	int result = memory_init(&memory,
		memory_rounded(bytes) + memory_rounded(sort->max_splits * sizeof(struct split)) +
			memory_rounded(sort->max_pieces * sizeof(struct piece)) +
			memory_rounded(sort->max_counted * sizeof *sort->counts) +
			memory_rounded(sort->max_parts * sizeof(struct part)) +
			memory_rounded((sort->max_parts + 1) * sizeof *sort->job.groups) +
			memory_rounded(most * sizeof(struct part)),
		sort->job.processes);
	if (result < 0)
		return result;
	char *rest = memory.bytes;
	sort->job.room = memory_cut(&rest, bytes);
	sort->job.splits = memory_cut(&rest, sort->max_splits * sizeof(struct split));
	sort->job.pieces = memory_cut(&rest, sort->max_pieces * sizeof(struct piece));
	sort->counts = memory_cut(&rest, sort->max_counted * sizeof *sort->counts);
	sort->job.parts = memory_cut(&rest, sort->max_parts * sizeof(struct part));
	sort->job.groups = memory_cut(&rest, (sort->max_parts + 1) * sizeof *sort->job.groups);
	sort->stack = memory_cut(&rest, most * sizeof(struct part));
	result = radix_is_ordered(
		sort->pool, sort->job.items, count, sort->job.kernel->size, &sort->job.reader, true);
	if (result == 1) {
		result = reverse(sort);
	} else if (!result) {
		sort->stack[sort->stacked++] = (struct part){ .count = count };
		while (!result && sort->stacked) {
			result = split_parts(sort);
			if (!result && (sort->parts > sort->max_parts / 2 || !sort->stacked))
				result = finish_parts(sort);
		}
	}
	memory_finish(&memory);
	return result;
}

/* What fits in the cache is not worth telling anybody. */
static int run_small(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	const size_t bytes = job->count * job->kernel->size;
	_Alignas(16) char target[FEW_BYTES], room[FEW_BYTES];
	if (job->kernel->is_ordered(&job->reader, job->items, job->count, false))
		return 0;
	if (job->room)
		job->kernel->sort(&job->reader, job->items, job->room, job->room + bytes, job->count);
	else
		job->kernel->sort(&job->reader, job->items, target, room, job->count);
	memcpy(job->items, job->room ? job->room : target, bytes);
	return 0;
}

static int sort_small(struct sort *sort)
{
	struct memory memory = { 0 };
	size_t bytes = sort->job.count * sort->job.kernel->size;
	if (bytes > FEW_BYTES) {
		int result = memory_init(&memory, 2 * bytes, false);
		if (result < 0)
			return result;
		sort->job.room = memory.bytes;
	}
	int stopped = sort->job.processes ? run_small(&sort->job, 0, NULL)
					  : run_region(sort, run_small, 1, 0, NULL);
	memory_finish(&memory);
	return stopped;
}

int radix_sort(struct kin_pool *pool, char *items, size_t count, size_t size, const struct key_reader *reader)
{
	struct sort sort = {
		.pool = pool,
		.job = {
			.kernel = sort_kernel(size, reader->is_float),
			.reader = *reader,
			.items = items,
			.count = count,
			.processes = region_needs_shared(pool),
		},
	};
	if (count < 2)
		return 0;
	if (count * size <= SORT_CACHE)
		return sort_small(&sort);
	int ordered = radix_is_ordered(pool, items, count, size, reader, false);
	return ordered == 1 ? 0 : ordered ? ordered : sort_large(&sort);
}
