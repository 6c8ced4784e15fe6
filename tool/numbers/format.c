#include "numbers/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t format_whole(char *text, bool negative, uint64_t magnitude)
{
	char digits[24];
	size_t at = sizeof digits, length = 0;
	do
		digits[--at] = (char)('0' + magnitude % 10);
	while (magnitude /= 10);
	if (negative)
		text[length++] = '-';
	memcpy(text + length, digits + at, sizeof digits - at);
	length += sizeof digits - at;
	text[length] = '\0';
	return length;
}

static size_t format_float(char *text, bool is_f32, double number)
{
	if (isnan(number)) // printf would show the sign of a NaN, which has no meaning
		return strlen(strcpy(text, "nan"));
	/* Most floats in files are whole; the limit is where %g would begin to write an exponent. */
	if (fabs(number) < (is_f32 ? 1e6 : 1e15) && number == (double)(int64_t)number &&
		!(number == 0 && signbit(number)))
		return format_whole(text, number < 0, (uint64_t)fabs(number));
	int most = is_f32 ? 9 : 17, length = 0;
	for (int digits = is_f32 ? 6 : 15; digits <= most; digits++) {
		length = snprintf(text, NUMBERS_FORMATTED, "%.*g", digits, number);
		double back = is_f32 ? (double)strtof(text, NULL) : strtod(text, NULL);
		if (back == number)
			break;
	}
	return (size_t)length;
}

size_t numbers_format(char text[NUMBERS_FORMATTED], enum kin_type type, union kin_number number)
{
	switch (numbers_type(type)->class) {
	case NUMBERS_SIGNED:
		return format_whole(
			text, number.i < 0, number.i < 0 ? 0 - (uint64_t)number.i : (uint64_t)number.i);
	case NUMBERS_UNSIGNED:
		return format_whole(text, false, number.u);
	default:
		return format_float(text, type == KIN_F32, number.f);
	}
}
