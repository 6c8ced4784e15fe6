/**
 * ways.h: the distinct ways in which the tasks of a history were made: same call, flags and exit signal. Each has a
 * letter, by which the tree points into its legend. Private to the view's room.
 */
#ifndef KIN_TOOL_VIEW_WAYS_H
#define KIN_TOOL_VIEW_WAYS_H

#include "view/view.h"

struct way {
	const struct clone_call *by; // of the first task made so
	bool thread;
	uint32_t count; // tasks made so
	char letter[4]; // "a", "ab"; empty for what kin started itself
};

struct ways {
	struct way *items;
	uint16_t count;
	uint16_t *of_task; // index into items, by task number - 1
};

/** Returns 0 or -ENOMEM. */
int ways_init(struct ways *ways, const struct history *history);
void ways_finish(struct ways *ways);
const struct way *way_of(const struct ways *ways, const struct task *task);

/** "thread", "fork", ...; "kin" for the program that kin started. */
const char *way_kind(const struct way *way);

/** The legend: each way's flags by name, its exit signal, and what it shares, in words. */
int ways_legend(struct text *out, const struct ways *ways, const struct view_options *options);

#endif
