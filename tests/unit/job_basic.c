/*
 * Jobs on threads: results, waiting, order, jobs after jobs, cancelling, the end of a pool. Nested ones are in
 * job_nested.c.
 */
#include <kin/control.h>
#include <kin/job.h>

#include "engine.h"

#include <poll.h>
#include <pthread.h>

static struct kin_pool *make(unsigned workers)
{
	struct kin_pool *pool = NULL;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers }) < 0) {
		tap_ok(false, "a pool");
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

static struct kin_job *submit_after(
	struct kin_pool *pool, kin_job_fn *fn, void *arg, struct kin_job *const *after, size_t count)
{
	return submit(pool, fn, arg, &(struct kin_job_options){ .after = after, .after_count = count });
}

/* --- functions of jobs --- */

static int give_long(void *arg, void *result)
{
	*(long *)result = (long)(intptr_t)arg;
	return 0;
}

static int give_value(void *arg, void *result)
{
	(void)result;
	return (int)(intptr_t)arg;
}

static int add_one(void *arg, void *result)
{
	(void)result;
	atomic_fetch_add((_Atomic int *)arg, 1);
	return 0;
}

/* A job that is there until it is let go. */
struct gate {
	_Atomic int entered, open;
};

static int pass_gate(void *arg, void *result)
{
	struct gate *gate = arg;
	(void)result;
	atomic_fetch_add(&gate->entered, 1);
	while (!atomic_load(&gate->open))
		engine_nap(1);
	return 0;
}

static bool is_readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	return poll(&polled, 1, 0) == 1 && polled.revents == POLLIN;
}

/* --- one job --- */

static void test_results(struct kin_pool *pool)
{
	struct kin_job_options options = { .size = sizeof options, .result_size = sizeof(long) };
	struct kin_job *job = submit(pool, give_long, (void *)7, &options);
	tap_is_int(kin_wait(job, -1), 0, "a job is waited for");
	const long *result = kin_job_result(job);
	tap_ok(result && *result == 7, "its result");
	tap_is_int(kin_wait(job, -1), 0, "it can be waited for again");
	tap_is_int(kin_wait(job, 0), 0, "and looked at");
	tap_is_int(kin_job_state(job), KIN_JOB_ENDED, "it has ended");
	tap_is_int(kin_job_cancel(job), -EALREADY, "and cannot be cancelled any more");
	kin_job_destroy(job);
	job = submit(pool, give_value, (void *)(intptr_t)-EIO, &options);
	tap_is_int(kin_wait(job, -1), -EIO, "what its function returned");
	tap_ok(kin_job_result(job) == NULL, "a failed one has no result");
	kin_job_destroy(job);
	job = submit(pool, give_value, (void *)42, NULL);
	tap_is_int(kin_wait(job, -1), 42, "a positive value");
	kin_job_destroy(job);
	job = submit(pool, give_value, NULL, NULL);
	tap_ok(kin_wait(job, -1) == 0 && kin_job_result(job) == NULL, "a job without result");
	kin_job_destroy(job);
	kin_job_destroy(NULL);
}

static void test_bad_options(struct kin_pool *pool)
{
	struct kin_job *job = (struct kin_job *)&job, *const before = job;
	tap_is_int(kin_submit(pool, NULL, NULL, NULL, &job), -EINVAL, "no function");
	struct kin_job_options options = { .size = sizeof options + 1 };
	tap_is_int(kin_submit(pool, give_value, NULL, &options, &job), -EINVAL, "options of another version");
	options = (struct kin_job_options){ .after_count = 1 };
	tap_is_int(kin_submit(pool, give_value, NULL, &options, &job), -EINVAL, "after what?");
	options.after = (struct kin_job *[]){ NULL };
	tap_is_int(kin_submit(pool, give_value, NULL, &options, &job), -EINVAL, "after NULL");
	options = (struct kin_job_options){ .result_size = SIZE_MAX };
	tap_is_int(kin_submit(pool, give_value, NULL, &options, &job), -ENOMEM, "too large a result");
	struct kin_pool *other = make(1);
	struct kin_job *elsewhere = submit(other, give_value, NULL, NULL);
	options = (struct kin_job_options){ .after = &elsewhere, .after_count = 1 };
	tap_is_int(
		kin_submit(pool, give_value, NULL, &options, &job), -EINVAL, "after a job of another pool");
	tap_ok(job == before, "the handle is untouched");
	kin_wait(elsewhere, -1);
	kin_job_destroy(elsewhere);
	kin_pool_destroy(other);
	size_t index = 99;
	tap_is_int(kin_wait_any(NULL, 0, 0, &index), -EINVAL, "any of none");
	tap_is_int(kin_wait_any((struct kin_job *[]){ NULL, NULL }, 2, -1, &index), -EINVAL, "any of NULLs");
	tap_is_int(index, 99, "the index is untouched");
	tap_is_int(kin_wait_all(NULL, 0, -1), 0, "all of none");
	tap_is_int(kin_wait_all((struct kin_job *[]){ NULL }, 1, -1), 0, "all of NULLs");
}

