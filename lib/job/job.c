/* Jobs: submission, running, ending. Waiting is wait.c, jobs on processes keep.c. */
#include "base/api.h"
#include "base/fork.h"
#include "base/futex.h"
#include "job/jobs.h"
#include "job/wait.h"
#include "pool/context.h"
#include "pool/pool.h"
#include "pool/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

int jobs_create(struct jobs **ret_jobs, struct kin_pool *pool)
{
	struct jobs *jobs = calloc(1, sizeof *jobs);
	if (!jobs)
		return -ENOMEM;
	jobs->pool = pool;
	pthread_mutex_init(&jobs->lock, NULL);
	*ret_jobs = jobs;
	return 0;
}

static void stop_helper(struct jobs *jobs)
{
	if (!jobs->helper_started)
		return;
	atomic_store(&jobs->helper_stop, 1);
	atomic_fetch_add(&jobs->helper_bell, 1);
	futex_wake(&jobs->helper_bell, 1);
	pthread_join(jobs->helper, NULL);
	jobs->helper_started = false;
}

void jobs_destroy(struct jobs *jobs)
{
	if (!jobs)
		return;
	stop_helper(jobs);
	free(jobs->ready);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

uint64_t jobs_ended(struct jobs *jobs)
{
	return atomic_load(&jobs->ended);
}

/*
 * The locks and lists may be as another thread of the parent left them in the middle of something; so nothing is
 * taken from them, and what the parent's jobs have in memory stays there.
 */
void jobs_forget(struct jobs *jobs)
{
	pthread_mutex_init(&jobs->lock, NULL);
	jobs->helper_started = false;
	jobs->held = false;
	jobs->unfinished = jobs->running = 0;
	jobs->running_list = NULL;
	atomic_store(&jobs->ready_count, 0);
}

bool job_is_foreign(const struct kin_job *job)
{
	return job->generation != fork_generation();
}

/* A job that has ended no longer looks at struct jobs; so handles may outlive the pool. */
void job_release(struct kin_job *job)
{
	while (job && atomic_fetch_sub(&job->references, 1) == 1) {
		struct kin_job *parent = job->parent;
		for (size_t i = 0; i < job->after_count; i++)
			job_release(job->after[i]);
		free(job->after);
		free(job->dependents);
		if (job->descriptor >= 0)
			close(job->descriptor);
		free(job);
		job = parent;
	}
}

static void hold(struct kin_job *job)
{
	atomic_fetch_add(&job->references, 1);
}

bool job_descends(const struct kin_job *job, const struct kin_job *ancestor)
{
	while (job && job != ancestor)
		job = job->parent;
	return job != NULL;
}

/*
 * Somebody has to run it: an idle worker, the keeper, or, where the pool has no thread, the helper. The workers must
 * not be replaced meanwhile: to be called while a job runs, or with the lock held and the jobs not.
 */
void jobs_ring(struct jobs *jobs)
{
	struct kin_pool *pool = jobs->pool;
	if (pool->kind == KIN_PROCESSES) {
		process_ring_keeper(pool);
		return;
	}
	if (pool->workers <= 1) {
		atomic_fetch_add(&jobs->helper_bell, 1);
		futex_wake(&jobs->helper_bell, 1);
		return;
	}
	atomic_fetch_add_explicit(&pool->team->bell, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&pool->team->sleepers, memory_order_seq_cst))
		team_wake(pool->team, 1);
}

static void *helper_main(void *arg)
{
	struct jobs *jobs = arg;
	char name[16];
	worker_name(jobs->pool, 1, name);
	prctl(PR_SET_NAME, name);
	const uint32_t generation = fork_generation();
	while (!atomic_load(&jobs->helper_stop)) {
		uint32_t bell = atomic_load(&jobs->helper_bell);
		bool ran = jobs_run_one(jobs);
		/* A child that a job forked, and that came back from it. */
		if (fork_generation() != generation)
			_exit(0);
		if (!ran)
			futex_wait(&jobs->helper_bell, bell, -1);
	}
	return NULL;
}

