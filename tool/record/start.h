/**
 * start.h: start the program that is to be watched, held back until the sources are ready.
 *
 * The child waits on a pipe before its exec; kin's death before started_go ends it (it reads end of file and
 * leaves), so nothing is ever left half started. What the program inherits is what kin inherited: descriptors,
 * signal mask, dispositions, limits, working directory, process group.
 */
#ifndef KIN_TOOL_RECORD_START_H
#define KIN_TOOL_RECORD_START_H

#include "base/text.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/** What kin changes for itself and the program must get back. */
struct inherited {
	sigset_t mask;
	struct sigaction actions[11];
};

struct start_options {
	char *const *argv;
	const char *path; // file to run, as found by start_find
	const struct inherited *inherited;
	bool die_with_kin; // SIGKILL should kin end first; only the program's own process, until it gains privileges
	int (*prepare)(void *argument); // run in the child just before exec, 0 or negative errno; can be NULL
	void *argument;
};

struct started {
	pid_t pid;
	int go; // write end: one byte lets the child go on
	int failed; // read end: the errno value of a failed exec, end of file when the exec succeeded
};

/**
 * Find the file that a shell would run for argv[0]: searched in PATH unless it has a slash.
 * Returns 0 with the path, -ENOENT (127 in a shell) or -EACCES, -EISDIR and others (126).
 */
int start_find(const char *name, struct text *path);

/** Fork the waiting child. Returns 0 or a negative errno value; nothing is left then. */
int start_fork(const struct start_options *options, struct started *started);

/** Let the child go on to its exec. */
int start_go(struct started *started);

/** After start_go, when the child has run exec or ended: 0 if exec succeeded, else its negative errno value. */
int start_result(struct started *started);

/** Close what is open; a child that was not let go leaves without running the program, and is reaped if wait. */
void start_finish(struct started *started, bool wait);

#endif
