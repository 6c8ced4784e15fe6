/* Loops over regions: for, for in two dimensions, map, find. */
#include "base/api.h"
#include "pool/pool.h"
#include "pool/region.h"

#include <kin/shm.h>

#include <errno.h>
#include <string.h>

/* Chunks that kin chooses to have, at most: enough for even loads on many workers, few enough to cost nothing. */
#define CHUNKS 1024
#define TILES_A_SIDE 32

static size_t choose_grain(size_t count, size_t grain, size_t chunks)
{
	if (grain)
		return grain;
	return count ? (count - 1) / chunks + 1 : 1;
}

/* Not (count + grain - 1) / grain, which can overflow. */
static size_t count_chunks(size_t count, size_t grain)
{
	return count ? (count - 1) / grain + 1 : 0;
}

struct loop {
	kin_body *body;
	void *arg;
	size_t begin, end, grain;
};

static KIN_HOT int run_loop(void *data, size_t chunk, void *slot)
{
	const struct loop *loop = data;
	size_t begin = loop->begin + chunk * loop->grain;
	size_t end = loop->end - begin < loop->grain ? loop->end : begin + loop->grain;
	return loop->body(begin, end, loop->arg);
}

KIN_API KIN_HOT int kin_for(
	struct kin_pool *pool, size_t begin, size_t end, size_t grain, kin_body *body, void *arg)
{
	if (begin > end || !body)
		return -EINVAL;
	struct loop loop = { body, arg, begin, end, choose_grain(end - begin, grain, CHUNKS) };
	struct region_work work = {
		.chunks = count_chunks(end - begin, loop.grain),
		.run = run_loop,
		.data = &loop,
		.data_size = sizeof loop,
		.shared = arg && kin_is_shared(arg, 0),
		.key = (const void *)(uintptr_t)body,
		.items = end - begin,
		.begin = begin,
		.end = end,
		.grain = loop.grain,
	};
	return region_run(pool, &work, NULL);
}

struct tiles {
	kin_tile_body *body;
	void *arg;
	struct kin_tile whole;
	size_t rows, columns; // of a tile
	size_t in_row; // tiles
};

static int run_tile(void *data, size_t chunk, void *slot)
{
	const struct tiles *tiles = data;
	const struct kin_tile *whole = &tiles->whole;
	struct kin_tile tile;
	tile.row_begin = whole->row_begin + chunk / tiles->in_row * tiles->rows;
	tile.column_begin = whole->column_begin + chunk % tiles->in_row * tiles->columns;
	tile.row_end =
		whole->row_end - tile.row_begin < tiles->rows ? whole->row_end : tile.row_begin + tiles->rows;
	tile.column_end = whole->column_end - tile.column_begin < tiles->columns
				  ? whole->column_end
				  : tile.column_begin + tiles->columns;
	return tiles->body(&tile, tiles->arg);
}

KIN_API int kin_for_2d(struct kin_pool *pool, const struct kin_tile *whole, const size_t grain[2],
	kin_tile_body *body, void *arg)
{
	if (!body || !whole || whole->row_begin > whole->row_end || whole->column_begin > whole->column_end)
		return -EINVAL;
	size_t rows = whole->row_end - whole->row_begin, columns = whole->column_end - whole->column_begin;
	struct tiles tiles = { .body = body, .arg = arg, .whole = *whole };
	tiles.rows = choose_grain(rows, grain ? grain[0] : 0, TILES_A_SIDE);
	tiles.columns = choose_grain(columns, grain ? grain[1] : 0, TILES_A_SIDE);
	tiles.in_row = count_chunks(columns, tiles.columns);
	struct region_work work = {
		.run = run_tile,
		.data = &tiles,
		.data_size = sizeof tiles,
		.shared = arg && kin_is_shared(arg, 0),
		.key = (const void *)(uintptr_t)body,
		.grain = 1,
	};
	if (__builtin_mul_overflow(count_chunks(rows, tiles.rows), tiles.in_row, &work.chunks))
		return -EOVERFLOW;
	work.end = work.chunks;
	if (__builtin_mul_overflow(rows, columns, &work.items))
		work.items = work.chunks;
	return region_run(pool, &work, NULL);
}

