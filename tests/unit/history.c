/* model/history.h: families of every shape, odd orders, nonsense, and what a task costs. */
#include "model/history.h"
#include "model/strings.h"
#include "tap.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <unistd.h>

static int take(struct history *history, const struct event *event)
{
	return history->sink.take(&history->sink, event);
}

static int birth(struct history *history, uint32_t task, int tid, int tgid, uint32_t maker, uint64_t flags)
{
	return take(history, &(struct event){
		.type = EVENT_BIRTH,
		.time = task * 10,
		.task = task,
		.birth = {
			.tid = tid,
			.tgid = tgid,
			.maker = maker,
			.parent = maker,
			.by = { .call = maker ? CALL_CLONE3 : CALL_KIN, .flags = flags, .flags_known = true },
		},
	});
}

static int exec(struct history *history, uint32_t task, int former_tid, const char *path, size_t argc,
	const char *const *argv)
{
	return take(history, &(struct event){
		.type = EVENT_EXEC,
		.time = 1000,
		.task = task,
		.exec = {
			.call = CALL_EXECVE,
			.path = path,
			.argc = argc,
			.argv = argv,
			.argv_known = true,
			.former_tid = former_tid,
		},
	});
}

static int end(struct history *history, uint32_t task, uint64_t time, int status)
{
	return take(history, &(struct event){
				     .type = EVENT_EXIT,
				     .time = time,
				     .task = task,
				     .exit = { .status = status, .status_known = true },
			     });
}

static int name(struct history *history, uint32_t task, const char *new_name)
{
	return take(
		history, &(struct event){ .type = EVENT_NAME, .time = 20, .task = task, .name = new_name });
}

static void family(void)
{
	struct history history;
	static const char *const argv[] = { "sh", "-c", "x" };
	tap_is_int(history_init(&history), 0, "an empty history");
	tap_is_int(history.n_tasks, 0, "has no tasks");
	tap_ok(history_task(&history, 0) == NULL && history_task(&history, 1) == NULL, "of no number");
	birth(&history, 1, 100, 100, 0, 0);
	exec(&history, 1, 100, "/bin/sh", 3, argv);
	birth(&history, 2, 101, 101, 1, 0);
	birth(&history, 3, 102, 100, 1, CLONE_THREAD);
	birth(&history, 4, 103, 100, 3, CLONE_THREAD);
	const struct task *top = history_task(&history, 1), *child = history_task(&history, 2);
	const struct task *thread = history_task(&history, 3), *second = history_task(&history, 4);
	tap_ok(top->first_child == child && child->next_sibling == thread && top->last_child == thread,
		"children in the order of their births");
	tap_ok(child->maker == top && child->parent == top && child->leader == child,
		"a process leads itself");
	tap_ok(thread->thread && thread->leader == top && second->leader == top && second->maker == thread,
		"threads of a thread belong to the same process");
	tap_is_string(task_title(child), "sh", "a fork runs its maker's program");
	tap_ok(task_program(second) == top->last_program, "and so does a thread's thread");
	exec(&history, 1, 100, "/usr/bin/env", 0, NULL);
	tap_is_string(task_title(child), "sh", "the one of when it was made");
	tap_is_string(task_title(top), "env", "while the maker has gone on");
	tap_ok(top->programs->next == top->last_program && top->last_program->argv->count == 0,
		"both are kept");
	name(&history, 3, "worker");
	birth(&history, 5, 104, 100, 3, CLONE_THREAD);
	tap_is_string(task_title(history_task(&history, 5)), "worker", "a name is inherited");
	tap_is_int(task_wall(&history, child), 1000 - 20,
		"a running task's wall time goes on to the last event");
	end(&history, 2, 500, 3);
	tap_is_int(task_wall(&history, child), 480, "an ended one's to its end");
	tap_ok(child->state == TASK_ENDED && child->exit_known && child->status == 3, "with its status");
	history_finish(&history);
	history_finish(&history);
}

/* A thread calls exec: the others end, it gets the leader's TID, its own threads come after. */
static void exec_by_thread(void)
{
	struct history history;
	history_init(&history);
	birth(&history, 1, 100, 100, 0, 0);
	birth(&history, 2, 101, 100, 1, CLONE_THREAD);
	birth(&history, 3, 102, 100, 1, CLONE_THREAD);
	take(&history,
		&(struct event){
			.type = EVENT_EXIT, .time = 60, .task = 1, .exit = { .exec_by_thread = true } });
	take(&history,
		&(struct event){
			.type = EVENT_EXIT, .time = 60, .task = 3, .exit = { .exec_by_thread = true } });
	exec(&history, 2, 101, "/bin/true", 0, NULL);
	const struct task *task = history_task(&history, 2);
	tap_is_int(task->tid, 100, "the thread has the process's TID now");
	tap_ok(task->leader == task && task->thread, "it leads, though it was made as a thread");
	tap_is_int(task->last_program->former_tid, 101, "its former TID is kept");
	birth(&history, 4, 103, 100, 2, CLONE_THREAD);
	tap_ok(history_task(&history, 4)->leader == task, "its threads follow it");
	history_finish(&history);
}

