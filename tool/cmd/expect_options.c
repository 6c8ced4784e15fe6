#include "cmd/expect_options.h"

#include "cmd/cmd.h"
#include "cmd/record_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char expect_help[] =
	"  EXPR is an expression that has to hold, as in\n"
	"      'threads == 2'   'exit == 0 && maxrss < 64MiB'   'exec(\"sh\").count == 0'\n"
	"      'any(clone.flags has CLONE_VFORK)'   'task(\"worker*\").all(faults.major == 0)'\n"
	"  man kin-expect has the language.\n"
	"\n"
	"      --list-names         list every name an expression can use\n"
	"      --from=FILE          check a saved recording; there is no PROG then\n"
	"  What to tell, on standard error when the program has ended:\n"
	"  -q, --quiet              nothing: the exit status says it\n"
	"      --tap                every expectation, as TAP version 14\n"
	"      --tree               the family as a tree too, if one does not hold\n"
	"  -o, --output=FILE        to FILE\n"
	"      --junit=FILE         every expectation to FILE too, as JUnit XML\n"
	"      --save=FILE          the recording to FILE\n"
	"  What to record, beyond what the expressions need:\n" RECORD_HELP "\n"
	"The exit status is 0 if all hold, 1 if one does not, 3 if one cannot be told, 2 for a\n"
	"wrong expression or bad usage, 127 if the program was not found, 126 if it could not\n"
	"be run. How the program itself ended makes no difference: say exit == 0 if it should.\n";

enum {
	OPTION_TAP = 256,
	OPTION_TREE,
	OPTION_JUNIT,
	OPTION_SAVE,
	OPTION_FROM,
	OPTION_LIST_NAMES,
};

static const struct option long_options[] = {
	{ "quiet", no_argument, NULL, 'q' },
	{ "output", required_argument, NULL, 'o' },
	{ "tap", no_argument, NULL, OPTION_TAP },
	{ "tree", no_argument, NULL, OPTION_TREE },
	{ "junit", required_argument, NULL, OPTION_JUNIT },
	{ "save", required_argument, NULL, OPTION_SAVE },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "list-names", no_argument, NULL, OPTION_LIST_NAMES },
	RECORD_LONG_OPTIONS,
	{ 0 },
};

static int fail_option(int option, char *const *argv)
{
	if (option == ':')
		return cmd_usage("expect", "%s needs an argument", argv[optind - 1]);
	if (optopt > ' ' && optopt < 256)
		return cmd_usage("expect",
			"unknown option '-%c'; an expression that begins with '-' goes into parentheses",
			optopt);
	return cmd_usage("expect", "unknown option '%s'", argv[optind - 1]);
}

static int set_option(struct expect_options *options, int option, char *const *argv)
{
	if (record_is_option(option))
		return record_option("expect", &options->record, option);
	switch (option) {
	case 1: // no option but an expression
		options->expressions[options->n_expressions++] = optarg;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 'o':
		options->output = optarg;
		return 0;
	case OPTION_TAP:
		options->tap = true;
		return 0;
	case OPTION_TREE:
		options->tree = true;
		return 0;
	case OPTION_JUNIT:
		options->junit = optarg;
		return 0;
	case OPTION_SAVE:
		options->save = optarg;
		return 0;
	case OPTION_FROM:
		options->from = optarg;
		return 0;
	case OPTION_LIST_NAMES:
		options->list_names = true;
		return 0;
	default:
		return fail_option(option, argv);
	}
}

static int check_options(const struct expect_options *options, bool separated)
{
	const struct recorder_options *recorder = &options->record.recorder;
	bool has_program = recorder->argv && recorder->argv[0];
	if (options->list_names)
		return 0;
	if (options->from && has_program)
		return cmd_usage("expect", "--from checks a recording: give no program with it");
	if (options->from && (recorder->faults || recorder->failed || recorder->no_stop || recorder->follow))
		return cmd_usage(
			"expect", "--from checks a recording: options of recording make no sense with it");
	if (options->from && options->save)
		return cmd_usage("expect", "--from reads a recording: --save has nothing to record");
	if (!options->from && !separated)
		return cmd_usage("expect", "no '--' before the program: kin expect EXPR... -- PROG [ARG...]");
	if (!options->n_expressions)
		return cmd_usage("expect", "no expression given, as in: kin expect 'exit == 0' -- PROG");
	if (!options->from && !has_program)
		return cmd_usage("expect", "no program given after '--'");
	if (options->tree && options->tap)
		return cmd_usage("expect", "--tree is no TAP: leave out one of --tree and --tap");
	return record_check("expect", &options->record);
}

int expect_options_read(struct expect_options *options, int argc, char **argv)
{
	int separator = 1;
	while (separator < argc && strcmp(argv[separator], "--") != 0)
		separator++;
	bool separated = separator < argc;
	options->expressions = calloc((size_t)argc, sizeof *options->expressions);
	if (!options->expressions)
		return cmd_fail(2, "expect", "%s", strerror(ENOMEM));
	int option, status = 0;
	opterr = 0;
	optind = 1;
	while (!status && (option = getopt_long(separator, argv, "-:qo:", long_options, NULL)) != -1)
		status = set_option(options, option, argv);
	options->record.recorder.argv = separated ? argv + separator + 1 : NULL;
	options->record.recorder.command = "expect";
	return status ? status : check_options(options, separated);
}

void expect_options_finish(struct expect_options *options)
{
	free(options->expressions);
	*options = (struct expect_options){ 0 };
}
