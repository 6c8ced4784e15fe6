/**
 * change.h: changes of single items. All under T.
 */
#ifndef KIN_LIB_LIST_CHANGE_H
#define KIN_LIB_LIST_CHANGE_H

#include "list/items.h"
#include "list/list.h"

/** index: 0 to count. Returns 0 or -ENOMEM. */
int change_append(struct kin_list *list, const void *item);
int change_insert(struct kin_list *list, uint64_t index, const void *item);

/** The tail chunk has room. */
static inline void append_in_tail(struct kin_list *list, uint32_t tail, uint64_t end, const void *item)
{
	struct top *top = list->top;

	item_write(list_slot(list, tail, end), item, list->item_size);
	CHAOS();
	atomic_store_explicit(&top->tail_end[list_seq(top) & 1], end + 1, memory_order_release);
}

/** The head chunk has items. */
static inline void remove_in_head(struct kin_list *list, void *ret_item)
{
	struct top *top = list->top;
	struct mapping map = *list_map(top);

	if (ret_item)
		item_read(ret_item, list_slot(list, map.head, map.head_start), list->item_size);
	map.head_start++;
	map.head_count--;
	list_flip(top, &map, list_tail_end(top));
}

/** index: 0 to count - 1. Returns 0 or -ENOMEM. */
int change_remove(struct kin_list *list, uint64_t index, void *ret_item);
int change_write(struct kin_list *list, uint64_t index, const void *item, void *ret_old);
/** Exchange two; a and b are room for them. */
int change_swap(struct kin_list *list, uint64_t first, uint64_t second, void *a, void *b);
/** Read, call, write: nobody comes between. copy is room for the item. */
typedef int change_call(void *copy, void *arg);
int change_update(struct kin_list *list, uint64_t index, change_call *call, void *arg, void *copy);
/** Read an item, and wait for who is overwriting it. Returns 0. */
int change_copy(struct kin_list *list, uint64_t index, void *ret_item);

/** In the body of a private list without snapshots. Return whether there was room, or enough left. */
bool inplace_insert(struct kin_list *list, uint64_t offset, const void *item);
bool inplace_remove(struct kin_list *list, uint64_t offset, void *ret_item);

/** Open a gap before item `at` of a chunk, or close one; return the new first slot. The caller stores it. */
uint32_t chunk_open_gap(
	const struct kin_list *list, struct page *page, uint32_t start, uint32_t count, uint32_t at);
uint32_t chunk_close_gap(
	const struct kin_list *list, struct page *page, uint32_t start, uint32_t count, uint32_t at);

/** Copy an item out for the caller. */
void change_read(struct kin_list *list, struct page *page, uint64_t slot, void *ret_item);

/** Where an item is. Under T. */
struct place {
	enum { IN_HEAD, IN_BODY, IN_TAIL } part;
	uint64_t offset; // within the part
};
struct place place_of(const struct mapping *map, uint64_t index);

#endif
