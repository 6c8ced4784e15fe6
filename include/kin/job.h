/**
 * kin/job.h: work that runs by itself while the caller goes on, and has a result.
 *
 *	static int count_words(void *arg, void *result)
 *	{
 *		*(long *)result = words_in(arg);
 *		return 0;
 *	}
 *
 *	struct kin_job *job;
 *	kin_submit(NULL, count_words, "a.txt", &(struct kin_job_options){ .result_size = sizeof(long) }, &job);
 *	...
 *	long words;
 *	if (kin_wait(job, -1) == 0)
 *		words = *(const long *)kin_job_result(job);
 *	kin_job_destroy(job);
 *
 * On a pool of processes the job runs in a worker process, by the same rule as a loop's body (kin/pool.h): a
 * persistent one if arg lies in shared memory, otherwise one forked for it when it begins. Its result comes home
 * either way. A worker that dies is replaced and the job begun again; a job that kills three workers ends with
 * -EOWNERDEAD.
 *
 * For recursion - millions of tasks of nanoseconds - see kin/fork.h.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_JOB_H
#define KIN_JOB_H

#include <kin/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A job that was submitted; opaque. */
struct kin_job;

/**
 * Values for kin_job_options.priority; any int is one. Higher begins first, equal ones in the order of submission.
 */
enum kin_priority { KIN_PRIORITY_LOW = -1000, KIN_PRIORITY_NORMAL = 0, KIN_PRIORITY_HIGH = 1000 };

/**
 * The function of a job. It writes its result (result_size zeroed bytes; NULL if that is 0) and returns 0, or
 * anything else to say that it failed; kin_wait returns that.
 */
typedef int kin_job_fn(void *arg, void *result);

/** How to run a job; zero is the default everywhere. */
struct kin_job_options {
	size_t size; /* sizeof(struct kin_job_options), or 0: this version's */
	size_t result_size; /* bytes of its result */
	int priority;
	/* Jobs that have to end before this one begins; it is cancelled if one fails or is cancelled. They may be
	   destroyed as soon as kin_submit has returned. */
	struct kin_job *const *after;
	size_t after_count;
};

/**
 * Hand a job to a pool. Returns at once.
 *
 * @param pool     NULL: the default pool
 * @param fn       the function
 * @param arg      handed to it; its memory has to last until the job has ended
 * @param options  NULL: all defaults
 * @param ret_job  receives the job, owned by the caller: kin_job_destroy ends the handle. NULL: nobody will ask for
 *                 it
 * @return         0; -EINVAL: no function, a bad size, or in `after` NULL or a job of another pool; -ENOMEM; -EAGAIN:
 *                 there is no thread to run it, and none could be made; -EDEADLK never: after can name only earlier
 *                 jobs
 *
 * Inside a process worker the job is run at once, by the caller. `after` can name only jobs that were submitted in that
 * worker: one of its parent's is -EINVAL.
 *
 * The job runs under the control (kin/control.h) that the submitting thread uses. Once that is cancelled or past its
 * deadline, a job that could begin and has not ends with -ECANCELED or -ETIMEDOUT: with process workers within some
 * 20 ms, with threads when its turn comes. Since 0.1.
 */
int kin_submit(struct kin_pool *pool, kin_job_fn *fn, void *arg, const struct kin_job_options *options,
	struct kin_job **ret_job);

/**
 * Wait for a job to end. If it has not begun, and its pool has threads, the caller runs it itself; while another
 * runs it the caller helps with the calls and jobs that come from it, and with no others.
 *
 * @param job         the job
 * @param timeout_ns  at most so long, in nanoseconds; 0: only look; negative: without limit. With a limit the caller
 *                    does not run the job, as it could not leave it
 * @return            what the job's function returned; -ECANCELED: it was cancelled before it began; -ETIMEDOUT: it
 *                    has not ended; -EOWNERDEAD: it killed three workers; -EDEADLK: the caller is that very job
 *
 * Since 0.1.
 */
int kin_wait(struct kin_job *job, int64_t timeout_ns);

/**
 * Wait until at least one of several jobs has ended.
 *
 * @param jobs        the jobs; entries can be NULL and are passed over
 * @param count       number of entries
 * @param timeout_ns  as in kin_wait
 * @param ret_index   receives the lowest index of one that has ended; kin_wait tells how
 * @return            0; -ETIMEDOUT; -EINVAL: there is no job among them
 *
 * Since 0.1.
 */
int kin_wait_any(struct kin_job *const *jobs, size_t count, int64_t timeout_ns, size_t *ret_index);

/**
 * Wait until all of several jobs have ended.
 *
 * @param jobs        the jobs; entries can be NULL and are passed over
 * @param count       number of entries
 * @param timeout_ns  for all of them together, as in kin_wait
 * @return            0: all returned 0; otherwise what kin_wait returned for the first that did not; -ETIMEDOUT
 *
 * Since 0.1.
 */
int kin_wait_all(struct kin_job *const *jobs, size_t count, int64_t timeout_ns);

/**
 * Cancel a job that has not begun.
 *
 * @param job  the job
 * @return     0: it will not run, and has ended; -EBUSY: it runs; -EALREADY: it has ended
 *
 * Since 0.1.
 */
int kin_job_cancel(struct kin_job *job);

/** Where a job is. */
enum kin_job_state { KIN_JOB_WAITING, KIN_JOB_RUNNING, KIN_JOB_ENDED };

/**
 * Where a job is, at this moment.
 *
 * @param job  the job
 * @return     its state; waiting includes waiting for others (after)
 *
 * Since 0.1.
 */
enum kin_job_state kin_job_state(struct kin_job *job);

/**
 * The result of a job.
 *
 * @param job  the job
 * @return     result_size bytes, valid until kin_job_destroy; NULL: it has not ended, did not return 0, or has no
 *             result
 *
 * Since 0.1.
 */
const void *kin_job_result(struct kin_job *job);

/**
 * A descriptor for poll, select or epoll: readable (POLLIN) once the job has ended, and for ever after.
 *
 * @param job  the job
 * @return     the descriptor, close-on-exec, owned by the job and closed by kin_job_destroy; -EMFILE, -ENFILE,
 *             -ENOMEM
 *
 * Since 0.1.
 */
int kin_job_descriptor(struct kin_job *job);

/**
 * Give back the handle of a job. The job itself goes on: cancel it or wait for it first, if that is what you want.
 *
 * @param job  NULL is welcome; afterwards invalid
 *
 * Since 0.1.
 */
void kin_job_destroy(struct kin_job *job);

#ifdef __cplusplus
}
#endif

#endif
