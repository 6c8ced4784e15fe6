/* Making lists, and the calls on single items. */
#include "list/list.h"

#include "base/api.h"
#include "base/futex.h"
#include "list/change.h"
#include "list/edit.h"
#include "list/lock.h"
#include "list/pages.h"
#include "list/snapshot.h"
#include "list/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUND(bytes) (((bytes) + 63) & ~(size_t)63)
#define MAGIC UINT64_C(0x6b696e2d6c697374) /* "kin-list" */
/* Processes that wait look now and then whether somebody was killed before he woke them. */
#define SHOTS_AT 4096
#define LOOK_NS INT64_C(100000000)

_Static_assert(
	sizeof(struct top) <= SHOTS_AT && SHOTS_AT + SHOTS_SHARED * sizeof(struct shot) <= PAGES_FILE_HEAD,
	"the head of a shared list's file");

/* --- making --- */

static void top_init(struct top *top, size_t item_size)
{
	top->item_size = item_size;
	top->page_bytes = KIN_LIST_PAGE;
	top->fan = FAN;
	top->segments = SEGMENT_FIRST;
	top->next = top->end = 1;
	top->epoch = 1;
	top->newest = top->oldest = -1;
	/* No page has the stamp 0. */
	atomic_store_explicit(&top->seq, 1, memory_order_relaxed);
}

static int new_handle(struct kin_list **ret_list, size_t item_size, size_t more)
{
	if (item_size == 0 || item_size > KIN_LIST_ITEM_MOST)
		return -EINVAL;
	struct kin_list *list = aligned_alloc(64, ROUND(sizeof *list) + ROUND(more));
	if (!list)
		return -ENOMEM;
	memset(list, 0, ROUND(sizeof *list) + ROUND(more));
	list->descriptor = -1;
	pages_init(list, item_size);
	*ret_list = list;
	return 0;
}

KIN_API int kin_list_create(struct kin_list **ret_list, size_t item_size)
{
	struct kin_list *list;
	int result = new_handle(&list, item_size, sizeof(struct top));
	if (result < 0)
		return result;
	list->top = (struct top *)(void *)((char *)list + ROUND(sizeof *list));
	top_init(list->top, item_size);
	*ret_list = list;
	return 0;
}

static int map_top(struct kin_list *list)
{
	void *top = mmap(NULL, PAGES_FILE_HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, list->descriptor, 0);
	if (top == MAP_FAILED)
		return -errno;
	list->top = top;
	list->shots = (struct shot *)(void *)((char *)top + SHOTS_AT);
	list->shots_room = SHOTS_SHARED;
	list->shared = true;
	return 0;
}

