/**
 * recorder.h: run a program and report its family's life as events. The room's front door.
 *
 * One recorder at a time in a process, in a single-threaded program: it forks, waits for any child, and takes over
 * signals while it runs (see signals.h); their dispositions are as before when it returns, but that SIGPIPE and SIGXFSZ
 * are ignored then, so that a report that cannot be written is an error and not the end of kin.
 */
#ifndef KIN_TOOL_RECORD_RECORDER_H
#define KIN_TOOL_RECORD_RECORDER_H

#include "model/event.h"

enum follow {
	FOLLOW_ALL, // every task, to its end, orphans and daemons too
	FOLLOW_DIRECT, // until the program's own process ends; what is left then is let go
	FOLLOW_NONE, // the program's own process and its threads only
};

struct recorder_options {
	char *const *argv; // the program and its arguments, NULL-terminated; searched in PATH as a shell does
	const char *command; // for the start event: "run", "expect"
	enum follow follow;
	bool kill_on_death; // when kin dies the program dies too; otherwise it runs on, untraced
	bool no_stop; // never stop a task: perf records instead of ptrace
	bool failed; // see failed calls too, by a seccomp filter
	bool faults; // locate every page fault
	bool inexact; // with faults: find causes without the hardware's error codes even where root could have them
	bool env; // report changes of the environment at exec
};

/** How the run went, for kin's own exit status. */
struct recorder_result {
	bool started; // the program's exec succeeded
	int exit_status; // what a shell would give: the status, 128 + signal, 127 not found, 126 not executable
	int signal; // the signal that ended the program, 0 if none
	char message[256]; // started == false or a negative return: one line for the user
};

/**
 * Run the program to its end and feed every event to the sink, in order.
 *
 * Returns 0 when the recorder could do its work (also when the program failed or could not be started: see
 * result), or a negative errno value when the recorder itself could not go on; the program then runs on
 * untraced, or was never started. result->message says which, in one line.
 */
int recorder_run(
	const struct recorder_options *options, struct event_sink *sink, struct recorder_result *result);

#endif
