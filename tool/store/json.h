/**
 * json.h: pieces of JSON text, appended to a struct text. Private to the store's room.
 *
 * Keys are written with a comma before them: the caller writes an object's first member itself. A value that says
 * nothing (NULL, false, 0) is left out by the functions named _if.
 */
#ifndef KIN_TOOL_STORE_JSON_H
#define KIN_TOOL_STORE_JSON_H

#include "base/text.h"

#include <stdint.h>

/**
 * Bytes that are not UTF-8 are written as the character U+10FE00 + byte, which JSON spells "\udbff\udeXX" with the
 * byte itself in the last two digits. A real character of that range is written as its four bytes, each that way, so
 * that reading gives back every string exactly.
 */
#define JSON_BYTE_BASE 0x10fe00u

/** A string with its quotes. */
void json_put_quoted(struct text *out, const char *string);

void json_put_string(struct text *out, const char *key, const char *string);
void json_put_string_if(struct text *out, const char *key, const char *string);
void json_put_int(struct text *out, const char *key, int64_t value);

/** Above INT64_MAX, which not every parser reads: a string in hexadecimal. */
void json_put_uint(struct text *out, const char *key, uint64_t value);
void json_put_uint_if(struct text *out, const char *key, uint64_t value);

/** A string in hexadecimal; nothing for 0. */
void json_put_address_if(struct text *out, const char *key, uint64_t value);
void json_put_true_if(struct text *out, const char *key, bool value);
void json_put_strings(struct text *out, const char *key, size_t count, const char *const *strings);

/** Turn a parsed string back into the bytes it stands for, in place. */
void json_unescape_bytes(char *string);

#endif
