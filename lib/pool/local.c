/* Worker-local storage: a row of values, one for each index that a worker of the pool can have. */
#include "base/api.h"
#include "pool/context.h"
#include "pool/pool.h"

#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE ((size_t)64)

struct kin_local {
	struct kin_pool *pool;
	char *values;
	size_t stride;
	unsigned count;
	bool shared;
};

/* The values follow in the same memory: workers older than it have to see both. */
#define HEAD ((sizeof(struct kin_local) + LINE - 1) & ~(LINE - 1))

/* A pool of threads may be resized, and then have more workers. */
static unsigned count_of(struct kin_pool *pool)
{
	unsigned slots = kin_pool_slots(pool), most = KIN_MAX_WORKERS + 64;
	return pool->kind == KIN_THREADS && slots < most ? most : slots;
}

KIN_API int kin_local_create(
	struct kin_local **ret_local, struct kin_pool *pool, size_t size, const void *initial)
{
	struct kin_pool *const asked = pool;
	int error = size && size < SIZE_MAX / 2 ? pool_enter(&pool) : -EINVAL;
	if (error < 0)
		return error;
	size_t stride = (size + LINE - 1) & ~(LINE - 1), bytes;
	unsigned count = count_of(pool);
	if (context_in_process_worker) {
		/* The worker's own pool is known by what the caller calls it, and has all its seats. */
		pool = asked;
		count = kin_pool_slots(asked);
	}
	if (__builtin_mul_overflow(stride, count, &bytes) || __builtin_add_overflow(bytes, HEAD, &bytes))
		return -ENOMEM;
	struct kin_local *local = NULL;
	bool shared = !context_in_process_worker && pool->kind == KIN_PROCESSES;
	if (shared)
		error = kin_shared_alloc((void **)&local, bytes);
	else
		local = aligned_alloc(LINE, bytes);
	if (error < 0 || !local)
		return error < 0 ? error : -ENOMEM;
	*local = (struct kin_local){ pool, (char *)local + HEAD, stride, count, shared };
	memset(local->values, 0, bytes - HEAD);
	for (unsigned i = 0; initial && i < local->count; i++)
		memcpy(local->values + i * local->stride, initial, size);
	*ret_local = local;
	return 0;
}

KIN_API void *kin_local_get(struct kin_local *local)
{
	/* In a worker of another pool a caller's index is its own there only, and these values are for all to see. */
	if (local->shared && context_in_process_worker && local->pool != context_own_pool)
		return NULL;
	int index = kin_worker_index(local->pool);
	return index < 0 || (unsigned)index >= local->count ? NULL
							    : local->values + (size_t)index * local->stride;
}

KIN_API int kin_local_each(struct kin_local *local, int (*visit)(void *value, void *arg), void *arg)
{
	int result = 0;
	for (unsigned i = 0; i < local->count && result == 0; i++)
		result = visit(local->values + i * local->stride, arg);
	return result;
}

KIN_API void kin_local_destroy(struct kin_local *local)
{
	if (!local)
		return;
	if (local->shared)
		kin_shared_free(local);
	else
		free(local);
}
