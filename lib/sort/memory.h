/**
 * memory.h: memory that one call works in. Process workers have to see it where there are any, and large pieces are
 * in huge pages: a sort writes to hundreds of places at once, more than there are TLB entries for small pages.
 */
#ifndef KIN_LIB_SORT_MEMORY_H
#define KIN_LIB_SORT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/** Zero bytes are a valid empty object. */
struct memory {
	char *bytes; // aligned to 64
	size_t size;
	bool shared, mapped;
};

/** Get memory, with any contents. Returns 0, -ENOMEM, or what kin_shared_alloc returns. */
int memory_init(struct memory *memory, size_t size, bool shared);
void memory_finish(struct memory *memory);

/** Cut an aligned piece off the front of what is left at *rest. */
void *memory_cut(char **rest, size_t size);

/** What memory_cut takes for a piece. */
size_t memory_rounded(size_t size);

#endif
