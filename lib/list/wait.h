/**
 * wait.h: those who wait for an item to come.
 */
#ifndef KIN_LIB_LIST_WAIT_H
#define KIN_LIB_LIST_WAIT_H

#include "list/lock.h"

void wait_wake(struct kin_list *list, uint64_t added);

/** Give T back after items were added. */
static inline void list_unlock_added(struct kin_list *list, uint64_t added)
{
	if (UNLIKELY(list->top->waiters))
		wait_wake(list, added);
	else
		list_unlock(list);
}

#endif
