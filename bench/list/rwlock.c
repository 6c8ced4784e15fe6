/* rwlock.c: the array list behind a lock that lets readers pass together; and, for reading all of it, behind none. */
#include <pthread.h>

#define SHARED 0
#define LOCK pthread_rwlock_t
#include "array.h"

static void lock_init(struct array *array)
{
	pthread_rwlock_init(&array->lock, NULL);
}

static void lock_finish(struct array *array)
{
	pthread_rwlock_destroy(&array->lock);
}

static void lock_read(struct array *array)
{
	pthread_rwlock_rdlock(&array->lock);
}

static void lock_write(struct array *array)
{
	pthread_rwlock_wrlock(&array->lock);
}

static void unlock(struct array *array)
{
	pthread_rwlock_unlock(&array->lock);
}

static void work_timer(struct task *task)
{
	FOR_BLOCKS(task, i)
	for (; i < i_end; i++) {
		uint64_t begin = ticks();
		task->ticks[i] = (uint32_t)(ticks() - begin);
	}
}

const struct contestant list_rwlock = ARRAY_LIST("rwlock");

/*
 * One lock for a pass over all items is none: this is how fast an array can be read. Its appends are the clock
 * alone.
 */
const struct contestant list_array = { "plain array", true, false, create, destroy, count, NULL, NULL, NULL,
	NULL, pass,
	{ [WORK_APPEND] = work_append, [WORK_EACH] = work_each, [WORK_APPEND_TIMED] = work_timer } };
