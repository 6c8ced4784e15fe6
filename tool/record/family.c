#include "record/family.h"
#include "record/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t family_time(const struct family *family, uint64_t time)
{
	uint64_t origin = family->source->origin;
	return time > origin ? time - origin : 1;
}

int family_begin(struct family *family)
{
	struct live *live = tasks_add(&family->tasks, family->started->pid);
	struct group *group = live ? group_create(live->tid, NULL) : NULL;
	family->leaving_end = &family->leaving;
	if (!group) {
		if (live)
			tasks_remove(&family->tasks, live);
		return -ENOMEM;
	}
	group->root = true;
	group->alive = 1;
	live->group = group;
	live->number = ++family->source->last_number;
	struct event event = { .type = EVENT_BIRTH, .task = live->number };
	event.birth.tid = event.birth.tgid = live->tid;
	event.birth.by = (struct clone_call){ .call = CALL_KIN, .exit_signal = SIGCHLD, .flags_known = true };
	source_emit(family->source, &event);
	return 0;
}

void family_finish(struct family *family)
{
	births_finish(family);
	execs_finish(family);
	exits_finish(family);
	tasks_finish(&family->tasks);
}

static void renamed(struct family *family, const struct perf_record *record)
{
	struct live *live = tasks_find(&family->tasks, record->tid);
	if (!live || strncmp(live->name, record->comm.name, sizeof live->name - 1) == 0)
		return;
	snprintf(live->name, sizeof live->name, "%.15s", record->comm.name);
	source_emit(family->source, &(struct event){ .type = EVENT_NAME,
					    .task = live->number,
					    .time = family_time(family, record->time),
					    .name = record->comm.name });
}

/*
 * Who sent a signal is not in the record; a code above 0 is the kernel's own. A signal that ends the process does not
 * come this way: the kernel turns it into a SIGKILL for every thread, and the end says which it was.
 */
static void delivered(struct family *family, const struct perf_record *record)
{
	const struct live *live = tasks_find(&family->tasks, record->tid);
	if (!live || record->signal.signo == SIGCHLD)
		return;
	struct event event = {
		.type = EVENT_SIGNAL, .task = live->number, .time = family_time(family, record->time)
	};
	event.signal.signo = record->signal.signo;
	event.signal.code = record->signal.code;
	event.signal.sender.known = event.signal.sender.kernel = record->signal.code > 0;
	source_emit(family->source, &event);
}

static void kill_seen(struct family *family, const struct perf_record *record)
{
	const struct live *sender = tasks_find(&family->tasks, record->tid);
	struct kill_sent *sent = &family->kills[family->next_kill++ % KILLS_KEPT];
	*sent = (struct kill_sent){ record->signal.target,
		{ .known = true, .pid = record->pid, .uid = -1, .task = sender ? sender->number : 0 } };
	/* The kernel decides in whatever task happens to run. */
	if (record->signal.code == SI_KERNEL)
		sent->sender = (struct sender){ .known = true, .kernel = true };
}

static int ended(struct family *family, const struct perf_record *record)
{
	struct live *live = tasks_find(&family->tasks, record->tid);
	if (!live || live->let_go)
		return 0;
	if (!exec_out_of_sight(family, record->tid))
		return exit_record(family, live, record->time, record->exit.parent);
	live->let_go = true;
	family->out_of_sight++;
	source_note(family->source, live->number,
		"%s is set-user-ID, set-group-ID or may not be read: what it does is not seen, but for its "
		"end",
		live->name);
	return 0;
}

/* What a task did before comes before what this record says of it. */
static int settle_before(struct family *family, const struct perf_record *record)
{
	if (record->type == PERF_MMAP || record->type == PERF_EXEC || record->type == PERF_FAULT ||
		record->type == PERF_LOST)
		return 0;
	if (record->type == PERF_EXIT && exec_out_of_sight(family, record->tid))
		return 0;
	if (family->execs && record->type != PERF_FORK)
		execs_settle(family, record->tid, true);
	if (family->execs && record->type == PERF_FORK)
		execs_settle(family, record->fork.maker_tid, true);
	return family->forks && record->type == PERF_EXIT ? births_settle(family, record->tid) : 0;
}

static int dispatch(struct family *family, const struct perf_record *record)
{
	switch (record->type) {
	case PERF_FORK:
		return birth_record(family, record);
	case PERF_NEWTASK:
		return birth_flags(family, record);
	case PERF_COMM:
		if (record->comm.exec)
			return exec_record(family, record);
		renamed(family, record);
		return 0;
	case PERF_MMAP:
		exec_mapped(family, record);
		return 0;
	case PERF_EXEC:
		exec_stack(family, record);
		return 0;
	case PERF_EXIT:
		return ended(family, record);
	case PERF_DELIVER:
		delivered(family, record);
		return 0;
	case PERF_SIGNAL:
		kill_seen(family, record);
		return 0;
	case PERF_OOM:
		family->victims[family->next_victim++ % (sizeof family->victims / sizeof *family->victims)] =
			record->victim;
		return 0;
	default:
		return 0;
	}
}

int family_record(void *data, const struct perf_record *record)
{
	struct family *family = data;
	int result = settle_before(family, record);
	if (result == 0)
		result = dispatch(family, record);
	/* An end takes the task's faults with it, so it has gone before. */
	if (result == 0 && family->faults && record->type != PERF_EXIT)
		result = faults_record(family->faults, record);
	return result;
}

void family_settle(struct family *family, bool all)
{
	execs_settle(family, 0, all);
	if (all)
		births_settle(family, 0);
	if (family->connector >= 0)
		connector_read(family->connector, exit_status_known, family, &family->statuses_lost);
	exits_settle(family, all);
}

bool family_waits(const struct family *family)
{
	return family->execs || family->leaving || family->early;
}

void family_root_reaped(struct family *family, const int *status, const struct usage *usage)
{
	family->root_reaped = true;
	family->root_status_known = status != NULL;
	family->root_status = status ? *status : 0;
	family->root_usage = *usage;
	struct live *live = tasks_find(&family->tasks, family->started->pid);
	/* perf lost sight of it, or it never got as far as its exec. */
	if (live)
		exit_record(family, live, perf_now(), 0);
}

void family_sweep(struct family *family)
{
	size_t state = 0;
	struct live *live, *next = NULL;
	while ((live = tasks_each(&family->tasks, &state, &next)))
		if (live->tid != family->started->pid && kill(live->tid, 0) < 0 && errno == ESRCH)
			exit_record(family, live, perf_now(), 0);
}

void family_let_go(struct family *family, const char *why)
{
	size_t state = 0;
	struct live *live, *next = NULL;
	while ((live = tasks_each(&family->tasks, &state, &next))) {
		source_emit(family->source,
			&(struct event){ .type = EVENT_LOST, .task = live->number, .text = why });
		struct group *group = live->group;
		tasks_remove(&family->tasks, live);
		if (--group->alive == 0)
			group_destroy(group);
	}
	family->finished = true;
}
