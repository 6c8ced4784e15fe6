/* Jobs on process workers: results, deaths, deadlines, order. */
#include <kin/control.h>
#include <kin/job.h>

#include "engine.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct kin_pool *make(unsigned workers)
{
	struct kin_pool *pool = NULL;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers, .kind = KIN_PROCESSES }) <
		0) {
		tap_ok(false, "a pool of processes");
		exit(1);
	}
	return pool;
}

static struct kin_job *submit(
	struct kin_pool *pool, kin_job_fn *fn, void *arg, const struct kin_job_options *options)
{
	struct kin_job *job = NULL;
	int error = kin_submit(pool, fn, arg, options, &job);
	if (error < 0) {
		tap_ok(false, "a job is taken: %s", strerror(-error));
		exit(1);
	}
	return job;
}

static const struct kin_job_options with_long = { .result_size = sizeof(long) };

static uint64_t deaths_of(struct kin_pool *pool)
{
	struct kin_pool_stats stats;
	kin_pool_stats(pool, &stats, sizeof stats);
	return stats.deaths;
}

/* What a job and its test share; a job with a private argument gets the address of the address. */
struct scene {
	_Atomic int entered, open, lives, runs;
	_Atomic int process;
	long number;
};

static int take_part(struct scene *scene, long *result)
{
	atomic_fetch_add(&scene->runs, 1);
	atomic_store(&scene->process, getpid());
	if (result)
		*result += scene->number; // it begins with zero, also when it is begun again
	if (atomic_fetch_sub(&scene->lives, 1) > 0)
		raise(SIGKILL);
	return 0;
}

static int shared_part(void *arg, void *result)
{
	return take_part(arg, result);
}

static int private_part(void *arg, void *result)
{
	return take_part(*(struct scene **)arg, result);
}

static void test_results(struct kin_pool *pool, struct scene *scene)
{
	for (int private = 0; private < 2; private ++)
		for (int lives = 0; lives < 4; lives++) {
			memset(scene, 0, sizeof *scene);
			scene->number = 1234;
			scene->lives = lives;
			uint64_t deaths = deaths_of(pool);
			struct kin_job *job = private ? submit(pool, private_part, &scene, &with_long)
						      : submit(pool, shared_part, scene, &with_long);
			int value = kin_wait(job, -1);
			const long *result = kin_job_result(job);
			if (lives < 3)
				tap_ok(value == 0 && result && *result == 1234,
					"%s: a result, after %d deaths", private ? "private" : "shared",
					lives);
			else
				tap_ok(value == -EOWNERDEAD && !result, "%s: three deaths are too many (%d)",
					private ? "private" : "shared", value);
			tap_is_int(deaths_of(pool) - deaths, lives, "deaths");
			tap_is_int(scene->runs, lives < 3 ? lives + 1 : 3, "it was begun so often");
			tap_ok(scene->process != getpid(), "in another process");
			kin_job_destroy(job);
		}
	struct kin_crash crash;
	tap_ok(kin_pool_last_crash(pool, &crash) == 0 && crash.workers == 3, "the crash is known");
}

static int give_value(void *arg, void *result)
{
	(void)result;
	return (int)(intptr_t)arg;
}

static int exit_zero(void *arg, void *result)
{
	(void)arg;
	(void)result;
	_exit(0);
}

static int close_and_add(void *arg, void *result)
{
	(void)result;
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	atomic_fetch_add(&((struct scene *)arg)->runs, 1);
	return 0;
}

static void test_values(struct kin_pool *pool, struct scene *scene)
{
	struct kin_job *job = submit(pool, give_value, (void *)(intptr_t)-EIO, &with_long);
	tap_ok(kin_wait(job, -1) == -EIO && !kin_job_result(job), "a job that fails");
	kin_job_destroy(job);
	job = submit(pool, exit_zero, NULL, NULL);
	tap_is_int(kin_wait(job, -1), -EOWNERDEAD, "a job that exits");
	kin_job_destroy(job);
	memset(scene, 0, sizeof *scene);
	for (int i = 0; i < 5; i++) {
		job = submit(pool, close_and_add, scene, NULL);
		tap_is_int(kin_wait(job, -1), 0, "a job that closes all descriptors");
		kin_job_destroy(job);
	}
	tap_is_int(scene->runs, 5, "once each");
}

