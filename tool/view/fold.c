#include "view/fold.h"
#include "view/label.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LAST_STEP 5
#define MOST_ROWS_IN_LAST_STEP 300

/* Lines up to which a step is good enough. */
static const uint32_t lines_allowed[] = { 40, 40, 60, 100, 200 };

/* Finds the row of a key among the children being made; stamp tells one expansion from another. */
struct fold_slot {
	uint64_t key;
	uint32_t stamp, row;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t mix_title(uint64_t hash, const char *title, bool digits)
{
	for (const char *c = title; *c; c++) {
		bool digit = isdigit((unsigned char)*c);
		if (digits || !digit)
			hash = mix(hash, (unsigned char)*c);
		else if (c == title || !isdigit((unsigned char)c[-1]))
			hash = mix(hash, '#');
	}
	return mix(hash, 0x100);
}

static uint64_t mix_programs(uint64_t hash, const struct task *task, bool digits)
{
	if (!task->programs || task->name)
		hash = mix_title(hash, task_title(task), digits);
	for (const struct program *program = task->programs; program; program = program->next)
		hash = mix_title(hash, program_title(program), digits);
	return mix(hash, task->programs != NULL);
}

/* Everything a row of several tasks says once for all of them. */
static uint64_t self_key(const struct fold *fold, const struct task *task)
{
	uint64_t hash = mix(0, fold->ways->of_task[task->number - 1]);
	if (fold->step >= 4)
		return mix(hash, outcome_class(task));
	hash = mix_programs(hash, task, fold->step < 2);
	hash = mix(hash, outcome_class(task));
	hash = mix(hash, (uint64_t)task->status << 3 | (uint64_t)task->core << 2 | task->oom);
	for (const struct failure *failure = task->failures; failure; failure = failure->next)
		if (failure == task->failures || failure->error != task->failures->error)
			hash = mix(hash, (uint64_t)failure->by.call << 32 | (unsigned)failure->error);
	return mix(hash, task->state == TASK_LET_GO);
}

/* A child's number is above its maker's, so one walk from the end sees every child before its maker. */
static void make_keys(struct fold *fold)
{
	const struct history *history = fold->history;
	for (uint32_t n = history->n_tasks; n >= 1; n--) {
		const struct task *task = history->tasks[n - 1];
		fold->self[n] = self_key(fold, task);
		fold->shape[n] = fold->self[n];
		fold->run[n] = 1;
		fold->below[n] = 0;
		for (const struct task *child = task->first_child; child; child = child->next_sibling) {
			fold->below[n] += 1 + fold->below[child->number];
			if (fold->step <= 2)
				fold->shape[n] += mix(1, fold->shape[child->number]);
		}
		const struct task *only = task->first_child;
		if (only && !only->next_sibling && fold->self[only->number] == fold->self[n])
			fold->run[n] = 1 + fold->run[only->number];
	}
}

static uint32_t add_row(struct fold *fold, uint32_t parent)
{
	if (fold->n_rows == fold->capacity) {
		uint32_t capacity = fold->capacity ? fold->capacity * 2 : 64;
		struct row *rows = realloc(fold->rows, capacity * sizeof *rows);
		if (!rows) {
			fold->error = -ENOMEM;
			return 0;
		}
		fold->rows = rows;
		fold->capacity = capacity;
	}
	uint32_t index = fold->n_rows++;
	fold->rows[index] = (struct row){ .parent = parent, .generations = 1 };
	if (index == 0)
		return 0;
	struct row *above = &fold->rows[parent];
	fold->rows[index].depth = parent ? above->depth + 1 : 0;
	if (above->last_child)
		fold->rows[above->last_child].next_sibling = index;
	else
		above->first_child = index;
	above->last_child = index;
	return index;
}

static void add_member(struct fold *fold, uint32_t index, uint32_t number)
{
	struct row *row = &fold->rows[index];
	fold->next[number] = 0;
	if (row->count++)
		fold->next[row->last] = number;
	else
		row->first = number;
	row->last = number;
}

/* The row for a child of that key, made if it is not there. */
static uint32_t child_row(struct fold *fold, uint32_t parent, uint64_t key)
{
	if (fold->step == 0)
		return add_row(fold, parent);
	size_t at = mix(key, fold->stamp) & (fold->n_slots - 1);
	while (fold->slots[at].stamp) {
		if (fold->slots[at].stamp == fold->stamp && fold->slots[at].key == key)
			return fold->slots[at].row;
		at = (at + 1) & (fold->n_slots - 1);
	}
	uint32_t row = add_row(fold, parent);
	fold->slots[at] = (struct fold_slot){ key, fold->stamp, row };
	return row;
}

static void place_children(struct fold *fold, uint32_t index, uint32_t from)
{
	fold->stamp++;
	for (uint32_t n = from; n && !fold->error; n = fold->next[n]) {
		const struct task *child = fold->history->tasks[n - 1]->first_child;
		for (; child && !fold->error; child = child->next_sibling) {
			uint32_t row = child_row(fold, index, fold->shape[child->number]);
			if (row)
				add_member(fold, row, child->number);
		}
	}
}

/* Whether the only child row, which is the newest row, carries on its parent's chain. */
static bool carries_on(const struct fold *fold, uint32_t index)
{
	const struct row *row = &fold->rows[index];
	uint32_t child = row->first_child;
	if (fold->step == 0 || !child || child != row->last_child || child != fold->n_rows - 1)
		return false;
	const struct row *below = &fold->rows[child];
	if (fold->self[row->first] != fold->self[below->first])
		return false;
	return row->generations > 1 || below->count > 1 || fold->run[below->first] > 1;
}

static void absorb_child(struct fold *fold, uint32_t index)
{
	struct row *row = &fold->rows[index];
	const struct row *below = &fold->rows[row->first_child];
	fold->next[row->last] = below->first;
	row->last = below->last;
	row->count += below->count;
	row->generations++;
	row->first_child = row->last_child = 0;
	fold->n_rows--;
}

static void expand(struct fold *fold, uint32_t index)
{
	uint32_t from = fold->rows[index].first;
	if (fold->step == LAST_STEP && fold->n_rows > MOST_ROWS_IN_LAST_STEP) {
		for (uint32_t n = from; n; n = fold->next[n])
			fold->rows[index].hidden += fold->below[n];
		return;
	}
	for (;;) {
		place_children(fold, index, from);
		if (fold->error || !carries_on(fold, index))
			return;
		from = fold->rows[fold->rows[index].first_child].first;
		absorb_child(fold, index);
	}
}

static void place_roots(struct fold *fold)
{
	add_row(fold, 0);
	fold->stamp++;
	for (uint32_t n = 1; n <= fold->history->n_tasks && !fold->error; n++) {
		if (fold->history->tasks[n - 1]->maker)
			continue;
		uint32_t row = child_row(fold, 0, fold->shape[n]);
		if (row)
			add_member(fold, row, n);
	}
}

/* Rows are made breadth first: an index walks over them while they grow. */
static void make_rows(struct fold *fold, unsigned step)
{
	fold->step = step;
	fold->n_rows = 0;
	fold->stamp = 0;
	memset(fold->slots, 0, fold->n_slots * sizeof *fold->slots);
	make_keys(fold);
	place_roots(fold);
	for (uint32_t index = 1; index < fold->n_rows && !fold->error; index++)
		expand(fold, index);
}

static uint32_t count_lines(const struct fold *fold, fold_extra_lines *extra_lines, void *context)
{
	uint64_t lines = 0;
	for (uint32_t i = 1; i < fold->n_rows; i++)
		lines += 1 + (fold->rows[i].hidden > 0) + extra_lines(fold, &fold->rows[i], context);
	return lines > UINT32_MAX ? UINT32_MAX : (uint32_t)lines;
}

static int allocate(struct fold *fold)
{
	size_t count = (size_t)fold->history->n_tasks + 1;
	fold->n_slots = 64;
	while (fold->n_slots < count * 2)
		fold->n_slots *= 2;
	fold->next = calloc(count, sizeof *fold->next);
	fold->self = calloc(count, sizeof *fold->self);
	fold->shape = calloc(count, sizeof *fold->shape);
	fold->below = calloc(count, sizeof *fold->below);
	fold->run = calloc(count, sizeof *fold->run);
	fold->slots = calloc(fold->n_slots, sizeof *fold->slots);
	bool whole = fold->next && fold->self && fold->shape && fold->below && fold->run && fold->slots;
	return whole ? 0 : -ENOMEM;
}

int fold_init(struct fold *fold, const struct history *history, const struct ways *ways, bool all,
	fold_extra_lines *extra_lines, void *context)
{
	*fold = (struct fold){ .history = history, .ways = ways };
	fold->error = allocate(fold);
	for (unsigned step = 0; step <= LAST_STEP && !fold->error; step++) {
		if (step == 0 && !all && history->n_tasks > lines_allowed[0])
			continue;
		make_rows(fold, step);
		if (all || step == LAST_STEP ||
			count_lines(fold, extra_lines, context) <= lines_allowed[step])
			break;
	}
	int error = fold->error;
	if (error)
		fold_finish(fold);
	return error;
}

void fold_finish(struct fold *fold)
{
	free(fold->rows);
	free(fold->next);
	free(fold->self);
	free(fold->shape);
	free(fold->below);
	free(fold->run);
	free(fold->slots);
	*fold = (struct fold){ 0 };
}

const struct task *row_task(const struct fold *fold, const struct row *row)
{
	return fold->history->tasks[row->first - 1];
}

const struct task *row_next_task(const struct fold *fold, const struct task *task)
{
	uint32_t next = fold->next[task->number];
	return next ? fold->history->tasks[next - 1] : NULL;
}

uint32_t fold_next_row(const struct fold *fold, uint32_t index)
{
	const struct row *row = &fold->rows[index];
	if (row->first_child)
		return row->first_child;
	while (index && !fold->rows[index].next_sibling)
		index = fold->rows[index].parent;
	return fold->rows[index].next_sibling;
}
