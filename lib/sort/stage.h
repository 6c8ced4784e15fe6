/**
 * stage.h: the caller's array where workers can write to it: process workers see shared memory only.
 */
#ifndef KIN_LIB_SORT_STAGE_H
#define KIN_LIB_SORT_STAGE_H

#include "sort/memory.h"

#include <kin/pool.h>

struct stage {
	struct memory copy;
	char *items; // the array, or a shared copy of it
	char *home;
	size_t bytes;
};

/** Put an array on stage. home stays the caller's. Returns 0, or what memory_init returns. */
int stage_init(struct stage *stage, struct kin_pool *pool, void *home, size_t bytes);

/** Write a copy back to where it came from. */
void stage_bring_back(const struct stage *stage);
void stage_finish(struct stage *stage);

#endif
