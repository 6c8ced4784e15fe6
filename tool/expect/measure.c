/* What each name of the vocabulary is for one task, program, failed call or signal. */
#include "expect/vocabulary.h"

#include "model/names.h"

#include <signal.h>
#include <string.h>

#define NO_END "its end was not seen"
#define CALL_NOT_SEEN "the call that made it was not seen"

bool has_source(const struct history *history, const char *part)
{
	for (size_t i = 0; i < history->start.n_sources; i++)
		if (history->start.sources[i] && strstr(history->start.sources[i], part))
			return true;
	return false;
}

struct reason history_open(const struct history *history)
{
	if (!history->complete)
		return (struct reason){ .text = "the recording is cut short" };
	if (history->end.lost && !has_source(history, "ptrace"))
		return (struct reason){ .text = "the kernel dropped records" };
	const char *follow = history->start.follow;
	if (follow && strcmp(follow, "all") != 0)
		return (struct reason){ 0 };
	for (uint32_t i = 0; i < history->n_tasks; i++)
		if (history->tasks[i]->state != TASK_ENDED)
			return (struct reason){ .text = NO_END, .task = history->tasks[i] };
	return (struct reason){ 0 };
}

const struct task *process_task(const struct history *history, const struct task *task)
{
	const struct task *leader = task->leader;
	if (!leader->exec_by_thread)
		return leader;
	for (uint32_t i = history->n_tasks; i-- > leader->number;) {
		const struct task *heir = history->tasks[i];
		if (heir->tgid == leader->tgid && heir->thread && heir->leader == heir &&
			!heir->exec_by_thread)
			return heir;
	}
	return leader;
}

static void set_flag(struct value *value, bool flag)
{
	value_set_count(value, TYPE_NUMBER, flag ? 1 : 0);
}

void measure_task(struct value *value, const struct subject *subject)
{
	set_flag(value, true);
}

void measure_process(struct value *value, const struct subject *subject)
{
	set_flag(value, !subject->task->thread);
}

void measure_thread(struct value *value, const struct subject *subject)
{
	set_flag(value, subject->task->thread);
}

static bool kind_is_known(const struct task *task)
{
	enum call call = task->by.call;
	return task->by.flags_known || task->thread || call == CALL_FORK || call == CALL_VFORK ||
	       call == CALL_KIN;
}

/* 0 or 1, unless the source did not see the call and it may have been of that kind. */
static void count_kind(struct value *value, const struct subject *subject, const char *kind)
{
	const struct task *task = subject->task;
	bool known = kind_is_known(task);
	set_flag(value, known && strcmp(task_kind(&task->by), kind) == 0);
	if (known)
		return;
	value->range.high = fraction_of(1);
	value->why = (struct reason){ .text = CALL_NOT_SEEN, .task = task };
}

void measure_fork(struct value *value, const struct subject *subject)
{
	count_kind(value, subject, "fork");
}

void measure_vfork(struct value *value, const struct subject *subject)
{
	count_kind(value, subject, "vfork");
}

void measure_spawn(struct value *value, const struct subject *subject)
{
	count_kind(value, subject, "spawn");
}

void measure_clone(struct value *value, const struct subject *subject)
{
	enum call call = subject->task->by.call;
	set_flag(value, call == CALL_CLONE || call == CALL_CLONE3);
	if (call != CALL_UNKNOWN)
		return;
	value->range.high = fraction_of(1);
	value->why = (struct reason){ .text = CALL_NOT_SEEN, .task = subject->task };
}

void measure_execs(struct value *value, const struct subject *subject)
{
	uint64_t count = 0;
	for (const struct program *program = subject->task->programs; program; program = program->next)
		count++;
	value_set_count(value, TYPE_NUMBER, count);
}

static void count_signals(struct value *value, const struct subject *subject, bool stops)
{
	uint64_t count = 0;
	for (const struct signal_seen *signal = subject->task->signals; signal; signal = signal->next)
		if (signal->stop == stops && !(stops && signal->signo == SIGCONT)) // SIGCONT ends a stop
			count++;
	value_set_count(value, TYPE_NUMBER, count);
	if (has_source(subject->history, "ptrace") && !subject->task->untraced)
		return;
	value->range.no_high = true;
	value->why = (struct reason){ .text = "signals are seen by ptrace alone", .task = subject->task };
}

void measure_signals(struct value *value, const struct subject *subject)
{
	count_signals(value, subject, false);
}

void measure_stops(struct value *value, const struct subject *subject)
{
	count_signals(value, subject, true);
}

void measure_failed(struct value *value, const struct subject *subject)
{
	uint64_t count = 0;
	for (const struct failure *failure = subject->task->failures; failure; failure = failure->next)
		count++;
	value_set_count(value, TYPE_NUMBER, count);
	if (has_source(subject->history, "seccomp") && !subject->task->untraced)
		return;
	value->range.no_high = true;
	value->why.text = "failed calls are not in the recording";
}

