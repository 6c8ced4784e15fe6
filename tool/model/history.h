/**
 * history.h: the model. Built from events, read by every view and by kin expect; knows no source and no view.
 *
 * A history owns everything reachable from it until history_finish(); all pointers stay valid until then. Strings
 * are interned: two equal strings in one history are the same pointer, and a task costs well under 1 KiB.
 * Not thread-safe: one thread builds it, then any number may read.
 */
#ifndef KIN_TOOL_MODEL_HISTORY_H
#define KIN_TOOL_MODEL_HISTORY_H

#include "model/event.h"

struct strings; // the interning table, private to history.c

/** A list of strings, interned as a whole. */
struct words {
	size_t count;
	const char *const *word;
};

/** One program that a task ran: one successful exec. */
struct program {
	struct program *next; // the program it became, NULL if it was the last
	uint64_t time;
	enum call call;
	const char *path, *exe, *script, *cwd; // see struct event_exec; can be NULL but path
	const struct words *argv; // NULL when not known
	const struct words *env; // NULL when not asked for
	int former_tid;
	bool setid, compat;
};

/** A call that failed, in the order of the stream. */
struct failure {
	struct failure *next; // of the same task
	uint64_t time;
	struct clone_call by;
	int error;
	const char *limit, *path; // can be NULL
	const struct words *argv; // can be NULL
};

/** A signal that reached a task, or a stop or its end by job control (code and sender are zero then: see stop). */
struct signal_seen {
	struct signal_seen *next; // of the same task
	uint64_t time;
	int signo, code;
	bool stop; // job control: the process stopped with this signal, or goes on (SIGCONT)
	struct sender sender;
};

/** One row of summed faults: the same task, mapping, place and cause. */
struct fault_row {
	struct fault_row *next; // of the same task
	enum cause cause;
	bool major;
	enum mapping_kind mapping;
	uint64_t count;
	const char *object, *place, *source; // can be NULL
};

enum task_state {
	TASK_RUNNING, // no end seen: still running when the recording ended, or the recording was cut
	TASK_ENDED,
	TASK_LET_GO, // EVENT_LOST
};

struct task {
	uint32_t number;
	int tid, tgid;
	struct task *maker; // NULL for task 1
	struct task *parent; // the task of the parent process; maker, or the maker's parent with CLONE_PARENT
	struct task *leader; // first task of its thread group; itself for a process
	struct task *first_child, *last_child; // tasks it made, in order
	struct task *next_sibling; // next task of the same maker
	bool thread; // was made as a thread (CLONE_THREAD); one that called exec leads its process since
	bool untraced;
	enum task_state state;
	struct clone_call by;
	uint64_t start, end; // end is 0 while running
	const char *name; // last known comm, can be NULL
	struct program *programs, *last_program; // in order; NULL: it never called exec
	struct program *inherited; // the one its maker ran when it was made, can be NULL
	struct failure *failures, *last_failure;
	struct signal_seen *signals, *last_signal;
	struct fault_row *faults, *last_fault_row;
	bool exit_known, by_signal, core, exec_by_thread;
	int status;
	enum oom oom;
	struct sender killer;
	struct usage usage;
	int adopted_by; // PID of the process that adopted it, 0 if its parent outlived it
	const char *let_go; // why, TASK_LET_GO only
};

struct note {
	struct note *next;
	uint64_t time;
	struct task *task; // can be NULL
	const char *text;
};

struct history {
	struct event_sink sink; // feed it events here; keep it first
	bool started, complete; // EVENT_START seen, EVENT_END seen
	struct event_start start; // its strings are owned by the history
	struct event_end end; // zero unless complete
	uint64_t last_time; // time of the last event
	uint32_t n_tasks;
	struct task **tasks; // n_tasks of them; task number n is tasks[n - 1]
	struct note *notes, *last_note;
	struct strings *strings; // private state
	uint32_t capacity;
};

/**
 * Make an empty history. Returns 0 or -ENOMEM.
 *
 * Its sink returns 0, -ENOMEM, or -EPROTO for an event that makes no sense (of a task that was never born, a birth
 * out of turn, a second start or exit): the event is then dropped, the history stays usable and may be fed on.
 */
int history_init(struct history *history);

/** Free all it owns. A zeroed history is welcome. */
void history_finish(struct history *history);

/** The task of that number, or NULL. O(1). */
struct task *history_task(const struct history *history, uint32_t number);

/**
 * The program a task runs at its end: its own last, else the one its maker ran when it was made.
 * NULL only when nothing is known. O(1).
 */
const struct program *task_program(const struct task *task);

/** The file name of a program: the script's for a script. Never NULL; "?" if nothing is known. */
const char *program_title(const struct program *program);

/**
 * What to call a task: its name if it was set by itself, else the file name of the program it runs.
 * Never NULL; "?" if nothing is known.
 */
const char *task_title(const struct task *task);

/** The wall time of a task: until its end, or until the end of the recording while it runs. In ns. */
uint64_t task_wall(const struct history *history, const struct task *task);

/** Sum of a cause over a task's fault rows. */
uint64_t task_faults_by_cause(const struct task *task, enum cause cause);

#endif
