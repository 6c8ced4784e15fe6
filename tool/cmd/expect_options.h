/**
 * expect_options.h: the command line of kin expect.
 */
#ifndef KIN_TOOL_CMD_EXPECT_OPTIONS_H
#define KIN_TOOL_CMD_EXPECT_OPTIONS_H

#include "cmd/record_options.h"

#include <stddef.h>

struct expect_options {
	struct record_options record;
	const char **expressions; // owned; the strings are argv's
	size_t n_expressions;
	bool quiet, tap, tree, list_names;
	const char *output, *junit, *save, *from; // NULL if not given
};

/** Read the command line into a zeroed struct. Returns 0, or after a line on stderr the exit status. */
int expect_options_read(struct expect_options *options, int argc, char **argv);

/** Free what it owns. A zeroed one is welcome. */
void expect_options_finish(struct expect_options *options);

/** The text of `kin help expect`. */
extern const char expect_help[];

#endif
