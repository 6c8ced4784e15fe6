/* Passes over all items: through a snapshot, so that nobody waits. And reading a range. */
#include "list/items.h"
#include "list/read.h"

#include "base/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- passes --- */

static int visit_all(const struct kin_snapshot *snapshot, kin_list_visit *visit, void *arg)
{
	size_t count = kin_snapshot_count(snapshot), run;
	for (size_t index = 0; index < count; index += run) {
		const void *items = kin_snapshot_at(snapshot, index, &run);
		int result = items ? visit(items, run, index, arg) : -ENOMEM;
		if (result != 0)
			return result;
	}
	return 0;
}

KIN_API int kin_list_each(struct kin_list *list, kin_list_visit *visit, void *arg)
{
	struct kin_snapshot *snapshot;
	if (!visit)
		return -EINVAL;
	int result = kin_list_snapshot(list, &snapshot);
	if (result < 0)
		return result;
	result = visit_all(snapshot, visit, arg);
	kin_snapshot_release(snapshot);
	return result;
}

struct copying {
	char *items;
	size_t index, room, size; // from item number index on
};

static int copy_run(const void *items, size_t count, size_t index, void *arg)
{
	struct copying *copying = arg;
	(void)index;
	if (count > copying->room)
		count = copying->room;
	memcpy(copying->items, items, count * copying->size);
	copying->items += count * copying->size;
	copying->room -= count;
	return copying->room == 0;
}

KIN_API int kin_list_export(struct kin_list *list, void *items, size_t room, size_t *ret_count)
{
	struct kin_snapshot *snapshot;
	struct copying copying = { .items = items, .room = room, .size = list->item_size };
	int result = kin_list_snapshot(list, &snapshot);
	if (result < 0)
		return result;
	result = room ? visit_all(snapshot, copy_run, &copying) : 0;
	if (result >= 0)
		*ret_count = kin_snapshot_count(snapshot);
	kin_snapshot_release(snapshot);
	return result < 0 ? result : 0;
}

KIN_API int kin_list_concat(struct kin_list *list, struct kin_list *other)
{
	if (list->item_size != other->item_size)
		return -EINVAL;
	struct kin_snapshot *snapshot;
	int result = kin_list_snapshot(other, &snapshot);
	if (result < 0)
		return result;
	size_t count = kin_snapshot_count(snapshot);
	struct copying copying = { .room = count, .size = list->item_size };
	char *items = malloc(count ? count * list->item_size : 1);
	copying.items = items;
	result = items ? visit_all(snapshot, copy_run, &copying) : -ENOMEM;
	kin_snapshot_release(snapshot);
	if (result >= 0)
		result = kin_list_append_many(list, items, count, NULL);
	free(items);
	return result;
}

/* --- searches --- */

struct search {
	const struct kin_list_search *what;
	const struct kin_snapshot *snapshot;
	size_t item_size, offset, length;
	size_t begin, end;
	bool backwards;
};

static int test(const struct search *search, const char *item)
{
	if (search->what->test)
		return search->what->test(item, search->what->arg);
	return memcmp(item + search->offset, search->what->bytes, search->length) == 0;
}

/* Returns 1: found, at *ret_index; 0: not in this run; or a negative value of the test. */
static int search_run(
	const struct search *search, const char *items, size_t first, size_t last, size_t *ret_index)
{
	/* Items first to last - 1, of which `items` is the first. */
	for (size_t i = first; i < last; i++) {
		size_t index = search->backwards ? last - 1 - (i - first) : i;
		int result = test(search, items + (index - first) * search->item_size);
		if (result != 0) {
			*ret_index = index;
			return result < 0 ? result : 1;
		}
	}
	return 0;
}

static int search_forwards(const struct search *search, size_t begin, size_t end, size_t *ret_index)
{
	for (size_t index = begin, run; index < end; index += run) {
		const char *items = kin_snapshot_at(search->snapshot, index, &run);
		if (!items)
			return -ENOMEM;
		if (run > end - index)
			run = end - index;
		int result = search_run(search, items, index, index + run, ret_index);
		if (result != 0)
			return result;
	}
	return 0;
}

/* Pieces of about a chunk, from the end on; each is searched run by run, the last of which counts. */
enum { PIECE = 1024 };

static int search_backwards(const struct search *search, size_t begin, size_t end, size_t *ret_index)
{
	while (end > begin) {
		size_t from = end - begin > PIECE ? end - PIECE : begin, last = 0;
		int found = 0;
		for (size_t index = from, run; index < end; index += run) {
			const char *items = kin_snapshot_at(search->snapshot, index, &run);
			if (!items)
				return -ENOMEM;
			if (run > end - index)
				run = end - index;
			int result = search_run(search, items, index, index + run, &last);
			if (result != 0) {
				found = result;
				*ret_index = last;
			}
		}
		if (found != 0)
			return found;
		end = from;
	}
	return 0;
}

static int search_part(const struct search *search, size_t begin, size_t end, size_t *ret_index)
{
	return search->backwards ? search_backwards(search, begin, end, ret_index)
				 : search_forwards(search, begin, end, ret_index);
}

/* --- by a pool: parts of the list, the first of which that has one counts --- */

enum { PART = 16 * 1024 };

static size_t part_begin(const struct search *search, size_t part)
{
	return search->backwards ? search->end - search->begin > (part + 1) * PART
					   ? search->end - (part + 1) * PART
					   : search->begin
				 : search->begin + part * PART;
}

