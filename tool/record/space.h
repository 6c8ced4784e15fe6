/**
 * space.h: an address space as the fault classifier knows it: its mappings, and the state of its pages.
 */
#ifndef KIN_TOOL_RECORD_SPACE_H
#define KIN_TOOL_RECORD_SPACE_H

#include "record/mappings.h"
#include "record/pages.h"
#include "record/perf.h"

struct space {
	unsigned users; // tasks
	int pid; // a process that lives in it
	uint64_t page_size;
	struct mappings mappings;
	struct pages pages;
	bool lineage_known; // every page that a fork shared is marked PAGE_INHERITED
	struct object *program; // private state: the first file mapped after exec
	uint64_t program_end; // private state: the heap lies beyond
	uint64_t read_at; // private state: when /proc/PID/maps was last read
	bool gone; // private state: it cannot be read any more
};

/** An empty one, as after exec, with one user. Returns 0 or -ENOMEM. */
int space_create(struct space **ret_space, int pid);

/** One user less, one more. NULL is welcome. */
void space_release(struct space *space);
struct space *space_hold(struct space *space);

/** A PERF_MMAP record about it. Returns 0 or -ENOMEM. */
int space_map(struct space *space, struct objects *objects, const struct perf_record *record);

/**
 * Read the mappings from /proc/PID/maps, at most every few milliseconds of record time; a process that is gone is no
 * error. Returns 0 or -ENOMEM.
 */
int space_read(struct space *space, struct objects *objects, uint64_t now);

/** The stack of a new thread lies here: size 0: ends here. Returns 0 or -ENOMEM. */
int space_stack(struct space *space, struct objects *objects, uint64_t stack, uint64_t size);

/** A copy for a forked child, with one user; its pages are all PAGE_NEW. Returns 0 or -ENOMEM. */
int space_fork(struct space **ret_space, const struct space *from, int pid);

/**
 * Mark what a forked child inherited, in it and in its maker. stopped: the child has not run, so its page table tells;
 * else, or where that cannot be read, it is concluded from what the maker touched. Returns 0 or -ENOMEM.
 */
int space_inherit(struct space *child, struct space *maker, bool stopped);

#endif
