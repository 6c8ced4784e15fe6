/* Calls on many items: one edit, one commit. */
#include "list/change.h"
#include "list/edit.h"
#include "list/items.h"
#include "list/lock.h"
#include "list/pages.h"
#include "list/read.h"
#include "list/snapshot.h"
#include "list/wait.h"

#include "base/api.h"

#include <errno.h>
#include <stdlib.h>

static bool is_too_many(const struct kin_list *list, const void *items, size_t count)
{
	return (!items && count) || count > SIZE_MAX / 2 / list->item_size;
}

/* Into the tail chunk, without a new mapping. */
static bool append_to_tail(struct kin_list *list, const void *items, size_t count)
{
	struct top *top = list->top;
	const struct mapping *map = list_map(top);
	uint64_t end = list_tail_end(top);
	if (map->tail == NONE || count > list->capacity - end)
		return false;
	copy_bytes(page_slot(list, list_page(list, map->tail), end), items, count * list->item_size);
	CHAOS();
	atomic_store_explicit(&top->tail_end[list_seq(top) & 1], end + count, memory_order_release);
	return true;
}

static int append_many(struct kin_list *list, const void *items, size_t count)
{
	struct edit edit;
	if (append_to_tail(list, items, count))
		return 0;
	int result = edit_prepare(list, edit_chunks_for(list, count), 1);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	edit_append(&edit, items, count);
	edit_commit(&edit);
	return 0;
}

KIN_API int kin_list_append_many(struct kin_list *list, const void *items, size_t count, size_t *ret_index)
{
	if (is_too_many(list, items, count))
		return items || !count ? -ENOMEM : -EINVAL;
	int result = list_lock(list);
	if (result < 0)
		return result;
	size_t index = list_count(list->top);
	if (count)
		result = append_many(list, items, count);
	if (result == 0 && ret_index)
		*ret_index = index;
	list_unlock_added(list, result == 0 ? count : 0);
	return result;
}

static int insert_many(struct kin_list *list, size_t index, const void *items, size_t count)
{
	struct edit edit;
	int result = edit_prepare(list, edit_chunks_for(list, count), 4);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	if (place_of(&edit.map, index).part != IN_BODY) {
		edit_join_ends(&edit);
		edit_insert(&edit, index, items, count);
	} else
		edit_insert(&edit, index - edit.map.head_count, items, count);
	edit_commit(&edit);
	return 0;
}

KIN_API int kin_list_insert_many(struct kin_list *list, size_t index, const void *items, size_t count)
{
	if (is_too_many(list, items, count))
		return items || !count ? -ENOMEM : -EINVAL;
	int result = list_lock(list);
	if (result < 0)
		return result;
	size_t all = list_count(list->top);
	if (index == KIN_LIST_LAST)
		index = all;
	if (index > all)
		result = -ERANGE;
	else if (count)
		result = index == all ? append_many(list, items, count)
				      : insert_many(list, index, items, count);
	list_unlock_added(list, result == 0 ? count : 0);
	return result;
}

static int remove_many(struct kin_list *list, size_t index, size_t count, void *ret_items)
{
	struct edit edit;
	int result = edit_prepare(list, 0, 6);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	uint64_t head = edit.map.head_count, body = edit.map.body_count;
	if (index >= head && index - head < body && count <= body - (index - head))
		edit_remove(&edit, index - head, count, ret_items);
	else {
		edit_join_ends(&edit);
		edit_remove(&edit, index, count, ret_items);
	}
	edit_commit(&edit);
	return 0;
}

KIN_API int kin_list_remove_many(struct kin_list *list, size_t index, size_t count, void *ret_items)
{
	int result = list_lock(list);
	if (result < 0)
		return result;
	size_t all = list_count(list->top);
	if (index > all || count > all - index)
		result = -ERANGE;
	else if (count)
		result = remove_many(list, index, count, ret_items);
	list_unlock(list);
	return result;
}

KIN_API int kin_list_clear(struct kin_list *list)
{
	struct edit edit;
	int result = list_lock(list);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	edit_clear(&edit);
	edit_commit(&edit);
	list_unlock(list);
	return 0;
}

static int assign(struct kin_list *list, const void *items, size_t count)
{
	struct edit edit;
	int result = edit_prepare(list, edit_chunks_for(list, count), 1);
	if (result < 0)
		return result;
	edit_begin(&edit, list);
	edit_clear(&edit);
	edit_append(&edit, items, count);
	edit_commit(&edit);
	return 0;
}

KIN_API int kin_list_assign(struct kin_list *list, const void *items, size_t count)
{
	if (is_too_many(list, items, count))
		return items || !count ? -ENOMEM : -EINVAL;
	int result = list_lock(list);
	if (result < 0)
		return result;
	result = assign(list, items, count);
	list_unlock_added(list, result == 0 ? count : 0);
	return result;
}

