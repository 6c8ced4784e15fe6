#include "view/label.h"
#include "model/names.h"

#include <stdint.h>
#include <string.h>

/* Chains longer than this show their ends only. */
#define MOST_PROGRAMS 4

static enum style outcome_of_signal(struct text *out, const struct task *task)
{
	char buffer[24];
	text_add(out, signal_name(task->status, buffer));
	if (task->core)
		text_add(out, ", core");
	if (task->oom == OOM_YES)
		text_add(out, ", OOM");
	else if (task->oom == OOM_LIKELY)
		text_add(out, ", OOM?");
	return STYLE_BAD;
}

enum style outcome_of(struct text *out, const struct task *task)
{
	if (task->state == TASK_RUNNING) {
		text_add(out, "running");
		return STYLE_INFO;
	}
	if (task->state == TASK_LET_GO) {
		text_add(out, "let go");
		return STYLE_INFO;
	}
	if (task->exec_by_thread) {
		text_add(out, "by exec");
		return STYLE_DIM;
	}
	if (!task->exit_known) {
		text_add(out, "ended");
		return STYLE_DIM;
	}
	if (task->by_signal)
		return outcome_of_signal(out, task);
	text_printf(out, "exit %d", task->status);
	return task->status ? STYLE_WARN : STYLE_DIM;
}

enum outcome_class outcome_class(const struct task *task)
{
	if (task->state != TASK_ENDED)
		return OUTCOME_OPEN;
	if (task->exec_by_thread)
		return OUTCOME_BY_EXEC;
	if (task->by_signal)
		return OUTCOME_SIGNAL;
	return task->exit_known && task->status ? OUTCOME_BAD : OUTCOME_GOOD;
}

void label_clear(struct label *label)
{
	text_clear(&label->text);
	label->name_begin = label->name_end = 0;
}

void label_finish(struct label *label)
{
	text_finish(&label->text);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

/* An interpreter's arguments come before the script: only what follows it is the script's own. */
static size_t first_argument(const struct program *program)
{
	if (!program->script)
		return 1;
	const char *script = base_name(program->script);
	for (size_t i = 1; i < program->argv->count; i++)
		if (strcmp(base_name(program->argv->word[i]), script) == 0)
			return i + 1;
	return 1;
}

static void add_arguments(
	struct label *label, const struct program *program, size_t words, const struct view_options *options)
{
	if (!program->argv)
		return;
	for (size_t i = first_argument(program); i < program->argv->count && i < words; i++) {
		text_add_char(&label->text, ' ');
		add_word(&label->text, program->argv->word[i], options);
	}
	if (words != SIZE_MAX)
		text_printf(&label->text, " %s", glyphs_for(options)->more);
}

static void add_earlier_programs(
	struct label *label, const struct task *task, const struct view_options *options)
{
	const struct glyphs *glyphs = glyphs_for(options);
	size_t count = 0, index = 0;
	for (const struct program *program = task->programs; program; program = program->next)
		count++;
	for (const struct program *program = task->programs; program->next;
		program = program->next, index++) {
		if (!options->all && count > MOST_PROGRAMS && index > 0 && index + 2 < count) {
			if (index == 1)
				text_printf(&label->text, "%s %zu programs %s ", glyphs->more, count - 3,
					glyphs->became);
			continue;
		}
		add_name(&label->text, program_title(program), options);
		text_printf(&label->text, " %s ", glyphs->became);
	}
}

static void add_title(struct label *label, const char *title, const struct view_options *options)
{
	label->name_begin = label->text.length;
	add_name(&label->text, title, options);
	label->name_end = label->text.length;
}

void label_task(
	struct label *label, const struct task *task, size_t words, const struct view_options *options)
{
	const struct program *last = task->last_program;
	if (!last) {
		add_name(&label->text, task_title(task), options);
		return;
	}
	add_earlier_programs(label, task, options);
	const char *title = program_title(last);
	add_title(label, title, options);
	if (last->script && last->exe)
		text_printf(&label->text, " (%s)", base_name(last->exe));
	if (task->name && strncmp(task->name, title, 15) != 0) {
		text_add(&label->text, " [");
		add_name(&label->text, task->name, options);
		text_add_char(&label->text, ']');
	}
	add_arguments(label, last, words, options);
}

void add_task_reference(struct text *out, const struct task *task, const struct view_options *options)
{
	add_name(out, task_title(task), options);
	text_printf(out, " (TID %d)", task->tid);
}
