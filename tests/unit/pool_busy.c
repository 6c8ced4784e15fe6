/* Calls while workers are busy with something else: they are not kept waiting by it where they need not be. */
#include "pool_tools.h"

#include <kin/control.h>
#include <kin/job.h>

#include <pthread.h>

struct scene {
	_Atomic uint32_t busy; // jobs that run
	_Atomic uint32_t go; // they may end
	_Atomic uint32_t count;
	_Atomic uint32_t early; // ended before they were let go
};

/* Runs until it is let go; after some seconds it ends by itself, and says so. */
static int wait_for_go(void *arg, void *result)
{
	struct scene *scene = arg;
	atomic_fetch_add(&scene->busy, 1);
	if (!tool_await(&scene->go, 1))
		atomic_fetch_add(&scene->early, 1);
	return 0;
}

static int count(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&((struct scene *)arg)->count, (uint32_t)(end - begin));
	return 0;
}

static struct kin_job *keep_busy(struct kin_pool *pool, struct scene *scene)
{
	struct kin_job *job = NULL;
	uint32_t before = atomic_load(&scene->busy);
	atomic_store(&scene->go, 0);
	if (kin_submit(pool, wait_for_go, scene, NULL, &job) < 0 || !tool_await(&scene->busy, before + 1))
		tap_ok(false, "a job runs");
	return job;
}

static void let_go(struct scene *scene, struct kin_job *job)
{
	atomic_store(&scene->go, 1);
	kin_wait(job, -1);
	kin_job_destroy(job);
}

/* One of two workers is busy: the other one, which may be asleep, has to be woken for whatever comes. */
static void test_one_is_free(enum kin_kind kind)
{
	struct kin_pool *pool = tool_pool(kind, kind == KIN_THREADS ? 3 : 2);
	struct scene *scene = engine_shared(sizeof *scene);
	for (int i = 0; i < 20; i++)
		kin_for(pool, 0, 10, 0, count, scene); // so that it is known to be short
	int wrong = 0;
	for (int round = 0; round < 5 && !scene->early; round++) {
		struct kin_job *job = keep_busy(pool, scene);
		engine_nap(5);
		wrong += kin_for(pool, 0, 10, 0, count, scene) != 0;
		let_go(scene, job);
	}
	tap_ok(wrong == 0 && scene->count == 250, "%s: short calls beside a long job",
		kind ? "processes" : "threads");
	tap_is_int(scene->early, 0, "none of them waited for it");
	kin_shared_free(scene);
	kin_pool_destroy(pool);
}

/* The only worker is busy: a deadline passes while a call has not even begun. */
static void test_deadline(void)
{
	struct kin_pool *pool = tool_pool(KIN_PROCESSES, 1);
	struct scene *scene = engine_shared(sizeof *scene);
	struct kin_control *control;
	kin_control_create(&control);
	struct kin_job *job = keep_busy(pool, scene);
	kin_control_set_deadline(control, 30 * 1000 * 1000);
	kin_control_use(control);
	tap_is_int(kin_for(pool, 0, 10, 0, count, scene), -ETIMEDOUT,
		"a deadline passes before a worker is free");
	kin_control_use(NULL);
	let_go(scene, job);
	tap_is_int(scene->early, 0, "the call did not wait for the worker");
	tap_is_int(scene->count, 0, "nothing was run");
	tap_is_int(kin_for(pool, 0, 10, 0, count, scene), 0, "the pool goes on");
	tap_is_int(scene->count, 10, "and runs each once");
	kin_control_destroy(control);
	kin_shared_free(scene);
	kin_pool_destroy(pool);
}

static void *cancel_soon(void *control)
{
	engine_nap(20);
	kin_cancel(control);
	return NULL;
}

static void test_cancel(void)
{
	struct kin_pool *pool = tool_pool(KIN_PROCESSES, 1);
	struct scene *scene = engine_shared(sizeof *scene);
	struct kin_control *control;
	kin_control_create(&control);
	struct kin_job *job = keep_busy(pool, scene);
	kin_control_use(control);
	pthread_t thread;
	pthread_create(&thread, NULL, cancel_soon, control);
	tap_is_int(kin_for(pool, 0, 10, 0, count, scene), -ECANCELED,
		"a call is cancelled before a worker is free");
	pthread_join(thread, NULL);
	kin_control_use(NULL);
	let_go(scene, job);
	tap_is_int(scene->early, 0, "the call did not wait for the worker");
	tap_is_int(scene->count, 0, "nothing was run");
	kin_control_destroy(control);
	kin_shared_free(scene);
	kin_pool_destroy(pool);
}

/* --- more calls than there is room for --- */

#define CALLERS 40

/* Keeps a worker until it is let go. */
static int hold(size_t begin, size_t end, void *arg)
{
	return wait_for_go(*(struct scene **)arg, NULL);
}

static int hold_shared(size_t begin, size_t end, void *arg)
{
	return wait_for_go(arg, NULL);
}

struct crowd {
	struct kin_pool *pool;
	struct scene *scene;
	bool shared;
	size_t chunks;
	_Atomic uint32_t wrong;
};

static void *join_crowd(void *arg)
{
	struct crowd *crowd = arg;
	struct scene *scene = crowd->scene;
	int result = crowd->shared ? kin_for(crowd->pool, 0, crowd->chunks, 1, hold_shared, scene)
				   : kin_for(crowd->pool, 0, crowd->chunks, 1, hold, &scene);
	if (result)
		atomic_fetch_add(&crowd->wrong, 1);
	return NULL;
}

