/**
 * parse.h: numbers as text, separated by white space.
 *
 * Whole numbers are decimal digits with or without a sign. Floats are what strtod(3) takes in the C locale, rounded
 * correctly to their type: also 1e-3, inf, nan, 0x1p-3. A comma separates nothing: in "1,5" it may be a decimal one.
 */
#ifndef KIN_TOOL_NUMBERS_PARSE_H
#define KIN_TOOL_NUMBERS_PARSE_H

#include "numbers/buffer.h"
#include "numbers/type.h"

/** Bytes of a message, with its NUL. */
#define NUMBERS_MESSAGE 512

struct numbers_parser {
	enum kin_type type;
	const char *name; // of the file, for messages
	size_t line; // the current one, from 1
	char *message; // NUMBERS_MESSAGE bytes, filled on failure
};

/**
 * Append the numbers in a piece of text. *end is a byte that can be read, and is neither white space nor part of a
 * number: NUL, say. A number that touches the end is left for the next piece, unless this is the last.
 *
 * Returns 0, with the number of bytes used up; -EINVAL: not a number, or not one of the type; -ENOMEM.
 */
int numbers_parse(struct numbers_parser *parser, const char *text, const char *end, bool last,
	struct numbers_buffer *into, size_t *ret_used);

#endif