int jobs_start_helper_locked(struct jobs *jobs)
{
	if (jobs->held || jobs->pool->kind != KIN_THREADS || jobs->pool->workers > 1 || jobs->helper_started)
		return 0;
	sigset_t before;
	atomic_store(&jobs->helper_stop, 0);
	block_signals(&before);
	int error = pthread_create(&jobs->helper, NULL, helper_main, jobs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	jobs->helper_started = error == 0;
	return -error;
}

static int add_dependent(struct kin_job *job, struct kin_job *dependent)
{
	if (job->dependents_count == job->dependents_room) {
		size_t room = job->dependents_room ? 2 * job->dependents_room : 4;
		struct kin_job **more = realloc(job->dependents, room * sizeof(struct kin_job *));
		if (!more)
			return -ENOMEM;
		job->dependents = more;
		job->dependents_room = room;
	}
	job->dependents[job->dependents_count++] = dependent;
	hold(dependent);
	return 0;
}

static struct kin_job *make_job(
	struct jobs *jobs, kin_job_fn *fn, void *arg, const struct kin_job_options *options)
{
	if (options->result_size > SIZE_MAX / 2)
		return NULL;
	struct kin_job *job = calloc(1, sizeof *job + options->result_size);
	if (!job)
		return NULL;
	job->jobs = jobs;
	job->references = 2;
	job->state = KIN_JOB_WAITING;
	job->generation = fork_generation();
	job->priority = options->priority;
	job->place = SIZE_MAX;
	job->fn = fn;
	job->arg = arg;
	job->descriptor = -1;
	job->control = context_control_now();
	job->result_size = options->result_size;
	/* In a process worker that would be a job of its parent, which need not be in memory here. */
	struct kin_job *parent = NULL;
	if (context_now && !context_in_process_worker)
		parent = (struct kin_job *)(uintptr_t)context_now->job;
	if (parent && parent->jobs == jobs) {
		hold(parent);
		job->parent = parent;
	}
	return job;
}

/* Put a job behind those it waits for. Returns 0; 1: one of them has failed; -ENOMEM. */
static int put_behind_locked(struct kin_job *job, const struct kin_job_options *options)
{
	if (options->after_count == 0)
		return 0;
	job->after = calloc(options->after_count, sizeof(struct kin_job *));
	if (!job->after)
		return -ENOMEM;
	int failed = 0;
	for (size_t i = 0; i < options->after_count; i++) {
		struct kin_job *before = options->after[i];
		if (!before || before->jobs != job->jobs)
			continue;
		bool is_foreign = job_is_foreign(before);
		if (before->state == KIN_JOB_ENDED || is_foreign) {
			failed |= is_foreign ? kin_wait(before, 0) != 0 : before->value != 0;
			continue;
		}
		if (add_dependent(before, job) < 0)
			return -ENOMEM;
		job->after[job->after_count++] = before;
		hold(before);
		job->blockers++;
	}
	return failed;
}

/* Undo put_behind_locked in part. */
static void take_from_behind_locked(struct kin_job *job)
{
	for (size_t i = 0; i < job->after_count; i++) {
		struct kin_job *before = job->after[i];
		for (size_t d = 0; d < before->dependents_count; d++)
			if (before->dependents[d] == job) {
				before->dependents[d] = before->dependents[--before->dependents_count];
				atomic_fetch_sub(&job->references, 1);
				break;
			}
	}
}

/*
 * A job that submits the next one and ends would leave a chain of parents behind it that only grows; nobody waits for
 * those that have ended.
 */
static void skip_ended_ancestors_locked(struct kin_job *job)
{
	struct kin_job *parent = job->parent;
	while (parent && parent->parent && parent->parent->state == KIN_JOB_ENDED) {
		struct kin_job *gone = parent->parent;
		parent->parent = gone->parent;
		if (gone->parent)
			hold(gone->parent);
		job_release(gone);
	}
}

static int call_alone(struct kin_pool *pool, struct kin_job *job)
{
	struct context context = {
		.outer = context_now,
		.team = pool->team,
		.control = job->control,
		.job = context_now ? context_now->job : 0,
		.index = context_index_in(pool->team),
	};
	context_now = &context;
	int value = kin_stopping();
	if (value == 0)
		value = job->fn(job->arg, job->result_size ? job->result : NULL);
	context_now = context.outer;
	if (context.index_owned)
		context_give_index(&context);
	return value;
}

/* In a process worker nothing runs beside the caller: the job is run at once, and those before it have ended. */
static int run_at_once(struct kin_pool *pool, struct kin_job *job, const struct kin_job_options *options,
	struct kin_job **ret_job)
{
	for (size_t i = 0; i < options->after_count; i++)
		if (options->after[i]->value != 0)
			job->value = -ECANCELED;
	if (job->value == 0)
		job->value = call_alone(pool, job);
	job->state = KIN_JOB_ENDED;
	atomic_store(&job->word, JOB_ENDED);
	job_release(job);
	if (ret_job)
		*ret_job = job;
	else
		job_release(job);
	return 0;
}

static int check_options(struct kin_job_options *all, const struct kin_job_options *options)
{
	if (options) {
		if (options->size > sizeof *all)
			return -EINVAL;
		memcpy(all, options, options->size ? options->size : sizeof *all);
	}
	if (all->after_count && !all->after)
		return -EINVAL;
	for (size_t i = 0; i < all->after_count; i++)
		if (!all->after[i])
			return -EINVAL;
	return 0;
}

KIN_API int kin_submit(struct kin_pool *pool, kin_job_fn *fn, void *arg,
	const struct kin_job_options *options, struct kin_job **ret_job)
{
	struct kin_job_options all = { 0 };
	int error = fn ? check_options(&all, options) : -EINVAL;
	if (error == 0)
		error = pool_enter(&pool);
	if (error < 0)
		return error;
	struct jobs *jobs = pool->jobs;
	for (size_t i = 0; i < all.after_count; i++)
		if (all.after[i]->jobs != jobs)
			return -EINVAL;
	struct kin_job *job = make_job(jobs, fn, arg, &all);
	if (!job)
		return -ENOMEM;
	if (context_in_process_worker)
		return run_at_once(pool, job, &all, ret_job);
	pthread_mutex_lock(&jobs->lock);
	error = jobs_start_helper_locked(jobs);
	if (error == 0)
		error = ready_make_room_locked(jobs, 1);
	if (error == 0)
		error = put_behind_locked(job, &all);
	if (error < 0) {
		take_from_behind_locked(job);
		pthread_mutex_unlock(&jobs->lock);
		atomic_store(&job->references, 1);
		job_release(job);
		return error;
	}
	skip_ended_ancestors_locked(job);
	job->number = ++jobs->submitted;
	jobs->unfinished++;
	job->doomed = error == 1; // the last of those it waits for may end before it is cancelled below
	bool is_ready = job->blockers == 0 && error == 0;
	if (is_ready)
		ready_push_locked(job);
	if (ret_job)
		hold(job);
	struct kin_job *parent = job->parent;
	if (is_ready && !jobs->held)
		jobs_ring(jobs);
	pthread_mutex_unlock(&jobs->lock);
	if (error == 1)
		job_end(job, -ECANCELED);
	else if (is_ready && parent)
		jobs_nudge(pool, (uint64_t)(uintptr_t)parent);
	if (ret_job)
		*ret_job = job;
	job_release(job);
	return 0;
}

void job_begin_locked(struct kin_job *job)
{
	job->state = KIN_JOB_RUNNING;
	job->jobs->running++;
}

/* Take a job that ended from under the lock: wake whoever waits, and let go of it. */
static void tell_ended(struct jobs *jobs, struct kin_job *job)
{
	if (atomic_load(&job->word) & JOB_WATCHED)
		futex_wake(&job->word, UINT32_MAX);
	wait_tell_any();
	atomic_fetch_add(&jobs->changed, 1);
	futex_wake(&jobs->changed, UINT32_MAX);
}

static void let_go_of_earlier_locked(struct kin_job *job)
{
	for (size_t i = 0; i < job->after_count; i++)
		job_release(job->after[i]);
	free(job->after);
	job->after = NULL;
	job->after_count = 0;
}

/* Mark one job as ended. Its dependents become ready, or are put on the list of those that end with it. */
static bool end_locked(struct kin_job *job, int value, struct kin_job **also)
{
	struct jobs *jobs = job->jobs;
	if (job->state == KIN_JOB_ENDED)
		return false;
	if (job->state == KIN_JOB_RUNNING)
		jobs->running--;
	if (job->place != SIZE_MAX)
		ready_remove_locked(job);
	job->state = KIN_JOB_ENDED;
	job->value = value;
	jobs->unfinished--;
	let_go_of_earlier_locked(job);
	/* Before the lock is given up: who sees that all jobs have ended has to see it of each. */
	atomic_fetch_add(&jobs->ended, 1);
	const int descriptor = job->descriptor; // from now on it is set without the lock, and then readable
	atomic_fetch_or(&job->word, JOB_ENDED);
	if (descriptor >= 0)
		eventfd_write(descriptor, 1); // who it wakes has to find that the job has ended
	for (size_t i = 0; i < job->dependents_count; i++) {
		struct kin_job *dependent = job->dependents[i];
		dependent->blockers--;
		if (value != 0 && dependent->state == KIN_JOB_WAITING && !dependent->doomed) {
			dependent->doomed = true;
			dependent->next_running = *also;
			*also = dependent;
			continue; // its reference goes with it
		}
		if (dependent->blockers == 0 && dependent->state == KIN_JOB_WAITING && !dependent->doomed &&
			value == 0)
			ready_push_locked(dependent);
		job_release(dependent);
	}
	job->dependents_count = 0;
	return true;
}

void job_end(struct kin_job *job, int value)
{
	struct jobs *jobs = job->jobs;
	struct kin_job *ended = NULL, *also = NULL;
	hold(job);
	pthread_mutex_lock(&jobs->lock);
	/* A failed job takes along those that wait for it, and those that wait for them: a list, not recursion. */
	bool first = end_locked(job, value, &also);
	while (also) {
		struct kin_job *next = also;
		also = next->next_running;
		next->next_running = NULL;
		bool now = end_locked(next, -ECANCELED, &also);
		next->next_running = ended;
		if (now)
			ended = next;
		else
			job_release(next);
	}
	if (atomic_load(&jobs->ready_count) && !jobs->held)
		jobs_ring(jobs);
	pthread_mutex_unlock(&jobs->lock);
	if (first)
		tell_ended(jobs, job);
	while (ended) {
		struct kin_job *next = ended->next_running;
		ended->next_running = NULL;
		tell_ended(jobs, ended);
		job_release(ended); // the dependent's reference
		job_release(ended); // that of being unfinished
		ended = next;
	}
	if (first)
		job_release(job);
	job_release(job);
}

void job_run(struct kin_job *job)
{
	struct team *team = job->jobs->pool->team;
	struct context context = {
		.outer = context_now,
		.team = team,
		.control = job->control,
		.job = (uint64_t)(uintptr_t)job,
		.index = context_index_in(team),
	};
	const uint32_t generation = fork_generation();
	context_now = &context;
	int value = kin_stopping();
	if (value == 0)
		value = job->fn(job->arg, job->result_size ? job->result : NULL);
	context_now = context.outer;
	if (fork_generation() != generation)
		return; // a child that the function forked: the job, and whatever lock is held, is the parent's
	if (context.index_owned)
		context_give_index(&context);
	job_end(job, value);
}

bool jobs_run_one(struct jobs *jobs)
{
	if (atomic_load_explicit(&jobs->ready_count, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&jobs->lock);
	struct kin_job *job = job_take_first_locked(jobs);
	bool more = atomic_load(&jobs->ready_count) > 0;
	pthread_mutex_unlock(&jobs->lock);
	if (!job)
		return false;
	if (more)
		jobs_ring(jobs); // one ring wakes one worker: hand on
	job_run(job);
	return true;
}

KIN_API int kin_job_cancel(struct kin_job *job)
{
	if (atomic_load(&job->word) & JOB_ENDED)
		return -EALREADY;
	if (job_is_foreign(job))
		return -EALREADY;
	struct jobs *jobs = job->jobs;
	pthread_mutex_lock(&jobs->lock);
	enum kin_job_state state = job->state;
	if (state == KIN_JOB_WAITING) {
		/* Out of reach of workers, and then ended like any other. */
		if (job->place != SIZE_MAX)
			ready_remove_locked(job);
		job_begin_locked(job);
	}
	pthread_mutex_unlock(&jobs->lock);
	if (state == KIN_JOB_ENDED)
		return -EALREADY;
	if (state == KIN_JOB_RUNNING)
		return -EBUSY;
	job_end(job, -ECANCELED);
	return 0;
}

KIN_API enum kin_job_state kin_job_state(struct kin_job *job)
{
	if ((atomic_load(&job->word) & JOB_ENDED) || job_is_foreign(job))
		return KIN_JOB_ENDED;
	pthread_mutex_lock(&job->jobs->lock);
	enum kin_job_state state = job->state;
	pthread_mutex_unlock(&job->jobs->lock);
	/* Ended for the lock, and not told yet: its handle says so a moment later. */
	return state == KIN_JOB_ENDED ? KIN_JOB_RUNNING : state;
}

KIN_API const void *kin_job_result(struct kin_job *job)
{
	bool there = (atomic_load(&job->word) & JOB_ENDED) && job->value == 0 && job->result_size;
	return there ? job->result : NULL;
}

KIN_API int kin_job_descriptor(struct kin_job *job)
{
	int made = eventfd((atomic_load(&job->word) & JOB_ENDED) ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made < 0)
		return -errno;
	int inherited = __atomic_load_n(&job->descriptor, __ATOMIC_SEQ_CST);
	if (job_is_foreign(job) && inherited >= 0) {
		/* It is the parent's eventfd, which tells when the parent's job ends; the number has to stay. */
		eventfd_write(made, 1);
		int result = dup3(made, inherited, O_CLOEXEC) < 0 ? -errno : inherited;
		close(made);
		return result;
	}
	if ((atomic_load(&job->word) & JOB_ENDED) || job_is_foreign(job)) {
		/* struct jobs may be gone; only handles' owners come here. */
		int none = -1;
		eventfd_write(made, 1);
		if (!__atomic_compare_exchange_n(
			    &job->descriptor, &none, made, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			close(made);
			made = none;
		}
		return made;
	}
	pthread_mutex_lock(&job->jobs->lock);
	if (job->descriptor >= 0) {
		close(made);
		made = job->descriptor;
	} else {
		job->descriptor = made;
		if (job->state == KIN_JOB_ENDED)
			eventfd_write(made, 1);
	}
	pthread_mutex_unlock(&job->jobs->lock);
	return made;
}

KIN_API void kin_job_destroy(struct kin_job *job)
{
	job_release(job);
}
