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

int main(void)
{
	engine_begin();
	test_one_is_free(KIN_THREADS);
	test_one_is_free(KIN_PROCESSES);
	test_deadline();
	test_cancel();
	tap_done();
	return tap_child_status();
}
