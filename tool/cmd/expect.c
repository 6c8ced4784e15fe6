/* kin expect: run a program and check expectations of its family. */
#include "cmd/cmd.h"
#include "cmd/expect_options.h"
#include "cmd/output.h"
#include "expect/tell.h"
#include "record/recorder.h"
#include "store/store.h"
#include "view/view.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_HELD = 0, STATUS_NOT_HELD = 1, STATUS_BAD = 2, STATUS_CANNOT_TELL = 3 };

/* Everything of one `kin expect`. */
struct expecting {
	struct event_sink sink; // feeds the history and, if asked for, the file to save to; keep first
	struct expect_options options;
	struct told *told;
	struct history history;
	struct store_writer save;
	struct output output, junit, saved;
	bool failed_by_need; // options.record.recorder.failed is there for an expression, the user did not ask
	char title[256];
	char broken[300]; // why the program did not start; empty if it did
};

static int take(struct event_sink *sink, const struct event *event)
{
	struct expecting *expecting = (struct expecting *)sink;
	int error = expecting->history.sink.take(&expecting->history.sink, event);
	if (expecting->options.save) {
		int not_saved = expecting->save.sink.take(&expecting->save.sink, event);
		error = error ? error : not_saved;
	}
	return error;
}

/* Every wrong expression is told, not the first alone. */
static int parse_expressions(struct expecting *expecting)
{
	const struct expect_options *options = &expecting->options;
	expecting->told = calloc(options->n_expressions, sizeof *expecting->told);
	if (!expecting->told)
		return cmd_fail(STATUS_BAD, "expect", "%s", strerror(ENOMEM));
	int status = 0;
	for (size_t i = 0; i < options->n_expressions; i++) {
		const char *source = options->expressions[i];
		struct expect_error wrong;
		int error =
			expectation_parse(&expecting->told[i].expectation, source, strlen(source), &wrong);
		if (error == -EINVAL) {
			struct text text = { 0 };
			tell_error(&text, source, &wrong);
			fputs(text_string(&text), stderr);
			text_finish(&text);
			status = STATUS_BAD;
		} else if (error < 0) {
			return cmd_fail(STATUS_BAD, "expect", "%s", strerror(-error));
		}
	}
	return status;
}

static int need_recorder_options(struct expecting *expecting)
{
	unsigned needs = 0;
	for (size_t i = 0; i < expecting->options.n_expressions; i++)
		needs |= expectation_needs(expecting->told[i].expectation);
	struct recorder_options *recorder = &expecting->options.record.recorder;
	recorder->faults = recorder->faults || (needs & EXPECT_NEEDS_FAULTS);
	expecting->failed_by_need = !recorder->failed && (needs & EXPECT_NEEDS_FAILED);
	recorder->failed = recorder->failed || expecting->failed_by_need;
	if (expecting->options.from || !recorder->failed)
		return 0;
	const char *who = needs & EXPECT_NEEDS_FAILED ? "a name of failed calls" : "--failed";
	if (recorder->no_stop)
		return cmd_usage("expect", "%s needs stops: leave out --no-stop", who);
	if (recorder->follow != FOLLOW_ALL)
		return cmd_usage("expect", "%s leaves a filter on every task, so it needs --follow=all", who);
	return 0;
}

static int create(struct output *output, const char *path)
{
	if (!path)
		return 0;
	int error = output_create(output, path);
	return error ? cmd_fail(STATUS_BAD, "expect", "cannot write %s: %s", path, strerror(-error)) : 0;
}

/* Before the program runs: a path that cannot be written must not cost a run. */
static int open_outputs(struct expecting *expecting)
{
	const struct expect_options *options = &expecting->options;
	output_standard(&expecting->output, STDERR_FILENO);
	int status = create(&expecting->output, options->output);
	if (!status)
		status = create(&expecting->junit, options->junit);
	if (!status)
		status = create(&expecting->saved, options->save);
	store_writer_init(&expecting->save, expecting->saved.fd);
	int error = status ? 0 : history_init(&expecting->history);
	return error ? cmd_fail(STATUS_BAD, "expect", "%s", strerror(-error)) : status;
}

/* The program has not been started by a recorder that fails before its first event: it can be asked for less. */
static int record(struct expecting *expecting, struct recorder_result *result)
{
	struct recorder_options *recorder = &expecting->options.record.recorder;
	int error = recorder_run(recorder, &expecting->sink, result);
	if (!error || result->started || expecting->history.started || !expecting->failed_by_need)
		return error;
	cmd_fail(0, "expect", "%s", *result->message ? result->message : strerror(-error));
	recorder->failed = false;
	return recorder_run(recorder, &expecting->sink, result);
}

static int run_program(struct expecting *expecting)
{
	struct recorder_result result = { 0 };
	int error = record(expecting, &result);
	const char *message = *result.message ? result.message : strerror(-error);
	if (error || !result.started)
		cmd_fail(0, "expect", "%s", message);
	if (error) // what came after is not known, even if the recorder has closed its books
		expecting->history.complete = false;
	if (result.started)
		return 0;
	snprintf(expecting->broken, sizeof expecting->broken, "%s", message);
	return result.exit_status ? result.exit_status : STATUS_CANNOT_TELL;
}

