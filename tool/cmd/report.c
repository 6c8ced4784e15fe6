/* kin report: show a recording. */
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "model/history.h"
#include "store/store.h"
#include "view/view.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum view { VIEW_TREE, VIEW_SUMMARY, VIEW_FAULTS, VIEW_JSON, VIEW_LIVE };

struct report_options {
	enum view view;
	enum colour colour;
	bool all, verbose;
	const char *width, *output, *file; // as given, NULL if not
};

enum {
	OPTION_TREE = 256,
	OPTION_SUMMARY,
	OPTION_FAULTS,
	OPTION_JSON,
	OPTION_LIVE,
	OPTION_ALL,
	OPTION_COLOUR,
	OPTION_WIDTH,
};

static const struct option long_options[] = {
	{ "tree", no_argument, NULL, OPTION_TREE },
	{ "summary", no_argument, NULL, OPTION_SUMMARY },
	{ "faults", no_argument, NULL, OPTION_FAULTS },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "live", no_argument, NULL, OPTION_LIVE },
	{ "all", no_argument, NULL, OPTION_ALL },
	{ "verbose", no_argument, NULL, 'v' },
	{ "output", required_argument, NULL, 'o' },
	{ "color", required_argument, NULL, OPTION_COLOUR },
	{ "width", required_argument, NULL, OPTION_WIDTH },
	{ 0 },
};

static const char help[] =
	"  FILE is a recording made by 'kin run --save=FILE' or 'kin run --json'; '-' reads\n"
	"  standard input. What to show, on standard output:\n"
	"      --tree               the family as a tree (default)\n"
	"      --summary            one row per program\n"
	"      --faults             page faults by cause, mapping and place\n"
	"      --live               one line per event\n"
	"      --json               the recording itself, as this version writes it\n"
	"      --all                do not fold long families and tables\n"
	"  -v, --verbose            every detail of each task\n"
	"  -o, --output=FILE        to FILE\n"
	"      --color=WHEN         auto (default), always, never\n"
	"      --width=N            columns; 0: no limit\n"
	"\n"
	"The exit status is 0, also for a recording that was cut short (kin says so); 1 if\n"
	"the recording cannot be read or the report not be written, 2 for bad usage.\n";

static int set_option(struct report_options *options, int option, char **argv)
{
	unsigned width;
	switch (option) {
	case OPTION_TREE:
	case OPTION_SUMMARY:
	case OPTION_FAULTS:
	case OPTION_JSON:
	case OPTION_LIVE:
		options->view = (enum view)(option - OPTION_TREE);
		return 0;
	case OPTION_ALL:
		options->all = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'o':
		options->output = optarg;
		return 0;
	case OPTION_COLOUR:
		if (!colour_by_name(optarg, &options->colour))
			return cmd_usage("report", "--color takes auto, always or never, not '%s'", optarg);
		return 0;
	case OPTION_WIDTH:
		options->width = optarg;
		if (!width_by_name(optarg, &width))
			return cmd_usage(
				"report", "--width takes a number of columns up to 100000, not '%s'", optarg);
		return 0;
	case ':':
		return cmd_usage("report", "%s needs an argument", argv[optind - 1]);
	default:
		return cmd_usage("report", "unknown option '%s'", argv[optind - 1]);
	}
}

static int read_options(struct report_options *options, int argc, char **argv)
{
	int option, status = 0;
	opterr = 0;
	optind = 1;
	while (status == 0 && (option = getopt_long(argc, argv, ":vo:", long_options, NULL)) != -1)
		status = set_option(options, option, argv);
	if (status)
		return status;
	if (optind == argc)
		return cmd_usage("report", "no recording given");
	if (optind + 1 < argc)
		return cmd_usage("report", "one recording at a time: '%s' is one too many", argv[optind + 1]);
	options->file = argv[optind];
	return 0;
}

/* What a report needs: the recording, where it goes, and what is built in between. */
struct report {
	struct report_options options;
	struct view_options view;
	FILE *file;
	struct output output;
	struct history history;
	struct store_writer writer;
	struct view_lines *lines;
};

