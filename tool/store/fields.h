/**
 * fields.h: the members of one parsed line, taken out with their types checked. Private to the store's room.
 *
 * The first member that is not what it should be is remembered; the caller looks once, at the end.
 */
#ifndef KIN_TOOL_STORE_FIELDS_H
#define KIN_TOOL_STORE_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELDS_LISTS 3

struct fields {
	json_t *object; // owned
	const char **lists[FIELDS_LISTS]; // owned: the lists of strings taken so far
	unsigned n_lists;
	const char *wrong; // key of the first member missing or of a wrong type
	bool no_memory;
};

/** Parse one line. Returns false if it is no JSON object. */
bool fields_init(struct fields *fields, const char *line, size_t length);
void fields_finish(struct fields *fields);

/** A string, valid until fields_finish(); NULL when there is none. */
const char *fields_string(struct fields *fields, const char *key);

/** The same for one that must be there. Returns "" when it is not. */
const char *fields_string_needed(struct fields *fields, const char *key);

/** A list of strings. Returns whether there is one; *count is 0 and *list NULL when not. */
bool fields_strings(struct fields *fields, const char *key, size_t *count, const char *const **list);

/** An integer, 0 when there is none. */
int fields_int(struct fields *fields, const char *key);
int fields_int_needed(struct fields *fields, const char *key);

/** An integer of 64 bits or a string in hexadecimal; 0 when there is none. */
uint64_t fields_uint(struct fields *fields, const char *key);
uint32_t fields_uint32(struct fields *fields, const char *key);
bool fields_has(const struct fields *fields, const char *key);
bool fields_bool(struct fields *fields, const char *key);

/** The number of a signal written as a name; 0 when there is none. */
int fields_signal(struct fields *fields, const char *key);

/** The member is no good for a reason only the caller knows. */
void fields_reject(struct fields *fields, const char *key);

#endif
