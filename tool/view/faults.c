/* Page faults by cause, by mapping and by place in the code. */
#include "model/names.h"
#include "view/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 20

/* Rows of one table: the same words, counts by cause. */
struct fault_sum {
	const char *words, *source; // interned; source can be NULL
	enum mapping_kind mapping;
	uint64_t total, major, by_cause[CAUSE_COUNT];
};

struct fault_sums {
	struct fault_sum *items;
	size_t count, capacity;
};

enum table_of { BY_MAPPING, BY_PLACE };

static int compare_words(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_words(const void *a, const void *b)
{
	const struct fault_sum *x = a, *y = b;
	int order = compare_words(x->words, y->words);
	if (order == 0)
		order = compare_words(x->source, y->source);
	return order ? order : (int)x->mapping - (int)y->mapping;
}

static int by_total(const void *a, const void *b)
{
	const struct fault_sum *x = a, *y = b;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return by_words(a, b);
}

static void add_sum(struct fault_sum *to, const struct fault_sum *from)
{
	to->total += from->total;
	to->major += from->major;
	for (int i = 0; i < CAUSE_COUNT; i++)
		to->by_cause[i] += from->by_cause[i];
}

static size_t merge(struct fault_sum *items, size_t count)
{
	size_t kept = 0;
	qsort(items, count, sizeof *items, by_words);
	for (size_t i = 0; i < count; i++) {
		if (kept && by_words(&items[kept - 1], &items[i]) == 0)
			add_sum(&items[kept - 1], &items[i]);
		else
			items[kept++] = items[i];
	}
	qsort(items, kept, sizeof *items, by_total);
	return kept;
}

static struct fault_sum sum_of_row(const struct fault_row *row, enum table_of table)
{
	struct fault_sum sum = { .total = row->count, .major = row->major ? row->count : 0 };
	if (row->cause < CAUSE_COUNT)
		sum.by_cause[row->cause] = row->count;
	if (table == BY_MAPPING) {
		sum.words = row->object;
		sum.mapping = row->mapping;
	} else {
		sum.words = row->place;
		sum.source = row->source;
	}
	return sum;
}

static int collect(const struct history *history, enum table_of table, struct fault_sums *sums)
{
	size_t count = 0;
	for (uint32_t i = 0; i < history->n_tasks; i++)
		for (const struct fault_row *row = history->tasks[i]->faults; row; row = row->next)
			count++;
	*sums = (struct fault_sums){ .items = calloc(count + 1, sizeof(struct fault_sum)) };
	if (!sums->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < history->n_tasks; i++)
		for (const struct fault_row *row = history->tasks[i]->faults; row; row = row->next)
			sums->items[sums->count++] = sum_of_row(row, table);
	sums->count = merge(sums->items, sums->count);
	return 0;
}

static const struct table_column cause_columns[] = { { "CAUSE", true, 0 }, { "FAULTS", false, 0 },
	{ "SHARE", false, 1 }, { "MAJOR", false, 0 } };
static const struct table_column mapping_columns[] = { { "MAPPING", true, 0 }, { "KIND", true, 6 },
	{ "FAULTS", false, 0 }, { "ZERO", false, 4 }, { "COW", false, 5 }, { "FILE", false, 3 },
	{ "SHARED", false, 2 }, { "OTHER", false, 1 }, { "MAJOR", false, 0 } };
static const struct table_column place_columns[] = { { "PLACE", true, 0 }, { "SOURCE", true, 6 },
	{ "FAULTS", false, 0 }, { "ZERO", false, 4 }, { "COW", false, 5 }, { "FILE", false, 3 },
	{ "SHARED", false, 2 }, { "OTHER", false, 1 }, { "MAJOR", false, 0 } };

static void name_cell(struct table *table, const char *name, const struct view_options *options)
{
	add_name(table_cell(table), name, options);
	table_end_cell(table);
}

static void count_cell(struct table *table, uint64_t count)
{
	add_count(table_cell(table), count);
	table_end_cell(table);
}

static int print_causes(struct text *out, const struct fault_sum *all, uint64_t major[CAUSE_COUNT],
	const struct view_options *options)
{
	struct table table;
	table_init(&table, cause_columns, sizeof cause_columns / sizeof *cause_columns);
	for (int i = 0; i < CAUSE_COUNT; i++) {
		if (!all->by_cause[i])
			continue;
		name_cell(&table, cause_name((enum cause)i), options);
		count_cell(&table, all->by_cause[i]);
		uint64_t tenths = (uint64_t)((double)all->by_cause[i] * 1000 / (double)all->total + 0.5);
		text_printf(table_cell(&table), "%d.%d %%", (int)(tenths / 10), (int)(tenths % 10));
		table_end_cell(&table);
		count_cell(&table, major[i]);
	}
	int error = table_print(out, &table, options);
	table_finish(&table);
	return error;
}

static const char *words_of(const struct fault_sum *sum, enum table_of table)
{
	if (sum->words)
		return sum->words;
	if (table == BY_PLACE)
		return "place not known";
	return sum->mapping == MAPPING_UNKNOWN ? "mapping not known" : "no name";
}

static void add_fault_row(struct table *table, const struct fault_sum *sum, enum table_of of,
	const struct view_options *options)
{
	name_cell(table, words_of(sum, of), options);
	if (of == BY_MAPPING)
		name_cell(table, mapping_key(sum->mapping), options);
	else
		name_cell(table, sum->source ? sum->source : "", options);
	count_cell(table, sum->total);
	for (int i = 0; i < CAUSE_COUNT; i++)
		count_cell(table, sum->by_cause[i]);
	count_cell(table, sum->major);
}

static int print_sums(
	struct text *out, const struct history *history, enum table_of of, const struct view_options *options)
{
	struct fault_sums sums;
	int error = collect(history, of, &sums);
	if (error)
		return error;
	struct table table;
	table_init(&table, of == BY_MAPPING ? mapping_columns : place_columns,
		sizeof mapping_columns / sizeof *mapping_columns);
	size_t shown = options->all || sums.count <= MOST_ROWS ? sums.count : MOST_ROWS;
	for (size_t i = 0; i < shown; i++)
		add_fault_row(&table, &sums.items[i], of, options);
	error = table_print(out, &table, options);
	if (shown < sums.count) {
		text_printf(out, "%s and ", glyphs_for(options)->more);
		add_counted(out, sums.count - shown, of == BY_MAPPING ? "more mapping" : "more place");
		text_add(out, "; --all shows them\n");
	}
	text_add_char(out, '\n');
	table_finish(&table);
	free(sums.items);
	return error;
}

/* The kernel's own count; false unless it is known of every task that ended. */
static bool counted_faults(const struct history *history, uint64_t *counted)
{
	*counted = 0;
	for (uint32_t i = 0; i < history->n_tasks; i++) {
		const struct task *task = history->tasks[i];
		if (task->state != TASK_ENDED || task->exec_by_thread)
			continue;
		if (!(task->usage.known & USAGE_FAULTS))
			return false;
		*counted += task->usage.minor + task->usage.major;
	}
	return *counted > 0;
}

static void print_located(
	struct text *out, const struct history *history, uint64_t located, const struct view_options *options)
{
	struct text words = { 0 };
	uint64_t counted;
	text_add(&words, "Located ");
	add_count(&words, located);
	if (counted_faults(history, &counted)) {
		text_add(&words, " of the ");
		add_count(&words, counted);
		text_add(&words, " faults the kernel counted");
	} else {
		text_add(&words, " faults");
	}
	if (history->end.kernel_faults) {
		text_add(&words, "; ");
		add_count(&words, history->end.kernel_faults);
		text_add(&words, " were taken inside system calls, where they have no place in the program");
	}
	text_add(&words, ".");
	add_wrapped(out, options, 0, 0, text_string(&words));
	text_finish(&words);
}

static void sum_all(const struct history *history, struct fault_sum *all, uint64_t major[CAUSE_COUNT])
{
	for (uint32_t i = 0; i < history->n_tasks; i++) {
		for (const struct fault_row *row = history->tasks[i]->faults; row; row = row->next) {
			struct fault_sum sum = sum_of_row(row, BY_MAPPING);
			add_sum(all, &sum);
			if (row->major && row->cause < CAUSE_COUNT)
				major[row->cause] += row->count;
		}
	}
}

int view_faults(struct text *out, const struct history *history, const struct view_options *options)
{
	struct fault_sum all = { 0 };
	uint64_t major[CAUSE_COUNT] = { 0 };
	int error = 0;
	sum_all(history, &all, major);
	if (all.total) {
		error = print_causes(out, &all, major, options);
		text_add_char(out, '\n');
		if (!error)
			error = print_sums(out, history, BY_MAPPING, options);
		if (!error)
			error = print_sums(out, history, BY_PLACE, options);
	} else {
		add_wrapped(out, options, 0, 0,
			"No fault was located: kin run --faults records where and why each page fault "
			"happened.");
	}
	print_located(out, history, all.total, options);
	return error || options->more ? error : view_watching(out, history, options);
}
