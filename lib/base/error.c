#include "base/api.h"

#include <kin/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct kin_error) == 256, "its size is part of the ABI");

/* Of strerror's family only these are thread-safe and the same in every locale. */
static const char *describe(int code)
{
#ifdef __GLIBC__
	const char *words = strerrordesc_np(code);
	return words ? words : "unknown error";
#else
	return strerror(code);
#endif
}

KIN_API int kin_error_set(struct kin_error *error, int code, const char *step, const char *format, ...)
{
	if (code == 0)
		code = EINVAL;
	if (!error)
		return -code;

	const int saved = errno;
	error->code = code;
	snprintf(error->step, sizeof error->step, "%s", step ? step : "");
	error->text[0] = '\0';
	if (format) {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(error->text, sizeof error->text, format, arguments);
		va_end(arguments);
	}
	errno = saved;
	return -code;
}

static void keep_to_one_line(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == '\177')
			*line = '?';
}

KIN_API size_t kin_error_format(const struct kin_error *error, char *buffer, size_t size)
{
	if (!error || error->code == 0)
		return (size_t)snprintf(buffer, size, "no error");

	const char *space = error->step[0] && error->text[0] ? " " : "";
	const char *colon = error->step[0] || error->text[0] ? ": " : "";
	int length = snprintf(
		buffer, size, "%s%s%s%s%s", error->step, space, error->text, colon, describe(error->code));
	if (size > 0)
		keep_to_one_line(buffer);
	return (size_t)length;
}