static void test_timeouts(struct kin_pool *pool)
{
	struct gate gate = { 0 };
	struct kin_job *jobs[3] = { submit(pool, pass_gate, &gate, NULL), NULL };
	engine_await(&gate.entered, 1);
	jobs[2] = submit_after(pool, give_value, (void *)3, jobs, 1);
	size_t index = 99;
	tap_is_int(kin_wait(jobs[0], 0), -ETIMEDOUT, "a running job is looked at");
	tap_is_int(kin_wait(jobs[0], 1000000), -ETIMEDOUT, "and waited for, for a millisecond");
	tap_is_int(kin_wait(jobs[2], 1000000), -ETIMEDOUT, "one behind it too");
	tap_is_int(kin_wait_any(jobs, 3, 1000000, &index), -ETIMEDOUT, "any");
	tap_is_int(kin_wait_all(jobs, 3, 1000000), -ETIMEDOUT, "all");
	tap_is_int(kin_pool_drain(pool, 1000000), -ETIMEDOUT, "drain");
	tap_is_int(kin_job_state(jobs[0]), KIN_JOB_RUNNING, "it runs");
	tap_is_int(kin_job_state(jobs[2]), KIN_JOB_WAITING, "the other waits");
	tap_is_int(kin_job_cancel(jobs[0]), -EBUSY, "a running job cannot be cancelled");
	tap_ok(!kin_job_result(jobs[0]), "nor has it a result");
	int fds[2] = { kin_job_descriptor(jobs[0]), kin_job_descriptor(jobs[2]) };
	tap_ok(fds[0] >= 0 && fds[1] >= 0 && !is_readable(fds[0]) && !is_readable(fds[1]),
		"not readable yet");
	tap_is_int(kin_job_descriptor(jobs[0]), fds[0], "the same descriptor");
	atomic_store(&gate.open, 1);
	tap_is_int(kin_wait_all(jobs, 3, -1), 3, "all have ended, one with 3");
	tap_ok(is_readable(fds[0]) && is_readable(fds[1]), "readable");
	tap_ok(is_readable(fds[0]), "and still");
	tap_is_int(kin_wait_any(jobs, 3, 0, &index), 0, "any, at once");
	tap_is_int(index, 0, "the lowest");
	tap_is_int(kin_wait(jobs[2], INT64_MAX), 3, "a limit far away");
	kin_job_destroy(jobs[0]);
	kin_job_destroy(jobs[2]);
	struct kin_job *ended = submit(pool, give_value, NULL, NULL);
	kin_wait(ended, -1);
	tap_ok(is_readable(kin_job_descriptor(ended)), "a descriptor of a job that has ended");
	kin_job_destroy(ended);
}

static void test_any(struct kin_pool *pool)
{
	struct gate gates[3] = { 0 };
	struct kin_job *jobs[5] = { NULL };
	for (int i = 0; i < 2; i++)
		jobs[2 * i + 1] = submit(pool, pass_gate, &gates[i], NULL);
	for (int i = 0; i < 2; i++)
		engine_await(&gates[i].entered, 1);
	atomic_store(&gates[1].open, 1);
	size_t index = 99;
	tap_is_int(kin_wait_any(jobs, 5, -1, &index), 0, "one of two ends");
	tap_is_int(index, 3, "the second");
	atomic_store(&gates[0].open, 1);
	tap_is_int(kin_wait_all(jobs, 5, -1), 0, "both end");
	tap_is_int(kin_wait_any(jobs, 5, -1, &index), 0, "of two that ended");
	tap_is_int(index, 1, "the first");
	kin_job_destroy(jobs[1]);
	kin_job_destroy(jobs[3]);
}

