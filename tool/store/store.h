/**
 * store.h: recordings. JSON Lines, one event a line; docs/man/kin-recording.5.scd has every field.
 *
 * The writer is a sink and streams: its memory does not grow with the recording. The reader is a source.
 */
#ifndef KIN_TOOL_STORE_STORE_H
#define KIN_TOOL_STORE_STORE_H

#include "base/text.h"
#include "model/event.h"

#include <stdio.h>

struct store_writer {
	struct event_sink sink; // keep first
	int fd;
	int error; // first negative errno value of a failed write; later events are dropped
	struct text line;
	uint64_t bytes;
};

/** Write events to fd (not owned, flushed by store_writer_flush). Errors: see writer->error, also returned by take. */
void store_writer_init(struct store_writer *writer, int fd);
int store_writer_flush(struct store_writer *writer);
void store_writer_finish(struct store_writer *writer);

struct store_reading {
	uint64_t lines; // read
	bool cut; // the file ends in the middle of a line or before the end event
	uint64_t bad_line; // first line that is no event, 0 if none; reading stopped there
	char message[200]; // what was wrong, for the user
};

/**
 * Read a recording and feed its events to a sink, line by line, in constant memory.
 *
 * A recording cut short is read up to the cut (reading->cut); that is no error. Returns 0, a negative errno value of a
 * failed read, -EPROTO when the first line is no recording's start, -ENOTSUP when it is of a newer version,
 * -EBADMSG when a later line is no event (what came before has been fed). reading->message is filled for each.
 */
int store_read(FILE *file, struct event_sink *sink, struct store_reading *reading);

#endif
