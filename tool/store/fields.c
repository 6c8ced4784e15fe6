#include "store/fields.h"
#include "model/names.h"
#include "store/json.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool fields_init(struct fields *fields, const char *line, size_t length)
{
	json_error_t error;
	*fields = (struct fields){ .object = json_loadb(line, length, 0, &error) };
	if (json_is_object(fields->object))
		return true;
	fields_finish(fields);
	return false;
}

void fields_finish(struct fields *fields)
{
	json_decref(fields->object);
	for (unsigned i = 0; i < fields->n_lists; i++)
		free(fields->lists[i]);
	*fields = (struct fields){ 0 };
}

void fields_reject(struct fields *fields, const char *key)
{
	if (!fields->wrong)
		fields->wrong = key;
}

bool fields_has(const struct fields *fields, const char *key)
{
	return json_object_get(fields->object, key) != NULL;
}

/* The bytes a parsed string stands for; they replace it, so that they live as long as the line. */
static const char *string_bytes(struct fields *fields, json_t *value)
{
	const char *string = json_string_value(value);
	if (!strstr(string, "\xf4\x8f\xba") && !strstr(string, "\xf4\x8f\xbb"))
		return string;
	char *bytes = strdup(string);
	if (bytes) {
		json_unescape_bytes(bytes);
		if (json_string_set_nocheck(value, bytes) == 0) {
			free(bytes);
			return json_string_value(value);
		}
	}
	free(bytes);
	fields->no_memory = true;
	return "";
}

const char *fields_string(struct fields *fields, const char *key)
{
	json_t *value = json_object_get(fields->object, key);
	if (!value)
		return NULL;
	if (json_is_string(value))
		return string_bytes(fields, value);
	fields_reject(fields, key);
	return NULL;
}

const char *fields_string_needed(struct fields *fields, const char *key)
{
	const char *string = fields_string(fields, key);
	if (!string)
		fields_reject(fields, key);
	return string ? string : "";
}

bool fields_strings(struct fields *fields, const char *key, size_t *count, const char *const **list)
{
	*count = 0;
	*list = NULL;
	json_t *array = json_object_get(fields->object, key);
	if (!array)
		return false;
	if (!json_is_array(array)) {
		fields_reject(fields, key);
		return false;
	}
	size_t size = json_array_size(array);
	const char **strings = calloc(size + 1, sizeof *strings);
	if (!strings) {
		fields->no_memory = true;
		return false;
	}
	fields->lists[fields->n_lists++] = strings;
	for (size_t i = 0; i < size; i++) {
		json_t *value = json_array_get(array, i);
		if (!json_is_string(value)) {
			fields_reject(fields, key);
			return false;
		}
		strings[i] = string_bytes(fields, value);
	}
	*count = size;
	*list = strings;
	return true;
}

int fields_int(struct fields *fields, const char *key)
{
	json_t *value = json_object_get(fields->object, key);
	if (!value)
		return 0;
	json_int_t number = json_integer_value(value);
	if (json_is_integer(value) && number >= INT_MIN && number <= INT_MAX)
		return (int)number;
	fields_reject(fields, key);
	return 0;
}

int fields_int_needed(struct fields *fields, const char *key)
{
	if (!fields_has(fields, key))
		fields_reject(fields, key);
	return fields_int(fields, key);
}

static bool parse_hexadecimal(const char *string, uint64_t *number)
{
	if (strncmp(string, "0x", 2) != 0 || string[2] == '\0' || strlen(string) > 18)
		return false;
	if (strspn(string + 2, "0123456789abcdefABCDEF") != strlen(string + 2))
		return false;
	*number = strtoull(string + 2, NULL, 16);
	return true;
}

uint64_t fields_uint(struct fields *fields, const char *key)
{
	json_t *value = json_object_get(fields->object, key);
	uint64_t number = 0;
	if (!value)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return (uint64_t)json_integer_value(value);
	if (json_is_string(value) && parse_hexadecimal(json_string_value(value), &number))
		return number;
	fields_reject(fields, key);
	return 0;
}

uint32_t fields_uint32(struct fields *fields, const char *key)
{
	uint64_t number = fields_uint(fields, key);
	if (number > UINT32_MAX)
		fields_reject(fields, key);
	return (uint32_t)number;
}

bool fields_bool(struct fields *fields, const char *key)
{
	json_t *value = json_object_get(fields->object, key);
	if (value && !json_is_boolean(value))
		fields_reject(fields, key);
	return json_is_true(value);
}

int fields_signal(struct fields *fields, const char *key)
{
	const char *name = fields_string(fields, key);
	if (!name)
		return 0;
	int signo = signal_by_name(name);
	if (signo)
		return signo;
	if (strncmp(name, "signal ", 7) != 0) {
		fields_reject(fields, key);
		return 0;
	}
	char *end;
	errno = 0;
	long number = strtol(name + 7, &end, 10);
	if (errno || *end || end == name + 7 || number < INT_MIN || number > INT_MAX)
		fields_reject(fields, key);
	return (int)number;
}
