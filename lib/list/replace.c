/*
 * Overwriting an item. In the body of a private list it takes the chunk's version for a lock, and T is left alone.
 */
#include "list/change.h"
#include "list/items.h"
#include "list/lock.h"
#include "list/read.h"

#include "base/api.h"
#include "base/ticks.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* Items up to this size are changed in a copy on the stack. */
#define ON_STACK 1024

/*
 * Close the chunk of an item: found says where it is. Returns READ_AGAIN if others are there or were faster, and
 * READ_ENDS if T is needed.
 */
static int close_chunk(struct kin_list *list, uint64_t index, struct found *found)
{
	struct top *top = list->top;
	int result = read_find(list, index, found);
	if (result != 0)
		return result == READ_LAST ? READ_ENDS : result;
	uint64_t version = found->version;
	CHAOS();
	if (!atomic_compare_exchange_strong_explicit(&found->page->version, &version, version & ~VERSION_OPEN,
		    memory_order_seq_cst, memory_order_relaxed))
		return READ_AGAIN;
	CHAOS();
	uint64_t after = version;
	/* The chunk is ours. If the structure is still the one it was found by, the index still means this slot. */
	bool is_there =
		atomic_load_explicit(&top->seq, memory_order_seq_cst) == found->seq || KIN_LIST_BUG == 2;
	if (is_there && !list_is_frozen(top) && version_after_write(&after, found->seq)) {
		found->version = after;
		FENCE(memory_order_release);
		return 0;
	}
	atomic_store_explicit(&found->page->version, version, memory_order_release);
	return is_there ? READ_ENDS : READ_AGAIN;
}

/* With growing pauses: whoever is in the chunk is left its cache line for a while. */
static int close_chunk_patiently(struct kin_list *list, uint64_t index, struct found *found)
{
	unsigned pause = 8;
	for (unsigned round = 0; round < 2 * TRIES; round++) {
		int result = close_chunk(list, index, found);
		if (result != READ_AGAIN)
			return result;
		for (unsigned i = 0; i < pause; i++)
			cpu_relax();
		if (pause < 1024)
			pause *= 2;
	}
	return READ_ENDS;
}

static void open_chunk(const struct found *found)
{
	CHAOS();
	atomic_store_explicit(&found->page->version, found->version, memory_order_release);
}

KIN_API int kin_list_replace(struct kin_list *list, size_t index, const void *item, void *ret_old)
{
	struct found found;
	struct top *top = list->top;
	if (UNLIKELY(list_updating != NULL) && list_is_held(top))
		return -EDEADLK;
	int result =
		list->shared || list_is_frozen(top) ? READ_ENDS : close_chunk_patiently(list, index, &found);
	if (result < 0)
		return result;
	if (LIKELY(result == 0)) {
		char *slot = page_slot(list, found.page, found.slot);
		if (ret_old)
			item_read(ret_old, slot, list->item_size);
		item_write(slot, item, list->item_size);
		open_chunk(&found);
		return 0;
	}
	result = list_lock(list);
	if (result < 0)
		return result;
	uint64_t count = list_count(top);
	if (index == KIN_LIST_LAST)
		index = count - 1;
	result = index < count ? change_write(list, index, item, ret_old) : -ERANGE;
	list_unlock(list);
	return result;
}

/* The function works on a copy; the item stays closed meanwhile. */
struct calling {
	struct kin_list *list;
	kin_list_change *change;
	void *arg;
};

static int call(void *copy, void *arg)
{
	const struct calling *calling = arg;
	struct updating updating = { calling->list->top, list_updating };
	list_updating = &updating;
	int result = calling->change(copy, calling->arg);
	list_updating = updating.outer;
	return result;
}

static int update_locked(struct kin_list *list, uint64_t index, struct calling *calling, void *copy)
{
	int result = list_lock(list);
	if (result < 0)
		return result;
	uint64_t count = list_count(list->top);
	if (index == KIN_LIST_LAST)
		index = count - 1;
	result = index < count ? change_update(list, index, call, calling, copy) : -ERANGE;
	list_unlock(list);
	return result;
}

static int update(struct kin_list *list, uint64_t index, struct calling *calling, void *copy)
{
	struct found found;
	int result = list->shared || list_is_frozen(list->top) ? READ_ENDS
							       : close_chunk_patiently(list, index, &found);
	if (result < 0)
		return result;
	if (result != 0)
		return update_locked(list, index, calling, copy);
	char *slot = page_slot(list, found.page, found.slot);
	item_read(copy, slot, list->item_size);
	result = call(copy, calling);
	if (result == 0)
		item_write(slot, copy, list->item_size);
	open_chunk(&found);
	return result;
}

KIN_API int kin_list_update(struct kin_list *list, size_t index, kin_list_change *change, void *arg)
{
	_Alignas(max_align_t) char stack[ON_STACK];
	struct calling calling = { list, change, arg };
	if (!change)
		return -EINVAL;
	if (list_is_held(list->top))
		return -EDEADLK;
	if (list->item_size <= sizeof stack)
		return update(list, index, &calling, stack);
	void *copy = malloc(list->item_size);
	if (!copy)
		return -ENOMEM;
	int result = update(list, index, &calling, copy);
	free(copy);
	return result;
}

/* --- two at a time --- */

KIN_API int kin_list_swap(struct kin_list *list, size_t first, size_t second)
{
	_Alignas(max_align_t) char stack[ON_STACK];
	const size_t size = list->item_size;
	char *both = 2 * size <= sizeof stack ? stack : malloc(2 * size);
	if (!both)
		return -ENOMEM;
	int result = list_lock(list);
	if (result == 0) {
		uint64_t count = list_count(list->top);
		first = first == KIN_LIST_LAST ? count - 1 : first;
		second = second == KIN_LIST_LAST ? count - 1 : second;
		result = first >= count || second >= count ? -ERANGE : 0;
		if (result == 0 && first != second)
			result = change_swap(list, first, second, both, both + size);
		list_unlock(list);
	}
	if (both != stack)
		free(both);
	return result;
}
