/**
 * buffer.h: bytes that are read and kept.
 *
 * init/finish pair: zero bytes are a valid empty buffer.
 */
#ifndef KIN_TOOL_NUMBERS_BUFFER_H
#define KIN_TOOL_NUMBERS_BUFFER_H

#include <stddef.h>
#include <sys/types.h>

struct numbers_buffer {
	char *bytes; // as malloc aligns; NULL while empty
	size_t length;
	size_t capacity; // private state
};

void numbers_buffer_finish(struct numbers_buffer *buffer);

/** Make room for more bytes behind those there are. Returns 0 or -ENOMEM. */
int numbers_buffer_reserve(struct numbers_buffer *buffer, size_t more);

/** read(2) again until it says something: interrupted, or not ready though told not to wait, is no answer. */
ssize_t numbers_read_some(int fd, void *bytes, size_t count);

/** Append all that can be read; expected: so many bytes, or 0 if not known. Returns 0 or a negative errno value. */
int numbers_buffer_read(struct numbers_buffer *buffer, int fd, size_t expected);

#endif
