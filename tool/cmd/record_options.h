/**
 * record_options.h: the options of recording, the same for every command that runs a program.
 */
#ifndef KIN_TOOL_CMD_RECORD_OPTIONS_H
#define KIN_TOOL_CMD_RECORD_OPTIONS_H

#include "record/recorder.h"

#include <getopt.h>

struct record_options {
	struct recorder_options recorder;
	bool death_chosen; // --on-kin-death was given
};

/** Values for struct option, out of the way of a command's own. */
enum {
	RECORD_FAULTS = 512,
	RECORD_FAILED,
	RECORD_ENV,
	RECORD_NO_STOP,
	RECORD_FOLLOW,
	RECORD_ON_KIN_DEATH,
};

/* clang-format off */
/** Entries for a command's array of struct option; --env is not among them, as not every command has a use for it. */
#define RECORD_LONG_OPTIONS \
	{ "faults", optional_argument, NULL, RECORD_FAULTS }, \
	{ "failed", no_argument, NULL, RECORD_FAILED }, \
	{ "no-stop", no_argument, NULL, RECORD_NO_STOP }, \
	{ "follow", required_argument, NULL, RECORD_FOLLOW }, \
	{ "on-kin-death", required_argument, NULL, RECORD_ON_KIN_DEATH }

/** Lines for a command's help. */
#define RECORD_HELP \
	"      --faults[=inexact]   where and why each page fault happened\n" \
	"      --failed             calls that failed, and who sent SIGKILL, by a seccomp\n" \
	"                           filter; should kin be killed, so is the program\n" \
	"      --no-stop            never stop a task: for programs that ptrace breaks\n" \
	"      --follow=WHOM        all (default): every task to its end; direct: until the\n" \
	"                           program itself ends; none: no processes it makes\n" \
	"      --on-kin-death=WHAT  should kin be killed, the program shall run (default)\n" \
	"                           or be killed: run, kill\n"
/* clang-format on */

/** Whether getopt_long() has returned one of these. */
bool record_is_option(int option);

/** Take one of these, with optarg. Returns 0, or after a line on stderr the exit status. */
int record_option(const char *command, struct record_options *options, int option);

/** Whether they go together, once all are read. Returns 0, or after a line on stderr the exit status. */
int record_check(const char *command, const struct record_options *options);

#endif
