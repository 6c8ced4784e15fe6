/**
 * read.h: reading without a lock.
 */
#ifndef KIN_LIB_LIST_READ_H
#define KIN_LIB_LIST_READ_H

#include "list/list.h"

/** A chunk that was found, as somebody who wants to write to it needs it. */
struct found {
	struct page *page;
	uint64_t slot;
	uint64_t version; // of the page, open
	uint64_t seq;
	uint64_t tail_end; // READ_LAST: as it was
};

/**
 * AGAIN: others were at it. Otherwise 0, -ERANGE or -ENOMEM; or, if the item is not in the body, ENDS: it holds as long
 * as seq does; LAST: and nothing is appended.
 */
enum { READ_AGAIN = 1, READ_ENDS = 2, READ_LAST = 3 };

int read_find(struct kin_list *list, uint64_t index, struct found *found);

/** Whether what was read is what was found. */
bool read_holds(struct kin_list *list, int result, const struct found *found);

/** How many items lie behind one another from what was found on; 0: others were at it. */
uint64_t read_run(struct kin_list *list, uint64_t index, const struct found *found, bool ends);

/** A chunk of a snapshot, or one under T: wait for who is overwriting an item in it. */
void read_await_open(const struct page *page);

#endif