/* --- order --- */

struct order {
	_Atomic int count;
	int numbers[16];
};

struct entry {
	struct order *order;
	int number;
};

static int note_order(void *arg, void *result)
{
	struct entry *entry = arg;
	(void)result;
	entry->order->numbers[atomic_fetch_add(&entry->order->count, 1)] = entry->number;
	return 0;
}

static void test_priorities(void)
{
	static const int priorities[] = { 0, KIN_PRIORITY_LOW, 5, KIN_PRIORITY_HIGH, 5, INT32_MIN, INT32_MAX,
		0 };
	static const int expected[] = { 6, 3, 2, 4, 0, 7, 1, 5 };
	enum { COUNT = 8 };
	struct kin_pool *pool = make(1);
	struct gate gate = { 0 };
	struct order order = { 0 };
	struct entry entries[COUNT];
	kin_submit(pool, pass_gate, &gate, NULL, NULL);
	engine_await(&gate.entered, 1);
	for (int i = 0; i < COUNT; i++) {
		entries[i] = (struct entry){ &order, i };
		kin_submit(pool, note_order, &entries[i],
			&(struct kin_job_options){ .priority = priorities[i] }, NULL);
	}
	atomic_store(&gate.open, 1);
	engine_await(&order.count, COUNT);
	tap_ok(memcmp(order.numbers, expected, sizeof expected) == 0,
		"priorities, and the order of submission");
	tap_is_int(kin_pool_drain(pool, -1), 0, "drained");
	kin_pool_destroy(pool);
}

static void test_nobody_waits(void)
{
	struct kin_pool *pool = make(1);
	_Atomic int count = 0;
	struct kin_job *job = submit(pool, add_one, &count, NULL);
	struct pollfd polled = { .fd = kin_job_descriptor(job), .events = POLLIN };
	tap_is_int(poll(&polled, 1, -1), 1, "one worker, and nobody waits: the job runs");
	tap_is_int(count, 1, "once");
	kin_job_destroy(job);
	kin_submit(pool, add_one, &count, NULL, NULL);
	engine_await(&count, 2);
	tap_is_int(count, 2, "also if nobody has its handle");
	kin_pool_destroy(pool);
}

/* --- jobs after jobs --- */

struct step {
	_Atomic long *sum;
	long times, plus;
};

static int do_arithmetic(void *arg, void *result)
{
	struct step *step = arg;
	(void)result;
	atomic_store(step->sum, atomic_load(step->sum) * step->times + step->plus);
	return 0;
}

static void test_chain(struct kin_pool *pool)
{
	_Atomic long sum = 1;
	struct step steps[12];
	long expected = 1;
	struct kin_job *last = NULL;
	struct gate gate = { 0 };
	struct kin_job *first = submit(pool, pass_gate, &gate, NULL);
	for (long i = 0; i < 12; i++) {
		steps[i] = (struct step){ &sum, 3, i };
		expected = expected * 3 + i;
		struct kin_job *next = submit_after(pool, do_arithmetic, &steps[i], last ? &last : &first, 1);
		kin_job_destroy(last);
		last = next;
	}
	atomic_store(&gate.open, 1);
	tap_is_int(kin_wait(last, -1), 0, "a chain of jobs");
	tap_is_int(sum, expected, "in order");
	kin_job_destroy(first);
	kin_job_destroy(last);
}

