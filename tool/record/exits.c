/* A task ended: how, through whom, and what it had used. */
#include "record/proc.h"
#include "record/signals.h"
#include "record/tracer.h"
#include "record/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t ns_of(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

/* The exact sum of a task's CPU time shared out to user and system as a measure of both says. */
static void share_out(struct usage *usage, uint64_t user, uint64_t system_time)
{
	uint64_t both = user + system_time;
	/* A task that met no clock tick: all is taken as user time. */
	usage->system_ns = both ? (uint64_t)((double)usage->cpu_ns * (double)system_time / (double)both) : 0;
	usage->user_ns = usage->cpu_ns - usage->system_ns;
}

/*
 * A process that had neither threads nor children to wait for: what wait4() says is its own. Otherwise it is not: to a
 * process's own wait4() adds that of its threads and of the children it waited for. The faults tell the two apart.
 */
static void usage_of_leaf(const struct rusage *ru, struct usage *usage)
{
	usage->user_ns = ns_of(ru->ru_utime);
	usage->system_ns = ns_of(ru->ru_stime);
	usage->cpu_ns = usage->user_ns + usage->system_ns;
	usage->minor = (uint64_t)ru->ru_minflt;
	usage->major = (uint64_t)ru->ru_majflt;
	usage->voluntary = (uint64_t)ru->ru_nvcsw;
	usage->involuntary = (uint64_t)ru->ru_nivcsw;
	usage->maxrss_kib = (uint64_t)ru->ru_maxrss;
	usage->known = USAGE_TIMES | USAGE_CPU | USAGE_FAULTS | USAGE_SWITCHES;
	if (usage->maxrss_kib)
		usage->known |= USAGE_MAXRSS;
}

/* From /proc, while the task is a zombie. User and system time are kept in clock ticks, their sum in ns. */
static void usage_of_zombie(const struct live *live, const struct proc_stat *stat, struct usage *usage)
{
	int tgid = live->group->tgid;
	usage->minor = stat->minor;
	usage->major = stat->major;
	usage->known = USAGE_FAULTS | USAGE_TIMES;
	if (proc_read_cpu_ns(tgid, live->tid, &usage->cpu_ns) == 0) {
		share_out(usage, stat->user_ticks, stat->system_ticks);
		usage->known |= USAGE_CPU;
	} else {
		uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
		usage->user_ns = stat->user_ticks * tick_ns;
		usage->system_ns = stat->system_ticks * tick_ns;
	}
	if (proc_read_switches(tgid, live->tid, &usage->voluntary, &usage->involuntary) == 0)
		usage->known |= USAGE_SWITCHES;
}

/* What wait4() adds to that for the last task of a process. */
static void usage_of_process(const struct group *group, const struct rusage *ru, struct usage *usage)
{
	uint64_t user = ns_of(ru->ru_utime), system_time = ns_of(ru->ru_stime);
	/* Without its children's, which most often it has waited for, the rest divides finer than by ticks. */
	if (!group->had_threads && (usage->known & USAGE_CPU) && user >= group->children_user_ns &&
		system_time >= group->children_system_ns)
		share_out(usage, user - group->children_user_ns, system_time - group->children_system_ns);
	uint64_t maxrss = (uint64_t)ru->ru_maxrss;
	if (maxrss > group->children_maxrss_kib)
		usage->maxrss_kib = maxrss; // larger than any child's: its own
	else
		usage->maxrss_kib = group->peak_kib;
	if (usage->maxrss_kib)
		usage->known |= USAGE_MAXRSS;
}

static void add_to_parent(struct group *parent, const struct rusage *ru)
{
	if (!parent)
		return;
	parent->children_user_ns += ns_of(ru->ru_utime);
	parent->children_system_ns += ns_of(ru->ru_stime);
	if ((uint64_t)ru->ru_maxrss > parent->children_maxrss_kib)
		parent->children_maxrss_kib = (uint64_t)ru->ru_maxrss;
}

void exit_stopped(struct tracer *tracer, struct live *live)
{
	uint64_t peak;
	if (live->group && proc_read_peak(live->group->tgid, live->tid, &peak) == 0 &&
		peak > live->group->peak_kib)
		live->group->peak_kib = peak;
	tracer_resume(tracer, live, 0);
}

void exit_name(struct tracer *tracer, struct live *live, const char *name)
{
	if (*name == '\0' || strncmp(live->name, name, sizeof live->name - 1) == 0)
		return;
	source_emit(
		tracer->source, &(struct event){ .type = EVENT_NAME, .task = live->number, .name = name });
	snprintf(live->name, sizeof live->name, "%.15s", name);
}

uint64_t exit_count_oom_kills(void)
{
	char bytes[16384];
	int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t got = read(fd, bytes, sizeof bytes - 1);
	close(fd);
	bytes[got > 0 ? got : 0] = '\0';
	const char *line = strstr(bytes, "\noom_kill ");
	return line ? strtoull(line + sizeof "\noom_kill " - 1, NULL, 10) : 0;
}

