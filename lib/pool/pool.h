/**
 * pool.h: a pool from the inside: its team, and what keeps the team's workers.
 */
#ifndef KIN_LIB_POOL_POOL_H
#define KIN_LIB_POOL_POOL_H

#include "base/cpus.h"
#include "fork/fork.h"
#include "pool/history.h"
#include "pool/team.h"

#include <pthread.h>
#include <signal.h>

struct crew; // process.h
struct jobs; // job/jobs.h

struct kin_pool {
	_Atomic uint32_t generation; // of the process its workers belong to, see base/fork.h
	_Atomic uint32_t rebuilding; // generation of the child that makes it new
	enum kin_kind kind;
	unsigned workers;
	struct team *team;
	_Atomic uint64_t last_end, gap; // when the last call ended, and the usual pause, in ticks
	_Atomic uint32_t alone; // calls that their callers run alone, without a post
	_Atomic uint32_t spin; // what the team was told
	uint64_t ticks_alone, ticks_wake, ticks_hot, ticks_spin, ticks_least; // the times below
	bool is_default;
	bool pin, finish_at_exit;
	size_t stack_size;
	char name[10];
	unsigned wanted; // as in the options
	unsigned cpus; // this process may use
	struct kin_error warning;
	struct team *inherited; // a parent's, which a thread of this forked child was in the middle of
	pthread_mutex_t lock; // over what follows, and resizing
	pthread_t *threads; // workers - 1
	struct pool_worker *thread_seats;
	struct crew *crew; // processes
	struct jobs *jobs;
	struct fork_team *forks; // threads with at least one worker
	bool crashed;
	struct kin_crash crash;
	struct history history;
	struct {
		void *memory;
		size_t bytes;
	} spare[4]; // shared memory for slots, kept from call to call
	_Atomic uint64_t deaths, retries, process_forks, jobs_done;
	/* Of workers that are no more. */
	_Atomic uint64_t seats_chunks, seats_sleeps, seats_spin_ns, calls_before, wakes_before, steals_before;
	_Atomic uint64_t fork_guests; // slots of `forks` that callers of kin_run have
	struct kin_pool *next; // list of all pools that finish at exit
};

/** What one worker thread knows. */
struct pool_worker {
	struct kin_pool *pool;
	struct team *team;
	struct seat *seat;
	struct claimant who;
	long switches; // involuntary ones so far
	bool may_spin;
};

/** NULL becomes the default pool. Returns 0 or -ENOMEM. */
int pool_find(struct kin_pool **pool);

/** A pool of the parent gets workers of this process. Returns 0 or -ENOMEM, -EAGAIN. */
int pool_renew(struct kin_pool *pool);

/**
 * Both. NULL becomes the default pool; a pool of the parent gets workers of this process. Returns 0 or -ENOMEM,
 * -EAGAIN.
 */
int pool_enter(struct kin_pool **pool);

/** Start and end the workers of a pool whose options are set. lock need not be held; no call may run. */
int pool_start(struct kin_pool *pool);
void pool_end_workers(struct kin_pool *pool);

/** In a freshly forked worker of this pool: from now on calls on any pool run alone. */
void pool_become_worker(struct kin_pool *pool);

/** The loop of a worker, thread or process, until the team stops. */
void worker_loop(struct pool_worker *worker);

/** Block the signals that are not for threads of a library; before: those blocked so far. */
void block_signals(sigset_t *before);

/** The name of worker `index`, for ps: at most 15 bytes. */
void worker_name(const struct kin_pool *pool, unsigned index, char name[16]);

/** How a call comes after the one before it. */
enum pace {
	PACE_HOT, // workers that are awake still spin when the next one comes
	PACE_LOOSE,
	PACE_COLD, // so late that all workers sleep
};

/** A caller tells when its call begins; that decides how long workers spin. */
enum pace pool_note_gap(struct kin_pool *pool, uint64_t now);

/** Ticks after which it pays to wake a sleeping worker, and below which it does not pay to hand anything over. */
#define WAKE_NS 90000
#define ALONE_NS 400

/** How long idle workers spin: at most, at least where calls are hot, and otherwise. */
#define SPIN_MOST_NS 100000
#define SPIN_HOT_NS 25000
#define SPIN_LEAST_NS 1500

#endif
