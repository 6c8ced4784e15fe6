/* The family as a tree: its own lines. What they say is in label.c, columns.c and details.c. */
#include "view/columns.h"
#include "view/details.h"
#include "view/fold.h"
#include "view/label.h"
#include "view/ways.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Longer labels are not measured: nobody reads a line of that length. */
#define MOST_LABEL 400

struct tree {
	const struct history *history;
	const struct view_options *options;
	const struct glyphs *glyphs;
	struct ways ways;
	struct fold fold;
	struct columns columns;
	struct details details;
	struct label label;
	struct text cell, prefix;
	uint64_t *walls;
};

static bool same_title(const struct task *a, const struct task *b)
{
	return !a->last_program == !b->last_program && strcmp(task_title(a), task_title(b)) == 0;
}

/* How many of the first `most` words of both programs are the same ones. Equal words are one string of the history. */
static size_t common_words(const struct task *a, const struct task *b, size_t most)
{
	const struct words *x = a->last_program ? a->last_program->argv : NULL;
	const struct words *y = b->last_program ? b->last_program->argv : NULL;
	size_t count = 0;
	if (x == y)
		return most;
	if (!x || !y)
		return 0;
	while (count < most && count < x->count && count < y->count && x->word[count] == y->word[count])
		count++;
	return count;
}

/* "worker-12" as "worker-*" */
static void add_without_digits(struct text *out, const char *title, const struct view_options *options)
{
	struct text pattern = { 0 };
	for (const char *c = title; *c; c++) {
		if (*c < '0' || *c > '9')
			text_add_char(&pattern, *c);
		else if (c == title || c[-1] < '0' || c[-1] > '9')
			text_add_char(&pattern, '*');
	}
	add_name(out, text_string(&pattern), options);
	text_finish(&pattern);
}

/* Up to three titles of a row whose tasks are not called alike. */
static void add_titles(struct tree *tree, const struct row *row)
{
	const char *titles[3];
	size_t count = 0, i;
	const struct task *task = row_task(&tree->fold, row);
	for (; task; task = row_next_task(&tree->fold, task)) {
		for (i = 0; i < count; i++)
			if (strcmp(titles[i], task_title(task)) == 0)
				break;
		if (i == count && count == 3)
			break;
		if (i == count)
			titles[count++] = task_title(task);
	}
	for (i = 0; i < count; i++) {
		text_add(&tree->label.text, i ? ", " : "");
		add_name(&tree->label.text, titles[i], tree->options);
	}
	if (task)
		text_printf(&tree->label.text, ", %s", tree->glyphs->more);
}

static void label_names(struct tree *tree, const struct row *row)
{
	const struct task *first = row_task(&tree->fold, row), *task = first;
	size_t words = SIZE_MAX;
	while ((task = row_next_task(&tree->fold, task))) {
		if (!same_title(first, task))
			break;
		words = common_words(first, task, words);
	}
	bool same_programs = row->count == 1 || tree->fold.step < 4;
	if (!task && same_programs) {
		label_task(&tree->label, first, words, tree->options);
		return;
	}
	tree->label.name_begin = tree->label.text.length;
	if (tree->fold.step == 2 && !first->last_program)
		add_without_digits(&tree->label.text, task_title(first), tree->options);
	else
		add_titles(tree, row);
	tree->label.name_end = tree->label.text.length;
}

static void make_label(struct tree *tree, const struct row *row)
{
	struct label *label = &tree->label;
	label_clear(label);
	if (row->count > 1) {
		add_count(&label->text, row->count);
		text_printf(&label->text, " %s ", tree->glyphs->times);
	}
	label_names(tree, row);
	if (row->generations > 1 && row->generations == row->count) {
		text_add(&label->text, " (each made by the one before)");
	} else if (row->generations > 1) {
		text_add(&label->text, " (");
		add_counted(&label->text, row->generations, "generation");
		text_add_char(&label->text, ')');
	}
}

/* Levels drawn at most: below them the tree goes on, but not to the right. */
static uint32_t most_levels(const struct tree *tree)
{
	size_t columns = tree->columns.tree ? tree->columns.tree : 100;
	return columns < 30 ? 4 : (uint32_t)(columns / 6);
}

static bool goes_on(const struct tree *tree, uint32_t index)
{
	return tree->fold.rows[index].next_sibling != 0;
}