static void strangers(void)
{
	struct history history;
	history_init(&history);
	birth(&history, 1, 100, 100, 0, 0);
	tap_is_int(birth(&history, 2, 200, 200, 77, 0), 0, "a birth by a maker nobody knows");
	tap_ok(history_task(&history, 2)->maker == NULL, "is a root");
	birth(&history, 3, 201, 200, 0, 0);
	birth(&history, 4, 202, 200, 99, 0);
	tap_ok(history_task(&history, 3)->thread &&
			history_task(&history, 4)->leader == history_task(&history, 2),
		"threads without a maker find their process");
	birth(&history, 5, 301, 300, 0, 0);
	tap_ok(history_task(&history, 5)->leader == history_task(&history, 5), "or lead themselves");
	tap_is_string(task_title(history_task(&history, 5)), "?", "nothing is known of it");
	history_finish(&history);
}

static void nonsense(void)
{
	struct history history;
	struct event event = { .task = 9 };
	history_init(&history);
	birth(&history, 1, 100, 100, 0, 0);
	static const enum event_type of_tasks[] = { EVENT_FAILED, EVENT_EXEC, EVENT_NAME, EVENT_SIGNAL,
		EVENT_STOP, EVENT_CONT, EVENT_ADOPT, EVENT_FAULTS, EVENT_EXIT, EVENT_LOST };
	bool refused = true;
	for (size_t i = 0; i < sizeof of_tasks / sizeof *of_tasks; i++) {
		event.type = of_tasks[i];
		refused = refused && take(&history, &event) == -EPROTO;
	}
	tap_ok(refused, "no event of a task that was never born");
	tap_is_int(birth(&history, 1, 5, 5, 0, 0), -EPROTO, "no second birth");
	tap_is_int(birth(&history, 3, 5, 5, 0, 0), -EPROTO, "no birth out of turn");
	tap_is_int(birth(&history, 0, 5, 5, 0, 0), -EPROTO, "no birth of nobody");
	event = (struct event){ .type = EVENT_START };
	tap_is_int(take(&history, &event), 0, "one start");
	tap_is_int(take(&history, &event), -EPROTO, "no second");
	tap_is_int(end(&history, 1, 20, 0), 0, "one exit");
	tap_is_int(end(&history, 1, 21, 0), -EPROTO, "no second");
	event = (struct event){ .type = (enum event_type)99, .task = 1 };
	tap_is_int(take(&history, &event), -EPROTO, "no event of no type");
	tap_is_int(birth(&history, 2, 101, 101, 1, 0), 0, "and the history goes on");
	history_finish(&history);
}

