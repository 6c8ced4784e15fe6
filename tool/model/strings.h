/**
 * strings.h: the memory of a history. An arena, and in it strings and lists of strings kept once each.
 *
 * Everything is freed at once by strings_destroy(). Private to the model's room.
 */
#ifndef KIN_TOOL_MODEL_STRINGS_H
#define KIN_TOOL_MODEL_STRINGS_H

#include "model/history.h"

/** Make an empty one. Returns NULL when there is no memory. */
struct strings *strings_create(void);

/** Free it and all that came from it. NULL is welcome. */
void strings_destroy(struct strings *strings);

/** Zeroed memory aligned for any type, or NULL. */
void *strings_alloc(struct strings *strings, size_t size);

/** The one copy of that string. *ret is NULL for NULL. Returns 0 or -ENOMEM. */
int strings_intern(struct strings *strings, const char *string, const char **ret);

/** The one copy of that list. Returns 0 or -ENOMEM. */
int strings_words(struct strings *strings, size_t count, const char *const *words, const struct words **ret);

/** Bytes taken from the system so far. */
size_t strings_bytes(const struct strings *strings);

#endif
