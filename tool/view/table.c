#include "view/table.h"

#include <errno.h>
#include <string.h>

void table_init(struct table *table, const struct table_column *columns, size_t n_columns)
{
	*table = (struct table){ .columns = columns, .n_columns = n_columns };
	for (size_t i = 0; i < n_columns; i++)
		table->widest[i] = strlen(columns[i].title);
}

void table_finish(struct table *table)
{
	text_finish(&table->cells);
	*table = (struct table){ 0 };
}

struct text *table_cell(struct table *table)
{
	table->cell_begin = table->cells.length;
	return &table->cells;
}

void table_end_cell(struct table *table)
{
	size_t column = table->n_cells++ % table->n_columns;
	text_add_char(&table->cells, '\0');
	if (text_failed(&table->cells))
		return;
	size_t width = text_columns(table->cells.bytes + table->cell_begin);
	if (width > table->widest[column])
		table->widest[column] = width;
}

static size_t line_width(const size_t *widths, size_t count)
{
	size_t sum = 0;
	for (size_t i = 0; i < count; i++)
		if (widths[i])
			sum += widths[i] + 2;
	return sum ? sum - 2 : 0;
}

static size_t flexible_column(const struct table *table)
{
	for (size_t i = 0; i < table->n_columns; i++)
		if (table->columns[i].words)
			return i;
	return 0;
}

/* Columns are given up while the flexible one would have to shrink below a readable width. */
static void choose_widths(const struct table *table, size_t *widths, const struct view_options *options)
{
	size_t flexible = flexible_column(table), wanted = table->widest[flexible];
	memcpy(widths, table->widest, table->n_columns * sizeof *widths);
	if (options->width == 0)
		return;
	widths[flexible] = wanted < 24 ? wanted : 24;
	for (unsigned order = 1; order <= TABLE_COLUMNS; order++)
		for (size_t i = 0; i < table->n_columns; i++)
			if (table->columns[i].give == order &&
				line_width(widths, table->n_columns) > options->width)
				widths[i] = 0;
	size_t others = line_width(widths, table->n_columns) - widths[flexible];
	size_t room = options->width > others + 8 ? options->width - others : 8;
	widths[flexible] = wanted < room ? wanted : room;
}

static void print_row(struct text *out, const struct table *table, const size_t *widths,
	const char *const *cells, enum style style, const struct view_options *options)
{
	struct text line = { 0 }, cell = { 0 };
	for (size_t i = 0; i < table->n_columns; i++) {
		if (!widths[i])
			continue;
		text_clear(&cell);
		text_add(&cell, cells[i]);
		cut_columns(&cell, widths[i], glyphs_for(options)->more);
		size_t pad = widths[i] - text_columns(text_string(&cell));
		add_spaces(&line, line.length ? 2 : 0);
		add_spaces(&line, table->columns[i].words ? 0 : pad);
		text_add(&line, text_string(&cell));
		add_spaces(&line, table->columns[i].words ? pad : 0);
	}
	while (line.length && line.bytes[line.length - 1] == ' ')
		line.bytes[--line.length] = '\0';
	add_styled(out, options, style, text_string(&line));
	text_add_char(out, '\n');
	text_finish(&line);
	text_finish(&cell);
}

int table_print(struct text *out, const struct table *table, const struct view_options *options)
{
	size_t widths[TABLE_COLUMNS];
	const char *cells[TABLE_COLUMNS];
	if (text_failed(&table->cells))
		return -ENOMEM;
	choose_widths(table, widths, options);
	for (size_t i = 0; i < table->n_columns; i++)
		cells[i] = table->columns[i].title;
	print_row(out, table, widths, cells, STYLE_DIM, options);
	const char *cell = table->cells.bytes;
	for (size_t row = 0; row < table->n_cells / table->n_columns; row++) {
		for (size_t i = 0; i < table->n_columns; i++) {
			cells[i] = cell;
			cell += strlen(cell) + 1;
		}
		print_row(out, table, widths, cells, STYLE_PLAIN, options);
	}
	return text_failed(out) ? -ENOMEM : 0;
}
