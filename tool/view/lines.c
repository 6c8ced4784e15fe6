/* One line per event as it happens. Each line is one write(2): lines of kin and of the program never mix within one. */
#include "model/history.h"
#include "model/names.h"
#include "view/format.h"
#include "view/living.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct view_lines {
	struct event_sink sink; // keep first
	int fd;
	struct view_options options;
	struct living living;
	struct text what, line;
	struct text program; // what kin was asked to run
};

/* What an event does to a task, in words, and the style of it. */
typedef enum style describe_fn(struct view_lines *lines, const struct event *event, struct living_task *task);

static void add_sender(struct view_lines *lines, const struct sender *sender, uint32_t target)
{
	const struct living_task *from = living_find(&lines->living, sender->task);
	if (!sender->known)
		return;
	if (sender->kernel)
		text_add(&lines->what, " from the kernel");
	else if (sender->task && sender->task == target)
		text_add(&lines->what, " from itself");
	else if (from) {
		text_add(&lines->what, " from ");
		add_name(&lines->what, from->title, &lines->options);
		text_printf(&lines->what, " (TID %d)", from->tid);
	} else if (sender->pid) {
		text_printf(&lines->what, " from PID %d (UID %d)", sender->pid, sender->uid);
	}
}

static void add_words(struct view_lines *lines, size_t count, const char *const *words)
{
	for (size_t i = 0; i < count; i++) {
		text_add_char(&lines->what, ' ');
		add_word(&lines->what, words[i], &lines->options);
	}
}

static enum style describe_start(
	struct view_lines *lines, const struct event *event, struct living_task *task)
{
	const struct event_start *start = &event->start;
	const char *program = start->argc ? start->argv[0] : "?", *slash = strrchr(program, '/');
	text_clear(&lines->program);
	text_add(&lines->program, slash && slash[1] ? slash + 1 : program);
	text_printf(&lines->what, "kin %s", start->command ? start->command : "run");
	add_words(lines, start->argc, start->argv);
	for (size_t i = 0; i < start->n_sources; i++) {
		text_add(&lines->what, i ? ", " : "; watched by ");
		add_name(&lines->what, start->sources[i], &lines->options);
	}
	return STYLE_DIM;
}

static enum style describe_birth(
	struct view_lines *lines, const struct event *event, struct living_task *task)
{
	const struct event_birth *birth = &event->birth;
	if (birth->by.call == CALL_KIN) {
		text_add(&lines->what, "started");
		return STYLE_PLAIN;
	}
	bool thread = birth->tid != birth->tgid;
	text_printf(&lines->what, "made %s %d by %s", thread ? "thread" : "process", birth->tid,
		birth->by.call == CALL_UNKNOWN ? "a call not seen" : call_name(birth->by.call));
	if (birth->by.flags_known && birth->by.flags) {
		text_add(&lines->what, " with ");
		clone_flags_format(&lines->what, birth->by.flags);
	}
	return STYLE_PLAIN;
}

static enum style describe_failed(
	struct view_lines *lines, const struct event *event, struct living_task *task)
{
	char buffer[24];
	const struct event_failed *failed = &event->failed;
	text_add(&lines->what, call_name(failed->by.call));
	if (failed->path) {
		text_add_char(&lines->what, ' ');
		add_word(&lines->what, failed->path, &lines->options);
	}
	text_printf(&lines->what, " failed: %s", error_name(failed->error, buffer));
	if (failed->limit) {
		text_add(&lines->what, ", ");
		add_name(&lines->what, failed->limit, &lines->options);
	}
	return STYLE_BAD;
}

static enum style describe_exec(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	const struct event_exec *exec = &event->exec;
	struct program program = {
		.path = exec->path ? exec->path : "", .exe = exec->exe, .script = exec->script
	};
	text_add(&lines->what, "runs ");
	add_word(&lines->what, *program.path ? program.path : exec->exe ? exec->exe : "?", &lines->options);
	if (exec->argv_known && exec->argc > 1)
		add_words(lines, exec->argc - 1, exec->argv + 1);
	if (exec->former_tid && exec->former_tid != task->tgid)
		text_printf(&lines->what, " (exec by thread %d)", exec->former_tid);
	task->tid = task->tgid;
	living_rename(task, program_title(&program));
	return STYLE_BOLD;
}

static enum style describe_name(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	text_add(&lines->what, "is now called ");
	add_word(&lines->what, event->name, &lines->options);
	living_rename(task, event->name);
	return STYLE_PLAIN;
}

