/**
 * output.h: where a command's output goes, and how it may look there.
 */
#ifndef KIN_TOOL_CMD_OUTPUT_H
#define KIN_TOOL_CMD_OUTPUT_H

#include "base/text.h"
#include "view/view.h"

enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct output {
	int fd;
	bool owned; // to be closed
	const char *name; // for messages
};

/** Standard error (2) or standard output (1) as output; nothing to close. */
void output_standard(struct output *output, int fd);

/** Create or truncate a file. Returns 0 or a negative errno value; *output is untouched then. */
int output_create(struct output *output, const char *path);

/** Close, which may be when a full disk shows. Returns 0 or a negative errno value. NULL-safe for a zeroed output. */
int output_close(struct output *output);

/** Write all of it. Returns 0 or a negative errno value. */
int output_write(const struct output *output, const char *bytes, size_t count);

/**
 * Colour, width and branches that suit the output: a terminal's width, its colours unless NO_COLOR, ASCII
 * outside UTF-8.
 */
void output_view_options(const struct output *output, enum colour colour, struct view_options *options);

/** "auto", "always" or "never". False: none of them. */
bool colour_by_name(const char *name, enum colour *colour);

/** A column count, 0 (no limit) to 100,000. False: not one. */
bool width_by_name(const char *name, unsigned *width);

#endif
