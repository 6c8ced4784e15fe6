/**
 * lock.h: T, the lock that all writers pass.
 */
#ifndef KIN_LIB_LIST_LOCK_H
#define KIN_LIB_LIST_LOCK_H

#include "list/list.h"

/** Lists for which this thread runs the function of an update, or of a sort, one inside of the other. */
struct updating {
	const struct top *top;
	struct updating *outer;
};
extern _Thread_local struct updating *list_updating __attribute__((visibility("hidden")));

/** Whether this is one of them. */
bool list_is_held(const struct top *top);

int lock_slow(struct kin_list *list);
int lock_shared(struct kin_list *list);
void unlock_shared(struct kin_list *list);
void unlock_parked(struct top *top);

/**
 * Take T. In a shared list what a killed process left is put in order first. Returns 0; -EDEADLK; -ENOTRECOVERABLE;
 * -ENOMEM: what was left could not be put in order.
 */
static inline int list_lock(struct kin_list *list)
{
	CHAOS();
	if (UNLIKELY(list->shared))
		return lock_shared(list);
	struct top *top = list->top;
	if (UNLIKELY(list_updating != NULL) || atomic_exchange_explicit(&top->lock, 1, memory_order_acquire))
		return lock_slow(list);
	return 0;
}

static inline void list_unlock(struct kin_list *list)
{
	struct top *top = list->top;
	if (UNLIKELY(list->shared)) {
		unlock_shared(list);
		return;
	}
	atomic_store_explicit(&top->lock, 0, memory_order_release);
	/* No fence: who is overlooked here looks again by himself after a millisecond. */
	if (UNLIKELY(atomic_load_explicit(&top->parked, memory_order_relaxed)))
		unlock_parked(top);
}

#endif
