/**
 * text.h: a string that grows.
 *
 * init/finish pair: zero bytes are a valid empty text. After a failed allocation the text keeps what it had,
 * remembers the failure (text_failed) and ignores what is appended, so that callers check once, at the end.
 */
#ifndef KIN_TOOL_BASE_TEXT_H
#define KIN_TOOL_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes; // NUL-terminated; NULL while empty
	size_t length; // without the NUL
	size_t capacity; // private state
	bool failed; // private state
};

void text_finish(struct text *text);
void text_clear(struct text *text); // keeps the memory
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_add_char(struct text *text, char c);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
const char *text_string(const struct text *text); // never NULL
bool text_failed(const struct text *text);

/** Columns a UTF-8 string takes on a terminal; bytes that are not UTF-8 count one each. */
size_t text_columns(const char *string);

/** Decode the first character: its length in bytes, or 0 if the bytes there are not UTF-8. At NUL: 1, code point 0. */
size_t text_utf8_next(const char *string, uint32_t *code_point);

/** Columns one character takes: 0, 1 or 2. Does not ask the locale. */
unsigned text_code_point_columns(uint32_t code_point);

#endif
