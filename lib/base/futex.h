/**
 * futex.h: waiting for a word in memory to change. All are shared futexes: a word may lie in memory that processes
 * share.
 */
#ifndef KIN_LIB_BASE_FUTEX_H
#define KIN_LIB_BASE_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/**
 * Sleep while *word is value. timeout_ns: nanoseconds from now, negative: without limit. Returns 0 (woken, or the
 * word has another value, or a signal came: look again) or -ETIMEDOUT.
 */
int futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns);

/** Wake at most count of those that sleep on the word. Returns how many were. */
unsigned futex_wake(_Atomic uint32_t *word, unsigned count);

#endif
