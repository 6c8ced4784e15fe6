#include "record/tracepoint.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORMAT_SIZE 8192

static const char *const mount_points[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

static const char *number_after(const char *line, const char *end, const char *key)
{
	const char *at = memmem(line, (size_t)(end - line), key, strlen(key));
	return at ? at + strlen(key) : NULL;
}

/* "field:unsigned long address;" names address, "field:char comm[16];" names comm. */
static bool names_field(const char *line, const char *end, const char *name)
{
	const char *at = number_after(line, end, "field:");
	const char *stop = at ? memchr(at, ';', (size_t)(end - at)) : NULL;
	if (!stop)
		return false;
	const char *bracket = memchr(at, '[', (size_t)(stop - at));
	if (bracket)
		stop = bracket;
	size_t length = strlen(name);
	if ((size_t)(stop - at) <= length || memcmp(stop - length, name, length) != 0)
		return false;
	char before = stop[-(ptrdiff_t)length - 1];
	return !isalnum((unsigned char)before) && before != '_';
}

int tracepoint_parse_field(const char *format, struct tracepoint_field *field)
{
	for (const char *line = format; *line;) {
		const char *end = strchrnul(line, '\n');
		const char *offset = number_after(line, end, "offset:");
		const char *size = number_after(line, end, "size:");
		if (offset && size && names_field(line, end, field->name)) {
			field->offset = (uint16_t)strtoul(offset, NULL, 10);
			field->size = (uint16_t)strtoul(size, NULL, 10);
			return 0;
		}
		line = *end ? end + 1 : end;
	}
	return -ENOENT;
}

uint64_t tracepoint_value(const struct tracepoint_field *field, const void *raw, size_t size)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	if ((size_t)field->offset + field->size > size)
		return 0;
	const char *at = (const char *)raw + field->offset;
	switch (field->size) {
	case 1:
		memcpy(&u8, at, sizeof u8);
		return u8;
	case 2:
		memcpy(&u16, at, sizeof u16);
		return u16;
	case 4:
		memcpy(&u32, at, sizeof u32);
		return u32;
	case 8:
		memcpy(&u64, at, sizeof u64);
		return u64;
	}
	return 0;
}

static int read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t length = 0;
	ssize_t count;
	while (length < size - 1 && (count = read(fd, buffer + length, size - 1 - length)) > 0)
		length += (size_t)count;
	close(fd);
	buffer[length] = '\0';
	return 0;
}

static int find_one(const char *root, struct tracepoint *point)
{
	char path[256], text[FORMAT_SIZE];
	point->id = 0;
	snprintf(path, sizeof path, "%s/events/%s/%s/id", root, point->system, point->name);
	int result = read_file(path, text, sizeof text);
	if (result < 0)
		return result;
	unsigned long id = strtoul(text, NULL, 10);
	snprintf(path, sizeof path, "%s/events/%s/%s/format", root, point->system, point->name);
	result = read_file(path, text, sizeof text);
	if (result < 0)
		return result;
	for (size_t i = 0; i < TRACEPOINT_FIELDS && point->fields[i].name; i++)
		tracepoint_parse_field(text, &point->fields[i]);
	point->id = (uint32_t)id;
	return 0;
}

static int find_all(const char *root, struct tracepoint *points, size_t count)
{
	char path[256];
	snprintf(path, sizeof path, "%s/events", root);
	if (access(path, R_OK | X_OK) < 0)
		return -errno;
	for (size_t i = 0; i < count; i++) {
		int result = find_one(root, &points[i]);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	return 0;
}

/* The pointers in points survive the way through the pipe, since the child is a copy of this process. */
static void mount_and_tell(int out, struct tracepoint *points, size_t count)
{
	const char *root = mount_points[0];
	int result = 0;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tracefs", root, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL) < 0)
		result = -errno;
	else
		result = find_all(root, points, count);
	size_t size = count * sizeof *points;
	if (result < 0 || write(out, points, size) != (ssize_t)size)
		_exit(result < 0 && result > -126 ? -result : 126);
	_exit(0);
}

static int find_in_child(struct tracepoint *points, size_t count)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid_t child = fork();
	if (child < 0) {
		int error = errno;
		close(ends[0]);
		close(ends[1]);
		return -error;
	}
	if (child == 0)
		mount_and_tell(ends[1], points, count);
	close(ends[1]);
	size_t size = count * sizeof *points, length = 0;
	char *answer = malloc(size);
	ssize_t got = 0;
	while (answer && length < size &&
		((got = read(ends[0], answer + length, size - length)) > 0 || (got < 0 && errno == EINTR)))
		length += got > 0 ? (size_t)got : 0;
	close(ends[0]);
	int status = 0, result = answer ? 0 : -ENOMEM;
	pid_t waited;
	do
		waited = waitpid(child, &status, 0);
	while (waited < 0 && errno == EINTR);
	if (result == 0 && waited == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		result = -WEXITSTATUS(status);
	else if (result == 0 && length != size)
		result = -EIO;
	if (result == 0)
		memcpy(points, answer, size);
	free(answer);
	return result;
}

int tracepoints_find(struct tracepoint *points, size_t count)
{
	int result = -ENOENT;
	for (size_t i = 0; i < sizeof mount_points / sizeof *mount_points; i++) {
		result = find_all(mount_points[i], points, count);
		if (result == 0)
			return 0;
	}
	return result == -EACCES || geteuid() != 0 ? -EPERM : find_in_child(points, count);
}