static int make_shared(struct kin_list *list, size_t item_size)
{
	list->descriptor = memfd_create("kin-list", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (list->descriptor < 0)
		return -errno;
	if (ftruncate(list->descriptor, PAGES_FILE_HEAD) < 0 ||
		fallocate(list->descriptor, 0, 0, PAGES_FILE_HEAD) < 0)
		return errno == ENOSPC ? -ENOMEM : -errno;
	/* A file that became shorter would be a SIGBUS. */
	if (fcntl(list->descriptor, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		return -errno;
	int result = map_top(list);
	if (result < 0)
		return result;
	top_init(list->top, item_size);
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	result = -pthread_mutex_init(&list->top->mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	list->top->magic = MAGIC;
	return result;
}

static void free_handle(struct kin_list *list)
{
	pages_finish(list);
	if (list->shared && list->top)
		munmap(list->top, PAGES_FILE_HEAD);
	if (list->descriptor >= 0)
		close(list->descriptor);
	if (!list->shared)
		free(list->shots);
	free(list);
}

KIN_API int kin_list_create_shared(struct kin_list **ret_list, size_t item_size)
{
	struct kin_list *list;
	const int saved = errno;
	int result = new_handle(&list, item_size, 0);
	if (result < 0)
		return result;
	result = make_shared(list, item_size);
	if (result < 0)
		free_handle(list);
	else
		*ret_list = list;
	errno = saved;
	return result;
}

KIN_API int kin_list_descriptor(const struct kin_list *list)
{
	return list->shared ? list->descriptor : -EINVAL;
}

static bool is_list(const struct top *top)
{
	return top->magic == MAGIC && top->page_bytes == KIN_LIST_PAGE && top->fan == FAN &&
	       top->item_size > 0 && top->item_size <= KIN_LIST_ITEM_MOST;
}

static int attach(struct kin_list *list, int descriptor)
{
	struct stat status;
	list->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
	if (list->descriptor < 0 || fstat(list->descriptor, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (size_t)status.st_size < PAGES_FILE_HEAD)
		return -EINVAL;
	int result = map_top(list);
	if (result < 0)
		return result == -ENOMEM ? result : -EINVAL;
	if (!is_list(list->top))
		return -EINVAL;
	pages_init(list, list->top->item_size);
	return 0;
}

KIN_API int kin_list_attach(struct kin_list **ret_list, int descriptor)
{
	struct kin_list *list;
	const int saved = errno;
	int result = new_handle(&list, 1, 0);
	if (result < 0)
		return result;
	result = attach(list, descriptor);
	if (result < 0)
		free_handle(list);
	else
		*ret_list = list;
	errno = saved;
	return result;
}

KIN_API void kin_list_destroy(struct kin_list *list)
{
	if (list)
		free_handle(list);
}

KIN_API size_t kin_list_item_size(const struct kin_list *list)
{
	return list->item_size;
}

KIN_API size_t kin_list_memory(struct kin_list *list)
{
	return sizeof *list + (list->shared ? PAGES_FILE_HEAD : sizeof(struct top)) + pages_bytes(list);
}

/* --- one item --- */

KIN_HOT KIN_API int kin_list_append(struct kin_list *list, const void *item, size_t *ret_index)
{
	int result = list_lock(list);
	if (UNLIKELY(result < 0))
		return result;
	struct top *top = list->top;
	const struct mapping *map = list_map(top);
	const uint64_t end = list_tail_end(top);
	if (ret_index)
		*ret_index = map_count(map, end);
	if (LIKELY(map->tail != NONE && end < list->capacity))
		append_in_tail(list, map->tail, end, item);
	else
		result = change_append(list, item);
	list_unlock_added(list, result == 0);
	return result;
}

KIN_API int kin_list_insert(struct kin_list *list, size_t index, const void *item)
{
	int result = list_lock(list);
	if (UNLIKELY(result < 0))
		return result;
	size_t count = list_count(list->top);
	if (index == KIN_LIST_LAST)
		index = count;
	result = index <= count ? change_insert(list, index, item) : -ERANGE;
	list_unlock_added(list, result == 0);
	return result;
}

KIN_HOT KIN_API int kin_list_remove(struct kin_list *list, size_t index, void *ret_item)
{
	int result = list_lock(list);
	if (UNLIKELY(result < 0))
		return result;
	if (index == 0 && LIKELY(list_map(list->top)->head_count))
		remove_in_head(list, ret_item);
	else {
		size_t count = list_count(list->top);
		if (index == KIN_LIST_LAST)
			index = count - 1;
		result = index < count ? change_remove(list, index, ret_item) : -ERANGE;
	}
	list_unlock(list);
	return result;
}

/* --- taking, and waiting --- */

void wait_wake(struct kin_list *list, uint64_t added)
{
	struct top *top = list->top;
	uint32_t count = added < top->waiters ? (uint32_t)added : top->waiters;
	top->waiters -= count;
	if (count)
		atomic_fetch_add_explicit(&top->bell, 1, memory_order_relaxed);
	list_unlock(list);
	if (count)
		futex_wake(&top->bell, count);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Sleep until an item may be there; T is held, and given back. */
static void await_item(struct kin_list *list, int64_t left)
{
	struct top *top = list->top;
	uint32_t bell = atomic_load_explicit(&top->bell, memory_order_relaxed);
	top->waiters++;
	list_unlock(list);
	if (list->shared && (left < 0 || left > LOOK_NS))
		left = LOOK_NS;
	futex_wait(&top->bell, bell, left);
}

static int pop(struct kin_list *list, bool first, void *ret_item, int64_t timeout_ns)
{
	int64_t deadline = timeout_ns > 0 ? now_ns() : 0, left = timeout_ns;
	if (timeout_ns > 0)
		deadline = timeout_ns > INT64_MAX - deadline ? INT64_MAX : deadline + timeout_ns;
	for (;;) {
		int result = list_lock(list);
		if (result < 0)
			return result;
		uint64_t count = list_count(list->top);
		if (count) {
			result = change_remove(list, first ? 0 : count - 1, ret_item);
			list_unlock(list);
			return result;
		}
		if (timeout_ns > 0)
			left = deadline - now_ns();
		if (timeout_ns == 0 || (timeout_ns > 0 && left <= 0)) {
			list_unlock(list);
			return -ETIMEDOUT;
		}
		await_item(list, left);
	}
}

KIN_API int kin_list_pop_first(struct kin_list *list, void *ret_item, int64_t timeout_ns)
{
	return pop(list, true, ret_item, timeout_ns);
}

KIN_API int kin_list_pop_last(struct kin_list *list, void *ret_item, int64_t timeout_ns)
{
	return pop(list, false, ret_item, timeout_ns);
}
