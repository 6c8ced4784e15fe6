#include "view/columns.h"
#include "view/label.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const titles[COLUMN_COUNT] = { "MADE", "TID", "END", "WALL", "CPU", "PEAK", "MINOR",
	"MAJOR" };

/* The first to go comes first. */
static const enum column least_important[] = { COLUMN_MAJOR, COLUMN_MINOR, COLUMN_PEAK, COLUMN_CPU,
	COLUMN_TID, COLUMN_WALL, COLUMN_MADE };

const char *column_title(enum column column)
{
	return titles[column];
}

bool column_is_words(enum column column)
{
	return column == COLUMN_MADE || column == COLUMN_END;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void wall_cell(struct text *out, const struct fold *fold, const struct row *row, uint64_t *walls,
	const struct glyphs *glyphs)
{
	size_t count = 0;
	for (const struct task *task = row_task(fold, row); task; task = row_next_task(fold, task))
		walls[count++] = task_wall(fold->history, task);
	if (count > 1) {
		qsort(walls, count, sizeof *walls, compare_numbers);
		text_add(out, glyphs->median);
	}
	add_duration(out, walls[count / 2], glyphs);
}

static bool cpu_of(const struct task *task, uint64_t *ns)
{
	const struct usage *usage = &task->usage;
	*ns = usage->known & USAGE_CPU ? usage->cpu_ns : usage->user_ns + usage->system_ns;
	return usage->known & (USAGE_CPU | USAGE_TIMES);
}

static bool number_of(const struct task *task, enum column column, uint64_t *number)
{
	const struct usage *usage = &task->usage;
	switch (column) {
	case COLUMN_CPU:
		return cpu_of(task, number);
	case COLUMN_PEAK:
		*number = usage->maxrss_kib;
		return usage->known & USAGE_MAXRSS;
	case COLUMN_MINOR:
		*number = usage->minor;
		return usage->known & USAGE_FAULTS;
	default:
		*number = usage->major;
		return usage->known & USAGE_FAULTS;
	}
}

/* Sum of the tasks' numbers; of peaks, the largest. */
static void number_cell(struct text *out, enum column column, const struct fold *fold, const struct row *row,
	const struct glyphs *glyphs)
{
	uint64_t total = 0, number;
	bool known = false;
	for (const struct task *task = row_task(fold, row); task; task = row_next_task(fold, task)) {
		if (!number_of(task, column, &number))
			continue;
		known = true;
		if (column != COLUMN_PEAK)
			total += number;
		else if (number > total)
			total = number;
	}
	if (!known)
		return;
	if (row->count > 1)
		text_add(out, column == COLUMN_PEAK ? glyphs->most : glyphs->total);
	if (column == COLUMN_CPU)
		add_duration(out, total, glyphs);
	else if (column == COLUMN_PEAK)
		add_size(out, total);
	else
		add_count(out, total);
}

static enum style end_cell(struct text *out, const struct fold *fold, const struct row *row)
{
	const struct task *first = row_task(fold, row);
	const struct task *task = first;
	while ((task = row_next_task(fold, task)))
		if (task->state != first->state || task->by_signal != first->by_signal ||
			task->status != first->status)
			break;
	if (!task)
		return outcome_of(out, first);
	switch (outcome_class(first)) {
	case OUTCOME_SIGNAL:
		text_add(out, "by signals");
		return STYLE_BAD;
	case OUTCOME_BAD:
		text_add(out, "exit not 0");
		return STYLE_WARN;
	case OUTCOME_OPEN:
		text_add(out, "no end seen");
		return STYLE_INFO;
	default:
		text_add(out, "ended");
		return STYLE_DIM;
	}
}

enum style column_cell(struct text *out, enum column column, const struct fold *fold, const struct row *row,
	uint64_t *walls, const struct view_options *options)
{
	const struct glyphs *glyphs = glyphs_for(options);
	const struct task *task = row_task(fold, row);
	const struct way *way = way_of(fold->ways, task);
	switch (column) {
	case COLUMN_MADE:
		text_printf(out, "%s%s%s", way_kind(way), *way->letter ? " " : "", way->letter);
		return way->thread ? STYLE_INFO : STYLE_PLAIN;
	case COLUMN_TID:
		if (row->count == 1)
			text_printf(out, "%d", task->tid);
		return STYLE_PLAIN;
	case COLUMN_END:
		return end_cell(out, fold, row);
	case COLUMN_WALL:
		wall_cell(out, fold, row, walls, glyphs);
		return STYLE_PLAIN;
	default:
		number_cell(out, column, fold, row, glyphs);
		return STYLE_PLAIN;
	}
}

static size_t taken(const struct columns *columns)
{
	size_t sum = 0;
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (columns->width[i])
			sum += columns->width[i] + 2;
	return sum;
}

void columns_choose(struct columns *columns, const size_t widest[COLUMN_COUNT], size_t tree,
	const struct view_options *options)
{
	for (int i = 0; i < COLUMN_COUNT; i++) {
		size_t title = strlen(titles[i]);
		columns->width[i] = widest[i] > title ? widest[i] : title;
	}
	if (options->width == 0) {
		columns->tree = tree < 100 ? tree : 100;
		return;
	}
	size_t share = options->width * 2 / 5;
	size_t wanted = tree < share ? tree : share;
	for (size_t i = 0; i < sizeof least_important / sizeof *least_important; i++) {
		if (taken(columns) + wanted <= options->width)
			break;
		columns->width[least_important[i]] = 0;
	}
	size_t rest = taken(columns) < options->width ? options->width - taken(columns) : 0;
	if (rest < 10)
		rest = 10;
	columns->tree = tree < rest ? tree : rest;
}
