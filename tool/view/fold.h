/**
 * fold.h: the rows of a tree. A row is one task, or many that are alike, folded into one. Private to the view's room.
 *
 * Rows are folded no more than needed. In each step siblings (and the children of folded siblings) with an equal key
 * become one row; from step to step the key says less:
 *
 *   0  nothing is folded
 *   1  alike: titles, way made, outcome, failed calls, and the whole family below
 *   2  the same, with digits in titles left out (worker-1, worker-2)
 *   3  the same, whatever is below
 *   4  way made, and whether it ended well
 *   5  the same, and the tree ends after some hundred rows
 *
 * From step 1 on, a chain of tasks alike, each made by the one before, is one row too. Work is O(n) a step; nothing
 * recurses, so that a family may be as deep as it likes.
 */
#ifndef KIN_TOOL_VIEW_FOLD_H
#define KIN_TOOL_VIEW_FOLD_H

#include "view/ways.h"

struct row {
	uint32_t first, last; // task numbers, linked by fold->next
	uint32_t count; // tasks in the row
	uint32_t generations; // 1, or more for a folded chain
	uint32_t parent, first_child, last_child, next_sibling; // rows; 0 is none
	uint32_t depth; // 0 for a root
	uint32_t hidden; // tasks below that have no row
};

struct fold {
	const struct history *history;
	const struct ways *ways;
	struct row *rows; // rows[0] is not shown: it holds the roots
	uint32_t n_rows;
	uint32_t *next; // by task number: the next task of the same row, 0 at the end
	unsigned step; // the one taken
	// private state
	uint32_t capacity;
	uint64_t *self, *shape; // by task number
	uint32_t *below; // tasks below a task
	uint32_t *run; // length of the chain of only children that begins with a task
	struct fold_slot *slots;
	size_t n_slots;
	uint32_t stamp;
	int error;
};

/** Lines a row takes beside its own. */
typedef uint32_t fold_extra_lines(const struct fold *fold, const struct row *row, void *context);

/** Make the rows of a history; `all`: step 0. Returns 0 or -ENOMEM. */
int fold_init(struct fold *fold, const struct history *history, const struct ways *ways, bool all,
	fold_extra_lines *extra_lines, void *context);
void fold_finish(struct fold *fold);

/** The row's first task. */
const struct task *row_task(const struct fold *fold, const struct row *row);

/** The task after that in the row, or NULL. */
const struct task *row_next_task(const struct fold *fold, const struct task *task);

/** The row after that in the tree's order, top to bottom; 0 after the last. Begin with fold_next_row(fold, 0). */
uint32_t fold_next_row(const struct fold *fold, uint32_t index);

#endif
