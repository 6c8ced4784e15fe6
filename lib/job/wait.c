/* Waiting for jobs, for one, any, all, or every one of a pool; and what the waiting thread does meanwhile. */
#include "job/wait.h"

#include "base/api.h"
#include "base/fork.h"
#include "base/futex.h"
#include "base/ticks.h"
#include "job/jobs.h"
#include "pool/context.h"
#include "pool/pool.h"

#include <errno.h>
#include <stdlib.h>

static _Atomic uint32_t any_ended, any_waiters;

void wait_tell_any(void)
{
	atomic_fetch_add(&any_ended, 1);
	if (atomic_load(&any_waiters))
		futex_wake(&any_ended, UINT32_MAX);
}

static int64_t limit_of(int64_t timeout_ns)
{
	int64_t now = clock_ns();
	return timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
}

/* Time left until a limit, for futex_wait; 0: none. */
static int64_t left_until(int64_t limit)
{
	if (limit == INT64_MAX)
		return -1;
	int64_t left = limit - clock_ns();
	return left > 0 ? left : 0;
}

static bool is_inside(const struct kin_job *job)
{
	for (struct context *context = context_now; context; context = context->outer)
		if (context->job == (uint64_t)(uintptr_t)job)
			return true;
	return false;
}

void jobs_nudge(struct kin_pool *pool, uint64_t number)
{
	(void)pool;
	struct kin_job *job = (struct kin_job *)(uintptr_t)number;
	struct jobs *jobs = job->jobs;
	/* In a forked child nobody waits for it, and a thread that is not here may hold the lock. */
	if (job_is_foreign(job))
		return;
	pthread_mutex_lock(&jobs->lock);
	for (; job; job = job->parent)
		if (atomic_load(&job->word) & JOB_WATCHED) {
			atomic_fetch_add(&job->word, JOB_TURN);
			futex_wake(&job->word, UINT32_MAX);
		}
	pthread_mutex_unlock(&jobs->lock);
}

/*
 * A job that the waited-for one needs: itself, or one of those it waits for, if it is ready. Each is looked at once,
 * by however many ways it can be reached.
 */
static struct kin_job *find_needed_locked(struct kin_job *job)
{
	const uint64_t look = ++job->jobs->looks;
	struct kin_job *list = job;
	job->next_look = NULL;
	while (list) {
		job = list;
		list = job->next_look;
		if (job->state != KIN_JOB_WAITING)
			continue;
		if (job->place != SIZE_MAX)
			return job;
		for (size_t i = 0; i < job->after_count; i++) {
			struct kin_job *before = job->after[i];
			if (before->looked == look)
				continue;
			before->looked = look;
			before->next_look = list;
			list = before;
		}
	}
	return NULL;
}

static struct kin_job *find_offspring_locked(struct kin_job *job)
{
	struct jobs *jobs = job->jobs;
	if (job->offspring == 0)
		return NULL;
	size_t count = atomic_load(&jobs->ready_count);
	for (size_t i = 0; i < count; i++)
		if (jobs->ready[i] != job && job_descends(jobs->ready[i], job))
			return jobs->ready[i];
	return NULL;
}

/* Run a step of a loop that the job is in; it counts as one that runs. False: there is none. */
static bool help_with_regions(struct kin_job *job)
{
	struct jobs *jobs = job->jobs;
	struct team *team = jobs->pool->team;
	const uint32_t generation = fork_generation();
	struct claimant who = { .job = (uint64_t)(uintptr_t)job };
	struct claim claim;
	bool claimed = team_claim(team, &who, &claim);
	if (claimed)
		claim_run(team, &claim, NULL);
	if (fork_generation() != generation)
		return true;
	pthread_mutex_lock(&jobs->lock);
	jobs->running--;
	bool held = jobs->held;
	pthread_mutex_unlock(&jobs->lock);
	if (held) {
		atomic_fetch_add(&jobs->changed, 1);
		futex_wake(&jobs->changed, UINT32_MAX);
	}
	return claimed;
}

