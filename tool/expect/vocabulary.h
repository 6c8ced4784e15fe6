/**
 * vocabulary.h: every name of the language, in one table. The parser, the evaluator, `kin expect --list-names` and
 * the test of the man page all read it.
 */
#ifndef KIN_TOOL_EXPECT_VOCABULARY_H
#define KIN_TOOL_EXPECT_VOCABULARY_H

#include "expect/value.h"

/** Where a name can stand, as bits. */
enum {
	SCOPE_WHOLE = 1 << 0, // on its own: of the whole recording
	SCOPE_SELECTION = 1 << 1, // after task("x")., process("x")., exec("x").
	SCOPE_TASK = 1 << 2, // in a quantifier: of the one task
	SCOPE_CLONE = 1 << 3, // of the call that made the task; the quantifier skips tasks no call made
	SCOPE_EXEC = 1 << 4, // of one program run: the quantifier ranges over those
	SCOPE_FAILED = 1 << 5, // of one failed call
	SCOPE_RECEIVED = 1 << 6, // of one signal that reached a task
	SCOPE_SET = SCOPE_WHOLE | SCOPE_SELECTION,
	SCOPE_ONE = SCOPE_TASK | SCOPE_CLONE | SCOPE_EXEC | SCOPE_FAILED | SCOPE_RECEIVED,
};

/** What one measurement is about. task is never NULL; the others are set in their scope alone. */
struct subject {
	const struct history *history;
	const struct task *task;
	const struct program *program;
	const struct failure *failure;
	const struct signal_seen *signal;
};

/** How a name of a set is made from its measures of single tasks. */
enum fold {
	FOLD_NONE, // a name of one task, never of a set
	FOLD_SUM,
	FOLD_MAX,
	FOLD_SPAN, // from the first start to the last end
	FOLD_PROG, // the measure of PROG's own process
};

struct term {
	const char *name;
	unsigned scopes;
	enum value_type type;
	enum fold fold;
	void (*measure)(struct value *value, const struct subject *subject);
	unsigned needs; // EXPECT_NEEDS_* bits
	const char *meaning;
};

/** The name of that spelling that can stand in one of these scopes, or NULL. */
const struct term *term_find(const char *name, unsigned scopes);

/** The i-th name, or NULL past the last. */
const struct term *term_at(size_t i);

/** Whether every measure of it is 0 or 1: it counts tasks rather than something of them. */
bool term_counts_tasks(const struct term *term);

/** How far two words are apart: letters put in, left out, changed or swapped. Capped at limit. */
unsigned word_distance(const char *a, const char *b, unsigned limit);

/** The name nearest to a misspelt one in these scopes, or NULL if none is near. */
const char *term_closest(const char *name, unsigned scopes);

/* measure.c: the measures. Each makes a value of its term's type. */
typedef void measure_function(struct value *value, const struct subject *subject);
measure_function measure_task, measure_process, measure_thread, measure_fork, measure_vfork, measure_spawn,
	measure_clone, measure_execs, measure_signals, measure_stops, measure_failed, measure_orphan,
	measure_running, measure_children, measure_is_prog, measure_is_thread, measure_is_running,
	measure_is_orphan, measure_is_untraced, measure_tid, measure_pid, measure_name, measure_kind;
measure_function measure_user, measure_system, measure_cpu, measure_wall, measure_start, measure_maxrss,
	measure_switches, measure_voluntary, measure_involuntary, measure_exit, measure_signal, measure_core,
	measure_oom, measure_faults, measure_minor, measure_major, measure_zero, measure_cow, measure_file,
	measure_shared, measure_other, measure_unlocated;
measure_function measure_program, measure_argv, measure_cwd, measure_clone_call, measure_clone_flags,
	measure_clone_signal, measure_exec_path, measure_exec_exe, measure_exec_script, measure_exec_name,
	measure_exec_argv, measure_exec_cwd, measure_exec_call, measure_failed_call, measure_failed_error,
	measure_failed_path, measure_failed_argv, measure_failed_flags, measure_received_signal,
	measure_received_kernel, measure_received_pid;

/** The task whose end is the end of a task's process: its leader, or the thread that took its place by exec. */
const struct task *process_task(const struct history *history, const struct task *task);

/** Whether a mechanism with that word in its name made the recording: "ptrace", "seccomp", "faults". */
bool has_source(const struct history *history, const char *part);

/** Why more tasks, programs and calls may have been than the history holds; text NULL when it holds all. */
struct reason history_open(const struct history *history);

#endif
