/**
 * numbers_progress.h: a bar on standard error while a command works on numbers.
 */
#ifndef KIN_TOOL_CMD_NUMBERS_PROGRESS_H
#define KIN_TOOL_CMD_NUMBERS_PROGRESS_H

#include "cmd/numbers_options.h"

#include <kin/control.h>

struct numbers_progress {
	const char *command;
	struct kin_control *control, *before; // NULL: no bar
	int64_t quiet_until, next_read; // on the clock of numbers_now
	bool terminal, shown; // shown: there is a bar to be wiped away
};

/** Nanoseconds on CLOCK_MONOTONIC. */
int64_t numbers_now(void);

/** Put the thread's further calls of libkin under a bar, if there is to be one. */
void numbers_progress_begin(struct numbers_progress *progress, const char *command, enum numbers_when when);

/** So many bytes are read; of how many is not known. A function for struct numbers_source. */
void numbers_progress_read(uint64_t bytes, void *progress);

/** No longer, and take the bar away. For zeroed ones too. */
void numbers_progress_end(struct numbers_progress *progress);

#endif
