/*
 * loops.h: the loops of a contestant, which defines before it includes this: append(list, value), insert(list, index,
 * value), remove(list, index, &value), get(list, index, &value), replace(list, index, value) - all named LIST_...,
 * inlined or not as a user would have them, 0 if they succeed - and what it cannot do as NO_EDIT. So all are used by
 * the same code, with no call through a pointer between.
 */
#include <sched.h>

#define FOR_BLOCKS(task, i) for (uint64_t i = 0, i##_end; (i##_end = block_end(task, i)) > i;)

static void work_append(struct task *task)
{
	int64_t value = task->value;
	FOR_BLOCKS(task, i)
	for (; i < i_end; i++) {
		task->failed |= LIST_APPEND(task->list, (int32_t)value) != 0;
		value += task->value_step;
	}
}

static void work_append_timed(struct task *task)
{
	int64_t value = task->value;
	FOR_BLOCKS(task, i)
	for (; i < i_end; i++) {
		uint64_t begin = ticks();
		task->failed |= LIST_APPEND(task->list, (int32_t)value) != 0;
		task->ticks[i] = (uint32_t)(ticks() - begin);
		value += task->value_step;
	}
}

static void work_get_random(struct task *task)
{
	uint64_t seed = task->seed, sum = 0;
	FOR_BLOCKS(task, i)
	for (; i < i_end; i++) {
		int32_t value = 0;
		uint64_t index = random_below(&seed, task->range);
		task->failed |= LIST_GET(task->list, index, &value) != 0;
		sum += (uint64_t)value - index;
	}
	task->sum = sum;
}

static void work_get_order(struct task *task)
{
	uint64_t index = task->index, sum = 0;
	FOR_BLOCKS(task, i)
	for (; i < i_end; i++) {
		int32_t value = 0;
		task->failed |= LIST_GET(task->list, index, &value) != 0;
		sum += (uint64_t)value - index;
		index += task->index_step;
		if (index >= task->range)
			index -= task->range;
	}
	task->sum = sum;
}

static void work_replace(struct task *task)
{
	uint64_t index = task->index;
	int64_t value = task->value;
	FOR_BLOCKS(task, i)
	for (; i < i_end; i++) {
		task->failed |= LIST_REPLACE(task->list, index, (int32_t)value) != 0;
		value += task->value_step;
		index += task->index_step;
		if (index >= task->range)
			index -= task->range;
	}
}

#ifndef NO_EDIT
static void work_first(struct task *task)
{
	uint64_t sum = 0;
	int64_t last = -1;
	FOR_BLOCKS(task, i)
	for (; i < i_end; i++) {
		int32_t value = 0;
		for (unsigned looks = 0; LIST_REMOVE(task->list, 0, &value) != 0; looks++) {
			pause_cpu();
			if (looks % 64 == 63)
				sched_yield();
		}
		task->failed |= value <= last;
		last = value;
		sum += (uint64_t)value;
	}
	task->sum = sum;
}

static void work_edit(struct task *task)
{
	uint64_t seed = task->seed, range = task->range, sum = 0;
	FOR_BLOCKS(task, i)
	for (; i < i_end; i += 2) {
		int32_t value = 0;
		task->failed |= LIST_INSERT(task->list, random_below(&seed, range), (int32_t)i) != 0;
		task->failed |= LIST_REMOVE(task->list, random_below(&seed, range), &value) != 0;
		sum += (uint64_t)value;
	}
	task->sum = sum;
}
#endif
