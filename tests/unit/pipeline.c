/* Pipelines and reading ahead: order, ends, errors in each stage, memory bounds, threads and processes. */
#include "tap.h"

#include <kin/kin.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct item {
	long number;
	char padding[56];
};

/* Lies in shared memory where persistent process workers are to see it. */
struct plan {
	long count, fail_at[3]; // in produce, transform, consume; -1: never
	_Atomic long produced, consumed, transformed, in_flight, most_in_flight, killed;
	long kill_at;
	int order_is_right;
	bool ended; // the producer must not be called any more
};

static int produce(void *item, void *arg)
{
	struct plan *plan = arg;
	long number = plan->produced;
	if (plan->ended)
		plan->order_is_right = 0;
	plan->ended = number == plan->fail_at[0] || number == plan->count;
	if (plan->ended)
		return number == plan->fail_at[0] ? -EIO : 0;
	((struct item *)item)->number = number;
	plan->produced++;
	long now = ++plan->in_flight;
	if (now > plan->most_in_flight)
		plan->most_in_flight = now;
	return 1;
}

static int transform(const void *item, void *result, void *arg)
{
	struct plan *plan = arg;
	const struct item *in = item;
	if (in->number == plan->kill_at && atomic_exchange(&plan->killed, 1) == 0)
		kill(getpid(), SIGKILL);
	if (in->number == plan->fail_at[1])
		return 77;
	*(long *)result = in->number * 3 + 1;
	plan->transformed++;
	return 0;
}

static int consume(const void *result, void *arg)
{
	struct plan *plan = arg;
	long number = plan->consumed;
	if (number == plan->fail_at[2])
		return 88;
	plan->order_is_right &= *(const long *)result == number * 3 + 1;
	plan->consumed++;
	plan->in_flight--;
	return 0;
}

static int run(struct kin_pool *pool, struct plan *plan, long count, long produce_fails, long transform_fails,
	long consume_fails, size_t ahead)
{
	memset(plan, 0, sizeof *plan);
	plan->count = count;
	plan->fail_at[0] = produce_fails;
	plan->fail_at[1] = transform_fails;
	plan->fail_at[2] = consume_fails;
	plan->kill_at = -1;
	plan->order_is_right = 1;
	return kin_pipeline(pool, &(struct kin_pipeline){ .item_size = sizeof(struct item),
					  .result_size = sizeof(long),
					  .produce = produce,
					  .transform = transform,
					  .consume = consume,
					  .arg = plan,
					  .ahead = ahead });
}

static void test_ends(struct kin_pool *pool, struct plan *plan, const char *words)
{
	static const long counts[] = { 0, 1, 2, 3, 63, 64, 65, 1000, 20000 };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		int result = run(pool, plan, counts[i], -1, -1, -1, 0);
		tap_ok(result == 0 && plan->consumed == counts[i] && plan->order_is_right,
			"%s: %ld items, in order", words, counts[i]);
	}
	for (size_t ahead = 1; ahead < 50; ahead += ahead < 8 ? 1 : 7) {
		int result = run(pool, plan, 500, -1, -1, -1, ahead);
		tap_ok(result == 0 && plan->consumed == 500 && plan->order_is_right &&
				plan->most_in_flight <= (long)ahead,
			"%s: at most %zu ahead, were %ld", words, ahead, plan->most_in_flight);
	}
}

static void test_errors(struct kin_pool *pool, struct plan *plan, const char *words)
{
	static const long places[] = { 0, 1, 5, 100, 999 };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		long at = places[i];
		int result = run(pool, plan, 1000, at, -1, -1, 0);
		tap_ok(result == -EIO && plan->consumed == at && plan->order_is_right,
			"%s: the producer fails at %ld", words, at);
		result = run(pool, plan, 1000, -1, at, -1, 0);
		tap_ok(result == 77 && plan->consumed == at && plan->order_is_right,
			"%s: a transform fails at %ld", words, at);
		result = run(pool, plan, 1000, -1, -1, at, 0);
		tap_ok(result == 88 && plan->consumed == at && plan->order_is_right,
			"%s: the consumer fails at %ld", words, at);
	}
	int result = run(pool, plan, 1000, 150, -1, 120, 0);
	tap_ok(result == 88 && plan->consumed == 120, "%s: the consumer before the producer", words);
	result = run(pool, plan, 1000, -1, 110, 120, 0);
	tap_ok(result == 77 && plan->consumed == 110, "%s: the transform before the consumer", words);
	result = run(pool, plan, 1000, 300, 200, -1, 0);
	tap_ok(result == 77 && plan->consumed == 200, "%s: the first in the order of items counts", words);
	struct kin_control *control;
	kin_control_create(&control);
	kin_cancel(control);
	struct kin_control *before = kin_control_use(control);
	tap_is_int(run(pool, plan, 1000, -1, -1, -1, 0), -ECANCELED, "cancelled");
	kin_control_use(before);
	kin_control_destroy(control);
}

