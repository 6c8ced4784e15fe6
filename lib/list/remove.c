/* Removing one item. */
#include "list/change.h"
#include "list/edit.h"
#include "list/items.h"
#include "list/pages.h"
#include "list/snapshot.h"

/* --- from the ends --- */

/* The tail chunk is empty: its slots are used from the first on again. */
static void rewind_tail(struct kin_list *list, struct mapping *map, uint64_t *tail_end)
{
	struct page *page = list_page(list, map->tail);
	if (*tail_end != map->tail_start || snapshots_have(list, page))
		return;
	page_restamp(page, list_seq(list->top) + 1);
	map->tail_start = 0;
	*tail_end = 0;
}

static int remove_first(struct kin_list *list, void *ret_item)
{
	struct top *top = list->top;
	struct mapping map = *list_map(top);
	uint64_t tail_end = list_tail_end(top);
	if (map.head_count) {
		remove_in_head(list, ret_item);
		return 0;
	}
	if (map.body_count) {
		struct edit edit;
		int result = edit_prepare(list, 0, 1);
		if (result < 0)
			return result;
		edit_begin(&edit, list);
		edit_pull_head(&edit);
		change_read(list, list_page(list, edit.map.head), edit.map.head_start, ret_item);
		edit.map.head_start++;
		edit.map.head_count--;
		edit_commit(&edit);
		return 0;
	}
	change_read(list, list_page(list, map.tail), map.tail_start, ret_item);
	map.tail_start++;
	rewind_tail(list, &map, &tail_end);
	list_flip(top, &map, tail_end);
	return 0;
}

static int remove_last_by_copy(struct kin_list *list, void *ret_item)
{
	struct edit edit;
	struct page *copy;
	int result = edit_prepare(list, 0, 2);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	struct mapping *map = &edit.map;
	if (edit.tail_end == map->tail_start)
		edit_pull_tail(&edit);
	struct page *page = list_page(list, map->tail);
	uint32_t start = map->tail_start, count = (uint32_t)edit.tail_end - start;
	change_read(list, page, edit.tail_end - 1, ret_item);
	/* What is appended next goes to the slot of this item. */
	if (snapshots_have(list, page)) {
		uint32_t old = map->tail;
		map->tail = edit_copy_chunk(&edit, old, start, count - 1, 0, &copy);
		map->tail_start = 0;
		edit.tail_end = count - 1;
	} else
		edit.tail_end--;
	edit_commit(&edit);
	return 0;
}

static int remove_last(struct kin_list *list, void *ret_item)
{
	struct top *top = list->top;
	struct mapping map = *list_map(top);
	uint64_t tail_end = list_tail_end(top);
	if (tail_end > map.tail_start) {
		struct page *page = list_page(list, map.tail);
		if (snapshots_have(list, page))
			return remove_last_by_copy(list, ret_item);
		change_read(list, page, tail_end - 1, ret_item);
		page_restamp(page, list_seq(top) + 1);
		tail_end--;
		rewind_tail(list, &map, &tail_end);
	} else if (map.body_count)
		return remove_last_by_copy(list, ret_item);
	else {
		map.head_count--;
		change_read(list, list_page(list, map.head), map.head_start + map.head_count, ret_item);
	}
	list_flip(top, &map, tail_end);
	return 0;
}

static int remove_in_end(struct kin_list *list, struct place place, void *ret_item)
{
	struct top *top = list->top;
	struct mapping map = *list_map(top);
	uint64_t tail_end = list_tail_end(top);
	const bool head = place.part == IN_HEAD;
	uint32_t id = head ? map.head : map.tail, start = head ? map.head_start : map.tail_start;
	uint32_t count = head ? (uint32_t)map.head_count : (uint32_t)tail_end - start,
		 at = (uint32_t)place.offset;
	struct page *page = list_page(list, id);
	if (list->shared || snapshots_have(list, page)) {
		struct edit edit;
		struct page *copy;
		int result = edit_prepare(list, 0, 1);
		if (result < 0)
			return result;
		change_read(list, page, start + at, ret_item);
		edit_begin(&edit, list);
		edit_retire_chunk(&edit, id);
		uint32_t to = (list->capacity - count) / 2;
		id = edit_new_chunk(&edit, to, count - 1, &copy);
		edit_copy_items(&edit, copy, to, page, start, at);
		edit_copy_items(&edit, copy, to + at, page, start + at + 1, count - at - 1);
		if (head) {
			edit.map.head = id;
			edit.map.head_start = to;
			edit.map.head_count--;
		} else {
			edit.map.tail = id;
			edit.map.tail_start = to;
			edit.tail_end = to + count - 1;
		}
		edit_commit(&edit);
		return 0;
	}
	chunk_close(page);
	FENCE(memory_order_release);
	uint32_t up = at < count / 2;
	if (head) {
		map.head_start += up;
		map.head_count--;
	} else {
		map.tail_start += up;
		tail_end = map.tail_start + count - 1;
	}
	list_flip(top, &map, tail_end);
	change_read(list, page, start + at, ret_item);
	chunk_close_gap(list, page, start, count, at);
	page_open(page, list_seq(top));
	return 0;
}

int change_remove(struct kin_list *list, uint64_t index, void *ret_item)
{
	struct top *top = list->top;
	const struct mapping *map = list_map(top);
	if (index == 0)
		return remove_first(list, ret_item);
	if (index == map_count(map, list_tail_end(top)) - 1)
		return remove_last(list, ret_item);
	struct place place = place_of(map, index);
	if (place.part != IN_BODY)
		return remove_in_end(list, place, ret_item);
	if (!list->shared && !top->frozen && inplace_remove(list, place.offset, ret_item))
		return 0;
	struct edit edit;
	int result = edit_prepare(list, 0, 1);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	edit_remove(&edit, place.offset, 1, ret_item);
	edit_commit(&edit);
	return 0;
}