KIN_API int kin_list_reserve(struct kin_list *list, size_t count)
{
	int result = list_lock(list);
	if (result < 0)
		return result;
	result = count > SIZE_MAX / 2 / list->item_size ? -ENOMEM
							: edit_prepare(list, edit_chunks_for(list, count), 4);
	if (result == 0)
		pages_keep(list);
	list_unlock(list);
	return result;
}

/* --- all of them, as an array --- */

static void copy_run(struct kin_list *list, char **to, struct page *page, uint64_t start, uint64_t count)
{
	const size_t bytes = count * list->item_size;
	if (!count)
		return;
	if (!list->shared)
		read_await_open(page);
	copy_bytes(*to, page_slot(list, page, start), bytes);
	*to += bytes;
}

/* Under T, and nobody overwrites items any more who had not begun before. */
static void copy_all(struct kin_list *list, char *to)
{
	const struct mapping *map = list_map(list->top);
	struct path path;
	copy_run(list, &to, list_page(list, map->head), map->head_start, map->head_count);
	for (uint64_t done = 0; done < map->body_count;) {
		path_find(list, map, done, &path);
		struct page *chunk = list_page(list, path.chunk);
		copy_run(list, &to, chunk, chunk->start, chunk->count);
		done += chunk->count;
	}
	copy_run(list, &to, list_page(list, map->tail), map->tail_start,
		list_tail_end(list->top) - map->tail_start);
}

/* What is done with a copy of all items; it may take long, and fail. */
typedef int rework(void *items, size_t count, size_t size, void *arg);

/* Writers wait; readers see the list as it was. */
static int rework_all(struct kin_list *list, rework *function, void *arg)
{
	struct top *top = list->top;
	const size_t count = list_count(top);
	char *items = malloc(count ? count * list->item_size : 1);
	if (!items)
		return -ENOMEM;
	/* From here on overwriting takes T. */
	ST(top->frozen, 1);
	const struct mapping same = *list_map(top);
	list_flip(top, &same, list_tail_end(top));
	copy_all(list, items);
	int result = function(items, count, list->item_size, arg);
	if (result == 0)
		result = assign(list, items, count);
	list_thaw(top);
	free(items);
	return result;
}

static int locked_rework(struct kin_list *list, rework *function, void *arg)
{
	struct updating updating = { list->top, list_updating };
	int result = list_lock(list);
	if (result < 0)
		return result;
	/* The comparison of a sort has T, as the function of an update may have. */
	list_updating = &updating;
	result = rework_all(list, function, arg);
	list_updating = updating.outer;
	list_unlock(list);
	return result;
}

static int leave_alone(void *items, size_t count, size_t size, void *arg)
{
	(void)items, (void)count, (void)size, (void)arg;
	return 0;
}

KIN_API int kin_list_trim(struct kin_list *list)
{
	int result = locked_rework(list, leave_alone, NULL);
	if (result < 0)
		return result;
	result = list_lock(list);
	if (result < 0)
		return result;
	if (list->shared)
		snapshots_reap(list);
	pages_give_back(list);
	list_unlock(list);
	return 0;
}

struct sorting {
	struct kin_pool *pool;
	kin_compare *compare;
	void *arg;
};

static int sort(void *items, size_t count, size_t size, void *arg)
{
	const struct sorting *sorting = arg;
	return kin_sort(sorting->pool, items, count, size, sorting->compare, sorting->arg);
}

KIN_API int kin_list_sort(struct kin_list *list, struct kin_pool *pool, kin_compare *compare, void *arg)
{
	struct sorting sorting = { pool, compare, arg };
	return compare ? locked_rework(list, sort, &sorting) : -EINVAL;
}

struct mirror {
	const char *items;
	size_t count, size;
};

static int mirrored(size_t index, void *item, void *arg)
{
	const struct mirror *mirror = arg;
	memcpy(item, mirror->items + (mirror->count - 1 - index) * mirror->size, mirror->size);
	return 0;
}

static int reverse(void *items, size_t count, size_t size, void *arg)
{
	char *reversed = malloc(count ? count * size : 1);
	if (!reversed)
		return -ENOMEM;
	struct mirror mirror = { items, count, size };
	int result = kin_map(arg, count, reversed, size, mirrored, &mirror);
	if (result == 0)
		memcpy(items, reversed, count * size);
	free(reversed);
	return result;
}

KIN_API int kin_list_reverse(struct kin_list *list, struct kin_pool *pool)
{
	return locked_rework(list, reverse, pool);
}
