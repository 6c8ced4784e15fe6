/**
 * stack_image.h: the arguments of a program, from a copy of the first bytes of its fresh stack.
 *
 * The layout is the System V ABI's process initialisation: argc, the argument pointers, NULL, the environment pointers,
 * NULL, the auxiliary vector, and further up the strings.
 */
#ifndef KIN_TOOL_RECORD_STACK_IMAGE_H
#define KIN_TOOL_RECORD_STACK_IMAGE_H

#include "base/text.h"

#include <stdint.h>

struct stack_image {
	const uint8_t *bytes;
	size_t count;
	uint64_t address; // of the first byte in the program: its stack pointer
	bool compat; // a 32-bit program's
};

/**
 * Append the arguments, each with its NUL, to `arguments`, and the path as given to exec to `path` (left empty
 * when it is not there). Returns 0, -ENODATA when the copy ends before the last argument does, or -ENOMEM.
 */
int stack_image_read(const struct stack_image *image, struct text *arguments, struct text *path);

#endif
