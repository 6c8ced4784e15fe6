#include "numbers/parse.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verdict { FITS, TOO_LARGE, NO_NUMBER };

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A token as it is shown: what would not print as '?', and no more than a line has room for. */
static void quote(char quoted[48], const char *token, size_t length)
{
	size_t shown = length < 40 ? length : 37, at = 0;
	for (; at < shown; at++) {
		unsigned char c = (unsigned char)token[at];
		quoted[at] = (char)(c < ' ' || c == 127 ? '?' : c);
	}
	strcpy(quoted + at, shown < length ? "..." : "");
}

static const char *what_is_wrong(char words[96], const struct numbers_type *type, enum verdict verdict)
{
	if (type->class == NUMBERS_FLOAT)
		snprintf(words, 96, verdict == TOO_LARGE ? "is too large for %s" : "is not a number (%s)",
			type->name);
	else if (verdict == TOO_LARGE)
		snprintf(words, 96, "is not in the range of %s, %s%llu to %llu", type->name,
			type->below ? "-" : "", (unsigned long long)type->below,
			(unsigned long long)type->above);
	else
		snprintf(words, 96, "is not a whole number (%s)", type->name);
	return words;
}

static int complain(
	const struct numbers_parser *parser, enum verdict verdict, const char *token, size_t length)
{
	const struct numbers_type *type = numbers_type(parser->type);
	char quoted[48], words[96], number[24] = "";
	quote(quoted, token, length);
	const char *advice = "";
	if (verdict == NO_NUMBER && memchr(token, ',', length))
		advice = "; separate numbers by white space";
	else if (verdict == NO_NUMBER && memchr(token, '\0', length))
		advice = "; leave out --text if the file is raw";
	else if (verdict == NO_NUMBER && type->class != NUMBERS_FLOAT &&
		 strspn(token, "0123456789+-.eE") >= length)
		advice = "; --type=f64 takes it";
	snprintf(number, sizeof number, "%zu", parser->line);
	snprintf(parser->message, NUMBERS_MESSAGE, "%.300s:%s: '%s' %s%s", parser->name, number, quoted,
		what_is_wrong(words, type, verdict), advice);
	return -EINVAL;
}

static const char *token_end(const char *at, const char *end)
{
	while (at < end && !is_space(*at))
		at++;
	return at;
}

/* Reads digits as far as they go; more than 64 bits hold sets *large. */
static const char *read_digits(const char *at, uint64_t *value, bool *large)
{
	uint64_t sum = 0;
	unsigned digit;
	const char *begin = at;
	for (; (digit = (unsigned)*at - '0') < 10; at++) {
		if (at - begin < 19)
			sum = sum * 10 + digit;
		else if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
			*large = true;
	}
	*value = sum;
	return at;
}

static enum verdict read_whole(
	const struct numbers_type *type, const char *at, const char **ret_end, union kin_number *number)
{
	bool negative = *at == '-', large = false;
	uint64_t magnitude;
	at += *at == '-' || *at == '+';
	const char *end = read_digits(at, &magnitude, &large);
	*ret_end = end;
	if (end == at)
		return NO_NUMBER;
	if (large || magnitude > (negative ? type->below : type->above))
		return TOO_LARGE;
	number->u = negative ? 0 - magnitude : magnitude;
	return FITS;
}

/*
 * What most files are made of: few digits and a small exponent. Both the digits and the power of ten are doubles then,
 * exactly, so that one division rounds correctly (W. D. Clinger, How to read floating point numbers accurately, 1990).
 */
static bool read_short_float(const char *at, const char **ret_end, double *number)
{
	static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
		1e13, 1e14, 1e15 };
	bool negative = *at == '-', large = false;
	uint64_t whole, fraction = 0;
	size_t decimals = 0;
	at += *at == '-' || *at == '+';
	const char *end = read_digits(at, &whole, &large);
	size_t digits = (size_t)(end - at);
	if (*end == '.') {
		const char *point = end;
		end = read_digits(point + 1, &fraction, &large);
		decimals = (size_t)(end - point) - 1;
	}
	if (digits == 0 || digits + decimals > 15 || (*end && !is_space(*end)) || FLT_EVAL_METHOD != 0)
		return false;
	double value = (double)(whole * (uint64_t)powers[decimals] + fraction) / powers[decimals];
	*number = negative ? -value : value;
	*ret_end = end;
	return true;
}

static enum verdict read_f64(const char *at, const char **ret_end, union kin_number *number)
{
	if (read_short_float(at, ret_end, &number->f))
		return FITS;
	char *end;
	errno = 0;
	number->f = strtod(at, &end);
	*ret_end = end;
	return end == at ? NO_NUMBER : errno == ERANGE && isinf(number->f) ? TOO_LARGE : FITS;
}

/* By way of double it would be rounded twice. */
static enum verdict read_f32(const char *at, const char **ret_end, union kin_number *number)
{
	char *end;
	errno = 0;
	number->f = strtof(at, &end);
	*ret_end = end;
	return end == at ? NO_NUMBER : errno == ERANGE && isinf(number->f) ? TOO_LARGE : FITS;
}

static enum verdict read_number(const struct numbers_type *type, enum kin_type which, const char *at,
	const char **ret_end, union kin_number *number)
{
	if (type->class != NUMBERS_FLOAT)
		return read_whole(type, at, ret_end, number);
	return which == KIN_F64 ? read_f64(at, ret_end, number) : read_f32(at, ret_end, number);
}

static const char *skip_space(struct numbers_parser *parser, const char *at, const char *end)
{
	for (; at < end && is_space(*at); at++)
		parser->line += *at == '\n';
	return at;
}

int numbers_parse(struct numbers_parser *parser, const char *text, const char *end, bool last,
	struct numbers_buffer *into, size_t *ret_used)
{
	const struct numbers_type *type = numbers_type(parser->type);
	int error = numbers_buffer_reserve(into, ((size_t)(end - text) / 2 + 1) * type->size);
	if (error) {
		snprintf(parser->message, NUMBERS_MESSAGE, "not enough memory for the numbers of %.300s",
			parser->name);
		return error;
	}
	const char *at = skip_space(parser, text, end);
	while (at < end) {
		union kin_number number;
		const char *stop;
		enum verdict verdict = read_number(type, parser->type, at, &stop, &number);
		if (verdict != FITS || stop == end || !is_space(*stop)) {
			const char *token = token_end(at, end);
			if (token == end && !last)
				break;
			if (verdict != FITS || stop != token)
				return complain(parser, stop == token ? verdict : NO_NUMBER, at,
					(size_t)(token - at));
		}
		numbers_store(parser->type, into->bytes + into->length, number);
		into->length += type->size;
		at = skip_space(parser, stop, end);
	}
	*ret_used = (size_t)(at - text);
	return 0;
}
