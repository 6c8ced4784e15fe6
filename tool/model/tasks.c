/* What can be asked of a task in a history. */
#include "model/history.h"

#include <string.h>

struct task *history_task(const struct history *history, uint32_t number)
{
	return number >= 1 && number <= history->n_tasks ? history->tasks[number - 1] : NULL;
}

const struct program *task_program(const struct task *task)
{
	return task->last_program ? task->last_program : task->inherited;
}

const char *program_title(const struct program *program)
{
	const char *path = program->script ? program->script : *program->path ? program->path : program->exe;
	if (!path || !*path)
		return "?";
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

const char *task_title(const struct task *task)
{
	if (task->name)
		return task->name;
	const struct program *program = task_program(task);
	return program ? program_title(program) : "?";
}

uint64_t task_wall(const struct history *history, const struct task *task)
{
	uint64_t end = task->state == TASK_RUNNING ? history->last_time : task->end;
	return end > task->start ? end - task->start : 0;
}

uint64_t task_faults_by_cause(const struct task *task, enum cause cause)
{
	uint64_t count = 0;
	for (const struct fault_row *row = task->faults; row; row = row->next)
		if (row->cause == cause)
			count += row->count;
	return count;
}
