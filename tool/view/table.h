/**
 * table.h: rows and columns that fit the width. Private to the view's room.
 */
#ifndef KIN_TOOL_VIEW_TABLE_H
#define KIN_TOOL_VIEW_TABLE_H

#include "view/format.h"

struct table_column {
	const char *title;
	bool words; // set to the left; the first column of words gives way when the line is too long
	unsigned give; // given up in this order when the line is too narrow, 1 first; 0: never
};

#define TABLE_COLUMNS 12

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct text cells; // one after the other, each with its NUL
	size_t n_cells;
	size_t widest[TABLE_COLUMNS];
	size_t cell_begin; // private state
};

/** At most TABLE_COLUMNS columns, which must outlive the table. */
void table_init(struct table *table, const struct table_column *columns, size_t n_columns);
void table_finish(struct table *table);

/** The text to append the next cell to; table_end_cell() ends it. Cells go from left to right, row by row. */
struct text *table_cell(struct table *table);
void table_end_cell(struct table *table);

/** Print a header and all rows. Returns 0 or -ENOMEM. */
int table_print(struct text *out, const struct table *table, const struct view_options *options);

#endif
