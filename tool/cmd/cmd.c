#include "cmd/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(const char *command, const char *format, va_list arguments, const char *tail)
{
	char line[1024];
	vsnprintf(line, sizeof line, format, arguments);
	fprintf(stderr, "kin %s: %s%s\n", command, line, tail);
}

int cmd_fail(int status, const char *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(command, format, arguments, "");
	va_end(arguments);
	return status;
}

int cmd_usage(const char *command, const char *format, ...)
{
	char tail[64];
	snprintf(tail, sizeof tail, "; see 'kin help %s'", command);
	va_list arguments;
	va_start(arguments, format);
	say(command, format, arguments, tail);
	va_end(arguments);
	return 2;
}

int cmd_close_stdout(const char *command)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return cmd_fail(1, command, "cannot write to standard output: %s", strerror(errno));
}
