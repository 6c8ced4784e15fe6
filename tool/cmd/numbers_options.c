#include "cmd/numbers_options.h"
#include "cmd/cmd.h"
#include "numbers/type.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_type(struct numbers_options *options, const char *command)
{
	if (numbers_type_by_name(optarg, &options->type))
		return 0;
	return cmd_usage(command, "--type takes one of " NUMBERS_TYPE_NAMES ", not '%s'", optarg);
}

static int set_kind(struct numbers_options *options, const char *command)
{
	if (strcmp(optarg, "threads") == 0)
		options->kind = KIN_THREADS;
	else if (strcmp(optarg, "processes") == 0)
		options->kind = KIN_PROCESSES;
	else
		return cmd_usage(command, "--kind takes threads or processes, not '%s'", optarg);
	return 0;
}

static int set_workers(struct numbers_options *options, const char *command)
{
	char *end;
	errno = 0;
	unsigned long workers = strtoul(optarg, &end, 10);
	if (*optarg < '0' || *optarg > '9' || *end != '\0' || errno || workers < 1 ||
		workers > KIN_MAX_WORKERS)
		return cmd_usage(
			command, "--workers takes a number from 1 to %d, not '%s'", KIN_MAX_WORKERS, optarg);
	options->workers = (unsigned)workers;
	return 0;
}

static int set_option(struct numbers_options *options, const char *command, int option, char **argv)
{
	switch (option) {
	case NUMBERS_TYPE:
		return set_type(options, command);
	case NUMBERS_TEXT:
		options->text = true;
		return 0;
	case NUMBERS_KIND:
		return set_kind(options, command);
	case NUMBERS_WORKERS:
		return set_workers(options, command);
	case NUMBERS_SPEED:
		options->speed = true;
		return 0;
	case NUMBERS_PROGRESS:
		options->progress = NUMBERS_ALWAYS;
		return 0;
	case NUMBERS_NO_PROGRESS:
		options->progress = NUMBERS_NEVER;
		return 0;
	case NUMBERS_EXACT:
		options->exact = true;
		return 0;
	case NUMBERS_WHERE:
		options->where = true;
		return 0;
	case NUMBERS_VARIANCE:
		options->variance = true;
		return 0;
	case NUMBERS_REVERSE:
		options->reverse = true;
		return 0;
	case NUMBERS_OUTPUT:
		options->output = optarg;
		return 0;
	case ':':
		return cmd_usage(command, "%s needs an argument", argv[optind - 1]);
	default:
		return cmd_usage(command, "unknown option '%s'", argv[optind - 1]);
	}
}

static int check_files(const struct numbers_options *options, const char *command)
{
	unsigned standard_inputs = 0;
	for (size_t i = 0; i < options->n_files; i++) {
		if (*options->files[i] == '\0')
			return cmd_usage(
				command, "a file has no name: give files, or '-' for standard input");
		standard_inputs += strcmp(options->files[i], "-") == 0;
	}
	if (standard_inputs > 1)
		return cmd_usage(command, "'-' can be read only once");
	if (standard_inputs && !options->text && isatty(STDIN_FILENO))
		return cmd_usage(command, "raw numbers are not typed at a terminal: give files, or --text");
	return 0;
}

int numbers_options_read(struct numbers_options *options, const char *command, const char *short_options,
	const struct option *long_options, int argc, char **argv)
{
	static const char *const standard_input[] = { "-" };
	int option, status = 0;
	*options = (struct numbers_options){ 0 };
	opterr = 0;
	optind = 1;
	while (status == 0 && (option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
		status = set_option(options, command, option, argv);
	if (status)
		return status;
	if (!options->type)
		options->type = options->text ? KIN_F64 : KIN_I32;
	options->files = optind < argc ? (const char *const *)argv + optind : standard_input;
	options->n_files = optind < argc ? (size_t)(argc - optind) : 1;
	return check_files(options, command);
}