static void test_diamond(struct kin_pool *pool)
{
	_Atomic int middle = 0;
	for (int failing = 0; failing < 3; failing++) {
		struct gate gate = { 0 };
		struct kin_job *top = submit(pool, pass_gate, &gate, NULL), *sides[4];
		atomic_store(&middle, 0);
		for (int i = 0; i < 3; i++)
			sides[i] = failing == 1 && i == 1 ? submit_after(pool, give_value, (void *)9, &top, 1)
							  : submit_after(pool, add_one, &middle, &top, 1);
		sides[3] = sides[0]; // named twice
		struct kin_job *bottom = submit_after(pool, add_one, &middle, sides, 4);
		if (failing == 2)
			tap_is_int(kin_job_cancel(sides[2]), 0, "one side is cancelled");
		atomic_store(&gate.open, 1);
		tap_is_int(kin_wait(bottom, -1), failing ? -ECANCELED : 0, "the bottom of a diamond");
		kin_wait_all(sides, 3, -1);
		tap_is_int(middle, failing ? 2 : 4, "what ran");
		tap_is_int(kin_wait(sides[1], -1), failing == 1 ? 9 : 0, "the value of a side");
		kin_job_destroy(top);
		for (int i = 0; i < 3; i++)
			kin_job_destroy(sides[i]);
		kin_job_destroy(bottom);
	}
}

static void test_failed_twice(struct kin_pool *pool)
{
	struct gate gate = { 0 };
	struct kin_job *first = submit(pool, pass_gate, &gate, NULL);
	struct kin_job *fails = submit_after(pool, give_value, (void *)1, &first, 1);
	struct kin_job *twice[3] = { fails, fails, fails };
	struct kin_job *last = submit_after(pool, give_value, NULL, twice, 3);
	struct kin_job *behind =
		submit_after(pool, give_value, NULL, (struct kin_job *[]){ last, fails, last }, 3);
	atomic_store(&gate.open, 1);
	tap_is_int(kin_wait(behind, -1), -ECANCELED, "a job that waits three times for one that fails");
	tap_is_int(kin_wait(last, -1), -ECANCELED, "and the one before");
	struct kin_job *late = submit_after(pool, give_value, NULL, &fails, 1);
	tap_is_int(kin_wait(late, 0), -ECANCELED, "after one that has failed already");
	tap_is_int(kin_job_state(late), KIN_JOB_ENDED, "it has ended");
	struct kin_job *good = submit_after(pool, give_value, NULL, &first, 1);
	tap_is_int(kin_wait(good, -1), 0, "after one that has ended well");
	struct kin_job *all[] = { first, fails, last, behind, late, good };
	for (int i = 0; i < 6; i++)
		kin_job_destroy(all[i]);
}

static void test_long_chain(struct kin_pool *pool)
{
	enum { LONG = 10000 };
	for (int good = 0; good < 2; good++) {
		struct gate gate = { 0 };
		_Atomic int count = 0;
		struct kin_job *first = submit(pool, pass_gate, &gate, NULL);
		struct kin_job *last = submit_after(pool, give_value, (void *)(intptr_t)!good, &first, 1);
		kin_job_destroy(first);
		for (int i = 0; i < LONG; i++) {
			struct kin_job *next = submit_after(pool, add_one, &count, &last, 1);
			kin_job_destroy(last);
			last = next;
		}
		atomic_store(&gate.open, 1);
		tap_is_int(kin_wait(last, -1), good ? 0 : -ECANCELED, "the end of a chain of 10,000");
		tap_is_int(count, good ? LONG : 0, "what ran of it");
		kin_job_destroy(last);
	}
}

/* Layers, each job after all of the layer before: there are 3^40 ways through them. */
static void test_layers(struct kin_pool *pool)
{
	enum { LAYERS = 40, WIDTH = 3 };
	struct gate gate = { 0 };
	_Atomic int count = 0;
	struct kin_job *layer[WIDTH], *before[WIDTH];
	for (int i = 0; i < WIDTH; i++)
		before[i] = submit(pool, pass_gate, &gate, NULL);
	for (int depth = 0; depth < LAYERS; depth++) {
		for (int i = 0; i < WIDTH; i++)
			layer[i] = submit_after(pool, add_one, &count, before, WIDTH);
		for (int i = 0; i < WIDTH; i++)
			kin_job_destroy(before[i]);
		memcpy(before, layer, sizeof before);
	}
	engine_await(&gate.entered, 1);
	struct kin_job *opener;
	opener = submit_after(pool, give_value, NULL, NULL, 0);
	atomic_store(&gate.open, 1);
	tap_is_int(kin_wait_all(layer, WIDTH, -1), 0, "layers of jobs");
	tap_is_int(count, LAYERS * WIDTH, "all ran");
	for (int i = 0; i < WIDTH; i++)
		kin_job_destroy(layer[i]);
	kin_wait(opener, -1);
	kin_job_destroy(opener);
}

