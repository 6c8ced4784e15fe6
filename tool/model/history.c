/* Events in, tasks out. What can be asked of a task is in tasks.c. */
#include "model/history.h"
#include "model/strings.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static int intern(struct history *history, const char **string)
{
	return strings_intern(history->strings, *string, string);
}

static void *alloc(struct history *history, size_t size)
{
	return strings_alloc(history->strings, size);
}

/* Interned, with *list and *count pointing at the history's own copy afterwards. */
static int intern_list(struct history *history, size_t count, const char *const **list)
{
	const struct words *words;
	int error = strings_words(history->strings, count, *list, &words);
	if (error == 0)
		*list = words->word;
	return error;
}

static int take_start(struct history *history, const struct event *event)
{
	if (history->started)
		return -EPROTO;
	struct event_start *start = &history->start;
	*start = event->start;
	const char **strings[] = { &start->kin, &start->command, &start->cwd, &start->kernel, &start->machine,
		&start->follow };
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		if (intern(history, strings[i]) < 0)
			return -ENOMEM;
	if (intern_list(history, start->argc, &start->argv) < 0 ||
		intern_list(history, start->n_sources, &start->sources) < 0 ||
		intern_list(history, start->n_unseen, &start->unseen) < 0)
		return -ENOMEM;
	history->started = true;
	return 0;
}

static int reserve_task(struct history *history)
{
	if (history->n_tasks < history->capacity)
		return 0;
	if (history->capacity > UINT32_MAX / 2)
		return -ENOMEM;
	uint32_t capacity = history->capacity ? history->capacity * 2 : 64;
	struct task **tasks = realloc(history->tasks, capacity * sizeof(struct task *));
	if (!tasks)
		return -ENOMEM;
	history->tasks = tasks;
	history->capacity = capacity;
	return 0;
}

/* A thread whose maker is not known (kin attach) belongs to the newest living task of its thread group. */
static struct task *find_leader(const struct history *history, int tgid)
{
	for (uint32_t i = history->n_tasks; i-- > 0;)
		if (history->tasks[i]->tgid == tgid && history->tasks[i]->state == TASK_RUNNING)
			return history->tasks[i]->leader;
	return NULL;
}

static void link_family(struct history *history, struct task *task, uint32_t parent)
{
	struct task *maker = task->maker;
	task->parent = history_task(history, parent);
	if (!task->parent)
		task->parent = maker;
	task->leader = NULL;
	if (task->thread)
		task->leader =
			maker && maker->tgid == task->tgid ? maker->leader : find_leader(history, task->tgid);
	if (!task->leader)
		task->leader = task;
	if (!maker)
		return;
	task->inherited = maker->last_program ? maker->last_program : maker->inherited;
	if (maker->last_child)
		maker->last_child->next_sibling = task;
	else
		maker->first_child = task;
	maker->last_child = task;
}

static int take_birth(struct history *history, const struct event *event)
{
	const struct event_birth *birth = &event->birth;
	if (event->task != history->n_tasks + 1)
		return -EPROTO;
	struct task *task = alloc(history, sizeof *task);
	const char *name = birth->name;
	if (!task || reserve_task(history) < 0 || intern(history, &name) < 0)
		return -ENOMEM;
	task->number = event->task;
	task->tid = birth->tid;
	task->tgid = birth->tgid;
	task->maker = history_task(history, birth->maker);
	task->by = birth->by;
	task->untraced = birth->untraced;
	task->start = event->time;
	task->thread = birth->tid != birth->tgid;
	task->name = name ? name : task->maker ? task->maker->name : NULL;
	link_family(history, task, birth->parent);
	history->tasks[history->n_tasks++] = task;
	return 0;
}

#define APPEND(task, first, last, item) \
	do { \
		if ((task)->last) \
			(task)->last->next = (item); \
		else \
			(task)->first = (item); \
		(task)->last = (item); \
	} while (0)

static int take_failed(struct history *history, struct task *task, const struct event *event)
{
	struct failure *failure = alloc(history, sizeof *failure);
	if (!failure)
		return -ENOMEM;
	*failure = (struct failure){
		.time = event->time,
		.by = event->failed.by,
		.error = event->failed.error,
		.limit = event->failed.limit,
		.path = event->failed.path,
	};
	if (intern(history, &failure->limit) < 0 || intern(history, &failure->path) < 0)
		return -ENOMEM;
	if (event->failed.argc &&
		strings_words(history->strings, event->failed.argc, event->failed.argv, &failure->argv) < 0)
		return -ENOMEM;
	APPEND(task, failures, last_failure, failure);
	return 0;
}

/* The other threads of the process end by an exec; the one that called it goes on as the process's only task. */
static void become_leader(struct task *task)
{
	task->tid = task->tgid;
	task->leader = task;
}

static int take_exec(struct history *history, struct task *task, const struct event *event)
{
	const struct event_exec *exec = &event->exec;
	struct program *program = alloc(history, sizeof *program);
	if (!program)
		return -ENOMEM;
	*program = (struct program){
		.time = event->time,
		.call = exec->call,
		.path = exec->path ? exec->path : "",
		.exe = exec->exe,
		.script = exec->script,
		.cwd = exec->cwd,
		.former_tid = exec->former_tid,
		.setid = exec->setid,
		.compat = exec->compat,
	};
	if (intern(history, &program->path) < 0 || intern(history, &program->exe) < 0 ||
		intern(history, &program->script) < 0 || intern(history, &program->cwd) < 0)
		return -ENOMEM;
	if (exec->argv_known && strings_words(history->strings, exec->argc, exec->argv, &program->argv) < 0)
		return -ENOMEM;
	if (exec->env_known && strings_words(history->strings, exec->n_env, exec->env, &program->env) < 0)
		return -ENOMEM;
	APPEND(task, programs, last_program, program);
	task->name = NULL;
	if (task->tid != task->tgid)
		become_leader(task);
	return 0;
}

