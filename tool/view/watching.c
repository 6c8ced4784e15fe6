/* The footer of every report: what was counted, by which means, what they could not see, what watching cost. */
#include "view/format.h"

#include <errno.h>

struct counts {
	uint64_t processes, threads, programs, running;
};

static struct counts count_all(const struct history *history)
{
	struct counts counts = { 0 };
	for (uint32_t i = 0; i < history->n_tasks; i++) {
		const struct task *task = history->tasks[i];
		if (task->thread)
			counts.threads++;
		else
			counts.processes++;
		counts.running += task->state == TASK_RUNNING;
		for (const struct program *program = task->programs; program; program = program->next)
			counts.programs++;
	}
	return counts;
}

static void add_list(struct text *line, size_t count, const char *const *items, const char *between,
	const char *before_last, const struct view_options *options)
{
	for (size_t i = 0; i < count; i++) {
		text_add(line, i == 0 ? "" : i + 1 < count ? between : before_last);
		add_name(line, items[i], options);
	}
}

static void add_totals(struct text *line, const struct history *history, const struct glyphs *glyphs)
{
	struct counts counts = count_all(history);
	if (counts.processes == 1)
		text_add(line, "1 process, ");
	else {
		add_count(line, counts.processes);
		text_add(line, " processes, ");
	}
	add_counted(line, counts.threads, "thread");
	text_add(line, ", ");
	add_counted(line, counts.programs, "program");
	text_add(line, " run in ");
	add_duration(line, history->complete ? history->end.wall_ns : history->last_time, glyphs);
	text_add(line, ".");
}

static void add_means(struct text *line, const struct history *history, const struct view_options *options)
{
	const struct event_start *start = &history->start;
	text_add(line, "Watched by kin ");
	add_name(line, start->kin ? start->kin : "of an unknown version", options);
	if (start->kernel) {
		text_add(line, " on ");
		add_name(line, start->kernel, options);
	}
	if (start->n_sources) {
		text_add(line, " through ");
		add_list(line, start->n_sources, start->sources, ", ", " and ", options);
	}
	text_add(line, ".");
}

static void add_cost(struct text *line, const struct history *history, const struct glyphs *glyphs)
{
	const struct event_end *end = &history->end;
	add_counted(line, end->lost, "record");
	text_add(line, " lost, ");
	add_counted(line, end->stops, "stop");
	text_add(line, ", kin used ");
	add_duration(line, end->self_user_ns + end->self_system_ns, glyphs);
	text_add(line, " of CPU.");
}

static void add_cut(struct text *line, const struct history *history, const struct glyphs *glyphs)
{
	struct counts counts = count_all(history);
	text_add(line, "The recording is cut short at ");
	add_duration(line, history->last_time, glyphs);
	text_add(line, ": what came later is not known");
	if (counts.running) {
		text_add(line, ", ");
		add_counted(line, counts.running, "task");
		text_add(line, " had not ended");
	}
	text_add(line, ".");
}

int view_watching(struct text *out, const struct history *history, const struct view_options *options)
{
	const struct glyphs *glyphs = glyphs_for(options);
	struct text line = { 0 };
	add_totals(&line, history, glyphs);
	text_add_char(&line, ' ');
	add_means(&line, history, options);
	text_add_char(&line, ' ');
	if (history->complete)
		add_cost(&line, history, glyphs);
	else
		add_cut(&line, history, glyphs);
	add_wrapped(out, options, 0, 0, text_string(&line));
	if (history->start.n_unseen) {
		text_clear(&line);
		text_add(&line, "Not seen: ");
		add_list(&line, history->start.n_unseen, history->start.unseen, "; ", "; ", options);
		text_add_char(&line, '.');
		add_wrapped(out, options, 0, 2, text_string(&line));
	}
	bool failed = text_failed(&line) || text_failed(out);
	text_finish(&line);
	return failed ? -ENOMEM : 0;
}