/* Until the pool has that many calls at a time. */
static void await_calls(struct kin_pool *pool, uint64_t count)
{
	struct kin_pool_stats stats;
	for (int i = 0; i < 10000; i++) {
		kin_pool_stats(pool, &stats, sizeof stats);
		if (stats.calls >= count)
			return;
		engine_nap(1);
	}
}

/* A call that finds no place ends at its deadline, and when it is cancelled, while those before it hold on. */
static void call_beside(struct crowd *crowd, const char *what)
{
	struct scene *scene = crowd->scene, **place = &scene;
	void *arg = crowd->shared ? (void *)scene : (void *)place;
	kin_body *body = crowd->shared ? hold_shared : hold;
	struct kin_control *control;
	pthread_t canceller;
	uint32_t busy = atomic_load(&scene->busy);
	kin_control_create(&control);
	kin_control_use(control);
	kin_control_set_deadline(control, 20 * 1000 * 1000);
	tap_ok(kin_for(crowd->pool, 0, 2, 1, body, arg) == -ETIMEDOUT, "%s: a deadline passes", what);
	kin_control_reset(control);
	pthread_create(&canceller, NULL, cancel_soon, control);
	tap_ok(kin_for(crowd->pool, 0, 2, 1, body, arg) == -ECANCELED, "%s: a call is cancelled", what);
	pthread_join(canceller, NULL);
	kin_control_use(NULL);
	kin_control_destroy(control);
	tap_ok(scene->early == 0 && scene->busy == busy, "%s: neither waited, nor ran", what);
}

static void test_crowd(bool shared, unsigned workers, unsigned callers, const char *what)
{
	struct crowd crowd = { .pool = tool_pool(KIN_PROCESSES, workers), .shared = shared };
	pthread_t threads[CALLERS];
	crowd.scene = engine_shared(sizeof *crowd.scene);
	crowd.chunks = workers;
	for (unsigned i = 0; i < callers; i++)
		pthread_create(&threads[i], NULL, join_crowd, &crowd);
	await_calls(crowd.pool, callers);
	tool_await(&crowd.scene->busy, shared ? workers : workers * callers);
	call_beside(&crowd, what);
	atomic_store(&crowd.scene->go, 1);
	for (unsigned i = 0; i < callers; i++)
		pthread_join(threads[i], NULL);
	tap_ok(crowd.wrong == 0 && crowd.scene->busy == workers * callers, "%s: all others end well", what);
	tap_ok(kin_for(crowd.pool, 0, 10, 1, count, crowd.scene) == 0 && crowd.scene->count == 10,
		"%s: the pool goes on", what);
	kin_shared_free(crowd.scene);
	kin_pool_destroy(crowd.pool);
}

/* --- jobs that no worker is free for --- */

static int never(void *arg, void *result)
{
	atomic_fetch_add(&((struct scene *)arg)->count, 1);
	return 0;
}

/* Behind a job they wait for their turn; behind a loop the first has it, and waits for the worker. */
static void wait_for_stopped(struct kin_pool *pool, struct scene *scene, int why, const char *what)
{
	struct kin_control *control;
	struct kin_job *jobs[20];
	int wrong = 0;
	kin_control_create(&control);
	kin_control_use(control);
	for (int i = 0; i < 20; i++)
		kin_submit(pool, never, scene, NULL, &jobs[i]);
	kin_control_use(NULL);
	engine_nap(5); // so that the keeper has seen them
	if (why == -ETIMEDOUT)
		kin_control_set_deadline(control, 1000 * 1000);
	else
		kin_cancel(control);
	for (int i = 0; i < 20; i++) {
		wrong += kin_wait(jobs[i], -1) != why;
		kin_job_destroy(jobs[i]);
	}
	tap_ok(wrong == 0 && scene->count == 0 && scene->early == 0 && scene->go == 0,
		"%s: jobs end that wait for it", what);
	kin_control_destroy(control);
}

static void test_jobs(void)
{
	struct kin_pool *pool = tool_pool(KIN_PROCESSES, 1);
	struct scene *scene = engine_shared(sizeof *scene);
	struct crowd crowd = { .pool = pool, .scene = scene, .shared = true, .chunks = 1 };
	struct kin_job *job = keep_busy(pool, scene);
	wait_for_stopped(pool, scene, -ETIMEDOUT, "the worker is in a job, a deadline");
	wait_for_stopped(pool, scene, -ECANCELED, "the worker is in a job, a cancel");
	let_go(scene, job);
	pthread_t thread;
	atomic_store(&scene->busy, 0);
	atomic_store(&scene->go, 0);
	pthread_create(&thread, NULL, join_crowd, &crowd);
	tool_await(&scene->busy, 1);
	wait_for_stopped(pool, scene, -ETIMEDOUT, "the worker is in a loop, a deadline");
	wait_for_stopped(pool, scene, -ECANCELED, "the worker is in a loop, a cancel");
	atomic_store(&scene->go, 1);
	pthread_join(thread, NULL);
	kin_submit(pool, never, scene, NULL, &job);
	tap_ok(kin_wait(job, -1) == 0 && scene->count == 1 && crowd.wrong == 0, "the pool goes on");
	kin_job_destroy(job);
	kin_shared_free(scene);
	kin_pool_destroy(pool);
}

int main(void)
{
	engine_begin();
	test_one_is_free(KIN_THREADS);
	test_one_is_free(KIN_PROCESSES);
	test_deadline();
	test_cancel();
	test_crowd(true, 1, 32, "no free post");
	test_crowd(false, 8, 8, "no free seat");
	test_jobs();
	tap_done();
	return tap_child_status();
}