static int add_signal(struct history *history, struct task *task, const struct signal_seen *seen)
{
	struct signal_seen *signal = alloc(history, sizeof *signal);
	if (!signal)
		return -ENOMEM;
	*signal = *seen;
	APPEND(task, signals, last_signal, signal);
	return 0;
}

static int take_signal(struct history *history, struct task *task, const struct event *event)
{
	struct signal_seen seen = { .time = event->time };
	if (event->type == EVENT_SIGNAL) {
		seen.signo = event->signal.signo;
		seen.code = event->signal.code;
		seen.sender = event->signal.sender;
	} else {
		seen.stop = true;
		seen.signo = event->type == EVENT_STOP ? event->stop_signal : SIGCONT;
	}
	return add_signal(history, task, &seen);
}

static int take_adopt(struct history *history, struct task *task, const struct event *event)
{
	task->adopted_by = event->adopt.ppid;
	struct task *parent = history_task(history, event->adopt.parent);
	if (parent)
		task->parent = parent;
	return 0;
}

static int take_faults(struct history *history, struct task *task, const struct event *event)
{
	const struct event_faults *faults = &event->faults;
	struct fault_row *row = alloc(history, sizeof *row);
	if (!row)
		return -ENOMEM;
	*row = (struct fault_row){
		.cause = faults->cause,
		.major = faults->major,
		.mapping = faults->mapping,
		.count = faults->count,
		.object = faults->object,
		.place = faults->place,
		.source = faults->source,
	};
	if (intern(history, &row->object) < 0 || intern(history, &row->place) < 0 ||
		intern(history, &row->source) < 0)
		return -ENOMEM;
	APPEND(task, faults, last_fault_row, row);
	return 0;
}

static int take_exit(struct task *task, const struct event *event)
{
	if (task->state == TASK_ENDED)
		return -EPROTO;
	const struct event_exit *exit = &event->exit;
	task->state = TASK_ENDED;
	task->end = event->time;
	task->exit_known = exit->status_known;
	task->by_signal = exit->by_signal;
	task->status = exit->status;
	task->core = exit->core;
	task->killer = exit->killer;
	task->oom = exit->oom;
	task->exec_by_thread = exit->exec_by_thread;
	task->usage = exit->usage;
	return 0;
}

static int take_lost(struct history *history, struct task *task, const struct event *event)
{
	if (task->state != TASK_RUNNING)
		return 0;
	task->state = TASK_LET_GO;
	task->end = event->time;
	task->let_go = event->text;
	return intern(history, &task->let_go);
}

static int take_name(struct history *history, struct task *task, const struct event *event)
{
	const char *name = event->name;
	int error = intern(history, &name);
	if (error == 0)
		task->name = name;
	return error;
}

static int take_note(struct history *history, const struct event *event)
{
	struct note *note = alloc(history, sizeof *note);
	if (!note)
		return -ENOMEM;
	*note = (struct note){
		.time = event->time,
		.task = history_task(history, event->task),
		.text = event->text ? event->text : "",
	};
	if (intern(history, &note->text) < 0)
		return -ENOMEM;
	APPEND(history, notes, last_note, note);
	return 0;
}

static int take_of_task(struct history *history, const struct event *event)
{
	struct task *task = history_task(history, event->task);
	if (!task)
		return -EPROTO;
	switch (event->type) {
	case EVENT_FAILED:
		return take_failed(history, task, event);
	case EVENT_EXEC:
		return take_exec(history, task, event);
	case EVENT_NAME:
		return take_name(history, task, event);
	case EVENT_SIGNAL:
	case EVENT_STOP:
	case EVENT_CONT:
		return take_signal(history, task, event);
	case EVENT_ADOPT:
		return take_adopt(history, task, event);
	case EVENT_FAULTS:
		return take_faults(history, task, event);
	case EVENT_EXIT:
		return take_exit(task, event);
	case EVENT_LOST:
		return take_lost(history, task, event);
	default:
		return -EPROTO;
	}
}

static int take(struct event_sink *sink, const struct event *event)
{
	struct history *history = (struct history *)sink;
	if (event->time > history->last_time)
		history->last_time = event->time;
	switch (event->type) {
	case EVENT_START:
		return take_start(history, event);
	case EVENT_BIRTH:
		return take_birth(history, event);
	case EVENT_NOTE:
		return take_note(history, event);
	case EVENT_END:
		history->complete = true;
		history->end = event->end;
		return 0;
	default:
		return take_of_task(history, event);
	}
}

int history_init(struct history *history)
{
	*history = (struct history){ .sink.take = take };
	history->strings = strings_create();
	return history->strings ? 0 : -ENOMEM;
}

void history_finish(struct history *history)
{
	free(history->tasks);
	strings_destroy(history->strings);
	*history = (struct history){ 0 };
}
