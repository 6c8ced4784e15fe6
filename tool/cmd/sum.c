/* kin sum: the sum of files of numbers. */
#include "cmd/cmd.h"
#include "cmd/numbers_command.h"

#include <stdio.h>

static const struct option long_options[] = {
	NUMBERS_LONG_OPTIONS,
	{ "exact", no_argument, NULL, NUMBERS_EXACT },
	{ 0 },
};

static const char help[] = NUMBERS_HELP_FILES NUMBERS_HELP
	"      --exact              f32 and f64: the exact sum, rounded once; otherwise the\n"
	"                           same bits on any workers, but with rounding errors\n" NUMBERS_HELP_STATUS;

static int compute(struct numbers_work *work)
{
	/* Whole numbers are always added up exactly. */
	bool exact = work->options.exact && numbers_type(work->options.type)->class == NUMBERS_FLOAT;
	return (exact ? kin_array_sum_exact : kin_array_sum)(work->pool, &work->numbers.array, &work->sum);
}

static int show(struct numbers_work *work)
{
	char text[NUMBERS_FORMATTED];
	numbers_format(text, numbers_wide(work->options.type), work->sum);
	puts(text);
	return 0;
}

static const struct numbers_command sum = {
	.name = "sum",
	.short_options = ":",
	.long_options = long_options,
	.compute = compute,
	.show = show,
};

static int run(int argc, char **argv)
{
	return numbers_command_run(&sum, argc, argv);
}

const struct command cmd_sum = {
	.name = "sum",
	.arguments = "[options] [FILE...]",
	.purpose = "Add up files of numbers, on every core",
	.run = run,
	.help = help,
};