/* A waiter finds nothing to do in the layers, as their first jobs run elsewhere; it must not search for ever. */
static void *open_when_waited(void *arg)
{
	engine_nap(20);
	atomic_store(&((struct gate *)arg)->open, 1);
	return NULL;
}

static void test_blocked_layers(void)
{
	enum { LAYERS = 40, WIDTH = 3 };
	struct kin_pool *pool = make(WIDTH + 1);
	struct gate gate = { 0 };
	struct kin_job *layers[LAYERS + 1][WIDTH];
	for (int i = 0; i < WIDTH; i++)
		layers[0][i] = submit(pool, pass_gate, &gate, NULL);
	engine_await(&gate.entered, WIDTH);
	for (int depth = 1; depth <= LAYERS; depth++)
		for (int i = 0; i < WIDTH; i++)
			layers[depth][i] = submit_after(pool, give_value, NULL, layers[depth - 1], WIDTH);
	pthread_t opener;
	pthread_create(&opener, NULL, open_when_waited, &gate);
	tap_is_int(kin_wait(layers[LAYERS][0], -1), 0, "layers behind jobs that run");
	pthread_join(opener, NULL);
	for (int i = 0; i < (LAYERS + 1) * WIDTH; i++)
		kin_job_destroy(layers[i / WIDTH][i % WIDTH]);
	kin_pool_destroy(pool);
}

/* --- cancelling, ending --- */

static void test_cancel(void)
{
	struct kin_pool *pool = make(1);
	struct gate gate = { 0 };
	_Atomic int count = 0;
	struct kin_job *runs = submit(pool, pass_gate, &gate, NULL);
	engine_await(&gate.entered, 1);
	struct kin_job *waits = submit(pool, add_one, &count, NULL);
	struct kin_job *behind = submit_after(pool, add_one, &count, &waits, 1);
	struct kin_job *last = submit_after(pool, add_one, &count, &behind, 1);
	int fd = kin_job_descriptor(last);
	tap_is_int(kin_job_cancel(waits), 0, "a waiting job is cancelled");
	tap_is_int(kin_wait(waits, 0), -ECANCELED, "it has ended");
	tap_is_int(kin_job_cancel(waits), -EALREADY, "once");
	tap_is_int(kin_wait(behind, 0), -ECANCELED, "with those that wait for it");
	tap_ok(is_readable(fd) && kin_wait(last, 0) == -ECANCELED, "and those that wait for them");
	struct kin_control *control = NULL;
	kin_control_create(&control);
	struct kin_control *before = kin_control_use(control);
	struct kin_job *under = submit(pool, add_one, &count, NULL);
	kin_control_use(before);
	kin_cancel(control);
	atomic_store(&gate.open, 1);
	tap_is_int(kin_wait(under, -1), -ECANCELED, "a job under a control that was cancelled");
	tap_is_int(count, 0, "none of them ran");
	struct kin_job *all[] = { runs, waits, behind, last, under };
	kin_wait_all(all, 5, -1);
	for (int i = 0; i < 5; i++)
		kin_job_destroy(all[i]);
	kin_control_destroy(control);
	kin_pool_destroy(pool);
}

static void *open_later(void *arg)
{
	engine_nap(5);
	atomic_store(&((struct gate *)arg)->open, 1);
	return NULL;
}