static enum style describe_signal(
	struct view_lines *lines, const struct event *event, struct living_task *task)
{
	char buffer[24];
	text_printf(&lines->what, "got %s", signal_name(event->signal.signo, buffer));
	add_sender(lines, &event->signal.sender, event->task);
	return STYLE_PLAIN;
}

static enum style describe_stop(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	char buffer[24];
	text_printf(&lines->what, "stopped by %s", signal_name(event->stop_signal, buffer));
	return STYLE_WARN;
}

static enum style describe_cont(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	text_add(&lines->what, "goes on");
	return STYLE_PLAIN;
}

static enum style describe_adopt(
	struct view_lines *lines, const struct event *event, struct living_task *task)
{
	const struct living_task *parent = living_find(&lines->living, event->adopt.parent);
	text_printf(&lines->what, "adopted by PID %d", event->adopt.ppid);
	if (parent) {
		text_add(&lines->what, " (");
		add_name(&lines->what, parent->title, &lines->options);
		text_add_char(&lines->what, ')');
	} else if (event->adopt.ppid == 1) {
		text_add(&lines->what, " (init)");
	}
	return STYLE_PLAIN;
}

static enum style describe_faults(
	struct view_lines *lines, const struct event *event, struct living_task *task)
{
	const struct event_faults *faults = &event->faults;
	add_count(&lines->what, faults->count);
	text_printf(
		&lines->what, " %s%s faults in ", faults->major ? "major " : "", cause_name(faults->cause));
	add_name(&lines->what, faults->object ? faults->object : mapping_key(faults->mapping),
		&lines->options);
	if (faults->place) {
		text_add(&lines->what, " by ");
		add_name(&lines->what, faults->place, &lines->options);
	}
	if (faults->source) {
		text_add(&lines->what, " at ");
		add_name(&lines->what, faults->source, &lines->options);
	}
	return STYLE_PLAIN;
}

static enum style describe_exit(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	char buffer[24];
	const struct event_exit *exit = &event->exit;
	enum style style = STYLE_DIM;
	if (exit->exec_by_thread) {
		text_add(&lines->what, "ended by another thread's exec");
	} else if (!exit->status_known) {
		text_add(&lines->what, "ended");
	} else if (exit->by_signal) {
		text_printf(&lines->what, "ended by %s", signal_name(exit->status, buffer));
		add_sender(lines, &exit->killer, event->task);
		text_add(&lines->what, exit->core ? ", core dumped" : "");
		text_add(&lines->what, exit->oom == OOM_YES ? ", out of memory" : "");
		text_add(&lines->what, exit->oom == OOM_LIKELY ? ", likely for lack of memory" : "");
		style = STYLE_BAD;
	} else {
		text_printf(&lines->what, "exit %d", exit->status);
		style = exit->status ? STYLE_WARN : STYLE_DIM;
	}
	text_add(&lines->what, " after ");
	uint64_t wall = event->time > task->start ? event->time - task->start : 0;
	add_duration(&lines->what, wall, glyphs_for(&lines->options));
	return style;
}

static enum style describe_lost(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	text_add(&lines->what, "let go");
	if (event->text) {
		text_add(&lines->what, ": ");
		add_name(&lines->what, event->text, &lines->options);
	}
	return STYLE_INFO;
}

static enum style describe_note(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	text_add(&lines->what, "note: ");
	add_name(&lines->what, event->text ? event->text : "", &lines->options);
	return STYLE_INFO;
}

static enum style describe_end(struct view_lines *lines, const struct event *event, struct living_task *task)
{
	const struct event_end *end = &event->end;
	text_add(&lines->what, "end: ");
	add_counted(&lines->what, end->lost, "record");
	text_add(&lines->what, " lost, ");
	add_counted(&lines->what, end->stops, "stop");
	text_add(&lines->what, ", kin used ");
	add_duration(&lines->what, end->self_user_ns + end->self_system_ns, glyphs_for(&lines->options));
	text_add(&lines->what, " of CPU");
	return STYLE_DIM;
}

