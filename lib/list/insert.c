/* Appending and inserting one item. */
#include "list/change.h"
#include "list/edit.h"
#include "list/items.h"
#include "list/pages.h"
#include "list/snapshot.h"

struct place place_of(const struct mapping *map, uint64_t index)
{
	if (index < map->head_count)
		return (struct place){ IN_HEAD, index };
	index -= map->head_count;
	if (index < map->body_count)
		return (struct place){ IN_BODY, index };
	return (struct place){ IN_TAIL, index - map->body_count };
}

static int append_to_new_chunk(struct kin_list *list, const void *item)
{
	struct edit edit;
	int result = edit_prepare(list, 0, 1);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	edit_append(&edit, item, 1);
	edit_commit(&edit);
	return 0;
}

int change_append(struct kin_list *list, const void *item)
{
	struct top *top = list->top;
	const struct mapping *map = list_map(top);
	uint64_t end = list_tail_end(top);
	if (UNLIKELY(map->tail == NONE || end == list->capacity))
		return append_to_new_chunk(list, item);
	append_in_tail(list, map->tail, end, item);
	return 0;
}

/* --- the head and tail chunk --- */

/* With room, at an end: where it is, or a copy. */
static int insert_in_end(struct kin_list *list, struct place place, const void *item)
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
		edit_begin(&edit, list);
		edit_retire_chunk(&edit, id);
		uint32_t to = (list->capacity - count - 1) / 2;
		id = edit_new_chunk(&edit, to, count + 1, &copy);
		edit_copy_items(&edit, copy, to, page, start, at);
		copy_bytes(page_slot(list, copy, to + at), item, list->item_size);
		edit_copy_items(&edit, copy, to + at + 1, page, start + at, count - at);
		if (head) {
			edit.map.head = id;
			edit.map.head_start = to;
			edit.map.head_count++;
		} else {
			edit.map.tail = id;
			edit.map.tail_start = to;
			edit.tail_end = to + count + 1;
		}
		edit_commit(&edit);
		return 0;
	}
	chunk_close(page);
	FENCE(memory_order_release);
	bool room_before = start > 0, room_after = start + count < list->capacity;
	bool down = room_before && (at < count / 2 || !room_after);
	if (head) {
		map.head_start -= down;
		map.head_count++;
	} else {
		map.tail_start -= down;
		tail_end = map.tail_start + count + 1;
	}
	list_flip(top, &map, tail_end);
	start = chunk_open_gap(list, page, start, count, at);
	item_write(page_slot(list, page, start + at), item, list->item_size);
	page_open(page, list_seq(top));
	return 0;
}

/* In front of the first item of the head chunk, whose slot before it is free. */
static void insert_first(struct kin_list *list, struct page *page, const void *item)
{
	struct top *top = list->top;
	struct mapping map = *list_map(top);
	map.head_start--;
	map.head_count++;
	page_restamp(page, list_seq(top) + 1);
	item_write(page_slot(list, page, map.head_start), item, list->item_size);
	list_flip(top, &map, list_tail_end(top));
}

/* A new head chunk with room in front. */
static void insert_before(struct edit *edit, const void *item)
{
	struct kin_list *list = edit->list;
	struct mapping *map = &edit->map;
	struct page *page;
	if (map->head_count)
		edit_push_head(edit);
	else if (map->head != NONE)
		edit_retire_chunk(edit, map->head);
	map->head_start = list->capacity - 1;
	map->head_count = 1;
	map->head = edit_new_chunk(edit, map->head_start, 1, &page);
	copy_bytes(page_slot(list, page, map->head_start), item, list->item_size);
}

/* Where the chunk is full, or in the body and not in place. */
static int insert_by_copy(struct kin_list *list, struct place place, uint64_t index, const void *item)
{
	struct edit edit;
	int result = edit_prepare(list, 0, 2);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	uint64_t head_count = edit.map.head_count;
	if (index == 0)
		insert_before(&edit, item);
	else if (place.part == IN_HEAD) {
		edit_push_head(&edit);
		edit_insert(&edit, index, item, 1);
	} else {
		if (place.part == IN_TAIL)
			edit_push_tail(&edit);
		edit_insert(&edit, index - head_count, item, 1);
	}
	edit_commit(&edit);
	return 0;
}

int change_insert(struct kin_list *list, uint64_t index, const void *item)
{
	struct top *top = list->top;
	const struct mapping *map = list_map(top);
	uint64_t tail_end = list_tail_end(top);
	if (index == map_count(map, tail_end))
		return change_append(list, item);
	struct place place = place_of(map, index);
	if (place.part == IN_BODY && index > 0) {
		if (!list->shared && !top->frozen && inplace_insert(list, place.offset, item))
			return 0;
		return insert_by_copy(list, place, index, item);
	}
	if (place.part == IN_TAIL && tail_end - map->tail_start < list->capacity)
		return insert_in_end(list, place, item);
	if (place.part == IN_HEAD) {
		struct page *page = list_page(list, map->head);
		if (index == 0 && map->head_start > 0 && !snapshots_have(list, page)) {
			insert_first(list, page, item);
			return 0;
		}
		if (map->head_count < list->capacity)
			return insert_in_end(list, place, item);
	}
	return insert_by_copy(list, place, index, item);
}
