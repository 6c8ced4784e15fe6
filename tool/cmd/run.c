/* kin run: run a program and show its family. */
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/record_options.h"
#include "model/history.h"
#include "record/recorder.h"
#include "store/store.h"
#include "view/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum view { VIEW_DEFAULT, VIEW_TREE, VIEW_LIVE, VIEW_SUMMARY, VIEW_JSON, VIEW_NONE };

struct run_options {
	struct record_options record;
	enum view view;
	enum colour colour;
	bool all, verbose;
	const char *width; // as given, NULL if not
	const char *output, *save;
};

/* Events go to each of these that is there. */
struct fan_out {
	struct event_sink sink; // keep first
	struct event_sink *sinks[4];
	int errors[4]; // of each, the first
	size_t count;
};

static int fan_out_take(struct event_sink *sink, const struct event *event)
{
	struct fan_out *fan_out = (struct fan_out *)sink;
	for (size_t i = 0; i < fan_out->count; i++) {
		int error = fan_out->sinks[i]->take(fan_out->sinks[i], event);
		if (error && fan_out->errors[i] == 0)
			fan_out->errors[i] = error;
	}
	return 0;
}

enum {
	OPTION_TREE = 256,
	OPTION_LIVE,
	OPTION_SUMMARY,
	OPTION_JSON,
	OPTION_ALL,
	OPTION_SAVE,
	OPTION_COLOUR,
	OPTION_WIDTH,
};

static const struct option long_options[] = {
	{ "tree", no_argument, NULL, OPTION_TREE },
	{ "live", no_argument, NULL, OPTION_LIVE },
	{ "summary", no_argument, NULL, OPTION_SUMMARY },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "all", no_argument, NULL, OPTION_ALL },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "output", required_argument, NULL, 'o' },
	{ "save", required_argument, NULL, OPTION_SAVE },
	RECORD_LONG_OPTIONS,
	{ "env", no_argument, NULL, RECORD_ENV },
	{ "color", required_argument, NULL, OPTION_COLOUR },
	{ "width", required_argument, NULL, OPTION_WIDTH },
	{ 0 },
};

static const char help[] =
	"  What to show, on standard error when the program has ended:\n"
	"      --tree               the family as a tree (default)\n"
	"      --live               one line per event, as it happens\n"
	"      --summary            one row per program\n"
	"      --json               the recording: JSON Lines, kin-recording(5)\n"
	"      --all                do not fold long families\n"
	"  -v, --verbose            every detail of each task\n"
	"  -q, --quiet              show nothing\n"
	"  -o, --output=FILE        to FILE; without one of the above, the recording\n"
	"      --save=FILE          the recording to FILE, besides what is shown\n"
	"      --color=WHEN         auto (default), always, never\n"
	"      --width=N            columns; 0: no limit\n"
	"  What to record:\n" RECORD_HELP
	"      --env                changes of the environment at each exec\n"
	"\n"
	"The exit status is the program's; 128 + N if signal N killed it, 127 if it was not\n"
	"found, 126 if it could not be run, 2 for bad usage.\n";

static int set_option(struct run_options *options, int option, char **argv)
{
	unsigned width;
	if (record_is_option(option))
		return record_option("run", &options->record, option);
	switch (option) {
	case OPTION_TREE:
	case OPTION_LIVE:
	case OPTION_SUMMARY:
	case OPTION_JSON:
		options->view = VIEW_TREE + (option - OPTION_TREE);
		return 0;
	case OPTION_ALL:
		options->all = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'q':
		options->view = VIEW_NONE;
		return 0;
	case 'o':
		options->output = optarg;
		return 0;
	case OPTION_SAVE:
		options->save = optarg;
		return 0;
	case OPTION_COLOUR:
		if (!colour_by_name(optarg, &options->colour))
			return cmd_usage("run", "--color takes auto, always or never, not '%s'", optarg);
		return 0;
	case OPTION_WIDTH:
		options->width = optarg;
		if (!width_by_name(optarg, &width))
			return cmd_usage(
				"run", "--width takes a number of columns up to 100000, not '%s'", optarg);
		return 0;
	case ':':
		return cmd_usage("run", "%s needs an argument", argv[optind - 1]);
	default:
		return cmd_usage("run", "unknown option '%s'", argv[optind - 1]);
	}
}

static int read_options(struct run_options *options, int argc, char **argv)
{
	int option, status = 0;
	opterr = 0;
	optind = 1;
	while (status == 0 && (option = getopt_long(argc, argv, "+:vqo:", long_options, NULL)) != -1)
		status = set_option(options, option, argv);
	if (status)
		return status;
	options->record.recorder.argv = argv + optind;
	options->record.recorder.command = "run";
	if (options->view == VIEW_DEFAULT)
		options->view = options->output ? VIEW_JSON : VIEW_TREE;
	if (!argv[optind])
		return cmd_usage("run", "no program given");
	return record_check("run", &options->record);
}