/* The parent's jobs are not known in a worker. */
struct behind {
	struct kin_pool *pool;
	struct kin_job *jobs[2];
};

static int submit_behind(void *arg, void *result)
{
	struct behind *behind = arg;
	struct kin_job *none = NULL;
	(void)result;
	for (size_t first = 0; first < 2; first++) {
		struct kin_job_options options = { .after = behind->jobs + first, .after_count = 2 - first };
		if (kin_submit(behind->pool, give_value, NULL, &options, &none) != -EINVAL || none)
			return 60;
	}
	return 0;
}

static void test_behind_parents(struct kin_pool *pool)
{
	struct behind behind = { .pool = pool };
	for (int i = 0; i < 2; i++) {
		behind.jobs[i] = submit(pool, give_value, NULL, NULL);
		kin_wait(behind.jobs[i], -1);
	}
	struct kin_job *job = submit(pool, submit_behind, &behind, NULL);
	tap_is_int(kin_wait(job, -1), 0, "a worker cannot put jobs behind its parent's");
	kin_job_destroy(job);
	for (int i = 0; i < 2; i++)
		kin_job_destroy(behind.jobs[i]);
}

/* Whoever has the numbers of what the worker had open is not to be written to. */
struct foreign {
	int file, event;
	bool events;
};

static int replace_descriptors(void *arg, void *result)
{
	const struct foreign *foreign = arg;
	(void)result;
	int from = foreign->events ? foreign->event : foreign->file;
	for (int fd = 3; fd < 300; fd++)
		if (fd != foreign->file && fd != foreign->event && dup2(from, fd) != fd)
			return 61;
	return 0;
}

static void test_foreign_descriptors(struct kin_pool *pool)
{
	struct foreign foreign = { memfd_create("foreign", MFD_CLOEXEC),
		eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), false };
	for (int round = 0; round < 6; round++) {
		foreign.events = round % 2;
		struct kin_job *job = submit(pool, replace_descriptors, &foreign, NULL);
		tap_is_int(kin_wait(job, -1), 0, "a job that puts its own files in place of all descriptors");
		kin_job_destroy(job);
	}
	struct stat stat = { .st_size = 1 };
	eventfd_t count = 0;
	int error = fstat(foreign.file, &stat), nothing = eventfd_read(foreign.event, &count);
	tap_ok(error == 0 && stat.st_size == 0, "nothing is written to a file: %d bytes", (int)stat.st_size);
	tap_ok(nothing < 0 && count == 0, "nor to an eventfd: %d", (int)count);
	close(foreign.file);
	close(foreign.event);
}

static int double_it(void *arg, void *result)
{
	*(long *)result = 2 * *(const long *)arg;
	return 0;
}

static void test_many(struct kin_pool *pool)
{
	enum { SHARED = 1000, ALL = 1100 };
	long *shared = engine_shared(SHARED * sizeof *shared), private[ALL - SHARED];
	struct kin_job *jobs[ALL];
	for (long i = 0; i < ALL; i++) {
		long *number = i < SHARED ? &shared[i] : &private[i - SHARED];
		*number = i;
		jobs[i] = submit(pool, double_it, number, &with_long);
	}
	tap_is_int(kin_wait_all(jobs, ALL, -1), 0, "many jobs");
	int wrong = 0;
	for (long i = 0; i < ALL; i++) {
		const long *result = kin_job_result(jobs[i]);
		wrong += !result || *result != 2 * i;
		kin_job_destroy(jobs[i]);
	}
	tap_is_int(wrong, 0, "all results");
	tap_is_int(kin_pool_drain(pool, -1), 0, "drained");
	tap_is_int(engine_children("", NULL, 0), kin_pool_workers(pool), "those forked for jobs are gone");
	kin_shared_free(shared);
}

static int pass_gate(void *arg, void *result)
{
	struct scene *scene = arg;
	(void)result;
	atomic_fetch_add(&scene->entered, 1);
	while (!atomic_load(&scene->open))
		engine_nap(1);
	return 0;
}

