/* kin sort: files of numbers in order. */
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/numbers_command.h"
#include "cmd/output.h"

#include <kin/sort.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)256 << 10) // of text that is written at once

static const struct option long_options[] = {
	NUMBERS_LONG_OPTIONS,
	{ "reverse", no_argument, NULL, NUMBERS_REVERSE },
	{ "output", required_argument, NULL, NUMBERS_OUTPUT },
	{ 0 },
};

static const char help[] = NUMBERS_HELP_FILES NUMBERS_HELP
	"  -r, --reverse            from the greatest to the least\n"
	"  -o, --output=FILE        to FILE, which may be one of those that are read: it is\n"
	"                           replaced when all is done; default: standard output\n"
	"  What is written is what was read, in order: raw, or with --text one number a "
	"line.\n" NUMBERS_HELP_STATUS;

static int cannot_write(const struct numbers_work *work, int error)
{
	const char *name = work->options.output ? work->options.output : "standard output";
	return cmd_fail(1, "sort", "cannot write %s: %s", name, strerror(-error));
}

/* A file that cannot be written must not cost a sort. */
static int prepare(struct numbers_work *work)
{
	const struct numbers_options *options = &work->options;
	if (!options->output && !options->text && isatty(STDOUT_FILENO))
		return cmd_usage("sort", "raw numbers are not for a terminal: give -o FILE, or --text");
	int error = options->output ? numbers_replace_begin(&work->output, options->output) : 0;
	return error ? cannot_write(work, error) : 0;
}

static int compute(struct numbers_work *work)
{
	const struct numbers *numbers = &work->numbers;
	struct kin_sort_key key = {
		.size = numbers_type(numbers->array.type)->size,
		.key_type = numbers->array.type,
		.descending = work->options.reverse,
	};
	return kin_sort_keys(work->pool, numbers->buffer.bytes, numbers->array.count, &key);
}

static int write_text(const struct numbers_work *work, const struct output *output)
{
	const struct kin_array *array = &work->numbers.array;
	unsigned size = numbers_type(array->type)->size;
	struct text text = { 0 };
	char line[NUMBERS_FORMATTED];
	int error = 0;
	for (size_t i = 0; i < array->count && !error; i++) {
		size_t length = numbers_format(
			line, array->type, numbers_load(array->type, (const char *)array->items + i * size));
		line[length] = '\n';
		text_add_bytes(&text, line, length + 1);
		if (text.length < BLOCK && i + 1 < array->count)
			continue;
		error = text_failed(&text) ? -ENOMEM : output_write(output, text_string(&text), text.length);
		text_clear(&text);
	}
	text_finish(&text);
	return error;
}

static int show(struct numbers_work *work)
{
	struct output output;
	output_standard(&output, work->options.output ? work->output.fd : STDOUT_FILENO);
	int error = work->options.text
			    ? write_text(work, &output)
			    : output_write(&output, work->numbers.buffer.bytes, work->numbers.bytes);
	if (!error && work->options.output)
		error = numbers_replace_commit(&work->output);
	return error ? cannot_write(work, error) : 0;
}

static const struct numbers_command sort = {
	.name = "sort",
	.short_options = ":ro:",
	.long_options = long_options,
	.changes_items = true,
	.prepare = prepare,
	.compute = compute,
	.show = show,
};

static int run(int argc, char **argv)
{
	return numbers_command_run(&sort, argc, argv);
}

const struct command cmd_sort = {
	.name = "sort",
	.arguments = "[options] [FILE...]",
	.purpose = "Sort files of numbers, on every core",
	.run = run,
	.help = help,
};
