/*
 * Changes of the body where it is: the quick way for lists of one process without snapshots, as long as a chunk has
 * room and does not become too empty.
 */
#include "list/change.h"
#include "list/edit.h"
#include "list/items.h"

/* The smaller side moves. */
uint32_t chunk_open_gap(
	const struct kin_list *list, struct page *page, uint32_t start, uint32_t count, uint32_t at)
{
	const size_t size = list->item_size;
	bool room_before = start > 0, room_after = start + count < list->capacity;
	if (room_before && (at < count / 2 || !room_after)) {
		move_bytes(page_slot(list, page, start - 1), page_slot(list, page, start), at * size);
		return start - 1;
	}
	move_bytes(page_slot(list, page, start + at + 1), page_slot(list, page, start + at),
		(count - at) * size);
	return start;
}

uint32_t chunk_close_gap(
	const struct kin_list *list, struct page *page, uint32_t start, uint32_t count, uint32_t at)
{
	const size_t size = list->item_size;
	if (at < count / 2) {
		move_bytes(page_slot(list, page, start + 1), page_slot(list, page, start), at * size);
		return start + 1;
	}
	move_bytes(page_slot(list, page, start + at), page_slot(list, page, start + at + 1),
		(count - at - 1) * size);
	return start;
}

void change_read(struct kin_list *list, struct page *page, uint64_t slot, void *ret_item)
{
	if (ret_item)
		item_read(ret_item, page_slot(list, page, slot), list->item_size);
}

/* Close the pages of a path, and publish the new number of items. */
static void begin(struct kin_list *list, const struct path *path, struct page *chunk, uint64_t more)
{
	struct top *top = list->top;
	for (unsigned depth = 0; depth < path->height; depth++)
		page_close(list_page(list, path->page[depth]));
	CHAOS();
	chunk_close(chunk);
	/* The stores to the pages come after these. */
	FENCE(memory_order_release);
	struct mapping map = *list_map(top);
	map.body_count += more;
	list_flip(top, &map, list_tail_end(top));
}

/* From the root on, which others want first. */
static void count_on(struct kin_list *list, const struct path *path, uint64_t more)
{
	uint64_t stamp = list_seq(list->top);
	for (unsigned depth = 0; depth < path->height; depth++) {
		struct inner *inner = path->node[depth];
		unsigned k = path->k[depth];
		ST(inner->counts[k], inner->counts[k] + more);
		ST(inner->groups[k / GROUP], inner->groups[k / GROUP] + more);
		if (inner->uniform)
			ST(inner->uniform, 0);
		page_open(list_page(list, path->page[depth]), stamp);
	}
}

bool inplace_insert(struct kin_list *list, uint64_t offset, const void *item)
{
	struct path path;
	path_find(list, list_map(list->top), offset, &path);
	struct page *chunk = list_page(list, path.chunk);
	const uint32_t count = chunk->count, at = (uint32_t)path.offset;
	if (count == list->capacity)
		return false;
	begin(list, &path, chunk, 1);
	count_on(list, &path, 1);
	uint32_t start = chunk_open_gap(list, chunk, chunk->start, count, at);
	item_write(page_slot(list, chunk, start + at), item, list->item_size);
	ST(chunk->start, (uint16_t)start);
	ST(chunk->count, (uint16_t)(count + 1));
	page_open(chunk, list_seq(list->top));
	return true;
}

/* Whether a chunk with so many items should be joined with its neighbour. */
static bool is_poor(const struct kin_list *list, const struct path *path, uint32_t count)
{
	const struct inner *parent = path->node[path->height - 1];
	unsigned k = path->k[path->height - 1], n = parent->count;
	const uint32_t most = list->capacity - list->capacity / 16;
	if (count == 0)
		return true;
	return count < list->capacity / 2 && ((k > 0 && parent->counts[k - 1] + count <= most) ||
						     (k + 1 < n && parent->counts[k + 1] + count <= most));
}

bool inplace_remove(struct kin_list *list, uint64_t offset, void *ret_item)
{
	struct path path;
	path_find(list, list_map(list->top), offset, &path);
	struct page *chunk = list_page(list, path.chunk);
	const uint32_t count = chunk->count, at = (uint32_t)path.offset;
	if (is_poor(list, &path, count - 1))
		return false;
	begin(list, &path, chunk, (uint64_t)-1);
	count_on(list, &path, (uint64_t)-1);
	change_read(list, chunk, chunk->start + at, ret_item);
	uint32_t start = chunk_close_gap(list, chunk, chunk->start, count, at);
	ST(chunk->start, (uint16_t)start);
	ST(chunk->count, (uint16_t)(count - 1));
	page_open(chunk, list_seq(list->top));
	return true;
}
