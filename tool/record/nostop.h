/**
 * nostop.h: the source of --no-stop. Nothing is ever stopped: perf's side records tell births, names, execs and
 * ends, the proc connector exit statuses, /proc what is still there to be read. Programs that ptrace breaks
 * (LeakSanitizer, gdb, set-user-ID programs) run as they do without kin.
 */
#ifndef KIN_TOOL_RECORD_NOSTOP_H
#define KIN_TOOL_RECORD_NOSTOP_H

#include "record/source.h"
#include "record/start.h"

/**
 * Let the waiting child go, follow its family as source->options say, and emit every event from the start event
 * to the end event. Fills in source->result. Returns 0 or a negative errno value with source->result->message.
 */
int nostop_run(struct source *source, struct started *started);

#endif
