/**
 * details.h: the short lines below a row: failed calls, signals that mattered, who took over an orphan; with
 * --verbose everything else that is known. Private to the view's room.
 */
#ifndef KIN_TOOL_VIEW_DETAILS_H
#define KIN_TOOL_VIEW_DETAILS_H

#include "view/fold.h"
#include "view/format.h"

struct fact;

/** Equal facts of a row are one line with a count; few are kept, the rest is counted. */
struct details {
	struct fact *facts;
	size_t count, capacity;
	uint64_t dropped; // facts beyond those kept
	bool keep_all; // drop none
	bool failed; // no memory
	struct text scratch;
};
void details_finish(struct details *details);

/** Collect what there is to say about a row, in place of what was there. */
void details_of_row(struct details *details, const struct fold *fold, const struct row *row,
	const struct view_options *options);

/** What only --verbose tells about a task: calls in full, programs, environment, times, switches. */
void verbose_details(struct details *details, const struct fold *fold, const struct task *task,
	const struct view_options *options);

/** An empty text to write a fact into, and the call that takes it. */
struct text *details_begin(struct details *details);
void details_add(struct details *details, enum style style);

/** Lines that details_of_row has to say. */
size_t details_lines(const struct details *details);

/** Line i in words, and its style. */
enum style details_line(
	struct text *out, const struct details *details, size_t i, const struct view_options *options);

#endif