static int pass_gate_private(void *arg, void *result)
{
	return pass_gate(*(struct scene **)arg, result);
}

static bool is_readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	return poll(&polled, 1, 0) == 1;
}

static void test_order(struct kin_pool *pool, struct scene *scene)
{
	memset(scene, 0, sizeof *scene);
	struct kin_job *jobs[5] = { submit(pool, pass_gate, scene, NULL) };
	engine_await(&scene->entered, 1);
	scene->number = 3;
	struct kin_job_options options = { .result_size = sizeof(long), .after = jobs, .after_count = 1 };
	jobs[1] = submit(pool, shared_part, scene, &options);
	options.after = &jobs[1];
	jobs[2] = submit(pool, give_value, (void *)9, &options);
	options.after = &jobs[2];
	jobs[3] = submit(pool, shared_part, scene, &options);
	int fd = kin_job_descriptor(jobs[3]);
	tap_ok(fd >= 0 && !is_readable(fd), "not readable yet");
	tap_is_int(kin_job_cancel(jobs[0]), -EBUSY, "it runs");
	tap_is_int(kin_job_state(jobs[1]), KIN_JOB_WAITING, "another waits for it");
	tap_is_int(kin_wait(jobs[1], 1000000), -ETIMEDOUT, "for longer than a millisecond");
	jobs[4] = submit(
		pool, shared_part, scene, &(struct kin_job_options){ .after = jobs, .after_count = 1 });
	tap_is_int(kin_job_cancel(jobs[4]), 0, "one is cancelled");
	tap_is_int(kin_wait(jobs[4], 0), -ECANCELED, "and has ended");
	atomic_store(&scene->open, 1);
	tap_is_int(kin_wait(jobs[3], -1), -ECANCELED, "one after a job that failed");
	tap_ok(is_readable(fd), "readable");
	tap_is_int(kin_wait_all(jobs, 4, -1), 9, "what failed");
	const long *result = kin_job_result(jobs[1]);
	tap_ok(result && *result == 3 && scene->runs == 1, "what ran");
	for (int i = 0; i < 5; i++)
		kin_job_destroy(jobs[i]);
}

static void test_deadline(struct kin_pool *pool, struct scene *scene)
{
	struct kin_control *control = NULL;
	kin_control_create(&control);
	for (int private = 0; private < 2; private ++) {
		memset(scene, 0, sizeof *scene);
		uint64_t deaths = deaths_of(pool);
		struct kin_control *before = kin_control_use(control);
		struct kin_job *job = private ? submit(pool, pass_gate_private, &scene, NULL)
					      : submit(pool, pass_gate, scene, NULL);
		kin_control_use(before);
		engine_await(&scene->entered, 1);
		kin_control_set_deadline(control, 1000000);
		tap_is_int(kin_wait(job, -1), -ETIMEDOUT, "the deadline of a job that runs passes");
		tap_is_int(kin_job_state(job), KIN_JOB_ENDED, "it has ended");
		tap_is_int(deaths_of(pool) - deaths, 1, "its worker was killed");
		kin_job_destroy(job);
		kin_control_reset(control);
	}
	kin_cancel(control);
	struct kin_control *before = kin_control_use(control);
	struct kin_job *job = submit(pool, shared_part, scene, NULL);
	kin_control_use(before);
	tap_is_int(kin_wait(job, -1), -ECANCELED, "a job under a control that was cancelled");
	tap_is_int(scene->runs, 0, "it did not run");
	kin_job_destroy(job);
	kin_control_destroy(control);
}

/* --- calls in a job run in its worker --- */

struct nest {
	struct kin_pool *pool;
	long numbers[100];
	_Atomic int elsewhere;
	int process;
};

static int square(size_t begin, size_t end, void *arg)
{
	struct nest *nest = arg;
	for (size_t i = begin; i < end; i++)
		nest->numbers[i] = (long)(i * i);
	if (getpid() != nest->process)
		atomic_fetch_add(&nest->elsewhere, 1);
	return 0;
}

