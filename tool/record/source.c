#include "record/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

uint64_t clock_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t source_now(const struct source *source)
{
	return clock_now() - source->origin;
}

void source_emit(struct source *source, struct event *event)
{
	if (event->time == 0)
		event->time = source_now(source);
	source->sink->take(source->sink, event);
}

void source_note(struct source *source, uint32_t task, const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	source_emit(source, &(struct event){ .type = EVENT_NOTE, .task = task, .text = line });
}

void result_take_status(struct recorder_result *result, int status)
{
	result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	result->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
