/* Which tasks and programs a selection means, and walking over them. */
#include "expect/eval.h"

#include <string.h>

/* /bin is /usr/bin on most systems, and a check for the one must not miss the other. */
static const char *skip_usr(const char *path)
{
	static const char *const merged[] = { "/usr/bin/", "/usr/sbin/", "/usr/lib" };
	for (size_t i = 0; i < sizeof merged / sizeof *merged; i++)
		if (strncmp(path, merged[i], strlen(merged[i])) == 0)
			return path + strlen("/usr");
	return path;
}

static bool path_matches(const char *path, const char *pattern)
{
	if (!path || !*path)
		return false;
	if (strchr(pattern, '/'))
		return glob_match(skip_usr(pattern), skip_usr(path));
	const char *slash = strrchr(path, '/');
	return glob_match(pattern, slash ? slash + 1 : path);
}

bool program_matches(const struct program *program, const char *pattern)
{
	return path_matches(program->path, pattern) || path_matches(program->exe, pattern) ||
	       path_matches(program->script, pattern);
}

static bool is_selected(const struct selection *selection, const struct task *task)
{
	switch (selection->selector) {
	case SELECT_TASK:
		return glob_match(selection->pattern, task_title(task));
	case SELECT_PROCESS:
		return glob_match(selection->pattern, task_title(task->leader));
	case SELECT_EXEC:
		for (const struct program *program = task->programs; program; program = program->next)
			if (program_matches(program, selection->pattern))
				return true;
		return false;
	default:
		return true;
	}
}

bool selection_is_empty(const struct history *history, const struct selection *selection)
{
	if (selection->selector == SELECT_ALL)
		return false;
	for (uint32_t i = 0; i < history->n_tasks; i++)
		if (is_selected(selection, history->tasks[i]))
			return false;
	return true;
}

static bool visit_programs(
	struct subject *subject, const struct selection *selection, visit_function *function, void *arg)
{
	for (subject->program = subject->task->programs; subject->program;
		subject->program = subject->program->next) {
		if (selection->selector == SELECT_EXEC &&
			!program_matches(subject->program, selection->pattern))
			continue;
		if (!function(subject, arg))
			return false;
	}
	return true;
}

static bool visit_failures(struct subject *subject, visit_function *function, void *arg)
{
	for (subject->failure = subject->task->failures; subject->failure;
		subject->failure = subject->failure->next)
		if (!function(subject, arg))
			return false;
	return true;
}

static bool visit_signals(struct subject *subject, visit_function *function, void *arg)
{
	for (subject->signal = subject->task->signals; subject->signal;
		subject->signal = subject->signal->next)
		if (!subject->signal->stop && !function(subject, arg))
			return false;
	return true;
}

void visit(const struct history *history, const struct selection *selection, enum domain domain,
	bool made_only, visit_function *function, void *arg)
{
	bool go_on = true;
	for (uint32_t i = 0; i < history->n_tasks && go_on; i++) {
		struct subject subject = { .history = history, .task = history->tasks[i] };
		if (made_only && subject.task->by.call == CALL_KIN)
			continue;
		if (!is_selected(selection, subject.task))
			continue;
		switch (domain) {
		case DOMAIN_TASKS:
			go_on = function(&subject, arg);
			break;
		case DOMAIN_EXECS:
			go_on = visit_programs(&subject, selection, function, arg);
			break;
		case DOMAIN_FAILED:
			go_on = visit_failures(&subject, function, arg);
			break;
		case DOMAIN_RECEIVED:
			go_on = visit_signals(&subject, function, arg);
			break;
		}
	}
}