static size_t part_end(const struct search *search, size_t part)
{
	size_t end = search->backwards ? search->end - part * PART : search->begin + (part + 1) * PART;
	return end < search->end ? end : search->end;
}

static int test_part(size_t part, void *arg)
{
	const struct search *search = arg;
	size_t index;
	return search_part(search, part_begin(search, part), part_end(search, part), &index);
}

static int search_in_parallel(struct search *search, size_t *ret_index)
{
	size_t parts = (search->end - search->begin + PART - 1) / PART, part;
	int result = kin_find(search->what->pool, 0, parts, test_part, search, &part);
	if (result == -ENOENT)
		return 0;
	if (result != 0)
		return result;
	return search_part(search, part_begin(search, part), part_end(search, part), ret_index);
}

static int search_snapshot(struct search *search, size_t *ret_index, void *ret_item)
{
	const struct kin_list_search *what = search->what;
	size_t count = kin_snapshot_count(search->snapshot), index;
	search->begin = what->begin < count ? what->begin : count;
	search->end = what->end && what->end < count ? what->end : count;
	int result = 0;
	if (search->begin < search->end)
		result = what->parallel ? search_in_parallel(search, &index)
					: search_part(search, search->begin, search->end, &index);
	if (result < 0)
		return result;
	if (result == 0)
		return -ENOENT;
	if (ret_item)
		memcpy(ret_item, kin_snapshot_at(search->snapshot, index, NULL), search->item_size);
	if (ret_index)
		*ret_index = index;
	return 0;
}

static int find(struct kin_list *list, const struct kin_list_search *given, bool backwards, size_t *ret_index,
	void *ret_item)
{
	struct kin_list_search what = { 0 };
	struct kin_snapshot *snapshot;
	if (!given || given->size > sizeof what)
		return -EINVAL;
	memcpy(&what, given, given->size ? given->size : sizeof what);
	struct search search = { .what = &what, .item_size = list->item_size, .backwards = backwards };
	if (!what.test && !what.bytes)
		return -EINVAL;
	if (what.end && what.begin > what.end)
		return -EINVAL;
	if (!what.test && (what.offset >= list->item_size || what.length > list->item_size - what.offset))
		return -EINVAL;
	search.offset = what.offset;
	search.length = what.length ? what.length : list->item_size - what.offset;
	int result = kin_list_snapshot(list, &snapshot);
	if (result < 0)
		return result;
	search.snapshot = snapshot;
	result = search_snapshot(&search, ret_index, ret_item);
	kin_snapshot_release(snapshot);
	return result;
}

KIN_API int kin_list_find(
	struct kin_list *list, const struct kin_list_search *search, size_t *ret_index, void *ret_item)
{
	return find(list, search, false, ret_index, ret_item);
}

KIN_API int kin_list_find_last(
	struct kin_list *list, const struct kin_list_search *search, size_t *ret_index, void *ret_item)
{
	return find(list, search, true, ret_index, ret_item);
}

/* --- a range --- */

/* Chunks that a range may lie in to be read without a snapshot. */
enum { CHUNKS = 8 };

/* All chunks are found by one seq, and none has changed by when the last has been read: so they held this together. */
static int try_get_many(struct kin_list *list, size_t index, size_t count, char *to)
{
	struct found found[CHUNKS];
	const size_t size = list->item_size;
	unsigned chunks = 0;
	while (count) {
		struct found *now = &found[chunks];
		if (chunks == CHUNKS)
			return READ_AGAIN;
		int result = read_find(list, index, now);
		if (result < 0)
			return result;
		if (result == READ_AGAIN || now->seq != found[0].seq)
			return READ_AGAIN;
		uint64_t run = read_run(list, index, now, result != 0);
		if (run > count)
			run = count;
		if (run == 0)
			return READ_AGAIN;
		copy_bytes(to, page_slot(list, now->page, now->slot), run * size);
		to += run * size;
		index += run;
		count -= run;
		chunks++;
	}
	FENCE(memory_order_acquire);
	for (unsigned i = 0; i < chunks; i++)
		if (atomic_load_explicit(&found[i].page->version, memory_order_relaxed) != found[i].version)
			return READ_AGAIN;
	return atomic_load_explicit(&list->top->seq, memory_order_relaxed) == found[0].seq ? 0 : READ_AGAIN;
}

KIN_API int kin_list_get_many(struct kin_list *list, size_t index, size_t count, void *ret_items)
{
	struct kin_snapshot *snapshot;
	if (count > SIZE_MAX - index)
		return -ERANGE;
	if (count == 0)
		return index <= kin_list_count(list) ? 0 : -ERANGE;
	for (unsigned round = 0; round < 4; round++) {
		int result = try_get_many(list, index, count, ret_items);
		if (result != READ_AGAIN)
			return result;
	}
	int result = kin_list_snapshot(list, &snapshot);
	if (result < 0)
		return result;
	size_t all = kin_snapshot_count(snapshot), run;
	char *to = ret_items;
	if (index > all || count > all - index)
		result = -ERANGE;
	for (; count && result == 0; index += run, count -= run) {
		const void *items = kin_snapshot_at(snapshot, index, &run);
		if (!items) {
			result = -ENOMEM;
			break;
		}
		if (run > count)
			run = count;
		memcpy(to, items, run * list->item_size);
		to += run * list->item_size;
	}
	kin_snapshot_release(snapshot);
	return result;
}
