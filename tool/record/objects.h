/**
 * objects.h: the files and names that mappings have, each kept once for all address spaces.
 */
#ifndef KIN_TOOL_RECORD_OBJECTS_H
#define KIN_TOOL_RECORD_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct objects;

struct object {
	struct object *next; // private state
	struct objects *objects; // private state
	unsigned users; // private state
	uint32_t major, minor; // device; 0, 0 where not known
	uint64_t inode; // 0 where there is none
	uint64_t hash;
	char path[]; // as the kernel gives it
};

/** Returns 0 or -ENOMEM. */
int objects_create(struct objects **ret_objects);

/** Every object must have been released. NULL is welcome. */
void objects_destroy(struct objects *objects);

/** The object of that path and file, made at its first use; the caller releases it. Returns 0 or -ENOMEM. */
int objects_get(struct objects *objects, const char *path, uint32_t major, uint32_t minor, uint64_t inode,
	struct object **ret_object);

/** One user more, one less. NULL is welcome. */
void object_hold(struct object *object);
void object_release(struct object *object);

#endif
