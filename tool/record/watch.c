#include "record/watch.h"
#include "record/faults.h"
#include "record/perf.h"
#include "record/proc.h"
#include "record/symbols.h"
#include "record/tracer.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A birth that perf has told and ptrace has not: in a moment it will, or the child is out of its reach. */
struct stranger {
	struct stranger *next;
	int tid, tgid, maker_tid;
	uint64_t time;
};

/* Who sent SIGKILL last, to whom. */
struct kill_seen {
	int target;
	struct sender sender;
};

#define KILLS_KEPT 64

struct watch {
	struct tracer *tracer;
	struct perf *perf;
	struct faults *faults;
	struct symbols *symbols;
	struct stranger *strangers;
	struct kill_seen kills[KILLS_KEPT]; // a ring
	unsigned next_kill;
	struct sigaction action_before;
	bool signal_taken;
	uint64_t before_exec; // faults of the first task until then
	const struct live *leaving; // whose rows are being reported
	int error;
};

#define WAKE_SIGNAL SIGURG // ignored by default, so one that comes late does no harm

static void woken(int signo)
{
	(void)signo;
}

static void add_stranger(struct watch *watch, const struct perf_record *record)
{
	struct stranger *stranger = calloc(1, sizeof *stranger);
	if (!stranger)
		return;
	stranger->tid = record->tid;
	stranger->tgid = record->pid;
	stranger->maker_tid = record->fork.maker_tid;
	stranger->time = record->time;
	stranger->next = watch->strangers;
	watch->strangers = stranger;
}

static void forget_stranger(struct watch *watch, int tid)
{
	for (struct stranger **link = &watch->strangers; *link; link = &(*link)->next) {
		if ((*link)->tid == tid) {
			struct stranger *found = *link;
			*link = found->next;
			free(found);
			return;
		}
	}
}

/* Those that ptrace has not announced for a second it never will. */
static void report_strangers(struct watch *watch, bool all)
{
	uint64_t now = perf_now();
	struct stranger **link = &watch->strangers;
	while (*link) {
		struct stranger *stranger = *link;
		if (!all && now - stranger->time < 1000000000) {
			link = &stranger->next;
			continue;
		}
		*link = stranger->next;
		struct live *maker = tasks_find(&watch->tracer->tasks, stranger->maker_tid);
		if (!maker)
			maker = tasks_find(&watch->tracer->tasks, stranger->tgid);
		struct clone_call by = { .call = CALL_UNKNOWN };
		if (maker && maker->group && stranger->tgid == maker->group->tgid)
			by.flags = CLONE_THREAD;
		if (maker && maker->group && !tasks_find(&watch->tracer->tasks, stranger->tid))
			birth_untraced(watch->tracer, maker, stranger->tid, &by);
		free(stranger);
	}
}

static void renamed(struct watch *watch, const struct perf_record *record)
{
	struct live *live = tasks_find(&watch->tracer->tasks, record->tid);
	if (live && live->number)
		exit_name(watch->tracer, live, record->comm.name);
}

static void kill_sent(struct watch *watch, const struct perf_record *record)
{
	if (record->signal.signo != SIGKILL)
		return;
	struct kill_seen *seen = &watch->kills[watch->next_kill++ % KILLS_KEPT];
	*seen = (struct kill_seen){ record->signal.target,
		{ .known = true,
			.pid = record->pid,
			.uid = -1,
			.task = tasks_number(&watch->tracer->tasks, record->tid) } };
	/* SI_KERNEL: the kernel decided, in whatever task it happened to run. */
	if (record->signal.code == SI_KERNEL)
		seen->sender = (struct sender){ .known = true, .kernel = true };
}

static int take(void *data, const struct perf_record *record)
{
	struct watch *watch = data;
	switch (record->type) {
	case PERF_FORK:
		if (!tasks_find(&watch->tracer->tasks, record->tid))
			add_stranger(watch, record);
		break;
	case PERF_COMM:
		if (!record->comm.exec)
			renamed(watch, record);
		break;
	case PERF_EXIT:
		break;
	case PERF_SIGNAL:
		kill_sent(watch, record);
		break;
	default:
		break;
	}
	return faults_record(watch->faults, record);
}

static void drain_until(struct watch *watch, uint64_t horizon)
{
	int error = perf_drain(watch->perf, horizon, take, watch);
	if (error && watch->error == 0)
		watch->error = error;
}

