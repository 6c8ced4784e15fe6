/* See list.h for why this is right. */
#include "list/read.h"

#include "base/api.h"
#include "base/ticks.h"
#include "list/change.h"
#include "list/edit.h"
#include "list/items.h"
#include "list/lock.h"

#include <errno.h>
#include <sched.h>

static inline bool is_same(_Atomic uint64_t *word, uint64_t value)
{
	CHAOS();
	FENCE(memory_order_acquire);
	return atomic_load_explicit(word, memory_order_relaxed) == value;
}

static inline bool is_acceptable(uint64_t version, uint64_t seq)
{
	return version & VERSION_OPEN && VERSION_STAMP(version) <= seq;
}

/*
 * Down the body. The chunk is where the mapping of seq has it; its content is for the caller to check. Below uniform
 * nodes the way is arithmetic: chunk number `chunks` of those before this offset, all full, and the item in it.
 */
static inline __attribute__((always_inline)) int find_in_body(
	struct kin_list *list, uint32_t page, unsigned height, uint64_t offset, struct found *found)
{
	const uint64_t capacity = list->capacity, seq = found->seq;
	uint64_t chunks = list_divide(list, offset);
	offset -= chunks * capacity;
	while (height-- > 0) {
		struct page *at = list_page(list, page);
		if (UNLIKELY(!at))
			return -ENOMEM;
		const struct inner *inner = list_inner(list, page);
		uint64_t version = atomic_load_explicit(&at->version, memory_order_acquire);
		if (UNLIKELY(!is_acceptable(version, seq)))
			return READ_AGAIN;
		uint64_t k = chunks >> (FAN_BITS * height);
		if (LD(inner->uniform))
			chunks -= k << (FAN_BITS * height);
		else {
			offset += chunks * capacity;
			k = inner_find(inner, &offset);
			chunks = list_divide(list, offset);
			offset -= chunks * capacity;
		}
		if (UNLIKELY(k >= FAN))
			return READ_AGAIN;
		page = LD(inner->child[k]);
		if (UNLIKELY(!is_same(&at->version, version)))
			return READ_AGAIN;
	}
	struct page *chunk = list_page(list, page);
	if (UNLIKELY(!chunk))
		return -ENOMEM;
	found->version = atomic_load_explicit(&chunk->version, memory_order_seq_cst);
	if (UNLIKELY(!is_acceptable(found->version, KIN_LIST_BUG == 1 ? UINT64_MAX : seq)))
		return READ_AGAIN;
	uint64_t start = LD(chunk->start);
	offset += chunks * capacity;
	if (UNLIKELY(offset >= LD(chunk->count) || start + offset >= capacity))
		return READ_AGAIN;
	found->page = chunk;
	found->slot = start + offset;
	return 0;
}

static inline int find_in_end(struct kin_list *list, uint32_t page, uint64_t slot, struct found *found)
{
	struct page *chunk = list_page(list, page);
	if (UNLIKELY(!chunk))
		return -ENOMEM;
	found->version = atomic_load_explicit(&chunk->version, memory_order_acquire);
	if (UNLIKELY(!is_acceptable(found->version, found->seq) || slot >= list->capacity))
		return READ_AGAIN;
	found->page = chunk;
	found->slot = slot;
	return READ_ENDS;
}

/* In the head or tail chunk, or the last item. */
static __attribute__((noinline)) int find_at_ends(struct kin_list *list, uint64_t index, struct found *found)
{
	struct top *top = list->top;
	const uint64_t seq = found->seq;
	const struct mapping *map = &top->map[seq & 1];
	uint64_t head_count = LD(map->head_count), body_count = LD(map->body_count);
	uint32_t head = LD(map->head), head_start = LD(map->head_start);
	uint32_t root = LD(map->root), height = LD(map->height);
	uint32_t tail = LD(map->tail), tail_start = LD(map->tail_start);
	uint64_t tail_end = atomic_load_explicit(&top->tail_end[seq & 1], memory_order_acquire);
	if (UNLIKELY(!is_same(&top->seq, seq)))
		return READ_AGAIN;
	uint64_t count = head_count + body_count + tail_end - tail_start;
	const bool last = index == KIN_LIST_LAST;
	if (last)
		index = count - 1;
	if (index >= count) // also the last of none
		return -ERANGE;
	int result;
	found->tail_end = tail_end;
	if (index < head_count)
		result = find_in_end(list, head, head_start + index, found);
	else if (index - head_count < body_count)
		result = find_in_body(list, root, height, index - head_count, found);
	else
		result = find_in_end(list, tail, tail_start + index - head_count - body_count, found);
	return last && result >= 0 && result != READ_AGAIN ? READ_LAST : result;
}

