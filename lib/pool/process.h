/**
 * process.h: process workers. One thread of the pool, the keeper, forks them, notices their deaths (by pidfd),
 * gives back the steps they had begun, and forks others in their place. Workers die with the keeper
 * (PR_SET_PDEATHSIG), and so with the process.
 */
#ifndef KIN_LIB_POOL_PROCESS_H
#define KIN_LIB_POOL_PROCESS_H

#include "pool/pool.h"

/** A step that killed so many workers one after the other is given up. */
#define PROCESS_KILLS 3

/**
 * Start the keeper and pool->workers persistent workers; fewer may come of it, see pool->workers. Returns 0 or
 * errno.
 */
int process_start(struct kin_pool *pool);

/** End all workers and the keeper. In a forked child only what is the child's own is freed. */
void process_end(struct kin_pool *pool, bool of_parent);

/**
 * See that there are persistent workers, where all have died and could not be replaced. control: the call's, or NULL.
 * Returns 0 or -EAGAIN, -ENOMEM; -ECANCELED, -ETIMEDOUT: the call is to stop.
 */
int process_ensure(struct kin_pool *pool, struct kin_control *control);

/** A tag for workers that are forked for one region. */
uint32_t process_new_tag(struct kin_pool *pool);

/**
 * Have workers forked for a region: min(steps, pool->workers). Returns 0, or the negative errno value if not one
 * was; -ECANCELED, -ETIMEDOUT: the call is to stop, and has none.
 */
int process_fork_for(
	struct kin_pool *pool, struct kin_control *control, struct post *post, uint32_t tag, uint32_t steps);

/**
 * Close a region's tickets: steps that nobody has begun are not run any more, and if there are such the region
 * stops with `why`. From now on the states tell whether it is over.
 */
void process_give_up(struct kin_pool *pool, struct post *post, uint32_t steps, int why);

/** Wait until the workers forked for a region are gone. */
void process_wait_private(struct kin_pool *pool, struct post *post);

/** SIGKILL those that run steps of a region whose deadline has passed. */
void process_kill_runners(struct kin_pool *pool, struct post *post);

/** Shared memory for the slots of a region: from what is kept, or new. Returns 0 or -ENOMEM. */
int process_take_spare(struct kin_pool *pool, void **ret_memory, size_t bytes);
void process_give_spare(struct kin_pool *pool, void *memory, size_t bytes);
void process_free_spares(struct kin_pool *pool);

/** Have the keeper look at its orders and jobs. */
void process_ring_keeper(struct kin_pool *pool);

#endif