/* Run something that helps the job. False: there is nothing. */
static bool help(struct kin_job *job)
{
	struct jobs *jobs = job->jobs;
	if (jobs->pool->kind != KIN_THREADS)
		return false;
	pthread_mutex_lock(&jobs->lock);
	struct kin_job *found = jobs->held ? NULL : find_needed_locked(job);
	if (!found && !jobs->held)
		found = find_offspring_locked(job);
	bool runs = !found && !jobs->held && job->state == KIN_JOB_RUNNING;
	if (found) {
		ready_remove_locked(found);
		job_begin_locked(found);
	} else if (runs)
		jobs->running++; // so that the team stays: see jobs_hold
	pthread_mutex_unlock(&jobs->lock);
	if (found)
		job_run(found);
	return found || (runs && help_with_regions(job));
}

KIN_API int kin_wait(struct kin_job *job, int64_t timeout_ns)
{
	if (atomic_load(&job->word) & JOB_ENDED)
		return job->value;
	if (is_inside(job))
		return -EDEADLK;
	int64_t limit = limit_of(timeout_ns);
	for (;;) {
		uint32_t word = atomic_load(&job->word);
		if (word & JOB_ENDED)
			return job->value;
		if (job_is_foreign(job))
			return -ECANCELED;
		if (timeout_ns < 0 && help(job))
			continue;
		if (!(word & JOB_WATCHED)) {
			atomic_fetch_or(&job->word, JOB_WATCHED);
			continue; // look again: what came before that did not see it
		}
		if (atomic_load(&job->word) & JOB_ENDED)
			return job->value;
		int64_t left = left_until(limit);
		if (left == 0)
			return -ETIMEDOUT;
		futex_wait(&job->word, word, left);
	}
}

/* 1: found, 0: none has ended, -EINVAL: there is no job. */
static int find_ended(struct kin_job *const *jobs, size_t count, size_t *ret_index)
{
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		if (!jobs[i])
			continue;
		any = true;
		if ((atomic_load(&jobs[i]->word) & JOB_ENDED) || job_is_foreign(jobs[i])) {
			*ret_index = i;
			return 1;
		}
	}
	return any ? 0 : -EINVAL;
}

KIN_API int kin_wait_any(struct kin_job *const *jobs, size_t count, int64_t timeout_ns, size_t *ret_index)
{
	int64_t limit = limit_of(timeout_ns);
	int result;
	atomic_fetch_add(&any_waiters, 1);
	for (;;) {
		uint32_t ended = atomic_load(&any_ended);
		result = find_ended(jobs, count, ret_index);
		if (result != 0)
			break;
		bool helped = false;
		for (size_t i = 0; i < count && timeout_ns < 0 && !helped; i++) {
			helped = jobs[i] && !is_inside(jobs[i]) && help(jobs[i]);
		}
		if (helped)
			continue;
		int64_t left = left_until(limit);
		if (left == 0) {
			result = -ETIMEDOUT;
			break;
		}
		futex_wait(&any_ended, ended, left);
	}
	atomic_fetch_sub(&any_waiters, 1);
	return result == 1 ? 0 : result;
}

KIN_API int kin_wait_all(struct kin_job *const *jobs, size_t count, int64_t timeout_ns)
{
	int64_t limit = limit_of(timeout_ns);
	int first = 0;
	for (size_t i = 0; i < count; i++) {
		if (!jobs[i])
			continue;
		int value = kin_wait(jobs[i], timeout_ns < 0 ? -1 : left_until(limit));
		if (value == -ETIMEDOUT && kin_job_state(jobs[i]) != KIN_JOB_ENDED)
			return value;
		first = first ? first : value;
	}
	return first;
}

/* Whether the calling thread runs a job of these. */
static bool runs_one(struct jobs *jobs)
{
	for (struct context *context = context_now; context; context = context->outer)
		if (context->job && ((struct kin_job *)(uintptr_t)context->job)->jobs == jobs)
			return true;
	return false;
}

static size_t count_unfinished(struct jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	size_t count = jobs->unfinished;
	pthread_mutex_unlock(&jobs->lock);
	return count;
}