static describe_fn *const describers[] = {
	[EVENT_START] = describe_start,
	[EVENT_BIRTH] = describe_birth,
	[EVENT_FAILED] = describe_failed,
	[EVENT_EXEC] = describe_exec,
	[EVENT_NAME] = describe_name,
	[EVENT_SIGNAL] = describe_signal,
	[EVENT_STOP] = describe_stop,
	[EVENT_CONT] = describe_cont,
	[EVENT_ADOPT] = describe_adopt,
	[EVENT_FAULTS] = describe_faults,
	[EVENT_EXIT] = describe_exit,
	[EVENT_LOST] = describe_lost,
	[EVENT_NOTE] = describe_note,
	[EVENT_END] = describe_end,
};

static int write_line(int fd, const char *bytes, size_t count)
{
	while (count) {
		ssize_t written = write(fd, bytes, count);
		if (written >= 0) {
			bytes += written;
			count -= (size_t)written;
		} else if (errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };
			poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* The task a line is about: of a birth, the one that made the call. */
static void add_subject(struct view_lines *lines, const struct living_task *task, size_t *columns)
{
	struct text name = { 0 };
	text_printf(&lines->line, " %7d ", task->tid);
	add_name(&name, task->title, &lines->options);
	cut_columns(&name, 15, glyphs_for(&lines->options)->more);
	text_add(&lines->line, text_string(&name));
	size_t width = text_columns(text_string(&name));
	add_spaces(&lines->line, width < 15 ? 15 - width : 0);
	*columns += 9 + 15;
	text_finish(&name);
}

static int print(struct view_lines *lines, const struct event *event, const struct living_task *subject,
	enum style style)
{
	text_clear(&lines->line);
	text_printf(&lines->line, "%4" PRIu64 ".%06" PRIu64, event->time / 1000000000,
		event->time % 1000000000 / 1000);
	size_t columns = text_columns(text_string(&lines->line));
	if (subject)
		add_subject(lines, subject, &columns);
	text_add(&lines->line, "  ");
	columns += 2;
	if (lines->options.width)
		cut_columns(&lines->what,
			lines->options.width > columns + 20 ? lines->options.width - columns : 20,
			glyphs_for(&lines->options)->more);
	add_styled(&lines->line, &lines->options, style, text_string(&lines->what));
	text_add_char(&lines->line, '\n');
	if (text_failed(&lines->what) || text_failed(&lines->line))
		return -ENOMEM;
	return write_line(lines->fd, lines->line.bytes, lines->line.length);
}

static int add_newborn(struct view_lines *lines, const struct event *event, const struct living_task *maker)
{
	const struct event_birth *birth = &event->birth;
	const char *title = birth->name ? birth->name : maker ? maker->title : text_string(&lines->program);
	struct living_task *task = living_add(&lines->living, event->task, title);
	if (!task)
		return -ENOMEM;
	task->tid = birth->tid;
	task->tgid = birth->tgid;
	task->start = event->time;
	return 0;
}

static int take(struct event_sink *sink, const struct event *event)
{
	struct view_lines *lines = (struct view_lines *)sink;
	bool birth = event->type == EVENT_BIRTH;
	if (birth && living_find(&lines->living, event->task))
		return -EPROTO;
	struct living_task *subject = living_find(&lines->living, birth ? event->birth.maker : event->task);
	if (birth) {
		int error = add_newborn(lines, event, subject);
		if (error)
			return error;
		if (!subject)
			subject = living_find(&lines->living, event->task);
	}
	bool whole = event->type == EVENT_START || event->type == EVENT_NOTE || event->type == EVENT_END;
	if (!subject && !whole)
		return 0;
	text_clear(&lines->what);
	enum style style = describers[event->type](lines, event, subject);
	int error = print(lines, event, subject, style);
	if (event->type == EVENT_EXIT || event->type == EVENT_LOST)
		living_remove(&lines->living, event->task);
	return error;
}

int view_lines_create(struct view_lines **ret_lines, int fd, const struct view_options *options)
{
	struct view_lines *lines = calloc(1, sizeof *lines);
	if (!lines)
		return -ENOMEM;
	lines->sink.take = take;
	lines->fd = fd;
	lines->options = *options;
	if (living_init(&lines->living) < 0) {
		free(lines);
		return -ENOMEM;
	}
	*ret_lines = lines;
	return 0;
}

void view_lines_destroy(struct view_lines *lines)
{
	if (!lines)
		return;
	living_finish(&lines->living);
	text_finish(&lines->what);
	text_finish(&lines->line);
	text_finish(&lines->program);
	free(lines);
}

struct event_sink *view_lines_sink(struct view_lines *lines)
{
	return &lines->sink;
}
