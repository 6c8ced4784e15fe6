/* Execs without stops: the record of the new name, the first code mapped after it, and what /proc still says. */
#include "record/family.h"
#include "record/proc.h"
#include "record/stack_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An exec takes less than a millisecond to be set up; longer only on a machine with too much to do. */
#define WAIT_NS 20000000

static void exec_free(struct exec_seen *seen)
{
	text_finish(&seen->path);
	text_finish(&seen->exe);
	text_finish(&seen->arguments);
	text_finish(&seen->cwd);
	free(seen);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* The kernel cuts names to 15 bytes. */
static bool is_named(const char *path, const char *name)
{
	return strncmp(base_name(path), name, 15) == 0;
}

static int read_arguments(int pid, struct text *arguments)
{
	char path[64], bytes[4096];
	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t count;
	text_clear(arguments);
	while ((count = read(fd, bytes, sizeof bytes)) > 0)
		text_add_bytes(arguments, bytes, (size_t)count);
	int error = count < 0 ? errno : 0;
	close(fd);
	return error ? -error : text_failed(arguments) ? -ENOMEM : 0;
}

/* What was read may be of the program after this one: then the file that runs is another. */
static bool still_runs(const struct exec_seen *seen)
{
	struct text exe = { 0 };
	int error = proc_read_link(seen->tid, "exe", &exe);
	bool same =
		error == -EACCES || (error == 0 && strcmp(text_string(&exe), text_string(&seen->exe)) == 0);
	text_finish(&exe);
	return same;
}

/* What has run already shows nothing of itself but by then is gone: the working directory may still be read. */
static void look_around(struct exec_seen *seen)
{
	seen->looked = true;
	if (proc_read_link(seen->tid, "cwd", &seen->cwd) == 0 && seen->exe.length > 0 && !still_runs(seen))
		text_clear(&seen->cwd);
}

/* Returns false when it is too early: the arguments are not in their place yet. */
static bool look(struct exec_seen *seen)
{
	int error = read_arguments(seen->tid, &seen->arguments);
	if (error == 0 && seen->arguments.length == 0)
		return false;
	seen->looked = true;
	if (error == 0)
		error = proc_read_link(seen->tid, "cwd", &seen->cwd);
	if (seen->exe.length > 0 && !still_runs(seen))
		error = -ESRCH;
	if (error)
		text_clear(&seen->arguments);
	return true;
}

/* A script's interpreter runs with the script among its first arguments, under the script's name. */
static const char *find_script(const struct exec_seen *seen, const char *const *argv, size_t argc)
{
	if (argc < 2 || is_named(argv[0], seen->name))
		return NULL;
	for (size_t i = 1; i < argc && i < 3; i++)
		if (is_named(argv[i], seen->name))
			return argv[i];
	return NULL;
}

static const char **split(const struct text *arguments, size_t *ret_count)
{
	size_t count = 0;
	const char *bytes = text_string(arguments);
	for (size_t i = 0; i < arguments->length; i++)
		count += bytes[i] == '\0' || i + 1 == arguments->length;
	const char **argv = calloc(count + 1, sizeof *argv);
	if (!argv)
		return NULL;
	const char *at = bytes;
	for (size_t i = 0; i < count; i++) {
		argv[i] = at;
		at += strlen(at) + 1;
	}
	*ret_count = count;
	return argv;
}

static void report(struct family *family, const struct exec_seen *seen)
{
	const struct live *live = tasks_find(&family->tasks, seen->tid);
	if (!live)
		return;
	struct event event = {
		.type = EVENT_EXEC, .task = live->number, .time = family_time(family, seen->time)
	};
	struct event_exec *exec = &event.exec;
	size_t argc = 0;
	const char **argv = seen->arguments.length ? split(&seen->arguments, &argc) : NULL;
	exec->call = CALL_UNKNOWN;
	exec->exe = seen->exe.length ? text_string(&seen->exe) : NULL;
	exec->former_tid = seen->former_tid;
	if (argv) {
		exec->argv = argv;
		exec->argc = argc;
		exec->argv_known = true;
		exec->script = find_script(seen, argv, argc);
	}
	exec->cwd = seen->cwd.length ? text_string(&seen->cwd) : NULL;
	exec->compat = seen->compat;
	exec->path = seen->path.length ? text_string(&seen->path)
		     : exec->script    ? exec->script
		     : exec->exe       ? exec->exe
				       : seen->name;
	source_emit(family->source, &event);
	free(argv);
}

static struct exec_seen **link_to(struct family *family, int tid)
{
	struct exec_seen **link = &family->execs;
	while (*link && (*link)->tid != tid)
		link = &(*link)->next;
	return link;
}

static void settle(struct family *family, struct exec_seen **link)
{
	struct exec_seen *seen = *link;
	if (!seen->looked)
		look(seen);
	*link = seen->next;
	report(family, seen);
	exec_free(seen);
}

void execs_settle(struct family *family, int tid, bool all)
{
	if (tid) {
		struct exec_seen **link = link_to(family, tid);
		if (*link)
			settle(family, link);
		return;
	}
	uint64_t now = perf_now();
	for (struct exec_seen **link = &family->execs; *link;) {
		struct exec_seen *seen = *link;
		bool late = now - seen->time > WAIT_NS;
		if (all || late || (seen->complete && (seen->looked || look(seen))))
			settle(family, link);
		else
			link = &seen->next;
	}
}

/* By exec a thread takes its leader's TID; the leader has ended just before, and so have all others. */
static struct live *take_over(struct family *family, int tgid)
{
	struct live *live = tasks_find(&family->tasks, tgid);
	size_t state = 0;
	struct live *other, *next = NULL;
	while (!live && (other = tasks_each(&family->tasks, &state, &next))) {
		if (other->group->tgid != tgid)
			continue;
		live = other;
		live->thread = false;
		for (struct leaving *leaving = family->leaving; leaving; leaving = leaving->next)
			if (leaving->tid == tgid)
				leaving->exec_by_thread = true;
	}
	return live;
}

int exec_record(struct family *family, const struct perf_record *record)
{
	struct live *live = take_over(family, record->tid);
	if (!live)
		return 0;
	struct exec_seen *seen = calloc(1, sizeof *seen);
	if (!seen)
		return -ENOMEM;
	seen->tid = record->tid;
	seen->former_tid = live->tid;
	seen->time = record->time;
	snprintf(seen->name, sizeof seen->name, "%.15s", record->comm.name);
	if (live->tid != record->tid) {
		if (family->faults)
			faults_exec(family->faults, record->tid, live->tid);
		tasks_rename(&family->tasks, live, record->tid);
	}
	snprintf(live->name, sizeof live->name, "%.15s", record->comm.name);
	seen->next = family->execs;
	family->execs = seen;
	if (live->tid == family->started->pid)
		family->source->result->started = true;
	return 0;
}

void exec_mapped(struct family *family, const struct perf_record *record)
{
	struct exec_seen *seen = *link_to(family, record->tid);
	if (!seen)
		return;
	if (*record->mmap.path == '/' && seen->exe.length == 0)
		text_add(&seen->exe, record->mmap.path);
	/* The last that the kernel maps before it lays out the arguments, of which a record tells, or else /proc. */
	if (strcmp(record->mmap.path, "[vdso]") != 0 || perf_has_arguments(family->perf))
		return;
	seen->complete = true;
	if (!seen->looked)
		look(seen);
}

void exec_stack(struct family *family, const struct perf_record *record)
{
	struct exec_seen *seen = *link_to(family, record->tid);
	const struct stack_image image = { .bytes = record->exec.stack,
		.count = (size_t)record->exec.stack_length,
		.address = record->exec.stack_pointer,
		.compat = record->exec.compat };
	if (!seen)
		return;
	struct text arguments = { 0 }, path = { 0 };
	if (stack_image_read(&image, &arguments, &path) == 0) {
		text_finish(&seen->arguments);
		seen->arguments = arguments;
		text_finish(&seen->path);
		seen->path = path;
		if (!seen->looked)
			look_around(seen);
	} else {
		text_finish(&arguments);
		text_finish(&path);
		if (!seen->looked)
			look(seen);
	}
	seen->complete = true;
	seen->compat = record->exec.compat;
}

bool exec_out_of_sight(struct family *family, int tid)
{
	struct exec_seen *seen = *link_to(family, tid);
	if (!seen || seen->exe.length > 0)
		return false;
	seen->complete = true;
	return true;
}

void execs_finish(struct family *family)
{
	while (family->execs) {
		struct exec_seen *seen = family->execs;
		family->execs = seen->next;
		exec_free(seen);
	}
}
