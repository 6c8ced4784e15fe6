/**
 * numbers_options.h: the options of the commands that work on files of numbers.
 */
#ifndef KIN_TOOL_CMD_NUMBERS_OPTIONS_H
#define KIN_TOOL_CMD_NUMBERS_OPTIONS_H

#include <kin/reduce.h>

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

enum numbers_when { NUMBERS_AUTO, NUMBERS_ALWAYS, NUMBERS_NEVER };

struct numbers_options {
	enum kin_type type;
	enum kin_kind kind;
	unsigned workers; // 0: kin chooses
	bool text, speed;
	bool exact, where, variance, reverse; // each for some commands only
	enum numbers_when progress;
	const char *output; // as given, NULL if not
	const char *const *files; // at least one; points into argv
	size_t n_files;
};

/** Values for struct option. */
enum {
	NUMBERS_TYPE = 256,
	NUMBERS_TEXT,
	NUMBERS_KIND,
	NUMBERS_WORKERS,
	NUMBERS_SPEED,
	NUMBERS_PROGRESS,
	NUMBERS_NO_PROGRESS,
	NUMBERS_EXACT,
	NUMBERS_WHERE,
	NUMBERS_VARIANCE,
	NUMBERS_REVERSE = 'r',
	NUMBERS_OUTPUT = 'o',
};

/* clang-format off */
/** Entries of every command's array of struct option. */
#define NUMBERS_LONG_OPTIONS \
	{ "type", required_argument, NULL, NUMBERS_TYPE }, \
	{ "text", no_argument, NULL, NUMBERS_TEXT }, \
	{ "kind", required_argument, NULL, NUMBERS_KIND }, \
	{ "workers", required_argument, NULL, NUMBERS_WORKERS }, \
	{ "speed", no_argument, NULL, NUMBERS_SPEED }, \
	{ "progress", no_argument, NULL, NUMBERS_PROGRESS }, \
	{ "no-progress", no_argument, NULL, NUMBERS_NO_PROGRESS }

/** Lines for every command's help. */
#define NUMBERS_HELP_FILES \
	"  Several FILEs are one sequence; without one, or for '-', standard input is read.\n"
#define NUMBERS_HELP \
	"      --type=TYPE          i8 i16 i32 i64 u8 u16 u32 u64 f32 f64; default: i32, and\n" \
	"                           f64 with --text\n" \
	"      --text               the files are text: numbers separated by white space;\n" \
	"                           otherwise raw: as the machine has them in memory\n" \
	"      --kind=KIND          threads (default) or processes\n" \
	"      --workers=N          1 to 256; default: as many as there are CPUs for kin\n" \
	"      --speed              tell items, time and speed on standard error\n" \
	"      --progress           show a bar from the beginning; default: after half a\n" \
	"                           second, if standard error is a terminal\n" \
	"      --no-progress        show none\n"
#define NUMBERS_HELP_STATUS \
	"\n" \
	"The exit status is 0; 1 if there is no result (kin says why), 2 for bad usage.\n"
/* clang-format on */

/**
 * Read the options of a command, and its files. short_options: as getopt takes them; those must be values above.
 * Returns 0, or after a line on stderr the exit status.
 */
int numbers_options_read(struct numbers_options *options, const char *command, const char *short_options,
	const struct option *long_options, int argc, char **argv);

#endif
