/**
 * check.h: whether a list is whole; for tests, while nobody changes it.
 */
#ifndef KIN_LIB_LIST_CHECK_H
#define KIN_LIB_LIST_CHECK_H

struct kin_list;

/** 0, or the number of what is wrong (a line in check.c); -ENOMEM. */
int kin_list_check(struct kin_list *list);

#endif
