/**
 * living.h: the tasks alive, for views that see events as they come and keep no history. Private to the view's room.
 */
#ifndef KIN_TOOL_VIEW_LIVING_H
#define KIN_TOOL_VIEW_LIVING_H

#include "model/event.h"

struct living_task {
	struct living_task *next; // private state
	uint32_t number;
	int tid, tgid;
	uint64_t start;
	char *title; // owned, never NULL
};

struct living {
	struct living_task **buckets;
	size_t n_buckets, count;
};

/** Returns 0 or -ENOMEM. */
int living_init(struct living *living);
void living_finish(struct living *living);

/** The task of that number, or NULL. */
struct living_task *living_find(const struct living *living, uint32_t number);

/** Add a task. Returns NULL when there is no memory. */
struct living_task *living_add(struct living *living, uint32_t number, const char *title);

/** Give it another title. Returns 0 or -ENOMEM. */
int living_rename(struct living_task *task, const char *title);

void living_remove(struct living *living, uint32_t number);

#endif
