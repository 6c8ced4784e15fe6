/**
 * eval.h: what an expression is worth in a history.
 */
#ifndef KIN_TOOL_EXPECT_EVAL_H
#define KIN_TOOL_EXPECT_EVAL_H

#include "expect/node.h"

struct evaluation {
	const struct history *history;
	struct reason
		open; // why there may have been more than the history holds; text NULL when it holds all
};

void evaluation_init(struct evaluation *evaluation, const struct history *history);

/** The value of a node; subject is the one thing a quantifier looks at, NULL outside of quantifiers. */
void evaluate(const struct evaluation *evaluation, const struct node *node, const struct subject *subject,
	struct value *ret);

/** sets.c: a name of a set of tasks, and SELECTION.count. */
void fold_term(const struct evaluation *evaluation, const struct term *term,
	const struct selection *selection, struct value *ret);
void fold_count(const struct evaluation *evaluation, const struct selection *selection, struct value *ret);

/** Called for each thing visited; returns false to stop. */
typedef bool visit_function(const struct subject *subject, void *arg);

/** select.c: visit the tasks, programs run, failed calls or signals of the selected tasks, in order. */
void visit(const struct history *history, const struct selection *selection, enum domain domain,
	bool made_only, visit_function *function, void *arg);

/** Whether any task is selected. */
bool selection_is_empty(const struct history *history, const struct selection *selection);

/** What exec("...") matches: the path, file or script when the pattern has a slash, else their file names. */
bool program_matches(const struct program *program, const char *pattern);

#endif
