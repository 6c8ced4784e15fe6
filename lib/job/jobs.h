/**
 * jobs.h: the jobs of a pool, from the inside: what waits, in the order of priorities, and who runs it.
 *
 * The lock of struct jobs guards every field of its jobs but those marked otherwise. Jobs are counted: the handle
 * is one reference, being waiting or running another, and each job holds those it comes from and those it waits
 * for.
 */
#ifndef KIN_LIB_JOB_JOBS_H
#define KIN_LIB_JOB_JOBS_H

#include "pool/team.h"

#include <kin/job.h>

#include <pthread.h>

/** Bits of kin_job.word. */
#define JOB_ENDED ((uint32_t)1)
#define JOB_WATCHED ((uint32_t)2) // somebody sleeps on it
#define JOB_TURN ((uint32_t)4) // one more each time there is something to help with

struct kin_job {
	struct jobs *jobs;
	_Atomic uint32_t references;
	_Atomic uint32_t word; // a futex
	enum kin_job_state state;
	int priority;
	uint64_t number; // in the order of submission
	uint32_t generation; // of the process that submitted it, see base/fork.h
	size_t place; // in the heap of ready jobs; SIZE_MAX: not there
	kin_job_fn *fn;
	void *arg;
	int value; // valid once ended
	int descriptor; // eventfd, or -1
	struct kin_control *control;
	struct kin_job *parent; // whose function submitted it
	size_t offspring; // ready jobs that descend from it
	size_t blockers; // jobs it still waits for
	struct kin_job **after; // all it waits for, until it has ended
	size_t after_count;
	struct kin_job **dependents;
	size_t dependents_count, dependents_room;
	struct post *post; // on processes, while it runs
	void *slot; // there, of its result
	bool killed; // its deadline passed and its worker was killed
	struct kin_job *next_running; // also of those that end together
	bool doomed; // one it waits for has failed
	uint64_t looked; // number of the last search that came here
	struct kin_job *next_look;
	size_t result_size;
	_Alignas(max_align_t) char result[];
};

struct jobs {
	struct kin_pool *pool;
	pthread_mutex_t lock;
	struct kin_job **ready; // a heap: the one to begin next is first
	size_t ready_room;
	_Atomic size_t ready_count;
	uint64_t submitted, looks;
	size_t unfinished, running;
	_Atomic uint64_t ended;
	_Atomic uint32_t changed; // a futex: a job ended
	bool held; // nothing may begin
	struct kin_job *running_list; // on processes
	int64_t next_sweep; // when the keeper looks for ready jobs that are to stop
	bool helper_started;
	pthread_t helper; // runs jobs where the pool has no thread of its own
	_Atomic uint32_t helper_bell, helper_stop;
	struct jobs *next_at_exit;
};

int jobs_create(struct jobs **ret_jobs, struct kin_pool *pool);

/**
 * All jobs must have ended (jobs_stop, jobs_forget). Handles that are still out keep what they need. NULL is
 * welcome.
 */
void jobs_destroy(struct jobs *jobs);

/** Cancel what has not begun, wait for what runs. */
void jobs_stop(struct jobs *jobs);

/** In a forked child: jobs that had not ended are the parent's; here they count as cancelled. */
void jobs_forget(struct jobs *jobs);

/** Begin and run the first ready job in this thread. False: there is none. */
bool jobs_run_one(struct jobs *jobs);

static inline bool jobs_ready(struct jobs *jobs)
{
	return atomic_load(&jobs->ready_count) != 0;
}

/** A job's function has posted a region: who waits for the job may help. number: context.job. */
void jobs_nudge(struct kin_pool *pool, uint64_t number);

/** Let nothing begin, and wait until nothing runs. -EBUSY: called by a job of the pool. */
int jobs_hold(struct jobs *jobs);
void jobs_release(struct jobs *jobs);

uint64_t jobs_ended(struct jobs *jobs);
void jobs_finish_at_exit(struct kin_pool *pool);
void jobs_forget_at_exit(struct kin_pool *pool);

/** There are ready jobs: see that somebody runs them. */
void jobs_ring(struct jobs *jobs);

/**
 * A pool of one worker has no thread; a job that nobody waits for still has to run. Returns 0 or a negative errno
 * value.
 */
int jobs_start_helper_locked(struct jobs *jobs);

/* Between the files of this room; the lock is held where `locked` says so. */
void ready_push_locked(struct kin_job *job); // room is made at submission
void ready_remove_locked(struct kin_job *job);
int ready_make_room_locked(struct jobs *jobs, size_t more);
struct kin_job *job_take_first_locked(struct jobs *jobs);
void job_begin_locked(struct kin_job *job);
void job_run(struct kin_job *job);
void job_end(struct kin_job *job, int value);
void job_release(struct kin_job *job);

/** A forked child looks at a job of its parent, which cannot end here. */
bool job_is_foreign(const struct kin_job *job);
bool job_descends(const struct kin_job *job, const struct kin_job *ancestor);

#endif
