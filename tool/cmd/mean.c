/* kin mean: the mean of files of numbers. */
#include "cmd/cmd.h"
#include "cmd/numbers_command.h"

#include <stdio.h>

static const struct option long_options[] = {
	NUMBERS_LONG_OPTIONS,
	{ "variance", no_argument, NULL, NUMBERS_VARIANCE },
	{ 0 },
};

static const char help[] = NUMBERS_HELP_FILES NUMBERS_HELP
	"      --variance           also the variance: the mean square of the distances from\n"
	"                           the mean (divided by the count, not by one less)\n" NUMBERS_HELP_STATUS;

static int compute(struct numbers_work *work)
{
	return kin_array_moments(work->pool, &work->numbers.array, &work->moments);
}

static int show(struct numbers_work *work)
{
	char mean[NUMBERS_FORMATTED], variance[NUMBERS_FORMATTED];
	numbers_format(mean, KIN_F64, (union kin_number){ .f = work->moments.mean });
	numbers_format(variance, KIN_F64, (union kin_number){ .f = work->moments.variance });
	if (work->options.variance)
		printf("%s %s\n", mean, variance);
	else
		puts(mean);
	return 0;
}

static const struct numbers_command mean = {
	.name = "mean",
	.short_options = ":",
	.long_options = long_options,
	.compute = compute,
	.show = show,
	.none = "mean",
};

static int run(int argc, char **argv)
{
	return numbers_command_run(&mean, argc, argv);
}

const struct command cmd_mean = {
	.name = "mean",
	.arguments = "[options] [FILE...]",
	.purpose = "Tell the mean of files of numbers, and their variance",
	.run = run,
	.help = help,
};