static void everything_else(void)
{
	struct history history;
	history_init(&history);
	birth(&history, 1, 100, 100, 0, 0);
	birth(&history, 2, 101, 101, 1, 0);
	char path[] = "/bin/changing", place[] = "main";
	take(&history, &(struct event){ .type = EVENT_FAILED,
			       .time = 30,
			       .task = 2,
			       .failed = { .error = ENOENT, .path = path } });
	take(&history, &(struct event){ .type = EVENT_FAULTS,
			       .task = 2,
			       .faults = { .cause = CAUSE_COW, .count = 5, .place = place } });
	take(&history, &(struct event){ .type = EVENT_FAULTS,
			       .task = 2,
			       .faults = { .cause = CAUSE_COW, .count = 6, .place = place } });
	take(&history,
		&(struct event){
			.type = EVENT_FAULTS, .task = 2, .faults = { .cause = CAUSE_FILE, .count = 1 } });
	memset(path, 'x', sizeof path - 1);
	memset(place, 'y', sizeof place - 1);
	const struct task *task = history_task(&history, 2);
	tap_is_string(task->failures->path, "/bin/changing", "strings are copied");
	tap_ok(task->faults->place == task->faults->next->place, "equal ones are one");
	tap_is_string(task->faults->place, "main", "and last");
	tap_is_int(task_faults_by_cause(task, CAUSE_COW), 11, "faults are summed by cause");
	tap_is_int(task_faults_by_cause(task, CAUSE_ZERO), 0, "none of another");
	take(&history, &(struct event){
			       .type = EVENT_SIGNAL, .task = 2, .signal = { .signo = SIGUSR1, .code = 7 } });
	take(&history, &(struct event){ .type = EVENT_STOP, .task = 2, .stop_signal = SIGTSTP });
	take(&history, &(struct event){ .type = EVENT_CONT, .task = 2 });
	const struct signal_seen *seen = task->signals;
	tap_ok(seen->signo == SIGUSR1 && seen->code == 7 && !seen->stop, "a signal");
	tap_ok(seen->next->stop && seen->next->signo == SIGTSTP, "a stop");
	tap_ok(seen->next->next->stop && seen->next->next->signo == SIGCONT, "and its end");
	take(&history, &(struct event){ .type = EVENT_ADOPT, .task = 2, .adopt = { .ppid = 1 } });
	tap_ok(task->adopted_by == 1 && task->parent == task->maker, "adopted by a stranger");
	take(&history, &(struct event){ .type = EVENT_LOST, .time = 44, .task = 2, .text = "told to" });
	tap_ok(task->state == TASK_LET_GO && task->end == 44, "let go");
	tap_is_string(task->let_go, "told to", "and why");
	take(&history, &(struct event){ .type = EVENT_NOTE, .task = 2, .text = "look" });
	take(&history, &(struct event){ .type = EVENT_NOTE, .text = "up" });
	tap_ok(history.notes->task == task && history.last_note->task == NULL,
		"notes on a task and on the whole");
	tap_ok(!history.complete, "not complete before the end event");
	take(&history, &(struct event){ .type = EVENT_END, .time = 50, .end = { .stops = 3 } });
	tap_ok(history.complete && history.end.stops == 3 && history.last_time == 50, "complete");
	history_finish(&history);
}

static void start(void)
{
	struct history history;
	history_init(&history);
	char word[] = "make";
	const char *argv[] = { word, "-j2" }, *sources[] = { "ptrace" };
	take(&history, &(struct event){
			       .type = EVENT_START,
			       .start = { .kin = word,
				       .argc = 2,
				       .argv = argv,
				       .n_sources = 1,
				       .sources = sources,
				       .cpus = 2 },
		       });
	word[0] = 'f';
	argv[1] = NULL;
	sources[0] = NULL;
	tap_ok(history.started && history.start.cpus == 2, "started");
	tap_is_string(history.start.kin, "make", "with strings");
	tap_is_string(history.start.argv[1], "-j2", "and lists of its own");
	tap_is_string(history.start.sources[0], "ptrace", "each of them");
	tap_ok(history.start.n_unseen == 0, "an empty list too");
	history_finish(&history);
}

/* The promise of history.h, measured: each task with an argument of its own, 60 bytes long. */
static void cost(void)
{
	enum { TASKS = 100000 };
	struct history history;
	history_init(&history);
	bool fed = birth(&history, 1, 1, 1, 0, 0) == 0;
	for (uint32_t i = 2; i <= TASKS && fed; i++) {
		char argument[61];
		snprintf(argument, sizeof argument, "%060u", i);
		const char *argv[] = { "worker", argument };
		fed = birth(&history, i, (int)i, (int)i, i / 2, 0) == 0 &&
		      exec(&history, i, (int)i, "/usr/bin/worker", 2, argv) == 0 &&
		      end(&history, i, i * 11, 0) == 0;
	}
	tap_ok(fed && history.n_tasks == TASKS, "a hundred thousand tasks");
	size_t bytes = strings_bytes(history.strings) + history.capacity * sizeof(struct task *);
	tap_note("%zu bytes a task", bytes / TASKS);
	tap_ok(bytes / TASKS < 1024, "less than 1 KiB a task");
	tap_is_string(
		history_task(&history, 77777)->last_program->argv->word[1] + 55, "77777", "nothing mixed up");
	history_finish(&history);
}

/* Making each next child a child of the last must not cost more and more. */
static void deep(void)
{
	struct history history;
	history_init(&history);
	bool fed = birth(&history, 1, 1, 1, 0, 0) == 0 && exec(&history, 1, 1, "/bin/deep", 0, NULL) == 0;
	for (uint32_t i = 2; i <= 100000 && fed; i++)
		fed = birth(&history, i, (int)i, (int)i, i - 1, 0) == 0;
	tap_ok(fed, "a hundred thousand generations");
	tap_is_string(task_title(history_task(&history, 100000)), "deep", "the last runs what the first did");
	history_finish(&history);
}

int main(void)
{
	family();
	exec_by_thread();
	strangers();
	nonsense();
	everything_else();
	start();
	cost();
	deep();
	return tap_done();
}