int watch_create(
	struct watch **ret_watch, struct tracer *tracer, bool inexact, char message[PERF_MESSAGE_SIZE])
{
	struct watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		return -ENOMEM;
	watch->tracer = tracer;
	struct perf_options options = {
		.target = tracer->started->pid, .faults = true, .exact = !inexact, .kills = true
	};
	int error = perf_create(&watch->perf, &options, message);
	if (!error)
		error = symbols_create(&watch->symbols);
	if (!error)
		error = faults_create(&watch->faults,
			&(struct faults_options){ .births_told = true, .symbols = watch->symbols });
	if (error)
		goto fail;
	struct sigaction action = { .sa_handler = woken };
	sigemptyset(&action.sa_mask);
	if (sigaction(WAKE_SIGNAL, &action, &watch->action_before) < 0) {
		error = -errno;
		goto fail;
	}
	watch->signal_taken = true;
	error = perf_wake_by_signal(watch->perf, WAKE_SIGNAL);
	if (error)
		goto fail;
	*ret_watch = watch;
	return 0;
fail:
	watch_destroy(watch);
	return error;
}

void watch_destroy(struct watch *watch)
{
	if (!watch)
		return;
	perf_destroy(watch->perf);
	faults_destroy(watch->faults);
	symbols_destroy(watch->symbols);
	if (watch->signal_taken)
		sigaction(WAKE_SIGNAL, &watch->action_before, NULL);
	while (watch->strangers)
		forget_stranger(watch, watch->strangers->tid);
	free(watch);
}

void watch_finish(struct watch *watch, struct event_end *end)
{
	if (!watch)
		return;
	watch_drain(watch, true);
	end->lost = perf_lost(watch->perf);
	end->perf_records = perf_records(watch->perf);
	end->fault_samples = perf_fault_records(watch->perf);
}

bool watch_exact(const struct watch *watch)
{
	return watch && perf_exact(watch->perf);
}

bool watch_has_kills(const struct watch *watch)
{
	return watch && perf_has_kills(watch->perf);
}

void watch_drain(struct watch *watch, bool all)
{
	if (!watch)
		return;
	drain_until(watch, all ? UINT64_MAX : perf_now());
	report_strangers(watch, all);
}

void watch_birth(
	struct watch *watch, const struct live *maker, const struct live *child, const struct clone_call *by)
{
	if (!watch)
		return;
	/* The FORK record is older than the stop: after this drain it has been seen. */
	drain_until(watch, perf_now());
	forget_stranger(watch, child->tid);
	if (!child->dead) {
		int error = faults_birth(watch->faults, maker->tid, child->tid, child->group->tgid, by);
		if (error && watch->error == 0)
			watch->error = error;
	}
}

void watch_exec(struct watch *watch, const struct live *live, int former_tid)
{
	if (!watch)
		return;
	drain_until(watch, perf_now());
	/* What the first task did before its program ran was kin's doing. */
	struct proc_stat stat;
	if (live->number == 1 && !watch->before_exec &&
		proc_read_stat(live->group->tgid, live->tid, &stat) == 0)
		watch->before_exec = stat.minor + stat.major;
	if (former_tid != live->tid)
		faults_exec(watch->faults, live->tid, former_tid);
}

static int report_row(void *data, const struct event_faults *row)
{
	struct watch *watch = data;
	struct event event = { .type = EVENT_FAULTS, .task = watch->leaving->number };
	event.faults = *row;
	source_emit(watch->tracer->source, &event);
	return 0;
}

void watch_exit(struct watch *watch, const struct live *live, const struct usage *usage)
{
	if (!watch)
		return;
	drain_until(watch, perf_now());
	watch->leaving = live;
	if (usage && (usage->known & USAGE_FAULTS)) {
		uint64_t minor = 0, major = 0;
		faults_located(watch->faults, live->tid, &minor, &major);
		uint64_t counted = usage->minor + usage->major;
		if (live->number == 1)
			counted -= watch->before_exec < counted ? watch->before_exec : counted;
		if (counted > minor + major)
			watch->tracer->source->end.kernel_faults += counted - minor - major;
	}
	faults_exit(watch->faults, live->tid, report_row, watch);
}

void watch_killer(struct watch *watch, const struct live *live, int signo, struct sender *sender)
{
	if (!watch || signo != SIGKILL || !perf_has_kills(watch->perf))
		return;
	drain_until(watch, perf_now());
	for (unsigned i = 0; i < KILLS_KEPT; i++) {
		const struct kill_seen *seen = &watch->kills[(watch->next_kill - 1 - i) % KILLS_KEPT];
		const struct live *target =
			seen->target ? tasks_find(&watch->tracer->tasks, seen->target) : NULL;
		if (target && target->group == live->group) {
			*sender = seen->sender;
			return;
		}
	}
}
