/**
 * recover.h: after a process was killed while it held T. What it had under way is in no mapping, so only the free
 * pages have to be found again: those that neither the mapping nor a snapshot reaches.
 */
#ifndef KIN_LIB_LIST_RECOVER_H
#define KIN_LIB_LIST_RECOVER_H

struct kin_list;

/** Under T. Can itself be cut off, and begun again. O(pages). Returns 0 or -ENOMEM. */
int recover(struct kin_list *list);

#endif
