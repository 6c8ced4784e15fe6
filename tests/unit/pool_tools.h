/**
 * pool_tools.h: what tests of pools need beside engine.h: pools that are there or the test ends, waits that give up,
 * random numbers.
 */
#ifndef KIN_TESTS_POOL_TOOLS_H
#define KIN_TESTS_POOL_TOOLS_H

#include "engine.h"

#include <kin/pool.h>

TAP_MAY_BE_UNUSED static const char *const tool_kinds[] = { "threads", "processes" };

/** A pool, or the end of the test. */
TAP_MAY_BE_UNUSED static struct kin_pool *tool_pool(enum kin_kind kind, unsigned workers)
{
	struct kin_pool *pool = NULL;
	struct kin_pool_options options = { .kind = kind, .workers = workers };
	int error = kin_pool_create(&pool, &options);
	if (error < 0) {
		tap_ok(false, "a pool of %u %s: %d", workers, tool_kinds[kind], error);
		exit(1);
	}
	return pool;
}

/** Wait until a word in memory is at least a value, at most some seconds: for what a hang would be without. */
TAP_MAY_BE_UNUSED static bool tool_await(_Atomic uint32_t *word, uint32_t value)
{
	for (int i = 0; i < 10000; i++) {
		if (atomic_load(word) >= value)
			return true;
		engine_nap(1);
	}
	return false;
}

TAP_MAY_BE_UNUSED static unsigned tool_count_threads(void)
{
	unsigned count = 0;
	DIR *dir = opendir("/proc/self/task");
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/** xorshift; the state must not be 0. */
TAP_MAY_BE_UNUSED static uint64_t tool_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * UINT64_C(2685821657736338717);
}

#endif