void measure_orphan(struct value *value, const struct subject *subject)
{
	set_flag(value, subject->task->adopted_by != 0);
}

void measure_running(struct value *value, const struct subject *subject)
{
	set_flag(value, subject->task->state != TASK_ENDED);
}

void measure_children(struct value *value, const struct subject *subject)
{
	uint64_t count = 0;
	for (const struct task *child = subject->task->first_child; child; child = child->next_sibling)
		if (!child->thread)
			count++;
	value_set_count(value, TYPE_NUMBER, count);
}

void measure_is_prog(struct value *value, const struct subject *subject)
{
	value_set_truth(value, subject->task->number == 1);
}

void measure_is_thread(struct value *value, const struct subject *subject)
{
	value_set_truth(value, subject->task->thread);
}

void measure_is_running(struct value *value, const struct subject *subject)
{
	value_set_truth(value, subject->task->state != TASK_ENDED);
}

void measure_is_orphan(struct value *value, const struct subject *subject)
{
	value_set_truth(value, subject->task->adopted_by != 0);
}

void measure_is_untraced(struct value *value, const struct subject *subject)
{
	value_set_truth(value, subject->task->untraced);
}

void measure_tid(struct value *value, const struct subject *subject)
{
	value_set_count(value, TYPE_NUMBER, (uint64_t)subject->task->tid);
}

void measure_pid(struct value *value, const struct subject *subject)
{
	value_set_count(value, TYPE_NUMBER, (uint64_t)subject->task->tgid);
}

void measure_name(struct value *value, const struct subject *subject)
{
	value_set_string(value, task_title(subject->task));
}

void measure_kind(struct value *value, const struct subject *subject)
{
	const struct task *task = subject->task;
	if (task->thread)
		value_set_string(value, "thread");
	else if (kind_is_known(task))
		value_set_string(value, task_kind(&task->by));
	else
		value_set_unknown(value, TYPE_STRING, CALL_NOT_SEEN, task);
}

/* A counter of the task's whole life, of which `known` tells whether the source could read it. */
static void set_usage(struct value *value, const struct subject *subject, enum value_type type,
	unsigned known, uint64_t count)
{
	const struct task *task = subject->task;
	if (task->state == TASK_ENDED && (task->usage.known & known))
		value_set_count(value, type, count);
	else
		value_set_unknown(value, type,
			task->state == TASK_ENDED ? "its counters could not be read" : NO_END, task);
}

void measure_user(struct value *value, const struct subject *subject)
{
	set_usage(value, subject, TYPE_DURATION, USAGE_TIMES, subject->task->usage.user_ns);
}

void measure_system(struct value *value, const struct subject *subject)
{
	set_usage(value, subject, TYPE_DURATION, USAGE_TIMES, subject->task->usage.system_ns);
}

void measure_cpu(struct value *value, const struct subject *subject)
{
	const struct usage *usage = &subject->task->usage;
	if (usage->known & USAGE_CPU)
		set_usage(value, subject, TYPE_DURATION, USAGE_CPU, usage->cpu_ns);
	else
		set_usage(value, subject, TYPE_DURATION, USAGE_TIMES, usage->user_ns + usage->system_ns);
}

void measure_wall(struct value *value, const struct subject *subject)
{
	value_set_count(value, TYPE_DURATION, task_wall(subject->history, subject->task));
	if (subject->task->state == TASK_ENDED)
		return;
	value->range.no_high = true;
	value->why = (struct reason){ .text = NO_END, .task = subject->task };
}

void measure_start(struct value *value, const struct subject *subject)
{
	value_set_count(value, TYPE_DURATION, subject->task->start);
}

/* The kernel keeps it per process, and it is read when the process's last task ends. */
void measure_maxrss(struct value *value, const struct subject *subject)
{
	struct subject process = *subject;
	process.task = process_task(subject->history, subject->task);
	uint64_t kib = process.task->usage.maxrss_kib;
	set_usage(
		value, &process, TYPE_SIZE, USAGE_MAXRSS, kib < UINT64_MAX / 1024 ? kib * 1024 : UINT64_MAX);
}

void measure_voluntary(struct value *value, const struct subject *subject)
{
	set_usage(value, subject, TYPE_NUMBER, USAGE_SWITCHES, subject->task->usage.voluntary);
}

void measure_involuntary(struct value *value, const struct subject *subject)
{
	set_usage(value, subject, TYPE_NUMBER, USAGE_SWITCHES, subject->task->usage.involuntary);
}

void measure_switches(struct value *value, const struct subject *subject)
{
	const struct usage *usage = &subject->task->usage;
	set_usage(value, subject, TYPE_NUMBER, USAGE_SWITCHES, usage->voluntary + usage->involuntary);
}

