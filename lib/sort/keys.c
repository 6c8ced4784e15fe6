#include "base/api.h"
#include "pool/region.h"
#include "sort/permute.h"
#include "sort/radix.h"
#include "sort/stage.h"

#include <errno.h>

#define CHUNK_ITEMS ((size_t)16 << 10)

static int check(const void *records, size_t count, const struct kin_sort_key *key)
{
	size_t bytes, width = key ? key_width(key->key_type) : 0;
	if (!width || width > key->size || key->key_offset > key->size - width || (!records && count))
		return -EINVAL;
	return __builtin_mul_overflow(count, key->size, &bytes) ? -EOVERFLOW : 0;
}

static bool is_direct(size_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
}

/* --- pairs of a key and an index --- */

/* For keys of 4 bytes both fit in one number, the key above. */
struct wide_pair {
	uint64_t key, index;
};

struct pairs {
	struct memory memory;
	struct permutation permutation;
	bool narrow;
};

struct job {
	struct key_reader reader;
	const char *records;
	char *pairs;
	size_t *index;
	struct permutation permutation;
	size_t count, size, key_offset, width;
	bool narrow;
};
_Static_assert(sizeof(struct job) <= REGION_DATA, "a region's data");

static size_t end_of(const struct job *job, size_t chunk)
{
	return job->count - chunk * CHUNK_ITEMS < CHUNK_ITEMS ? job->count : (chunk + 1) * CHUNK_ITEMS;
}

static int run_pair(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	uint64_t *narrow = (uint64_t *)(void *)job->pairs;
	struct wide_pair *wide = (struct wide_pair *)(void *)job->pairs;
	size_t end = end_of(job, chunk);
	for (size_t i = chunk * CHUNK_ITEMS; i < end; i++) {
		uint64_t key = key_read(&job->reader, job->records + i * job->size + job->key_offset,
			job->width, job->reader.is_float);
		if (job->narrow)
			narrow[i] = key << 32 | i;
		else
			wide[i] = (struct wide_pair){ key, i };
	}
	return 0;
}

static int run_index(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t end = end_of(job, chunk);
	for (size_t i = chunk * CHUNK_ITEMS; i < end; i++) {
		uint64_t index;
		memcpy(&index, job->permutation.bytes + i * job->permutation.stride, sizeof index);
		job->index[i] = (size_t)(index & job->permutation.mask);
	}
	return 0;
}

static int run_region(struct kin_pool *pool, region_run_fn *run, const struct job *job)
{
	struct job copy = *job;
	struct region_work work = {
		.chunks = (job->count + CHUNK_ITEMS - 1) / CHUNK_ITEMS,
		.run = run,
		.data = &copy,
		.data_size = sizeof copy,
		.shared = true,
		.items = job->count,
		.end = job->count,
		.grain = CHUNK_ITEMS,
	};
	return region_run(pool, &work, NULL);
}

/* Make pairs, from records where workers see them. */
static int make_pairs(struct pairs *pairs, struct kin_pool *pool, const char *records, size_t count,
	const struct kin_sort_key *key)
{
	struct job job = {
		.records = records,
		.count = count,
		.size = key->size,
		.key_offset = key->key_offset,
		.width = key_width(key->key_type),
	};
	key_reader_init(&job.reader, job.width, 0, key->key_type, key->descending);
	job.narrow = pairs->narrow = job.width <= 4 && count <= UINT32_MAX;
	size_t size = job.narrow ? sizeof(uint64_t) : sizeof(struct wide_pair), bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		return -ENOMEM;
	int result = memory_init(&pairs->memory, bytes, region_needs_shared(pool));
	if (result < 0)
		return result;
	job.pairs = pairs->memory.bytes;
	pairs->permutation = (struct permutation){
		.bytes = job.pairs + (job.narrow ? 0 : offsetof(struct wide_pair, index)),
		.stride = size,
		.mask = job.narrow ? UINT32_MAX : UINT64_MAX,
	};
	return run_region(pool, run_pair, &job);
}

/* Sort pairs made already. Returns 1 if there was nothing to do. */
static int sort_pairs(struct pairs *pairs, struct kin_pool *pool, size_t count)
{
	struct key_reader reader;
	size_t size = pairs->permutation.stride;
	key_reader_init(&reader, size, 0, KIN_U64, false);
	if (pairs->narrow) {
		reader.shift = 32;
		reader.mask = UINT32_MAX;
	}
	int ordered = radix_is_ordered(pool, pairs->memory.bytes, count, size, &reader, false);
	return ordered ? ordered : radix_sort(pool, pairs->memory.bytes, count, size, &reader);
}

static int sort_by_pairs(struct kin_pool *pool, char *records, size_t count, const struct kin_sort_key *key)
{
	struct stage stage;
	struct pairs pairs = { 0 };
	int result = stage_init(&stage, pool, records, count * key->size);
	if (result < 0)
		return result;
	result = make_pairs(&pairs, pool, stage.items, count, key);
	if (!result)
		result = sort_pairs(&pairs, pool, count);
	if (!result) {
		result = permute(pool, stage.items, count, key->size, &pairs.permutation);
		if (!result)
			stage_bring_back(&stage);
	}
	memory_finish(&pairs.memory);
	stage_finish(&stage);
	return result == 1 ? 0 : result;
}

/* --- the API --- */

KIN_API int kin_sort_keys(struct kin_pool *pool, void *records, size_t count, const struct kin_sort_key *key)
{
	struct key_reader reader;
	struct stage stage;
	int result = check(records, count, key);
	if (result < 0 || count < 2)
		return result;
	if (!is_direct(key->size))
		return sort_by_pairs(pool, records, count, key);
	result = stage_init(&stage, pool, records, count * key->size);
	if (result < 0)
		return result;
	key_reader_init(&reader, key->size, key->key_offset, key->key_type, key->descending);
	result = radix_sort(pool, stage.items, count, key->size, &reader);
	if (!result)
		stage_bring_back(&stage);
	stage_finish(&stage);
	return result;
}

KIN_API int kin_sort_keys_index(struct kin_pool *pool, const void *records, size_t count,
	const struct kin_sort_key *key, size_t *index)
{
	struct stage stage;
	struct pairs pairs = { 0 };
	int result = check(records, count, key);
	if (!result && !index && count)
		result = -EINVAL;
	if (result < 0 || !count)
		return result;
	result = stage_init(&stage, pool, (void *)records, count * key->size);
	if (result < 0)
		return result;
	result = make_pairs(&pairs, pool, stage.items, count, key);
	stage_finish(&stage);
	if (!result)
		result = sort_pairs(&pairs, pool, count);
	if (!result || result == 1) {
		struct job job = { .permutation = pairs.permutation, .index = index, .count = count };
		result = 0;
		if (!region_needs_shared(pool))
			result = run_region(pool, run_index, &job);
		else // the index may be private memory
			for (size_t chunk = 0; chunk * CHUNK_ITEMS < count; chunk++)
				run_index(&job, chunk, NULL);
	}
	memory_finish(&pairs.memory);
	return result;
}
