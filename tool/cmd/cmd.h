/**
 * cmd.h: the subcommands of kin, one file each.
 *
 * A command gets its own name in argv[0] and returns kin's exit status. Bad usage: one line on stderr that says what
 * was wrong and what to do, made by cmd_usage, and status 2.
 */
#ifndef KIN_TOOL_CMD_CMD_H
#define KIN_TOOL_CMD_CMD_H

#include <stdbool.h>

struct command {
	const char *name;
	const char *arguments; // "[options] [--] PROG [ARG...]"
	const char *purpose; // one line for `kin help`
	int (*run)(int argc, char **argv);
	const char *help; // `kin help NAME` and `kin NAME --help`: the options, a line each
};

extern const struct command cmd_run, cmd_expect, cmd_report, cmd_sum, cmd_min, cmd_max, cmd_mean, cmd_sort;

/** "kin NAME: MESSAGE" on stderr, in one line. Returns status. */
int cmd_fail(int status, const char *command, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The same, followed by "; see 'kin help NAME'". Returns 2. */
int cmd_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Flush stdout at the end of a command; a failed write (full disk, closed pipe) is told. Returns 0 or 1. */
int cmd_close_stdout(const char *command);

#endif
