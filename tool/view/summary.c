/* One row a program. What a task used counts for the last program it ran; runs count for each. */
#include "view/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 40

struct program_sum {
	const char *file; // the key, interned: script, file or path
	const char *title;
	bool ambiguous; // another program has the same title
	uint64_t runs, processes, threads, failed;
	uint64_t wall, user, system, cpu, minor, major, peak;
	bool times, faults; // known of one task at least
};

static const char *file_of(const struct program *program)
{
	if (!program)
		return "?";
	return program->script ? program->script : program->exe ? program->exe : program->path;
}

static int by_file(const void *a, const void *b)
{
	return strcmp(((const struct program_sum *)a)->file, ((const struct program_sum *)b)->file);
}

static int by_title(const void *a, const void *b)
{
	return strcmp(((const struct program_sum *)a)->title, ((const struct program_sum *)b)->title);
}

static int by_cost(const void *a, const void *b)
{
	const struct program_sum *x = a, *y = b;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? 1 : -1;
	if (x->wall != y->wall)
		return x->wall < y->wall ? 1 : -1;
	return by_file(a, b);
}

static void add_usage(struct program_sum *sum, const struct usage *usage)
{
	if (usage->known & USAGE_TIMES) {
		sum->user += usage->user_ns;
		sum->system += usage->system_ns;
		sum->times = true;
	}
	sum->cpu += usage->known & USAGE_CPU     ? usage->cpu_ns
		    : usage->known & USAGE_TIMES ? usage->user_ns + usage->system_ns
						 : 0;
	if (usage->known & USAGE_FAULTS) {
		sum->minor += usage->minor;
		sum->major += usage->major;
		sum->faults = true;
	}
	if (usage->known & USAGE_MAXRSS && usage->maxrss_kib > sum->peak)
		sum->peak = usage->maxrss_kib;
}

static void add_task(struct program_sum *sum, const struct history *history, const struct task *task)
{
	sum->file = file_of(task_program(task));
	sum->title = task_program(task) ? program_title(task_program(task)) : "?";
	if (task->thread)
		sum->threads++;
	else
		sum->processes++;
	if (!task->thread || task->last_program)
		sum->wall += task_wall(history, task);
	if (!task->thread && task->state == TASK_ENDED && task->exit_known &&
		(task->by_signal || task->status))
		sum->failed++;
	add_usage(sum, &task->usage);
}

static void add_sum(struct program_sum *to, const struct program_sum *from)
{
	to->runs += from->runs;
	to->processes += from->processes;
	to->threads += from->threads;
	to->failed += from->failed;
	to->wall += from->wall;
	to->user += from->user;
	to->system += from->system;
	to->cpu += from->cpu;
	to->minor += from->minor;
	to->major += from->major;
	to->peak = to->peak > from->peak ? to->peak : from->peak;
	to->times |= from->times;
	to->faults |= from->faults;
}

/* Sort, then add up neighbours that are the same program. */
static size_t merge(struct program_sum *sums, size_t count)
{
	size_t kept = 0;
	qsort(sums, count, sizeof *sums, by_file);
	for (size_t i = 0; i < count; i++) {
		if (kept && by_file(&sums[kept - 1], &sums[i]) == 0)
			add_sum(&sums[kept - 1], &sums[i]);
		else
			sums[kept++] = sums[i];
	}
	qsort(sums, kept, sizeof *sums, by_title);
	for (size_t i = 1; i < kept; i++)
		if (by_title(&sums[i - 1], &sums[i]) == 0)
			sums[i - 1].ambiguous = sums[i].ambiguous = true;
	qsort(sums, kept, sizeof *sums, by_cost);
	return kept;
}

/* A sum for each task and one for each program it ran. */
static int collect(const struct history *history, struct program_sum **ret_sums, size_t *ret_count)
{
	size_t most = 0, count = 0;
	for (uint32_t i = 0; i < history->n_tasks; i++) {
		most++;
		for (const struct program *p = history->tasks[i]->programs; p; p = p->next)
			most++;
	}
	struct program_sum *sums = calloc(most + 1, sizeof *sums);
	if (!sums)
		return -ENOMEM;
	for (uint32_t i = 0; i < history->n_tasks; i++) {
		add_task(&sums[count++], history, history->tasks[i]);
		for (const struct program *p = history->tasks[i]->programs; p; p = p->next)
			sums[count++] = (struct program_sum){
				.file = file_of(p), .title = program_title(p), .runs = 1
			};
	}
	*ret_count = merge(sums, count);
	*ret_sums = sums;
	return 0;
}

static const struct table_column columns[] = {
	{ "PROGRAM", true, 0 },
	{ "RUNS", false, 0 },
	{ "PROCESSES", false, 7 },
	{ "THREADS", false, 6 },
	{ "WALL", false, 0 },
	{ "USER", false, 5 },
	{ "SYSTEM", false, 4 },
	{ "PEAK", false, 3 },
	{ "MINOR", false, 2 },
	{ "MAJOR", false, 1 },
	{ "FAILED", false, 0 },
};

static void count_cell(struct table *table, uint64_t count, bool known)
{
	struct text *cell = table_cell(table);
	if (known)
		add_count(cell, count);
	else
		text_add(cell, "-");
	table_end_cell(table);
}

static void duration_cell(struct table *table, uint64_t ns, bool known, const struct view_options *options)
{
	struct text *cell = table_cell(table);
	if (known)
		add_duration(cell, ns, glyphs_for(options));
	else
		text_add(cell, "-");
	table_end_cell(table);
}

static void add_row(struct table *table, const struct program_sum *sum, const struct view_options *options)
{
	add_name(table_cell(table), sum->ambiguous ? sum->file : sum->title, options);
	table_end_cell(table);
	count_cell(table, sum->runs, true);
	count_cell(table, sum->processes, true);
	count_cell(table, sum->threads, true);
	duration_cell(table, sum->wall, true, options);
	duration_cell(table, sum->user, sum->times, options);
	duration_cell(table, sum->system, sum->times, options);
	if (sum->peak)
		add_size(table_cell(table), sum->peak);
	else
		text_add(table_cell(table), "-");
	table_end_cell(table);
	count_cell(table, sum->minor, sum->faults);
	count_cell(table, sum->major, sum->faults);
	count_cell(table, sum->failed, true);
}

static int print_sums(
	struct text *out, const struct program_sum *sums, size_t count, const struct view_options *options)
{
	struct table table;
	struct program_sum all = { .file = "all", .title = "all" };
	struct program_sum rest = { .file = "others", .title = "others" };
	size_t shown = options->all || count <= MOST_ROWS ? count : MOST_ROWS;
	table_init(&table, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < count; i++) {
		add_sum(&all, &sums[i]);
		if (i < shown)
			add_row(&table, &sums[i], options);
		else
			add_sum(&rest, &sums[i]);
	}
	if (shown < count)
		add_row(&table, &rest, options);
	if (count > 1)
		add_row(&table, &all, options);
	int error = table_print(out, &table, options);
	table_finish(&table);
	return error;
}

int view_summary(struct text *out, const struct history *history, const struct view_options *options)
{
	struct program_sum *sums;
	size_t count;
	int error = collect(history, &sums, &count);
	if (error)
		return error;
	error = count ? print_sums(out, sums, count, options) : 0;
	free(sums);
	if (error)
		return error;
	if (count) {
		text_add_char(out, '\n');
		add_wrapped(out, options, 0, 0,
			"What a task used counts for the last program it ran; wall is summed over processes, "
			"peak is "
			"the largest.");
	}
	return options->more ? 0 : view_watching(out, history, options);
}
