/* Ends without stops: EXIT records, statuses from the process connector, counters from what is left in /proc. */
#include "record/family.h"
#include "record/proc.h"
#include "record/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The connector tells an end some microseconds after perf does. */
#define WAIT_NS 50000000

/* A task that nobody has reaped yet still has its counters. */
static void read_usage(int tgid, int tid, struct usage *usage)
{
	struct proc_stat stat;
	if (proc_read_stat(tgid, tid, &stat) < 0)
		return;
	uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	usage->minor = stat.minor;
	usage->major = stat.major;
	usage->user_ns = stat.user_ticks * tick_ns;
	usage->system_ns = stat.system_ticks * tick_ns;
	usage->known = USAGE_FAULTS | USAGE_TIMES;
	if (proc_read_cpu_ns(tgid, tid, &usage->cpu_ns) == 0)
		usage->known |= USAGE_CPU;
	if (proc_read_switches(tgid, tid, &usage->voluntary, &usage->involuntary) == 0)
		usage->known |= USAGE_SWITCHES;
}

struct rows {
	struct family *family;
	uint32_t number;
	uint64_t time;
};

static int report_row(void *data, const struct event_faults *row)
{
	const struct rows *rows = data;
	struct event event = { .type = EVENT_FAULTS, .task = rows->number, .time = rows->time };
	event.faults = *row;
	source_emit(rows->family->source, &event);
	return 0;
}

static void report_adoption(struct family *family, struct group *group, int ppid, uint64_t time)
{
	const struct live *leader = tasks_find(&family->tasks, group->tgid);
	const struct live *parent = tasks_find(&family->tasks, ppid);
	if (!leader)
		return;
	struct event event = { .type = EVENT_ADOPT, .task = leader->number, .time = time };
	event.adopt.ppid = ppid;
	event.adopt.parent = parent ? parent->number : 0;
	source_emit(family->source, &event);
	group_adopt(group, parent && parent->group != group ? parent->group : NULL);
}

/* Its parent has ended: what /proc says now, if it still lives; else what the record of its own end will say. */
static void children_adopted(struct family *family, struct group *group, uint64_t time)
{
	struct group *child, *next;
	for (child = group->first_child; child; child = next) {
		struct proc_stat stat;
		next = child->next_child;
		if (proc_read_stat(child->tgid, child->tgid, &stat) == 0 && stat.ppid != group->tgid)
			report_adoption(family, child, stat.ppid, time);
	}
}

static void root_ended(struct family *family)
{
	signals_pass_on_to(0);
	if (family->source->options->follow != FOLLOW_ALL)
		family->finished = true;
}

static void find_killer(struct family *family, struct leaving *leaving)
{
	for (unsigned i = 0; i < KILLS_KEPT; i++) {
		const struct kill_sent *sent = &family->kills[(family->next_kill - 1 - i) % KILLS_KEPT];
		if (sent->target && (sent->target == leaving->tgid || sent->target == leaving->tid)) {
			leaving->killer = sent->sender;
			break;
		}
	}
	for (size_t i = 0; i < sizeof family->victims / sizeof *family->victims; i++)
		if (family->victims[i] == leaving->tgid)
			leaving->oom = OOM_YES;
}

int exit_record(struct family *family, struct live *live, uint64_t time, int parent)
{
	struct group *group = live->group;
	struct leaving *leaving = calloc(1, sizeof *leaving);
	if (!leaving)
		return -ENOMEM;
	*leaving = (struct leaving){ .tid = live->tid,
		.tgid = group->tgid,
		.number = live->number,
		.time = time,
		.root = live->tid == family->started->pid };
	read_usage(group->tgid, live->tid, &leaving->usage);
	leaving->leaf = !group->had_threads && !group->had_children;
	if (family->faults) {
		uint64_t minor, major, counted = leaving->usage.minor + leaving->usage.major;
		faults_located(family->faults, live->tid, &minor, &major);
		if (leaving->usage.known & USAGE_FAULTS && counted > minor + major)
			family->source->end.kernel_faults += counted - minor - major;
		struct rows rows = { family, live->number, family_time(family, time) };
		faults_exit(family->faults, live->tid, report_row, &rows);
	}
	if (!live->thread && parent && group->parent && group->parent->tgid != parent)
		report_adoption(family, group, parent, family_time(family, time));
	find_killer(family, leaving);
	family->out_of_sight -= live->let_go;
	tasks_remove(&family->tasks, live);
	leaving->others_alive = --group->alive > 0;
	*family->leaving_end = leaving;
	family->leaving_end = &leaving->next;
	if (leaving->others_alive)
		return 0;
	bool root = group->root;
	children_adopted(family, group, family_time(family, time));
	group_destroy(group);
	if (root)
		root_ended(family);
	return 0;
}

