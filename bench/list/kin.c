/* kin.c: libkin's list, private and shared. */
#include "bench.h"

#include <kin/list.h>

#define LIST_APPEND(list, value) kin_list_append((struct kin_list *)(list), &(int32_t){ value }, NULL)
#define LIST_INSERT(list, index, value) kin_list_insert((struct kin_list *)(list), index, &(int32_t){ value })
#define LIST_REMOVE(list, index, value) kin_list_remove((struct kin_list *)(list), index, value)
#define LIST_GET(list, index, value) kin_list_get((struct kin_list *)(list), index, value)
#define LIST_REPLACE(list, index, value) \
	kin_list_replace((struct kin_list *)(list), index, &(int32_t){ value }, NULL)
#include "loops.h"

static void *create(void)
{
	struct kin_list *list;
	return kin_list_create(&list, sizeof(int32_t)) == 0 ? list : NULL;
}

static void *create_shared(void)
{
	struct kin_list *list;
	return kin_list_create_shared(&list, sizeof(int32_t)) == 0 ? list : NULL;
}

static void destroy(void *list)
{
	kin_list_destroy(list);
}

static uint64_t count(void *list)
{
	return kin_list_count(list);
}

static int insert_one(void *list, uint64_t index, int32_t value)
{
	return kin_list_insert(list, index, &value);
}

static int remove_one(void *list, uint64_t index)
{
	return kin_list_remove(list, index, NULL);
}

static uint64_t memory(void *list)
{
	return kin_list_memory(list);
}

static void trim(void *list)
{
	kin_list_trim(list);
}

struct pass {
	items_seen *seen;
	void *arg;
};

static int visit(const void *items, size_t count, size_t index, void *arg)
{
	struct pass *pass = arg;
	(void)index;
	pass->seen(items, count, pass->arg);
	return 0;
}

static void pass(void *list, items_seen *seen, void *arg)
{
	kin_list_each(list, visit, &(struct pass){ seen, arg });
}

static int visit_sum(const void *items, size_t count, size_t index, void *arg)
{
	const int32_t *numbers = items;
	uint64_t sum = 0;
	(void)index;
	for (size_t i = 0; i < count; i++)
		sum += (uint64_t)numbers[i];
	*(uint64_t *)arg += sum;
	return 0;
}

static void work_each(struct task *task)
{
	task->sum = 0;
	task->failed |= kin_list_each(task->list, visit_sum, &task->sum) != 0;
	task->done = task->count;
}

#define WORKS_OF_KIN \
	{ \
		[WORK_APPEND] = work_append, [WORK_FIRST] = work_first, [WORK_EDIT] = work_edit, \
		[WORK_GET_RANDOM] = work_get_random, [WORK_GET_ORDER] = work_get_order, \
		[WORK_EACH] = work_each, [WORK_REPLACE] = work_replace, \
		[WORK_APPEND_TIMED] = work_append_timed \
	}

const struct contestant list_kin = { "kin", false, false, create, destroy, count, insert_one, remove_one,
	memory, trim, pass, WORKS_OF_KIN };
const struct contestant list_kin_shared = { "kin shared", false, true, create_shared, destroy, count,
	insert_one, remove_one, memory, trim, pass, WORKS_OF_KIN };
