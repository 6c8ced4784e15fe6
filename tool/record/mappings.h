/**
 * mappings.h: what lies where in an address space.
 *
 * A sorted array with a gap, since new mappings tend to lie beside the last one: making one costs little even where
 * there are tens of thousands.
 */
#ifndef KIN_TOOL_RECORD_MAPPINGS_H
#define KIN_TOOL_RECORD_MAPPINGS_H

#include "model/event.h"
#include "record/objects.h"

struct mapping {
	uint64_t start, end, offset;
	struct object *object; // counted; NULL for memory without a file or name
	uint8_t kind; // enum mapping_kind
	uint8_t prot; // PROT_*
	bool shared;
	bool huge; // MAP_HUGETLB
	bool grown; // it was made in more than one piece
};

/** Zero bytes are a valid empty table. */
struct mappings {
	struct mapping *entries; // private state
	size_t count, capacity, gap; // the gap begins before entry number `gap`
};

void mappings_finish(struct mappings *mappings);

/** The mapping at an address, or NULL. It stays where it is until the next change. */
struct mapping *mappings_find(const struct mappings *mappings, uint64_t address);

/** The mapping with the lowest address that ends after `address`, or NULL: to walk over a range. */
struct mapping *mappings_next(const struct mappings *mappings, uint64_t address);

/** Put a mapping over whatever was there; counts its object once more. Returns 0 or -ENOMEM. */
int mappings_put(struct mappings *mappings, const struct mapping *mapping);

/** Forget what lies in a range. Returns 0 or -ENOMEM. */
int mappings_cut(struct mappings *mappings, uint64_t start, uint64_t end);

/** Make an empty table a copy of another. Returns 0 or -ENOMEM. */
int mappings_copy(struct mappings *mappings, const struct mappings *from);

#endif