static int nested(size_t begin, size_t end, void *arg)
{
	struct plan plan;
	for (size_t i = begin; i < end; i++)
		if (run(NULL, &plan, 200, -1, -1, -1, 0) != 0 || plan.consumed != 200 || !plan.order_is_right)
			return -EPROTO;
	return 0;
}

/* Wait for what another thread or process is going to do; false: it did not. */
static bool comes(const _Atomic long *value, long least)
{
	for (int i = 0; i < 20000 && atomic_load(value) < least; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return atomic_load(value) >= least;
}

/* One kind of run for each thing to look at; in shared memory for processes. */
struct scene {
	long count;
	_Atomic long produced, begun, consumed, alone_in, elsewhere, killed, right;
	_Atomic long entered; // items whose consumption has begun
	bool meets; // each transform waits for the consumer to be at the item before
	long at, forks_at; // the producer forks at forks_at; -1: never
	pid_t process, child;
	pthread_t thread;
	struct kin_control *control;
};

/* Producers and consumers are not called any more in a child that one of them forked. */
static void check_process(const struct scene *scene)
{
	if (getpid() != scene->process)
		_exit(3);
}

static int scene_produce(void *item, void *arg)
{
	struct scene *scene = arg;
	check_process(scene);
	scene->elsewhere += !pthread_equal(pthread_self(), scene->thread);
	if (scene->produced == scene->count)
		return 0;
	if (scene->produced == scene->forks_at) {
		pid_t child = fork();
		if (child == 0)
			return 1;
		scene->child = child;
	}
	*(long *)item = scene->produced++;
	return 1;
}

static int scene_transform(const void *item, void *result, void *arg)
{
	struct scene *scene = arg;
	long number = *(const long *)item;
	scene->begun++;
	scene->elsewhere += !pthread_equal(pthread_self(), scene->thread);
	scene->alone_in += getpid() == scene->process;
	if (number == scene->at && scene->control)
		kin_cancel(scene->control);
	if (number == scene->killed)
		_exit(1);
	if (scene->meets && !comes(&scene->entered, number))
		return -ETIME;
	*(long *)result = number;
	return 0;
}

static int scene_consume(const void *result, void *arg)
{
	struct scene *scene = arg;
	check_process(scene);
	scene->right &=
		*(const long *)result == scene->consumed && pthread_equal(pthread_self(), scene->thread);
	scene->consumed++;
	return 0;
}

static int run_scene(struct kin_pool *pool, struct scene *scene, long count, kin_consume *take, size_t ahead)
{
	scene->count = count;
	scene->produced = scene->begun = scene->consumed = scene->alone_in = scene->elsewhere = 0;
	scene->process = getpid();
	scene->thread = pthread_self();
	scene->right = 1;
	return kin_pipeline(pool, &(struct kin_pipeline){ .item_size = sizeof(long),
					  .result_size = sizeof(long),
					  .produce = scene_produce,
					  .transform = scene_transform,
					  .consume = take,
					  .arg = scene,
					  .ahead = ahead });
}

static long at_most(long number, long limit)
{
	return number < limit ? number : limit;
}

/* With one item in a batch: the next item is being transformed, and the one after it made. */
static int wait_for_others(const void *result, void *arg)
{
	struct scene *scene = arg;
	long number = *(const long *)result;
	scene->entered = number + 1;
	scene->right &= comes(&scene->begun, at_most(number + 2, scene->count));
	scene->right &= comes(&scene->produced, at_most(number + 3, scene->count));
	return scene->right ? scene_consume(result, arg) : -ETIME;
}

static int cancel_at_100(const void *result, void *arg)
{
	struct scene *scene = arg;
	if (*(const long *)result == 100)
		kin_cancel(scene->control);
	return scene_consume(result, arg);
}

static int fork_at_50(const void *result, void *arg)
{
	struct scene *scene = arg;
	if (*(const long *)result == 50) {
		pid_t child = fork();
		if (child == 0)
			return 0;
		scene->child = child;
	}
	return scene_consume(result, arg);
}

static void test_control(struct kin_pool *pool, struct scene *scene, const char *words)
{
	kin_control_create(&scene->control);
	struct kin_control *before = kin_control_use(scene->control);
	scene->at = -1;
	int result = run_scene(pool, scene, 1000000000, cancel_at_100, 0);
	tap_ok(result == -ECANCELED && scene->consumed == 101 && scene->right,
		"%s: cancelled by the consumer", words);
	kin_control_reset(scene->control);
	scene->at = 500;
	result = run_scene(pool, scene, 1000000000, scene_consume, 0);
	tap_ok(result == -ECANCELED && scene->consumed <= 500 && scene->right, "%s: cancelled by a transform",
		words);
	kin_control_reset(scene->control);
	kin_control_set_deadline(scene->control, 20000000);
	scene->at = -1;
	result = run_scene(pool, scene, 1000000000, scene_consume, 0);
	tap_ok(result == -ETIMEDOUT && scene->right, "%s: a deadline ends what has no end", words);
	kin_control_use(before);
	kin_control_destroy(scene->control);
	scene->control = NULL;
}

static void test_child(struct kin_pool *pool, struct scene *scene, const char *words)
{
	pid_t self = getpid();
	scene->child = 0;
	int result = run_scene(pool, scene, 1000, fork_at_50, 0);
	if (getpid() != self)
		_exit(result == -ECHILD ? 7 : 1);
	int status = 0;
	waitpid(scene->child, &status, 0);
	tap_ok(result == 0 && scene->consumed == 1000, "%s: the consumer forks, the parent goes on", words);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 7, "%s: and the child cannot", words);

	/* Who runs the producer differs from time to time. */
	bool right = true;
	for (int i = 0; i < 10; i++) {
		scene->forks_at = 300 + i;
		result = run_scene(pool, scene, 1000, scene_consume, 0);
		if (getpid() != self)
			_exit(result == -ECHILD ? 0 : 1);
		scene->forks_at = -1;
		waitpid(scene->child, &status, 0);
		right &= result == 0 && scene->consumed == 1000 && scene->right && status == 0;
	}
	tap_ok(right, "%s: the producer forks, the child does nothing any more", words);
}

