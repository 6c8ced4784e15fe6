/**
 * label.h: what one task, or several folded ones, are called in a view, and how they ended. Private to the view's room.
 */
#ifndef KIN_TOOL_VIEW_LABEL_H
#define KIN_TOOL_VIEW_LABEL_H

#include "view/format.h"
#include "view/view.h"

/** How a task ended, in a word or three, and the style it deserves. */
enum style outcome_of(struct text *out, const struct task *task);

/** Coarser than outcome_of: equal for tasks that ended in the same manner, whatever the number. */
enum outcome_class { OUTCOME_GOOD, OUTCOME_BAD, OUTCOME_SIGNAL, OUTCOME_OPEN, OUTCOME_BY_EXEC };
enum outcome_class outcome_class(const struct task *task);

/** A label and the part of it that is the name of a program the task ran itself; none when it called no exec. */
struct label {
	struct text text;
	size_t name_begin, name_end; // bytes
};
void label_clear(struct label *label);
void label_finish(struct label *label);

/**
 * "sh ⇒ env ⇒ true x y": the programs a task ran and the arguments of the last; of argv only the first `words`, and a
 * mark that there are others, unless that is SIZE_MAX.
 */
void label_task(
	struct label *label, const struct task *task, size_t words, const struct view_options *options);

/** A task in the middle of a sentence: "sh (TID 4711)". */
void add_task_reference(struct text *out, const struct task *task, const struct view_options *options);

#endif