/* Branches left of a row; `below`: of a line under it, which may have children of its own under that. */
static void make_prefix(struct tree *tree, uint32_t index, bool below)
{
	const struct row *row = &tree->fold.rows[index];
	uint32_t levels = row->depth, most = most_levels(tree);
	const char *glyph[256];
	if (most > 250)
		most = 250;
	uint32_t drawn = levels < most ? levels : most, at = index;
	for (uint32_t i = drawn; i-- > 0; at = tree->fold.rows[at].parent) {
		if (i == drawn - 1 && !below)
			glyph[i] = goes_on(tree, at) ? tree->glyphs->branch : tree->glyphs->last;
		else
			glyph[i] = goes_on(tree, at) ? tree->glyphs->pipe : tree->glyphs->space;
	}
	text_clear(&tree->prefix);
	if (drawn < levels) {
		add_count(&tree->prefix, levels);
		text_printf(&tree->prefix, " %s ", tree->glyphs->deep);
		drawn = 1;
		glyph[0] = below                  ? tree->glyphs->pipe
			   : goes_on(tree, index) ? tree->glyphs->branch
						  : tree->glyphs->last;
	}
	for (uint32_t i = 0; i < drawn; i++)
		text_add(&tree->prefix, glyph[i]);
	if (below)
		text_add(&tree->prefix,
			row->first_child || row->hidden ? tree->glyphs->pipe : tree->glyphs->space);
}

static void print_label(struct tree *tree, struct text *out, size_t room)
{
	struct label *label = &tree->label;
	if (tree->options->width)
		cut_columns(&label->text, room, tree->glyphs->more);
	size_t length = label->text.length;
	size_t begin = label->name_begin < length ? label->name_begin : length;
	size_t end = label->name_end < length ? label->name_end : length;
	const char *bytes = text_string(&label->text);
	text_add_bytes(out, bytes, begin);
	add_styled_bytes(out, tree->options, STYLE_BOLD, bytes + begin, end - begin);
	text_add_bytes(out, bytes + end, length - end);
	size_t columns = text_columns(bytes);
	if (columns < room)
		add_spaces(out, room - columns);
}

/* Spaces at the end of a line are of no use: they are taken off again. */
static void end_line(struct text *out)
{
	while (out->length && out->bytes[out->length - 1] == ' ')
		out->length--;
	text_add_char(out, '\n');
}

static void print_cells(struct tree *tree, struct text *out, const struct row *row)
{
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (!tree->columns.width[i])
			continue;
		text_clear(&tree->cell);
		enum style style = column_cell(
			&tree->cell, (enum column)i, &tree->fold, row, tree->walls, tree->options);
		const char *cell = text_string(&tree->cell);
		size_t columns = text_columns(cell), room = tree->columns.width[i] + 2;
		size_t pad = room > columns ? room - columns : 1;
		bool words = column_is_words((enum column)i);
		add_spaces(out, words ? 2 : pad);
		add_styled(out, tree->options, style, cell);
		add_spaces(out, words ? pad - 2 : 0);
	}
	end_line(out);
}

static void print_header(struct tree *tree, struct text *out)
{
	struct text *line = &tree->cell;
	text_clear(line);
	add_spaces(line, tree->columns.tree);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		size_t width = tree->columns.width[i];
		if (!width)
			continue;
		const char *title = column_title((enum column)i);
		bool words = column_is_words((enum column)i);
		add_spaces(line, words ? 2 : 2 + width - strlen(title));
		text_add(line, title);
		add_spaces(line, words ? width - strlen(title) : 0);
	}
	while (line->length && line->bytes[line->length - 1] == ' ')
		line->bytes[--line->length] = '\0';
	add_styled(out, tree->options, STYLE_DIM, text_string(line));
	text_add_char(out, '\n');
}

/* One line, cut; with --verbose as many as it takes. */
static void print_detail(struct tree *tree, struct text *out, enum style style, const char *words)
{
	size_t column = text_columns(text_string(&tree->prefix)) + 2;
	size_t width = tree->options->width;
	size_t room = width == 0 ? SIZE_MAX : width > column + 20 ? width - column : 20;
	const char *mark = tree->glyphs->dot;
	while (*words) {
		text_clear(&tree->cell);
		if (tree->options->verbose) {
			const char *line = words;
			text_add_bytes(&tree->cell, line, wrap_line(&words, room));
		} else {
			text_add(&tree->cell, words);
			cut_columns(&tree->cell, room, tree->glyphs->more);
			words = "";
		}
		add_styled(out, tree->options, STYLE_DIM, text_string(&tree->prefix));
		text_printf(out, "%s ", mark);
		add_styled(out, tree->options, style, text_string(&tree->cell));
		text_add_char(out, '\n');
		mark = " ";
	}
}

static void print_details(struct tree *tree, struct text *out, uint32_t index)
{
	struct row *row = &tree->fold.rows[index];
	details_of_row(&tree->details, &tree->fold, row, tree->options);
	size_t lines = details_lines(&tree->details);
	if (lines || row->hidden)
		make_prefix(tree, index, true);
	struct text words = { 0 };
	for (size_t i = 0; i < lines; i++) {
		text_clear(&words);
		enum style style = details_line(&words, &tree->details, i, tree->options);
		print_detail(tree, out, style, text_string(&words));
	}
	if (row->hidden) {
		text_clear(&words);
		text_printf(&words, "%s ", tree->glyphs->more);
		add_counted(&words, row->hidden, "task");
		text_add(&words, " more below; --all shows them");
		print_detail(tree, out, STYLE_INFO, text_string(&words));
	}
	text_finish(&words);
}

