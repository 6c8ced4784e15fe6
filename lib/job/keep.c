/* Jobs on processes: the keeper hands each to a worker as a region of one step, and takes its result home. */
#include "base/ticks.h"
#include "job/jobs.h"
#include "pool/control.h"
#include "pool/keeper.h"
#include "pool/pool.h"
#include "pool/process.h"
#include "pool/region.h"

#include <kin/shm.h>

#include <errno.h>
#include <string.h>

struct job_data {
	kin_job_fn *fn;
	void *arg;
	size_t result_size;
};

static int run_job(void *data, size_t chunk, void *slot)
{
	const struct job_data *job = data;
	if (slot)
		memset(slot, 0, job->result_size);
	return job->fn(job->arg, slot);
}

/* Returns 0, or a negative errno value with which the job ends, or 1: it has to wait for a post or a seat. */
static int hand_over(struct kin_pool *pool, struct kin_job *job)
{
	job->slot = NULL;
	if (job->result_size) {
		int error = process_take_spare(pool, &job->slot, job->result_size);
		if (error < 0)
			return error;
	}
	struct job_data data = { job->fn, job->arg, job->result_size };
	struct region_work work = {
		.chunks = 1,
		.run = run_job,
		.data = &data,
		.data_size = sizeof data,
		.slot_size = job->result_size,
		.shared = job->arg && kin_is_shared(job->arg, 0),
		.end = 1,
		.grain = 1,
	};
	int error = region_post_job(pool, &work, job->slot, job->control, &job->post);
	if (error)
		process_give_spare(pool, job->slot, job->result_size);
	return error;
}

static void take_home(struct kin_pool *pool, struct kin_job *job, int value)
{
	if (value == 0 && job->result_size)
		memcpy(job->result, job->slot, job->result_size);
	process_give_spare(pool, job->slot, job->result_size);
	job->slot = NULL;
	job_end(job, value);
}

/* A worker that runs it is killed at its deadline; where no worker has begun it, it ends without one. */
static void stop_running(struct kin_pool *pool, struct kin_job *job)
{
	int why = job->control ? control_state(job->control) : 0;
	if (!why)
		return;
	process_give_up(pool, job->post, 1, why);
	if (!job->killed && control_is_late(job->control)) {
		job->killed = true;
		process_kill_runners(pool, job->post);
	}
}

static void look_after_running(struct kin_pool *pool)
{
	struct jobs *jobs = pool->jobs;
	for (struct kin_job **link = &jobs->running_list; *link;) {
		struct kin_job *job = *link;
		int value;
		if (region_job_ended(pool, job->post, &value)) {
			*link = job->next_running;
			job->next_running = NULL;
			take_home(pool, job, value);
			continue;
		}
		stop_running(pool, job);
		link = &job->next_running;
	}
}

/*
 * End ready jobs that are to stop, so that they do not wait for workers that are busy for long. Now and then: there may
 * be very many.
 */
static void end_stopped(struct jobs *jobs)
{
	int64_t now = clock_ns();
	if (now < jobs->next_sweep || !jobs_ready(jobs))
		return;
	jobs->next_sweep = now + CONTROL_LOOK_NS;
	struct kin_job *stopped = NULL;
	pthread_mutex_lock(&jobs->lock);
	/* What comes into a place before this one is found the next time. */
	for (size_t i = 0; i < atomic_load(&jobs->ready_count) && !jobs->held;) {
		struct kin_job *job = jobs->ready[i];
		int why = job->control ? control_state(job->control) : 0;
		if (!why) {
			i++;
			continue;
		}
		job->value = why;
		ready_remove_locked(job);
		job_begin_locked(job);
		job->next_running = stopped;
		stopped = job;
	}
	pthread_mutex_unlock(&jobs->lock);
	while (stopped) {
		struct kin_job *job = stopped;
		stopped = job->next_running;
		job->next_running = NULL;
		job_end(job, job->value);
	}
}

static size_t count_running(const struct jobs *jobs)
{
	size_t count = 0;
	for (const struct kin_job *job = jobs->running_list; job; job = job->next_running)
		count++;
	return count;
}

bool jobs_keep(struct kin_pool *pool)
{
	struct jobs *jobs = pool->jobs;
	look_after_running(pool);
	end_stopped(jobs);
	size_t running = count_running(jobs);
	while (running < pool->workers && running < TEAM_POSTS / 2 && jobs_ready(jobs)) {
		pthread_mutex_lock(&jobs->lock);
		struct kin_job *job = job_take_first_locked(jobs);
		pthread_mutex_unlock(&jobs->lock);
		if (!job)
			break;
		job->killed = false;
		int error = hand_over(pool, job);
		if (error == 1) {
			pthread_mutex_lock(&jobs->lock);
			job->state = KIN_JOB_WAITING;
			jobs->running--;
			ready_push_locked(job);
			pthread_mutex_unlock(&jobs->lock);
			return true;
		}
		if (error < 0) {
			job_end(job, error);
			continue;
		}
		job->next_running = jobs->running_list;
		jobs->running_list = job;
		running++;
	}
	return running > 0;
}
