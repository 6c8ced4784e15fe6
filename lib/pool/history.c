#include "pool/history.h"

#include "base/api.h"

static KIN_HOT unsigned row_of(const void *key)
{
	uintptr_t bits = (uintptr_t)key;
	return (unsigned)((bits >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40) % HISTORY_ROWS;
}

KIN_HOT uint64_t history_expect(struct history *history, const void *key, uint64_t items)
{
	unsigned row = row_of(key);
	if (atomic_load_explicit(&history->rows[row].key, memory_order_relaxed) != (uintptr_t)key)
		return UINT64_MAX;
	uint64_t cost = atomic_load_explicit(&history->rows[row].cost, memory_order_relaxed);
	return (uint64_t)((unsigned __int128)cost * items >> 10);
}

KIN_HOT void history_learn(struct history *history, const void *key, uint64_t items, uint64_t ticks)
{
	if (items == 0)
		return;
	unsigned row = row_of(key);
	uint64_t cost = ticks < UINT64_MAX >> 10 ? (ticks << 10) / items : UINT64_MAX >> 10;
	uint64_t before = atomic_load_explicit(&history->rows[row].cost, memory_order_relaxed);
	if (atomic_load_explicit(&history->rows[row].key, memory_order_relaxed) != (uintptr_t)key)
		atomic_store_explicit(&history->rows[row].key, (uintptr_t)key, memory_order_relaxed);
	else if (cost < before)
		cost = before -
		       (before - cost) / 2; // one call that was short for another reason is not the rule
	if (cost != before)
		atomic_store_explicit(&history->rows[row].cost, cost, memory_order_relaxed);
}
