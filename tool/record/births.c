/* A task is made: its maker's event and its own first stop, in whichever order they come. */
#include "record/call.h"
#include "record/proc.h"
#include "record/tracer.h"
#include "record/watch.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#define HELD_LONG_ENOUGH 500000000 // ns: a maker's own event follows its child's within microseconds

/* Give an announced task its number and process. False: out of memory, the task is untouched. */
static bool enrol(struct tracer *tracer, struct live *live, struct live *maker, const struct clone_call *by)
{
	live->thread = by->flags & CLONE_THREAD;
	if (live->thread) {
		live->group = maker->group;
		live->group->had_threads = true;
	} else {
		struct group *parent = maker->group;
		if (parent && (by->flags & CLONE_PARENT))
			parent = parent->parent;
		if (parent)
			parent->had_children = true;
		live->group = group_create(live->tid, parent);
		if (!live->group)
			return false;
		live->group->environment = parent ? parent->environment : NULL;
		if (live->group->environment)
			live->group->environment->users++;
	}
	live->group->alive++;
	live->exit_stop = maker->exit_stop && maker != live; // a new task has its maker's options
	live->number = ++tracer->source->last_number;
	memmove(live->name, maker->name, sizeof live->name);
	return true;
}

static uint32_t number_of_leader(const struct tracer *tracer, const struct group *group)
{
	const struct live *leader = group ? tasks_find(&tracer->tasks, group->tgid) : NULL;
	return leader ? leader->number : 0;
}

static void report(struct tracer *tracer, const struct live *live, const struct live *maker,
	const struct clone_call *by, bool untraced)
{
	struct event event = { .type = EVENT_BIRTH, .task = live->number };
	event.birth.tid = live->tid;
	event.birth.tgid = live->group->tgid;
	event.birth.maker = maker == live ? 1 : maker->number;
	event.birth.parent = event.birth.maker;
	if (by->flags & CLONE_PARENT)
		event.birth.parent = number_of_leader(tracer, live->group->parent);
	event.birth.by = *by;
	event.birth.untraced = untraced;
	source_emit(tracer->source, &event);
}

/* Its first stop has been seen and it is announced: what it has inherited can be looked at, then it may run. */
static void let_run(struct tracer *tracer, struct live *live)
{
	if (live->held) {
		live->held = false;
		tracer->tasks.held--;
	}
	if (!live->let_go) {
		if (live->exit_stop)
			tracer_want_exit_stop(tracer, live, false);
		if (live->stop_signal)
			tracer_stop_with_group(tracer, live, live->stop_signal);
		else
			tracer_resume(tracer, live, 0);
		return;
	}
	source_emit(tracer->source,
		&(struct event){
			.type = EVENT_LOST, .task = live->number, .text = "not followed (--follow=none)" });
	ptrace(PTRACE_DETACH, live->tid, 0, 0);
	struct group *group = live->group;
	tasks_remove(&tracer->tasks, live);
	if (--group->alive == 0)
		group_destroy(group);
}

static void announce(
	struct tracer *tracer, struct live *live, struct live *maker, const struct clone_call *by)
{
	if (!enrol(tracer, live, maker, by)) {
		tracer->error = -ENOMEM;
		return;
	}
	live->let_go = tracer->follow_none && !live->thread;
	if (!live->thread && !maker->exit_stop && maker != live)
		tracer_want_exit_stop(tracer, maker, true);
	report(tracer, live, maker, by, false);
	watch_birth(tracer->watch, maker, live, by);
	if (live->dead) {
		exit_report(tracer, live, live->dead_status, NULL);
		exit_leave(tracer, live, live->dead_status);
	} else if (live->born) {
		let_run(tracer, live);
	}
}

/* Where the call's flags could not be read: is the new task a thread of its maker? */
static void guess_thread(const struct live *maker, int tid, struct clone_call *by)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d", maker->group->tgid, tid);
	if (!by->flags_known && proc_usable() && access(path, F_OK) == 0)
		by->flags |= CLONE_THREAD;
}