static int read_recording(struct expecting *expecting)
{
	const char *path = expecting->options.from;
	bool standard_input = strcmp(path, "-") == 0;
	FILE *file = standard_input ? stdin : fopen(path, "re");
	if (!file)
		return cmd_fail(STATUS_BAD, "expect", "cannot read %s: %s", path, strerror(errno));
	struct store_reading reading = { 0 };
	int error = store_read(file, &expecting->sink, &reading);
	if (!standard_input)
		fclose(file);
	if (error && error != -EBADMSG)
		return cmd_fail(STATUS_BAD, "expect", "%s: %s", path,
			*reading.message ? reading.message : strerror(-error));
	if (error || reading.cut)
		cmd_fail(0, "expect", "%s: %s", path,
			*reading.message ? reading.message : "the recording is cut short; read up to there");
	return 0;
}

static int check(struct expecting *expecting)
{
	int status = STATUS_HELD;
	for (size_t i = 0; i < expecting->options.n_expressions; i++) {
		struct told *told = &expecting->told[i];
		int error = expectation_check(told->expectation, &expecting->history, &told->outcome);
		if (error < 0)
			return cmd_fail(STATUS_CANNOT_TELL, "expect", "%s", strerror(-error));
		if (told->outcome.verdict == VERDICT_NOT_HELD)
			status = STATUS_NOT_HELD;
		else if (told->outcome.verdict == VERDICT_CANNOT_TELL && status == STATUS_HELD)
			status = STATUS_CANNOT_TELL;
	}
	return status;
}

static int write_text(struct output *output, const struct text *text)
{
	int error = text_failed(text) ? -ENOMEM : output_write(output, text_string(text), text->length);
	int not_closed = output_close(output);
	error = error ? error : not_closed;
	/* A reader that has gone (a closed pipe) is nobody to complain to. */
	if (error && error != -EPIPE)
		cmd_fail(0, "expect", "cannot write %s: %s", output->name, strerror(-error));
	return error;
}

static void make_title(struct expecting *expecting)
{
	const struct event_start *start = &expecting->history.start;
	struct text title = { 0 };
	text_add(&title, "kin expect");
	for (size_t i = 0; i < start->argc && title.length < sizeof expecting->title; i++)
		text_printf(&title, " %.100s", start->argv[i]);
	snprintf(expecting->title, sizeof expecting->title, "%s", text_string(&title));
	text_finish(&title);
}

static int write_main(struct expecting *expecting, const struct report *report, int status)
{
	const struct expect_options *options = &expecting->options;
	struct text text = { 0 };
	if (options->tap)
		tap_report(&text, report);
	else if (!options->quiet && !report->broken)
		tell_report(&text, report);
	if (options->tree && status && !report->broken && !options->quiet) {
		struct view_options view = { 0 };
		output_view_options(&expecting->output, COLOUR_AUTO, &view);
		view_tree(&text, &expecting->history, &view);
	}
	int error = write_text(&expecting->output, &text);
	text_finish(&text);
	return error;
}

static int write_reports(struct expecting *expecting, int status)
{
	make_title(expecting);
	signal(SIGPIPE, SIG_IGN); // a reader that has gone must not change the exit status
	struct report report = {
		.title = expecting->title,
		.history = &expecting->history,
		.told = expecting->told,
		.count = expecting->options.n_expressions,
		.broken = *expecting->broken ? expecting->broken : NULL,
	};
	int error = write_main(expecting, &report, status);
	if (expecting->options.junit) {
		struct text text = { 0 };
		junit_report(&text, &report);
		int not_written = write_text(&expecting->junit, &text);
		error = error ? error : not_written;
		text_finish(&text);
	}
	if (expecting->options.save) {
		struct text nothing = { 0 };
		int not_saved = store_writer_flush(&expecting->save);
		not_saved = not_saved ? not_saved : expecting->save.error;
		if (not_saved)
			cmd_fail(0, "expect", "cannot write %s: %s", expecting->options.save,
				strerror(-not_saved));
		int not_closed = write_text(&expecting->saved, &nothing);
		error = error ? error : not_saved ? not_saved : not_closed;
	}
	return error && error != -EPIPE && status == STATUS_HELD ? STATUS_BAD : status;
}

static void finish(struct expecting *expecting)
{
	for (size_t i = 0; expecting->told && i < expecting->options.n_expressions; i++) {
		expectation_destroy(expecting->told[i].expectation);
		outcome_finish(&expecting->told[i].outcome);
	}
	free(expecting->told);
	output_close(&expecting->output);
	output_close(&expecting->junit);
	output_close(&expecting->saved);
	history_finish(&expecting->history);
	store_writer_finish(&expecting->save);
	expect_options_finish(&expecting->options);
}

static int list_names(void)
{
	struct text text = { 0 };
	expect_list_names(&text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	return cmd_close_stdout("expect");
}

static int expect_run(int argc, char **argv)
{
	struct expecting expecting = { .sink.take = take, .saved.fd = -1 };
	int status = expect_options_read(&expecting.options, argc, argv);
	if (!status && expecting.options.list_names) {
		status = list_names();
		finish(&expecting);
		return status;
	}
	if (!status)
		status = parse_expressions(&expecting);
	if (!status)
		status = need_recorder_options(&expecting);
	if (!status)
		status = open_outputs(&expecting);
	if (!status) {
		status = expecting.options.from ? read_recording(&expecting) : run_program(&expecting);
		if (!status)
			status = check(&expecting);
		if (!expecting.options.from || expecting.history.started)
			status = write_reports(&expecting, status);
	}
	finish(&expecting);
	return status;
}

const struct command cmd_expect = {
	.name = "expect",
	.arguments = "[options] EXPR... -- PROG [ARG...]",
	.purpose = "Run a program and check what its family did, as in: threads == 2 && faults.major == 0",
	.run = expect_run,
	.help = expect_help,
};
