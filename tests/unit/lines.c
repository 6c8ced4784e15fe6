/* view/lines.c and the tasks alive it keeps: one write a line, and nothing kept of a task that has ended. */
#include "tap.h"
#include "view/living.h"
#include "view/view.h"

#include <fcntl.h>
#include <unistd.h>

static void alive(void)
{
	struct living living;
	bool right = living_init(&living) == 0;
	for (uint32_t i = 1; i <= 100000 && right; i++) {
		right = living_add(&living, i, "task") != NULL;
		if (i > 10)
			living_remove(&living, i - 10);
	}
	tap_ok(right, "a hundred thousand tasks come and go");
	tap_is_int(living.count, 10, "ten are left");
	tap_is_int(living.n_buckets, 64, "and no more room was taken for them");
	tap_ok(living_find(&living, 99991) && !living_find(&living, 99990), "the last ten");
	living_remove(&living, 5);
	tap_is_int(living.count, 10, "removing one that is not there");
	for (uint32_t i = 200000; i < 210000 && right; i++)
		right = living_add(&living, i, "x") != NULL;
	for (uint32_t i = 200000; i < 210000 && right; i++)
		right = living_find(&living, i) && living_find(&living, i)->number == i;
	tap_ok(right, "ten thousand at once are all found");
	struct living_task *task = living_find(&living, 200000);
	tap_is_int(living_rename(task, "another"), 0, "renamed");
	tap_is_string(task->title, "another", "to its new title");
	living_finish(&living);
}

/* What one event makes the view write, "" for nothing; it must be one write, hence the pipe in packet mode. */
static const char *line_of(struct view_lines *lines, int fd, const struct event *event)
{
	static char line[4096];
	struct event_sink *sink = view_lines_sink(lines);
	if (sink->take(sink, event) < 0)
		return "refused";
	ssize_t length = read(fd, line, sizeof line - 1);
	line[length > 0 ? length : 0] = '\0';
	return line;
}

static struct event birth(uint32_t task, int tid, uint32_t maker)
{
	return (struct event){
		.type = EVENT_BIRTH,
		.time = 1500000,
		.task = task,
		.birth = { .tid = tid,
			.tgid = tid,
			.maker = maker,
			.by = { .call = maker ? CALL_FORK : CALL_KIN, .flags_known = true } },
	};
}

static void events(void)
{
	int ends[2];
	struct view_lines *lines;
	struct view_options options = { 0 };
	if (pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) < 0) {
		tap_skip("lines", "no pipe in packet mode");
		return;
	}
	tap_is_int(view_lines_create(&lines, ends[1], &options), 0, "made");
	struct event first = birth(1, 50, 0), second = birth(2, 51, 1);
	struct event signal = { .type = EVENT_SIGNAL, .time = 2000000, .task = 2, .signal = { .signo = 15 } };
	struct event end = {
		.type = EVENT_EXIT, .time = 3500000, .task = 2, .exit = { .status_known = true }
	};
	line_of(lines, ends[0], &first);
	tap_is_string(line_of(lines, ends[0], &second),
		"   0.001500      50                  made process 51 by fork\n",
		"a birth is told of the maker");
	tap_is_string(line_of(lines, ends[0], &signal), "   0.002000      51                  got SIGTERM\n",
		"a signal of who gets it");
	tap_is_string(line_of(lines, ends[0], &end),
		"   0.003500      51                  exit 0 after 2.00 ms\n", "an exit");
	tap_is_string(line_of(lines, ends[0], &signal), "", "nothing is known of it any more");
	tap_is_string(line_of(lines, ends[0], &first), "refused", "nobody is born twice");
	struct event note = { .type = EVENT_NOTE, .text = "look\nup" };
	tap_is_string(
		line_of(lines, ends[0], &note), "   0.000000  note: look\\nup\n", "a note stays one line");
	view_lines_destroy(lines);
	view_lines_destroy(NULL);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	alive();
	events();
	return tap_done();
}
