#include "expect/vocabulary.h"

#include "expect/expect.h"

#include <string.h>

#define FAULTS EXPECT_NEEDS_FAULTS
#define FAILED EXPECT_NEEDS_FAILED

/* A name can stand twice, once for a set and once for a single task, when the two have different types. */
static const struct term terms[] = {
	{ "tasks", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_task, 0,
		"tasks: processes and threads, PROG's own included" },
	{ "processes", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_process, 0,
		"processes (thread groups), PROG's own included" },
	{ "threads", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_thread, 0,
		"tasks made with CLONE_THREAD; a process's first task is none" },
	{ "forks", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_fork, 0,
		"processes made with a copy of their maker's memory: fork, or clone without CLONE_VM" },
	{ "vforks", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_vfork, 0,
		"processes made by the vfork system call" },
	{ "spawns", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_spawn, 0,
		"processes made with CLONE_VM and CLONE_VFORK, as by posix_spawn, system and popen" },
	{ "clones", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_clone, 0,
		"tasks made by the clone or clone3 system call, whatever for" },
	{ "execs", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_execs, 0,
		"programs run: successful execs, PROG's own included" },
	{ "programs", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_execs, 0, "the same as execs" },
	{ "signals", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_signals, 0,
		"signals that reached a task; SIGCHLD and SIGKILL are not among them" },
	{ "stops", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_stops, 0,
		"times job control stopped a process" },
	{ "failed", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_failed, FAILED,
		"calls that failed to make a task or to run a program" },
	{ "orphans", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_orphan, 0,
		"processes whose parent ended before them" },
	{ "running", SCOPE_SET, TYPE_NUMBER, FOLD_SUM, measure_running, 0,
		"tasks whose end was not seen: left when the recording ended" },

	{ "faults", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_faults, 0, "page faults" },
	{ "faults.minor", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_minor, 0,
		"page faults without input or output" },
	{ "faults.major", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_major, 0,
		"page faults that waited for input" },
	{ "faults.zero", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_zero, FAULTS,
		"located page faults that filled in a zeroed page" },
	{ "faults.cow", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_cow, FAULTS,
		"located page faults that copied a page on write" },
	{ "faults.file", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_file, FAULTS,
		"located page faults on a mapped file" },
	{ "faults.shared", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_shared, FAULTS,
		"located page faults on shared memory" },
	{ "faults.other", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_other, FAULTS,
		"located page faults of no such cause, or whose cause could not be told" },
	{ "faults.unlocated", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_unlocated, FAULTS,
		"page faults that were counted but not located: most were taken inside system calls" },

	{ "wall", SCOPE_SET | SCOPE_TASK, TYPE_DURATION, FOLD_SPAN, measure_wall, 0,
		"time from the (first) start to the (last) end" },
	{ "user", SCOPE_SET | SCOPE_TASK, TYPE_DURATION, FOLD_SUM, measure_user, 0,
		"CPU time in the program" },
	{ "system", SCOPE_SET | SCOPE_TASK, TYPE_DURATION, FOLD_SUM, measure_system, 0,
		"CPU time in the kernel" },
	{ "cpu", SCOPE_SET | SCOPE_TASK, TYPE_DURATION, FOLD_SUM, measure_cpu, 0, "CPU time in both" },
	{ "maxrss", SCOPE_SET | SCOPE_TASK, TYPE_SIZE, FOLD_MAX, measure_maxrss, 0,
		"peak resident memory of the process, of several the largest" },
	{ "switches", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_switches, 0,
		"context switches" },
	{ "switches.voluntary", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_voluntary, 0,
		"context switches because the task waited" },
	{ "switches.involuntary", SCOPE_SET | SCOPE_TASK, TYPE_NUMBER, FOLD_SUM, measure_involuntary, 0,
		"context switches because others had to run" },

	{ "exit", SCOPE_WHOLE | SCOPE_TASK, TYPE_NUMBER, FOLD_PROG, measure_exit, 0,
		"exit status as a shell's $?: 128 + N when signal N ended it" },
	{ "signal", SCOPE_WHOLE | SCOPE_TASK, TYPE_SIGNAL, FOLD_PROG, measure_signal, 0,
		"the signal that ended it, 0 if none did" },
	{ "core", SCOPE_WHOLE | SCOPE_TASK, TYPE_BOOL, FOLD_PROG, measure_core, 0, "whether it dumped core" },
	{ "oom", SCOPE_WHOLE | SCOPE_TASK, TYPE_BOOL, FOLD_PROG, measure_oom, 0,
		"whether the kernel killed it for want of memory" },

	{ "tid", SCOPE_TASK, TYPE_NUMBER, FOLD_NONE, measure_tid, 0, "thread ID" },
	{ "pid", SCOPE_TASK, TYPE_NUMBER, FOLD_NONE, measure_pid, 0, "process ID" },
	{ "name", SCOPE_TASK, TYPE_STRING, FOLD_NONE, measure_name, 0,
		"the title kin shows: the name the task gave itself, or else its program's file name" },
	{ "kind", SCOPE_TASK, TYPE_STRING, FOLD_NONE, measure_kind, 0,
		"\"thread\", \"fork\", \"vfork\", \"spawn\" or \"process\"" },
	{ "prog", SCOPE_TASK, TYPE_BOOL, FOLD_NONE, measure_is_prog, 0,
		"whether it is PROG's own first task" },
	{ "thread", SCOPE_TASK, TYPE_BOOL, FOLD_NONE, measure_is_thread, 0,
		"whether it was made with CLONE_THREAD" },
	{ "running", SCOPE_TASK, TYPE_BOOL, FOLD_NONE, measure_is_running, 0,
		"whether its end was not seen" },
	{ "orphan", SCOPE_TASK, TYPE_BOOL, FOLD_NONE, measure_is_orphan, 0,
		"whether its parent ended before it" },
	{ "untraced", SCOPE_TASK, TYPE_BOOL, FOLD_NONE, measure_is_untraced, 0,
		"whether kin could not trace it" },
	{ "children", SCOPE_TASK, TYPE_NUMBER, FOLD_NONE, measure_children, 0, "processes it made" },
	{ "start", SCOPE_TASK, TYPE_DURATION, FOLD_NONE, measure_start, 0,
		"its start, since that of the recording" },
	{ "program", SCOPE_TASK, TYPE_STRING, FOLD_NONE, measure_program, 0, "the file it ran at its end" },
	{ "argv", SCOPE_TASK, TYPE_WORDS, FOLD_NONE, measure_argv, 0, "the arguments of that program" },
	{ "cwd", SCOPE_TASK, TYPE_STRING, FOLD_NONE, measure_cwd, 0,
		"the working directory that program began in" },

	{ "clone.call", SCOPE_CLONE, TYPE_STRING, FOLD_NONE, measure_clone_call, 0,
		"the system call that made it: \"fork\", \"vfork\", \"clone\" or \"clone3\"" },
	{ "clone.flags", SCOPE_CLONE, TYPE_FLAGS, FOLD_NONE, measure_clone_flags, 0,
		"that call's CLONE_ flags" },
	{ "clone.signal", SCOPE_CLONE, TYPE_SIGNAL, FOLD_NONE, measure_clone_signal, 0,
		"the signal its parent gets at its end, 0 for none" },

	{ "exec.name", SCOPE_EXEC, TYPE_STRING, FOLD_NONE, measure_exec_name, 0, "file name of the program" },
	{ "exec.path", SCOPE_EXEC, TYPE_STRING, FOLD_NONE, measure_exec_path, 0,
		"path as given to the call" },
	{ "exec.exe", SCOPE_EXEC, TYPE_STRING, FOLD_NONE, measure_exec_exe, 0,
		"file that ran; the interpreter of a script" },
	{ "exec.script", SCOPE_EXEC, TYPE_STRING, FOLD_NONE, measure_exec_script, 0,
		"the script, \"\" for other programs" },
	{ "exec.argv", SCOPE_EXEC, TYPE_WORDS, FOLD_NONE, measure_exec_argv, 0, "its arguments" },
	{ "exec.cwd", SCOPE_EXEC, TYPE_STRING, FOLD_NONE, measure_exec_cwd, 0, "its working directory" },
	{ "exec.call", SCOPE_EXEC, TYPE_STRING, FOLD_NONE, measure_exec_call, 0,
		"\"execve\" or \"execveat\"" },

	{ "failed.call", SCOPE_FAILED, TYPE_STRING, FOLD_NONE, measure_failed_call, FAILED,
		"the call that failed: \"clone3\", \"execve\", ..." },
	{ "failed.error", SCOPE_FAILED, TYPE_ERROR, FOLD_NONE, measure_failed_error, FAILED,
		"its error: EAGAIN, ENOENT, ..." },
	{ "failed.flags", SCOPE_FAILED, TYPE_FLAGS, FOLD_NONE, measure_failed_flags, FAILED,
		"its CLONE_ flags; none for an exec" },
	{ "failed.path", SCOPE_FAILED, TYPE_STRING, FOLD_NONE, measure_failed_path, FAILED,
		"the path of a failed exec, else \"\"" },
	{ "failed.argv", SCOPE_FAILED, TYPE_WORDS, FOLD_NONE, measure_failed_argv, FAILED,
		"the arguments of a failed exec" },

	{ "received.signal", SCOPE_RECEIVED, TYPE_SIGNAL, FOLD_NONE, measure_received_signal, 0,
		"the signal; kin sees none of SIGCHLD and SIGKILL here" },
	{ "received.kernel", SCOPE_RECEIVED, TYPE_BOOL, FOLD_NONE, measure_received_kernel, 0,
		"whether the kernel sent it" },
	{ "received.pid", SCOPE_RECEIVED, TYPE_NUMBER, FOLD_NONE, measure_received_pid, 0,
		"process ID of its sender, 0 for the kernel" },
};
#define N_TERMS (sizeof terms / sizeof *terms)

