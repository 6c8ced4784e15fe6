/*
 * tbb.cpp: oneTBB's concurrent_vector: no removing, no inserting; reads and writes have no order. Twice: as its users
 * write it, inlined; and with CALLED as a library of C functions would have it, as all other lists here are used.
 */
#include "bench.h"

#include <cstdint>
#include <new>
#include <tbb/concurrent_vector.h>

#ifdef CALLED
#define CALL __attribute__((noinline))
#else
#define CALL inline
#endif

using vector = tbb::concurrent_vector<int32_t>;

CALL static int append(void *list, int32_t value)
{
	((vector *)list)->push_back(value);
	return 0;
}

CALL static int get(void *list, uint64_t index, int32_t *value)
{
	*value = __atomic_load_n(&(*(vector *)list)[index], __ATOMIC_RELAXED);
	return 0;
}

CALL static int replace(void *list, uint64_t index, int32_t value)
{
	__atomic_store_n(&(*(vector *)list)[index], value, __ATOMIC_RELAXED);
	return 0;
}

#define NO_EDIT
#define LIST_APPEND append
#define LIST_GET get
#define LIST_REPLACE replace
#include "loops.h"

static void *create(void)
{
	return new (std::nothrow) vector;
}

static void destroy(void *list)
{
	delete (vector *)list;
}

static uint64_t count(void *list)
{
	return ((vector *)list)->size();
}

static void pass(void *list, items_seen *seen, void *arg)
{
	for (int32_t &item : *(vector *)list)
		seen(&item, 1, arg);
}

static void work_each(struct task *task)
{
	uint64_t sum = 0;
	for (int32_t item : *(vector *)task->list)
		sum += (uint64_t)item;
	task->sum = sum;
	task->done = task->count;
}

#define TBB_LIST(name) \
	{ \
		name, false, false, create, destroy, count, nullptr, nullptr, nullptr, nullptr, pass, \
		{ \
			nullptr, work_append, nullptr, nullptr, work_get_random, work_get_order, work_each, \
				work_replace, work_append_timed \
		} \
	}

#ifdef CALLED
extern const struct contestant list_tbb_called;
const struct contestant list_tbb_called = TBB_LIST("TBB, called");
#else
extern const struct contestant list_tbb;
const struct contestant list_tbb = TBB_LIST("TBB");
#endif