struct map {
	kin_map_body *body;
	void *arg;
	char *items;
	size_t count, size, grain;
};

static int run_map(void *data, size_t chunk, void *slot)
{
	const struct map *map = data;
	size_t index = chunk * map->grain,
	       end = map->count - index < map->grain ? map->count : index + map->grain;
	int result = 0;
	for (; index < end && result == 0; index++)
		result = map->body(index, map->items + index * map->size, map->arg);
	return result;
}

KIN_API int kin_map(
	struct kin_pool *pool, size_t count, void *items, size_t size, kin_map_body *body, void *arg)
{
	size_t bytes;
	if (size == 0 || !body || (!items && count))
		return -EINVAL;
	if (__builtin_mul_overflow(count, size, &bytes))
		return -EOVERFLOW;
	void *shared = NULL;
	int result = 0;
	bool bring_home = count && region_needs_shared(pool) && !kin_is_shared(items, bytes);
	if (bring_home) {
		result = kin_shared_alloc(&shared, bytes);
		if (result < 0)
			return result;
		memcpy(shared, items, bytes);
	}
	struct map map = { body, arg, bring_home ? shared : items, count, size,
		choose_grain(count, 0, CHUNKS) };
	struct region_work work = {
		.chunks = count_chunks(count, map.grain),
		.run = run_map,
		.data = &map,
		.data_size = sizeof map,
		.shared = arg && kin_is_shared(arg, 0),
		.key = (const void *)(uintptr_t)body,
		.items = count,
		.end = count,
		.grain = map.grain,
	};
	result = region_run(pool, &work, NULL);
	if (bring_home && result == 0)
		memcpy(items, shared, bytes);
	kin_shared_free(shared);
	return result;
}

/* What a chunk of a search leaves in its slot. */
struct hit {
	size_t index;
	int error;
};

struct find {
	kin_test *test;
	void *arg;
	size_t begin, end, grain;
};

/* A hit stops the region as an error does, so that the lowest one counts. */
#define FOUND 1

static int run_find(void *data, size_t chunk, void *slot)
{
	const struct find *find = data;
	struct hit *hit = slot;
	size_t index = find->begin + chunk * find->grain;
	size_t end = find->end - index < find->grain ? find->end : index + find->grain;
	for (; index < end; index++) {
		int holds = find->test(index, find->arg);
		if (holds) {
			*hit = (struct hit){ index, holds < 0 ? holds : 0 };
			return FOUND;
		}
	}
	return 0;
}

KIN_API int kin_find(
	struct kin_pool *pool, size_t begin, size_t end, kin_test *test, void *arg, size_t *ret_index)
{
	if (begin > end || !test || !ret_index)
		return -EINVAL;
	struct find find = { test, arg, begin, end, choose_grain(end - begin, 0, CHUNKS) };
	struct region_work work = {
		.chunks = count_chunks(end - begin, find.grain),
		.run = run_find,
		.data = &find,
		.data_size = sizeof find,
		.slot_size = sizeof(struct hit),
		.shared = arg && kin_is_shared(arg, 0),
		.key = (const void *)(uintptr_t)test,
		.items = end - begin,
		.begin = begin,
		.end = end,
		.grain = find.grain,
	};
	struct region_result result = { 0 };
	int value = region_run(pool, &work, &result);
	if (value == FOUND) {
		const struct hit *hit = (const struct hit *)result.slots + result.stopped_at;
		value = hit->error;
		if (value == 0)
			*ret_index = hit->index;
	} else if (value == 0)
		value = -ENOENT;
	region_result_finish(&result);
	return value;
}
