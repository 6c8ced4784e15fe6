/**
 * history.h: how long the work of a body took, so that a pool knows beforehand what is worth handing over.
 */
#ifndef KIN_LIB_POOL_HISTORY_H
#define KIN_LIB_POOL_HISTORY_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTORY_ROWS 128

/** Zero bytes are a valid empty history. Thread-safe; a guess, so that a lost update does no harm. */
struct history {
	struct {
		_Atomic uintptr_t key;
		_Atomic uint64_t cost; // ticks for 1024 items
	} rows[HISTORY_ROWS];
};

/** Ticks that one thread is expected to need; UINT64_MAX: nothing is known. */
uint64_t history_expect(struct history *history, const void *key, uint64_t items);

/** One thread needed so many ticks. */
void history_learn(struct history *history, const void *key, uint64_t items, uint64_t ticks);

#endif
