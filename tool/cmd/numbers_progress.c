#include "cmd/numbers_progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR 30
#define MS INT64_C(1000000)
#define EVERY (100 * MS)

int64_t numbers_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MS + now.tv_nsec;
}

/* A bar is no reason to fail, nor to be stopped in the background. */
static void put(const char *line, size_t length)
{
	ssize_t written = write(STDERR_FILENO, line, length);
	(void)written;
}

static bool may_draw(const struct numbers_progress *progress)
{
	return !progress->terminal || tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static void draw(uint64_t done, uint64_t total, void *arg)
{
	struct numbers_progress *progress = arg;
	char line[160], bar[BAR + 1];
	if (numbers_now() < progress->quiet_until || !may_draw(progress) || total == 0)
		return;
	double share = done < total ? (double)done / (double)total : 1;
	size_t filled = (size_t)(share * BAR);
	memset(bar, '.', BAR);
	memset(bar, '#', filled);
	bar[BAR] = '\0';
	int length = snprintf(line, sizeof line, "\r%skin %s: [%s] %3.0f %%",
		progress->terminal ? "\033[K" : "", progress->command, bar, share * 100);
	put(line, (size_t)length);
	progress->shown = true;
}

void numbers_progress_read(uint64_t bytes, void *arg)
{
	struct numbers_progress *progress = arg;
	char line[160];
	int64_t now = numbers_now();
	if (!progress->control || now < progress->quiet_until || now < progress->next_read ||
		!may_draw(progress))
		return;
	int length = snprintf(line, sizeof line, "\r%skin %s: %.0f MB read",
		progress->terminal ? "\033[K" : "", progress->command, (double)bytes / 1e6);
	put(line, (size_t)length);
	progress->next_read = now + EVERY;
	progress->shown = true;
}

void numbers_progress_begin(struct numbers_progress *progress, const char *command, enum numbers_when when)
{
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO);
	*progress = (struct numbers_progress){ .command = command, .terminal = terminal };
	bool able = terminal && term && strcmp(term, "dumb") != 0;
	if (when == NUMBERS_NEVER || (when == NUMBERS_AUTO && !able) ||
		kin_control_create(&progress->control) < 0)
		return;
	progress->quiet_until = when == NUMBERS_ALWAYS ? 0 : numbers_now() + 500 * MS;
	kin_control_set_progress(progress->control, draw, EVERY, progress);
	progress->before = kin_control_use(progress->control);
}

void numbers_progress_end(struct numbers_progress *progress)
{
	if (!progress->control)
		return;
	kin_control_use(progress->before);
	kin_control_destroy(progress->control);
	progress->control = NULL;
	if (progress->shown)
		put(progress->terminal ? "\r\033[K" : "\n", progress->terminal ? 4 : 1);
	progress->shown = false;
}
