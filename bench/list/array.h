/*
 * array.h: an array list in the manner of the course's - it grows, inserting and removing moves what is behind - with
 * every operation behind one lock. Who includes it defines lock_init(array), lock_finish(array), lock_read(array),
 * lock_write(array), unlock(array), SHARED (whether it lies in shared memory, and then cannot grow), and LOCK, the
 * lock's type.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct array {
	LOCK lock;
	char *items;
	size_t item_size, count, room;
};

static void lock_init(struct array *array);
static void lock_finish(struct array *array);
static void lock_read(struct array *array);
static void lock_write(struct array *array);
static void unlock(struct array *array);

/* Items of a shared array: nothing is used before it is written. */
#define SHARED_ROOM ((size_t)1 << 30)

static void *get_memory(size_t size)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void *create(void)
{
	struct array *array = SHARED ? get_memory(sizeof *array) : calloc(1, sizeof *array);
	if (!array)
		return NULL;
	array->item_size = sizeof(int32_t);
	if (SHARED) {
		array->items = get_memory(SHARED_ROOM);
		array->room = array->items ? SHARED_ROOM / array->item_size : 0;
	}
	lock_init(array);
	return array;
}

static void destroy(void *list)
{
	struct array *array = list;
	if (!array)
		return;
	lock_finish(array);
	if (SHARED) {
		munmap(array->items, SHARED_ROOM);
		munmap(array, sizeof *array);
		return;
	}
	free(array->items);
	free(array);
}

static int make_room(struct array *array)
{
	if (SHARED)
		return -1;
	size_t room = array->room ? 2 * array->room : 64;
	char *items = realloc(array->items, room * array->item_size);
	if (!items)
		return -1;
	array->items = items;
	array->room = room;
	return 0;
}

/* As in a library: not inlined. */
#define CALL __attribute__((noinline)) static

CALL int array_insert(struct array *array, size_t index, const void *item)
{
	int result = -1;
	lock_write(array);
	if (index <= array->count && (array->count < array->room || make_room(array) == 0)) {
		char *at = array->items + index * array->item_size;
		if (index < array->count)
			memmove(at + array->item_size, at, (array->count - index) * array->item_size);
		memcpy(at, item, array->item_size);
		array->count++;
		result = 0;
	}
	unlock(array);
	return result;
}

CALL int array_append(struct array *array, const void *item)
{
	int result = -1;
	lock_write(array);
	if (array->count < array->room || make_room(array) == 0) {
		memcpy(array->items + array->count++ * array->item_size, item, array->item_size);
		result = 0;
	}
	unlock(array);
	return result;
}

CALL int array_remove(struct array *array, size_t index, void *item)
{
	int result = -1;
	lock_write(array);
	if (index < array->count) {
		char *at = array->items + index * array->item_size;
		memcpy(item, at, array->item_size);
		memmove(at, at + array->item_size, (--array->count - index) * array->item_size);
		result = 0;
	}
	unlock(array);
	return result;
}

CALL int array_get(struct array *array, size_t index, void *item)
{
	int result = -1;
	lock_read(array);
	if (index < array->count) {
		memcpy(item, array->items + index * array->item_size, array->item_size);
		result = 0;
	}
	unlock(array);
	return result;
}

CALL int array_replace(struct array *array, size_t index, const void *item)
{
	int result = -1;
	lock_write(array);
	if (index < array->count) {
		memcpy(array->items + index * array->item_size, item, array->item_size);
		result = 0;
	}
	unlock(array);
	return result;
}

#define LIST_APPEND(list, value) array_append((struct array *)(list), &(int32_t){ value })
#define LIST_INSERT(list, index, value) array_insert((struct array *)(list), index, &(int32_t){ value })
#define LIST_REMOVE(list, index, value) array_remove((struct array *)(list), index, value)
#define LIST_GET(list, index, value) array_get((struct array *)(list), index, value)
#define LIST_REPLACE(list, index, value) array_replace((struct array *)(list), index, &(int32_t){ value })
#include "loops.h"

static uint64_t count(void *list)
{
	return ((struct array *)list)->count;
}

static void pass(void *list, items_seen *seen, void *arg)
{
	struct array *array = list;
	seen((const int32_t *)array->items, array->count, arg);
}

static void work_each(struct task *task)
{
	struct array *array = task->list;
	uint64_t sum = 0;
	lock_read(array);
	const int32_t *items = (const int32_t *)array->items;
	for (size_t i = 0; i < array->count; i++)
		sum += (uint64_t)items[i];
	unlock(array);
	task->sum = sum;
	task->done = task->count;
}

#define ARRAY_LIST(name) \
	{ \
		name, true, SHARED, create, destroy, count, NULL, NULL, NULL, NULL, pass, \
		{ \
			[WORK_APPEND] = work_append, [WORK_FIRST] = work_first, [WORK_EDIT] = work_edit, \
			[WORK_GET_RANDOM] = work_get_random, [WORK_GET_ORDER] = work_get_order, \
			[WORK_EACH] = work_each, [WORK_REPLACE] = work_replace, \
			[WORK_APPEND_TIMED] = work_append_timed \
		} \
	}