/* The kernel counts its out-of-memory kills; its log names them, for those who may read it. */
static enum oom killed_for_memory(struct tracer *tracer, int tgid)
{
	char bytes[16384], wanted[64];
	ssize_t got;
	uint64_t kills = exit_count_oom_kills();
	bool more = kills > tracer->oom_kills;
	tracer->oom_kills = kills;
	if (!more)
		return OOM_NO;
	enum oom oom = OOM_LIKELY;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	snprintf(wanted, sizeof wanted, "Killed process %d ", tgid);
	while (fd >= 0 && ((got = read(fd, bytes, sizeof bytes - 1)) > 0 || (got < 0 && errno == EPIPE))) {
		bytes[got > 0 ? got : 0] = '\0';
		if (strstr(bytes, wanted))
			oom = OOM_YES;
	}
	if (fd >= 0)
		close(fd);
	return oom;
}

void exit_report(struct tracer *tracer, struct live *live, int status, const struct usage *usage)
{
	struct group *group = live->group;
	struct event event = { .type = EVENT_EXIT, .task = live->number };
	watch_exit(tracer->watch, live, usage);
	event.exit.status_known = true;
	event.exit.by_signal = WIFSIGNALED(status);
	event.exit.status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	event.exit.core = WIFSIGNALED(status) && WCOREDUMP(status);
	if (usage)
		event.exit.usage = *usage;
	if (event.exit.by_signal) {
		if (group->last_signal == event.exit.status)
			event.exit.killer = group->last_sender;
		else
			watch_killer(tracer->watch, live, event.exit.status, &event.exit.killer);
		bool by_a_task = event.exit.killer.known && !event.exit.killer.kernel;
		if (event.exit.status == SIGKILL && !live->thread && !by_a_task)
			event.exit.oom = killed_for_memory(tracer, group->tgid);
	}
	source_emit(tracer->source, &event);
	if (WIFEXITED(status))
		hint_at_exit(tracer, live, WEXITSTATUS(status));
}

/* Its children have a new parent: the nearest subreaper, or init. */
static void children_adopted(struct tracer *tracer, struct group *group)
{
	struct group *child;
	while ((child = group->first_child)) {
		struct proc_stat stat;
		const struct live *leader = tasks_find(&tracer->tasks, child->tgid), *parent = NULL;
		if (leader && proc_read_stat(child->tgid, child->tgid, &stat) == 0 &&
			stat.ppid != group->tgid) {
			parent = tasks_find(&tracer->tasks, stat.ppid);
			struct event event = { .type = EVENT_ADOPT, .task = leader->number };
			event.adopt.ppid = stat.ppid;
			event.adopt.parent = parent ? parent->number : 0;
			source_emit(tracer->source, &event);
		}
		group_adopt(child, parent && parent->group != group ? parent->group : NULL);
	}
}

static void root_ended(struct tracer *tracer, int status)
{
	tracer->root = NULL;
	signals_pass_on_to(0);
	result_take_status(tracer->source->result, status);
	if (tracer->source->options->follow != FOLLOW_ALL)
		tracer->finished = true;
}

void exit_leave(struct tracer *tracer, struct live *live, int status)
{
	struct group *group = live->group;
	tasks_remove(&tracer->tasks, live);
	if (--group->alive > 0)
		return;
	bool root = group->root;
	children_adopted(tracer, group);
	group_destroy(group);
	if (root)
		root_ended(tracer, status);
}

void exit_happened(struct tracer *tracer, struct live *live, int tid)
{
	struct usage usage = { 0 };
	struct rusage ru;
	struct proc_stat stat;
	int status;
	bool looked = false;
	struct group *group = live ? live->group : NULL;
	if (group) {
		if (group->root && tid == group->tgid)
			signals_pass_on_to(0); // its PID is free for others once it is reaped
		looked = proc_read_stat(group->tgid, tid, &stat) == 0;
	}
	if (looked) {
		exit_name(tracer, live, stat.name);
		if (live->thread || group->had_threads || group->had_children || stat.children_minor)
			usage_of_zombie(live, &stat, &usage);
	}
	if (wait4(tid, &status, __WALL | WNOHANG, &ru) != tid || !live)
		return;
	if (!group) {
		live->dead = true;
		live->dead_status = status;
		/* Its maker may have died with it: no other task must meet it here under the same TID. */
		birth_hold(tracer, live);
		return;
	}
	/* Without /proc what wait4() says of others is nobody's own: not known is better than wrong. */
	bool leaf = !live->thread && !group->had_threads && !group->had_children;
	if (usage.known == 0 && leaf)
		usage_of_leaf(&ru, &usage);
	else if (!live->thread)
		usage_of_process(group, &ru, &usage);
	if (!live->thread)
		add_to_parent(group->parent, &ru);
	exit_report(tracer, live, status, &usage);
	exit_leave(tracer, live, status);
}
