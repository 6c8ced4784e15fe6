/**
 * tasks.h: the tasks alive under a source, by TID, and their thread groups. Memory is that of the tasks alive.
 */
#ifndef KIN_TOOL_RECORD_TASKS_H
#define KIN_TOOL_RECORD_TASKS_H

#include "model/event.h"

/** An environment block shared by the processes that have it unchanged. */
struct environment {
	unsigned users;
	size_t length;
	char bytes[]; // NUL-terminated strings one after another
};

/** A thread group: a process. */
struct group {
	int tgid;
	struct group *parent; // the process that getppid() names, if it is one of ours and alive
	struct group *first_child; // processes alive whose parent this is
	struct group *next_child, *previous_child;
	unsigned alive; // tasks
	bool had_threads;
	bool stopped; // by job control
	bool root; // the program kin started
	int last_signal; // last signal delivered to any of its threads, and from whom
	struct sender last_sender;
	bool had_children;
	/*
	 * Of the children that have ended, with what they waited for themselves: what wait4() will add to this
	 * process.
	 */
	uint64_t children_user_ns, children_system_ns, children_maxrss_kib;
	uint64_t peak_kib; // VmHWM when it began to exit, 0 if not looked at
	struct environment *environment; // only with --env
	char *exe; // the file it runs, NULL when not known
};

/** A system call whose end is awaited (--failed). */
struct pending_call;

struct live {
	struct live *next; // private: same hash slot
	int tid;
	uint32_t number; // 0 until its maker has announced it
	struct group *group; // NULL until then
	bool thread;
	bool born; // its first stop has been seen
	bool held; // it waits to be announced: stopped, or dead
	uint64_t held_since; // CLOCK_MONOTONIC, ns
	int stop_signal; // its process was being stopped when it was born: it stops with the others
	bool exit_stop; // it will stop at its exit
	bool let_go; // to be detached at its first stop
	bool dead; // it ended before it was announced: dead_status says how
	int dead_status; // as from wait()
	char name[16]; // comm as far as known, "" if not
	struct pending_call *pending;
};

/** A task that is no more: signals it sent may still arrive. */
struct recent {
	int tid;
	uint32_t number;
};
#define RECENT_KEPT 64

struct tasks {
	struct recent recent[RECENT_KEPT]; // private: a ring
	unsigned next_recent; // private
	struct live **slots; // private
	size_t n_slots; // private
	size_t count;
	size_t held; // how many are held
};

void tasks_finish(struct tasks *tasks);
struct live *tasks_find(const struct tasks *tasks, int tid);

/** The number of a task alive, or lately so; 0 if it is none of ours. */
uint32_t tasks_number(const struct tasks *tasks, int tid);

/** Add a task; NULL when out of memory. */
struct live *tasks_add(struct tasks *tasks, int tid);

/** Take a task out and free it. Its group is left alone: see group_leave. */
void tasks_remove(struct tasks *tasks, struct live *live);

/** Give a task another TID (a thread that called exec takes its leader's). */
void tasks_rename(struct tasks *tasks, struct live *live, int tid);

/** Each task once, in no order: start with *state = 0; NULL at the end. The one returned may be removed. */
struct live *tasks_each(struct tasks *tasks, size_t *state, struct live **next);

/** A new process, child of parent (can be NULL); NULL when out of memory. It has no tasks yet. */
struct group *group_create(int tgid, struct group *parent);

/** Free a process without tasks. Its children have no parent then. */
void group_destroy(struct group *group);

/** Make another process the parent (NULL: none of ours). */
void group_adopt(struct group *group, struct group *parent);

void environment_release(struct environment *environment);

#endif
