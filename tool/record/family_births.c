/* Births without stops: FORK records, and for root the flags from NEWTASK records. */
#include "record/family.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static bool enrol(struct family *family, struct live *live, struct live *maker, const struct clone_call *by)
{
	live->thread = by->flags & CLONE_THREAD;
	if (live->thread) {
		live->group = maker->group;
		live->group->had_threads = true;
	} else {
		struct group *parent = by->flags & CLONE_PARENT ? maker->group->parent : maker->group;
		live->group = group_create(live->tid, parent);
		if (!live->group)
			return false;
		if (parent)
			parent->had_children = true;
	}
	live->group->alive++;
	live->number = ++family->source->last_number;
	memcpy(live->name, maker->name, sizeof live->name);
	return true;
}

static void report(struct family *family, const struct live *live, const struct live *maker,
	const struct clone_call *by, uint64_t time)
{
	struct event event = { .type = EVENT_BIRTH, .task = live->number, .time = family_time(family, time) };
	event.birth.tid = live->tid;
	event.birth.tgid = live->group->tgid;
	event.birth.maker = event.birth.parent = maker->number;
	if (by->flags & CLONE_PARENT) {
		const struct group *parent = live->group->parent;
		const struct live *leader = parent ? tasks_find(&family->tasks, parent->tgid) : NULL;
		event.birth.parent = leader ? leader->number : 0;
	}
	event.birth.by = *by;
	source_emit(family->source, &event);
}

static void let_go(struct family *family, struct live *live, uint64_t time)
{
	source_emit(family->source, &(struct event){ .type = EVENT_LOST,
					    .task = live->number,
					    .time = family_time(family, time),
					    .text = "not followed (--follow=none)" });
	struct group *group = live->group;
	tasks_remove(&family->tasks, live);
	if (--group->alive == 0)
		group_destroy(group);
}

static int born(struct family *family, const struct perf_record *record, bool flags_known, uint64_t flags)
{
	struct live *maker = tasks_find(&family->tasks, record->fork.maker_tid);
	struct live *former = tasks_find(&family->tasks, record->tid);
	if (!maker)
		return 0; /* a task that is not followed */
	/* Its end was not seen, yet its TID is free again. */
	if (former && exit_record(family, former, record->time, 0) < 0)
		return -ENOMEM;
	struct clone_call by = { .call = CALL_UNKNOWN, .flags = flags, .flags_known = flags_known };
	if (record->pid == record->fork.maker_pid && record->pid != record->tid)
		by.flags |= CLONE_THREAD;
	by.exit_signal = by.flags & CLONE_THREAD ? 0 : SIGCHLD;
	struct live *live = tasks_add(&family->tasks, record->tid);
	if (!live || !enrol(family, live, maker, &by)) {
		if (live)
			tasks_remove(&family->tasks, live);
		return -ENOMEM;
	}
	report(family, live, maker, &by, record->time);
	if (family->source->options->follow == FOLLOW_NONE && !live->thread)
		let_go(family, live, record->time);
	return 0;
}

int births_settle(struct family *family, int maker_tid)
{
	int result = 0;
	for (struct fork_waiting **link = &family->forks; *link;) {
		struct fork_waiting *waiting = *link;
		if (maker_tid && waiting->fork.fork.maker_tid != maker_tid) {
			link = &waiting->next;
			continue;
		}
		*link = waiting->next;
		if (result == 0)
			result = born(family, &waiting->fork, false, 0);
		free(waiting);
	}
	return result;
}

int birth_record(struct family *family, const struct perf_record *record)
{
	if (!perf_has_newtask(family->perf))
		return born(family, record, false, 0);
	int result = births_settle(family, record->fork.maker_tid);
	struct fork_waiting *waiting = calloc(1, sizeof *waiting);
	if (!waiting)
		return -ENOMEM;
	waiting->fork = *record;
	waiting->next = family->forks;
	family->forks = waiting;
	return result;
}

int birth_flags(struct family *family, const struct perf_record *record)
{
	for (struct fork_waiting **link = &family->forks; *link; link = &(*link)->next) {
		struct fork_waiting *waiting = *link;
		if (waiting->fork.fork.maker_tid != record->tid)
			continue;
		*link = waiting->next;
		int result = born(family, &waiting->fork, true, record->clone_flags);
		free(waiting);
		return result;
	}
	return 0;
}

void births_finish(struct family *family)
{
	while (family->forks) {
		struct fork_waiting *waiting = family->forks;
		family->forks = waiting->next;
		free(waiting);
	}
}
