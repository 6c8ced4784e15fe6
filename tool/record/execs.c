/* A task runs another program. */
#include "record/call.h"
#include "record/tracer.h"
#include "record/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

/*
 * Only one task is left after an exec, under its process's PID. When another thread than the leader called it,
 * that thread takes the leader's TID and the leader is gone without a report of its end; so, at times, are
 * threads that died for the exec.
 */
static struct live *take_over(struct tracer *tracer, struct live *leader, int former_tid)
{
	if (leader->tid == former_tid)
		return leader;
	struct live *caller = tasks_find(&tracer->tasks, former_tid);
	if (!caller || caller->group != leader->group)
		return leader;
	int tgid = leader->tid;
	struct event event = { .type = EVENT_EXIT, .task = leader->number };
	event.exit.exec_by_thread = true;
	source_emit(tracer->source, &event);
	leader->group->alive--;
	tasks_remove(&tracer->tasks, leader);
	tasks_rename(&tracer->tasks, caller, tgid);
	caller->thread = false;
	return caller;
}

static void keep_environment(struct tracer *tracer, struct group *group, struct event_exec *exec,
	struct text *names, const char ***changes)
{
	const struct text *new = &tracer->image.environment;
	struct environment *old = group->environment;
	if (environment_changes(old ? old->bytes : "", old ? old->length : 0, text_string(new), new->length,
		    names, changes, &exec->n_env) < 0)
		return;
	exec->env = *changes;
	exec->env_known = true;
	if (old && old->length == new->length &&memcmp(old->bytes, new->bytes, new->length) == 0)
		return;
	struct environment *environment = malloc(sizeof *environment + new->length);
	if (!environment)
		return;
	environment->users = 1;
	environment->length = new->length;
	memcpy(environment->bytes, text_string(new), new->length);
	/* The strings of the changes may point into the old block: it is released after the event. */
	group->environment = environment;
}

/*
 * Once a program runs, the kernel gives every exec the number of execve. What is left of an execveat is the
 * path it makes up for a file given by descriptor; one relative to the working directory looks like an execve.
 */
static enum call call_of(const struct image *image)
{
	return strncmp(text_string(&image->path), "/dev/fd/", 8) == 0 ? CALL_EXECVEAT : CALL_EXECVE;
}

static void fill_event(const struct image *image, struct event_exec *exec)
{
	exec->call = call_of(image);
	exec->path = text_string(&image->path);
	exec->exe = image->exe.length ? text_string(&image->exe) : NULL;
	exec->script = image->script ? exec->path : NULL;
	exec->argc = image->argc;
	exec->argv = image->argv;
	exec->argv_known = true;
	exec->cwd = image->cwd.length ? text_string(&image->cwd) : NULL;
	exec->setid = image->setid;
	exec->compat = image->compat;
}

static void remember_name(struct live *live, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t length = strnlen(base, sizeof live->name - 1);
	memset(live->name, 0, sizeof live->name);
	memcpy(live->name, base, length);
}

/* A task that has taken another TID over by exec is out of ptrace's reach until that stop has been waited for. */
static int read_former_tid(int tid, unsigned long *former)
{
	if (ptrace(PTRACE_GETEVENTMSG, tid, 0, former) == 0)
		return 0;
	consume_stop(tid);
	return ptrace(PTRACE_GETEVENTMSG, tid, 0, former) < 0 ? -errno : 0;
}

void exec_happened(struct tracer *tracer, struct live *live)
{
	struct call_registers registers;
	unsigned long former = 0;
	const struct recorder_options *options = tracer->source->options;
	if (!live->group || read_former_tid(live->tid, &former) < 0)
		goto resume;
	live = take_over(tracer, live, (int)former);
	struct event event = { .type = EVENT_EXEC, .task = live->number };
	event.exec.former_tid = (int)former;
	struct text names = { 0 };
	const char **changes = NULL;
	struct environment *old = live->group->environment;
	if (call_read_registers(live->tid, &registers) == 0 &&
		image_read(&tracer->image, live->tid, &registers, options->env) == 0) {
		fill_event(&tracer->image, &event.exec);
		if (options->env)
			keep_environment(tracer, live->group, &event.exec, &names, &changes);
		remember_name(live, event.exec.path);
	} else {
		/* Killed in the middle of its exec, or out of memory: that it ran something is still true. */
		event.exec.call = CALL_EXECVE;
		event.exec.path = "?";
	}
	if (live->number == 1 && !tracer->source->result->started)
		tracer->source->result->started = true;
	source_emit(tracer->source, &event);
	if (live->group->environment != old)
		environment_release(old);
	free(changes);
	text_finish(&names);
	watch_exec(tracer->watch, live, (int)former);
	if (event.exec.argv_known)
		hint_at_exec(tracer, live);
resume:
	tracer_resume(tracer, live, 0);
}
