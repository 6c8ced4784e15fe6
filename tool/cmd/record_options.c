#include "cmd/record_options.h"
#include "cmd/cmd.h"

#include <stddef.h>
#include <string.h>

bool record_is_option(int option)
{
	return option >= RECORD_FAULTS && option <= RECORD_ON_KIN_DEATH;
}

static int set_faults(const char *command, struct recorder_options *recorder)
{
	if (optarg && strcmp(optarg, "inexact") != 0)
		return cmd_usage(command, "--faults takes nothing or inexact, not '%s'", optarg);
	recorder->faults = true;
	recorder->inexact = optarg != NULL;
	return 0;
}

static int set_follow(const char *command, struct recorder_options *recorder)
{
	static const char *const names[] = { "all", "direct", "none" };
	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(names[i], optarg) == 0) {
			recorder->follow = (enum follow)i;
			return 0;
		}
	}
	return cmd_usage(command, "--follow takes all, direct or none, not '%s'", optarg);
}

static int set_on_kin_death(const char *command, struct record_options *options)
{
	if (strcmp(optarg, "kill") != 0 && strcmp(optarg, "run") != 0)
		return cmd_usage(command, "--on-kin-death takes run or kill, not '%s'", optarg);
	options->recorder.kill_on_death = strcmp(optarg, "kill") == 0;
	options->death_chosen = true;
	return 0;
}

int record_option(const char *command, struct record_options *options, int option)
{
	switch (option) {
	case RECORD_FAULTS:
		return set_faults(command, &options->recorder);
	case RECORD_FAILED:
		options->recorder.failed = true;
		return 0;
	case RECORD_ENV:
		options->recorder.env = true;
		return 0;
	case RECORD_NO_STOP:
		options->recorder.no_stop = true;
		return 0;
	case RECORD_FOLLOW:
		return set_follow(command, &options->recorder);
	default:
		return set_on_kin_death(command, options);
	}
}

int record_check(const char *command, const struct record_options *options)
{
	const struct recorder_options *recorder = &options->recorder;
	if (recorder->no_stop && (recorder->failed || recorder->env))
		return cmd_usage(command, "%s needs stops: leave out --no-stop",
			recorder->failed ? "--failed" : "--env");
	if (recorder->failed && recorder->follow != FOLLOW_ALL)
		return cmd_usage(command, "--failed leaves a filter on every task, so it needs --follow=all");
	if (recorder->failed && options->death_chosen && !recorder->kill_on_death)
		return cmd_usage(command, "under the filter of --failed a program cannot run on without kin: "
					  "leave out --on-kin-death=run");
	return 0;
}