static void test_pool_ends(void)
{
	for (unsigned workers = 1; workers <= 3; workers++) {
		struct kin_pool *pool = make(workers);
		struct gate gate = { 0 };
		_Atomic int count = 0;
		struct kin_job *jobs[20], *runs = submit(pool, pass_gate, &gate, NULL);
		engine_await(&gate.entered, 1);
		jobs[0] = submit_after(pool, add_one, &count, &runs, 1);
		for (int i = 1; i < 20; i++)
			jobs[i] = submit_after(pool, add_one, &count, jobs, 1);
		int fd = kin_job_descriptor(jobs[19]);
		pthread_t opener;
		pthread_create(&opener, NULL, open_later, &gate);
		kin_pool_destroy(pool);
		pthread_join(opener, NULL);
		tap_is_int(kin_wait(runs, 0), 0, "the pool's end waits for a job that runs");
		int wrong = 0;
		for (int i = 0; i < 20; i++) {
			int value = kin_wait(jobs[i], -1);
			wrong += value != -ECANCELED && value != 0;
			wrong += kin_job_state(jobs[i]) != KIN_JOB_ENDED;
		}
		tap_ok(wrong == 0 && is_readable(fd), "and ends the others; their handles outlive the pool");
		tap_ok(kin_job_descriptor(jobs[3]) >= 0 && is_readable(kin_job_descriptor(jobs[3])),
			"with a descriptor");
		for (int i = 0; i < 20; i++)
			kin_job_destroy(jobs[i]);
		kin_job_destroy(runs);
	}
}

static void test_stop(struct kin_pool *pool)
{
	struct gate gate = { 0 };
	_Atomic int count = 0;
	struct kin_job *runs = submit(pool, pass_gate, &gate, NULL);
	engine_await(&gate.entered, 1);
	struct kin_job *waits = submit_after(pool, add_one, &count, &runs, 1);
	struct kin_job *gone = submit_after(pool, add_one, &count, &waits, 1);
	kin_job_destroy(gone); // before its end
	pthread_t opener;
	pthread_create(&opener, NULL, open_later, &gate);
	tap_is_int(kin_pool_stop(pool), 0, "stopped");
	pthread_join(opener, NULL);
	tap_is_int(kin_wait(runs, 0), 0, "what ran has ended");
	tap_ok(kin_wait(waits, 0) != -ETIMEDOUT, "what waited has ended");
	kin_job_destroy(runs);
	kin_job_destroy(waits);
	atomic_store(&count, 0);
	for (int i = 0; i < 100; i++)
		kin_submit(pool, add_one, &count, NULL, NULL);
	tap_is_int(kin_pool_drain(pool, -1), 0, "the pool is used again, and drained");
	tap_is_int(count, 100, "all jobs ran");
}

static int drain_inside(void *arg, void *result)
{
	struct kin_pool *pool = arg;
	(void)result;
	return kin_pool_drain(pool, -1) == -EDEADLK && kin_pool_stop(pool) == -EDEADLK &&
	       kin_pool_resize(pool, 1) == -EBUSY;
}

struct self {
	struct kin_job *_Atomic job;
};

static int wait_for_self(void *arg, void *result)
{
	struct self *self = arg;
	(void)result;
	struct kin_job *job;
	while (!(job = atomic_load(&self->job)))
		engine_nap(1);
	return kin_wait(job, -1);
}

static void test_deadlocks(struct kin_pool *pool)
{
	struct kin_job *job = submit(pool, drain_inside, pool, NULL);
	tap_is_int(kin_wait(job, -1), 1, "a job cannot drain, stop or resize its own pool");
	kin_job_destroy(job);
	struct self self = { NULL };
	job = submit(pool, wait_for_self, &self, NULL);
	atomic_store(&self.job, job);
	tap_is_int(kin_wait(job, -1), -EDEADLK, "a job cannot wait for itself");
	kin_job_destroy(job);
}

int main(void)
{
	engine_begin();
	struct kin_pool *pool = make(3);
	test_results(pool);
	test_bad_options(pool);
	test_timeouts(pool);
	test_any(pool);
	test_priorities();
	test_nobody_waits();
	test_chain(pool);
	test_diamond(pool);
	test_failed_twice(pool);
	test_long_chain(pool);
	test_layers(pool);
	test_blocked_layers();
	test_cancel();
	test_pool_ends();
	test_stop(pool);
	test_deadlocks(pool);
	kin_pool_destroy(pool);
	return tap_done();
}
