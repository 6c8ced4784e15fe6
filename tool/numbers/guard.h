/**
 * guard.h: read a mapped file that somebody may cut short meanwhile.
 *
 * A page of a mapping that the file no longer has is a SIGBUS to whoever touches it. While a mapping is guarded zeros
 * come in its place, in this process and in those forked from it, and numbers_guard_end tells.
 *
 * One mapping at a time in a process. Threads that block SIGBUS are not helped: the kernel kills them.
 */
#ifndef KIN_TOOL_NUMBERS_GUARD_H
#define KIN_TOOL_NUMBERS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/** Guard a mapping, from its first byte. Returns 0 or a negative errno value. */
int numbers_guard_begin(void *mapped, size_t bytes);

/** No longer. Returns whether any page was missed, so that what was computed from the mapping is worth nothing. */
bool numbers_guard_end(void);

#endif
