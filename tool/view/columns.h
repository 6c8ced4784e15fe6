/**
 * columns.h: the numbers to the right of the tree. Private to the view's room.
 */
#ifndef KIN_TOOL_VIEW_COLUMNS_H
#define KIN_TOOL_VIEW_COLUMNS_H

#include "view/fold.h"
#include "view/format.h"

enum column {
	COLUMN_MADE,
	COLUMN_TID,
	COLUMN_END,
	COLUMN_WALL,
	COLUMN_CPU,
	COLUMN_PEAK,
	COLUMN_MINOR,
	COLUMN_MAJOR,
	COLUMN_COUNT
};

struct columns {
	size_t width[COLUMN_COUNT]; // 0: the column is not shown
	size_t tree; // columns for the tree on the left
};

/** Title of a column. */
const char *column_title(enum column column);

/** Whether a column is words (else numbers, set to the right). */
bool column_is_words(enum column column);

/** A cell's text and style. `walls`: scratch for as many numbers as the history has tasks. */
enum style column_cell(struct text *out, enum column column, const struct fold *fold, const struct row *row,
	uint64_t *walls, const struct view_options *options);

/**
 * Choose the columns that fit. `widest` holds each column's natural width, `tree` the tree's: the least important are
 * given up until the tree has what it wants or a fair share of the line.
 */
void columns_choose(struct columns *columns, const size_t widest[COLUMN_COUNT], size_t tree,
	const struct view_options *options);

#endif
