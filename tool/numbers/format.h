/**
 * format.h: numbers as text that reads back as the same number.
 */
#ifndef KIN_TOOL_NUMBERS_FORMAT_H
#define KIN_TOOL_NUMBERS_FORMAT_H

#include "numbers/type.h"

/** Characters any number takes, with its NUL. */
#define NUMBERS_FORMATTED 32

/**
 * Write a number of a type: whole ones in full; floats with the fewest of 15 to 17 digits (f32: 6 to 9) that read back
 * as the same float; "inf", "-inf", "nan". Returns the length.
 */
size_t numbers_format(char text[NUMBERS_FORMATTED], enum kin_type type, union kin_number number);

#endif
