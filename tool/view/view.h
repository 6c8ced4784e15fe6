/**
 * view.h: ways to show a history as text. Views read the model and know no source; a view shows nothing that a
 * recording does not hold, so that `kin report` prints the same as `kin run` did.
 */
#ifndef KIN_TOOL_VIEW_VIEW_H
#define KIN_TOOL_VIEW_VIEW_H

#include "base/text.h"
#include "model/history.h"

struct view_options {
	unsigned width; // columns; 0: no limit
	bool colour;
	bool ascii; // draw branches with ASCII (a locale that is not UTF-8)
	bool all; // unfold long families
	bool verbose; // the remaining arguments of each call, start and end times, switches, signals
	bool more; // another view follows and ends with the footer: leave it out of this one
};

/** The family as a tree, with a legend of the calls that made it and a footer that says what watching cost. */
int view_tree(struct text *out, const struct history *history, const struct view_options *options);

/** A table: one row a program, with runs, times, faults, memory and how they ended. */
int view_summary(struct text *out, const struct history *history, const struct view_options *options);

/** Faults by mapping, by place and by cause. */
int view_faults(struct text *out, const struct history *history, const struct view_options *options);

/** The footer alone: sources, what they cannot see, records lost, stops, own CPU time. */
int view_watching(struct text *out, const struct history *history, const struct view_options *options);

/** One line per event as it happens: a sink. Its memory is bounded by the tasks alive. */
struct view_lines;
int view_lines_create(struct view_lines **lines, int fd, const struct view_options *options);
void view_lines_destroy(struct view_lines *lines);
struct event_sink *view_lines_sink(struct view_lines *lines);

#endif
