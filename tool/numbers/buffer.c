#include "numbers/buffer.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define AT_LEAST ((size_t)64 << 10)
#define LARGE ((size_t)8 << 20)
#define AT_ONCE ((size_t)1 << 30) // read(2) takes little more

void numbers_buffer_finish(struct numbers_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct numbers_buffer){ 0 };
}

/* Making a large buffer of small pages takes longer than to read what goes there. */
static void advise_huge_pages(const char *bytes, size_t count)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)bytes + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)bytes + count) & ~(page - 1);
	if (count >= LARGE)
		madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

int numbers_buffer_reserve(struct numbers_buffer *buffer, size_t more)
{
	if (more <= buffer->capacity - buffer->length)
		return 0;
	if (more > PTRDIFF_MAX - buffer->length)
		return -ENOMEM;
	size_t wanted = buffer->length + more;
	if (wanted < buffer->length + buffer->length / 2) // grown by a factor, it is moved only so often
		wanted = buffer->length + buffer->length / 2;
	if (wanted < AT_LEAST)
		wanted = AT_LEAST;
	char *bytes = realloc(buffer->bytes, wanted);
	if (!bytes)
		return -ENOMEM;
	buffer->bytes = bytes;
	buffer->capacity = wanted;
	advise_huge_pages(bytes, wanted);
	return 0;
}

ssize_t numbers_read_some(int fd, void *bytes, size_t count)
{
	for (;;) {
		ssize_t got = read(fd, bytes, count);
		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
		if (errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1);
	}
}

int numbers_buffer_read(struct numbers_buffer *buffer, int fd, size_t expected)
{
	/* One byte more, so that the end shows without making room for what does not come. */
	int error = numbers_buffer_reserve(buffer, expected < PTRDIFF_MAX ? expected + 1 : expected);
	while (!error) {
		size_t room = buffer->capacity - buffer->length;
		ssize_t got = numbers_read_some(
			fd, buffer->bytes + buffer->length, room < AT_ONCE ? room : AT_ONCE);
		if (got <= 0)
			return got < 0 ? -errno : 0;
		buffer->length += (size_t)got;
		if (buffer->length == buffer->capacity)
			error = numbers_buffer_reserve(buffer, buffer->length);
	}
	return error;
}
