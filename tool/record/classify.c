#include "record/classify.h"

#include <sys/mman.h>

/* A read fault on a file maps pages around it too, those that are in the page cache (fault_around_bytes). */
#define AROUND_BYTES 65536
#define HUGE_BYTES ((uint64_t)2 << 20)

struct page_fault {
	struct space *space;
	const struct mapping *mapping;
	uint64_t page;
	enum page_state state;
	struct access_seen seen;
};

static enum cause anonymous_exact(const struct page_fault *fault)
{
	if (!fault->seen.present) {
		/* A page that was written and is not there any more, yet needs I/O, comes from swap. */
		return fault->seen.major ? CAUSE_OTHER : CAUSE_ZERO;
	}
	if (fault->seen.access != ACCESS_WRITE)
		return CAUSE_OTHER;
	switch (fault->state) {
	case PAGE_INHERITED:
	case PAGE_WRITTEN:
		return CAUSE_COW;
	case PAGE_SEEN:
		return CAUSE_ZERO;
	default:
		/* Touched by the kernel alone: what it wrote is writable, so this was the page of zeroes. */
		return fault->space->lineage_known ? CAUSE_ZERO : CAUSE_COW;
	}
}

static enum cause anonymous_guessed(const struct page_fault *fault)
{
	if (fault->seen.major)
		return CAUSE_OTHER;
	return fault->state == PAGE_INHERITED ? CAUSE_COW : CAUSE_ZERO;
}

static enum cause file_exact(const struct page_fault *fault)
{
	return fault->seen.present && fault->seen.access == ACCESS_WRITE ? CAUSE_COW : CAUSE_FILE;
}

static enum cause file_guessed(const struct page_fault *fault)
{
	bool there = fault->state == PAGE_INHERITED || fault->state == PAGE_SEEN;
	bool write = fault->mapping->prot & PROT_WRITE && fault->seen.access != ACCESS_READ;
	return there && write && !fault->seen.major ? CAUSE_COW : CAUSE_FILE;
}

/* do_fault_around() in the kernel: as many pages from the start of the window or the mapping, in one page table. */
static int see_around(const struct page_fault *fault)
{
	struct space *space = fault->space;
	uint64_t window = AROUND_BYTES / space->page_size, table = space->page_size / sizeof(uint64_t);
	if (window < 2)
		return 0;
	uint64_t first = fault->page & ~(window - 1), low = fault->mapping->start / space->page_size;
	first = first < low ? low : first;
	uint64_t end = first + window, high = fault->mapping->end / space->page_size;
	uint64_t table_end = (fault->page & ~(table - 1)) + table;
	end = end > table_end ? table_end : end;
	end = end > high ? high : end;
	for (uint64_t page = first; page < end; page++) {
		if (pages_get(&space->pages, page) != PAGE_NEW)
			continue;
		int result = pages_set(&space->pages, page, PAGE_SEEN);
		if (result < 0)
			return result;
	}
	return 0;
}

static enum page_state state_after(const struct page_fault *fault, enum cause cause)
{
	if (cause == CAUSE_COW || fault->seen.access == ACCESS_WRITE)
		return PAGE_WRITTEN;
	if (cause == CAUSE_OTHER)
		return fault->state;
	return PAGE_SEEN;
}

static int private_fault(struct page_fault *fault, enum cause cause)
{
	struct space *space = fault->space;
	enum page_state state = state_after(fault, cause);
	if (fault->mapping->huge) {
		uint64_t pages = HUGE_BYTES / space->page_size;
		uint64_t first = fault->page & ~(pages - 1);
		return pages_set_range(&space->pages, first, first + pages, state);
	}
	int result = pages_set(&space->pages, fault->page, state);
	bool around = result == 0 && fault->mapping->kind == MAPPING_FILE && cause == CAUSE_FILE &&
		      fault->seen.access == ACCESS_READ && fault->mapping->prot & PROT_WRITE;
	return around ? see_around(fault) : result;
}

int classify(struct space *space, const struct mapping *mapping, uint64_t address,
	const struct access_seen *seen, enum cause *ret_cause)
{
	struct page_fault fault = {
		.space = space, .mapping = mapping, .page = address / space->page_size, .seen = *seen
	};
	switch (mapping ? (enum mapping_kind)mapping->kind : MAPPING_UNKNOWN) {
	case MAPPING_HEAP:
	case MAPPING_STACK:
	case MAPPING_ANON:
		fault.state = pages_get(&space->pages, fault.page);
		*ret_cause = seen->present_known ? anonymous_exact(&fault) : anonymous_guessed(&fault);
		return private_fault(&fault, *ret_cause);
	case MAPPING_FILE:
		fault.state = pages_get(&space->pages, fault.page);
		*ret_cause = seen->present_known ? file_exact(&fault) : file_guessed(&fault);
		return private_fault(&fault, *ret_cause);
	case MAPPING_SHARED_FILE:
		*ret_cause = CAUSE_FILE;
		return 0;
	case MAPPING_SHARED:
		*ret_cause = CAUSE_SHARED;
		return 0;
	default:
		*ret_cause = CAUSE_OTHER;
		return 0;
	}
}
