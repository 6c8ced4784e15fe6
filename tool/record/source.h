/**
 * source.h: what every source of the recorder shares: the sink, the clock that starts at 0, the task numbers.
 */
#ifndef KIN_TOOL_RECORD_SOURCE_H
#define KIN_TOOL_RECORD_SOURCE_H

#include "model/event.h"
#include "record/recorder.h"

struct source {
	struct event_sink *sink;
	const struct recorder_options *options;
	struct recorder_result *result;
	uint64_t origin; // CLOCK_MONOTONIC at time 0, in ns
	uint32_t last_number; // of the tasks born so far
	int error; // the first that the sink returned; events go on, as the program does
	struct event_end end; // filled as the run goes on
};

/** Nanoseconds of CLOCK_MONOTONIC. */
uint64_t clock_now(void);

/** Nanoseconds since the start of the recording. */
uint64_t source_now(const struct source *source);

/** Hand an event to the sink. Its time is filled in when 0. A sink that fails is its owner's business: events go on. */
void source_emit(struct source *source, struct event *event);

/** A note for the user on a task, or on the whole (0). */
void source_note(struct source *source, uint32_t task, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The start event: what runs, where, watched by which sources, which cannot see what. */
void recorder_emit_start(struct source *source, const char *const *sources, size_t n_sources,
	const char *const *unseen, size_t n_unseen);

/** The end event, from source->end and what kin itself has used. */
void recorder_emit_end(struct source *source);

/** The program's own end, from a status as wait() gives it: what kin's exit status will be. */
void result_take_status(struct recorder_result *result, int status);

#endif
