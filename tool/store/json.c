#include "store/json.h"

#include <inttypes.h>

static void escaped_byte(struct text *out, unsigned char byte)
{
	text_printf(out, "\\udbff\\ude%02x", byte);
}

static void character(struct text *out, const char *bytes, size_t length, uint32_t code_point)
{
	if (code_point >= JSON_BYTE_BASE + 0x80 && code_point <= JSON_BYTE_BASE + 0xff) {
		for (size_t i = 0; i < length; i++)
			escaped_byte(out, (unsigned char)bytes[i]);
	} else if (code_point == '"' || code_point == '\\') {
		text_add_char(out, '\\');
		text_add_char(out, *bytes);
	} else if (code_point == '\n') {
		text_add(out, "\\n");
	} else if (code_point == '\t') {
		text_add(out, "\\t");
	} else if (code_point < 0x20) {
		text_printf(out, "\\u%04x", (unsigned)code_point);
	} else {
		text_add_bytes(out, bytes, length);
	}
}

/* How many bytes can be copied as they are. */
static size_t plain_run(const char *string)
{
	size_t count = 0;
	while ((unsigned char)string[count] >= 0x20 && (unsigned char)string[count] < 0x80 &&
		string[count] != '"' && string[count] != '\\')
		count++;
	return count;
}

void json_put_quoted(struct text *out, const char *string)
{
	text_add_char(out, '"');
	while (*string) {
		size_t length = plain_run(string);
		if (length) {
			text_add_bytes(out, string, length);
			string += length;
			continue;
		}
		uint32_t code_point;
		length = text_utf8_next(string, &code_point);
		if (length)
			character(out, string, length, code_point);
		else
			escaped_byte(out, (unsigned char)*string);
		string += length ? length : 1;
	}
	text_add_char(out, '"');
}

static void add_key(struct text *out, const char *key)
{
	text_add(out, ",\"");
	text_add(out, key);
	text_add(out, "\":");
}

void json_put_string(struct text *out, const char *key, const char *string)
{
	add_key(out, key);
	json_put_quoted(out, string);
}

void json_put_string_if(struct text *out, const char *key, const char *string)
{
	if (string)
		json_put_string(out, key, string);
}

void json_put_int(struct text *out, const char *key, int64_t value)
{
	add_key(out, key);
	text_printf(out, "%" PRId64, value);
}

void json_put_uint(struct text *out, const char *key, uint64_t value)
{
	add_key(out, key);
	text_printf(out, value <= INT64_MAX ? "%" PRIu64 : "\"0x%" PRIx64 "\"", value);
}

void json_put_uint_if(struct text *out, const char *key, uint64_t value)
{
	if (value)
		json_put_uint(out, key, value);
}

void json_put_address_if(struct text *out, const char *key, uint64_t value)
{
	if (!value)
		return;
	add_key(out, key);
	text_printf(out, "\"0x%" PRIx64 "\"", value);
}

void json_put_true_if(struct text *out, const char *key, bool value)
{
	if (!value)
		return;
	add_key(out, key);
	text_add(out, "true");
}

void json_put_strings(struct text *out, const char *key, size_t count, const char *const *strings)
{
	add_key(out, key);
	text_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_add_char(out, ',');
		json_put_quoted(out, strings[i]);
	}
	text_add_char(out, ']');
}

void json_unescape_bytes(char *string)
{
	char *to = string;
	while (*string) {
		uint32_t code_point;
		size_t length = text_utf8_next(string, &code_point);
		if (length == 4 && code_point >= JSON_BYTE_BASE + 0x80 &&
			code_point <= JSON_BYTE_BASE + 0xff) {
			*to++ = (char)(unsigned char)(code_point - JSON_BYTE_BASE);
			string += length;
			continue;
		}
		for (size_t i = 0; i < (length ? length : 1); i++)
			*to++ = *string++;
	}
	*to = '\0';
}
