/**
 * pagemap.h: which pages of a stopped process are there, without root.
 */
#ifndef KIN_TOOL_RECORD_PAGEMAP_H
#define KIN_TOOL_RECORD_PAGEMAP_H

#include "record/mappings.h"

enum pagemap_kind {
	PAGEMAP_ANON, // private memory of its own, or shared copy-on-write; before Linux 6.7 zero pages too
	PAGEMAP_ZERO, // read only: the kernel's page of zeroes
	PAGEMAP_FILE, // a file's or shared memory's page
};

/** Receives runs of pages that are there, by number. Returns 0 or a negative errno value. */
typedef int pagemap_run(void *data, uint64_t first, uint64_t end, enum pagemap_kind kind);

/**
 * Walk over the page table of a process: by PAGEMAP_SCAN (Linux 6.7), else by reading /proc/PID/pagemap for the
 * private mappings in `mappings`. *ret_whole is false when mappings too large to be read page by page were left out.
 *
 * Returns 0, -ENOENT or -ESRCH when the process is gone, -EACCES, or what `each` returned.
 */
int pagemap_walk(int pid, const struct mappings *mappings, pagemap_run *each, void *data, bool *ret_whole);

#endif