static void test_scenes(struct kin_pool *pool, struct scene *scene, const char *words)
{
	*scene = (struct scene){ .at = -1, .forks_at = -1, .killed = -1 };
	scene->meets = true;
	int result = run_scene(pool, scene, 40, wait_for_others, 3);
	scene->meets = false;
	tap_ok(result == 0 && scene->consumed == 40, "%s: three stages at the same time", words);
	result = run_scene(pool, scene, 1000, scene_consume, 0);
	tap_ok(result == 0 && scene->right, "%s: produced in this process, consumed in this thread", words);
	result = run_scene(pool, scene, 1000, NULL, 0);
	tap_ok(result == 0 && scene->begun == 1000, "%s: no consumer", words);
	test_control(pool, scene, words);
	test_child(pool, scene, words);
}

static void test_process_scenes(struct kin_pool *pool)
{
	struct scene *scene;
	if (!tap_ok(kin_shared_alloc((void **)&scene, sizeof *scene) == 0, "a shared scene"))
		return;
	test_scenes(pool, scene, "processes");
	int result = run_scene(pool, scene, 1000, scene_consume, 0);
	tap_ok(result == 0 && scene->alone_in == 0, "no transform in the caller");
	result = run_scene(pool, scene, 100, scene_consume, 1);
	tap_ok(result == 0 && scene->alone_in == 0 && scene->begun == 100, "not even one at a time");
	scene->killed = 321;
	result = run_scene(pool, scene, 1000, scene_consume, 0);
	struct kin_crash crash = { 0 };
	tap_ok(result == -EOWNERDEAD && scene->consumed <= 321 && scene->right,
		"a transform that kills every worker");
	tap_ok(kin_pool_last_crash(pool, &crash) == 0 && crash.begin == 321 && crash.end == 322,
		"and which one it was");
	scene->killed = -1;
	tap_is_int(run_scene(pool, scene, 100, scene_consume, 0), 0, "the pool lives on");
	kin_shared_free(scene);
}

static void test_thread_scenes(void)
{
	struct kin_pool *pool;
	struct scene scene = { .at = -1, .forks_at = -1, .killed = -1 };
	kin_pool_create(&pool, &(struct kin_pool_options){ .workers = 1 });
	int result = run_scene(pool, &scene, 1000, scene_consume, 0);
	struct kin_pool_stats stats;
	kin_pool_stats(pool, &stats, sizeof stats);
	tap_ok(result == 0 && scene.right && scene.elsewhere == 0 && stats.jobs == 0,
		"one worker: all in the calling thread");
	test_control(pool, &scene, "one worker");
	test_child(pool, &scene, "one worker");
	kin_pool_destroy(pool);
	kin_pool_create(&pool, &(struct kin_pool_options){ .workers = 3 });
	test_scenes(pool, &scene, "threads");
	kin_pool_destroy(pool);
}

