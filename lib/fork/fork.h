/**
 * fork.h: teams of workers that share fork-join computations (kin/fork.h), for the pool that lends its threads to
 * them.
 *
 * A team has a slot for each thread that may take part and for each kin_run at a time; a slot is used by one thread
 * at a time, and handing it from thread to thread needs an order of its own (a lock, or an acquire after a
 * release).
 */
#ifndef KIN_LIB_FORK_FORK_H
#define KIN_LIB_FORK_FORK_H

#include "fork/deque.h"
#include "fork/event.h"

#include <kin/fork.h>

/** Tasks a worker can have open at once that others can take; about as many as 8 MiB of stack hold. */
#define FORK_CAPACITY ((uint32_t)1 << 18)

/** A worker; the cache lines of what its thieves write, of what both write, and of its own. */
struct fork_worker {
	struct kin_stack pub; // first; thieves leave their wishes there
	_Alignas(128) uint64_t word; // see deque.h
	struct event event; // told when it publishes, and when it has finished what it stole
	uint32_t running; // computations it is in; others only look whether it is 0
	_Alignas(128) struct kin_task **base; // slot 0
	struct kin_task **end; // past the last slot
	struct fork_team *team; // NULL: nobody steals from it
	uint32_t split; // the owner's copy
	unsigned victim; // where it stole last
	uint64_t steals; // written by its owner, read by anybody
};

typedef void fork_bell(void *data);

struct fork_team {
	unsigned slots;
	uint32_t active; // calls of fork_run that run
	uint32_t used; // no slot from here on was ever used: thieves need not look there
	fork_bell *bell;
	void *data;
	size_t size; // of the mapping that this, the workers and their slots lie in
	struct fork_worker *workers;
};

/**
 * Make a team. bell(data) is called by a worker, from inside kin_fork or kin_join, each time it has made tasks
 * public; NULL: never. To lose no wake-up, the bell looks who sleeps by a read-modify-write of the very word that a
 * thread which is going to sleep announces itself in, by one too, before it tries fork_help once more. -ENOMEM.
 */
int fork_team_create(struct fork_team **ret_team, unsigned slots, fork_bell *bell, void *data);

/** No thread may be inside. In a forked child it may be called too. */
void fork_team_destroy(struct fork_team *team);

/** Whether computations run, so that there may soon be something to help with. Cheap. */
static inline bool fork_team_active(const struct fork_team *team)
{
	return __atomic_load_n(&team->active, __ATOMIC_RELAXED) != 0;
}

/**
 * Steal one task and run it to its end, in the slot index, by a thread that is in no computation of the team. false:
 * nothing was to be had now; those that run were asked to publish.
 */
bool fork_help(struct fork_team *team, unsigned index);

/** Tasks stolen so far, by all. */
uint64_t fork_team_steals(const struct fork_team *team);

/** The body of kin_run: root runs in the slot index, which nobody uses; NULL team: alone. */
void fork_run(struct fork_team *team, unsigned index, kin_task_fn *root, struct kin_task *task);

/**
 * Owner: wait for a task that was stolen, and help with what it forks; bottom: past the slots in use. true: it was
 * handed back, and the caller has to run it.
 */
bool fork_wait_stolen(struct fork_worker *worker, struct kin_task **bottom, struct kin_task *task);

void fork_event_wake(struct event *event);

/** Before a slot is used: thieves are to look at it. */
void fork_use(struct fork_team *team, unsigned index);

/*
 * Of lib/pool. enter: the team, and a slot of it that nobody uses - a thread that calls kin_run inside a task needs
 * another one than its own. *ret_team NULL: none is free, or there is no team, and all runs alone; leave is not
 * called then. Returns 0 or what kin_run returns.
 */
int pool_fork_enter(struct kin_pool *pool, struct fork_team **ret_team, unsigned *ret_index);
void pool_fork_leave(struct kin_pool *pool, unsigned index);

#endif