KIN_API int kin_pool_drain(struct kin_pool *pool, int64_t timeout_ns)
{
	int64_t limit = limit_of(timeout_ns);
	int error = pool_enter(&pool);
	if (error < 0 || context_in_process_worker)
		return error;
	struct jobs *jobs = pool->jobs;
	if (runs_one(jobs))
		return -EDEADLK;
	const uint32_t generation = fork_generation();
	for (;;) {
		uint32_t changed = atomic_load(&jobs->changed);
		/* A child that a job run here forked has no jobs. */
		if (fork_generation() != generation || count_unfinished(jobs) == 0)
			return 0;
		if (timeout_ns < 0 && pool->kind == KIN_THREADS && jobs_run_one(jobs))
			continue;
		int64_t left = left_until(limit);
		if (left == 0)
			return -ETIMEDOUT;
		futex_wait(&jobs->changed, changed, left);
	}
}

static void cancel_all(struct jobs *jobs)
{
	for (;;) {
		pthread_mutex_lock(&jobs->lock);
		struct kin_job *job = atomic_load(&jobs->ready_count) ? jobs->ready[0] : NULL;
		if (job) {
			ready_remove_locked(job);
			job_begin_locked(job);
		}
		pthread_mutex_unlock(&jobs->lock);
		if (!job)
			return;
		job_end(job, -ECANCELED);
	}
}

void jobs_stop(struct jobs *jobs)
{
	for (;;) {
		uint32_t changed = atomic_load(&jobs->changed);
		cancel_all(jobs);
		if (count_unfinished(jobs) == 0)
			return;
		futex_wait(&jobs->changed, changed, -1);
	}
}

KIN_API int kin_pool_stop(struct kin_pool *pool)
{
	int error = pool_enter(&pool);
	if (error < 0 || context_in_process_worker)
		return error;
	if (runs_one(pool->jobs))
		return -EDEADLK;
	jobs_stop(pool->jobs);
	return 0;
}

void jobs_release(struct jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->held = false;
	bool more = atomic_load(&jobs->ready_count) != 0;
	if (more)
		jobs_start_helper_locked(jobs); // if it cannot be had whoever waits for a job runs it
	pthread_mutex_unlock(&jobs->lock);
	if (more)
		jobs_ring(jobs);
}

int jobs_hold(struct jobs *jobs)
{
	if (runs_one(jobs))
		return -EBUSY;
	for (;;) {
		uint32_t changed = atomic_load(&jobs->changed);
		pthread_mutex_lock(&jobs->lock);
		jobs->held = true;
		size_t running = jobs->running;
		pthread_mutex_unlock(&jobs->lock);
		if (running == 0)
			return 0;
		futex_wait(&jobs->changed, changed, -1);
	}
}

/* --- at exit --- */

static pthread_mutex_t exit_lock = PTHREAD_MUTEX_INITIALIZER;
static struct jobs *exit_list;

static void finish_all(void)
{
	for (;;) {
		pthread_mutex_lock(&exit_lock);
		struct jobs *jobs = exit_list;
		if (jobs)
			exit_list = jobs->next_at_exit;
		pthread_mutex_unlock(&exit_lock);
		if (!jobs)
			return;
		/* In a forked child the jobs are the parent's. exit() in a job cannot wait for that job. */
		if (atomic_load(&jobs->pool->generation) == fork_generation())
			kin_pool_drain(jobs->pool, -1);
	}
}

static void install(void)
{
	atexit(finish_all);
}

void jobs_finish_at_exit(struct kin_pool *pool)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, install);
	pthread_mutex_lock(&exit_lock);
	pool->jobs->next_at_exit = exit_list;
	exit_list = pool->jobs;
	pthread_mutex_unlock(&exit_lock);
}

void jobs_forget_at_exit(struct kin_pool *pool)
{
	pthread_mutex_lock(&exit_lock);
	for (struct jobs **link = &exit_list; *link; link = &(*link)->next_at_exit)
		if (*link == pool->jobs) {
			*link = pool->jobs->next_at_exit;
			break;
		}
	pthread_mutex_unlock(&exit_lock);
}
