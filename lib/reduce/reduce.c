/* A reduction of any kind: fold each chunk into a slot, then combine the slots in one fixed tree. */
#include "base/api.h"
#include "pool/region.h"

#include <kin/reduce.h>
#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS 1024
/* Large states: fewer chunks, so that all states together stay below this, but never fewer than so many. */
#define STATES_BYTES ((size_t)64 << 20)
#define LEAST_CHUNKS 32
/* From here on it pays to combine pairs side by side. */
#define PARALLEL_BYTES ((size_t)1 << 20)

struct folding {
	kin_fold *fold;
	void *arg;
	const void *identity;
	size_t begin, end, grain, state_size;
};

static int fold_chunk(void *data, size_t chunk, void *slot)
{
	const struct folding *folding = data;
	size_t begin = folding->begin + chunk * folding->grain;
	size_t end = folding->end - begin < folding->grain ? folding->end : begin + folding->grain;
	if (folding->identity)
		memcpy(slot, folding->identity, folding->state_size);
	else
		memset(slot, 0, folding->state_size);
	return folding->fold(begin, end, slot, folding->arg);
}

static size_t choose_grain(size_t count, const struct kin_reduction *reduction)
{
	if (reduction->grain)
		return reduction->grain;
	size_t chunks = STATES_BYTES / reduction->state_size;
	chunks = chunks > CHUNKS ? CHUNKS : chunks < LEAST_CHUNKS ? LEAST_CHUNKS : chunks;
	return (count - 1) / chunks + 1;
}

struct combining {
	kin_combine *combine;
	void *arg;
	char *slots;
	size_t count, size, distance;
};

static int combine_pair(const struct combining *level, size_t pair)
{
	size_t into = 2 * level->distance * pair, from = into + level->distance;
	return from < level->count ? level->combine(level->slots + into * level->size,
					     level->slots + from * level->size, level->arg)
				   : 0;
}

static int combine_pairs(size_t begin, size_t end, void *arg)
{
	int result = 0;
	for (size_t pair = begin; pair < end && result == 0; pair++)
		result = combine_pair(arg, pair);
	return result;
}

/*
 * Level by level: slot 2i d takes in slot (2i + 1) d, for d = 1, 2, 4 ... The shape depends on the number of slots
 * alone.
 */
static int combine_all(struct kin_pool *pool, struct combining *level)
{
	bool threads = kin_pool_kind(pool) == KIN_THREADS && level->count * level->size >= PARALLEL_BYTES;
	int result = 0;
	for (level->distance = 1; level->distance < level->count && result == 0; level->distance *= 2) {
		size_t pairs = (level->count - 1) / (2 * level->distance) + 1;
		result = threads && pairs > 1 ? kin_for(pool, 0, pairs, 1, combine_pairs, level)
					      : combine_pairs(0, pairs, level);
	}
	return result;
}

static int check(size_t begin, size_t end, const struct kin_reduction *reduction, struct kin_reduction *all,
	void *result)
{
	if (begin > end || !reduction || !result || reduction->size > sizeof *all)
		return -EINVAL;
	memset(all, 0, sizeof *all);
	memcpy(all, reduction, reduction->size ? reduction->size : sizeof *all);
	return all->state_size && all->fold && all->combine ? 0 : -EINVAL;
}

KIN_API int kin_reduce(
	struct kin_pool *pool, size_t begin, size_t end, const struct kin_reduction *reduction, void *result)
{
	struct kin_reduction all;
	int value = check(begin, end, reduction, &all, result);
	if (value < 0)
		return value;
	if (begin == end) {
		if (all.identity)
			memcpy(result, all.identity, all.state_size);
		else
			memset(result, 0, all.state_size);
		return 0;
	}
	struct folding folding = { all.fold, all.arg, all.identity, begin, end,
		choose_grain(end - begin, &all), all.state_size };
	struct region_work work = {
		.chunks = (end - begin - 1) / folding.grain + 1,
		.run = fold_chunk,
		.data = &folding,
		.data_size = sizeof folding,
		/* states are aligned as malloc aligns, if their size is a multiple of that */
		.slot_size = all.state_size,
		.shared = all.arg && kin_is_shared(all.arg, 0) &&
			  (!all.identity || kin_is_shared(all.identity, all.state_size)),
		.key = (const void *)(uintptr_t)all.fold,
		.items = end - begin,
		.begin = begin,
		.end = end,
		.grain = folding.grain,
	};
	struct region_result slots = { 0 };
	value = region_run(pool, &work, &slots);
	if (value == 0) {
		struct combining level = { all.combine, all.arg, slots.slots, work.chunks, all.state_size,
			1 };
		value = combine_all(pool, &level);
	}
	if (value == 0)
		memcpy(result, slots.slots, all.state_size);
	region_result_finish(&slots);
	return value;
}
