#include "view/details.h"
#include "model/names.h"
#include "view/label.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define CLONE_PARENT 0x8000
#define MOST_FACTS 8
#define MOST_EXAMPLES 3

struct fact {
	char *words;
	enum style style;
	uint64_t count;
	const char *examples[MOST_EXAMPLES]; // owned by the history
	uint64_t n_examples; // distinct ones may be fewer than counted when there are many
};

static void forget(struct details *details)
{
	for (size_t i = 0; i < details->count; i++)
		free(details->facts[i].words);
	details->count = 0;
	details->dropped = 0;
	details->failed = false;
}

void details_finish(struct details *details)
{
	forget(details);
	free(details->facts);
	text_finish(&details->scratch);
	*details = (struct details){ 0 };
}

static struct fact *new_fact(struct details *details)
{
	if (details->count == details->capacity) {
		size_t capacity = details->capacity ? details->capacity * 2 : 8;
		struct fact *facts = realloc(details->facts, capacity * sizeof *facts);
		if (!facts)
			return NULL;
		details->facts = facts;
		details->capacity = capacity;
	}
	char *words = strdup(text_string(&details->scratch));
	if (!words)
		return NULL;
	struct fact *fact = &details->facts[details->count++];
	*fact = (struct fact){ .words = words };
	return fact;
}

/* Take the scratch text as a fact. NULL when there are too many of them already, or no memory. */
static struct fact *add_fact(struct details *details, enum style style)
{
	for (size_t i = 0; i < details->count; i++) {
		struct fact *fact = &details->facts[i];
		if (strcmp(fact->words, text_string(&details->scratch)) == 0) {
			fact->count++;
			return fact;
		}
	}
	if (!details->keep_all && details->count >= MOST_FACTS) {
		details->dropped++;
		return NULL;
	}
	struct fact *fact = new_fact(details);
	if (!fact) {
		details->failed = true;
		return NULL;
	}
	fact->style = style;
	fact->count = 1;
	return fact;
}

void details_add(struct details *details, enum style style)
{
	add_fact(details, style);
}

static void add_example(struct fact *fact, const char *example)
{
	for (size_t i = 0; i < MOST_EXAMPLES && i < fact->n_examples; i++)
		if (fact->examples[i] == example)
			return;
	if (fact->n_examples < MOST_EXAMPLES)
		fact->examples[fact->n_examples] = example;
	fact->n_examples++;
}

struct text *details_begin(struct details *details)
{
	text_clear(&details->scratch);
	return &details->scratch;
}

static void add_sender(struct text *out, const struct sender *sender, const struct task *target,
	const struct fold *fold, const struct view_options *options)
{
	const struct task *from = history_task(fold->history, sender->task);
	if (!sender->known)
		return;
	if (sender->kernel)
		text_add(out, " from the kernel");
	else if (from && from->leader == target->leader)
		text_add(out, from == target ? " from itself" : " from its own process");
	else if (from) {
		text_add(out, " from ");
		add_task_reference(out, from, options);
	} else if (sender->pid) {
		text_printf(out, " from PID %d (UID %d)", sender->pid, sender->uid);
	} else {
		text_add(out, " from outside");
	}
}

static void failures(struct details *details, const struct task *task, const struct view_options *options)
{
	char buffer[24];
	for (const struct failure *failure = task->failures; failure; failure = failure->next) {
		struct text *words = details_begin(details);
		text_printf(words, "%s failed: %s", call_name(failure->by.call),
			error_name(failure->error, buffer));
		if (failure->limit) {
			text_add(words, ", ");
			add_name(words, failure->limit, options);
		}
		if (failure->path && options->verbose) {
			text_add(words, " for ");
			add_name(words, failure->path, options);
		}
		struct fact *fact = add_fact(details, STYLE_BAD);
		if (fact && failure->path && !options->verbose)
			add_example(fact, failure->path);
	}
}

/* Signals that programs live by: not worth a line unless asked for. */
static bool is_routine(const struct signal_seen *seen)
{
	switch (seen->signo) {
	case SIGCHLD:
	case SIGWINCH:
	case SIGURG:
	case SIGALRM:
	case SIGVTALRM:
	case SIGPROF:
	case SIGIO:
	case SIGCONT:
		return true;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return !seen->stop; // the stop itself is told
	default:
		return seen->signo == 32 || seen->signo == 33; // the C library's own
	}
}

static void signals(struct details *details, const struct task *task, const struct fold *fold,
	const struct view_options *options)
{
	char buffer[24];
	for (const struct signal_seen *seen = task->signals; seen; seen = seen->next) {
		bool fatal = task->by_signal && seen->signo == task->status && seen == task->last_signal;
		if (!options->verbose && (is_routine(seen) || fatal))
			continue;
		struct text *words = details_begin(details);
		if (seen->stop)
			text_printf(words, seen->signo == SIGCONT ? "continued" : "stopped by %s",
				signal_name(seen->signo, buffer));
		else
			text_printf(words, "got %s", signal_name(seen->signo, buffer));
		add_sender(words, &seen->sender, task, fold, options);
		add_fact(details, STYLE_PLAIN);
	}
}

