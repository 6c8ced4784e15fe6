/**
 * keys.h: names that the writer and the reader of recordings share. Private to the store's room.
 */
#ifndef KIN_TOOL_STORE_KEYS_H
#define KIN_TOOL_STORE_KEYS_H

#include "model/event.h"

#include <stddef.h>

/** The value of "ev": "start", "birth", ... */
const char *event_key(enum event_type type);

/** The type of that name. Returns false for one that this version does not know. */
bool event_by_key(const char *key, enum event_type *type);

/** An argument of clone, written as an address; by its place in struct clone_call. */
struct call_field {
	const char *key;
	size_t offset;
	bool address; // else a plain number
};
extern const struct call_field call_fields[];
extern const size_t n_call_fields;

/** A counter of struct usage, present when all of its bit is known. */
struct usage_field {
	const char *key;
	size_t offset;
	unsigned bit;
};
extern const struct usage_field usage_fields[];
extern const size_t n_usage_fields;

/** A number of struct event_end. */
struct end_field {
	const char *key;
	size_t offset;
};
extern const struct end_field end_fields[];
extern const size_t n_end_fields;

#endif
