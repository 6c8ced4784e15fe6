/* What only --verbose tells about a task. */
#include "model/names.h"
#include "view/details.h"

#include <inttypes.h>

static void add_address(struct text *out, const char *name, uint64_t address)
{
	if (address)
		text_printf(out, ", %s 0x%" PRIx64, name, address);
}

static void call_details(struct details *details, const struct task *task)
{
	const struct clone_call *by = &task->by;
	if (by->call == CALL_KIN || by->call == CALL_UNKNOWN)
		return;
	struct text *words = details_begin(details);
	text_printf(words, "made by %s", call_name(by->call));
	if (task->maker && task->maker->leader != task->maker)
		text_printf(words, " of thread %d", task->maker->tid);
	add_address(words, "stack", by->stack);
	if (by->stack_size)
		text_printf(words, ", stack_size %" PRIu64, by->stack_size);
	add_address(words, "tls", by->tls);
	add_address(words, "parent_tid", by->parent_tid);
	add_address(words, "child_tid", by->child_tid);
	add_address(words, "pidfd", by->pidfd);
	if (by->set_tid_size)
		text_printf(words, ", set_tid_size %" PRIu64, by->set_tid_size);
	if (by->cgroup)
		text_printf(words, ", cgroup %" PRIu64, by->cgroup);
	details_add(details, STYLE_DIM);
}

static void add_seconds(struct text *out, uint64_t ns)
{
	text_printf(out, "%" PRIu64 ".%06" PRIu64 " s", ns / 1000000000, ns % 1000000000 / 1000);
}

static void time_details(struct details *details, const struct task *task, const struct glyphs *glyphs)
{
	const struct usage *usage = &task->usage;
	struct text *words = details_begin(details);
	text_add(words, "from ");
	add_seconds(words, task->start);
	if (task->state != TASK_RUNNING) {
		text_add(words, " to ");
		add_seconds(words, task->end);
	}
	if (usage->known & USAGE_TIMES) {
		text_add(words, ", user ");
		add_duration(words, usage->user_ns, glyphs);
		text_add(words, ", system ");
		add_duration(words, usage->system_ns, glyphs);
	}
	if (usage->known & USAGE_SWITCHES) {
		text_add(words, ", switches ");
		add_count(words, usage->voluntary);
		text_add(words, " voluntary ");
		add_count(words, usage->involuntary);
		text_add(words, " involuntary");
	}
	details_add(details, STYLE_DIM);
}

static void fault_details(struct details *details, const struct task *task)
{
	struct text *words = details_begin(details);
	for (int i = 0; i < CAUSE_COUNT; i++) {
		uint64_t count = task_faults_by_cause(task, (enum cause)i);
		if (!count)
			continue;
		text_printf(words, words->length ? ", %s " : "page faults located: %s ",
			cause_name((enum cause)i));
		add_count(words, count);
	}
	if (words->length)
		details_add(details, STYLE_DIM);
}

static void program_details(
	struct details *details, const struct program *program, const struct view_options *options)
{
	struct text *words = details_begin(details);
	text_printf(words, "%s ", program->call == CALL_UNKNOWN ? "exec" : call_name(program->call));
	add_word(words, program->path, options);
	text_add(words, " at ");
	add_seconds(words, program->time);
	if (program->exe) {
		text_add(words, ", file ");
		add_word(words, program->exe, options);
	}
	if (program->cwd) {
		text_add(words, ", in ");
		add_word(words, program->cwd, options);
	}
	if (program->compat)
		text_add(words, ", 32-bit");
	details_add(details, STYLE_DIM);
	if (program->argv) {
		words = details_begin(details);
		text_add(words, "argv");
		for (size_t i = 0; i < program->argv->count; i++) {
			text_add_char(words, ' ');
			add_word(words, program->argv->word[i], options);
		}
		details_add(details, STYLE_DIM);
	}
}

static void environment_details(
	struct details *details, const struct words *env, const struct view_options *options)
{
	for (size_t i = 0; env && i < env->count; i++) {
		const char *change = env->word[i];
		bool set = false;
		for (const char *c = change; *c && !set; c++)
			set = *c == '=';
		struct text *words = details_begin(details);
		text_add(words, set ? "env " : "env without ");
		add_name(words, change, options);
		details_add(details, STYLE_DIM);
	}
}

void verbose_details(struct details *details, const struct fold *fold, const struct task *task,
	const struct view_options *options)
{
	call_details(details, task);
	time_details(details, task, glyphs_for(options));
	fault_details(details, task);
	for (const struct program *program = task->programs; program; program = program->next) {
		program_details(details, program, options);
		environment_details(details, program->env, options);
	}
}
