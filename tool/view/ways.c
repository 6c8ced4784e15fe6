#include "view/ways.h"
#include "model/names.h"
#include "view/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More distinct calls than two letters can name: the rest shares the last one, which then says so. */
#define MOST_WAYS (26 + 26 * 26)
#define CLONE_VM 0x100

static bool same_way(const struct way *way, const struct task *task)
{
	const struct clone_call *a = way->by, *b = &task->by;
	bool stack_matters = a->flags_known && a->flags & CLONE_VM;
	return a->call == b->call && a->flags_known == b->flags_known && a->flags == b->flags &&
	       a->exit_signal == b->exit_signal && a->compat == b->compat && way->thread == task->thread &&
	       (!stack_matters || !a->stack == !b->stack);
}

static void name_way(struct way *way, unsigned index)
{
	if (index < 26)
		way->letter[0] = (char)('a' + index);
	else {
		way->letter[0] = (char)('a' + (index - 26) / 26);
		way->letter[1] = (char)('a' + (index - 26) % 26);
	}
}

/* Families use a handful of ways: the search from the front is short. */
static struct way *find_way(struct ways *ways, const struct task *task)
{
	for (uint16_t i = 0; i < ways->count; i++)
		if (same_way(&ways->items[i], task))
			return &ways->items[i];
	return ways->count == MOST_WAYS ? &ways->items[MOST_WAYS - 1] : NULL;
}

int ways_init(struct ways *ways, const struct history *history)
{
	*ways = (struct ways){ 0 };
	ways->items = calloc(MOST_WAYS, sizeof *ways->items);
	ways->of_task = calloc((size_t)history->n_tasks + 1, sizeof *ways->of_task);
	if (!ways->items || !ways->of_task) {
		ways_finish(ways);
		return -ENOMEM;
	}
	unsigned named = 0;
	for (uint32_t i = 0; i < history->n_tasks; i++) {
		const struct task *task = history->tasks[i];
		struct way *way = find_way(ways, task);
		if (!way) {
			way = &ways->items[ways->count++];
			*way = (struct way){ .by = &task->by, .thread = task->thread };
			if (task->by.call != CALL_KIN)
				name_way(way, named++);
		}
		way->count++;
		ways->of_task[i] = (uint16_t)(way - ways->items);
	}
	return 0;
}

void ways_finish(struct ways *ways)
{
	free(ways->items);
	free(ways->of_task);
	*ways = (struct ways){ 0 };
}

const struct way *way_of(const struct ways *ways, const struct task *task)
{
	return &ways->items[ways->of_task[task->number - 1]];
}

const char *way_kind(const struct way *way)
{
	if (way->by->call == CALL_KIN)
		return "kin";
	return way->thread ? "thread" : task_kind(way->by);
}

static void describe_call(struct text *words, const struct way *way)
{
	char buffer[24];
	const struct clone_call *by = way->by;
	if (by->call == CALL_UNKNOWN)
		text_add(words, by->flags_known ? "call not seen: " : "call not seen");
	else
		text_add(words, call_name(by->call));
	if (by->flags_known && by->call != CALL_FORK && by->call != CALL_VFORK) {
		text_add_char(words, '(');
		clone_flags_format(words, by->flags);
		text_add(words, by->flags ? ", " : "no flags, ");
		text_add(words, by->exit_signal ? signal_name(by->exit_signal, buffer) : "no exit signal");
		text_add_char(words, ')');
	} else if (!by->flags_known && by->call != CALL_UNKNOWN) {
		text_add(words, " (flags not seen)");
	} else if (by->flags_known) {
		text_add(words, ", sends SIGCHLD at its end");
	}
	if (by->compat)
		text_add(words, " by a 32-bit program");
}

static void add_line(
	struct text *out, const struct view_options *options, const char *title, const char *words)
{
	add_spaces(out, 4);
	add_styled(out, options, STYLE_DIM, title);
	add_spaces(out, 8 - strlen(title));
	add_wrapped(out, options, 12, 12, words);
}

static void add_way(struct text *out, const struct way *way, const struct view_options *options,
	struct text scratch[static 3])
{
	for (int i = 0; i < 3; i++)
		text_clear(&scratch[i]);
	describe_call(&scratch[0], way);
	text_add(out, " ");
	add_styled(out, options, STYLE_BOLD, way->letter);
	add_spaces(out, 3 - strlen(way->letter));
	text_add(out, way_kind(way));
	add_spaces(out, 8 - strlen(way_kind(way)));
	add_wrapped(out, options, 12, 12, text_string(&scratch[0]));
	if (!way->by->flags_known)
		return;
	sharing_in_words(way->by, &scratch[1], &scratch[2]);
	add_line(out, options, "shares", text_string(&scratch[1]));
	add_line(out, options, "own", text_string(&scratch[2]));
}

int ways_legend(struct text *out, const struct ways *ways, const struct view_options *options)
{
	struct text scratch[3] = { 0 };
	for (uint16_t i = 0; i < ways->count; i++)
		if (ways->items[i].letter[0])
			add_way(out, &ways->items[i], options, scratch);
	bool failed = text_failed(out);
	for (int i = 0; i < 3; i++) {
		failed |= text_failed(&scratch[i]);
		text_finish(&scratch[i]);
	}
	return failed ? -ENOMEM : 0;
}