static void print_row(struct tree *tree, struct text *out, uint32_t index)
{
	const struct row *row = &tree->fold.rows[index];
	make_prefix(tree, index, false);
	make_label(tree, row);
	add_styled(out, tree->options, STYLE_DIM, text_string(&tree->prefix));
	size_t taken = text_columns(text_string(&tree->prefix));
	size_t room = tree->columns.tree > taken + 4 ? tree->columns.tree - taken : 4;
	print_label(tree, out, room);
	print_cells(tree, out, row);
	print_details(tree, out, index);
}

static void measure(struct tree *tree)
{
	size_t widest[COLUMN_COUNT] = { 0 }, widest_label = 4;
	for (uint32_t index = 1; index < tree->fold.n_rows; index++) {
		const struct row *row = &tree->fold.rows[index];
		make_label(tree, row);
		cut_columns(&tree->label.text, MOST_LABEL, tree->glyphs->more);
		size_t columns = text_columns(text_string(&tree->label.text)) +
				 (row->depth < 60 ? row->depth : 60) * 3;
		if (columns > widest_label)
			widest_label = columns;
		for (int i = 0; i < COLUMN_COUNT; i++) {
			text_clear(&tree->cell);
			column_cell(
				&tree->cell, (enum column)i, &tree->fold, row, tree->walls, tree->options);
			size_t width = text_columns(text_string(&tree->cell));
			if (width > widest[i])
				widest[i] = width;
		}
	}
	columns_choose(&tree->columns, widest, widest_label, tree->options);
}

static uint32_t extra_lines(const struct fold *fold, const struct row *row, void *context)
{
	struct tree *tree = context;
	struct view_options plain = *tree->options;
	plain.verbose = false;
	details_of_row(&tree->details, fold, row, &plain);
	return (uint32_t)details_lines(&tree->details);
}

static int init(struct tree *tree, const struct history *history, const struct view_options *options)
{
	*tree = (struct tree){ .history = history, .options = options, .glyphs = glyphs_for(options) };
	tree->walls = calloc((size_t)history->n_tasks + 1, sizeof *tree->walls);
	if (!tree->walls)
		return -ENOMEM;
	int error = ways_init(&tree->ways, history);
	if (error == 0)
		error = fold_init(&tree->fold, history, &tree->ways, options->all, extra_lines, tree);
	return error;
}

static void finish(struct tree *tree)
{
	fold_finish(&tree->fold);
	ways_finish(&tree->ways);
	details_finish(&tree->details);
	label_finish(&tree->label);
	text_finish(&tree->cell);
	text_finish(&tree->prefix);
	free(tree->walls);
}

static void print_notes(struct tree *tree, struct text *out)
{
	struct text words = { 0 };
	bool folded = false;
	for (uint32_t i = 1; i < tree->fold.n_rows; i++)
		folded |= tree->fold.rows[i].count > 1;
	if (folded) {
		text_printf(&words,
			"Alike tasks are one line: %s median wall time, %s totals, %s largest; "
			"--all shows each.",
			tree->glyphs->median, tree->glyphs->total, tree->glyphs->most);
		add_wrapped(out, tree->options, 0, 0, text_string(&words));
	}
	for (const struct note *note = tree->history->notes; note; note = note->next) {
		text_clear(&words);
		text_add(&words, "Note: ");
		if (note->task) {
			add_task_reference(&words, note->task, tree->options);
			text_add(&words, ": ");
		}
		add_name(&words, note->text, tree->options);
		add_wrapped(out, tree->options, 0, 6, text_string(&words));
	}
	text_finish(&words);
}

int view_tree(struct text *out, const struct history *history, const struct view_options *options)
{
	struct tree tree;
	int error = init(&tree, history, options);
	if (error)
		goto out;
	if (history->n_tasks) {
		measure(&tree);
		print_header(&tree, out);
		for (uint32_t i = fold_next_row(&tree.fold, 0); i; i = fold_next_row(&tree.fold, i))
			print_row(&tree, out, i);
		text_add_char(out, '\n');
		size_t before = out->length;
		error = ways_legend(out, &tree.ways, options);
		if (error)
			goto out;
		if (out->length > before)
			text_add_char(out, '\n');
	}
	print_notes(&tree, out);
	error = options->more ? 0 : view_watching(out, history, options);
	if (error == 0 && (text_failed(out) || tree.details.failed))
		error = -ENOMEM;
out:
	finish(&tree);
	return error;
}
