/**
 * quota.h: how much CPU time the cgroups of this process may use, in versions 1 and 2 and where both are
 * mounted.
 */
#ifndef KIN_LIB_BASE_QUOTA_H
#define KIN_LIB_BASE_QUOTA_H

/**
 * The least quota among the group of this process and those above it, as far up as the mounted tree shows,
 * in thousandths of a CPU, rounded up. 0: no quota. What is missing, unreadable or makes no sense is no
 * quota. root: what to put before all paths, "" for the running system.
 */
unsigned quota_read(const char *root);

#endif
