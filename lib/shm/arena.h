/**
 * arena.h: the region of addresses that kin_shared_alloc hands out, and that every process worker has.
 */
#ifndef KIN_LIB_SHM_ARENA_H
#define KIN_LIB_SHM_ARENA_H

/**
 * Set the region aside, once; whoever forks process workers calls this first. Returns 0 or the negative errno value
 * of the first attempt.
 */
int arena_begin(void);

/** In a process worker, after the fork. */
void arena_become_follower(void);

/** In a process worker, before work: what was allocated since the fork may be touched here too. */
void arena_follow(void);

#endif