static void death(struct details *details, const struct task *task, const struct fold *fold,
	const struct view_options *options)
{
	char buffer[24];
	if (task->state != TASK_ENDED || !task->by_signal || task->exec_by_thread)
		return;
	if (task->leader != task && task->leader->by_signal && task->leader->status == task->status)
		return;
	struct text *words = details_begin(details);
	if (task->oom == OOM_YES)
		text_add(words, "killed by the kernel: out of memory");
	else if (task->oom == OOM_LIKELY)
		text_add(words, "killed by the kernel, likely for lack of memory");
	else if (task->killer.known && !task->killer.kernel) {
		text_printf(words, "ended by %s", signal_name(task->status, buffer));
		add_sender(words, &task->killer, task, fold, options);
	} else {
		return;
	}
	add_fact(details, STYLE_BAD);
}

static void origin(struct details *details, const struct task *task, const struct view_options *options)
{
	if (task->by.flags & CLONE_PARENT && !task->thread && !task->adopted_by) {
		struct text *words = details_begin(details);
		text_add(words, "parent is not its maker");
		if (task->parent && task->parent != task->maker) {
			text_add(words, " but ");
			add_task_reference(words, task->parent, options);
		} else {
			text_add(words, " but its maker's parent");
		}
		text_add(words, " (CLONE_PARENT)");
		add_fact(details, STYLE_PLAIN);
	}
	if (task->untraced) {
		text_add(details_begin(details), "not traced (CLONE_UNTRACED): known from perf records only");
		add_fact(details, STYLE_INFO);
	}
}

static void execs(struct details *details, const struct task *task)
{
	for (const struct program *program = task->programs; program; program = program->next) {
		if (program->former_tid && program->former_tid != task->tgid && task->thread) {
			text_printf(details_begin(details), "thread %d called exec and took over the process",
				program->former_tid);
			add_fact(details, STYLE_INFO);
		}
		if (program->setid) {
			text_add(details_begin(details),
				"set-user-ID was not honoured, as the program is traced");
			add_fact(details, STYLE_WARN);
		}
	}
}

static void afterlife(struct details *details, const struct task *task, const struct fold *fold,
	const struct view_options *options)
{
	if (task->adopted_by) {
		struct text *words = details_begin(details);
		text_add(words, "adopted by ");
		if (task->parent && task->parent->tgid == task->adopted_by)
			add_task_reference(words, task->parent, options);
		else
			text_printf(
				words, task->adopted_by == 1 ? "PID 1 (init)" : "PID %d", task->adopted_by);
		add_fact(details, STYLE_PLAIN);
	}
	if (task->state == TASK_LET_GO && task->let_go) {
		struct text *words = details_begin(details);
		text_add(words, "let go: ");
		add_name(words, task->let_go, options);
		add_fact(details, STYLE_INFO);
	}
}

void details_of_row(struct details *details, const struct fold *fold, const struct row *row,
	const struct view_options *options)
{
	forget(details);
	struct view_options per_task = *options;
	per_task.verbose = options->verbose && row->count == 1;
	details->keep_all = row->count == 1 && (options->verbose || options->all);
	for (const struct task *task = row_task(fold, row); task; task = row_next_task(fold, task)) {
		if (per_task.verbose)
			verbose_details(details, fold, task, &per_task);
		origin(details, task, &per_task);
		execs(details, task);
		failures(details, task, &per_task);
		signals(details, task, fold, &per_task);
		death(details, task, fold, &per_task);
		afterlife(details, task, fold, &per_task);
	}
}

size_t details_lines(const struct details *details)
{
	return details->count + (details->dropped > 0);
}

enum style details_line(
	struct text *out, const struct details *details, size_t i, const struct view_options *options)
{
	const struct glyphs *glyphs = glyphs_for(options);
	if (i >= details->count) {
		text_printf(out, "%s and ", glyphs->more);
		add_count(out, details->dropped);
		text_add(out, " more of other kinds");
		return STYLE_PLAIN;
	}
	const struct fact *fact = &details->facts[i];
	text_add(out, fact->words);
	for (size_t e = 0; e < fact->n_examples && e < MOST_EXAMPLES; e++) {
		text_add(out, e ? ", " : " for ");
		add_name(out, fact->examples[e], options);
	}
	if (fact->n_examples > MOST_EXAMPLES)
		text_printf(out, ", %s", glyphs->more);
	if (fact->count > 1 && fact->count != fact->n_examples) {
		text_printf(out, " (%s ", glyphs->times);
		add_count(out, fact->count);
		text_add_char(out, ')');
	}
	return fact->style;
}