bool read_holds(struct kin_list *list, int result, const struct found *found)
{
	struct top *top = list->top;
	if (!is_same(&found->page->version, found->version))
		return false;
	if (result == READ_LAST &&
		atomic_load_explicit(&top->tail_end[found->seq & 1], memory_order_relaxed) != found->tail_end)
		return false;
	return result == 0 || is_same(&top->seq, found->seq);
}

/* The mapping of found->seq, and what is in it at an index. */
static inline __attribute__((always_inline)) int find(
	struct kin_list *list, uint64_t index, struct found *found)
{
	struct top *top = list->top;
	uint64_t seq = atomic_load_explicit(&top->seq, memory_order_seq_cst);
	const struct mapping *map = &top->map[seq & 1];
	found->seq = seq;
	uint64_t head_count = LD(map->head_count), body_count = LD(map->body_count);
	if (UNLIKELY(index - head_count >= body_count))
		return find_at_ends(list, index, found);
	uint32_t root = LD(map->root), height = LD(map->height);
	if (UNLIKELY(!is_same(&top->seq, seq)))
		return READ_AGAIN;
	return find_in_body(list, root, height, index - head_count, found);
}

int read_find(struct kin_list *list, uint64_t index, struct found *found)
{
	return find(list, index, found);
}

void read_await_open(const struct page *page)
{
	for (unsigned round = 0; !(atomic_load_explicit(&page->version, memory_order_acquire) & VERSION_OPEN);
		round++) {
		if (round < 200)
			cpu_relax();
		else
			sched_yield();
	}
}

/* Others were faster too often. */
static int get_locked(struct kin_list *list, uint64_t index, void *ret_item)
{
	struct top *top = list->top;
	int result = list_lock(list);
	if (result < 0)
		return result;
	uint64_t count = list_count(top);
	if (index == KIN_LIST_LAST)
		index = count - 1;
	result = index < count ? change_copy(list, index, ret_item) : -ERANGE;
	list_unlock(list);
	return result;
}

static __attribute__((noinline)) int get_again(struct kin_list *list, uint64_t index, void *ret_item)
{
	for (unsigned round = 1; round < TRIES; round++) {
		struct found found;
		for (unsigned i = 0; i < 4 * round; i++)
			cpu_relax();
		int result = read_find(list, index, &found);
		if (result < 0)
			return result;
		if (result == READ_AGAIN)
			continue;
		item_read(ret_item, page_slot(list, found.page, found.slot), list->item_size);
		if (read_holds(list, result, &found))
			return 0;
	}
	return get_locked(list, index, ret_item);
}

KIN_API int kin_list_get(struct kin_list *list, size_t index, void *ret_item)
{
	struct found found;
	int result = find(list, index, &found);
	if (UNLIKELY(result < 0))
		return result;
	if (LIKELY(result != READ_AGAIN)) {
		item_read(ret_item, page_slot(list, found.page, found.slot), list->item_size);
		if (LIKELY(result == 0 ? is_same(&found.page->version, found.version)
				       : read_holds(list, result, &found)))
			return 0;
	}
	return get_again(list, index, ret_item);
}

KIN_API size_t kin_list_count(struct kin_list *list)
{
	struct top *top = list->top;
	for (;;) {
		uint64_t seq = atomic_load_explicit(&top->seq, memory_order_acquire);
		const struct mapping *map = &top->map[seq & 1];
		uint64_t count = LD(map->head_count) + LD(map->body_count) - LD(map->tail_start);
		count += atomic_load_explicit(&top->tail_end[seq & 1], memory_order_acquire);
		if (LIKELY(is_same(&top->seq, seq)))
			return count;
	}
}

uint64_t read_run(struct kin_list *list, uint64_t index, const struct found *found, bool ends)
{
	struct top *top = list->top;
	const struct mapping *map = &top->map[found->seq & 1];
	uint64_t run;
	if (!ends)
		run = LD(found->page->start) + (uint64_t)LD(found->page->count) - found->slot;
	else if (index < LD(map->head_count))
		run = LD(map->head_count) - index;
	else
		run = atomic_load_explicit(&top->tail_end[found->seq & 1], memory_order_acquire) -
		      found->slot;
	/* Torn reads are noticed later; here only that nothing lies outside of the chunk. */
	return run <= list->capacity - found->slot ? run : 0;
}