static void report(struct family *family, const struct leaving *leaving)
{
	struct event event = {
		.type = EVENT_EXIT, .task = leaving->number, .time = family_time(family, leaving->time)
	};
	event.exit.usage = leaving->usage;
	event.exit.exec_by_thread = leaving->exec_by_thread;
	event.exit.status_known = leaving->status_known;
	if (leaving->status_known) {
		int status = leaving->status;
		event.exit.by_signal = WIFSIGNALED(status);
		event.exit.status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
		event.exit.core = WIFSIGNALED(status) && WCOREDUMP(status);
		if (event.exit.by_signal && event.exit.status == SIGKILL) {
			event.exit.killer = leaving->killer;
			event.exit.oom = leaving->oom;
		}
	}
	source_emit(family->source, &event);
}

static bool match(struct family *family, const struct connector_exit *exit)
{
	for (struct leaving *leaving = family->leaving; leaving; leaving = leaving->next) {
		if (leaving->tid != exit->tid || leaving->status_known)
			continue;
		leaving->status = exit->status;
		leaving->status_known = true;
		return true;
	}
	return false;
}

/* It may have come before the record of the end, and even before that of the birth. */
void exit_status_known(void *data, const struct connector_exit *exit)
{
	struct family *family = data;
	if (match(family, exit) || (exit->time <= family->drained && !tasks_find(&family->tasks, exit->tid)))
		return;
	struct early_status *early = calloc(1, sizeof *early);
	if (!early)
		return;
	early->exit = *exit;
	early->next = family->early;
	family->early = early;
}

static void match_early(struct family *family)
{
	uint64_t now = perf_now();
	for (struct early_status **link = &family->early; *link;) {
		struct early_status *early = *link;
		struct live *live = tasks_find(&family->tasks, early->exit.tid);
		bool matched = match(family, &early->exit);
		/* Of a task that perf has let go of no record comes. */
		if (!matched && live && (live->let_go || now - early->exit.time > WAIT_NS)) {
			execs_settle(family, live->tid, true);
			exit_record(family, live, early->exit.time, early->exit.parent);
			match(family, &early->exit);
		} else if (!matched && (live || early->exit.time > family->drained)) {
			link = &early->next;
			continue;
		}
		*link = early->next;
		free(early);
	}
}

static void take_root_status(struct family *family, struct leaving *leaving)
{
	if (family->root_status_known) {
		leaving->status = family->root_status;
		leaving->status_known = true;
	}
	if (family->root_usage.known && leaving->leaf)
		leaving->usage = family->root_usage;
}

static bool must_wait(const struct family *family, const struct leaving *leaving, uint64_t now)
{
	if (leaving->root && !leaving->exec_by_thread && !family->root_reaped)
		return true;
	if (now > leaving->time && now - leaving->time > WAIT_NS)
		return false;
	/* Of a leader that other threads outlived it is not yet sure that none of them ends it by exec. */
	return (family->connector >= 0 && !leaving->status_known) ||
	       (leaving->others_alive && leaving->tid == leaving->tgid);
}

void exits_settle(struct family *family, bool all)
{
	uint64_t now = perf_now();
	match_early(family);
	struct leaving **link = &family->leaving;
	while (*link) {
		struct leaving *leaving = *link;
		if (leaving->root && !leaving->exec_by_thread && family->root_reaped)
			take_root_status(family, leaving);
		if (!all && must_wait(family, leaving, now)) {
			link = &leaving->next;
			continue;
		}
		*link = leaving->next;
		report(family, leaving);
		free(leaving);
	}
	family->leaving_end = link;
}

void exits_finish(struct family *family)
{
	while (family->leaving) {
		struct leaving *leaving = family->leaving;
		family->leaving = leaving->next;
		free(leaving);
	}
	while (family->early) {
		struct early_status *early = family->early;
		family->early = early->next;
		free(early);
	}
}
