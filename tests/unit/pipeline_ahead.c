/* Reading ahead: order, bounds, ends, waiting, busy workers, forks. */
#include "tap.h"

#include <kin/kin.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct plan {
	long count, fail_at; // -1: never
	_Atomic long produced;
};

/* Wait for what another thread or process is going to do; false: it did not. */
static bool comes(const _Atomic long *value, long least)
{
	for (int i = 0; i < 20000 && atomic_load(value) < least; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return atomic_load(value) >= least;
}

static int count_up(void *item, void *arg)
{
	struct plan *plan = arg;
	long number = plan->produced;
	if (number == plan->fail_at)
		return -EIO;
	if (number == plan->count)
		return 0;
	*(long *)item = number;
	plan->produced++;
	return 1;
}

static void test_ahead(struct kin_pool *pool, size_t room, int64_t timeout_ns)
{
	struct plan plan = { .count = 3000, .fail_at = -1 };
	struct kin_ahead *ahead;
	if (!tap_ok(kin_ahead_create(&ahead, pool, sizeof(long), room, count_up, &plan) == 0,
		    "read %zu ahead", room))
		return;
	long number, expected = 0;
	int result;
	bool right = true, bounded = true;
	while ((result = kin_ahead_next(ahead, &number, timeout_ns)) == 1) {
		right &= number == expected++;
		bounded &= plan.produced - expected <= (long)room;
	}
	tap_ok(result == 0 && expected == 3000 && right, "every item, in order");
	tap_ok(bounded, "and never further");
	tap_is_int(kin_ahead_next(ahead, &number, timeout_ns), 0, "the end remains");
	kin_ahead_destroy(ahead);

	plan = (struct plan){ .count = 3000, .fail_at = 10 };
	kin_ahead_create(&ahead, pool, sizeof(long), room, count_up, &plan);
	for (expected = 0; (result = kin_ahead_next(ahead, &number, timeout_ns)) == 1; expected++)
		continue;
	tap_ok(result == -EIO && expected == 10, "a producer that fails after 10");
	kin_ahead_destroy(ahead);

	plan = (struct plan){ .count = 1000000000, .fail_at = -1 };
	kin_ahead_create(&ahead, pool, sizeof(long), room, count_up, &plan);
	kin_ahead_next(ahead, &number, timeout_ns);
	kin_ahead_destroy(ahead);
	long produced = plan.produced;
	tap_ok(produced <= (long)room + 1, "destroyed early");
}

/* A producer that waits until it may go on. */
struct gate {
	_Atomic long begun, made, open;
	struct kin_control *control;
};

static int pass(void *item, void *arg)
{
	struct gate *gate = arg;
	gate->begun++;
	if (!comes(&gate->open, 1))
		return -ETIME;
	*(double *)item = (double)gate->made++;
	return 1;
}

static int hold_worker(void *arg, void *result)
{
	struct gate *gate = arg;
	gate->begun++;
	return comes(&gate->open, 1) ? 0 : -ETIME;
}

static void *cancel_later(void *arg)
{
	struct gate *gate = arg;
	kin_cancel(gate->control);
	return NULL;
}

static void test_waiting(struct kin_pool *pool)
{
	struct gate gate = { 0 };
	struct kin_ahead *ahead;
	double number = -1;
	kin_ahead_create(&ahead, pool, sizeof number, 3, pass, &gate);
	tap_ok(comes(&gate.begun, 1), "produced though nobody pulls");
	tap_is_int(kin_ahead_next(ahead, &number, 0), -ETIMEDOUT, "only a look");
	tap_is_int(kin_ahead_next(ahead, &number, 2000000), -ETIMEDOUT, "a wait with a limit");
	kin_control_create(&gate.control);
	struct kin_control *before = kin_control_use(gate.control);
	pthread_t thread;
	pthread_create(&thread, NULL, cancel_later, &gate);
	tap_is_int(kin_ahead_next(ahead, &number, -1), -ECANCELED, "cancelled while it waits");
	pthread_join(thread, NULL);
	kin_control_use(before);
	kin_control_destroy(gate.control);
	tap_ok(number == -1, "and nothing was written");
	gate.open = 1;
	tap_ok(kin_ahead_next(ahead, &number, -1) == 1 && number == 0, "then it comes");
	tap_ok(comes(&gate.made, 3), "and the ring is filled");
	pid_t child = fork();
	if (child == 0) {
		int result = kin_ahead_next(ahead, &number, -1);
		kin_ahead_destroy(ahead);
		_exit(result == -ECHILD ? 7 : 1);
	}
	int status = 0;
	waitpid(child, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 7, "a forked child does not read on");
	kin_ahead_destroy(ahead);
}

/* While the worker is busy the caller produces; afterwards it reads ahead again. */
static void test_busy(void)
{
	struct gate gate = { .open = 1 }, held = { 0 };
	struct kin_pool *pool;
	struct kin_job *job;
	struct kin_ahead *ahead;
	double number;
	kin_pool_create(&pool, &(struct kin_pool_options){ .workers = 2 });
	kin_submit(pool, hold_worker, &held, NULL, &job);
	tap_ok(comes(&held.begun, 1), "a worker is held");
	kin_ahead_create(&ahead, pool, sizeof number, 8, pass, &gate);
	for (int i = 0; i < 5; i++)
		tap_ok(kin_ahead_next(ahead, &number, -1) == 1 && number == i, "item %d by the caller", i);
	tap_is_int(gate.made, 5, "and no further");
	held.open = 1;
	tap_ok(comes(&gate.made, 13), "read ahead again");
	kin_wait(job, -1);
	kin_job_destroy(job);
	kin_ahead_destroy(ahead);
	kin_pool_destroy(pool);
}

/* Tells whether it is in a call; would take 20 seconds to fill the ring. */
static int stay_inside(void *item, void *arg)
{
	struct gate *gate = arg;
	gate->open = 1;
	gate->begun++;
	nanosleep(&(struct timespec){ .tv_nsec = gate->begun == 5 ? 50000000 : 1000000 }, NULL);
	*(double *)item = (double)gate->made++;
	gate->open = 0;
	return 1;
}

static void test_destroy(struct kin_pool *pool)
{
	struct gate gate = { 0 };
	struct kin_ahead *ahead;
	if (!tap_ok(kin_ahead_create(&ahead, pool, sizeof(double), 20000, stay_inside, &gate) == 0,
		    "far ahead"))
		return;
	tap_ok(comes(&gate.begun, 5), "reading");
	kin_ahead_destroy(ahead);
	tap_is_int(gate.open, 0, "destroyed after the producer's call");
	tap_ok(gate.made < 20000, "and long before it had read all");
}

/* The child that the producer forks neither produces nor hangs, whoever runs the producer. */
struct forker {
	_Atomic long made, fork_at;
	pid_t process, child;
};

static int fork_once(void *item, void *arg)
{
	struct forker *forker = arg;
	if (getpid() != forker->process)
		_exit(3);
	if (forker->made == forker->fork_at) {
		pid_t child = fork();
		if (child == 0)
			return 1;
		forker->child = child;
	}
	if (forker->made == 200)
		return 0;
	*(long *)item = forker->made++;
	return 1;
}

static void test_forking_producer(struct kin_pool *pool)
{
	bool right = true;
	for (int i = 0; i < 20; i++) {
		struct forker forker = { .fork_at = i * 7, .process = getpid() };
		struct kin_ahead *ahead;
		long number, expected = 0;
		int result, status = 1;
		if (kin_ahead_create(&ahead, pool, sizeof number, 4, fork_once, &forker) < 0) {
			right = false;
			break;
		}
		while ((result = kin_ahead_next(ahead, &number, i % 2 ? -1 : INT64_C(100000000000))) == 1) {
			if (getpid() != forker.process)
				_exit(4);
			right &= number == expected++;
		}
		kin_ahead_destroy(ahead);
		if (getpid() != forker.process)
			_exit(result == -ECHILD ? 0 : 1);
		waitpid(forker.child, &status, 0);
		right &= result == 0 && expected == 200 && status == 0;
	}
	tap_ok(right, "a producer that forks");
}

static int return_two(void *item, void *arg)
{
	return 2;
}

int main(void)
{
	alarm(300);
	for (unsigned workers = 1; workers <= 3; workers++)
		for (size_t room = 1; room < 100; room = room * 4 + 1) {
			struct kin_pool *pool;
			kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers });
			test_ahead(pool, room, -1);
			test_ahead(pool, room, INT64_C(100000000000));
			kin_pool_destroy(pool);
		}
	test_busy();
	struct kin_pool *two;
	kin_pool_create(&two, &(struct kin_pool_options){ .workers = 2 });
	test_waiting(two);
	test_forking_producer(two);
	test_destroy(two);
	kin_pool_destroy(two);
	if (kin_pool_create(&two, &(struct kin_pool_options){ .kind = KIN_PROCESSES, .workers = 1 }) == 0) {
		test_ahead(two, 8, -1);
		test_waiting(two);
		kin_pool_destroy(two);
	}
	struct kin_ahead *ahead = NULL;
	long item;
	kin_ahead_create(&ahead, NULL, sizeof item, 4, return_two, NULL);
	tap_is_int(kin_ahead_next(ahead, &item, -1), -EINVAL, "a producer that returns 2");
	kin_ahead_destroy(ahead);
	ahead = NULL;
	tap_is_int(kin_ahead_create(&ahead, NULL, 0, 1, count_up, NULL), -EINVAL, "items of no size");
	tap_is_int(kin_ahead_create(&ahead, NULL, 1, 0, count_up, NULL), -EINVAL, "no room");
	tap_is_int(kin_ahead_create(&ahead, NULL, 1, 1, NULL, NULL), -EINVAL, "no producer");
	kin_ahead_destroy(NULL);
	return tap_done();
}