static int nest_calls(void *arg, void *result)
{
	struct nest *nest = arg;
	nest->process = getpid();
	int value = kin_for(nest->pool, 0, 50, 1, square, nest);
	if (value == 0)
		value = kin_for(NULL, 50, 100, 0, square, nest);
	long five = 5;
	struct kin_job *fails = submit(nest->pool, give_value, (void *)4, NULL);
	struct kin_job *job = submit(NULL, double_it, &five, &with_long);
	struct kin_job *behind = submit(
		nest->pool, give_value, NULL, &(struct kin_job_options){ .after = &fails, .after_count = 1 });
	if (value == 0 && kin_wait(job, -1) == 0)
		*(long *)result = *(const long *)kin_job_result(job);
	if (kin_wait(fails, -1) != 4 || kin_wait(behind, -1) != -ECANCELED || kin_wait_all(&job, 1, -1) != 0)
		value = 70;
	if (kin_job_cancel(job) != -EALREADY || !is_readable(kin_job_descriptor(job)) ||
		kin_job_state(job) != KIN_JOB_ENDED)
		value = 71;
	if (kin_pool_drain(nest->pool, -1) != 0 || kin_pool_resize(nest->pool, 1) != -EBUSY)
		value = 72;
	kin_job_destroy(fails);
	kin_job_destroy(job);
	kin_job_destroy(behind);
	return value;
}

static void test_nested(struct kin_pool *pool)
{
	struct nest *nest = engine_shared(sizeof *nest);
	nest->pool = pool;
	struct kin_job *job = submit(pool, nest_calls, nest, &with_long);
	tap_is_int(kin_wait(job, -1), 0, "calls and jobs in a job");
	const long *result = kin_job_result(job);
	tap_ok(result && *result == 10, "its result");
	int wrong = nest->elsewhere;
	for (long i = 0; i < 100; i++)
		wrong += nest->numbers[i] != i * i;
	tap_is_int(wrong, 0, "what they did, in one process");
	kin_job_destroy(job);
	kin_shared_free(nest);
}

/* --- the end --- */

static void *open_later(void *arg)
{
	engine_nap(5);
	atomic_store(&((struct scene *)arg)->open, 1);
	return NULL;
}

static void test_end(struct scene *scene)
{
	for (int round = 0; round < 2; round++) {
		struct kin_pool *pool = make(2);
		memset(scene, 0, sizeof *scene);
		struct kin_job *jobs[30] = { submit(pool, pass_gate, scene, NULL) };
		engine_await(&scene->entered, 1);
		for (int i = 1; i < 30; i++)
			jobs[i] = submit(pool, shared_part, scene,
				&(struct kin_job_options){ .after = jobs, .after_count = 1 });
		pthread_t opener;
		pthread_create(&opener, NULL, open_later, scene);
		if (round == 0)
			kin_pool_destroy(pool);
		else
			tap_is_int(kin_pool_stop(pool), 0, "stopped");
		pthread_join(opener, NULL);
		tap_is_int(kin_wait(jobs[0], 0), 0, "a job that ran has ended well");
		int wrong = 0;
		for (int i = 1; i < 30; i++)
			wrong += kin_wait(jobs[i], 0) == -ETIMEDOUT;
		tap_is_int(wrong, 0, "the others have ended");
		for (int i = 0; i < 30; i++)
			kin_job_destroy(jobs[i]);
		if (round) {
			struct kin_job *job = submit(pool, shared_part, scene, NULL);
			tap_is_int(kin_wait(job, -1), 0, "a stopped pool is used again");
			kin_job_destroy(job);
			kin_pool_destroy(pool);
		}
	}
}

int main(void)
{
	engine_begin();
	struct kin_pool *pool = make(2);
	struct scene *scene = engine_shared(sizeof *scene);
	test_results(pool, scene);
	test_many(pool);
	test_values(pool, scene);
	test_behind_parents(pool);
	test_foreign_descriptors(pool);
	test_order(pool, scene);
	test_deadline(pool, scene);
	test_nested(pool);
	test_end(scene);
	kin_pool_destroy(pool);
	kin_shared_free(scene);
	tap_is_int(engine_children("", NULL, 0), 0, "no process is left");
	return tap_done();
}