static int open_files(struct report *report)
{
	const struct report_options *options = &report->options;
	report->file = strcmp(options->file, "-") == 0 ? stdin : fopen(options->file, "re");
	if (!report->file)
		return cmd_fail(1, "report", "cannot read %s: %s", options->file, strerror(errno));
	output_standard(&report->output, STDOUT_FILENO);
	int error = options->output ? output_create(&report->output, options->output) : 0;
	if (error)
		return cmd_fail(1, "report", "cannot write %s: %s", options->output, strerror(-error));
	output_view_options(&report->output, options->colour, &report->view);
	if (options->width)
		width_by_name(options->width, &report->view.width);
	report->view.all = options->all;
	report->view.verbose = options->verbose;
	return 0;
}

static int open_sink(struct report *report, struct event_sink **sink)
{
	int error = 0;
	if (report->options.view == VIEW_JSON) {
		store_writer_init(&report->writer, report->output.fd);
		*sink = &report->writer.sink;
	} else if (report->options.view == VIEW_LIVE) {
		error = view_lines_create(&report->lines, report->output.fd, &report->view);
		*sink = error ? NULL : view_lines_sink(report->lines);
	} else {
		error = history_init(&report->history);
		*sink = &report->history.sink;
	}
	return error ? cmd_fail(1, "report", "%s", strerror(-error)) : 0;
}

static int write_view(struct report *report)
{
	struct text text = { 0 };
	int error = 0;
	switch (report->options.view) {
	case VIEW_TREE:
		error = view_tree(&text, &report->history, &report->view);
		break;
	case VIEW_SUMMARY:
		error = view_summary(&text, &report->history, &report->view);
		break;
	case VIEW_FAULTS:
		error = view_faults(&text, &report->history, &report->view);
		break;
	case VIEW_JSON:
		return store_writer_flush(&report->writer);
	case VIEW_LIVE:
		return 0;
	}
	if (error == 0)
		error = output_write(&report->output, text_string(&text), text.length);
	text_finish(&text);
	return error;
}

static int write_failed(const struct report *report, int error)
{
	return cmd_fail(1, "report", "cannot write %s: %s", report->output.name, strerror(-error));
}

/* Whether an error came from where the events went, not from the recording. */
static bool is_of_output(const struct report *report, int error, const struct store_reading *reading)
{
	if (report->options.view == VIEW_JSON)
		return report->writer.error == error;
	return report->options.view == VIEW_LIVE && error != -EBADMSG && error != -EPROTO &&
	       error != -ENOTSUP && !ferror(report->file) && reading->bad_line == 0;
}

/* What came before a bad line is shown all the same; nothing is, when there is nothing. */
static int show(struct report *report, struct event_sink *sink)
{
	const char *name = report->options.file;
	struct store_reading reading;
	int status = 0, error = store_read(report->file, sink, &reading);
	if (error && is_of_output(report, error, &reading))
		return write_failed(report, error);
	if (error)
		status = cmd_fail(1, "report", "%s: %s", name, reading.message);
	if (error && reading.bad_line == 0)
		return status;
	error = write_view(report);
	if (error)
		return write_failed(report, error);
	if (status == 0 && reading.cut)
		cmd_fail(0, "report", "%s: the recording is cut short; shown up to there", name);
	return status;
}

static int run(int argc, char **argv)
{
	struct report report = { 0 };
	struct event_sink *sink;
	int status = read_options(&report.options, argc, argv);
	if (status)
		return status;
	signal(SIGPIPE, SIG_IGN);
	status = open_files(&report);
	if (status == 0)
		status = open_sink(&report, &sink);
	if (status == 0)
		status = show(&report, sink);
	int error = output_close(&report.output);
	if (error && status == 0)
		status = write_failed(&report, error);
	if (report.file && report.file != stdin)
		fclose(report.file);
	history_finish(&report.history);
	store_writer_finish(&report.writer);
	view_lines_destroy(report.lines);
	return status;
}

const struct command cmd_report = {
	.name = "report",
	.arguments = "[options] FILE",
	.purpose = "Show a recording: as a tree, lines, a summary, its page faults",
	.run = run,
	.help = help,
};
