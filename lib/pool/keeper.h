/**
 * keeper.h: the thread that keeps a pool's process workers, from the inside.
 */
#ifndef KIN_LIB_POOL_KEEPER_H
#define KIN_LIB_POOL_KEEPER_H

#include "pool/pin.h"
#include "pool/pool.h"

#include <signal.h>
#include <sys/types.h>

/** A worker process; its number in the crew is its seat in the team. */
struct member {
	pid_t pid; // 0: nobody sits here
	int pidfd; // -1: the system gives none
	uint32_t tag; // forked for one region; 0: persistent
	struct post *post; // that region's
	uint64_t generation; // that region's
};

/** A caller wants workers for a region. */
struct order {
	struct order *next;
	struct post *post;
	uint32_t tag; // 0: persistent ones, those that are missing
	unsigned count;
	int result;
	_Atomic uint32_t done; // a futex
};

/** How often each step of a post's region has killed a worker. */
struct kills {
	uint64_t generation;
	uint8_t counts[TEAM_STATES];
};

struct crew {
	pthread_t keeper;
	pthread_mutex_t lock; // over orders, and over reaping
	struct order *orders;
	/*
	 * A pipe: there are orders, jobs, or the end. Not an eventfd: all of those have one inode, so that a worker
	 * could not tell whether the number is still this one's.
	 */
	int ring[2];
	_Atomic uint32_t tags;
	_Atomic uint32_t started; // 0: not yet, 1: the first workers are there, or not; a futex
	_Atomic uint32_t ending;
	_Atomic uint32_t missing; // persistent workers that died and could not be replaced
	int start_error;
	pid_t parent;
	struct pins pins;
	sigset_t signals; // of the thread that made the pool: the workers'
	unsigned members_count;
	struct member *members;
	struct pollfd *polled; // the keeper's, here for a forked child to free
	unsigned *polled_seats;
	struct kills *kills; // one for each post, made when the first worker dies
};

/** The keeper's loop. */
void *keeper_run(void *pool);

/** SIGKILL a worker, if there is one; with the lock held, or by the keeper, so that it is not reaped meanwhile. */
void keeper_kill(const struct member *member);

/**
 * See that there is a worker for a region that was just opened. Returns 0; 1: none is free; a negative errno value.
 */
int keeper_staff(struct kin_pool *pool, struct post *post, uint32_t tag);

/** Jobs on processes: what the keeper does whenever it wakes; see lib/job. Returns whether any run. */
bool jobs_keep(struct kin_pool *pool);

#endif
