/**
 * snapshot.h: which pages snapshots have. A snapshot has the pages born before it that were in use when it was taken.
 * One that goes out of use is kept for the newest snapshot that has it, and when that is released, for the next older
 * one that has it - as the lists of dead blocks of the file system ZFS. All under T.
 */
#ifndef KIN_LIB_LIST_SNAPSHOT_H
#define KIN_LIB_LIST_SNAPSHOT_H

#include "list/list.h"

/** Whether a page in use belongs to a snapshot too: what was in it has to stay. */
static inline bool snapshots_have(struct kin_list *list, const struct page *page)
{
	return UNLIKELY(list->top->newest >= 0) && page->born <= list_shot(list, list->top->newest)->epoch;
}

/** A page goes out of use: keep it if a snapshot has it. Returns whether one has. */
bool snapshots_keep(struct kin_list *list, uint32_t page);

/** End the snapshots of processes that are gone. */
void snapshots_reap(struct kin_list *list);

#endif