static int nested_in_process(size_t begin, size_t end, void *arg)
{
	struct scene scene = { .at = -1, .forks_at = -1, .killed = -1 };
	_Atomic long *done = arg;
	for (size_t i = begin; i < end; i++) {
		int result = run_scene(NULL, &scene, 200, scene_consume, 0);
		if (result || scene.consumed != 200 || !scene.right || scene.elsewhere)
			return -EPROTO;
		done[i] = 1;
	}
	return 0;
}

static void test_threads(void)
{
	for (unsigned workers = 1; workers <= 4; workers++) {
		struct kin_pool *pool;
		struct plan plan;
		char words[32];
		snprintf(words, sizeof words, "%u threads", workers);
		kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers });
		test_ends(pool, &plan, words);
		test_errors(pool, &plan, words);
		tap_is_int(kin_for(pool, 0, 8, 1, nested, NULL), 0, "inside bodies");
		kin_pool_destroy(pool);
	}
}

static void test_processes(void)
{
	struct kin_pool *pool;
	struct plan *plan;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .kind = KIN_PROCESSES, .workers = 2 }) < 0) {
		tap_skip("processes", "none can be had");
		return;
	}
	tap_is_int(kin_shared_alloc((void **)&plan, sizeof *plan), 0, "shared memory");
	test_ends(pool, plan, "processes");
	test_errors(pool, plan, "processes");
	memset(plan, 0, sizeof *plan);
	*plan = (struct plan){
		.count = 1000, .fail_at = { -1, -1, -1 }, .kill_at = 321, .order_is_right = 1
	};
	int result = kin_pipeline(pool, &(struct kin_pipeline){ .item_size = sizeof(struct item),
						.result_size = sizeof(long),
						.produce = produce,
						.transform = transform,
						.consume = consume,
						.arg = plan });
	tap_ok(result == 0 && plan->consumed == 1000 && plan->order_is_right && plan->killed,
		"a worker dies in a transform, and nothing is missing");
	struct plan own;
	result = run(pool, &own, 100, -1, -1, -1, 0);
	tap_ok(result == 0 && own.consumed == 100 && own.order_is_right,
		"workers forked for it, as arg is private");
	kin_shared_free(plan);
	test_process_scenes(pool);
	_Atomic long *done;
	kin_shared_alloc((void **)&done, 8 * sizeof *done);
	tap_is_int(kin_for(pool, 0, 8, 1, nested_in_process, done), 0, "inside bodies in processes");
	tap_ok(done[0] && done[7], "which ran");
	kin_shared_free(done);
	kin_pool_destroy(pool);
}

static int count_items(const void *result, void *arg)
{
	struct plan *plan = arg;
	plan->order_is_right &= ((const struct item *)result)->number == plan->consumed;
	plan->consumed++;
	return 0;
}

static int make_two(void *item, void *arg)
{
	struct plan *plan = arg;
	return plan->produced == 2 ? 2 : produce(item, arg);
}

static void test_options(void)
{
	struct plan plan = { .count = 100, .fail_at = { -1, -1, -1 }, .order_is_right = 1 };
	struct kin_pipeline line = {
		.item_size = sizeof(struct item), .produce = produce, .consume = count_items, .arg = &plan
	};
	tap_ok(kin_pipeline(NULL, &line) == 0 && plan.consumed == 100 && plan.order_is_right, "no transform");
	plan = (struct plan){ .count = 5, .fail_at = { -1, -1, -1 } };
	line.produce = make_two;
	tap_ok(kin_pipeline(NULL, &line) == -EINVAL && plan.consumed == 2, "a producer that returns 2");
	line.produce = produce;
	line.item_size = SIZE_MAX / 2;
	tap_is_int(kin_pipeline(NULL, &line), -ENOMEM, "items too large");
	line.item_size = 0;
	tap_is_int(kin_pipeline(NULL, &line), -EINVAL, "items of no size");
	line.item_size = 8;
	line.transform = transform;
	tap_is_int(kin_pipeline(NULL, &line), -EINVAL, "results of no size");
	line.produce = NULL;
	tap_is_int(kin_pipeline(NULL, &line), -EINVAL, "no producer");
	tap_is_int(kin_pipeline(NULL, NULL), -EINVAL, "no pipeline");
}

int main(void)
{
	alarm(300);
	test_options();
	test_threads();
	test_processes();
	test_thread_scenes();
	return tap_done();
}
