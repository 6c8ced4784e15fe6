/**
 * tracepoint.h: numbers and layouts of kernel tracepoints, as tracefs tells them.
 *
 * Where tracefs is not mounted and the caller may mount, a short-lived child mounts it in a mount namespace of its
 * own, so nothing of it is left behind or seen by others.
 */
#ifndef KIN_TOOL_RECORD_TRACEPOINT_H
#define KIN_TOOL_RECORD_TRACEPOINT_H

#include <stddef.h>
#include <stdint.h>

#define TRACEPOINT_FIELDS 5

/** A field of a tracepoint's raw sample. */
struct tracepoint_field {
	const char *name; // asked for; NULL: no more fields
	uint16_t offset, size; // answer; size 0: this kernel has no such field
};

struct tracepoint {
	const char *system, *name;
	struct tracepoint_field fields[TRACEPOINT_FIELDS];
	uint32_t id; // answer; 0: this kernel has no such tracepoint
};

/**
 * Fill in the answers. Returns 0 when tracefs could be read (single tracepoints may be missing all the same), or
 * -EPERM, -EACCES (only root can read it), -ENOENT (no tracefs in this kernel), or another negative errno value.
 */
int tracepoints_find(struct tracepoint *points, size_t count);

/** Read one field's offset and size from the text of a `format` file. Returns 0 or -ENOENT. */
int tracepoint_parse_field(const char *format, struct tracepoint_field *field);

/** The unsigned value of a field in a raw sample; 0 when the field is missing or lies outside the sample. */
uint64_t tracepoint_value(const struct tracepoint_field *field, const void *raw, size_t size);

#endif
