/**
 * numbers_command.h: what the commands that work on files of numbers have in common, from options to exit status.
 */
#ifndef KIN_TOOL_CMD_NUMBERS_COMMAND_H
#define KIN_TOOL_CMD_NUMBERS_COMMAND_H

#include "cmd/numbers_options.h"
#include "numbers/format.h"
#include "numbers/numbers.h"
#include "numbers/replace.h"

struct numbers_work {
	const struct numbers_command *command;
	struct numbers_options options;
	struct kin_pool *pool;
	struct numbers numbers;
	struct numbers_replacement output; // kin sort -o
	/* What compute leaves for show. */
	union {
		union kin_number sum;
		struct kin_extreme extreme;
		struct kin_moments moments;
	};
};

struct numbers_command {
	const char *name;
	const char *short_options;
	const struct option *long_options;
	bool changes_items;
	/* Before anything is read; NULL: nothing to do. Returns 0, or after a line on stderr the exit status. */
	int (*prepare)(struct numbers_work *work);
	/* Ask libkin. Returns what it returned. */
	int (*compute)(struct numbers_work *work);
	/* Write the result. Returns 0, or after a line on stderr the exit status. */
	int (*show)(struct numbers_work *work);
	const char *none; // why there is no result where there are no numbers
};

/** Run one of these commands. Returns the exit status. */
int numbers_command_run(const struct numbers_command *command, int argc, char **argv);

/** The array's number type in results: f64 for an f32 sum, the type of 64 bits for whole numbers. */
enum kin_type numbers_wide(enum kin_type type);

#endif
