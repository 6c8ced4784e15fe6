/**
 * pages.h: where pages come from, and where they go. All under T, save pages_map.
 */
#ifndef KIN_LIB_LIST_PAGES_H
#define KIN_LIB_LIST_PAGES_H

#include "list/list.h"

/** Set sizes by the item's. */
void pages_init(struct kin_list *list, size_t item_size);
/** Unmap all segments of this process. */
void pages_finish(struct kin_list *list);

/** Have so many pages and chunks, so that as many allocations cannot fail. Returns 0 or -ENOMEM. */
int pages_prepare(struct kin_list *list, uint64_t inner, uint64_t chunks);

/** One that was prepared for, with stamp and epoch of the change that is being made. */
uint32_t pages_take_inner(struct kin_list *list);
uint32_t pages_take_chunk(struct kin_list *list);

/** Give one back, which is closed from then on. */
void pages_free_inner(struct kin_list *list, uint32_t page);
void pages_free_chunk(struct kin_list *list, uint32_t page);

/** After a change: give back what is free beyond a part of what is in use. */
void pages_settle(struct kin_list *list);

/** Do not give back what is free now. */
void pages_keep(struct kin_list *list);

/** Map all segments of a shared list. Returns 0 or -ENOMEM. */
int pages_map_all(struct kin_list *list);

/** Give all free ones back to the system. */
void pages_give_back(struct kin_list *list);

/** In recover.c: make all pages free whose bits are not set, and count the others. */
void pages_sweep(struct kin_list *list, const uint8_t *used);

/** A word beside each page that chains it to another. */
uint32_t *pages_link(struct kin_list *list, uint32_t page);

/** Bytes in use and kept. */
uint64_t pages_bytes(struct kin_list *list);

/** Bytes before the first segment in the file of a shared list. */
#define PAGES_FILE_HEAD ((size_t)64 << 10)

#endif
