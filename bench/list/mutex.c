/* mutex.c: the array list behind one mutex. SHARED: for processes, robust, as it has to be there. */
#include <pthread.h>

#ifndef SHARED
#define SHARED 0
#endif
#define LOCK pthread_mutex_t
#include "array.h"

#include <errno.h>

static void lock_init(struct array *array)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	if (SHARED) {
		pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
		pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	}
	pthread_mutex_init(&array->lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

static void lock_finish(struct array *array)
{
	pthread_mutex_destroy(&array->lock);
}

static void lock_write(struct array *array)
{
	if (pthread_mutex_lock(&array->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&array->lock);
}

static void lock_read(struct array *array)
{
	lock_write(array);
}

static void unlock(struct array *array)
{
	pthread_mutex_unlock(&array->lock);
}

#if SHARED
const struct contestant list_mutex_shared = ARRAY_LIST("robust mutex");
#else
const struct contestant list_mutex = ARRAY_LIST("mutex");
#endif
