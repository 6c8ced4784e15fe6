#include "sort/permute.h"

#include "pool/region.h"
#include "sort/stage.h"

#include <string.h>

#define CHUNK_BYTES ((size_t)256 << 10)

struct job {
	struct permutation permutation;
	char *items, *room;
	size_t count, size, grain;
};

static size_t end_of(const struct job *job, size_t chunk)
{
	return job->count - chunk * job->grain < job->grain ? job->count : (chunk + 1) * job->grain;
}

static int run_gather(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	const struct permutation *permutation = &job->permutation;
	size_t end = end_of(job, chunk);
	for (size_t i = chunk * job->grain; i < end; i++) {
		uint64_t index;
		memcpy(&index, permutation->bytes + i * permutation->stride, sizeof index);
		memcpy(job->room + i * job->size, job->items + (index & permutation->mask) * job->size,
			job->size);
	}
	return 0;
}

static int run_copy(void *data, size_t chunk, void *slot)
{
	const struct job *job = data;
	size_t begin = chunk * job->grain;
	memcpy(job->items + begin * job->size, job->room + begin * job->size,
		(end_of(job, chunk) - begin) * job->size);
	return 0;
}

int permute(
	struct kin_pool *pool, char *items, size_t count, size_t size, const struct permutation *permutation)
{
	struct stage stage;
	struct memory room = { 0 };
	int result = stage_init(&stage, pool, items, count * size);
	if (result < 0)
		return result;
	result = memory_init(&room, count * size, region_needs_shared(pool));
	if (result < 0)
		goto out;
	struct job job = {
		.permutation = *permutation,
		.items = stage.items,
		.room = room.bytes,
		.count = count,
		.size = size,
		.grain = CHUNK_BYTES / size + 1,
	};
	struct region_work work = {
		.chunks = (count + job.grain - 1) / job.grain,
		.run = run_gather,
		.data = &job,
		.data_size = sizeof job,
		.shared = true,
		.items = count,
		.end = count,
		.grain = job.grain,
	};
	result = region_run(pool, &work, NULL);
	if (result)
		goto out;
	work.run = run_copy;
	result = region_run(pool, &work, NULL);
	if (!result)
		stage_bring_back(&stage);
out:
	memory_finish(&room);
	stage_finish(&stage);
	return result;
}
