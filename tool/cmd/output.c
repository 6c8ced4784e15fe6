#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_OF_FILES 120

void output_standard(struct output *output, int fd)
{
	*output = (struct output){ fd, false, fd == STDOUT_FILENO ? "standard output" : "standard error" };
}

int output_create(struct output *output, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		return -errno;
	*output = (struct output){ fd, true, path };
	return 0;
}

int output_close(struct output *output)
{
	int error = 0;
	if (output->owned && close(output->fd) < 0)
		error = -errno;
	output->owned = false;
	return error;
}

int output_write(const struct output *output, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t put = write(output->fd, bytes, count);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		count -= (size_t)put;
	}
	return 0;
}

void output_view_options(const struct output *output, enum colour colour, struct view_options *options)
{
	bool terminal = isatty(output->fd);
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	options->colour =
		colour == COLOUR_ALWAYS || (colour == COLOUR_AUTO && terminal && !(no_colour && *no_colour) &&
						   !(term && strcmp(term, "dumb") == 0));
	struct winsize size;
	options->width = WIDTH_OF_FILES;
	if (terminal && ioctl(output->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		options->width = size.ws_col;
	setlocale(LC_CTYPE, "");
	options->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

bool colour_by_name(const char *name, enum colour *colour)
{
	static const char *const names[] = { "auto", "always", "never" };
	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(names[i], name) == 0) {
			*colour = (enum colour)i;
			return true;
		}
	}
	return false;
}

bool width_by_name(const char *name, unsigned *width)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(name, &end, 10);
	if (*name < '0' || *name > '9' || *end != '\0' || errno || value > 100000)
		return false;
	*width = (unsigned)value;
	return true;
}
