/* kin min, kin max: the least and the greatest of files of numbers. */
#include "cmd/cmd.h"
#include "cmd/numbers_command.h"

#include <stdio.h>

static const struct option long_options[] = {
	NUMBERS_LONG_OPTIONS,
	{ "where", no_argument, NULL, NUMBERS_WHERE },
	{ 0 },
};

static const char help[] = NUMBERS_HELP_FILES NUMBERS_HELP
	"      --where              also which item it is, the first one if several are equal:\n"
	"                           its number in its file, from 0, and the file\n" NUMBERS_HELP_STATUS;

static int show(struct numbers_work *work)
{
	char text[NUMBERS_FORMATTED];
	size_t within;
	numbers_format(text, work->options.type, work->extreme.value);
	const char *file = numbers_where(&work->numbers, work->extreme.index, &within);
	if (work->options.where)
		printf("%s %zu %s\n", text, within, file);
	else
		puts(text);
	return 0;
}

static int compute_min(struct numbers_work *work)
{
	return kin_array_min(work->pool, &work->numbers.array, &work->extreme);
}

static const struct numbers_command min = {
	.name = "min",
	.short_options = ":",
	.long_options = long_options,
	.compute = compute_min,
	.show = show,
	.none = "least one",
};

static int run_min(int argc, char **argv)
{
	return numbers_command_run(&min, argc, argv);
}

const struct command cmd_min = {
	.name = "min",
	.arguments = "[options] [FILE...]",
	.purpose = "Find the least number in files of numbers, and where it is",
	.run = run_min,
	.help = help,
};

static int compute_max(struct numbers_work *work)
{
	return kin_array_max(work->pool, &work->numbers.array, &work->extreme);
}

static const struct numbers_command max = {
	.name = "max",
	.short_options = ":",
	.long_options = long_options,
	.compute = compute_max,
	.show = show,
	.none = "greatest one",
};

static int run_max(int argc, char **argv)
{
	return numbers_command_run(&max, argc, argv);
}

const struct command cmd_max = {
	.name = "max",
	.arguments = "[options] [FILE...]",
	.purpose = "Find the greatest number in files of numbers, and where it is",
	.run = run_max,
	.help = help,
};
