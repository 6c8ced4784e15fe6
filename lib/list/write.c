/* Overwriting items under T. */
#include "list/change.h"
#include "list/edit.h"
#include "list/items.h"
#include "list/pages.h"
#include "list/read.h"
#include "list/snapshot.h"

struct spot {
	struct page *page;
	char *slot;
};

static struct spot spot_of(struct kin_list *list, const struct mapping *map, uint64_t index)
{
	struct place place = place_of(map, index);
	struct page *page;
	uint64_t slot = place.offset;
	if (place.part == IN_BODY) {
		struct path path;
		path_find(list, map, place.offset, &path);
		page = list_page(list, path.chunk);
		slot = page->start + path.offset;
	} else if (place.part == IN_HEAD) {
		page = list_page(list, map->head);
		slot += map->head_start;
	} else {
		page = list_page(list, map->tail);
		slot += map->tail_start;
	}
	return (struct spot){ page, page_slot(list, page, slot) };
}

int change_copy(struct kin_list *list, uint64_t index, void *ret_item)
{
	struct spot spot = spot_of(list, list_map(list->top), index);
	uint64_t version;
	do {
		if (!list->shared)
			read_await_open(spot.page);
		version = atomic_load_explicit(&spot.page->version, memory_order_acquire);
		item_read(ret_item, spot.slot, list->item_size);
		FENCE(memory_order_acquire);
	} while (atomic_load_explicit(&spot.page->version, memory_order_relaxed) != version);
	return 0;
}

/* --- by copy --- */

static void write_copy(struct edit *edit, uint64_t index, const void *item, void *ret_old)
{
	struct mapping *map = &edit->map;
	struct kin_list *list = edit->list;
	struct place place = place_of(map, index);
	struct page *copy;
	if (place.part == IN_BODY) {
		edit_write(edit, place.offset, item, ret_old);
		return;
	}
	const bool head = place.part == IN_HEAD;
	uint32_t start = head ? map->head_start : map->tail_start;
	uint32_t count = head ? (uint32_t)map->head_count : (uint32_t)edit->tail_end - start;
	uint32_t *id = head ? &map->head : &map->tail;
	*id = edit_copy_chunk(edit, *id, start, count, start, &copy);
	char *slot = page_slot(list, copy, start + place.offset);
	if (ret_old)
		memcpy(ret_old, slot, list->item_size);
	copy_bytes(slot, item, list->item_size);
}

/* --- in place --- */

/* Opened again with a higher version; a new seq if its counter is at its end. */
static void open_written(struct kin_list *list, struct page *page, uint64_t version)
{
	struct top *top = list->top;
	if (!version_after_write(&version, list_seq(top))) {
		const struct mapping same = *list_map(top);
		list_flip(top, &same, list_tail_end(top));
		version = VERSION(list_seq(top));
	}
	CHAOS();
	atomic_store_explicit(&page->version, version, memory_order_release);
}

int change_write(struct kin_list *list, uint64_t index, const void *item, void *ret_old)
{
	struct spot spot = spot_of(list, list_map(list->top), index);
	if (snapshots_have(list, spot.page) || (list->shared && !list->single)) {
		struct edit edit;
		int result = edit_prepare(list, 0, 1);
		if (result < 0)
			return result;
		edit_begin(&edit, list);
		write_copy(&edit, index, item, ret_old);
		edit_commit(&edit);
		return 0;
	}
	if (list->shared) {
		/* One store: it has happened, or it has not. */
		if (ret_old)
			item_read(ret_old, spot.slot, list->item_size);
		uint64_t version = atomic_load_explicit(&spot.page->version, memory_order_relaxed);
		open_written(list, spot.page, version);
		FENCE(memory_order_release);
		item_write(spot.slot, item, list->item_size);
		return 0;
	}
	uint64_t version = chunk_close(spot.page);
	FENCE(memory_order_release);
	if (ret_old)
		item_read(ret_old, spot.slot, list->item_size);
	item_write(spot.slot, item, list->item_size);
	open_written(list, spot.page, version);
	return 0;
}

static bool needs_copy(struct kin_list *list, const struct page *page)
{
	return list->shared || snapshots_have(list, page);
}

/* Nobody overwrites items without T there. */
static int swap_by_copy(struct kin_list *list, uint64_t first, uint64_t second, void *a, void *b)
{
	struct edit edit;
	int result = edit_prepare(list, 0, 2);
	if (result < 0)
		return result;
	change_copy(list, first, a);
	change_copy(list, second, b);
	edit_begin(&edit, list);
	write_copy(&edit, first, b, NULL);
	write_copy(&edit, second, a, NULL);
	edit_commit(&edit);
	return 0;
}

int change_swap(struct kin_list *list, uint64_t first, uint64_t second, void *a, void *b)
{
	const size_t size = list->item_size;
	const struct mapping *map = list_map(list->top);
	struct spot one = spot_of(list, map, first), two = spot_of(list, map, second);
	if (needs_copy(list, one.page) || needs_copy(list, two.page))
		return swap_by_copy(list, first, second, a, b);
	/* Both are closed before one is read, and before one is open again. */
	uint64_t version = chunk_close(one.page), other = 0;
	if (two.page != one.page)
		other = chunk_close(two.page);
	FENCE(memory_order_release);
	item_read(a, one.slot, size);
	item_read(b, two.slot, size);
	item_write(one.slot, b, size);
	item_write(two.slot, a, size);
	if (two.page != one.page)
		open_written(list, two.page, other);
	open_written(list, one.page, version);
	return 0;
}

int change_update(struct kin_list *list, uint64_t index, change_call *call, void *arg, void *copy)
{
	struct spot spot = spot_of(list, list_map(list->top), index);
	int result;
	if (needs_copy(list, spot.page)) {
		change_copy(list, index, copy);
		result = call(copy, arg);
		return result == 0 ? change_write(list, index, copy, NULL) : result;
	}
	uint64_t version = chunk_close(spot.page);
	FENCE(memory_order_release);
	item_read(copy, spot.slot, list->item_size);
	result = call(copy, arg);
	if (result == 0)
		item_write(spot.slot, copy, list->item_size);
	open_written(list, spot.page, version);
	return result;
}
