#include "base/sysfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE ((size_t)16 << 10) // the mountinfo of an ordinary machine in one read
#define MOST_SIZE ((size_t)64 << 20)

/* Read until the buffer is full but for one byte, or the file ends; procfs gives a page at a time. */
static ssize_t fill(int fd, char *buffer, size_t size)
{
	size_t length = 0;
	while (length < size - 1) {
		ssize_t got = read(fd, buffer + length, size - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	buffer[length] = '\0';
	return (ssize_t)length;
}

int sysfile_read(const char *path, char *buffer, size_t size)
{
	buffer[0] = '\0';
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const ssize_t length = fill(fd, buffer, size);
	if (length < 0)
		buffer[0] = '\0';
	close(fd);
	return length < 0 ? (int)length : 0;
}

/* The rest of a file as a string on the heap, or NULL. */
static char *read_open(int fd)
{
	char *text = NULL;
	size_t length = 0;
	for (size_t size = FIRST_SIZE; size <= MOST_SIZE; size *= 2) {
		char *larger = realloc(text, size);
		if (!larger)
			break;
		text = larger;
		const ssize_t got = fill(fd, text + length, size - length);
		if (got < 0)
			break;
		length += (size_t)got;
		if (length < size - 1)
			return text;
	}
	free(text);
	return NULL;
}

char *sysfile_read_all(const char *root, const char *path)
{
	const size_t root_length = strlen(root), size = root_length + strlen(path) + 1;
	char *whole = malloc(size);
	if (!whole)
		return NULL;
	memcpy(whole, root, root_length);
	memcpy(whole + root_length, path, size - root_length);

	char *text = NULL;
	const int fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		text = read_open(fd);
		close(fd);
	}
	free(whole);
	return text;
}

bool sysfile_number(const char **cursor, uint64_t *ret_number)
{
	const char *c = *cursor;
	uint64_t number = 0;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (unsigned)(*c - '0'), &number))
			return false;
	if (c == *cursor)
		return false;
	*cursor = c;
	*ret_number = number;
	return true;
}

bool sysfile_range(const char **cursor, uint64_t *ret_first, uint64_t *ret_last)
{
	const char *c = *cursor;
	uint64_t first, last;
	if (!sysfile_number(&c, &first))
		return false;
	last = first;
	if (*c == '-') {
		c++;
		if (!sysfile_number(&c, &last) || last < first)
			return false;
	}
	if (*c == ',')
		c++;
	*cursor = c;
	*ret_first = first;
	*ret_last = last;
	return true;
}