const struct term *term_at(size_t i)
{
	return i < N_TERMS ? &terms[i] : NULL;
}

const struct term *term_find(const char *name, unsigned scopes)
{
	for (size_t i = 0; i < N_TERMS; i++)
		if ((terms[i].scopes & scopes) && strcmp(terms[i].name, name) == 0)
			return &terms[i];
	return NULL;
}

bool term_counts_tasks(const struct term *term)
{
	static measure_function *const counts[] = { measure_task, measure_process, measure_thread,
		measure_fork, measure_vfork, measure_spawn, measure_clone, measure_orphan, measure_running };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (term->measure == counts[i])
			return true;
	return false;
}

/* Optimal string alignment over words of bounded length, three rows at a time. */
#define WORD_MAX 64

unsigned word_distance(const char *a, const char *b, unsigned limit)
{
	size_t n = strlen(a), m = strlen(b);
	if (n >= WORD_MAX || m >= WORD_MAX)
		return limit;
	unsigned rows[3][WORD_MAX];
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				two_above[j - 2] + 1 < best)
				best = two_above[j - 2] + 1;
			row[j] = best;
		}
	}
	unsigned distance = rows[n % 3][m];
	return distance < limit ? distance : limit;
}

const char *term_closest(const char *name, unsigned scopes)
{
	unsigned best = 2 + (unsigned)strlen(name) / 5; // a slip or two, more in a long word
	const char *closest = NULL;
	for (size_t i = 0; i < N_TERMS; i++) {
		if (!(terms[i].scopes & scopes))
			continue;
		const char *last_part = strrchr(terms[i].name, '.');
		unsigned distance = word_distance(name, terms[i].name, best);
		if (last_part && strcmp(last_part + 1, name) == 0)
			distance = distance < 1 ? distance : 1;
		if (distance < best) {
			best = distance;
			closest = terms[i].name;
		}
	}
	return closest;
}