void birth_announced(struct tracer *tracer, struct live *maker, int event)
{
	(void)event;
	unsigned long message = 0;
	struct call_registers registers;
	if (!maker->group || ptrace(PTRACE_GETEVENTMSG, maker->tid, 0, &message) < 0 || message == 0)
		goto resume;
	struct clone_call by = { .call = CALL_UNKNOWN };
	if (call_read_registers(maker->tid, &registers) == 0)
		call_decode_clone(maker->tid, &registers, &by);
	guess_thread(maker, (int)message, &by);
	struct live *live = tasks_find(&tracer->tasks, (int)message);
	if (live && live->number)
		goto resume; // known already: taken as an orphan while its maker was away
	if (!live)
		live = tasks_add(&tracer->tasks, (int)message);
	if (live)
		announce(tracer, live, maker, &by);
	else
		tracer->error = -ENOMEM;
resume:
	tracer_resume(tracer, maker, 0);
}

void birth_hold(struct tracer *tracer, struct live *live)
{
	if (live->held)
		return;
	live->held = true;
	live->held_since = clock_now();
	tracer->tasks.held++;
}

void birth_stopped(struct tracer *tracer, struct live *live, int signo)
{
	live->born = true;
	live->stop_signal = signo != SIGTRAP ? signo : 0;
	if (live->number) {
		let_run(tracer, live);
		return;
	}
	birth_hold(tracer, live);
}

void birth_untraced(struct tracer *tracer, struct live *maker, int tid, const struct clone_call *by)
{
	struct live *live = tasks_add(&tracer->tasks, tid);
	if (!live || !enrol(tracer, live, maker, by)) {
		tracer->error = -ENOMEM;
		return;
	}
	report(tracer, live, maker, by, true);
	source_emit(tracer->source, &(struct event){ .type = EVENT_LOST,
					    .task = live->number,
					    .text = "made with CLONE_UNTRACED: out of a tracer's reach" });
	struct group *group = live->group;
	bool thread = live->thread;
	tasks_remove(&tracer->tasks, live);
	group->alive--;
	if (!thread && group->alive == 0)
		group_destroy(group);
}

void birth_overdue(struct tracer *tracer)
{
	size_t state = 0;
	struct live *live, *next = NULL;
	uint64_t now = clock_now();
	while ((live = tasks_each(&tracer->tasks, &state, &next))) {
		struct proc_stat stat;
		if (!live->held || now - live->held_since < HELD_LONG_ENOUGH)
			continue;
		/* It has never run, and its maker died with it. */
		if (live->dead) {
			tasks_remove(&tracer->tasks, live);
			continue;
		}
		/* Its parent is the best that is left to be said; the root's number stands for "nobody kin knows". */
		struct clone_call by = { .call = CALL_UNKNOWN };
		struct live *maker = NULL;
		if (proc_read_stat(live->tid, live->tid, &stat) == 0)
			maker = tasks_find(&tracer->tasks, stat.ppid);
		if (!maker || !maker->group)
			maker = live;
		announce(tracer, live, maker, &by);
		return; // the walk is over: announcing may have changed the table
	}
}

/* The program starts with kin's own environment: what its first exec changes is what kin did to it, nothing. */
static struct environment *own_environment(void)
{
	size_t length = 0;
	for (char **variable = environ; *variable; variable++)
		length += strlen(*variable) + 1;
	struct environment *environment = malloc(sizeof *environment + length);
	if (!environment)
		return NULL;
	environment->users = 1;
	environment->length = length;
	char *next = environment->bytes;
	for (char **variable = environ; *variable; variable++)
		next = stpcpy(next, *variable) + 1;
	return environment;
}

struct live *birth_root(struct tracer *tracer, int tid)
{
	struct live *live = tasks_add(&tracer->tasks, tid);
	if (!live)
		return NULL;
	live->group = group_create(tid, NULL);
	if (!live->group) {
		tasks_remove(&tracer->tasks, live);
		return NULL;
	}
	live->group->root = true;
	if (tracer->source->options->env)
		live->group->environment = own_environment();
	live->group->alive = 1;
	live->born = true;
	live->number = ++tracer->source->last_number;
	tracer->root = live->group;
	struct event event = { .type = EVENT_BIRTH, .task = live->number };
	event.birth.tid = event.birth.tgid = tid;
	event.birth.by = (struct clone_call){ .call = CALL_KIN, .exit_signal = SIGCHLD };
	source_emit(tracer->source, &event);
	return live;
}
