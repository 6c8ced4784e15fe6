/**
 * watch.h: the perf records beside ptrace, where the kernel allows them: located page faults (--faults),
 * children that a tracer cannot see, and for root who sent a SIGKILL. Every function takes NULL for "not there"
 * and does nothing.
 */
#ifndef KIN_TOOL_RECORD_WATCH_H
#define KIN_TOOL_RECORD_WATCH_H

#include "record/perf.h"
#include "record/source.h"
#include "record/tasks.h"

struct watch;
struct tracer;

/**
 * Begin, on the tracer's waiting child. With inexact the hardware's error codes are left alone even where they
 * can be had. Returns 0 or a negative errno value with a line for the user in message: where the kernel
 * refuses, the program can still be traced without.
 */
int watch_create(
	struct watch **ret_watch, struct tracer *tracer, bool inexact, char message[PERF_MESSAGE_SIZE]);
void watch_destroy(struct watch *watch);

/** Take in the last records and fill in what was lost and seen. */
void watch_finish(struct watch *watch, struct event_end *end);

/** Causes come from the hardware's error codes. */
bool watch_exact(const struct watch *watch);

/** SIGKILL's senders are seen. */
bool watch_has_kills(const struct watch *watch);

/** Take in the records there are. With all, those of the last moments too. */
void watch_drain(struct watch *watch, bool all);

/** A task is stopped at its birth. */
void watch_birth(
	struct watch *watch, const struct live *maker, const struct live *child, const struct clone_call *by);

/** A task is stopped at its exec. */
void watch_exec(struct watch *watch, const struct live *live, int former_tid);

/**
 * A task has ended: its faults are reported. What the kernel counted (NULL: not known) and was not located is
 * summed.
 */
void watch_exit(struct watch *watch, const struct live *live, const struct usage *usage);

/** Who sent the signal that killed a task; leaves *sender alone where that was not seen. */
void watch_killer(struct watch *watch, const struct live *live, int signo, struct sender *sender);

#endif
