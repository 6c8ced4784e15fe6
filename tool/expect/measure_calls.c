/* What the names clone., exec., failed. and received. are, and the program of a task. */
#include "expect/vocabulary.h"

#include "model/names.h"

static void set_words(struct value *value, const struct words *words, const struct subject *subject)
{
	value_set_unknown(value, TYPE_WORDS, "the arguments were not seen", subject->task);
	if (!words)
		return;
	value->known = true;
	value->words = words;
	value->why = (struct reason){ 0 };
}

static void set_seen_string(struct value *value, const char *string, const struct subject *subject)
{
	if (string)
		value_set_string(value, string);
	else
		value_set_unknown(value, TYPE_STRING, "it was not seen", subject->task);
}

static const char *program_file(const struct program *program)
{
	if (program->script)
		return program->script;
	return program->exe ? program->exe : program->path;
}

void measure_program(struct value *value, const struct subject *subject)
{
	const struct program *program = task_program(subject->task);
	set_seen_string(value, program ? program_file(program) : NULL, subject);
}

void measure_argv(struct value *value, const struct subject *subject)
{
	const struct program *program = task_program(subject->task);
	set_words(value, program ? program->argv : NULL, subject);
}

void measure_cwd(struct value *value, const struct subject *subject)
{
	const struct program *program = task_program(subject->task);
	set_seen_string(value, program ? program->cwd : NULL, subject);
}

static void set_call(struct value *value, enum call call, const struct subject *subject)
{
	set_seen_string(value, call == CALL_UNKNOWN ? NULL : call_name(call), subject);
}

static void set_flags(struct value *value, const struct clone_call *by, const struct subject *subject)
{
	value_set_unknown(value, TYPE_FLAGS, "the flags of the call were not seen", subject->task);
	if (!by->flags_known)
		return;
	value->known = true;
	value->flags = by->flags;
	value->why = (struct reason){ 0 };
}

void measure_clone_call(struct value *value, const struct subject *subject)
{
	set_call(value, subject->task->by.call, subject);
}

void measure_clone_flags(struct value *value, const struct subject *subject)
{
	set_flags(value, &subject->task->by, subject);
}

void measure_clone_signal(struct value *value, const struct subject *subject)
{
	const struct clone_call *by = &subject->task->by;
	if (by->flags_known)
		value_set_count(value, TYPE_SIGNAL, (uint64_t)(unsigned)by->exit_signal);
	else
		value_set_unknown(value, TYPE_SIGNAL, "the flags of the call were not seen", subject->task);
}

void measure_exec_name(struct value *value, const struct subject *subject)
{
	value_set_string(value, program_title(subject->program));
}

void measure_exec_path(struct value *value, const struct subject *subject)
{
	const char *path = subject->program->path;
	set_seen_string(value, path && *path ? path : NULL, subject);
}

void measure_exec_exe(struct value *value, const struct subject *subject)
{
	set_seen_string(value, subject->program->exe, subject);
}

void measure_exec_script(struct value *value, const struct subject *subject)
{
	value_set_string(value, subject->program->script);
}

void measure_exec_argv(struct value *value, const struct subject *subject)
{
	set_words(value, subject->program->argv, subject);
}

void measure_exec_cwd(struct value *value, const struct subject *subject)
{
	set_seen_string(value, subject->program->cwd, subject);
}

void measure_exec_call(struct value *value, const struct subject *subject)
{
	set_call(value, subject->program->call, subject);
}

void measure_failed_call(struct value *value, const struct subject *subject)
{
	set_call(value, subject->failure->by.call, subject);
}

void measure_failed_error(struct value *value, const struct subject *subject)
{
	value_set_count(value, TYPE_ERROR, (uint64_t)(unsigned)subject->failure->error);
}

void measure_failed_flags(struct value *value, const struct subject *subject)
{
	enum call call = subject->failure->by.call;
	if (call != CALL_EXECVE && call != CALL_EXECVEAT) {
		set_flags(value, &subject->failure->by, subject);
		return;
	}
	struct clone_call none = { .flags_known = true };
	set_flags(value, &none, subject);
}

void measure_failed_path(struct value *value, const struct subject *subject)
{
	value_set_string(value, subject->failure->path);
}

void measure_failed_argv(struct value *value, const struct subject *subject)
{
	static const struct words none = { 0 };
	enum call call = subject->failure->by.call;
	bool is_exec = call == CALL_EXECVE || call == CALL_EXECVEAT;
	set_words(value, is_exec ? subject->failure->argv : &none, subject);
}

void measure_received_signal(struct value *value, const struct subject *subject)
{
	value_set_count(value, TYPE_SIGNAL, (uint64_t)(unsigned)subject->signal->signo);
}

void measure_received_kernel(struct value *value, const struct subject *subject)
{
	if (subject->signal->sender.known)
		value_set_truth(value, subject->signal->sender.kernel);
	else
		value_set_unknown(value, TYPE_BOOL, "the sender of a signal was not seen", subject->task);
}

void measure_received_pid(struct value *value, const struct subject *subject)
{
	const struct sender *sender = &subject->signal->sender;
	if (sender->known)
		value_set_count(value, TYPE_NUMBER, sender->kernel ? 0 : (uint64_t)(unsigned)sender->pid);
	else
		value_set_unknown(value, TYPE_NUMBER, "the sender of a signal was not seen", subject->task);
}
