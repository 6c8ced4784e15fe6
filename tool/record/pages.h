/**
 * pages.h: two bits for every page of an address space.
 *
 * Kept in chunks of 512 pages, made when a page of theirs is first set: what was never touched costs nothing.
 */
#ifndef KIN_TOOL_RECORD_PAGES_H
#define KIN_TOOL_RECORD_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum page_state {
	PAGE_NEW, // never touched, as far as is known
	PAGE_SEEN, // touched: read, or it is not known whether read or written
	PAGE_WRITTEN, // written: it belongs to this address space alone
	PAGE_INHERITED, // private memory that a fork left write-protected, here and in the other process
};

#define PAGES_CHUNK 512

struct pages_chunk {
	uint64_t number; // of its first page / PAGES_CHUNK
	uint8_t bits[PAGES_CHUNK / 4];
};

/** Zero bytes are a valid empty set. */
struct pages {
	struct pages_chunk **table; // private state: a hash table, chunks by number
	size_t count, capacity;
};

void pages_finish(struct pages *pages);

/** Pages are named by their number: address / page size. */
enum page_state pages_get(const struct pages *pages, uint64_t page);

/** Returns 0 or -ENOMEM. */
int pages_set(struct pages *pages, uint64_t page, enum page_state state);

/** Set every page of [first, end). PAGE_NEW needs no memory and does not fail. Returns 0 or -ENOMEM. */
int pages_set_range(struct pages *pages, uint64_t first, uint64_t end, enum page_state state);

/** A chunk's pages in order: calls `each` for runs of equal states that are not PAGE_NEW, in no order of chunks. */
typedef int pages_run(void *data, uint64_t first, uint64_t end, enum page_state state);
int pages_each(const struct pages *pages, pages_run *each, void *data);

#endif
