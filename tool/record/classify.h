/**
 * classify.h: the cause of one page fault, from the state of its page.
 */
#ifndef KIN_TOOL_RECORD_CLASSIFY_H
#define KIN_TOOL_RECORD_CLASSIFY_H

#include "record/instruction.h"
#include "record/space.h"

/** What is known of the access that faulted. */
struct access_seen {
	enum access access;
	bool present_known; // the hardware told whether the page was there
	bool present;
	bool major;
};

/**
 * The cause of a fault at an address, and what the page is from now on. mapping is the one it lies in, NULL if none
 * is known. Returns 0 or -ENOMEM.
 */
int classify(struct space *space, const struct mapping *mapping, uint64_t address,
	const struct access_seen *seen, enum cause *ret_cause);

#endif