/* A task that had to make way for another thread's exec did not fail: it has status 0 and no signal. */
static bool end_is_known(struct value *value, const struct subject *subject, enum value_type type)
{
	const struct task *task = subject->task;
	if (task->state == TASK_ENDED && (task->exit_known || task->exec_by_thread))
		return true;
	value_set_unknown(
		value, type, task->state == TASK_ENDED ? "its exit status was not seen" : NO_END, task);
	return false;
}

void measure_exit(struct value *value, const struct subject *subject)
{
	const struct task *task = subject->task;
	if (!end_is_known(value, subject, TYPE_NUMBER))
		return;
	int status = task->by_signal ? 128 + task->status : task->status;
	value_set_count(value, TYPE_NUMBER, task->exec_by_thread ? 0 : (uint64_t)(unsigned)status);
}

void measure_signal(struct value *value, const struct subject *subject)
{
	const struct task *task = subject->task;
	if (end_is_known(value, subject, TYPE_SIGNAL))
		value_set_count(value, TYPE_SIGNAL,
			task->by_signal && !task->exec_by_thread ? (uint64_t)(unsigned)task->status : 0);
}

void measure_core(struct value *value, const struct subject *subject)
{
	if (end_is_known(value, subject, TYPE_BOOL))
		value_set_truth(value, subject->task->core);
}

void measure_oom(struct value *value, const struct subject *subject)
{
	if (!end_is_known(value, subject, TYPE_BOOL))
		return;
	if (subject->task->oom == OOM_LIKELY)
		value_set_unknown(value, TYPE_BOOL, "it was likely, not certainly, killed for want of memory",
			subject->task);
	else
		value_set_truth(value, subject->task->oom == OOM_YES);
}

void measure_minor(struct value *value, const struct subject *subject)
{
	set_usage(value, subject, TYPE_NUMBER, USAGE_FAULTS, subject->task->usage.minor);
}

void measure_major(struct value *value, const struct subject *subject)
{
	set_usage(value, subject, TYPE_NUMBER, USAGE_FAULTS, subject->task->usage.major);
}

void measure_faults(struct value *value, const struct subject *subject)
{
	const struct usage *usage = &subject->task->usage;
	set_usage(value, subject, TYPE_NUMBER, USAGE_FAULTS, usage->minor + usage->major);
}

/* Those of the kernel's own mappings (vdso) are known to be none of the four causes. */
static uint64_t faults_in_doubt(const struct task *task)
{
	uint64_t count = 0;
	for (const struct fault_row *row = task->faults; row; row = row->next)
		if (row->cause == CAUSE_OTHER && row->mapping != MAPPING_KERNEL)
			count += row->count;
	return count;
}

/* Faults seen with that cause; those dropped, or of no known cause, may have had it too. */
static void count_cause(struct value *value, const struct subject *subject, enum cause cause)
{
	const struct task *task = subject->task;
	const struct history *history = subject->history;
	uint64_t seen = task_faults_by_cause(task, cause), doubtful = history->end.lost;
	if (cause != CAUSE_OTHER)
		doubtful += faults_in_doubt(task);
	value_set_count(value, TYPE_NUMBER, seen);
	const char *why = NULL;
	if (!has_source(history, "faults"))
		why = "causes of page faults are not in the recording";
	else if (task->state != TASK_ENDED)
		why = NO_END;
	value->range.no_high = value->range.no_high || why;
	value->why.text = why;
	if (why || doubtful == 0)
		return;
	value->why = (struct reason){ .text = "some of its page faults have no known cause", .task = task };
	if (fraction_make(&value->range.high, (int64_t)((seen + doubtful) & INT64_MAX), 1) < 0)
		value->range.no_high = true;
}

void measure_zero(struct value *value, const struct subject *subject)
{
	count_cause(value, subject, CAUSE_ZERO);
}

void measure_cow(struct value *value, const struct subject *subject)
{
	count_cause(value, subject, CAUSE_COW);
}

void measure_file(struct value *value, const struct subject *subject)
{
	count_cause(value, subject, CAUSE_FILE);
}

void measure_shared(struct value *value, const struct subject *subject)
{
	count_cause(value, subject, CAUSE_SHARED);
}

void measure_other(struct value *value, const struct subject *subject)
{
	count_cause(value, subject, CAUSE_OTHER);
}

/* Counted by the kernel, less those located. Of a task whose counters were not read nothing is known. */
void measure_unlocated(struct value *value, const struct subject *subject)
{
	uint64_t located = 0;
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		located += task_faults_by_cause(subject->task, (enum cause)cause);
	const struct usage *usage = &subject->task->usage;
	uint64_t all = usage->minor + usage->major;
	set_usage(value, subject, TYPE_NUMBER, USAGE_FAULTS, all > located ? all - located : 0);
	if (has_source(subject->history, "faults"))
		return;
	value->range.no_high = true;
	value->range.low = fraction_of(0);
	value->why.text = "causes of page faults are not in the recording";
}