/* What a run needs beside the recorder: the sinks and the files they write. */
struct run {
	struct run_options options;
	struct view_options view;
	struct output output, saved;
	struct fan_out fan_out;
	struct history history;
	struct store_writer json, save;
	struct view_lines *lines;
	struct recorder_result result;
};

static void add_sink(struct run *run, struct event_sink *sink)
{
	run->fan_out.sinks[run->fan_out.count++] = sink;
}

static void set_view(struct run *run)
{
	const struct run_options *options = &run->options;
	output_view_options(&run->output, options->colour, &run->view);
	if (options->width)
		width_by_name(options->width, &run->view.width);
	run->view.all = options->all;
	run->view.verbose = options->verbose;
}

static int open_outputs(struct run *run)
{
	const struct run_options *options = &run->options;
	output_standard(&run->output, STDERR_FILENO);
	if (options->output) {
		int error = output_create(&run->output, options->output);
		if (error)
			return cmd_fail(2, "run", "cannot write %s: %s", options->output, strerror(-error));
	}
	if (options->save) {
		int error = output_create(&run->saved, options->save);
		if (error)
			return cmd_fail(2, "run", "cannot write %s: %s", options->save, strerror(-error));
	}
	set_view(run);
	return 0;
}

static int open_sinks(struct run *run)
{
	const struct run_options *options = &run->options;
	run->fan_out.sink.take = fan_out_take;
	store_writer_init(&run->json, run->output.fd);
	store_writer_init(&run->save, run->saved.fd);
	if (options->save)
		add_sink(run, &run->save.sink);
	int error = 0;
	if (options->view == VIEW_JSON) {
		add_sink(run, &run->json.sink);
	} else if (options->view == VIEW_LIVE) {
		error = view_lines_create(&run->lines, run->output.fd, &run->view);
		if (!error)
			add_sink(run, view_lines_sink(run->lines));
	} else if (options->view != VIEW_NONE) {
		error = history_init(&run->history);
		if (!error)
			add_sink(run, &run->history.sink);
	}
	return error ? cmd_fail(126, "run", "cannot begin: %s", strerror(-error)) : 0;
}

static int show(struct run *run)
{
	struct text text = { 0 };
	int error = 0;
	set_view(run); // the terminal may have another width by now
	run->view.more = run->options.record.recorder.faults;
	if (run->options.view == VIEW_TREE)
		error = view_tree(&text, &run->history, &run->view);
	else if (run->options.view == VIEW_SUMMARY)
		error = view_summary(&text, &run->history, &run->view);
	else
		return 0;
	run->view.more = false;
	if (!error && run->options.record.recorder.faults)
		error = view_faults(&text, &run->history, &run->view);
	if (!error && text_failed(&text))
		error = -ENOMEM;
	if (!error)
		error = output_write(&run->output, text_string(&text), text.length);
	text_finish(&text);
	return error;
}

/* The first of what went wrong with an output: writing as the program ran, at the end, or closing. */
static void close_output(struct output *output, int written, int flushed)
{
	int closed = output_close(output);
	int error = written ? written : flushed ? flushed : closed;
	/* A reader that has gone (a closed pipe) is nobody to complain to. */
	if (error && error != -EPIPE)
		cmd_fail(0, "run", "cannot write %s: %s", output->name, strerror(-error));
}

/* The program's status is kin's own; a recording that could not be written must not go unsaid. */
static int finish(struct run *run, int error)
{
	if (error || !run->result.started)
		cmd_fail(0, "run", "%s", *run->result.message ? run->result.message : strerror(-error));
	size_t shown = run->options.save ? 1 : 0; // its place in the fan-out
	int written = run->fan_out.count > shown ? run->fan_out.errors[shown] : 0;
	int flushed = run->result.started ? show(run) : 0;
	if (!flushed)
		flushed = store_writer_flush(&run->json);
	close_output(&run->output, written, flushed);
	if (run->options.save)
		close_output(&run->saved, run->fan_out.errors[0], store_writer_flush(&run->save));
	return run->result.exit_status;
}

static int run_run(int argc, char **argv)
{
	struct run run = { .saved.fd = -1 };
	int status = read_options(&run.options, argc, argv);
	if (status)
		return status;
	status = open_outputs(&run);
	if (status == 0)
		status = open_sinks(&run);
	if (status == 0) {
		int error = recorder_run(&run.options.record.recorder, &run.fan_out.sink, &run.result);
		status = finish(&run, error);
	}
	view_lines_destroy(run.lines);
	history_finish(&run.history);
	store_writer_finish(&run.json);
	store_writer_finish(&run.save);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.arguments = "[options] [--] PROG [ARG...]",
	.purpose = "Run a program and show which tasks it made, what they share and how they ended",
	.run = run_run,
	.help = help,
};
